"""No text of a spec is markup on its page, whatever stands in it: in Markdown, in HTML, in the diagram."""

# ruff: noqa: E501 - the attacks are listed side by side

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connector_core.exceptions import SpecError
from connector_core.handbook import handbook, in_html, in_markdown
from connector_core.handbook.content import (
    Diagram,
    Listing,
    clean,
    clean_lines,
    code,
    heading,
    link,
    paragraph,
    said,
    table,
)
from connector_core.handbook.html import html
from connector_core.handbook.markdown import escaped, markdown, mermaid
from connector_core.load import load
from tests.handbook.reading import READER, cells, elements, page, shape, tokens

ATTACKS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td></tr></table>", "]]>", "<!--", "&lt;b&gt;", "&#60;",
    "|", "\\|", "\\\\|", "`", "``", "```", "~~~", "\n", "\n\n", "\r", "\t", "    ", "# ", "## ", "- ", "* ", "+ ", "1. ", "2) ",
    "> ", "---", "===", "***", "___", "**", "__", "~~", "_a_", "[a](javascript:alert(1))", "![a](http://x/y.png)", "[a]: b",
    "[^1]", "<http://x.example>", "https://x.example", "www.x.example", "a@b.example", "\\", "\x00", "\x1b[31m", "\u202e",
    "\u2028", "\ud800", "\uffff", '"]; click a "javascript:alert(1)"', "%%", "end", '"', "'", "#quot;", "$x$", "^", "{: .x}",
    "!!! note", ":::", ": a", "=", "a", "é", "漢", "\U0001f600",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(ATTACKS) | st.text(max_size=5), min_size=1, max_size=6).map("".join)


def hostile(text: str, plain: str) -> dict[str, Any]:
    """A spec with the text wherever one may stand; `plain` where braces and quotes have a meaning of their own."""
    described = {"description": text}
    schema = {"a": {"type": "string", "enum": [text], **described}, text: {"type": "object", "properties": {text: {}}}}
    return {
        "connector": "1",
        "name": "hostile",
        "title": text,
        "description": text,
        "config": {"place": {"type": "string", "default": text, "title": text, **described}},
        "secrets": {"key": {**described}},
        "base_url": "https://a.example",
        "auth": {"type": "bearer", "token": "{{ secrets.key }}"},
        "errors": [{"status": 400, "header": {"X-A": text}, "category": "validation", "code": plain, "message": plain}],
        "endpoints": {
            "things": {
                "get": "/things", "records": "body", "description": text, "params": {"q": plain},
                "headers": {"X-A": "a"}, "schema": schema,
            },
            "make": {"post": "/things", "input": {"a": {"default": text, **described}}, "body": {"json": {"a": plain}}},
        },
        "docs": {
            "purpose": text, "account": text, "credentials": [text, text], "scopes": {text: text, "b": text},
            "support": {text: f"see {text}", "Mail": "a@b.example", "Site": "https://a.example/b"},
            "testing": {"account": text, "data": text, "scenarios": [text]},
            "dashboards": {text: "https://a.example/|b(c)[d]"},
            "troubleshooting": [{"problem": text, "cause": text, "answer": text}],
        },
    }  # fmt: skip


def documented(text: str) -> tuple[str, str]:
    plain = re.sub(r"[{}]", "", text) or "a"
    try:
        spec = load(hostile(text, plain))
    except SpecError:
        assume(False)
    return in_markdown(spec), in_html(spec)


MARKDOWN, HTML_PAGE = documented("words")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(TEXTS)
def test_no_text_is_markup(text):
    """A page has the same headings, tables, links and code, whatever the texts of its spec are."""
    assume(clean(text) and clean(re.sub(r"[{}]", "", text)) and text not in ("a", "b", "Mail", "Site"))
    in_md, in_page = documented(text)
    assert shape(in_md) == shape(MARKDOWN)
    assert elements(page(in_page)) == elements(page(HTML_PAGE))
    assert not [token for token in tokens(in_md) if token.type in ("html_block", "html_inline")]


@given(TEXTS)
def test_a_line_shows_its_text(text):
    """What is escaped reads as it was written, on one line, without what no page may hold."""
    found = READER.parse(escaped(text))
    inline = [token for token in found if token.type == "inline"]
    assert "".join(token.content for one in inline for token in one.children or []) == clean(text)
    assert {token.type for one in inline for token in one.children or []} <= {"text", "text_special"}


