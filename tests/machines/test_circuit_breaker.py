"""The circuit breaker: the defects of the standard's, which ours has not; and whatever else may happen to it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from math import inf
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connector_core.circuit_breaker import TRANSITIONS, Circuit, Permit, Refusal, Terms, admit, force, record
from tests.machines.breakers import Breaker, Clock, Naive, Ours, RefusedError

KINDS = (Naive, Ours)


class ServiceError(Exception):
    pass


async def works() -> str:
    return "ok"


async def fails() -> None:
    raise ServiceError


async def opened(kind: type[Breaker]) -> tuple[Clock, Breaker]:
    """A breaker that ten failures have opened."""
    clock = Clock()
    breaker = kind(clock)
    for _ in range(10):
        with suppress(ServiceError, RefusedError):
            await breaker.execute(fails)
    assert breaker.state == "open"
    return clock, breaker


async def admitted(breaker: Breaker, callers: int) -> int:
    """How many of so many callers at once are let through."""
    entered, over = 0, asyncio.Event()

    async def waits() -> None:
        nonlocal entered
        entered += 1
        await over.wait()

    tasks = [asyncio.ensure_future(breaker.execute(waits)) for _ in range(callers)]
    for _ in range(3):
        await asyncio.sleep(0)
    found = entered
    over.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    return found


async def b1(kind: type[Breaker]) -> bool:
    clock, breaker = await opened(kind)
    clock.now += 31
    return await admitted(breaker, 200) == 3


async def b2(kind: type[Breaker]) -> bool:
    clock = Clock()
    breaker = kind(clock)
    answered = asyncio.Event()

    async def slow() -> None:
        await answered.wait()

    early = asyncio.ensure_future(breaker.execute(slow))
    await asyncio.sleep(0)
    for _ in range(10):
        with suppress(ServiceError, RefusedError):
            await breaker.execute(fails)
    assert breaker.state == "open"
    answered.set()
    await early
    return breaker.state == "open"


async def b3(kind: type[Breaker]) -> bool:
    clock = Clock()
    breaker = kind(clock)
    for call in range(1000):
        clock.now += 0.01
        with suppress(ServiceError, RefusedError):
            await breaker.execute(works if call % 5 == 4 else fails)
        if breaker.state == "open":
            return True
    return False


async def b4(kind: type[Breaker]) -> bool:
    clock, breaker = await opened(kind)
    clock.now += 31
    probe = asyncio.ensure_future(breaker.execute(asyncio.Event().wait))
    await asyncio.sleep(0)
    probe.cancel()
    with suppress(asyncio.CancelledError):
        await probe
    return await admitted(breaker, 50) == 3


async def b5(kind: type[Breaker]) -> bool:
    """The standard's flag check asks the breaker; only a call that it then refuses would have closed it."""
    clock, breaker = await opened(kind)
    clock.now += 3600
    if isinstance(breaker, Naive):
        return breaker.state != "open"
    return breaker.circuit.refused(clock.now) == 0


async def b6(kind: type[Breaker]) -> bool:
    clock = Clock()
    breaker = kind(clock)
    answered = asyncio.Event()

    async def late() -> None:
        await answered.wait()
        raise ServiceError

    early = asyncio.ensure_future(breaker.execute(late))
    await asyncio.sleep(0)
    for _ in range(10):
        with suppress(ServiceError, RefusedError):
            await breaker.execute(fails)
    clock.now += 20
    answered.set()
    with suppress(ServiceError):
        await early
    clock.now += 15
    return await admitted(breaker, 1) == 1


async def b6_hint(kind: type[Breaker]) -> bool:
    _, breaker = await opened(kind)
    try:
        await breaker.execute(works)
    except RefusedError as refused:
        return refused.retry_after is not None and 0 < refused.retry_after <= 33
    return False


async def test_standard_b1_half_open_admits_its_probes_and_no_more():
    """Of 200 callers at once, three try a half-open circuit out; the standard's lets all of them through."""
    assert [await b1(kind) for kind in KINDS] == [False, True]


async def test_standard_b2_a_stale_success_does_not_close_it():
    """What was sent before the circuit opened and succeeds afterwards says nothing."""
    assert [await b2(kind) for kind in KINDS] == [False, True]


async def test_standard_b3_a_failure_rate_opens_it():
    """80 % of 1000 calls fail, never five in a row: that opens ours."""
    assert [await b3(kind) for kind in KINDS] == [False, True]


async def test_standard_b4_a_cancelled_probe_gives_its_permit_back():
    """After a probe was cancelled, there are as many permits as before, and not as many as one likes."""
    assert [await b4(kind) for kind in KINDS] == [False, True]


async def test_standard_b5_time_alone_ends_the_open_state():
    """Who looks whether a call would be admitted sees that the time is over; no call has to be made for it."""
    assert [await b5(kind) for kind in KINDS] == [False, True]


