"""Reading an endpoint once for each of its partitions, several side by side.

Theory of operation: the parent is read like any endpoint, ahead of its children by a page. Each partition that is being
read is a *lane*, a `Sequence` of its own with one request under way; a page is taken from whichever lane has its answer
first. So a partition's pages come in order, and with one lane everything does.

Rule 1: what is under way never refers to the iterator that the user holds, which is why lanes are known by number.
Rule 2: memory is bounded: one decoded page in use, one of the parent's ahead, and one undecoded answer per lane.
Rule 3: an error in one partition ends the reading; a partition that is to be passed over has a rule (`then: skip`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any

from connector_core.component import suggestion
from connector_core.engine.connection import Connection
from connector_core.engine.facts import prepare
from connector_core.engine.job import JobPages
from connector_core.engine.pages import Page, Pages
from connector_core.engine.read import Sequence, called_off, let_go, over
from connector_core.events import ReadFinished, ReadStarted
from connector_core.exceptions import ConfigError
from connector_core.for_each import WHOLE, Distinct, ForEach, Partition
from connector_core.plan import Plan

__all__ = ["Discovery", "pages_of"]


def pages_of(connection: Connection, plan: Plan, position: Any = None, *, ahead: int | None = None) -> Pages:
    """The pages of an endpoint, however it is read; see Sequence for `ahead`."""
    if plan.for_each:
        return Partitioned(connection, plan)
    return _one(connection, plan, position, ahead=ahead)


def _one(
    connection: Connection, plan: Plan, position: Any, within: Partition = WHOLE, *, ahead: int | None = None
) -> Sequence | JobPages:
    """The pages of an endpoint, or of one of its partitions."""
    if plan.job is not None:
        return JobPages(connection, plan, plan.job, within, position)
    return Sequence(connection, plan, position, within, ahead=ahead)


# ── which partitions there are ────────────────────────────────────────────────────────────────────


class _Source:
    """The partitions of an endpoint, as far as they are known: a parent is read page by page."""

    def __init__(self, connection: Connection, plan: Plan) -> None:
        self._connection, self._plan = connection, plan
        self._scope = connection.names(plan)
        self._first, *self._further = plan.for_each
        self._lists: dict[int, list[tuple[Any, Any]]] = {}
        self._distinct, self._gathered = Distinct(), _Gathered(self._first)
        self.parent: Pages | None = None
        """Whose pages say which there are; None where the values are given, or it is not read yet."""
        self.known: deque[Partition] = deque()
        self.ended = False

    async def more(self) -> None:
        """Reads on until further partitions are known, or there are none; a cancelled call loses nothing."""
        await prepare(self._connection, self._plan)  # values may be a fact
        for number, entry in enumerate(self._further):
            if entry.endpoint is not None and number not in self._lists:
                distinct = Distinct()
                pages = self._pages(entry)
                self._lists[number] = [pair async for page in pages for pair in self._pairs(entry, page, distinct)]
        while not self.ended and not self.known:
            await self._read_on()

    async def _read_on(self) -> None:
        if self.parent is None and (given := self._first.given(self._scope)) is not None:
            self._add(self._gathered.take(WHOLE, [(value, value) for value in self._distinct.of(given)]))
        else:
            parent = self.parent = self.parent or self._pages(self._first)
            async for page in parent:
                pairs = self._pairs(self._first, page, self._distinct)
                return self._add(self._gathered.take(parent.within, pairs))
        self.ended = True
        return self._add(self._gathered.rest())

    def _pages(self, entry: ForEach) -> Pages:
        assert entry.endpoint is not None  # noqa: S101 - it has no values, and one of the two
        return pages_of(self._connection, self._connection.plan(entry.endpoint))

    def _pairs(self, entry: ForEach, page: Page, distinct: Distinct) -> list[tuple[Any, Any]]:
        """What a parent's page has to read for, each with its key."""
        if entry.take is not None:
            return [(value, value) for record in page.records for value in distinct.of(entry.taken(record))]
        assert entry.endpoint is not None  # noqa: S101 - the page is its
        key = self._connection.plan(entry.endpoint).key_of
        return [(record, key(record)) for record in page.records]

    def _add(self, partitions: Iterator[Partition]) -> None:
        for number, entry in enumerate(self._further):
            partitions = self._product(partitions, number, entry)
        named = [entry for entry in (self._first, *self._further) if entry.name is not None]
        for partition in partitions:
            for entry in named:
                partition = entry.named(partition, self._scope)  # noqa: PLW2901 - the last name holds
            self.known.append(partition)

    def _product(self, partitions: Iterator[Partition], number: int, entry: ForEach) -> Iterator[Partition]:
        for before in partitions:
            given = entry.given({**self._scope, **before.names})
            pairs = self._lists[number] if given is None else [(value, value) for value in Distinct().of(given)]
            gathered = _Gathered(entry)
            yield from gathered.take(before, pairs)
            yield from gathered.rest()


