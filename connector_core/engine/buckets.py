"""Where the buckets of rate limits are kept: in this process, or where other processes find them too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from msgspec import Struct
from msgspec.structs import replace

from connector_core.rate_limit import UNSENT, Bucket, Delay, Terms, Told

__all__ = ["Buckets", "Shares", "Taken", "in_memory"]


_AT_ONCE = 0.001
"""Seconds between a turn and its request that nobody can tell from none."""


class Taken(Struct, frozen=True):
    """What a request took from a bucket."""

    cost: float
    at: float
    """When, by the bucket's clock; UNSENT before its request has a socket."""
    mark: float
    """All that this process had taken by then, this included."""
    name: str = ""
    """Under which others know it."""


class Shares(Protocol):
    """One bucket, as whoever waits for a share of it sees it. A store that can't be reached is an UnavailableError."""

    @property
    def taken(self) -> float:
        """All that this process ever took."""

    def expected(self, cost: float, ahead: float) -> Delay | None:
        """What is known here of how long the cost has to wait at least, behind what is ahead of it."""

    async def delay(self, cost: float) -> Delay | None:
        """Why the cost can't be taken now; None: it can."""

    async def take(self, cost: float, *, unsent: bool = False) -> Taken | Delay:
        """Takes the cost, or says why not. One that is cancelled has taken nothing.

        `unsent`: `postponed` will say when its request leaves, and until then no time counts for it.
        """

    async def give_back(self, taken: Taken, cost: float) -> None:
        """Returns some of what was taken."""

    def postponed(self, taken: Taken) -> Taken:
        """What was taken, used only now, where that is later: a connection had to be made first."""

    async def take_more(self, cost: float) -> None:
        """Takes what turned out to be missing, fit or not."""

    async def done(self, taken: Taken) -> None:
        """The request is no longer under way."""

    async def hold(self, seconds: float) -> None:
        """Nothing is to be taken for so long, by anybody."""

    async def tighten(self, told: Told, mark: float) -> None:
        """Takes note of what the answer to a request says is left."""


@runtime_checkable
class Buckets(Protocol):
    """A place for buckets."""

    def bucket(self, name: str, terms: Terms) -> Shares:
        """The bucket of that name, which is made where there is none."""

    async def aclose(self) -> None:
        """Lets go of the place; what is in it stays."""


def in_memory(terms: Terms, clock: Callable[[], float]) -> Shares:
    """A bucket of this process alone; `clock` gives seconds, and never goes back."""
    return _InMemory(terms, clock)


class _InMemory:
    def __init__(self, terms: Terms, clock: Callable[[], float]) -> None:
        self._bucket, self._clock = Bucket(terms), clock

    @property
    def taken(self) -> float:
        return self._bucket.taken

    def expected(self, cost: float, ahead: float) -> Delay | None:
        return self._bucket.delay(cost, self._clock(), ahead)

    async def delay(self, cost: float) -> Delay | None:
        return self._bucket.delay(cost, self._clock())

    async def take(self, cost: float, *, unsent: bool = False) -> Taken | Delay:
        now = self._clock()
        if (delay := self._bucket.delay(cost, now)) is not None:
            return delay
        self._bucket.take(cost, now, unsent=unsent)
        return Taken(cost, UNSENT if unsent else now, self._bucket.taken)

    async def give_back(self, taken: Taken, cost: float) -> None:
        self._bucket.give_back(cost, taken.at)

    def postponed(self, taken: Taken) -> Taken:
        now = self._clock()
        if taken.at != UNSENT and now - taken.at < _AT_ONCE:
            return taken
        self._bucket.postpone(taken.cost, taken.at, now)
        return replace(taken, at=now)

    async def take_more(self, cost: float) -> None:
        self._bucket.take(cost, self._clock())

    async def done(self, taken: Taken) -> None:
        pass  # the line's gate counts

    async def hold(self, seconds: float) -> None:
        self._bucket.hold(seconds, self._clock())

    async def tighten(self, told: Told, mark: float) -> None:
        self._bucket.tighten(
            told.remaining, self._clock(), mark=mark, reset=told.reset, limit=told.limit, name=told.name
        )
