"""Kinds where the client counts: page numbers and offsets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from connector_core.address import AnswerPath, Put
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.http import Request
from connector_core.pagination.family import Answer, Pagination, Served, Size, Stop, more
from connector_core.pagination.provider import asked_number, asked_size, flagged, told
from connector_core.template import Flag, Reads

__all__ = ["Offset", "PageNumber"]


class Numbered(Pagination):
    """What page numbers and offsets share: they end by a total, a flag, an empty page, or a short one."""

    counts: ClassVar[bool] = True
    size: Size | None = None
    """How many records a page has; a shorter page is the last where nothing else tells the end."""
    total: AnswerPath | None = None
    """Where the answer says how many records there are in all; needs `size`."""
    has_more: Annotated[Flag, Reads("pagination")] | None = None
    """A condition that is true while further pages follow."""

    @model_validator(mode="after")
    def _total_needs_size(self) -> Self:
        if self.total is not None and self.size is None:
            raise ValueError("'total' counts records: say how many a page has, as size: {value: …}")
        return self

    def unfound(self, answer: Answer) -> Iterator[tuple[str, AnswerPath]]:
        """The count that tells the end; null and -1 are a service's way to say that it did not count."""
        key = "total" if getattr(self, "pages", None) is None else "pages"
        path: AnswerPath | None = getattr(self, key)
        nothing = path is not None and _count(path, answer) is None and path.take(answer.scope) not in (None, -1)
        if path is not None and nothing and answer.count:
            yield key, path

    def _sized(self, request: Request) -> Request:
        return self.size.put.put(request, self.size.value) if self.size and self.size.put else request

    def _end(self, answer: Answer, done: int, told: tuple[AnswerPath | None, int]) -> Stop | None:
        """Why this page is the last, or None.

        `done` lie behind of the count at the address in `told`, whose other half is how many records a full page has.
        """
        path, full = told
        last = _count(path, answer)
        if last is not None and done >= last:
            return Stop(f"{path} says {last}")
        if self.has_more is not None:
            return None if more(self.has_more, answer) else Stop(f"has_more is false: {self.has_more.source}")
        if answer.count == 0:
            return _emptied(path, last, answer)
        if last is None and answer.count < full:
            return Stop(f"the page is short ({answer.count} of {full} records)")
        return None


