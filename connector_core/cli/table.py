"""Records on a terminal: a table of the first columns that fit, printed page by page.

The first page decides on the columns and their widths, so that nothing has to be held back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connector_core.cli.output import json_line
from connector_core.exceptions import one_line

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["RecordTable"]

_WIDEST = 40
_GAP = 2


class RecordTable:
    """A table that grows with every page."""

    def __init__(self, console: Console | None = None) -> None:
        if console is None:
            from rich.console import Console

            console = Console(highlight=False)
        self._console = console
        self._columns: dict[str, int] = {}
        self.left_out: list[str] = []
        """The fields that found no room."""

    def add(self, records: Sequence[dict[str, Any]]) -> None:
        """Prints a page of records."""
        from rich.table import Table
        from rich.text import Text

        if not records:
            return
        heading = not self._columns
        if heading:
            self._choose(records)
        table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=heading, header_style="bold")
        for name, width in self._columns.items():
            table.add_column(Text(one_line(name)), width=width, no_wrap=True, overflow="ellipsis")
        for record in records:
            table.add_row(*(Text(_cell(record.get(name))) for name in self._columns))
        self._console.print(table)

    def _choose(self, records: Sequence[dict[str, Any]]) -> None:
        from rich.cells import cell_len

        room = self._console.width
        for name in dict.fromkeys(name for record in records for name in record):
            cells = [one_line(name), *(_cell(record.get(name)) for record in records)]
            width = min(max(map(cell_len, cells)), _WIDEST)
            if self._columns and (self.left_out or width + _GAP > room):
                self.left_out.append(name)
            else:
                self._columns[name] = max(1, min(width, room - _GAP))
                room -= width + _GAP


def _cell(value: Any) -> str:
    """A value as it is read; what is nested as JSON."""
    match value:
        case None:
            return ""
        case str():
            return one_line(value[: _WIDEST * 4])
        case bool() | dict() | list():
            return one_line(json_line(value).decode()[: _WIDEST * 4].rstrip("\n"))
        case _:
            return str(value)