async def test_standard_b6_late_failures_do_not_keep_it_open():
    """Failures of what was under way when it opened do not begin the open state anew."""
    assert [await b6(kind) for kind in KINDS] == [False, True]


async def test_standard_b6_the_refusal_says_when_to_come_back():
    """A refusal carries the seconds that are left."""
    assert [await b6_hint(kind) for kind in KINDS] == [False, True]


# ── whatever may happen ───────────────────────────────────────────────────────────────────────────

TERMS = Terms(calls=8, seconds=20.0, minimum=4, failure_rate=0.5, open_for=5.0, longest=40.0, probes=3)


def known(circuit: Circuit) -> tuple[Any, ...]:
    return circuit.state, circuit.until, list(circuit.results), dict(circuit.leases), circuit.window.calls


class Circuits(RuleBasedStateMachine):
    """Calls that begin and end in any order, beside a plain recount of what should count."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.circuit = Circuit(TERMS)
        self.under_way: list[tuple[Permit, float]] = []
        self.counted: list[tuple[float, bool]] = []
        self.before: Any = None

    @initialize(terms=st.sampled_from([TERMS, Terms(probes=1, minimum=1, calls=1, open_for=3)]))
    def begins(self, terms):
        self.circuit = Circuit(terms)

    def turned(self, generation: int, state: str) -> None:
        """Whatever was done, it was one row of the table, and a new generation forgets the old one's calls."""
        if self.circuit.generation == generation:
            assert self.circuit.state == state
            return
        assert self.circuit.generation == generation + 1
        assert self.circuit.cause is not None
        assert TRANSITIONS[state, self.circuit.cause] == self.circuit.state  # type: ignore[index]
        self.counted = []

    @rule(seconds=st.floats(0.01, 12))
    def waits(self, seconds):
        self.now += seconds

    @rule()
    def asks(self):
        circuit, generation, state = self.circuit, self.circuit.generation, self.circuit.state
        expected = circuit.refused(self.now)
        found = admit(circuit, self.now, 15.0)
        self.turned(generation, state)
        assert isinstance(found, Refusal) == (expected > 0)
        if isinstance(found, Permit):
            self.under_way.append((found, self.now))
            assert circuit.state not in ("open", "forced_open")
        else:
            assert found.seconds == expected

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.sampled_from(["success", "failure", "failure", "ignored"]), twice=st.booleans())
    def ends(self, data, outcome, twice):
        permit, _ = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        for _ in range(1 + (twice and self.circuit.state == "half_open")):
            circuit, generation, state = self.circuit, self.circuit.generation, self.circuit.state
            stale = permit.generation != generation
            memory = known(circuit)
            if state == "closed" and not stale and outcome != "ignored":
                self.counted.append((self.now, outcome == "failure"))
            record(circuit, permit, outcome, self.now, lambda: 0.5)
            if stale:
                assert known(circuit) == memory
            self.turned(generation, state)

    @rule(to=st.sampled_from(["forced_open", "forced_closed", "closed", "closed"]))
    def forces(self, to):
        generation, state = self.circuit.generation, self.circuit.state
        if state == to == "closed":
            self.counted = []
        force(self.circuit, to, self.now)
        self.turned(generation, state)
        assert self.circuit.state == to

    @invariant()
    def probes_are_counted(self):
        """Permits out and results in are never more than the probes; where some are free, one is given."""
        circuit = self.circuit
        if circuit.state != "half_open":
            assert not circuit.leases
            return
        alive = sum(end > self.now for end in circuit.leases.values())
        assert alive + circuit.results[0] <= circuit.terms.probes
        assert circuit.results[0] < circuit.terms.probes
        assert (circuit.refused(self.now) == 0) == (alive + circuit.results[0] < circuit.terms.probes)

    @invariant()
    def an_end_is_in_sight(self):
        """No state but the forced one lasts without an end."""
        if self.circuit.state != "forced_open":
            assert self.circuit.refused(self.now) < inf
        if self.circuit.state == "open":
            assert self.circuit.interval <= self.circuit.terms.longest * 1.1

    @invariant()
    def the_window_is_a_recount(self):
        """What the window says is what a count of the calls says."""
        circuit, terms = self.circuit, self.circuit.terms
        if circuit.state != "closed":
            return
        circuit.window.expire(self.now)
        recent = [failed for moment, failed in self.counted[-(terms.calls or 0) :] if moment > self.now - terms.seconds]
        assert (circuit.window.calls, circuit.window.failures) == (len(recent), sum(recent))


TestCircuits = Circuits.TestCase
TestCircuits.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


async def test_cancelled_callers_lose_no_permit():
    """However many probes are cancelled, the next three are admitted and close the circuit."""
    clock, breaker = await opened(Ours)
    clock.now += 40
    for _ in range(50):
        tasks = [asyncio.ensure_future(breaker.execute(asyncio.Event().wait)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in found].count(True) == 3
    for _ in range(3):
        await breaker.execute(works)
    assert breaker.state == "closed"
    with pytest.raises(ServiceError):
        await breaker.execute(fails)
