"""Reading what a job of the service makes: started once, polled until it is done, and fetched like any pages.

Rule 1: a job that was started is not started again. A cancelled wait leaves it as it is, and the next wait polls on;
        only what was cancelled before the start was answered begins anew.
Rule 2: a position is what the answer to `start` has that templates read, and the page in the result. Whoever goes on
        there polls first: so links that the last poll gave are fresh, and no position holds one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from connector_core.engine.cache import answer
from connector_core.engine.call import Answered, answer_scope, decoded
from connector_core.engine.connection import Connection
from connector_core.engine.facts import prepare
from connector_core.engine.failures import said
from connector_core.engine.pages import Page, Pages
from connector_core.engine.read import Sequence, called_off, found, let_go, over
from connector_core.engine.reading import Reading
from connector_core.engine.until import out_of_time, until
from connector_core.events import Event, JobPolled, ReadFinished, ReadStarted
from connector_core.exceptions import ConfigError, ResponseError, ServerError, TimeoutError
from connector_core.for_each import WHOLE, Partition
from connector_core.plan import JobPlan, Plan
from connector_core.request import render
from connector_core.retry import retry_after
from connector_core.template import MissingError, TemplateError

__all__ = ["JobPages"]


_WHY = {"start": "starts the job", "poll": "asks how the job is doing", "locate": "asks where the result is"}


class _Run:
    """One job: how far it has come."""

    def __init__(
        self, connection: Connection, plan: Plan, job: JobPlan, within: Partition, started: dict[str, Any]
    ) -> None:
        """`started`: the answer to `start` by that name, where it was started before."""
        self._connection, self._plan, self._job, self._within = connection, plan, job, within
        self._names: dict[str, Any] = started
        self._scope = {**connection.names(plan), **within.names, "job": self._names}
        self._since: float | None = None
        self._done = False
        self.polled: Answered | None = None
        """The last answer to a poll."""

    async def results(self) -> list[Partition]:
        """Sees the job through, from where it stands; raises IntegrationError where it fails."""
        if self._since is None:
            await prepare(self._connection, self._plan)
            if "start" not in self._names:
                await self._ask("start", self._job.start)
            self._since = self._connection.effects.monotonic()
        while not self._done:
            answered = await self._ask("poll", self._job.poll)
            if self._is_empty(answered):
                return []
            if not self._done:
                await self._wait(answered, self._since)
        if self._job.locate is not None and "locate" not in self._names:
            await self._ask("locate", self._job.locate)
        return self._partitions()

    @property
    def handle(self) -> Any:
        """What has to be known of the answer to `start` to go on with the job."""
        started, read = self._names["start"], self._job.handle
        if read is None or not isinstance(started, dict):
            return started
        return {name: value for name, value in started.items() if name in read}

    async def _ask(self, name: str, plan: Plan) -> Answered:
        answered = await answer(self._connection, plan, lambda: plan.compose(self._scope), self._scope, _WHY[name])
        self._names[name] = decoded(self._connection, plan, answered)
        if name == "poll":
            self.polled = answered
        return answered

    def _is_empty(self, answered: Answered) -> bool:
        """Whether there is nothing to fetch; notes whether the job is done, and raises where it failed."""
        job, body = self._job, self._names["poll"]
        scope = {**self._scope, **answer_scope(answered.response, body)}
        where = f"{self._plan.connector}.{self._plan.endpoint}"
        if job.failed is not None and job.failed.holds(scope):
            reason = self._connection.quote(said(body)) or job.failed.source
            raise ServerError(f"the job failed: {reason}", where=where, hint="start it again", code="job.failed")
        if job.empty is not None and job.empty.holds(scope):
            return True
        try:
            self._done = job.done.holds(scope)
        except (MissingError, TemplateError) as error:
            raise ResponseError(
                f"whether the job is done cannot be told: {error} ({job.done.source})",
                where=where,
                hint="correct the condition, or say what its absence means: | default(false)",
                code="job.done",
            ) from None
        return False

    async def _wait(self, answered: Answered, since: float) -> None:
        effects, job = self._connection.effects, self._job
        asked = retry_after(answered.response.headers.get("Retry-After"), effects.now())
        seconds = max(job.every, asked or 0.0)
        waited = effects.monotonic() - since
        if waited + seconds > job.timeout:
            raise TimeoutError(
                f"the job is not done after {waited:.0f} s",
                where=f"{self._plan.connector}.{self._plan.endpoint}",
                hint="where it needs longer, say so by job.timeout",
                code="job.timeout",
                phase="answered",
                retryable=True,
            )
        if effects.monotonic() + seconds >= until():
            where = f"{self._plan.connector}.{self._plan.endpoint}"
            raise out_of_time(where, f" before the job is asked for again in {seconds:g} s")
        self._connection.announce(JobPolled, self._plan.endpoint, waited=waited, wait=seconds)
        await effects.sleep(seconds)

    def _partitions(self) -> list[Partition]:
        each, name = self._job.each, self._job.as_
        inside = {**self._within.names, "job": self._names}
        if each is None:
            return [Partition(inside, self._within.key)]
        found = render(each, self._scope, "job.result.each")
        if not isinstance(found, list):
            raise ConfigError("job.result.each is not a list", where=each.source, hint="make it one: [value]")
        # counted, since the items are mostly signed links, which are secrets
        return [
            Partition({**inside, name: item}, {**self._within.key, name: number})
            for number, item in enumerate(found, 1)
        ]


class _Place(Struct, frozen=True):
    """A position in what a job makes: `{"job": …, "result": 2, "page": …}`."""

    started: dict[str, Any]
    """The answer to `start` by that name; empty: the job is to be started."""
    result: int = 1
    """Which part of the result, counted from 1."""
    page: Any = None
    """Where in that part."""

    @classmethod
    def read(cls, position: Any, plan: Plan, job: JobPlan) -> _Place:
        """The place that a position stands for; raises ConfigError where it is none."""
        if position is None:
            return cls({})
        given = position if isinstance(position, dict) else {}
        number = given.get("result", 1)
        sound = "job" in given and given.keys() <= {"job", "result", "page"} and type(number) is int and number > 0
        if not sound or not job.fetches or (job.each is None and number > 1):
            raise ConfigError(
                "that is no position in the result of this job",
                where=f"{plan.connector}.{plan.endpoint}",
                hint="pass the `following` of a page that was read"
                if job.fetches
                else "its records come on one page, so leave the position out",
                code="position.invalid",
            )
        return cls({"start": given["job"]}, number, given.get("page"))


class JobPages(Pages):
    """The pages of what one job makes."""

    def __init__(
        self, connection: Connection, plan: Plan, job: JobPlan, within: Partition = WHOLE, position: Any = None
    ) -> None:
        super().__init__()
        self._connection, self._plan, self._job = connection, plan, job
        self.within = within
        place = _Place.read(position, plan, job)
        self._part, self._page = place.result - 1, place.page
        self._run = _Run(connection, plan, job, within, place.started)
        self._task: asyncio.Task[list[Partition]] | None = None
        self._results: deque[Partition] | None = None
        self._current: Sequence | None = None
        self._totals = [0, 0]
        connection.own(self)

    @property
    def has_page(self) -> bool:
        """Whether the next page, or the error in its place, can be had without waiting for the service."""
        if self._ready is not None or (self._current is not None and self._current.has_page):
            return True
        task = self._task
        if task is None or not task.done() or task.cancelled():
            return False
        return task.exception() is not None or not self._job.fetches

    def begin(self) -> asyncio.Future[Any] | None:
        """The task that brings the next page nearer, begun if nobody did; None where there is no further page."""
        while not self._ended:
            if self._current is not None:
                if (task := self._current.begin()) is not None:
                    return task
                self._current = None
            elif self._results is None:
                run = self._running()
                if not run.done() or run.cancelled() or run.exception() is not None or not self._job.fetches:
                    return run
                self._take(run.result())
            elif self._results:
                self._current = Sequence(self._connection, self._plan, self._page, self._results.popleft())
                self._part, self._page = self._part + 1, None
            else:
                self._end()
        return None

    def _running(self) -> asyncio.Task[list[Partition]]:
        if self._task is None:
            self._connection.ready()
            self._task = asyncio.create_task(self._run.results())
        return self._task

    async def _next(self) -> Page:
        while (task := self.begin()) is not None:
            if self._current is not None:
                page = self._ready = self._counted(await anext(self._current))
                self.attempts: int = self._current.attempts
                return page
            partitions = await found(task, self._connection)
            if self._ended:
                raise over(self._connection)
            if partitions and not self._job.fetches:
                return self._polled()
            if not self._job.fetches:
                self._take([])
        raise StopAsyncIteration

    def _take(self, partitions: list[Partition]) -> None:
        """Takes note of what there is to fetch; raises where what was to be gone on with is not among it."""
        if (self._part or self._page is not None) and len(partitions) <= self._part:
            raise ResponseError(
                f"the job's result has {len(partitions)} parts now, and part {self._part + 1} was to be read",
                where=f"{self._plan.connector}.{self._plan.endpoint}",
                hint="read it again from the start: leave the position out",
                code="job.changed",
            )
        self._results = deque(partitions[self._part :])
        if self._job.each is not None:
            self._tell(ReadStarted)

    def _polled(self) -> Page:
        """The one page that the last poll's answer holds."""
        assert self._run.polled is not None  # noqa: S101 - it is done
        reading = Reading(self._connection, self._plan, None, self.within)
        self._ended = True
        self._ready = page = reading.page(self._run.polled)
        return page

    def _counted(self, page: Page) -> Page:
        self._totals[0] += 1
        self._totals[1] += len(page.records)
        following = None
        if page.following is not None:
            following = self._position(self._part, page.following)
        elif self._results:
            following = self._position(self._part + 1, None)
        return replace(page, position=self._position(self._part, page.position), following=following)

    def _position(self, part: int, page: Any) -> Any:
        """Where a page of a part stands; None for the first of all."""
        if part == 1 and page is None:
            return None
        number = {} if self._job.each is None else {"result": part}
        return {"job": self._run.handle, **number, **({} if page is None else {"page": page})}

    def _end(self) -> None:
        self._ended = True
        if self._job.each is not None:
            pages, records = self._totals
            self._tell(ReadFinished, pages=pages, records=records, reason="the job's whole result was read")

    def _tell(self, event: type[Event], **about: Any) -> None:
        if not self.within.key:
            self._connection.announce(event, self._plan.endpoint, **about)

    async def _drop(self) -> None:
        if self._task is not None and await called_off(self._task):
            self._task = None  # else what it found or raised is still to be told
        if self._current is not None:
            await self._leave(self._current)

    def __del__(self) -> None:
        if (task := getattr(self, "_task", None)) is not None:
            let_go(task)
