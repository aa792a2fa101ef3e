"""The kind where the method of an SDK gives an iterator, of which a number of items at a time are one page."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.pagination.family import Answer, Pagination, Served, Stop

__all__ = ["AFTER", "ITERATION", "SIZE", "Iterator"]

ITERATION = "Iteration"
"""The header that names an iterator which is not at its end: in the answer, and in the request for what follows."""
AFTER, SIZE = "Iteration-After", "Iteration-Size"
"""The headers that say which items are asked for: those after so many, and how many of them."""


class Iterator(Pagination):
    """The method gives an iterator, which is never read further than the page that is wanted.

    Example: `pagination: {type: iterator, items: 500}`
    """

    type: Literal["iterator"] = "iterator"
    items: Annotated[int, Field(ge=1, le=10_000)] = 100
    """How many of them are one page."""

    def at(self, request: Request, position: Any) -> Request:
        """The items after those that were read, of the same iterator as long as it is there."""
        request = request.with_header(SIZE, str(self.items))
        if position is None:
            return request
        known = position if isinstance(position, dict) else {}
        iteration, after = known.get("iteration"), known.get("after")
        if not isinstance(iteration, str) or type(after) is not int or after < 1:
            raise ConfigError(
                f"{position!r} is no position in an iterator",
                hint="pass the `following` of a page that was read",
                code="position.invalid",
            )
        return request.with_header(ITERATION, iteration).with_header(AFTER, str(after))

    def next(self, answer: Answer) -> Any:
        """How many items were read, and of which iterator; Stop where the answer names none."""
        iteration = answer.scope["header"].all(ITERATION)
        if not iteration:
            return Stop("the iterator is at its end")
        before = answer.position["after"] if answer.position is not None else 0
        return {"iteration": iteration[0], "after": before + answer.count}

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """As many records as are asked for, after those that were read."""
        sent = {name.lower(): value for name, value in request.headers.items()}
        size, after = sent.get(SIZE.lower(), str(self.items)), sent.get(AFTER.lower(), "0")
        if not (size.isdecimal() and int(size) and after.isdecimal()):
            raise ValueError(f"{SIZE} and {AFTER} must be numbers")
        end = int(after) + int(size)
        more = end < len(dataset)
        return Served(dataset[int(after) : end], {f"header.{ITERATION}": "simulated"} if more else {})