class _Gathered:
    """Puts an entry's values into partitions: one each, or as many as a batch takes."""

    def __init__(self, entry: ForEach) -> None:
        self._entry = entry
        self._before, self._left = WHOLE, list[tuple[Any, Any]]()

    def take(self, before: Partition, pairs: list[tuple[Any, Any]]) -> Iterator[Partition]:
        """The partitions that are complete with these values; what is left waits for more."""
        if self._entry.batch is None:
            return (self._entry.below(before, value, key) for value, key in pairs)
        return iter(list(self._batches(before, pairs)))

    def _batches(self, before: Partition, pairs: list[tuple[Any, Any]]) -> Iterator[Partition]:
        if before is not self._before:
            yield from self.rest()
            self._before = before
        self._left += pairs
        size = self._entry.batch.size if self._entry.batch is not None else 1
        while len(self._left) >= size:
            yield self._batch(self._left[:size])
            self._left = self._left[size:]

    def rest(self) -> Iterator[Partition]:
        """The last batch, which may be smaller."""
        if self._left:
            yield self._batch(self._left)
            self._left = []

    def _batch(self, pairs: list[tuple[Any, Any]]) -> Partition:
        return self._entry.below(self._before, [value for value, _ in pairs], [key for _, key in pairs])


# ── reading them ──────────────────────────────────────────────────────────────────────────────────


class _Turns:
    """Who has something to hand out, in the order in which they had it."""

    def __init__(self) -> None:
        self._ready: deque[int] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def watch(self, number: int, task: asyncio.Future[Any]) -> None:
        """Gives the number its turn when the task is done."""
        task.add_done_callback(partial(self._done, number))

    def _done(self, number: int, _: asyncio.Future[Any]) -> None:
        self.give(number)

    def give(self, number: int) -> None:
        """Gives the number its turn."""
        self._ready.append(number)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> int:
        """The number whose turn it is."""
        while not self._ready:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._ready.popleft()


Lane = Sequence | JobPages
PARENT = 0
"""The number of the source of partitions among the lanes."""


