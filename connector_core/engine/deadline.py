"""Ends exchanges that take too long or fall silent, with one timer for all of them.

A timer for each exchange and each arrival, as aiohttp would set them, costs a tenth of a small exchange. Here a timer
runs while anything is under way, and looks at all of it at once: at the earliest deadline, and at least four times in
the allowed silence. So a deadline is kept exactly, and silence is noticed a quarter late at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Literal

__all__ = ["WHEN_CONNECTED", "Deadlines", "Exchange"]

_LOOKS = 4  # in one allowed silence
_NOTHING_YET = -1


WHEN_CONNECTED: ContextVar[Callable[[], None] | None] = ContextVar("connector_core_connected", default=None)
"""Whom a transport tells, in the task of a request, that it has a socket and is about to be sent; None: nobody asks."""


class Exchange:
    """One exchange under watch; whoever runs it sets `answer` (an `aiohttp.ClientResponse`) when it begins."""

    __slots__ = (
        "answer",
        "before",
        "broken",
        "deadline",
        "heard",
        "is_connected",
        "received",
        "silence",
        "task",
        "total",
    )

    def __init__(self, task: asyncio.Task[Any], now: float, total: float, silence: float | None) -> None:
        self.task: asyncio.Task[Any] = task
        self.before: int = task.cancelling()
        self.total: float = total
        self.deadline: float = now + total
        self.silence: float | None = silence
        self.heard: float = now
        self.received: int = _NOTHING_YET
        self.answer: Any = None
        self.is_connected: bool = False
        self.broken: Literal["total", "read", "closed"] | None = None

    def ours(self) -> bool:
        """Whether the CancelledError just caught is this deadline's doing, and nobody else wants the task to end."""
        return self.broken is not None and self.task.uncancel() <= self.before

    def wanted_to_end(self) -> bool:
        """Whether somebody asked the task to end since this exchange began."""
        return self.task.cancelling() > self.before

    def extend(self, seconds: float) -> None:
        """Moves the deadline: something large is coming, and comes fast enough."""
        self.total += seconds
        self.deadline += seconds

    def look(self, now: float) -> float:
        """Cancels the exchange where its time is up, and says when to look again."""
        if self.answer is not None and self.answer.content.total_bytes != self.received:
            self.heard, self.received = now, self.answer.content.total_bytes
        if now >= self.deadline:
            return self.end("total")
        if self.silence is None:
            return self.deadline
        if not self.is_connected:  # it waits for a socket, and nobody is to be heard yet
            self.heard = now
        if now >= self.heard + self.silence:
            return self.end("read")
        return min(self.deadline, self.heard + self.silence, now + self.silence / _LOOKS)

    def end(self, limit: Literal["total", "read", "closed"]) -> float:
        """Cancels the exchange for that reason."""
        self.broken = limit
        self.task.cancel()
        return float("inf")


class Deadlines:
    """What is under way in one event loop, and the timer that looks after it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._open: dict[asyncio.Task[Any], Exchange] = {}
        self._timer: asyncio.TimerHandle | None = None

    def here(self) -> bool:
        """Whether this is the loop that the timer runs in."""
        return self._loop is asyncio.get_running_loop()

    def begin(self, total: float, silence: float | None) -> Exchange:
        """Puts what the current task does from now on under watch; `end` has to follow. Seconds."""
        task, now = asyncio.current_task(), self._loop.time()
        assert task is not None  # noqa: S101 - every await is in a task
        exchange = Exchange(task, now, total, silence)
        self._open[task] = exchange
        look = min(exchange.deadline, now + silence / _LOOKS) if silence is not None else exchange.deadline
        if self._timer is None or look < self._timer.when():
            self._wake_at(look)
        return exchange

    def connected(self) -> None:
        """The exchange of the current task has its socket: from now on the service may be at work."""
        task = asyncio.current_task()
        if task is not None and (exchange := self._open.get(task)) is not None:
            exchange.is_connected, exchange.heard = True, self._loop.time()
        if (tell := WHEN_CONNECTED.get()) is not None:
            tell()

    def end(self, exchange: Exchange) -> None:
        """Takes the exchange out, however it went."""
        self._open.pop(exchange.task, None)

    def close(self) -> None:
        """Ends what is under way, and stops the timer: no answer comes to a socket that is closed here."""
        self._stop()
        for exchange in self._open.values():
            if exchange.broken is None:
                exchange.end("closed")

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wake_at(self, when: float) -> None:
        self._stop()
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer, now = None, self._loop.time()
        next_look = min(
            (exchange.look(now) for exchange in self._open.values() if exchange.broken is None), default=float("inf")
        )
        if next_look < float("inf"):
            self._wake_at(next_look)
