"""A simulated service keeps the rate limits that its spec declares, so that a client's can be seen to work."""

# ruff: noqa: E501 - a case is a line

from __future__ import annotations

from typing import Any

import pytest

from connector_core import Connector, Effects
from connector_core.events import Event, RateLimited, RateLimitHeld, RequestFinished
from connector_core.http import Request
from connector_core.load import load
from connector_core.testing import PassingClock, Simulator, simulated
from connector_core.testing.provider import Provider


def spec(limit: dict[str, Any] | None = None, **orders: Any) -> dict[str, Any]:
    page = {"type": "page_number", "size": {"put": "query.size", "value": 2}}
    endpoint = {"get": "/orders", "records": "body", "schema": {"id": {"type": "integer"}}, "pagination": page}
    document = {"connector": "1", "name": "shop", "base_url": "https://shop.example", "endpoints": {"orders": endpoint}}
    return {**document, "endpoints": {"orders": {**endpoint, **orders}}} | ({"rate_limit": limit} if limit else {})


def asked(document: dict[str, Any], moments: list[float]) -> list[tuple[int, str | None]]:
    """The status and Retry-After of requests that come at these moments."""
    come = iter(moments)
    provider = Provider(load(document), {"config": {}, "secrets": {}}, records=5, seed=0, clock=lambda: next(come))
    found = []
    for _ in moments:
        reply = provider.answer(Request("GET", "https://shop.example/orders"))
        found.append((reply.status, reply.headers.get("Retry-After")))
    return found


FINE = (200, None)


@pytest.mark.parametrize(
    "document, moments, found",
    [
        (spec({"rates": ["2/10s"]}), [0, 1, 2, 9.7, 9.9, 10.7, 10.9], [FINE, FINE, (429, "8"), (429, "1"), FINE, (429, "1"), FINE]),
        (spec({"rates": ["9/second"]}, rate_limit={"rates": ["1/10s"]}), [0, 5], [FINE, (429, "5")]),
        (spec({"rates": ["4/10s"]}, cost=2), [0, 1, 2], [FINE, FINE, (429, "8")]),
        (spec({"type": "token_bucket", "capacity": 2, "refill": "1/10s"}), [0, 0, 0, 10], [FINE, FINE, (429, "9"), FINE]),
        (spec({"concurrency": 2}), [0] * 30, [FINE] * 30),
    ],
)  # fmt: skip
def test_too_many_requests(document, moments, found):
    """What a limit of the spec does not allow is answered with 429, which says when to come back, and counts for nothing."""
    assert asked(document, moments) == found


def test_what_a_429_says():
    """It has the fields of the IETF too, and says in words what was too much."""
    provider = Provider(
        load(spec({"rates": ["1/minute"]})), {"config": {}, "secrets": {}}, records=1, seed=0, clock=lambda: 0.0
    )
    replies = [provider.answer(Request("GET", "https://shop.example/orders")) for _ in range(2)]
    assert replies[1].body == {"message": "more than 1 requests in 60 seconds: come back in 59.8 seconds"}
    assert replies[1].headers == {
        "Retry-After": "60",
        "RateLimit-Policy": '"1-in-60s";q=1;w=60',
        "RateLimit": '"1-in-60s";r=0;t=60',
    }


async def test_the_client_keeps_what_the_service_keeps():
    """Forty pages under 10/second and 25/minute: no request is refused, and waits are told."""
    events: list[Event] = []
    limit = {"rates": ["10/second", "25/minute"]}
    async with simulated(spec(limit), records=80, listeners=[events.append]) as shop:
        assert len([record async for record in shop.read("orders")]) == 80
    assert {event.status for event in events if isinstance(event, RequestFinished)} == {200}
    assert {event.reason for event in events if isinstance(event, RateLimited)} == {"10/second", "25/minute"}


async def test_a_client_that_knows_nothing_is_held_back():
    """The service allows less than the client was told: it is refused, waits as long as is asked, and gets everything."""
    events: list[Event] = []
    clock = PassingClock()
    theirs, ours = spec({"rates": ["5/10s"]}), spec({"concurrency": 4})
    async with Simulator(theirs, records=24, clock=clock.monotonic) as service:
        effects = Effects(transport=service.transport, monotonic=clock.monotonic, now=clock.now, sleep=clock.sleep)
        async with Connector.open(ours, listeners=[events.append], effects=effects) as shop:
            assert len([record async for record in shop.read("orders")]) == 24
    assert any(isinstance(event, RateLimitHeld) and event.wait > 5 for event in events)
