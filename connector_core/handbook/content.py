"""What a page is made of: headings, paragraphs, lists, tables, listings and one diagram, whatever it is written in.

A text in it is data. Whoever writes the page down (`markdown`, `html`) escapes it, so that no spec can bring markup;
what no page may hold at all (control characters, those that turn the direction of text) is taken out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

__all__ = [
    "Block",
    "Diagram",
    "Heading",
    "Items",
    "Listing",
    "Paragraph",
    "Span",
    "Table",
    "Words",
    "clean",
    "clean_lines",
    "code",
    "cut",
    "heading",
    "link",
    "marked",
    "paragraph",
    "said",
    "slug",
    "table",
    "whole",
]


class Span(Struct, frozen=True):
    """A piece of a line."""

    text: str
    kind: Literal["text", "code", "link"] = "text"
    target: str = ""
    """Where a link leads: an address, or `#` and a heading's key; in a page that is whole, its anchor."""


Words = tuple[Span, ...]
"""A line, or a paragraph."""
Said = str | Span | Words | None
"""What becomes words; None and empty text are none."""


class Heading(Struct, frozen=True):
    """The title of what follows; level 1 is the page's own."""

    level: int
    text: str
    key: str = ""
    """The name by which links find it, whatever else bears the same title."""
    anchor: str = ""


class Paragraph(Struct, frozen=True):
    """A paragraph."""

    words: Words


class Items(Struct, frozen=True):
    """A list."""

    items: tuple[Words, ...]
    numbered: bool = False


class Table(Struct, frozen=True):
    """Rows under heads; the first cell of each row is what the row is about."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]


class Listing(Struct, frozen=True):
    """Lines as they are written somewhere else: a command, a part of a spec."""

    text: str
    language: Literal["sh", "yaml", "python", "graphql"]


class Diagram(Struct, frozen=True):
    """How data flows: what is read comes from the service, what is called goes to it."""

    app: str
    connector: str
    service: str
    reads: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    parents: tuple[tuple[int, int], ...] = ()
    """Pairs of reads by their number: the second is read for each record of the first."""
    more_reads: int = 0
    """Reads that are not drawn."""
    more_calls: int = 0
    """Calls that are not drawn."""

    @property
    def summary(self) -> str:
        """The same in a sentence, for whoever cannot see it."""
        parts = [
            f"{'; '.join(names)}{f' and {more} more' if more else ''} {way}"
            for names, more, way in (
                (self.reads, self.more_reads, f"from {self.service} through {self.connector} to {self.app}"),
                (self.calls, self.more_calls, f"from {self.app} through {self.connector} to {self.service}"),
            )
            if names
        ]
        return clean(", and ".join(parts)) or f"{self.connector} stands between {self.app} and {self.service}"


Block = Heading | Paragraph | Items | Table | Listing | Diagram


# ── texts ─────────────────────────────────────────────────────────────────────────────────────────

_TURNING = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_UNSEEN = re.compile(f"[{_TURNING}]")


def clean(text: str) -> str:
    """The text as one line that any page may hold."""
    return " ".join(clean_lines(" ".join(text.split())).split())


def clean_lines(text: str) -> str:
    """The text with its lines, as any page may hold it; what is no text is shown as `�`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", _NO_TEXT.sub("\ufffd", lines))


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


# ── blocks ────────────────────────────────────────────────────────────────────────────────────────


def said(*parts: Said) -> Words:
    """The parts as words."""
    return tuple(_spans(parts))


def _spans(parts: Iterable[Said]) -> Iterator[Span]:
    for part in parts:
        if isinstance(part, str) and part:
            yield Span(_spaced(part))
        elif isinstance(part, Span):
            yield part
        elif isinstance(part, tuple):
            yield from part


def _spaced(text: str) -> str:
    """The text on one line, with the space that parts it from its neighbours."""
    before, after = (" " if text[at].isspace() else "" for at in (0, -1))
    return f"{before}{found}{after}" if (found := clean(text)) else before


def code(text: str) -> Span | str:
    """Something as it is written in a spec or a command."""
    found = clean(text)
    return Span(found, "code") if found else ""


def marked(text: str) -> Words:
    """A docstring's sentence, in which code stands between backticks; nothing that a spec says."""
    return said(*(code(part) if number % 2 else part for number, part in enumerate(text.split("`"))))


def link(text: str, target: str) -> Span:
    """A link; whoever makes it knows that the target is an address or an anchor."""
    return Span(clean(text), "link", target)


def heading(level: int, text: str, key: str = "") -> Heading:
    """A heading, whose anchor is made when the page is whole."""
    return Heading(level, clean(text) or "–", key)


def paragraph(*parts: Said) -> Paragraph:
    """A paragraph."""
    return Paragraph(said(*parts))


def table(caption: str, *head: str, rows: Iterable[Sequence[Said]]) -> Iterator[Table]:
    """A table, or nothing where it would have no rows; a column whose cells are all empty is left out."""
    cells = [[said(cell) for cell in row] for row in rows]
    kept = [at for at in range(len(head)) if any(row[at] for row in cells)]
    if cells:
        yield Table(caption, tuple(head[at] for at in kept), tuple(tuple(row[at] for at in kept) for row in cells))


def slug(title: str) -> str:
    """The anchor that Git hosts give a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-")


def whole(blocks: Iterable[Block]) -> list[Block]:
    """The page: each heading with an anchor of its own, and links to headings that lead to it.

    A second heading of a name gets `-1` as on Git hosts. A link to a heading that is not there is only text.
    """
    anchored = list(_anchored(blocks))
    anchors = {block.key: block.anchor for block in anchored if isinstance(block, Heading) and block.key}
    return [_linked(block, anchors) for block in anchored]


def _anchored(blocks: Iterable[Block]) -> Iterator[Block]:
    taken: dict[str, int] = {}
    for block in blocks:
        if not isinstance(block, Heading):
            yield block
            continue
        name = anchor = slug(block.text) or "section"
        while anchor in taken:
            taken[name] += 1
            anchor = f"{name}-{taken[name]}"
        taken[anchor] = 0
        yield replace(block, anchor=anchor)


def _linked(block: Block, anchors: Mapping[str, str]) -> Block:
    match block:
        case Paragraph():
            return Paragraph(_leading(block.words, anchors))
        case Items():
            return replace(block, items=tuple(_leading(item, anchors) for item in block.items))
        case Table():
            return replace(block, rows=tuple(tuple(_leading(cell, anchors) for cell in row) for row in block.rows))
    return block


def _leading(words: Words, anchors: Mapping[str, str]) -> Words:
    return tuple(_led(span, anchors) if span.target.startswith("#") else span for span in words)


def _led(span: Span, anchors: Mapping[str, str]) -> Span:
    anchor = anchors.get(span.target[1:])
    return replace(span, target=f"#{anchor}") if anchor else Span(span.text)
