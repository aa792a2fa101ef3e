"""One run over the pages of an endpoint, or of one partition: what is asked for, what it means, and what follows.

Nothing here knows who waits for the pages, and in which order they are asked for; that is read's.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from msgspec.structs import replace

from connector_core.decode import UndecodableError
from connector_core.engine.cache import answer
from connector_core.engine.call import Answered, answer_scope, decoded
from connector_core.engine.connection import Connection
from connector_core.engine.facts import prepare
from connector_core.engine.failures import undecodable
from connector_core.engine.pages import Page, Record
from connector_core.engine.pieces import START, Place, portions
from connector_core.engine.records import judged, located, place_of, transformed
from connector_core.engine.wire import UNSENDABLE
from connector_core.events import (
    AnswerRepaired,
    Event,
    PageRead,
    PaginationMissing,
    PartitionFinished,
    ReadFinished,
    ReadStarted,
    RecordsMissing,
)
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.for_each import Partition
from connector_core.http import Request, Spooled
from connector_core.pagination import Answer, Stop
from connector_core.plan import Plan
from connector_core.response import as_objects

__all__ = ["MORE", "Piece", "Reading"]

Piece = tuple["Page | None", Any, "Answer | None"]
MORE: Any = object()
"""Stands for a further page of the same answer."""


def _glimpse(record: Record) -> tuple[Any, ...]:
    """Something of a record that costs nothing: where it is not the same, the records are not."""
    return tuple([value for value in islice(record.values(), 3) if not isinstance(value, (dict, list))])


class Reading:
    """One run over the pages of an endpoint, or of one of its partitions."""

    def __init__(self, connection: Connection, plan: Plan, position: Any, partition: Partition) -> None:
        self._connection, self._plan, self._position = connection, plan, position
        self._partition = partition
        self._key = partition.key or None
        self._scope = {**connection.names(plan), **partition.names}
        self._request: Request | None = None
        self._changes = 0
        """How many of the referred secrets had become others when that was composed."""
        self._seen: set[Any] = set()
        self._last_body = b""
        self._last_ends: Any = None
        self._count = self._records = self._answers = 0

    def _composed(self, position: Any) -> Request:
        names = {**self._scope, "page": self._plan.pagination.names(position)}
        return self._partition.placed(self._plan.compose(names))

    def _asked(self, position: Any) -> Request:
        """The request for one page, with what the secrets are now."""
        plan, referred = self._plan, self._connection.referred
        changes = 0 if referred is None else referred.changes
        if self._request is None or plan.reads_page or changes != self._changes:
            self._request = replace(self._composed(position), spools=plan.stream is not None)
            self._changes = changes
        return plan.pagination.at(self._request, position)

    async def fetch(self, position: Any) -> Answered:
        """The answer for one page."""
        plan = self._plan
        if plan.captures or self._connection.referred is not None:
            await prepare(self._connection, plan)
        why = self._why(position) if self._connection.effects.listeners else ""
        try:
            return await answer(self._connection, plan, lambda: self._asked(position), self._scope, why)
        except ConfigError as error:
            if position is None or error.code not in UNSENDABLE:
                raise
            raise ResponseError(
                f"what the service sends for the next page can't be sent: {error.what}",
                where=f"{plan.connector}.{plan.endpoint}, page at {self._short(position)}",
                hint="compare pagination with the service's documentation",
                code="pagination.token",
            ) from None

    def _why(self, position: Any) -> str:
        page = "first page" if position is None else f"page at {self._short(position)}"
        return page if self._key is None else f"{page} for {self._short(json.dumps(self._key))[1:-1]}"

    def page(self, answered: Answered) -> Page:
        """The page of an endpoint that has one answer, which is not in a file."""
        [(page, _following, _answer)] = self.pages(START, answered)
        assert page is not None  # noqa: S101 - nothing is passed over
        return page

    def pages(self, place: Place, answered: Answered) -> Iterator[Piece]:
        """The pages that an answer holds: one, or several where it is in a file.

        Each with what follows it (MORE: a further one of this answer), and how pagination saw the answer. None stands
        for records that are passed over.
        """
        if self._count == 0 and self._key is None:
            self._announce(ReadStarted)
        self._answers += 1
        spool = answered.response.spool
        if answered.outcome.then != "ok":
            following: Any = self._ended_by(answered)
            yield self._page([], place, following, 0), following, None
        elif spool is not None:
            yield from self._pieces(place, answered, spool)
        else:
            body = decoded(self._connection, self._plan, answered)
            rows, keys = self._found(body), self._plan.keys(body)
            answer = self._answer(place.position, answered, body, len(rows), rows[-1] if rows else None)
            following = self._follow(answer, answered, rows)
            if place.after:
                self._check_reached(place, len(rows))
                rows, keys = rows[place.after :], keys and keys[place.after :]
            yield self._page(self._handed_out(rows, keys), place, following, len(rows)), following, answer

    def _pieces(self, place: Place, answered: Answered, spool: Spooled) -> Iterator[Piece]:
        """The pages of an answer that is in a file."""
        assert self._plan.stream is not None  # noqa: S101 - else it would not be in one
        stream, count, last = self._plan.stream(), 0, None
        try:
            for items, ended in portions(stream, spool):
                rows = as_objects(items)
                if ended:
                    if stream.repair:
                        self._announce(AnswerRepaired, repair=stream.repair)
                    rows = rows + self._found(stream.rest)
                last = copy.deepcopy(rows[-1]) if rows else last  # whoever is handed a record may change it
                before, count = count, count + len(rows)
                rows = rows[max(place.after - before, 0) :]
                here = Place(place.position, max(before, place.after))
                if ended:
                    self._check_reached(place, count)
                    answer = self._answer(place.position, answered, stream.rest, count, last)
                    following = self._follow(answer, answered, rows)
                    yield self._page(self._handed_out(rows, None), here, following, len(rows)), following, answer
                elif rows:
                    then = Place(place.position, count)
                    yield self._page(self._handed_out(rows, None), here, then.written, len(rows)), MORE, None
                else:
                    yield None, MORE, None
        except UndecodableError as error:
            raise undecodable(self._connection, self._plan, answered.response, str(error)) from None
        finally:
            spool.close()

    def _check_reached(self, place: Place, count: int) -> None:
        """Raises where the answer ends before the place where the reading is to go on."""
        if place.after > count:
            raise located(
                self._plan,
                self._count + 1,
                f"the answer has {count} records now, and the reading was to go on after {place.after}",
                hint="read it again from an earlier position",
                code="position.changed",
            )

    def _page(self, rows: list[Record], place: Place, following: Any, received: int) -> Page:
        self._count += 1
        self._records += len(rows)
        about = {"page": self._count, "records": len(rows), "received": received, "partition": self._key}
        self._announce(PageRead, **about)
        if isinstance(following, Stop):
            self._finished(following.reason)
        following = None if isinstance(following, Stop) else following
        return Page(rows, place.written, following, self._count, self._key)

    def _finished(self, reason: str) -> None:
        totals: dict[str, Any] = {"pages": self._count, "records": self._records, "reason": reason}
        if self._key is None:
            self._announce(ReadFinished, **totals)
        else:
            self._announce(PartitionFinished, partition=self._key, **totals)

    def _found(self, body: Any) -> list[Record]:
        try:
            rows = self._plan.rows(body)
        except ResponseError as error:
            raise self._located(error) from None
        if rows is None:
            self._announce(RecordsMissing, address=str(self._plan.records))
        return rows or []

    def _handed_out(self, rows: list[Record], keys: list[str | None] | None) -> list[Record]:
        """The records as they are handed out; what the spec does not declare is not done."""
        plan = self._plan
        if plan.keep is not None:
            rows = plan.keep(rows, self._scope, keys)
        if (prepare := self._connection.plugins.prepare_page) is not None:
            rows = prepare(connector=plan.connector, endpoint=plan.endpoint, records=rows)
        if plan.transform is not None:
            rows = transformed(plan, rows, self._scope, page=self._count + 1)
        if plan.judge is not None:
            rows = judged(self._connection, plan, rows, page=self._count + 1)
        return rows

    def _ended_by(self, answered: Answered) -> Stop:
        rule = f"a rule for status {answered.response.status} says {answered.outcome.then}"
        if answered.outcome.then == "skip" and self._count:
            raise ResponseError(
                f"{rule}, on page {self._count + 1}",
                where=f"{self._plan.connector}.{self._plan.endpoint}",
                hint="skip is for something that isn't there at all; to end a reading in its midst, say stop",
                code="skip.midway",
            )
        return Stop(rule)

    def _answer(self, position: Any, answered: Answered, body: Any, count: int, last: Record | None) -> Answer:
        scope = answer_scope(answered.response, body)
        if last is not None:
            scope["record"] = last
        return Answer(position, answered.response.request.url, count, scope)

    def _follow(self, answer: Answer, answered: Answered, rows: list[Record]) -> Any:
        if answer.position is None:
            for key, address in self._plan.pagination.unfound(answer):
                self._announce(PaginationMissing, key=key, address=str(address))
        if self._plan.pagination.counts:
            self._guard_against_repetition(answered, rows, any_at_all=answer.count > 0)
        try:
            following = self._plan.pagination.next(answer)
        except ResponseError as error:
            raise self._located(error) from None
        if not isinstance(following, Stop):
            self._guard(following)
        return following

    def _guard(self, following: Any) -> None:
        """Raises where the pages run in a circle."""
        mark = json.dumps(following, sort_keys=True) if isinstance(following, dict) else following
        if mark in self._seen or following == self._position:
            raise ResponseError(
                f"the service repeats itself: it sends {self._short(following)} for what follows, "
                "which was asked for already",
                where=self._where, hint="compare pagination.take and put with the service's documentation",
                code="pagination.loop",
            )  # fmt: skip
        if not self._plan.pagination.counts:
            self._seen.add(mark)

    def _guard_against_repetition(self, answered: Answered, rows: list[Record], *, any_at_all: bool) -> None:
        """Raises where a page holds the records of the one before, whatever else stands in its answer."""
        spool, before, before_ends = answered.response.spool, self._last_body, self._last_ends
        content = answered.response.content if spool is None else spool.digest
        ends = (len(rows), _glimpse(rows[0]), _glimpse(rows[-1])) if spool is None and len(rows) > 1 else None
        self._last_body, self._last_ends = content, ends
        same = any_at_all and content == before
        if not same and ends is not None and ends == before_ends:
            same = self._plan.rows(self._plan.decode(before)[0]) == rows
        if same:
            raise ResponseError(
                "this page is the same as the one before: the service takes no notice of the page asked for",
                where=self._where,
                hint="compare pagination.put with the service's documentation",
                code="pagination.loop",
            )

    @property
    def _where(self) -> str:
        return place_of(self._plan, self._count + 1)

    def _located(self, error: ResponseError) -> ResponseError:
        what = self._connection.quote(error.what)
        return located(self._plan, self._count + 1, what, hint=error.hint, code=error.code)

    @property
    def full(self) -> bool:
        """Whether there are as many pages as the spec allows."""
        return self._answers >= self._plan.pagination.max_pages

    def too_many(self) -> ResponseError:
        """The error for a page beyond them."""
        return ResponseError(
            f"there are more than {self._plan.pagination.max_pages} pages",
            where=self._where,
            hint="raise pagination.max_pages if that is right",
            code="pagination.max_pages",
        )

    def _announce(self, event: type[Event], **about: Any) -> None:
        self._connection.announce(event, self._plan.endpoint, **about)

    def _short(self, position: Any) -> str:
        """A position as it may be shown: a link without its query, and without what a service repeats of a secret."""
        return _short(self._connection.quote(str(position).partition("?")[0]))


def _short(text: str) -> str:
    text = repr(text)
    return text if len(text) <= 60 else f"{text[:57]}…'"  # noqa: PLR2004 - a line's worth
