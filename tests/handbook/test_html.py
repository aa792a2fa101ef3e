"""The HTML page: it works by itself, and for everybody."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from connector_core.handbook import in_html
from connector_core.handbook.content import Diagram
from connector_core.handbook.drawing import drawn
from connector_core.load import available, load
from tests.handbook.reading import HTML, page

NAMES = sorted(available())
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", NAMES)
def test_it_fetches_nothing(name):
    """There is no script, no picture, no font and no style from anywhere, and the page's own policy forbids them."""
    text = in_html(load(name))
    root = page(text)
    assert {element.tag for element in root.iter()} & {
        f"{HTML}{tag}" for tag in ("script", "img", "link", "iframe")
    } == (set())
    assert not re.search(r"@import|url\((?!#)", text)
    assert [element for element in root.iter() if "src" in element.attrib or "style" in element.attrib] == []
    [policy] = [element.attrib["content"] for element in root.iter() if element.attrib.get("http-equiv")]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_accessible(name):
    """It names its language and title, headings skip no level, tables have captions and heads, the picture a text."""
    root = page(in_html(load(name)))
    assert root.attrib["lang"] == "en"
    assert root.findtext(f"{HTML}head/{HTML}title")
    levels = [int(element.tag[-1]) for element in root.iter() if re.fullmatch(r"\{.*\}h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for table in root.iter(f"{HTML}table"):
        assert table.findtext(f"{HTML}caption")
        heads = table.findall(f"{HTML}thead/{HTML}tr/{HTML}th")
        assert heads
        assert all(head.attrib["scope"] == "col" and head.text for head in heads)
        for row in table.findall(f"{HTML}tbody/{HTML}tr"):
            assert row[0].attrib["scope"] == "row"
            assert len(row) == len(heads)
    [picture] = root.iter(f"{SVG}svg")
    assert picture.attrib["role"] == "img"
    named = picture.attrib["aria-labelledby"].split()
    assert [element.attrib["id"] for element in picture if element.tag in (f"{SVG}title", f"{SVG}desc")] == named
    assert "from Your application" in str(picture.findtext(f"{SVG}desc"))


def test_the_drawing():
    """Nothing stands on anything else, everything is inside, and arrows go the way that data goes."""
    flow = Diagram(app="app", connector="c", service="s" * 99, reads=("a", "b"), calls=("d",), more_calls=3)
    found = drawn(flow)
    boxes = sorted((box.x, box.y, box.x + box.width, box.y + box.height) for box in found.boxes)
    for number, (x1, y1, x2, y2) in enumerate(boxes):
        assert 0 <= x1 < x2 <= found.width
        assert 0 <= y1 < y2 <= found.height
        assert all(x2 <= x or x1 >= far or y2 <= y or y1 >= low for x, y, far, low in boxes[number + 1 :])
    assert [box.label for box in found.boxes[2:]] == ["a", "b", "d", "and 3 more"]
    assert all((arrow.x1 > arrow.x2) == (arrow.kind == "read") for arrow in found.arrows)
    assert len(found.arrows) == 6
    assert flow.summary == (f"a; b from {'s' * 99} through c to app, and d and 3 more from app through c to {'s' * 99}")
