"""What is given in place of an answer that the service can't give: the chain of a spec's `fallback`, run here alone.

Rule 1: only an outage leads here (see `outage`); what the service refuses is told as it is.
Rule 2: a reading falls back before its first page was handed out, or not at all, and stays with its source to the end:
        pages of two sources do not fit together, and a record could be lost between them unseen.
Rule 3: where no source has anything, the failure itself is raised.
Rule 4: it is for whoever asked. Steps, captured facts and the parents of `for_each` get the service's own answers or
        fail, since what is made of them is not told apart later.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from msgspec.structs import replace

from connector_core.cache import Kept, Terms
from connector_core.engine.cache import Instead, is_asked_anew, kept_only
from connector_core.engine.connection import Connection
from connector_core.engine.pages import Page, Pages
from connector_core.engine.write import Result, call
from connector_core.events import FellBack
from connector_core.exceptions import (
    CircuitOpenError,
    ConfigError,
    ConnectionError,
    IntegrationError,
    RateLimitError,
    ResponseError,
    ServerError,
    TimeoutError,
)
from connector_core.fallback import Degraded, Failure, FromCache, FromEndpoint, Source
from connector_core.plan import Plan

__all__ = ["WithFallback", "call_or_fall_back", "falls_back", "outage"]

_OUTAGES: tuple[tuple[type[IntegrationError], str], ...] = (
    (TimeoutError, "timeout"),
    (ConnectionError, "connection"),
    (CircuitOpenError, "circuit_open"),
    (RateLimitError, "rate_limit"),
    (ServerError, "server"),
)


def outage(error: IntegrationError) -> Failure | None:
    """What the failure is to a fallback; None where it is no outage.

    An answer that is not what the spec describes is none, whatever its status: somebody has to look at it.
    """
    if isinstance(error, ResponseError):
        return None
    return next((Failure(word, error.code) for kind, word in _OUTAGES if isinstance(error, kind)), None)


def falls_back(plan: Plan) -> bool:
    """Whether there is anything to fall back on."""
    return bool(plan.fallback) or (plan.cache is not None and plan.cache.stale_if_error > 0)


class _Way:
    """One source, tried after a failure."""

    def __init__(self, source: Source | None, problem: IntegrationError) -> None:
        """`source`: None stands for what is kept, as long as `stale_if_error` says."""
        self.source = source
        self._reason = problem.what
        self.instead: Instead | None = None
        if source is None:
            self.instead = Instead(problem, Kept.usable_in_need)
        elif isinstance(source, FromCache):
            self.instead = Instead(problem, _not_older_than(source.max_age))

    def held(self) -> AbstractContextManager[None]:
        """What holds while it is asked."""
        return nullcontext() if self.instead is None else kept_only(self.instead)

    @property
    def degraded(self) -> Degraded:
        """What is told of what it gave."""
        if self.instead is not None:
            return Degraded("cache", self.instead.age, self._reason)
        if isinstance(self.source, FromEndpoint):
            return Degraded(f"endpoint {self.source.endpoint}", 0.0, self._reason)
        return Degraded("value", None, self._reason)


def _not_older_than(seconds: float) -> Callable[[Kept, Terms, float], bool]:
    return lambda kept, _terms, now: kept.age(now) <= seconds


def _ways(plan: Plan, problem: IntegrationError) -> Iterator[_Way]:
    """The sources for this failure, in order; none where it is no outage."""
    if is_asked_anew() or (failure := outage(problem)) is None:
        return
    if plan.cache is not None and plan.cache.stale_if_error:
        yield _Way(None, problem)
    for entry in plan.fallback:
        if (source := entry.source(failure)) is not None:
            yield _Way(source, problem)


def _told(connection: Connection, plan: Plan, way: _Way) -> Degraded:
    found = way.degraded
    connection.announce(FellBack, plan.endpoint, source=found.source, age=found.age, reason=found.reason)
    return found


# ── calls ─────────────────────────────────────────────────────────────────────────────────────────


async def call_or_fall_back(connection: Connection, plan: Plan, given: Mapping[str, Any]) -> Result:
    """Calls the endpoint once; raises IntegrationError where it fails and nothing else has an answer."""
    try:
        return await call(connection, plan, given)
    except IntegrationError as error:
        problem = error
    for way in _ways(plan, problem):
        try:
            with way.held():
                result = await _called(connection, plan, given, way.source)
        except ConfigError:  # a mistake on this side, or the connection was closed meanwhile
            raise
        except IntegrationError:
            continue
        return replace(result, degraded=_told(connection, plan, way), attempts=problem.context.get("attempts", 0))
    raise problem


async def _called(connection: Connection, plan: Plan, given: Mapping[str, Any], source: Source | None) -> Result:
    if source is None or isinstance(source, FromCache):
        return await call(connection, plan, given)
    if isinstance(source, FromEndpoint):
        other = connection.plan(source.endpoint)
        return await call(connection, other, {name: given[name] for name in other.input if name in given})
    return Result(copy.deepcopy(source.value), 0)


# ── reads ─────────────────────────────────────────────────────────────────────────────────────────


class WithFallback(Pages):
    """The pages of a reading; where its first page can't be had, those of the first source that has one."""

    def __init__(self, connection: Connection, plan: Plan, pages_of: Callable[[Plan], Pages]) -> None:
        """`pages_of` begins a reading of an endpoint."""
        super().__init__()
        self._connection, self._plan, self._pages_of = connection, plan, pages_of
        self._pages = pages_of(plan)
        self._way: _Way | None = None
        self._problem: IntegrationError | None = None
        self._begun = False
        connection.own(self)

    async def _next(self) -> Page:
        if self._begun:
            return self._taken(await self._page())
        if self._problem is None:
            try:
                page = await self._page()
            except IntegrationError as error:
                self._problem = error
        if self._problem is not None:  # a cancelled wait comes here again
            page = await self._instead(self._problem)
        self._begun = True
        return self._taken(page)

    async def _page(self) -> Page:
        if self._way is None:
            return await anext(self._pages)
        with self._way.held():
            return await anext(self._pages)

    async def _instead(self, problem: IntegrationError) -> Page:
        for way in _ways(self._plan, problem):
            self._check_open()
            self._way, self._pages = way, self._readings(way.source)
            try:
                page = await self._page()
            except ConfigError:
                raise
            except IntegrationError:
                continue
            except StopAsyncIteration:  # there is no page: that is an answer, too
                self._check_open()
                _told(self._connection, self._plan, way)
                raise
            _told(self._connection, self._plan, way)
            return page
        self._check_open()
        raise problem

    def _check_open(self) -> None:
        """Nothing is begun for a reading that somebody else has ended meanwhile."""
        if self._ended:
            self._connection.ready()
            raise StopAsyncIteration

    def _readings(self, source: Source | None) -> Pages:
        if source is None or isinstance(source, FromCache):
            return self._pages_of(self._plan)
        if isinstance(source, FromEndpoint):
            return self._pages_of(self._connection.plan(source.endpoint))
        return _Fixed(source.value)

    def _taken(self, page: Page) -> Page:
        self.within, self.attempts = self._pages.within, self._pages.attempts
        if self._way is not None:
            page = replace(page, degraded=self._way.degraded)
            if self._problem is not None:
                self.attempts = self._problem.context.get("attempts", 0)
        self._ready = page
        return page

    async def _drop(self) -> None:
        await self._leave(self._pages)


class _Fixed(Pages):
    """Records that the spec gives, as one page."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        super().__init__()
        self._records = records

    async def _next(self) -> Page:
        self._ended = True
        page = self._ready = Page(copy.deepcopy(self._records), None, None, 1)
        return page

    async def _drop(self) -> None:
        """Nothing is ever under way."""
