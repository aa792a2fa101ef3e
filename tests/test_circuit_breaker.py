"""When a service that fails is left alone: what a spec says, the windows, and each transition.

Where resilience4j has a test of the same thing, it has its name here.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector_core.circuit_breaker import (
    LEASE,
    TRANSITIONS,
    Circuit,
    CircuitBreaker,
    CountWindow,
    Permit,
    Refusal,
    Terms,
    Window,
    admit,
    force,
    record,
)
from connector_core.circuit_breaker.window import CELLS

# ── what a spec says ──────────────────────────────────────────────────────────────────────────────


def test_the_kind_may_be_left_out():
    """`circuit_breaker: {window: 50}` means the family's default kind, and what it leaves out is what holds anyway."""
    assert CircuitBreaker.resolve({"window": 50}) == CountWindow(window=50)
    assert CountWindow().terms() == Terms()


@pytest.mark.parametrize(
    "written, terms",
    [
        ({"failure_rate": "25%", "window": 50}, Terms(calls=50, failure_rate=0.25)),
        ({"window": 4}, Terms(calls=4, minimum=4)),
        ({"slow_after": "5s", "slow_rate": "80%"}, Terms(slow_after=5, slow_rate=0.8)),
        ({"type": "time_window", "window": "30s", "minimum": 100}, Terms(calls=None, seconds=30, minimum=100)),
        ({"open_for": "1m", "longest": "1h", "probes": 1}, Terms(open_for=60, longest=3600, probes=1)),
        ("none", None),
    ],
)
def test_terms(written, terms):
    """Every kind comes to the same terms; a window smaller than the usual minimum has to be full."""
    assert CircuitBreaker.resolve(written).terms() == terms


@pytest.mark.parametrize(
    "written, what",
    [
        ({"window": 5, "minimum": 6}, "'minimum' is never reached: the window holds 5 calls"),
        ({"open_for": "20m"}, "'open_for' is longer than 'longest'"),
        ({"slow_rate": "50%"}, "'slow_rate' says nothing without 'slow_after'"),
        ({"failure_rate": "0%"}, "a rate of 0% would open it with every call"),
        ({"failure_rate": 0.5}, "'0.5' is not a share: write a number from 0 to 100 and a percent sign, such as 50%"),
        ({"probes": 0}, "greater than or equal to 1"),
        ({"type": "none", "window": 5}, "Extra inputs are not permitted"),
    ],
)
def test_mistakes(written, what):
    """What makes no sense is told in words."""
    with pytest.raises(ValidationError) as refused:
        CircuitBreaker.resolve(written)
    assert what in str(refused.value)


# ── windows ───────────────────────────────────────────────────────────────────────────────────────


def test_a_count_window_is_exact():
    """Only the last calls count, and of these only those that are not too old."""
    window = Window(Terms(calls=3, seconds=10, minimum=3))
    assert [window.add(now, failed=True, slow=False) for now in (0, 1, 2)] == [None, None, "failures"]
    for now in (3, 4):
        window.add(now, failed=False, slow=False)
    assert (window.calls, window.failures) == (3, 1)
    window.expire(13)
    assert (window.calls, window.failures) == (1, 0)


@given(st.lists(st.tuples(st.floats(0, 9), st.booleans()), max_size=60))
def test_a_time_window_is_longer_by_a_part_at_most(calls):
    """A time window holds all calls of its time, and none that is older than that and one of its parts."""
    window, now, told = Window(Terms(calls=None, seconds=30.0)), 0.0, []
    for pause, failed in calls:
        now += pause
        window.add(now, failed=failed, slow=False)
        told.append((now, failed))
        least = [was for moment, was in told if moment > now - 30]
        most = [was for moment, was in told if moment > now - 30 - 30 / CELLS - 1e-6]
        assert len(least) <= window.calls <= len(most)
        assert sum(least) <= window.failures <= sum(most)
        assert len(window) <= CELLS + 1