@given(TEXTS, TEXTS)
def test_cells(one, other):
    """A cell shows its text or its code, and no bar in it ends it."""
    assume(clean(one) and clean(other))
    [_, row] = cells(markdown(table("a table", "a", "b", "c", rows=[["x", one, code(other)]])))
    assert row == ["x", clean(one), clean(other)]


@given(TEXTS, TEXTS)
def test_headings_and_paragraphs(one, other):
    """A heading stays one line, and a paragraph begins nothing else."""
    assume(clean(one) and clean(other))
    written = markdown([heading(3, one), paragraph(one, code(other), link(other, "https://a.example/(b)"))])
    kinds = [token.type for token in READER.parse(written)]
    assert kinds == ["heading_open", "inline", "heading_close", "paragraph_open", "inline", "paragraph_close"]


_LINE = re.compile(
    r'flowchart LR|  end|  subgraph connector\["[\w #;]+"\]|  +\w+\["[\w #;]+"\]'
    r"|  (service|app) -->\|(read|call)\| [rc]\d+ --> (service|app)|  r\d+ -\.->\|for each\| r\d+",
)


@given(TEXTS, TEXTS)
def test_labels(one, other):
    """A label of the diagram is letters, digits, spaces and numbers of characters: no line of it can say more."""
    flow = Diagram(app=one, connector=other, service=one, reads=(one, other), calls=(other,), parents=((0, 1),))
    assert [line for line in mermaid(flow).split("\n") if not _LINE.fullmatch(line)] == []


@pytest.mark.parametrize("target", ["https://a.example/a b", "https://a.example/<|>", "https://a.example/é\\"])
def test_targets(target):
    """A link leads to its address, and to nothing after it."""
    [found] = [token for token in tokens(markdown([paragraph(link("a", target))])) if token.type == "link_open"]
    assert str(found.attrs["href"]).startswith("https://a.example/")
    assert not re.search(r"[\s<>|]", str(found.attrs["href"]))


@given(TEXTS, st.sampled_from(["\n", "\n```\n", "\n~~~\n", "\n````sh\n"]))
def test_listings(text, end):
    """A listing ends where it ends, whatever fences stand in it, and shows its lines."""
    found = READER.parse(markdown([Listing(f"a{end}{text}{end}b", "graphql")]))
    assert [token.type for token in found] == ["fence"]
    assert found[0].content == f"{clean_lines(f'a{end}{text}{end}b')}\n"


def test_only_addresses_are_links():
    """Support and dashboards lead where they say; a script, or an address among words, leads nowhere."""
    contacts = {
        "a": "javascript:alert(1)",
        "b": "see https://a.example",
        "c": "https://a.example",
        "e": "https://a.example and on",
        "d": "x@a.example",
    }
    spec = load(
        {"connector": "1", "name": "a", "docs": {"support": contacts, "purpose": "www.b.example https://b.example"}}
    )
    expected = ["https://a.example", "mailto:x@a.example"]
    assert [link for link in hrefs(in_markdown(spec)) if not link.startswith("#")] == expected
    root = page(in_html(spec))
    targets = [element.attrib["href"] for element in root.iter() if "href" in element.attrib]
    assert [target for target in targets if not target.startswith("#")] == expected
    assert "https://b" not in in_markdown(spec)
    assert "www.b" not in in_markdown(spec)


def hrefs(text: str) -> list[str]:
    return [str(token.attrs["href"]) for token in tokens(text) if token.type == "link_open"]


def test_a_template_is_shown():
    """Braces of a spec are text for the page's own template, too."""
    spec = load({"connector": "1", "name": "a", "docs": {"purpose": "{{ 7 * 7 }}{% raise %}"}})
    assert "{{ 7 * 7 }}{% raise %}" in in_html(spec)
    assert html(handbook(spec), title="{{ title }}").count("<title>{{ title }}</title>") == 1


def test_words_keep_their_spaces():
    """Text, code and links stand beside each other as they were put."""
    assert markdown([paragraph(" a ", code("b"), " c", said(", "), link("d", "#d"), "")]) == "a `b` c, [d](#d)\n"
