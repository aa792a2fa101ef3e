"""C2, from 08 on: limits, circuits and repetitions that can't do what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from connector_core.lint.rule import Place, rule
from connector_core.load import Loaded


@rule("C208", "warning")
def _too_costly(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A request costs more than a rate limit can ever give: it would be refused before it is sent."""
    for name, endpoint in whole.spec.endpoints.items():
        cost = endpoint.cost.raw if endpoint.cost is not None and endpoint.cost.literal else 1
        limits = [limit.terms().largest for limit in (endpoint.rate_limit, whole.spec.rate_limit) if limit is not None]
        largest = min(limits, default=inf)
        if endpoint.cost is not None and isinstance(cost, int | float) and cost > largest:
            yield (
                ("endpoints", name, "cost"),
                f"no request can ever be sent: a rate limit gives {largest:g} at most",
            )


@rule("C209", "warning")
def _short_window(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A circuit breaker forgets calls before two that take as long as they may are over: it can't open on timeouts."""
    for name, endpoint in whole.spec.endpoints.items():
        terms = endpoint.circuit_breaker.terms() if endpoint.circuit_breaker is not None else None
        if terms is not None and isinstance(endpoint.timeout, float) and terms.seconds < 2 * endpoint.timeout:
            key = "max_age" if terms.calls is not None else "window"
            what = f"{terms.seconds:g}s is less than two requests that take {endpoint.timeout:g}s each"
            yield ("endpoints", name, "circuit_breaker"), f"{what}: {key} must be at least {2 * endpoint.timeout:g}s"


@rule("C210", "warning")
def _short_total(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """All attempts together may take less than one of them: nothing that takes long is ever sent again."""
    for name, endpoint in whole.spec.endpoints.items():
        retry = endpoint.retry
        if retry is not None and isinstance(endpoint.timeout, float) and retry.total < endpoint.timeout:
            what = f"{retry.total:g}s is less than the timeout of one attempt, {endpoint.timeout:g}s"
            yield ("endpoints", name, "retry", "total"), f"{what}: what timed out is never sent again"


@rule("C211", "advice")
def _retried_write(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A call has a `retry` of its own, and is not sent again where the service may have acted on it."""
    for name, endpoint in whole.spec.endpoints.items():
        own = endpoint.retry is not None and endpoint.retry != whole.spec.retry and endpoint.retry.attempts > 1
        if own and not (endpoint.harmless or endpoint.steps or endpoint.idempotency is not None):
            yield (
                ("endpoints", name, "retry"),
                "what may have been acted on is not sent again: give it an idempotency key, or say safe: true",
            )
