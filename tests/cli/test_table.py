from __future__ import annotations

import io

from rich.console import Console

from connector_core.cli.table import RecordTable


def table(width: int) -> tuple[RecordTable, io.StringIO]:
    shown = io.StringIO()
    return RecordTable(Console(file=shown, width=width, color_system=None)), shown


def test_pages_share_their_columns():
    """The first page decides on columns and widths; later pages follow without a second heading."""
    records, shown = table(40)
    records.add([{"id": 1, "name": "tea", "tags": ["a", None]}])
    records.add([{"id": 2, "name": "a longer name", "new": True}])
    assert [line.rstrip() for line in shown.getvalue().splitlines()] == [
        "id  name  tags",
        '1   tea   ["a",null]',
        "2   a l…",
    ]


def test_what_does_not_fit():
    """Columns that find no room are left out from the first such on, and named."""
    records, shown = table(20)
    records.add([{"id": 1, "title": "a title that is long", "s": 1}])
    assert records.left_out == ["title", "s"]
    assert "id" in shown.getvalue()


def test_nothing_is_obeyed():
    """A record cannot steer the terminal: no escape, no line break, no markup, no turned direction."""
    records, shown = table(80)
    records.add([{"[red]x": "\x1b[31mred\x07\nnext \u202etxt [bold]b[/bold]", "none": None}])
    heading, row = (line.rstrip() for line in shown.getvalue().splitlines())
    assert heading == "[red]x" + " " * 29 + "none"
    assert row == " [31mred next  txt [bold]b[/bold]"


def test_wide_characters():
    """Widths count cells, not characters."""
    records, shown = table(80)
    records.add([{"a": "茶茶", "b": 1}, {"a": "tea", "b": 2}])
    assert [line.rstrip() for line in shown.getvalue().splitlines()] == ["a     b", "茶茶  1", "tea   2"]


def test_no_records():
    """An empty page shows nothing, and leaves the choice of columns to the next."""
    records, shown = table(80)
    records.add([])
    assert shown.getvalue() == ""
    records.add([{"id": 1}])
    assert shown.getvalue().split() == ["id", "1"]