def test_a_success_may_complete_the_minimum():
    """The call that makes the minimum complete decides, though it succeeded."""
    window = Window(Terms(minimum=4))
    found = [window.add(0, failed=failed, slow=False) for failed in (True, True, True, False)]
    assert found == [None, None, None, "failures"]


# ── transitions ───────────────────────────────────────────────────────────────────────────────────


def closed(**terms: Any) -> Circuit:
    return Circuit(Terms(calls=4, minimum=2, **terms))


def entered(circuit: Circuit, now: float, lease: float = LEASE) -> Permit:
    permit = admit(circuit, now, lease)
    assert isinstance(permit, Permit)
    return permit


def states(circuit: Circuit) -> tuple[str, str | None]:
    return circuit.state, circuit.cause


def failing(circuit: Circuit, now: float = 0.0, dice: float = 0.0) -> Circuit:
    """The circuit after it was opened by failures."""
    while circuit.state == "closed":
        record(circuit, entered(circuit, now), "failure", now, lambda: dice)
    return circuit


def half_open(**terms: Any) -> Circuit:
    """A circuit whose first probe is under way since second 30: it is in the way of nobody."""
    circuit = failing(closed(**terms))
    record(circuit, entered(circuit, 30), "ignored", 30)
    assert circuit.state == "half_open"
    return circuit


def test_should_transition_to_open_when_failure_rate_is_reached():
    """Half of the last calls have failed, and there are enough of them: nothing is sent for 30 seconds."""
    circuit = closed()
    for outcome in ("success", "failure"):
        record(circuit, entered(circuit, 5), outcome, 5)
    assert (circuit.state, circuit.cause, admit(circuit, 6)) == ("open", "failures", Refusal(29))


def test_should_not_transition_below_the_minimum_number_of_calls():
    """A first call that fails says nothing yet."""
    circuit = closed()
    record(circuit, entered(circuit, 0), "failure", 0)
    assert circuit.state == "closed"


def test_should_transition_to_open_when_slow_call_rate_is_reached():
    """Calls that succeed too late open it too; one that takes exactly as long as it may is not slow."""
    circuit = closed(slow_after=2.0)
    for elapsed in (2.0, 2.1, 2.1, 2.1):
        record(circuit, entered(circuit, 0), "success", 0, elapsed=elapsed)
    assert circuit.state == "closed"
    record(circuit, entered(circuit, 0), "success", 0, elapsed=9)
    assert (circuit.state, circuit.cause) == ("open", "slow_calls")


def test_should_ignore_exceptions_that_say_nothing():
    """Ignored results are neither successes nor failures."""
    circuit = closed()
    for _ in range(50):
        record(circuit, entered(circuit, 0), "ignored", 0)
    assert (circuit.state, circuit.window.calls) == ("closed", 0)


def test_should_transition_to_half_open_after_wait_duration():
    """When the time is over, and not a moment earlier, the next call is a probe."""
    circuit = failing(closed())
    assert isinstance(admit(circuit, 29.999), Refusal)
    assert circuit.state == "open"
    assert entered(circuit, 30).probe == 1
    assert (circuit.state, circuit.cause) == ("half_open", "waited")


def test_should_allow_the_permitted_number_of_calls_in_half_open():
    """Three probes are admitted; the fourth is told when the first of these loses its permit, or the usual wait."""
    circuit = half_open()
    assert [type(admit(circuit, now, 20)) for now in (31, 32, 33, 34)] == [Permit, Permit, Permit, Refusal]
    assert admit(circuit, 41) == Refusal(10)


def test_should_transition_to_closed_when_all_probes_are_in():
    """It closes when the last probe is back, and begins with an empty window."""
    circuit = half_open()
    permits = [entered(circuit, 31) for _ in range(3)]
    for permit in permits:
        assert circuit.state == "half_open"
        record(circuit, permit, "success", 32)
    assert (circuit.state, circuit.cause, circuit.window.calls) == ("closed", "recovered", 0)


