"""Counters of what an app's connections do, fed by events alone and read whenever one likes.

::

    async with Connector.open("shop", …, listeners=[Metrics()]) as shop:
        ...
        shop.metrics().failure_rate

Rule 1: who does not listen pays nothing; who does, a few additions for each event.
Rule 2: what is counted is bounded: names that a service makes up are counted together once there are many, and so are
        connections of which nothing was heard for longest.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Annotated, Any

from msgspec import Meta, Struct, field, to_builtins

from connector_core.events import (
    CircuitChanged,
    Event,
    OperationFinished,
    RateLimited,
    RateLimitHeld,
    RequestRefused,
    RetryScheduled,
    TokenRefreshed,
    TokenRefreshFailed,
)

__all__ = ["BOUNDS", "Counters", "Metrics", "Times"]

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds: the upper bounds of a histogram's buckets, those of OpenTelemetry's `http.client.request.duration`."""
MOST_NAMES = 100
OTHER = "other"
MOST_CONNECTIONS = 10_000
OTHERS = "(others)"
"""Under which connections are counted together that were counted longest ago."""
CANCELLED = "cancelled"
"""The code of an operation that was given up, not failed; see `OperationFinished`."""
_Buckets = Annotated[list[int], Meta(min_length=len(BOUNDS) + 1, max_length=len(BOUNDS) + 1)]


class Times(Struct):
    """How long things took."""

    count: int = 0
    total: float = 0.0
    """Seconds."""
    longest: float = 0.0
    """Seconds."""
    buckets: _Buckets = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    """How many took no longer than each of BOUNDS and longer than the one before; the last: longer than all."""

    def add(self, seconds: float) -> None:
        """Counts one."""
        self.count += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)
        self.buckets[next((index for index, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))] += 1

    def join(self, other: Times) -> None:
        """Counts all that another has counted."""
        self.count += other.count
        self.total += other.total
        self.longest = max(self.longest, other.longest)
        self.buckets = [mine + more for mine, more in zip(self.buckets, other.buckets, strict=True)]

    def bound(self, part: float) -> float | None:
        """The least of BOUNDS that so large a part took no longer than; None: it took longer than all of them."""
        counts = accumulate(self.buckets)
        return next((bound for bound, count in zip(BOUNDS, counts, strict=False) if count >= part * self.count), None)

    @property
    def mean(self) -> float:
        """Seconds; 0 where there is nothing."""
        return self.total / self.count if self.count else 0.0


class Counters(Struct):
    """What one connection has done since somebody counts."""

    requests: int = 0
    """Requests that were sent, repetitions and redirects included."""
    statuses: dict[str, int] = {}
    """Answers by class, `2xx` to `5xx`; `none`: no complete answer."""
    operations: int = 0
    """Pages that were asked for, and calls; each of one request or several."""
    failures: dict[str, int] = {}
    """Operations that failed, by the exception's code."""
    cancelled: int = 0
    """Operations that nobody wanted to the end, such as the page after the last one that was read."""
    retries: int = 0
    """Repetitions that were waited for."""
    refused: dict[str, int] = {}
    """Requests that were not sent, by the exception's code: an open circuit, a switch, maintenance."""
    response_time: Times = field(default_factory=Times)
    """Of each request that was answered."""
    rate_limit_waits: int = 0
    """Requests that had to wait for their turn."""
    rate_limit_wait: float = 0.0
    """Seconds that they had to wait at least, as they were told."""
    rate_limit_refusals: int = 0
    """Requests that the service refused as one too many."""
    circuit_changes: dict[str, int] = {}
    """Transitions of circuits, such as `closed → open`."""
    token_refreshes: int = 0
    """Tokens that were fetched, the first ones and those in place of others."""
    token_failures: int = 0
    """Times that there was no new token."""

    def join(self, other: Counters) -> None:
        """Counts all that another has counted."""
        for name in self.__struct_fields__:
            mine, more = getattr(self, name), getattr(other, name)
            if isinstance(mine, Times):
                mine.join(more)
            elif isinstance(mine, dict):
                for key, count in more.items():
                    _add(mine, key, count)
            else:
                setattr(self, name, mine + more)

    @property
    def failed(self) -> int:
        """Operations that failed."""
        return sum(self.failures.values())

    @property
    def failure_rate(self) -> float:
        """The part of the operations that failed, from 0 to 1, of those that were not cancelled; 0 without any."""
        ended = self.operations - self.cancelled
        return self.failed / ended if ended else 0.0

    @property
    def success_rate(self) -> float:
        """The part of the operations that did not fail, of those that were not cancelled; 1 without any."""
        return 1.0 - self.failure_rate

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, with the rates and the mean response time, for JSON."""
        found: dict[str, Any] = to_builtins(self)
        found["failure_rate"] = self.failure_rate
        found["response_time"] |= {"mean": self.response_time.mean, "bounds": list(BOUNDS)}
        return found


class Metrics:
    """A listener that counts, for each connection by its id; made for one engine, which it may be asked of.

    It knows the last MOST_CONNECTIONS that did anything, and all others together, as OTHERS.
    """

    def __init__(self) -> None:
        self._known: dict[str, Counters] = {}

    def of(self, connection: str) -> Counters:
        """The counters of a connection; they go on counting."""
        if (found := self._known.get(connection)) is None:
            if len(self._known) >= MOST_CONNECTIONS:
                self._fold()
            found = self._known[connection] = Counters()
        return found

    def _latest(self, connection: str) -> Counters:
        """Its counters, taken out to be put in behind all others."""
        counters = self.of(connection)
        del self._known[connection]
        return counters

    def _fold(self) -> None:
        """Counts the connection that was counted longest ago with the others."""
        others = self._known.pop(OTHERS, None) or Counters()
        others.join(self._known.pop(next(iter(self._known))))
        self._known[OTHERS] = others

    def all(self) -> Mapping[str, Counters]:
        """The counters of every connection that has done anything, by its id."""
        return dict(self._known)

    def __call__(self, event: Event) -> None:
        """Counts what happened."""
        counters = self._known[event.connection] = self._latest(event.connection)
        match event:
            case OperationFinished():
                _count_operation(counters, event)
            case RetryScheduled():
                counters.retries += 1
            case RequestRefused():
                _add(counters.refused, event.code)
            case RateLimited():
                counters.rate_limit_waits += not event.again
                counters.rate_limit_wait += event.wait
            case RateLimitHeld():
                counters.rate_limit_refusals += 1
            case TokenRefreshed():
                counters.token_refreshes += 1
            case TokenRefreshFailed():
                counters.token_failures += 1
            case CircuitChanged():
                _add(counters.circuit_changes, f"{event.before} → {event.after}")


def _count_operation(counters: Counters, event: OperationFinished) -> None:
    counters.operations += 1
    if event.code == CANCELLED:
        counters.cancelled += 1
    elif event.code:
        _add(counters.failures, event.code)
    for attempt in event.attempts:
        counters.requests += 1
        if attempt.status is None:
            _add(counters.statuses, "none")
        else:
            _add(counters.statuses, f"{attempt.status // 100}xx")
            counters.response_time.add(attempt.elapsed)


def _add(counts: dict[str, int], name: str, count: int = 1) -> None:
    if name not in counts and len(counts) >= MOST_NAMES:
        name = OTHER
    counts[name] = counts.get(name, 0) + count
