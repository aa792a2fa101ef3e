"""The rate limits that a spec declares, as its service would keep them: too many requests are answered with 429.

Counted apart from the client's code, by when requests arrive. The way of each takes its own time, so that two which
left a second apart may arrive a little closer: windows are a tenth shorter here, a fifth of a second at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

from connector_core.rate_limit import RateLimit
from connector_core.spec import Endpoint, Spec
from connector_core.testing.reply import Reply

__all__ = ["Limits"]

SLACK, MOST_SLACK = 0.1, 0.2


class Limits:
    """What was asked for so far."""

    def __init__(self, spec: Spec, clock: Callable[[], float]) -> None:
        """`clock` gives seconds and never goes back."""
        self._spec, self._clock = spec, clock
        self._windows: dict[tuple[str, float], list[tuple[float, float]]] = {}
        self._levels: dict[str, tuple[float, float]] = {}

    def refusal(self, name: str, endpoint: Endpoint) -> Reply | None:
        """The 429 for a request of that endpoint; None where it is not one too many, and then it counts."""
        cost = endpoint.cost.raw if endpoint.cost is not None and endpoint.cost.literal else 1
        cost, now = float(cost) if isinstance(cost, int | float) else 1.0, self._clock()
        waits = [wait for whose, limit in self._limits(name, endpoint) for wait in self._waits(whose, limit, cost, now)]
        if waits:
            wait, limit, period = max(waits)
            policy = f"{limit:g}-in-{period:g}s"
            return Reply(
                429,
                {"message": f"more than {limit:g} requests in {period:g} seconds: come back in {wait:.1f} seconds"},
                {
                    "Retry-After": str(ceil(wait)),
                    "RateLimit-Policy": f'"{policy}";q={limit:.0f};w={ceil(period)}',
                    "RateLimit": f'"{policy}";r=0;t={ceil(wait)}',
                },
            )
        for whose, limits in self._limits(name, endpoint):
            for _, period in limits.terms().windows:
                self._windows.setdefault((whose, period), []).append((now, cost))
            if limits.terms().tokens is not None:
                self._levels[whose] = (self._level(whose, limits, now) - cost, now)
        return None

    def _limits(self, name: str, endpoint: Endpoint) -> Iterator[tuple[str, RateLimit]]:
        for whose, limit in (("", self._spec.rate_limit), (f"endpoint {name}", endpoint.rate_limit)):
            if limit is not None:
                group = limit.scope is not None and whose and limit.scope.literal
                yield (f"group {limit.scope.source}" if group and limit.scope is not None else whose), limit

    def _waits(self, whose: str, limit: RateLimit, cost: float, now: float) -> Iterator[tuple[float, float, float]]:
        for count, period in limit.terms().windows:
            length = period - min(period * SLACK, MOST_SLACK)
            kept = [(at, of) for at, of in self._windows.get((whose, period), []) if at > now - length]
            self._windows[whose, period] = kept
            if kept and sum(of for _, of in kept) + cost > count:
                yield kept[0][0] + length - now, count, period
        if (tokens := limit.terms().tokens) is not None:
            missing = cost - self._level(whose, limit, now) - SLACK
            if missing > 0:
                yield missing / tokens[1], tokens[0], tokens[0] / tokens[1]

    def _level(self, whose: str, limit: RateLimit, now: float) -> float:
        capacity, refill = limit.terms().tokens or (0.0, 0.0)
        level, at = self._levels.get(whose, (capacity, now))
        return min(capacity, level + (now - at) * refill)
