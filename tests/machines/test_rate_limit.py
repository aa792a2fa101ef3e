"""The rate limit in the engine, on virtual time: whatever is asked, cancelled, refused and failed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector_core import Effects, Engine
from connector_core.engine.deadline import WHEN_CONNECTED
from connector_core.engine.pace import Pace, Permit
from connector_core.exceptions import ConnectionError, RateLimitError
from connector_core.testing import FakeTransport, respond
from tests.machines.virtual import VirtualLoop

SHARED: dict[str, Any] = {"rates": ["6/second", "16/8s"], "concurrency": 4, "max_wait": "30s"}
OWN: dict[str, Any] = {"rates": ["2/3s"], "max_wait": "12s"}
PATIENCE = {"plain": 30.0, "narrow": 12.0}
LIMITS = {"plain": [(6.0, 1.0), (16.0, 8.0)], "narrow": [(2.0, 3.0)]}
HAIR = 1e-5  # what the loop's clock rounds


def document(**more: Any) -> dict[str, Any]:
    call = {"get": "/thing", "input": {"cost": {}}, "cost": "{{ input.cost }}"}
    endpoints = {"plain": call, "narrow": {**call, "rate_limit": OWN}}
    limit = {"rate_limit": SHARED}
    return {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": endpoints} | limit | more


class Asked:
    """One request, from the moment that it is asked for."""

    def __init__(self, number: int, endpoint: str, cost: float, begun: float) -> None:
        self.number, self.endpoint, self.cost, self.begun = number, endpoint, cost, begun
        self.sent: float | None = None
        self.permit: Permit | None = None
        self.unsent = False
        self.over = asyncio.Event()
        self.task: asyncio.Task[None]

    @property
    def running(self) -> bool:
        return self.sent is not None and not self.task.done()


class RateLimits(RuleBasedStateMachine):
    """Requests of two endpoints, one with a limit of its own, on one connection."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.open = AsyncExitStack()
        self.asked: list[Asked] = []
        self.order: list[Asked] = []
        self.pauses: list[tuple[float, float, str]] = []
        self.late: list[tuple[Asked, float]] = []
        self.paces: dict[str, Pace] = self.run(self.opened())

    async def opened(self) -> dict[str, Pace]:
        effects = Effects(
            transport=lambda _: FakeTransport(lambda _: respond()), monotonic=self.loop.time, sleep=asyncio.sleep
        )
        engine = await self.open.enter_async_context(Engine(effects=effects))
        demo = await self.open.enter_async_context(engine.open(document()))
        found = {name: demo._connection.pace(demo._connection.plan(name)) for name in ("plain", "narrow")}
        return {name: pace for name, pace in found.items() if pace is not None}

    def run(self, job: Any) -> Any:
        return self.loop.run_until_complete(job)

    async def through(self, asked: Asked) -> None:
        try:
            async with await self.paces[asked.endpoint].admit({"input": {"cost": asked.cost}}) as permit:
                asked.sent, asked.permit = self.loop.time(), permit
                self.order.append(asked)
                await asked.over.wait()
                if asked.unsent:
                    raise ConnectionError("not sent", phase="unsent")
        except ConnectionError:
            pass
        except RateLimitError:
            self.late.append((asked, self.loop.time()))

    # ── what happens ──────────────────────────────────────────────────────────────────────────────

    @rule(endpoint=st.sampled_from(["plain", "plain", "narrow"]), cost=st.sampled_from([1, 1, 1, 2, 0.5, 0]))
    def ask(self, endpoint: str, cost: float) -> None:
        asked = Asked(len(self.asked), endpoint, cost, self.loop.time())
        asked.task = self.loop.create_task(self.through(asked))
        self.asked.append(asked)
        self.run(asyncio.sleep(0))

    @rule(cost=st.sampled_from([5, 6]))
    def ask_for_much(self, cost: float) -> None:
        self.ask("plain", cost)

    @rule(seconds=st.sampled_from([0, 0.1, 0.5, 1, 3, 10]))
    def wait(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @precondition(lambda self: any(not asked.task.done() for asked in self.asked))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from([asked for asked in self.asked if not asked.task.done()])).task.cancel()
        self.run(asyncio.sleep(0))

    @precondition(lambda self: any(asked.running for asked in self.asked))
    @rule(data=st.data(), unsent=st.booleans())
    def finish(self, data: st.DataObject, unsent: bool) -> None:
        asked = data.draw(st.sampled_from([asked for asked in self.asked if asked.running]))
        asked.unsent = unsent
        asked.over.set()
        self.run(asyncio.sleep(0.01))

    @precondition(lambda self: any(asked.running for asked in self.asked))
    @rule(data=st.data(), hint=st.sampled_from([0.5, 2, 20, None]))
    def refuse(self, data: st.DataObject, hint: float | None) -> None:
        asked = data.draw(st.sampled_from([asked for asked in self.asked if asked.running]))
        assert asked.permit is not None
        self.run(asked.permit.refused(hint))
        self.pauses.append((self.loop.time(), hint or 1.0, asked.endpoint))
        asked.over.set()
        self.run(asyncio.sleep(0.01))

    # ── what always holds ─────────────────────────────────────────────────────────────────────────

    @invariant()
    def no_window_has_more_than_its_rate(self) -> None:
        for endpoint, limits in LIMITS.items():
            sent = [
                (asked.sent, asked.cost)
                for asked in self.order
                if asked.sent is not None and not asked.unsent and endpoint in ("plain", asked.endpoint)
            ]
            for limit, period in limits:
                for start, _ in sent:
                    assert sum(cost for moment, cost in sent if start <= moment < start + period - HAIR) <= limit

    @invariant()
    def first_come_first_served(self) -> None:
        for endpoint in LIMITS:
            numbers = [asked.number for asked in self.order if asked.endpoint == endpoint]
            assert numbers == sorted(numbers)

    @invariant()
    def not_too_many_at_once(self) -> None:
        assert sum(asked.running for asked in self.asked) <= 4

    @invariant()
    def a_refusal_holds_everybody_back(self) -> None:
        for begun, seconds, endpoint in self.pauses:
            for asked in self.order:
                if endpoint in ("plain", asked.endpoint) and endpoint == asked.endpoint:
                    assert asked.sent is not None
                    assert not begun < asked.sent < begun + seconds - HAIR

    @invariant()
    def nobody_waits_longer_than_allowed(self) -> None:
        for asked in self.order:
            assert asked.sent is not None
            assert asked.sent - asked.begun <= PATIENCE[asked.endpoint] + HAIR
        for asked, moment in self.late:
            assert moment - asked.begun <= PATIENCE[asked.endpoint] + HAIR
        waiting = [asked for asked in self.asked if asked.sent is None and not asked.task.done()]
        assert all(self.loop.time() - asked.begun <= PATIENCE[asked.endpoint] + HAIR for asked in waiting)

    def teardown(self) -> None:
        """When everything is over, everything that was ever given is there again."""
        try:
            for asked in self.asked:
                asked.task.cancel()
            self.run(asyncio.sleep(100))
            for pace in self.paces.values():
                assert [(line.gate.under_way, len(line.waiting)) for line in pace.lines] == [(0, 0)] * len(pace.lines)
            self.ask("plain", 6)
            assert self.asked[-1].running
        finally:
            self.asked[-1].task.cancel()
            self.run(asyncio.sleep(1))
            self.run(self.open.aclose())
            self.loop.close()


