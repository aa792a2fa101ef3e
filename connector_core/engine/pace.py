"""Whose turn it is: requests stand in line for what their rate limits allow, first come, first served.

::

    async with await pace.admit(scope, waited) as permit:      # the endpoint's own line, then the connector's
        response = …                                           # until the last byte is here
        await permit.observe(response, scope)

Rule 1: only the first in a line takes anything, and it takes from all of its buckets at one moment: a large cost is not
        overtaken, and what waits for an endpoint's own limit does not keep others from the connector's.
Rule 2: who gives up, for whatever reason, leaves the line and has taken nothing; what was sent stays counted.
Rule 3: a request whose turn can't come in time fails at once, and every one in line is asked again after a refusal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Token
from math import inf, isfinite
from typing import Any, Never, Self

from connector_core.engine.account import Account
from connector_core.engine.buckets import Taken
from connector_core.engine.deadline import WHEN_CONNECTED
from connector_core.engine.effects import Effects
from connector_core.engine.line import Line, Ticket
from connector_core.engine.until import awaited, until
from connector_core.events import RateLimited, RateLimitHeld
from connector_core.exceptions import CircuitOpenError, ConfigError, RateLimitError
from connector_core.http import Response
from connector_core.plan import Plan
from connector_core.rate_limit import UNSENT, Delay, RateLimit, told
from connector_core.rate_limit.answers import cost_of
from connector_core.template import MissingError, TemplateError

__all__ = ["Pace", "Permit"]

_SHORTEST = 0.001
"""Seconds of a wait at least: a clock may be coarser than what is left."""
_LONG = 1.0
"""Seconds of a wait that is told again when its reason has changed."""


class Permit:
    """What a request has been given; whoever holds it is under way."""

    def __init__(self, pace: Pace, taken: list[Taken], waited: float) -> None:
        self._pace, self._taken = pace, taken
        self.waited = waited
        """Seconds in line."""
        self.is_sent: bool = False
        """Whether the service has answered once, whatever becomes of what follows."""
        self._token: Token[Callable[[], None] | None]

    async def __aenter__(self) -> Self:
        self._token = WHEN_CONNECTED.set(self._connected)
        return self

    def _connected(self) -> None:
        """The request leaves only now: until then a connection had to be made."""
        for at, line in enumerate(self._pace.lines):
            self._taken[at] = line.bucket.postponed(self._taken[at])

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Gives it back; what never reached the service does not count."""
        WHEN_CONNECTED.reset(self._token)
        waits = any(taken.at == UNSENT for taken in self._taken)
        if waits and error is None:
            self._connected()  # by another way than a socket
            waits = False
        unsent = isinstance(error, CircuitOpenError) or getattr(error, "phase", "") == "unsent"
        unused = waits or (unsent and not self.is_sent)
        for line in self._pace.lines:
            line.gate.under_way -= 1
        try:
            await self._pace.ended(self._taken, unused=unused)
        finally:
            for line in self._pace.lines:
                line.next()

    async def observe(self, response: Response, scope: Mapping[str, Any], body: Any = None) -> None:
        """Learns what the answer says is left, and what it did cost; `scope` holds the names beside the answer's."""
        pace, refused = self._pace, response.status == 429  # noqa: PLR2004 - RFC 6585 §4
        if not refused:
            for line, taken in zip(pace.lines, self._taken, strict=True):
                line.gate.passed(mark=taken.mark)
        if not pace.has_feedback and "RateLimit" not in response.headers:
            return
        names = {**scope, "body": body, "header": response.headers, "status": response.status}
        for at, (line, taken, limit) in enumerate(zip(pace.lines, self._taken, pace.limits, strict=True)):
            headers = response.headers if not at else {}  # the nearest limit is the one that a service speaks of
            for said in told(limit.feedback, names, headers, pace.effects.now()):
                await line.bucket.tighten(said, taken.mark)
            actual = cost_of(limit.feedback, names)
            if actual is not None and actual > taken.cost:
                await line.bucket.take_more(actual - taken.cost)
            elif actual is not None and actual < taken.cost:
                await line.bucket.give_back(taken, taken.cost - actual)
            line.next()

    async def refused(self, hint: float | None) -> None:
        """The service says that it was one too many: all who share the nearest bucket wait, `hint` seconds if known."""
        line, taken = self._pace.lines[0], self._taken[0]
        seconds = line.gate.refused(hint, mark=taken.mark, taken=line.bucket.taken)
        await line.bucket.hold(seconds)
        self._pace.account.announce(RateLimitHeld, self._pace.plan.endpoint, wait=seconds)
        line.all()


