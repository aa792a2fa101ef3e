"""The kind where the service hands out a token for what follows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec.structs import replace

from connector_core.address import MISSING, AnswerPath, Put, SpreadPut
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.http import Request
from connector_core.pagination.family import Answer, Pagination, Served, Size, Stop, contradiction, more, tokenless
from connector_core.pagination.provider import asked, asked_number, asked_size, flagged
from connector_core.template import Flag, Reads
from connector_core.template.written import kind_of

__all__ = ["Cursor"]


_PARTS = Put("query.from")
"""What a provider whose token has several parts looks at."""


class Cursor(Pagination):
    """The answer holds a token that asks for the next page.

    Example: `pagination: {type: cursor, take: body.meta.next_cursor, put: query.cursor}`
    """

    type: Literal["cursor"] = "cursor"
    take: AnswerPath
    """Where the token stands: in the body, a header, or the page's last record (`record.id`)."""
    put: SpreadPut = SpreadPut("query.cursor")
    """Where the token goes; `query` alone where it is an object whose values are parameters by their names. A body
    takes objects and lists as they are."""
    size: Size | None = None
    """How many records to ask for."""
    has_more: Annotated[Flag, Reads("pagination")] | None = None
    """A condition that is true while further pages follow; without it the last page is the one without a token."""
    alone: bool = False
    """Later pages are asked for by the token alone, without the endpoint's own query."""

    def at(self, request: Request, position: Any) -> Request:
        """The first page has no token."""
        if position is not None and not self.put.keys and not isinstance(position, dict):
            raise ConfigError(
                f"{position!r} is no position of pages whose token is an object",
                hint="pass the `following` of a page that was read",
            )
        if position is not None and self.alone:
            return self.put.put(replace(request, query=()), position)
        if self.size and self.size.put:
            request = self.size.put.put(request, self.size.value)
        return request if position is None else self.put.put(request, position)

    def next(self, answer: Answer) -> Any:
        """The token, or Stop where there is none or `has_more` is false; never by the length of the page."""
        if self.has_more is not None and not more(self.has_more, answer):
            return Stop(f"has_more is false: {self.has_more.source}")
        token = self.take.take(answer.scope)
        if token is MISSING or token is None or token is False or token == "":
            if self.has_more is not None:
                contradiction(self.take, self.has_more)
            return Stop(f"there is no token at {self.take}")
        if isinstance(token, dict) and token and not self.put.keys:
            return token
        if isinstance(token, (dict, list)) and token and self.put.root == "body":
            return token  # JSON has room for it: DynamoDB's last key, the sort values of Elasticsearch
        if isinstance(token, (dict, list, bool)) or not self.put.keys:
            raise ResponseError(f"{self.take} is not a token but {kind_of(token)}", code="pagination.token")
        return token

    def unfound(self, answer: Answer) -> Iterator[tuple[str, AnswerPath]]:
        """`take`, unless a flag tells the end."""
        return tokenless(self.take, self.size, answer) if self.has_more is None else iter(())

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """Opaque tokens count records; tokens taken from the last record are looked up in the dataset."""
        size = asked_size(request, self.size)
        start = self._start(request, dataset)
        records = dataset[start : start + size]
        more = start + size < len(dataset)
        values = flagged(self.has_more, more)
        if self.take.root != "record":
            follows: Any = f"after-{start + size}"
            if not self.put.keys:
                follows = {"from": follows, "continue": "-||"}
            values |= {str(self.take): follows if more else None}
        return Served(records, values)

    def _start(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> int:
        place = self.put if self.put.keys else _PARTS
        if self.take.root != "record":
            return asked_number(request, place, 0, prefix="after-")
        token = asked(request, place)
        if token is None:
            return 0
        for index, record in enumerate(dataset):
            found: Any = record
            for key in self.take.keys:
                found = found.get(key) if isinstance(found, Mapping) else None
            if str(found) == token:
                return index + 1
        raise ValueError(f"no record has {token!r} at {self.take}; leave {place} out for the first page")