TestRateLimits = RateLimits.TestCase
TestRateLimits.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


# ── the standard's limiter ────────────────────────────────────────────────────────────────────────


class Naive:
    """The limiter of integration standards: it looks, waits once, and notes the call afterwards."""

    def __init__(self, limit: int, interval: float, clock: Any) -> None:
        self.limit, self.interval, self.clock = limit, interval, clock
        self.requests: list[float] = []

    async def throttle(self, operation: Any, cost: float = 1) -> None:  # noqa: ARG002 - it knows none
        await self.slot()
        try:
            await operation()
        finally:
            self.requests = [*self.requests, self.clock()]

    async def slot(self) -> None:
        now = self.clock()
        self.requests = [moment for moment in self.requests if moment >= now - self.interval]
        if len(self.requests) >= self.limit:
            await asyncio.sleep(self.requests[0] + self.interval - now)


class Ours:
    """The engine's, behind the same door."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace

    async def throttle(self, operation: Any, cost: float = 1) -> None:
        async with await self.pace.admit({"input": {"cost": cost}}):
            await operation()


async def sent_by(kind: type, limit: dict[str, Any], costs: list[float], seconds: float = 0.1) -> tuple[list[Any], int]:
    """When what was sent, and the most under way at once, for calls that all come at the same time."""
    clock = asyncio.get_running_loop().time
    effects = Effects(transport=lambda _: FakeTransport(lambda _: respond()), monotonic=clock, sleep=asyncio.sleep)
    sent, under_way, most = [], 0, 0

    def call(cost: float) -> Any:
        async def operation() -> None:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            sent.append((clock(), cost))
            await asyncio.sleep(seconds)
            under_way -= 1

        return limiter.throttle(operation, cost)

    async with Engine(effects=effects) as engine, engine.open(document(rate_limit=limit)) as demo:
        pace = demo._connection.pace(demo._connection.plan("plain"))
        assert pace is not None
        limiter = Ours(pace) if kind is Ours else Naive(10, 1.0, clock)
        await asyncio.gather(*map(call, costs))
    return sent, most


def worst(sent: list[tuple[float, float]], period: float) -> float:
    return max(sum(cost for moment, cost in sent if start <= moment < start + period - HAIR) for start, _ in sent)


def on_virtual_time(job: Any) -> Any:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(job)
    finally:
        loop.close()


@pytest.mark.parametrize("kind, most", [(Ours, 10), (Naive, 60)])
def test_standard_l1(kind, most):
    """Sixty calls at once under 10/second: the standard's limiter lets all of them go, ours ten in any second."""
    sent, _ = on_virtual_time(sent_by(kind, {"rates": ["10/second"]}, [1] * 60))
    assert worst(sent, 1.0) == most