class PageNumber(Numbered):
    """Pages are asked for by number.

    A position is the number. Where a `total` is to end the reading and the service sends pages of another size than the
    declared one, it also says of which: `7/50`, the seventh page where a full one has 50 records.

    Example: `pagination: {type: page_number, put: query.page, size: {put: query.per_page, value: 100}}`
    """

    type: Literal["page_number"] = "page_number"
    put: Put | None = Put("query.page")
    """Where the number goes; `null` where a template sends `page.number` itself."""
    first: int = 1
    """The number of the first page."""
    pages: AnswerPath | None = None
    """Where the answer says how many pages there are."""

    def at(self, request: Request, position: Any) -> Request:
        """The first number is sent as well."""
        request = self._sized(request)
        return self.put.put(request, self._number(position)) if self.put else request

    def _number(self, position: Any) -> int:
        return self.first if position is None else _whole(str(position).partition("/")[0], position)

    def _full(self, answer: Answer) -> int:
        """Records on a full page: as declared, until the first page of a known total shows another size."""
        shown = str(answer.position).partition("/")[2]
        known = _whole(shown, answer.position) if shown else self.size.value if self.size else 0
        if _count(self.total, answer) is None:
            return known
        return answer.count if self._number(answer.position) == self.first else max(known, answer.count)

    def _position(self, number: int, full: int) -> Any:
        return number if self.size is None or full == self.size.value else f"{number}/{full}"

    def next(self, answer: Answer) -> Any:
        """The number after this page's."""
        number = self._number(answer.position)
        done = number - self.first + 1
        if self.pages is not None:
            return self._end(answer, done, (self.pages, 0)) or number + 1
        full = self._full(answer)
        return self._end(answer, done * full, (self.total, full)) or self._position(number + 1, full)

    def ahead(self, answer: Answer) -> Iterator[Any]:
        """Every number up to the announced last page."""
        number = self._number(answer.position)
        if self.pages is not None:
            return iter(range(number + 1, self.first + (_count(self.pages, answer) or 0)))
        full, total = self._full(answer), _count(self.total, answer)
        if not total or not answer.count:
            return iter(())
        return (self._position(ahead, full) for ahead in range(number + 1, self.first - (-total // full)))

    def names(self, position: Any) -> dict[str, Any]:
        """`page.number` and `page.size`."""
        return {"number": self._number(position), **({"size": self.size.value} if self.size else {})}

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """Slices by number; past the end there is an empty page."""
        size = asked_size(request, self.size)
        number = asked_number(request, self.put, self.first, least=self.first)
        start = (number - self.first) * size
        more = start + size < len(dataset)
        values = {**told(self.total, len(dataset)), **told(self.pages, -(-len(dataset) // size))}
        return Served(dataset[start : start + size], {**values, **flagged(self.has_more, more)})


class Offset(Numbered):
    """Pages are asked for by how many records to pass over; it advances by the records received.

    Example: `pagination: {type: offset, put: query.offset, size: {put: query.limit, value: 100}, total: body.total}`
    """

    type: Literal["offset"] = "offset"
    put: Put | None = Put("query.offset")
    """Where the offset goes; `null` where a template sends `page.offset` itself."""
    first: int = 0
    """The offset of the first record."""

    def at(self, request: Request, position: Any) -> Request:
        """The first offset is sent as well."""
        request = self._sized(request)
        return self.put.put(request, self._offset(position)) if self.put else request

    def _offset(self, position: Any) -> int:
        return self.first if position is None else _whole(str(position), position)

    def next(self, answer: Answer) -> Any:
        """The offset after the last record received, so that a smaller page than asked for loses nothing."""
        after = self._offset(answer.position) + answer.count
        per_page = self.size.value if self.size else 0
        return self._end(answer, after - self.first, (self.total, per_page)) or after

    def ahead(self, answer: Answer) -> Iterator[Any]:
        """Every offset below the announced total, if this page was as large as asked for."""
        total = _count(self.total, answer)
        if total is None or self.size is None or answer.count != self.size.value:
            return iter(())
        return iter(range(self._offset(answer.position) + self.size.value, self.first + total, self.size.value))

    def names(self, position: Any) -> dict[str, Any]:
        """`page.offset` and `page.size`."""
        return {"offset": self._offset(position), **({"size": self.size.value} if self.size else {})}

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """Slices by offset; past the end there is an empty page."""
        size = asked_size(request, self.size)
        start = asked_number(request, self.put, self.first, least=self.first) - self.first
        more = start + size < len(dataset)
        return Served(dataset[start : start + size], {**told(self.total, len(dataset)), **flagged(self.has_more, more)})


def _emptied(path: AnswerPath | None, last: int | None, answer: Answer) -> Stop:
    """An empty page is the last, unless the answer says that more follows, or is no page at all."""
    if last is not None:
        raise ResponseError(
            f"the page is empty, and {path} says that there is more ({last})",
            hint="if that number is not exact, leave it out of the spec: then an empty page is the end",
            code="pagination.short",
        )
    if path is not None and answer.position is not None:
        raise ResponseError(
            f"the answer has neither records nor {path}: it is no page",
            hint="compare the answer with the spec; an error that comes with status 200 needs a rule under errors",
            code="pagination.short",
        )
    return Stop("the page is empty")


def _count(path: AnswerPath | None, answer: Answer) -> int | None:
    """The number that the answer gives at `path`; None where it gives none, so that other rules decide."""
    found = path.take(answer.scope) if path is not None else None
    if isinstance(found, str) and re.fullmatch(r"[0-9]{1,15}", found):
        return int(found)
    known = isinstance(found, int) and not isinstance(found, bool) and found >= 0  # -1 stands for "not counted"
    return found if known else None


def _whole(text: str, position: Any) -> int:
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    raise ConfigError(
        f"{position!r} is not a position of numbered pages", hint="pass the `following` of a page that was read"
    )