class Pace:
    """The lines that the requests of one endpoint stand in."""

    def __init__(self, account: Account, plan: Plan, lines: list[Line]) -> None:
        self.account: Account = account
        self.plan: Plan = plan
        self.lines: list[Line] = lines
        self.effects: Effects = account.effects
        self.limits: tuple[RateLimit, ...] = plan.limits
        self.has_feedback: bool = any(limit.feedback is not None for limit in plan.limits)
        self._tells: bool = getattr(account.transport, "tells_when_connected", False)
        self._patience = min(limit.patience(readable=plan.readable) for limit in plan.limits)

    async def admit(self, scope: Mapping[str, Any], waited: float = 0.0) -> Permit:
        """The permit for one request, when its turn comes; raises RateLimitError where that is too late.

        `waited`: seconds that the same request has stood in line before.
        """
        if self.effects.buckets is None and all(line.idle() for line in self.lines):  # nothing is awaited in between
            found = await self._taken(self._cost(scope))
            if not isinstance(found, Delay):
                for line in self.lines:
                    line.gate.under_way += 1
                return Permit(self, found, 0.0)
        begun = self.effects.monotonic()
        ticket, deadline = Ticket(self._cost(scope)), min(begun + self._patience - waited, until())
        stood: list[Line] = []
        try:
            for line in self.lines:
                line.join(ticket)
                stood.append(line)
                taken = await self._served(stood, ticket, deadline)
            for line in stood:
                line.gate.under_way += 1
        finally:
            for line in stood:
                line.leave(ticket)
        return Permit(self, taken, self.effects.monotonic() - begun)

    def _cost(self, scope: Mapping[str, Any]) -> float:
        template = self.plan.cost
        if template is None:
            return 1.0
        try:
            cost = float(template.value(scope))
        except (ValueError, TypeError, OverflowError, MissingError, TemplateError):
            cost = inf
        largest = min(line.largest for line in self.lines)
        if 0 <= cost <= largest and isfinite(cost):
            return cost
        said = f"the cost {cost:g} fits into no limit" if isfinite(cost) and cost > 0 else "the cost is no number"
        raise ConfigError(
            f"{self.plan.connector}.{self.plan.endpoint}: {said}",
            where=f"endpoints.{self.plan.endpoint}.cost: {template.source}",
            hint=f"it must be a number from 0 to {largest:g}" if isfinite(largest) else "it must be a number from 0 on",
            code="rate_limit.cost",
        )

    async def _served(self, stood: list[Line], ticket: Ticket, deadline: float) -> list[Taken]:
        """Waits until it is the ticket's turn in all of these lines; in the last one it is given what it came for."""
        reason = ""
        while True:
            blocked = next((why for line in stood if (why := line.blocked(ticket)) is not None), None)
            if blocked is None:
                found = await self._taken(ticket.cost) if len(stood) == len(self.lines) else await _fits(stood, ticket)
                if not isinstance(found, Delay):
                    return found
                blocked = found, found.seconds
            delay, least = blocked
            now = self.effects.monotonic()
            if now + least > deadline or now >= deadline:
                self._give_up(delay.reason, least, now + least > deadline)
            if not reason or (least >= _LONG and delay.reason.partition(",")[0] != reason):
                told: dict[str, Any] = {"wait": least, "reason": delay.reason, "again": bool(reason)}
                self.account.announce(RateLimited, self.plan.endpoint, **told)
                reason = delay.reason.partition(",")[0]
            await self._pause(ticket, delay.seconds, deadline - now)

    async def _taken(self, cost: float) -> list[Taken] | Delay:
        """What is taken from every bucket; where one has not enough, nothing is taken from any."""
        found: list[Taken] = []
        try:
            for line in self.lines:
                answer = await self._asked(line, cost)
                if isinstance(answer, Delay):
                    await self.ended(found, unused=True)
                    return answer
                found.append(answer)
        except BaseException:
            await self.ended(found, unused=True)
            raise
        return found

    async def _asked(self, line: Line, cost: float) -> Taken | Delay:
        if self.effects.buckets is None:  # nothing is waited for
            return await line.bucket.take(cost, unsent=self._tells)
        return await awaited(line.bucket.take(cost), self.effects.monotonic, self.plan.endpoint)

    async def ended(self, found: list[Taken], *, unused: bool) -> None:
        """What was taken is no longer under way, and given back where it was not used.

        Elsewhere than here that takes a while: whoever is cancelled meanwhile has done all of it.
        """
        ends: list[Awaitable[None]] = []
        for line, taken in zip(self.lines, found, strict=False):
            if unused:
                ends.append(line.bucket.give_back(taken, taken.cost))
            ends.append(line.bucket.done(taken))
        if self.effects.buckets is not None:
            ends = [asyncio.shield(end) for end in ends]
        for end in ends:
            await end

    async def _pause(self, ticket: Ticket, seconds: float, left: float) -> None:
        """Until the time is over, or the ticket is called; where only others can call it, until nothing is left."""
        loop = asyncio.get_running_loop()
        ticket.wake = wake = loop.create_future()

        def over(_: object = None) -> None:
            if not wake.done():
                wake.set_result(None)

        if isfinite(seconds):
            sleeper = asyncio.ensure_future(self.effects.sleep(max(seconds, _SHORTEST)))
            sleeper.add_done_callback(over)
            end = sleeper.cancel
        else:  # no virtual clock may jump to this moment: those who are under way take their own time
            end = loop.call_later(left, over).cancel  # type: ignore[assignment]
        try:
            await wake
        finally:
            ticket.wake = None
            end()

    def _give_up(self, reason: str, least: float, known: bool) -> Never:
        plan = self.plan
        said = f"the next turn is in {least:.0f} s" if known else "the turn did not come in time"
        hurried = until() < inf
        most = "the caller's time is over before" if hurried else f"a request waits {self._patience:g} s at most"
        longer = "give it a longer timeout" if hurried else "have it wait longer: rate_limit.max_wait"
        raise RateLimitError(
            f"{plan.connector} can't be asked yet: {said} ({reason}), and {most}",
            where=f"{plan.endpoint}",
            hint=f"come back later, ask for less, or {longer}",
            code="rate_limit.wait",
            retry_after=least if known else None,
            context={"connector": plan.connector, "endpoint": plan.endpoint, "connection": self.account.name},
        )


async def _fits(stood: list[Line], ticket: Ticket) -> list[Taken] | Delay:
    """Nothing, where all of these buckets have enough; none is taken from before the ticket is first everywhere."""
    for line in stood:
        if (delay := await line.bucket.delay(ticket.cost)) is not None:
            return delay
    return []
