"""An answer in a file as portions of records, and the positions that stand inside an answer.

Rule: a position inside an answer names the answer's own and the records before it: `{"$page": 3, "$after": 2000}`.
      Whoever goes on there asks for the answer again and passes those over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from connector_core.decode import Stream
from connector_core.exceptions import ConfigError
from connector_core.http import Spooled

__all__ = ["START", "Place", "portions"]

_PORTION = 1024 * 1024
"""Bytes of the body that become one page, and a little more."""
_ITEMS = 5000
"""Records at which a page ends all the same: they may have come packed."""


class Place(Struct, frozen=True):
    """Where a page stands: the position of its answer, and how many of its records come before."""

    position: Any
    after: int = 0

    @classmethod
    def read(cls, position: Any) -> Place:
        """The place that a position stands for; raises ConfigError where it is none."""
        if not isinstance(position, dict) or position.keys().isdisjoint({"$page", "$after"}):
            return cls(position)
        after = position.get("$after")
        if position.keys() != {"$page", "$after"} or type(after) is not int or after < 0:
            raise ConfigError(
                "that is no position inside an answer",
                where=f"position: $after is {after!r}"[:100],
                hint="pass the `following` of a page that was read",
                code="position.invalid",
            )
        return cls(position["$page"], after)

    @property
    def written(self) -> Any:
        """The place as a position, a JSON value."""
        return {"$page": self.position, "$after": self.after} if self.after else self.position


START = Place(None)


def portions(stream: Stream, spool: Spooled) -> Iterator[tuple[list[Any], bool]]:
    """The items of a body, some megabytes of it at a time, and whether they are the last; raises UndecodableError."""
    items: list[Any] = []
    taken = 0
    for chunk in spool.chunks():
        if items and (taken >= _PORTION or len(items) >= _ITEMS):
            yield items, False
            items, taken = [], 0
        items += stream.feed(chunk)
        taken += len(chunk)
    items += stream.close()
    yield items, True
