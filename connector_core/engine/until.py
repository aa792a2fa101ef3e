"""Until when the caller wants an answer: one moment, which everything that is done for the answer shares.

A wait that would end later is not begun, whatever it is for: a turn, a repetition, the next look at a job. Tasks that
are started meanwhile inherit the moment, as they do every context variable.
"""

from __future__ import annotations

import asyncio
from builtins import TimeoutError as BuiltinTimeoutError
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf, isnan
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from connector_core.exceptions import ConfigError, TimeoutError

if TYPE_CHECKING:
    from connector_core.http import Request

__all__ = ["awaited", "end_of", "in_time", "out_of_time", "until", "within"]

T = TypeVar("T")

_UNTIL: ContextVar[float] = ContextVar("connector_core_until", default=inf)
_USUAL = 60.0
"""Seconds that a transport gives an exchange of which nobody says how long it may take."""


def until() -> float:
    """The moment, in seconds of the effects' monotonic clock; infinite where the caller has time."""
    return _UNTIL.get()


def end_of(timeout: Any, now: float) -> float | None:
    """The moment that a caller's timeout means; raises ConfigError where it is no number of seconds."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or isnan(timeout):
        raise ConfigError(
            f"the timeout {timeout!r} is no number of seconds", hint="such as timeout=5", code="timeout.invalid"
        )
    return now + timeout


@contextmanager
def within(moment: float) -> Iterator[None]:
    """Nothing that is begun meanwhile takes longer; a moment after one that holds already changes nothing."""
    token = _UNTIL.set(min(moment, _UNTIL.get()))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def in_time(request: Request, now: float) -> Request:
    """The request with no more time than is left; raises TimeoutError where none is."""
    if (moment := _UNTIL.get()) == inf:
        return request
    left = moment - now
    if left <= 0:
        raise out_of_time(f"{request.method} {request.url}")
    if left >= (_USUAL if request.timeout is None else request.timeout):
        return request
    return replace(request, timeout=left)


async def awaited(others: Awaitable[T], now: Callable[[], float], where: str, why: str = "") -> T:
    """What others bring, who take their own time; raises TimeoutError where the caller's is over before.

    No virtual clock may jump to that moment.
    """
    if (moment := _UNTIL.get()) == inf:
        return await others
    try:
        async with asyncio.timeout(moment - now()) as limit:
            return await others
    except BuiltinTimeoutError:
        if not limit.expired():
            raise
    raise out_of_time(where, why)


def out_of_time(where: str, why: str = "") -> TimeoutError:
    """The error for what is not begun any more."""
    return TimeoutError(
        f"the time that the caller gave is over{why}",
        where=where,
        hint="give it a longer timeout",
        code="timeout.deadline",
        phase="unsent",
        retryable=True,
    )