@pytest.mark.parametrize("kind, holds", [(Ours, True), (Naive, False)])
@pytest.mark.parametrize(
    "limit, costs, period, most",
    [
        ({"rates": ["10/second", "15/2s"]}, [1] * 60, 2.0, 15),
        ({"rates": ["10/second"]}, [1, 8] * 10, 1.0, 10),
        ({"rates": ["100/second"], "concurrency": 3}, [1] * 30, 0.05, 3),
    ],
    ids=["windows", "costs", "concurrency"],
)
def test_standard_l2(kind, holds, limit, costs, period, most):
    """Several windows, costs, how many at once: the standard's limiter knows none of them."""
    sent, at_once = on_virtual_time(sent_by(kind, limit, costs))
    assert (worst(sent, period) <= most) is holds
    assert not holds or at_once <= limit.get("concurrency", 60)
    assert not holds or [cost for _, cost in sent] == costs


def test_a_large_cost_does_not_starve():
    """A cost of 8 among a hundred of 1 goes when it is its turn, not when nothing small is left."""
    costs = [1.0] * 20 + [8.0] + [1.0] * 80
    sent, _ = on_virtual_time(sent_by(Ours, {"rates": ["10/second"]}, costs))
    assert [cost for _, cost in sent] == costs
    assert [moment for moment, cost in sent if cost == 8] == [pytest.approx(2.0)]


class Telling(FakeTransport):
    """Says when a request has its socket, as the engine's own transport does."""

    tells_when_connected: bool = True


async def arrivals(connecting: float) -> list[float]:
    """When forty requests under 10/second arrive, of which the first ten have to connect."""
    loop = asyncio.get_running_loop()
    arrived: list[float] = []

    async def send(_request: Any) -> Any:
        if len(began) < 10:
            began.append(loop.time())
            await asyncio.sleep(connecting)
        if (tell := WHEN_CONNECTED.get()) is not None:
            tell()
        arrived.append(loop.time())
        return respond(json={})

    began: list[float] = []
    effects = Effects(transport=lambda _: Telling(send), monotonic=loop.time, sleep=asyncio.sleep)
    call = {"get": "/thing"}
    spec = {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": {"thing": call}}
    limit = {"rates": ["10/second"]}
    async with Engine(effects=effects) as engine, engine.open({**spec, "rate_limit": limit}) as demo:
        await asyncio.gather(*(demo.call("thing") for _ in range(40)))
    return arrived


@pytest.mark.parametrize("connecting", [0.0, 0.3, 0.9, 1.5, 7.0])
def test_what_counts_is_the_moment_of_sending(connecting):
    """Those that wait for a connection leave late, and the next ones keep their distance from them."""
    arrived = on_virtual_time(arrivals(connecting))
    assert len(arrived) == 40
    assert worst([(moment, 1.0) for moment in arrived], 1.0) <= 10


async def given_up(how: str) -> list[float]:
    """When those of twenty requests under 10/second arrive that follow ten which never get a socket."""
    loop = asyncio.get_running_loop()
    arrived: list[float] = []

    async def send(_request: Any) -> Any:
        if loop.time() < 0.5 and how == "cancelled":
            await asyncio.sleep(100)
        if loop.time() < 0.5:
            raise ConnectionError("no", phase="unsent", code="connection.refused")
        arrived.append(loop.time())  # a transport that answers without a socket says nothing
        return respond(json={})

    effects = Effects(transport=lambda _: Telling(send), monotonic=loop.time, sleep=asyncio.sleep)
    call = {"get": "/thing", "retry": {"attempts": 1}}
    spec = {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": {"thing": call}}
    more = {"rate_limit": {"rates": ["10/second"]}, "circuit_breaker": "none"}
    async with Engine(effects=effects) as engine, engine.open({**spec, **more}) as demo:
        first = [asyncio.ensure_future(demo.call("thing")) for _ in range(10)]
        await asyncio.sleep(0.5)
        for task in first:
            task.cancel()
        await asyncio.gather(*first, return_exceptions=True)
        await asyncio.gather(*(demo.call("thing") for _ in range(20)))
    return [moment - 0.5 for moment in arrived]


@pytest.mark.parametrize("how", ["cancelled", "refused"])
def test_what_was_never_sent_does_not_count(how):
    """Whoever gives up, or fails, before there is a socket has used nothing: ten go at once, ten a second later."""
    arrived = on_virtual_time(given_up(how))
    assert arrived == [pytest.approx(0.0, abs=0.01)] * 10 + [pytest.approx(1.0, abs=0.01)] * 10
