"""A line: those who wait for one bucket, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from math import inf
from weakref import ref

from connector_core.engine.buckets import Shares
from connector_core.rate_limit import Delay, Gate, Terms

__all__ = ["MOST_LINES", "Line", "Ticket", "with_room"]

MOST_LINES = 10_000
"""So many lines that connections share are remembered; of more, one that no connection has any longer begins anew."""
_LOOKED_AT = 100


class Ticket:
    """One request's place in its lines."""

    __slots__ = ("cost", "wake")

    def __init__(self, cost: float) -> None:
        self.cost: float = cost
        self.wake: asyncio.Future[None] | None = None

    def call(self) -> None:
        """Has the one who waits look again."""
        if self.wake is not None and not self.wake.done():
            self.wake.set_result(None)


class Line:
    """Those who wait for one bucket, in order, and how many of those who were let through are under way."""

    def __init__(self, bucket: Shares, terms: Terms) -> None:
        self.bucket: Shares = bucket
        self.gate: Gate = Gate(terms.concurrency)
        self.largest: float = terms.largest
        self.waiting: deque[Ticket] = deque()

    def idle(self) -> bool:
        """Whether nobody waits, and one more may be under way."""
        return not self.waiting and self.gate.delay() is None

    def join(self, ticket: Ticket) -> None:
        """Stands at the end."""
        self.waiting.append(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Goes, with or without having been served; the next one may be the first now."""
        first = self.waiting[0] is ticket
        self.waiting.remove(ticket)
        if first:
            self.next()

    def next(self) -> None:
        """Something may fit now: the first in line looks."""
        if self.waiting:
            self.waiting[0].call()

    def all(self) -> None:
        """Something will take longer now: everybody looks whether it is still worth waiting."""
        for ticket in self.waiting:
            ticket.call()

    def blocked(self, ticket: Ticket) -> tuple[Delay, float] | None:
        """Why others have to go first, and how many seconds that takes at least; None: it is the ticket's turn."""
        if self.waiting[0] is ticket:
            delay = self.gate.delay()
            return (delay, 0.0) if delay is not None else None
        before, ahead = 0, 0.0
        for other in self.waiting:
            if other is ticket:
                break
            before, ahead = before + 1, ahead + other.cost
        known = self.bucket.expected(ticket.cost, ahead)
        others = f"{before} others are first" if before > 1 else "another is first"
        if known is None:
            return Delay(inf, others), 0.0
        return Delay(inf, f"{known.reason}, and {others}"), known.seconds


def with_room(lines: dict[str, Line]) -> dict[str, Line]:
    """The same lines with room for one more: without the one that was looked for longest ago and nobody holds."""
    if len(lines) < MOST_LINES:
        return lines
    for name in list(islice(lines, _LOOKED_AT)):
        held = ref(lines.pop(name))
        if (line := held()) is None:
            break
        lines[name] = line  # behind the others: it is in use
    return lines
