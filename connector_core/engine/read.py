"""Reading an endpoint: page after page, the next one under way while this one is used.

Theory of operation: the iterator that the user holds asks pagination what follows a page as soon as it has that page,
and starts asking for it before it hands the page out. Where the service has announced how many pages there are, some
are asked for ahead, side by side; they are still handed out in order, and `pagination.next` stays the judge of what
follows: a page that was asked for on a wrong guess is dropped.

Rule 1: what is under way never refers to the iterator, so that an iterator which is let go of ends it.
Rule 2: memory is bounded: one decoded page in use, and the declared number of answers, not yet decoded, ahead of it.
Rule 3: an error comes after every page before it, and ends everything under way. A cancelled wait loses nothing: the
        next one asks for the same page again.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from connector_core.engine.call import Answered, answer_scope, decoded, exchange
from connector_core.engine.connection import Connection
from connector_core.engine.facts import prepare
from connector_core.engine.pages import Page, Pages, Record
from connector_core.engine.records import judged, located, place_of, transformed
from connector_core.engine.wire import UNSENDABLE
from connector_core.events import (
    Event,
    PageRead,
    PaginationMissing,
    PartitionFinished,
    ReadFinished,
    ReadStarted,
    RecordsMissing,
)
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.for_each import WHOLE, Partition
from connector_core.http import Request
from connector_core.pagination import Answer, Stop
from connector_core.plan import Plan

__all__ = ["Reading", "Sequence", "let_go"]


# ── one run over the pages ────────────────────────────────────────────────────────────────────────


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
        self._seen: set[Any] = set()
        self._last_body = b""
        self._last_ends: Any = None
        self._count = self._records = 0

    def _composed(self, position: Any) -> Request:
        names = {**self._scope, "page": self._plan.pagination.names(position)}
        return self._partition.placed(self._plan.compose(names))

    async def fetch(self, position: Any) -> Answered:
        """The answer for one page."""
        plan = self._plan
        if plan.captures:
            await prepare(self._connection, plan)
        if (base := self._request) is None or plan.reads_page:
            base = self._request = self._composed(position)
        why = self._why(position) if self._connection.effects.listeners else ""
        try:
            return await exchange(self._connection, plan, plan.pagination.at(base, position), self._scope, why)
        except ConfigError as error:
            if position is None or error.code not in UNSENDABLE:
                raise
            raise ResponseError(
                f"what the service sends for the next page can't be sent: {error.what}",
                where=f"{plan.connector}.{plan.endpoint}, page at {_short(position)}",
                hint="compare pagination with the service's documentation",
                code="pagination.token",
            ) from None

    def _why(self, position: Any) -> str:
        page = "first page" if position is None else f"page at {_short(position)}"
        return page if self._key is None else f"{page} for {_short(json.dumps(self._key))[1:-1]}"

    def page(self, position: Any, answered: Answered) -> tuple[Page, Any, Answer | None]:
        """The page that an answer holds, what follows it, and how pagination saw it."""
        if self._count == 0 and self._key is None:
            self._announce(ReadStarted)
        answer: Answer | None = None
        if answered.outcome.then == "ok":
            body = decoded(self._connection, self._plan, answered)
            rows = self._found(body)
            answer = self._answer(position, answered, body, rows)
            if position is None:
                for key, address in self._plan.pagination.unfound(answer):
                    self._announce(PaginationMissing, key=key, address=str(address))
            following = self._follow(answer, answered, rows)
            rows = self._handed_out(rows, body)
        else:
            rows, following = [], self._ended_by(answered)
        self._count += 1
        self._records += len(rows)
        self._announce(PageRead, page=self._count, records=len(rows), partition=self._key)
        if isinstance(following, Stop):
            self._finished(following.reason)
        page = Page(rows, position, None if isinstance(following, Stop) else following, self._count, self._key)
        return page, following, answer

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
            raise located(self._plan, self._count + 1, error.what, hint=error.hint, code=error.code) from None
        if rows is None:
            self._announce(RecordsMissing, address=str(self._plan.records))
        return rows or []

    def _handed_out(self, rows: list[Record], body: Any) -> list[Record]:
        """The records as they are handed out; what the spec does not declare is not done."""
        plan = self._plan
        if plan.keep is not None:
            rows = plan.keep(rows, self._scope, plan.keys(body))
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

    def _answer(self, position: Any, answered: Answered, body: Any, rows: list[Record]) -> Answer:
        scope = answer_scope(answered.response, body)
        if rows:
            scope["record"] = rows[-1]
        return Answer(position, answered.response.request.url, len(rows), scope)

    def _follow(self, answer: Answer, answered: Answered, rows: list[Record]) -> Any:
        if self._plan.pagination.counts:
            self._guard_against_repetition(answered, rows)
        try:
            following = self._plan.pagination.next(answer)
        except ResponseError as error:
            raise located(self._plan, self._count + 1, error.what, hint=error.hint, code=error.code) from None
        if not isinstance(following, Stop):
            self._guard(following)
        return following

    def _guard(self, following: Any) -> None:
        """Raises where the pages run in a circle."""
        mark = json.dumps(following, sort_keys=True) if isinstance(following, dict) else following
        if mark in self._seen or following == self._position:
            raise ResponseError(
                f"the service repeats itself: it sends {_short(following)} for what follows, "
                "which was asked for already",
                where=self._where, hint="compare pagination.take and put with the service's documentation",
                code="pagination.loop",
            )  # fmt: skip
        if not self._plan.pagination.counts:
            self._seen.add(mark)

    def _guard_against_repetition(self, answered: Answered, rows: list[Record]) -> None:
        """Raises where a page holds the records of the one before, whatever else stands in its answer."""
        ends = (len(rows), _glimpse(rows[0]), _glimpse(rows[-1])) if len(rows) > 1 else None
        content, before, before_ends = answered.response.content, self._last_body, self._last_ends
        self._last_body, self._last_ends = content, ends
        same = bool(rows) and content == before
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

    @property
    def full(self) -> bool:
        """Whether there are as many pages as the spec allows."""
        return self._count >= self._plan.pagination.max_pages

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


def _short(position: Any) -> str:
    text = repr(str(position).partition("?")[0])
    return text if len(text) <= 60 else f"{text[:57]}…'"  # noqa: PLR2004 - a line's worth


# ── the pages in order ────────────────────────────────────────────────────────────────────────────


class Sequence(Pages):
    """The pages of an endpoint, or of one of its partitions, in order."""

    def __init__(
        self,
        connection: Connection,
        plan: Plan,
        position: Any = None,
        within: Partition = WHOLE,
        *,
        ahead: int | None = None,
    ) -> None:
        """`ahead`: how many numbered pages may be asked for at once; None: as many as the plan says."""
        super().__init__()
        self._connection, self._plan, self._position = connection, plan, position
        self.within = within
        self._reading: Reading | None = None
        self._ahead: deque[tuple[Any, asyncio.Task[Answered]]] = deque()
        self._guesses: Iterator[Any] | None = None
        self._side_by_side = plan.side_by_side if ahead is None else ahead
        connection.own(self)

    def begin(self) -> asyncio.Task[Answered] | None:
        """The task that has the next page's answer, begun if nobody did; None where there is no further page."""
        if self._ended:
            return None
        if not self._ahead:
            self._ask(self._begun(), self._position)
        return self._ahead[0][1]

    @property
    def has_page(self) -> bool:
        """Whether the next page can be had without waiting for the service."""
        return self._ready is not None or bool(self._ahead and self._ahead[0][1].done())

    def _begun(self) -> Reading:
        if self._reading is None:
            self._connection.ready()
            self._reading = Reading(self._connection, self._plan, self._position, self.within)
        return self._reading

    async def _next(self) -> Page:
        reading = self._begun()
        if reading.full:
            raise reading.too_many()
        answered = await self._answered(reading)
        await self._guess(reading)  # before this page is decoded, so that the service is not kept waiting
        page, following, answer = reading.page(self._position, answered)
        self.attempts = answered.attempts
        self._ready = page
        if isinstance(following, Stop):
            self._ended = True
            await self._drop()
            return page
        self._position = following
        if not reading.full:
            await self._look_ahead(reading, answer)
        return page

    async def _answered(self, reading: Reading) -> Answered:
        """The answer for the present position, from what is under way if that is the next of it."""
        if self._ahead and self._ahead[0][0] != self._position:
            await self._drop()
        if not self._ahead:
            self._ask(reading, self._position)
        task = self._ahead[0][1]
        try:
            answered = await task
        except asyncio.CancelledError:
            if task.cancelled() and not _being_cancelled():
                self._connection.ready()  # whoever closed it cancelled the task, not the one who waits here
                raise StopAsyncIteration from None
            raise
        self._ahead.popleft()
        return answered

    def _ask(self, reading: Reading, position: Any) -> None:
        self._ahead.append((position, asyncio.create_task(reading.fetch(position))))

    async def _look_ahead(self, reading: Reading, answer: Answer | None) -> None:
        """Asks for what follows, and for what probably follows that."""
        asked = not self._ahead
        if asked:
            self._ask(reading, self._position)
        if self._guesses is None and answer is not None:
            self._guesses = self._plan.pagination.ahead(answer)
            next(self._guesses, None)  # the first guess is what follows
        if not await self._guess(reading) and asked:
            await asyncio.sleep(0)  # the request leaves before the page is used

    async def _guess(self, reading: Reading) -> bool:
        """Asks for what probably follows, up to the declared number at once; says whether there was anything to ask."""
        before = len(self._ahead)
        while self._guesses is not None and len(self._ahead) < self._side_by_side:
            guess = next(self._guesses, None)
            if guess is None:
                break
            self._ask(reading, guess)
        if len(self._ahead) == before:
            return False
        await asyncio.sleep(0)  # the requests leave
        return True

    async def _drop(self) -> None:
        """Cancels what is under way and waits until it has ended."""
        tasks = [task for _, task in self._ahead]
        self._ahead.clear()
        self._guesses = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)

    def __del__(self) -> None:
        for _, task in getattr(self, "_ahead", ()):
            let_go(task)


def _being_cancelled() -> bool:
    """Whether somebody wants the present task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def called_off(task: asyncio.Task[Any]) -> bool:
    """Cancels a task and waits until it has ended; whether it did before it had anything to tell."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return task.cancelled()


def let_go(task: asyncio.Task[Any]) -> None:
    """Ends a task that nobody waits for any more; to be called from any thread."""
    if not (loop := task.get_loop()).is_closed():
        loop.call_soon_threadsafe(_cancel, task)


def _cancel(task: asyncio.Task[Any]) -> None:
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, so that nobody logs it
    task.cancel()
