"""Stand-ins for what is impure: a transport that asks a function, and a clock whose waits take no time.

::

    async with Connector.open(spec, effects=effects(lambda request: respond(json={"data": []}))) as shop:
        ...
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from heapq import heappop, heappush
from inspect import isawaitable
from json import dumps
from random import Random
from typing import Any

from msgspec.structs import replace

from connector_core.engine.effects import Effects
from connector_core.engine.upload import whole
from connector_core.events import Listener
from connector_core.http import Headers, Request, Response

__all__ = ["Caught", "FakeTransport", "PassingClock", "VirtualClock", "catching", "effects", "respond"]

Answering = Callable[[Request], Response | Awaitable[Response]]
TURNS = 10
"""Turns of the loop in which others may go to sleep too, before time passes."""
_UNSENT = Request("GET", "http://unsent.invalid/")


def respond(
    status: int = 200,
    *,
    json: Any = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer with that body, as a value to be written in JSON or as bytes; FakeTransport adds the request."""
    fields = dict(headers or {})
    if content is None:
        content = dumps(json, ensure_ascii=False).encode()
        fields.setdefault("Content-Type", "application/json")
    return Response(status, Headers(fields), content, _UNSENT)


class FakeTransport:
    """Gives every request to a function, which returns the answer or raises what a transport raises."""

    def __init__(self, answer: Answering, *, answers_for_sdks: bool = False) -> None:
        """`answers_for_sdks`: it is given the calls of an SDK's methods too, and no client is made."""
        self._answer = answer
        self.answers_for_sdks: bool = answers_for_sdks
        self.requests: list[Request] = []
        """Every request, signed as it would have gone out, its files as bytes."""
        self.closed: bool = False

    async def send(self, request: Request) -> Response:
        """The function's answer to the request."""
        request = whole(request)
        self.requests.append(request)
        await asyncio.sleep(0)  # a real one gives way to other tasks too
        answer = self._answer(request)
        response = await answer if isawaitable(answer) else answer
        return replace(response, request=request)

    async def aclose(self) -> None:
        """Notes that it was closed."""
        self.closed = True


class VirtualClock:
    """Time that passes only in `sleep`, at once; several sleepers wake in the order of their times."""

    def __init__(self, *, start: float = 1_700_000_000.0, seed: int = 0) -> None:
        """`start` in seconds since 1970; `seed` decides the dice."""
        self._start, self._elapsed = start, 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._ticket = itertools.count()
        self._wakes = False
        self.slept: list[float] = []
        """Every wait in seconds, in the order in which it began."""
        self.dice: Callable[[], float] = Random(seed).random  # noqa: S311 - dice that repeat
        """A number in [0, 1), the same row of them for the same seed."""

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._elapsed

    def now(self) -> float:
        """Seconds since 1970."""
        return self._start + self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Waits so many seconds, which no real time passes in."""
        self.slept.append(seconds)
        loop = asyncio.get_running_loop()
        awake: asyncio.Future[None] = loop.create_future()
        heappush(self._sleepers, (self._elapsed + max(seconds, 0.0), next(self._ticket), awake))
        if not self._wakes:
            self._wakes = True
            loop.call_soon(self._wake)
        await awake

    def _wake(self, turns: int = TURNS) -> None:
        """Wakes the sleeper whose time comes first, and comes back for the next when that one has had its turns."""
        if turns:
            asyncio.get_running_loop().call_soon(self._wake, turns - 1)
            return
        while self._sleepers:
            moment, _, awake = heappop(self._sleepers)
            if not awake.done():
                self._elapsed = max(self._elapsed, moment)
                awake.set_result(None)
                break
        self._wakes = bool(self._sleepers)
        if self._wakes:
            asyncio.get_running_loop().call_soon(self._wake)


class PassingClock(VirtualClock):
    """The real time, and on top of it all waits, which pass at once: for real sockets without real waits."""

    def __init__(self) -> None:
        super().__init__(start=time.time())
        self._begun = time.monotonic()

    def monotonic(self) -> float:
        """Seconds since this clock was made, those of its waits included."""
        return time.monotonic() - self._begun + super().monotonic()

    def now(self) -> float:
        """Seconds since 1970, those of its waits included."""
        return time.monotonic() - self._begun + super().now()


class Caught(BaseException):
    """A request that was about to be sent. It passes through whatever handles errors, since it is none."""

    def __init__(self, request: Request) -> None:
        super().__init__(repr(request))
        self.request = request
        """The request, signed."""


def catching() -> Effects:
    """Effects that send nothing: the first request is raised, as Caught."""

    def caught(request: Request) -> Response:
        raise Caught(request)

    transport = FakeTransport(caught, answers_for_sdks=True)
    return Effects(transport=lambda _network: transport)


def effects(
    answer: Answering | FakeTransport, *, clock: VirtualClock | None = None, listeners: Sequence[Listener] = ()
) -> Effects:
    """Effects with no socket, no real wait and nothing random; give a FakeTransport to see its requests later."""
    transport = answer if isinstance(answer, FakeTransport) else FakeTransport(answer)
    clock = clock or VirtualClock()
    ticket = itertools.count(1)
    return Effects(
        transport=lambda _network: transport,
        monotonic=clock.monotonic,
        now=clock.now,
        sleep=clock.sleep,
        dice=clock.dice,
        unique=lambda: f"{next(ticket):08x}-0000-4000-8000-000000000000",
        listeners=list(listeners),
    )
