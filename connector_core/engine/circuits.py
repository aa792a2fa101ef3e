"""The circuits of one connection: which hosts are left alone, and what each answer tells of its host.

::

    with circuits.enter(plan, request) as passage:     # raises CircuitOpenError
        response = …
        passage.answered(outcome, response.elapsed)    # or passage.failed(error); neither: it says nothing

Where nothing fails, a request pays for this with two looks into a mapping and one count.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING, Literal, NoReturn, Self

from msgspec import Struct

from connector_core.circuit_breaker import LEASE, Circuit, Permit, Refusal, State, admit, force, record
from connector_core.engine.account import Account
from connector_core.engine.until import until
from connector_core.errors import ANSWERS, Outcome
from connector_core.events import CircuitChanged, RequestRefused
from connector_core.exceptions import CircuitOpenError, ConfigError, ConnectionError, TimeoutError
from connector_core.http import Request, Response
from connector_core.plan import Plan

if TYPE_CHECKING:
    from connector_core.circuit_breaker import Terms

__all__ = ["CircuitStatus", "Circuits", "Passage"]

MOST = 1000
"""So many circuits are remembered; of more, those that were not opened go first."""
OURS = frozenset({"timeout.deadline", "forbidden_address"})
"""Codes of failures that are none of the service: it was not asked."""
Held = Literal["open", "closed"]


class CircuitStatus(Struct, frozen=True, kw_only=True):
    """What is known of one circuit."""

    host: str
    group: str
    """Which endpoints of the host it is for; empty: all that have no group."""
    state: State
    retry_after: float | None
    """Seconds for which nothing is sent; None where only a person ends that. 0: the next request is sent."""
    calls: int
    """Calls in the window."""
    failures: int
    """How many of them failed."""


class Passage:
    """One attempt on its way; left without a word, it gives back what it was given."""

    __slots__ = ("_circuit", "_circuits", "_permit", "_plan", "_request")

    def __init__(self, circuits: Circuits, circuit: Circuit | None, plan: Plan, request: Request) -> None:
        self._circuits, self._circuit, self._plan, self._request = circuits, circuit, plan, request
        self._permit: Permit | None = None

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(self, *_: object) -> None:
        self._told("ignored")

    def enter(self) -> None:
        """Asks to be let through, again where the circuit has changed since; raises CircuitOpenError."""
        circuit = self._circuit
        if circuit is None or (self._permit is not None and self._circuits.still_holds(circuit, self._permit)):
            return
        self._permit = self._circuits.admitted(circuit, self._plan, self._request)

    def leads_to(self, request: Request, answered: Response | None) -> None:
        """The same attempt goes on at another address, after a redirect if there is an answer; raises CircuitOpenError.

        What follows counts for the host that it happens at, and that host's circuit is asked first.
        """
        circuit = self._circuits.circuit(self._plan, request)
        if circuit is not self._circuit:
            if answered is not None:
                self._told("success", answered.elapsed)
            else:
                self._told("ignored")
            self._circuit = circuit
        self._request = request
        self.enter()

    def answered(self, outcome: Outcome, elapsed: float) -> None:
        """Counts an answer that took so many seconds."""
        if outcome.then in ANSWERS:
            self._told("success", elapsed)
        elif outcome.category in ("server", "connection"):
            self._told("failure", elapsed)

    def failed(self, error: ConnectionError) -> None:
        """Counts that no complete answer came, unless the caller had not the time to wait for one."""
        hurried = isinstance(error, TimeoutError) and self._circuits.now() >= until()
        if error.code not in OURS and not hurried:
            self._told("failure")

    def closed_for(self) -> float:
        """Seconds for which the next attempt would be refused."""
        return 0.0 if self._circuit is None else self._circuit.refused(self._circuits.now())

    def _told(self, outcome: Literal["success", "failure", "ignored"], elapsed: float = 0.0) -> None:
        permit, self._permit = self._permit, None
        if permit is not None and self._circuit is not None:
            self._circuits.record(self._circuit, permit, outcome, elapsed, self._plan)


class Circuits:
    """What a connection knows of the hosts that it talks to."""

    def __init__(self, account: Account) -> None:
        self._account, self._effects = account, account.effects
        self.now: Callable[[], float] = account.effects.monotonic
        self._known: dict[tuple[str, str, Terms], Circuit] = {}
        self._near: dict[tuple[str, str], Circuit] = {}
        self._held: dict[str | None, Held | None] = {}

    def enter(self, plan: Plan, request: Request) -> Passage:
        """The way to the request's host, to be entered with `with`."""
        return Passage(self, self.circuit(plan, request), plan, request)

    def circuit(self, plan: Plan, request: Request) -> Circuit | None:
        """The circuit of the request's host; None: the endpoint has none."""
        if plan.breaker is None:
            return None
        url = request.url
        home = url[:end] if (end := url.find("/", 8)) > 0 else url
        return self._near.get((plan.endpoint, home)) or self._found(plan, home)

    def _found(self, plan: Plan, home: str) -> Circuit:
        assert plan.breaker is not None  # noqa: S101 - whoever asks has looked
        host = _host(home)
        key = (host, plan.group, plan.breaker)
        if (circuit := self._known.get(key)) is None:
            if len(self._known) >= MOST:
                self._forget()
            circuit = self._known[key] = Circuit(plan.breaker)
            if held := self._held.get(host, self._held.get(None)):
                force(circuit, "forced_open" if held == "open" else "forced_closed", self.now())
        self._near[plan.endpoint, home] = circuit
        return circuit

    def _forget(self) -> None:
        """Forgets the circuit that was not opened and is known for longest; one that is open only where all are."""
        key = next((key for key, circuit in self._known.items() if circuit.state == "closed"), next(iter(self._known)))
        del self._known[key]
        self._near = {}

    def admitted(self, circuit: Circuit, plan: Plan, request: Request) -> Permit:
        """The permit for a request; raises CircuitOpenError."""
        before, now = circuit.generation, self.now()
        found = admit(circuit, now, max(LEASE, 2 * (request.timeout or 0.0)))
        if circuit.generation != before:
            self._announce(circuit, "open", plan.endpoint)
        if isinstance(found, Refusal):
            self._refuse(plan, request, circuit, found.seconds)
        return found

    def still_holds(self, circuit: Circuit, permit: Permit) -> bool:
        """Whether a permit that was given earlier is one now; a probe that stood in line may have lost its place."""
        return permit.generation == circuit.generation and (not permit.probe or permit.probe in circuit.leases)

    def record(
        self,
        circuit: Circuit,
        permit: Permit,
        outcome: Literal["success", "failure", "ignored"],
        elapsed: float,
        plan: Plan,
    ) -> None:
        """Counts what became of an attempt."""
        state, generation = circuit.state, circuit.generation
        record(circuit, permit, outcome, self.now(), self._effects.dice, elapsed=elapsed)
        if circuit.generation != generation:
            self._announce(circuit, state, plan.endpoint)

    def status(self) -> list[CircuitStatus]:
        """Every circuit that there is, by host and group."""
        now, found = self.now(), []
        for (host, group, _), circuit in self._known.items():
            circuit.window.expire(now)
            seconds = circuit.refused(now)
            found.append(
                CircuitStatus(
                    host=host,
                    group=group,
                    state=circuit.state,
                    retry_after=seconds if isfinite(seconds) else None,
                    calls=circuit.window.calls,
                    failures=circuit.window.failures,
                )
            )
        return sorted(found, key=lambda status: (status.host, status.group))

    def hold(self, state: Held | None, host: str | None = None) -> None:
        """Holds the circuits of a host, or all, open or closed; None: they begin anew and follow what happens.

        Raises ConfigError for another state.
        """
        if state not in (None, "open", "closed"):
            raise ConfigError(f"{state!r} is no state to hold circuits in", hint="'open', 'closed' or None")
        host = host.lower() if host is not None else None
        if host is None:
            self._held = {}
        if state is not None or host is not None:
            self._held[host] = state  # None: this host is free, whatever holds for all
        to: dict[Held | None, Literal["forced_open", "forced_closed", "closed"]]
        to = {"open": "forced_open", "closed": "forced_closed", None: "closed"}
        for (known, _, _), circuit in self._known.items():
            if host in (None, known):
                before, generation = circuit.state, circuit.generation
                force(circuit, to[state], self.now())
                if circuit.generation != generation:
                    self._announce(circuit, before, "")

    def _announce(self, circuit: Circuit, before: State, endpoint: str) -> None:
        if self._effects.listeners:
            host, group = next((key[:2] for key, known in self._known.items() if known is circuit), ("", ""))
            seconds = circuit.interval if circuit.state == "open" else 0.0
            self._account.announce(
                CircuitChanged, endpoint, host=host, group=group, before=before, after=circuit.state,
                reason=str(circuit.cause), wait=seconds,
            )  # fmt: skip

    def _refuse(self, plan: Plan, request: Request, circuit: Circuit, seconds: float) -> NoReturn:
        host = _host(request.url)
        if known := isfinite(seconds):
            what = f"{plan.connector} is left alone: too much that was sent to {host} has failed"
            if circuit.state == "half_open":
                what = f"{plan.connector} is left alone: it is being found out whether {host} works again"
            hint = f"come back in {max(seconds, 1):.0f} s"
        else:
            what = f"{plan.connector} is left alone: the circuit to {host} is held open"
            hint = "whoever has opened it has to release it"
        wait = seconds if known else None
        self._account.announce(RequestRefused, plan.endpoint, code="circuit.open", wait=wait)
        raise CircuitOpenError(
            what,
            where=f"{plan.endpoint}: {request.method} {request.url}",
            hint=hint,
            code="circuit.open",
            retryable=True,
            retry_after=wait,
            context={"connector": plan.connector, "endpoint": plan.endpoint, "connection": self._account.name},
        )


def _host(url: str) -> str:
    """The host of a URL, with the port where one is written."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2].lower()
