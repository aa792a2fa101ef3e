"""A circuit: a table of transitions, who is admitted in which state, and what a result does.

::

    permit = admit(circuit, now)                       # a Refusal says for how long nobody is admitted
    record(circuit, permit, "failure", now, dice)      # or "success", "ignored"

`now` is in seconds of one clock that only goes forward, `dice` rolls in [0, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Literal

from msgspec import Struct

from connector_core.circuit_breaker.window import Terms, Window

__all__ = [
    "LEASE",
    "TRANSITIONS",
    "Cause",
    "Circuit",
    "Outcome",
    "Permit",
    "Refusal",
    "State",
    "admit",
    "force",
    "record",
]

State = Literal["closed", "open", "half_open", "forced_open", "forced_closed"]
Cause = Literal["failures", "slow_calls", "waited", "recovered", "relapsed", "forced_open", "forced_closed", "reset"]
Outcome = Literal["success", "failure", "ignored"]

TRANSITIONS: dict[tuple[State, Cause], State] = {
    ("closed", "failures"): "open",
    ("closed", "slow_calls"): "open",
    ("open", "waited"): "half_open",
    ("half_open", "recovered"): "closed",
    ("half_open", "relapsed"): "open",
    ("closed", "forced_open"): "forced_open",
    ("open", "forced_open"): "forced_open",
    ("half_open", "forced_open"): "forced_open",
    ("forced_closed", "forced_open"): "forced_open",
    ("closed", "forced_closed"): "forced_closed",
    ("open", "forced_closed"): "forced_closed",
    ("half_open", "forced_closed"): "forced_closed",
    ("forced_open", "forced_closed"): "forced_closed",
    ("open", "reset"): "closed",
    ("half_open", "reset"): "closed",
    ("forced_open", "reset"): "closed",
    ("forced_closed", "reset"): "closed",
}
"""Every transition there is: a state and why it is left → the next state. The code runs this table."""

JITTER = 0.1
"""An open state is longer by up to this part of itself, so that not all processes come back at once."""


LEASE = 120.0
"""Seconds after which a probe of which nothing was heard has lost its permit."""


Dice = Callable[[], float]
NO_DICE: Dice = lambda: 0.0  # noqa: E731 - a default that is a value


class Permit(Struct, frozen=True):
    """One call is admitted; its result counts while the circuit is in that generation."""

    generation: int
    probe: int = 0
    """Which probe of a half-open circuit it is; 0: none."""


class Refusal(Struct, frozen=True):
    """Nobody is admitted, for so many seconds; infinite where only a person ends it."""

    seconds: float


class Circuit:
    """What is known of one service; read it freely, and let `admit`, `record` and `force` change it."""

    __slots__ = (
        "_permit",
        "_probe",
        "cause",
        "closed_at",
        "generation",
        "interval",
        "leases",
        "results",
        "state",
        "streak",
        "terms",
        "until",
        "window",
    )

    def __init__(self, terms: Terms) -> None:
        self.terms: Terms = terms
        self.state: State = "closed"
        self.cause: Cause | None = None
        """Why the last state was left."""
        self.generation: int = 1
        self.window: Window = Window(terms)
        self.until: float = -inf
        """When the open state ends."""
        self.interval: float = 0.0
        """Seconds of the last open state."""
        self.streak: int = 0
        """How many open states followed each other closely."""
        self.closed_at: float = -inf
        self.leases: dict[int, float] = {}
        """The probes under way, and when each loses its permit."""
        self.results: list[int] = [0, 0, 0]
        """Of the half-open state: calls, failures, slow ones."""
        self._permit, self._probe = Permit(1), 0

    def refused(self, now: float) -> float:
        """Seconds for which a call would not be admitted; 0: it would be. Changes nothing."""
        if self.state == "open":
            return max(self.until - now, 0.0)
        if self.state == "half_open":
            held = [end for end in self.leases.values() if end > now]
            if len(held) + self.results[0] >= self.terms.probes:
                return min([self.terms.open_for, *(end - now for end in held)])
        return inf if self.state == "forced_open" else 0.0


def admit(circuit: Circuit, now: float, lease: float = LEASE) -> Permit | Refusal:
    """The permit for one call, or a refusal. An open circuit whose time is over becomes half open.

    A probe of which nothing is heard for `lease` seconds has lost its permit.
    """
    if circuit.state in ("closed", "forced_closed"):
        return circuit._permit  # noqa: SLF001 - of this module
    if seconds := circuit.refused(now):
        return Refusal(seconds)
    if circuit.state == "open":
        _turn(circuit, "waited", now)
    for probe in [probe for probe, end in circuit.leases.items() if end <= now]:
        del circuit.leases[probe]
    circuit._probe += 1  # noqa: SLF001 - of this module
    circuit.leases[circuit._probe] = now + lease  # noqa: SLF001 - of this module
    return Permit(circuit.generation, circuit._probe)  # noqa: SLF001 - of this module


def record(
    circuit: Circuit, permit: Permit, outcome: Outcome, now: float, dice: Dice = NO_DICE, *, elapsed: float = 0.0
) -> None:
    """What became of an admitted call, which took `elapsed` seconds; `ignored` says nothing of the service.

    A result of another generation changes nothing, nor does that of a probe whose lease is over, or a second one.
    """
    if permit.generation != circuit.generation:
        return
    if circuit.state == "half_open" and circuit.leases.pop(permit.probe, None) is None:
        return
    if outcome == "ignored":
        return
    terms, failed = circuit.terms, outcome == "failure"
    slow = terms.slow_after is not None and elapsed > terms.slow_after
    if circuit.state == "closed":
        if (why := circuit.window.add(now, failed=failed, slow=slow)) is not None:
            _turn(circuit, "failures" if why == "failures" else "slow_calls", now, dice)
    elif circuit.state == "half_open":
        results = circuit.results
        circuit.results = results = [results[0] + 1, results[1] + failed, results[2] + slow]
        if (failed or slow) and terms.too_many(terms.probes, *results[1:]) is not None:
            _turn(circuit, "relapsed", now, dice)  # whatever the others bring
        elif results[0] == terms.probes:
            _turn(circuit, "recovered", now)


def force(circuit: Circuit, to: Literal["forced_open", "forced_closed", "closed"], now: float) -> None:
    """Holds the circuit open or closed until somebody says otherwise; `closed` has it begin anew."""
    cause: Cause = "reset" if to == "closed" else to
    if (circuit.state, cause) in TRANSITIONS:
        _turn(circuit, cause, now)
    if to == "closed":
        circuit.window, circuit.streak = Window(circuit.terms), 0


def _turn(circuit: Circuit, cause: Cause, now: float, dice: Dice = NO_DICE) -> None:
    before = circuit.state
    circuit.state, circuit.cause = TRANSITIONS[before, cause], cause
    circuit.generation += 1
    circuit._permit = Permit(circuit.generation)  # noqa: SLF001 - of this module
    circuit.leases, circuit.results = {}, [0, 0, 0]
    if circuit.state == "open":
        if before == "closed" and now - circuit.closed_at >= circuit.interval:
            circuit.streak = 0  # it was well for as long as it had been left alone
        circuit.streak += 1
        terms = circuit.terms
        seconds = min(terms.open_for * 2.0 ** min(circuit.streak - 1, 60), terms.longest)
        circuit.interval = seconds * (1 + JITTER * dice())
        circuit.until = now + circuit.interval
    elif circuit.state == "closed":
        circuit.window, circuit.closed_at = Window(circuit.terms), now