def test_should_transition_to_open_when_probes_fail():
    """It opens as soon as the rate is reached whatever the others bring."""
    circuit = half_open()
    first, second, third = (entered(circuit, 31) for _ in range(3))
    record(circuit, first, "failure", 32)
    assert states(circuit) == ("half_open", "waited")
    record(circuit, second, "failure", 33)
    assert (circuit.state, circuit.cause) == ("open", "relapsed")
    record(circuit, third, "success", 34)
    assert circuit.state == "open"


def test_should_release_permission():
    """A probe that is given back can be had again, once."""
    circuit = half_open(probes=1)
    permit = entered(circuit, 31)
    assert isinstance(admit(circuit, 31), Refusal)
    record(circuit, permit, "ignored", 32)
    record(circuit, permit, "ignored", 32)
    assert isinstance(admit(circuit, 32), Permit)
    assert isinstance(admit(circuit, 32), Refusal)


def test_should_not_stay_half_open_for_ever():
    """A probe of which nothing is heard loses its permit when its lease ends; what it brings then is not counted."""
    circuit = half_open(probes=1)
    lost = entered(circuit, 31, lease=60.0)
    assert isinstance(admit(circuit, 90), Refusal)
    other = entered(circuit, 91)
    record(circuit, lost, "failure", 92)
    assert states(circuit) == ("half_open", "waited")
    record(circuit, other, "success", 93)
    assert circuit.state == "closed"


def test_should_ignore_results_of_an_earlier_generation():
    """What was admitted before a transition changes nothing after it, and does not keep the circuit open."""
    circuit = closed()
    early = [entered(circuit, 0) for _ in range(20)]
    failing(circuit, 5)
    until = circuit.until
    for permit in early:
        record(circuit, permit, "failure", 20)
        record(circuit, permit, "success", 20)
    assert (circuit.state, circuit.until) == ("open", until)


def test_should_use_exponential_wait_intervals():
    """Each open state that follows soon is twice as long, up to the longest, and up to a tenth longer by the dice."""
    circuit, now, found = failing(closed(longest=100.0), 0, 0.0), 0.0, []
    for dice in (0.0, 0.5, 0.999, 0.0):
        found.append(circuit.interval)
        now = circuit.until
        for _ in range(2):
            record(circuit, entered(circuit, now), "failure", now, partial(float, dice))
    assert found == pytest.approx([30, 60, 105, 109.99])


def test_should_forget_the_streak_after_it_was_well():
    """Closed for as long as it was left alone, it begins with the first interval again; sooner, it does not."""
    for well, expected in ((29.0, 60.0), (31.0, 30.0)):
        circuit = failing(closed(probes=1))
        record(circuit, entered(circuit, 30), "success", 30)
        failing(circuit, 30 + well)
        assert circuit.interval == expected


def test_forced_states():
    """Held open it admits nobody; held closed, everybody, whatever fails; reset, it begins anew."""
    circuit = failing(closed())
    force(circuit, "forced_closed", 1)
    for _ in range(20):
        record(circuit, entered(circuit, 2), "failure", 2)
    assert circuit.state == "forced_closed"
    force(circuit, "forced_open", 3)
    assert admit(circuit, 1e9) == Refusal(inf)
    force(circuit, "forced_open", 4)
    force(circuit, "closed", 5)
    assert (circuit.state, circuit.cause, circuit.streak) == ("closed", "reset", 0)
    assert entered(circuit, 5).generation == circuit.generation


def test_the_table_is_whole():
    """Every state can be left and be reached, and each can be forced into both others and reset."""
    states = {state for state, _ in TRANSITIONS}
    assert states == set(TRANSITIONS.values())
    for state in states:
        ways = {cause: after for (before, cause), after in TRANSITIONS.items() if before == state}
        told = {"forced_open": "forced_open", "forced_closed": "forced_closed", "reset": "closed"}
        assert {cause: after for cause, after in told.items() if after != state}.items() <= ways.items()