class Partitioned(Pages):
    """The pages of all partitions of an endpoint; those of one partition come in order."""

    def __init__(self, connection: Connection, plan: Plan) -> None:
        super().__init__()
        self._connection, self._plan = connection, plan
        self._source: _Source | None = None
        self._reading_on: asyncio.Task[None] | None = None
        self._turns = _Turns()
        self._lanes: dict[int, Lane] = {}
        self._numbers = itertools.count(PARENT + 1)
        self._totals = [0, 0, 0]
        self._paused = False
        connection.own(self)

    async def _next(self) -> Page:
        if self._source is None:
            self._connection.ready()
            self._source = _Source(self._connection, self._plan)
            self._connection.announce(ReadStarted, self._plan.endpoint)
        self._go_on()
        while True:
            self._fill(self._source)
            if not self._lanes and self._reading_on is None:
                self._end()
                raise StopAsyncIteration
            number = await self._turns.next()
            if self._ended:
                raise over(self._connection)
            if number == PARENT:
                await self._read_on()
            elif (lane := self._lanes.get(number)) is not None:
                if lane.has_page:
                    return await self._from(number, lane)
                self._watch(number, lane)

    def _watch(self, number: int, lane: Lane) -> None:
        """Waits for the lane's next page, or lets go of the lane where there is none."""
        if (task := lane.begin()) is not None:
            self._turns.watch(number, task)
        else:
            del self._lanes[number]
            self._totals[2] += 1

    async def _from(self, number: int, lane: Lane) -> Page:
        page = self._ready = await anext(lane)
        self.within: Partition = lane.within
        self.attempts: int = lane.attempts
        self._totals[0] += 1
        self._totals[1] += len(page.records)
        self._watch(number, lane)
        return page

    def _fill(self, source: _Source) -> None:
        """Opens lanes for the partitions that are known, and has more of them looked for where there is room."""
        while source.known and len(self._lanes) < self._plan.lanes:
            self._open(source.known.popleft())
        if not source.known and not source.ended and self._reading_on is None:
            self._reading_on = asyncio.create_task(source.more())
            self._turns.watch(PARENT, self._reading_on)

    def _open(self, partition: Partition) -> None:
        ahead = self._plan.side_by_side if self._plan.lanes == 1 else 1
        lane: Lane = (
            Sequence(self._connection, self._plan, None, partition, ahead=ahead)
            if self._plan.job is None
            else JobPages(self._connection, self._plan, self._plan.job, partition)
        )
        number = next(self._numbers)
        self._lanes[number] = lane
        self._watch(number, lane)

    async def _read_on(self) -> None:
        """Takes note of the further partitions; raises what went wrong with their parent."""
        task, self._reading_on = self._reading_on, None
        if task is not None and not task.cancelled():
            await task

    def _end(self) -> None:
        self._ended = True
        pages, records, partitions = self._totals
        reason = f"all {partitions} partitions were read" if partitions != 1 else "the one partition was read"
        self._connection.announce(ReadFinished, self._plan.endpoint, pages=pages, records=records, reason=reason)

    async def _drop(self) -> None:
        self._paused = True
        if self._reading_on is not None and await called_off(self._reading_on):
            self._reading_on = None  # else what it raised is still to be told
        if self._source is not None and self._source.parent is not None:
            await self._leave(self._source.parent)
        for lane in self._lanes.values():
            await self._leave(lane)

    def _go_on(self) -> None:
        """Asks again for what a cancelled wait dropped."""
        if not self._paused:
            return
        self._paused = False
        for number, lane in self._lanes.items():
            if lane.has_page:
                self._turns.give(number)
            elif (task := lane.begin()) is not None:
                self._turns.watch(number, task)

    def __del__(self) -> None:
        if (task := getattr(self, "_reading_on", None)) is not None:
            let_go(task)


# ── endpoints that are discovered ─────────────────────────────────────────────────────────────────


class Discovery:
    """The endpoints that `for_each.name` makes: each is one partition, and is known once its parent was read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._makers = [
            name
            for name, endpoint in connection.spec.endpoints.items()
            if endpoint.readable and any(entry.name is not None for entry in endpoint.for_each or ())
        ]
        self._known: dict[str, tuple[Plan, Partition]] = {}

    def __bool__(self) -> bool:
        return bool(self._makers)

    async def names(self) -> list[str]:
        """Every name, asked for anew."""
        found: dict[str, tuple[Plan, Partition]] = {}
        for maker in self._makers:
            plan = self._connection.plan(maker)
            source = _Source(self._connection, plan)
            while not source.ended:
                await source.more()
                found |= {partition.endpoint: (plan, partition) for partition in source.known}
                source.known.clear()
        self._known = found
        return list(found)

    async def find(self, name: str) -> tuple[Plan, Partition]:
        """The partition of that name; raises ConfigError where there is none."""
        if name not in self._known:
            known = [*self._connection.spec.endpoints, *await self.names()]
            if name not in self._known:
                raise ConfigError(
                    f"{self._connection.spec.name} has no endpoint {name!r}{suggestion(name, known)}",
                    code="endpoint.unknown",
                )
        return self._known[name]

    def pages(self, name: str, position: Any = None) -> Pages:
        """The pages of a discovered endpoint, which is looked for when the first is wanted."""
        return _Named(self, self._connection, name, position)


class _Named(Pages):
    """The pages of one endpoint that is discovered."""

    def __init__(self, discovery: Discovery, connection: Connection, name: str, position: Any) -> None:
        super().__init__()
        self._discovery, self._connection, self._name, self._position = discovery, connection, name, position
        self._found: Lane | None = None

    async def _next(self) -> Page:
        if self._found is None:
            self._connection.ready()
            plan, partition = await self._discovery.find(self._name)
            self._found = _one(self._connection, plan, self._position, partition)
        page = self._ready = await anext(self._found)
        self.within, self.attempts = self._found.within, self._found.attempts
        return page

    async def _drop(self) -> None:
        if self._found is not None:
            await self._leave(self._found)
