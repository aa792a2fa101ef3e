"""The kind of GraphQL connections: `pageInfo` says whether more follows, and after what."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from connector_core.address import AnswerPath, Put
from connector_core.exceptions import ResponseError
from connector_core.http import Request
from connector_core.pagination.family import Answer, Pagination, Served, Size, Stop
from connector_core.pagination.provider import asked_number, asked_size

__all__ = ["Relay"]


class Relay(Pagination):
    """A GraphQL connection's `pageInfo` says whether more follows, and after what (GraphQL Cursor Connections).

    Example: `pagination: {type: relay, take: body.data.orders.pageInfo, size: {put: body.variables.first, value: 50}}`
    """

    type: Literal["relay"] = "relay"
    take: AnswerPath
    """Where the connection's `pageInfo` stands, with `hasNextPage` and `endCursor`."""
    put: Put = Put("body.variables.after")
    """Where the cursor goes."""
    size: Size | None = None
    """How many records to ask for."""

    def at(self, request: Request, position: Any) -> Request:
        """The first page has no cursor."""
        if self.size and self.size.put:
            request = self.size.put.put(request, self.size.value)
        return request if position is None else self.put.put(request, position)

    def next(self, answer: Answer) -> Any:
        """The end's cursor, or Stop where `hasNextPage` is false."""
        info = self.take.take(answer.scope)
        if not isinstance(info, Mapping) or not isinstance(info.get("hasNextPage"), bool):
            raise ResponseError(
                f"there is no pageInfo with hasNextPage at {self.take}",
                hint="have the query ask for it: pageInfo { hasNextPage endCursor }",
                code="pagination.page_info",
            )
        if not info["hasNextPage"]:
            return Stop(f"{self.take}.hasNextPage is false")
        cursor = info.get("endCursor")
        if not isinstance(cursor, str) or not cursor:
            raise ResponseError(
                f"{self.take} says that pages follow, but has no endCursor to ask for them with",
                hint="have the query ask for it: pageInfo { hasNextPage endCursor }",
                code="pagination.token_missing",
            )
        return cursor

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """Cursors count records; the end of an empty connection has none."""
        size = asked_size(request, self.size)
        start = asked_number(request, self.put, 0, prefix="end-")
        records = dataset[start : start + size]
        end = start + len(records)
        info = {"hasNextPage": end < len(dataset), "endCursor": f"end-{end}" if records else None}
        return Served(records, {str(self.take): info})
