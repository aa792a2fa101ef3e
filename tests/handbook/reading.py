"""Pages read back as a stranger reads them: Markdown by a CommonMark parser with tables, HTML by a strict XML one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt
from markdown_it.token import Token

READER = MarkdownIt("commonmark").enable("table")
HTML = "{http://www.w3.org/1999/xhtml}"


def tokens(markdown: str) -> Iterator[Token]:
    """Every token of a page, those within lines too; code in HTML, as in cells with bars, is code."""
    for token in READER.parse(markdown):
        yield token
        inside = 0
        for child in token.children or []:
            if child.type == "html_inline" and child.content == "<code>":
                inside += 1
                yield Token("code_inline", "code", 0)
            elif child.type == "html_inline" and child.content == "</code>":
                inside -= 1
            elif not inside or child.type not in ("text", "text_special"):
                yield child


def shape(markdown: str) -> list[str]:
    """What the page is made of, without its texts: two pages of one shape have the same markup."""
    found = [token.type for token in tokens(markdown) if token.type not in ("text", "text_special")]
    return [kind for number, kind in enumerate(found) if kind != "inline" or number]


def headings(markdown: str) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    read = READER.parse(markdown)
    return [(int(token.tag[1]), text_of(after)) for token, after in pairwise(read) if token.type == "heading_open"]


def text_of(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def anchors(markdown: str) -> list[str]:
    """The anchors that Git hosts give the headings."""
    found: list[str] = []
    for _, text in headings(markdown):
        name = re.sub(r"[^\w -]", "", text.lower()).strip().replace(" ", "-") or "section"
        anchor, more = name, 0
        while anchor in found:
            more += 1
            anchor = f"{name}-{more}"
        found.append(anchor)
    return found


def links(markdown: str) -> list[str]:
    return [str(token.attrs["href"]) for token in tokens(markdown) if token.type == "link_open"]


def cells(markdown: str) -> list[list[str]]:
    """The rows of all tables."""
    rows: list[list[str]] = []
    read = READER.parse(markdown)
    for token, after in pairwise(read):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            rows[-1].append(re.sub("</?code>", "", text_of(after)))
    return rows


def section(markdown: str, title: str) -> str:
    """One of the seven sections."""
    return re.split(r"^## ", markdown, flags=re.MULTILINE)[
        1 + [text for level, text in headings(markdown) if level == 2].index(title)
    ]


def commands(markdown: str) -> list[str]:
    return [line for token in tokens(markdown) if token.info == "sh" for line in token.content.splitlines()]


def page(html: str) -> ET.Element:
    """The page, by a parser that forgives nothing."""
    first, _, rest = html.partition("\n")
    assert first == "<!DOCTYPE html>"
    return ET.fromstring(rest)  # noqa: S314 - our own page


def elements(root: ET.Element) -> list[tuple[str, Any]]:
    """Every element with the names of its attributes."""
    return [(element.tag, sorted(element.attrib)) for element in root.iter()]
