"""Counters fed by events: what is counted, what it comes to, and that it stays bounded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from connector_core import Connector, Engine, metrics
from connector_core.events import RateLimitHeld, TokenRefreshed, TokenRefreshFailed
from connector_core.exceptions import CircuitOpenError, ConfigError, NotFoundError, RateLimitError, ServerError
from connector_core.metrics import BOUNDS, MOST_NAMES, OTHER, Counters, Metrics, Times
from connector_core.testing import FakeTransport, VirtualClock, effects, respond


def document(**more: Any) -> dict[str, Any]:
    endpoints = {"thing": {"post": "/thing"}, "things": {"get": "/things", "records": "body"}}
    return {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": endpoints} | more


class Service:
    """Answers with each status in turn, and the last one again and again."""

    def __init__(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.left, self.clock = list(statuses), VirtualClock()
        self.headers = headers or {}
        self.metrics = Metrics()
        self.transport = FakeTransport(self.answer)

    async def answer(self, _: Any) -> Any:
        await self.clock.sleep(0.2)
        status = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        return respond(status, json=[], headers=self.headers)

    def open(self, spec: dict[str, Any]) -> Any:
        made = effects(self.transport, clock=self.clock, listeners=[self.metrics])
        return Connector.open(spec, effects=made)


async def test_requests_success_and_time():
    """Requests, answers by class, operations that failed, repetitions, and how long answers took."""
    service = Service(200, 503, 200, 404)
    async with service.open(document()) as demo:
        await demo.call("thing")
        await demo.call("things")
        with pytest.raises(NotFoundError):
            await demo.call("thing")
        found = demo.metrics()
    assert (found.requests, found.statuses) == (4, {"2xx": 2, "5xx": 1, "4xx": 1})
    assert (found.operations, found.failures, found.failed, found.retries) == (3, {"http.404": 1}, 1, 1)
    assert (found.failure_rate, found.success_rate) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.response_time.count == 4
    assert [found.response_time.mean, found.response_time.longest] == pytest.approx([0.2, 0.2])


async def test_what_is_cancelled_has_not_failed():
    """Leaving a reading early ends the request for the next page, which is counted apart, and in neither rate."""
    service = Service(200)

    async def answer(_: Any) -> Any:
        if len(service.transport.requests) > 1:
            await asyncio.Event().wait()
        return respond(200, json=[{"id": 1}])

    service.transport = FakeTransport(answer)
    paged = {
        "things": {"get": "/things", "records": "body", "pagination": {"type": "page_number", "put": "query.page"}}
    }
    async with service.open(document(endpoints=paged)) as demo:
        async with demo.read("things") as things:
            async for _ in things:
                await asyncio.sleep(0)
                break
        found = demo.metrics()
    assert (found.operations, found.cancelled, found.failures) == (2, 1, {})
    assert (found.failure_rate, found.success_rate) == (0.0, 1.0)


async def test_the_rate_limit():
    """Requests that waited, for how long, and what the service refused."""
    service = Service(200, 200, 429, headers={"Retry-After": "500"})
    async with service.open(document(rate_limit={"rates": ["1/10s"]})) as demo:
        await demo.call("thing")
        await demo.call("thing")
        with pytest.raises(RateLimitError):
            await demo.call("thing")
        found = demo.metrics()
    assert (found.rate_limit_waits, found.rate_limit_refusals) == (2, 1)
    assert found.rate_limit_wait == pytest.approx(2 * 9.8)


async def test_circuits_and_refusals():
    """Transitions of the circuit, and what was not sent because of it."""
    service = Service(500)
    async with service.open(document(circuit_breaker={"window": 2, "minimum": 2})) as demo:
        for _ in range(2):
            with pytest.raises(ServerError):
                await demo.call("thing")
        for _ in range(3):
            with pytest.raises(CircuitOpenError):
                await demo.call("thing")
        found = demo.metrics()
    assert (found.circuit_changes, found.refused) == ({"closed → open": 1}, {"circuit.open": 3})
    assert (found.requests, found.operations, found.failures) == (2, 5, {"http.500": 2, "circuit.open": 3})


async def test_each_connection_has_its_own():
    """Accounts are counted apart, by their ids."""
    service = Service(200)
    made = effects(service.transport, clock=service.clock, listeners=[service.metrics])
    async with Engine(effects=made) as engine, engine.open(document(), id="a") as one, engine.open(document(), id="b"):
        await one.call("thing")
        assert one.metrics().operations == 1
    assert {name: counters.operations for name, counters in service.metrics.all().items()} == {"a": 1}


def test_connections_that_nobody_hears_of(monkeypatch):
    """Of very many connections, those that were counted longest ago are counted together, and nothing is lost."""
    monkeypatch.setattr(metrics, "MOST_CONNECTIONS", 3)
    counting = Metrics()
    for name in ["a", "b", "c", "a", "d", "e", "a"]:
        counting(RateLimitHeld(connection=name, endpoint="thing", wait=1.0))
    found = {name: counters.rate_limit_refusals for name, counters in counting.all().items()}
    assert found == {"a": 3, "d": 1, "e": 1, metrics.OTHERS: 2}
    assert counting.of("a").rate_limit_refusals == 3


def test_counters_are_joined():
    """What two have counted is one: numbers, times and names, of which there are no more than of one's own."""
    one, other = Counters(requests=1, failures={"a": 1}), Counters(requests=2, failures={"a": 1, "b": 3})
    one.response_time.add(0.5)
    other.response_time.add(2.0)
    one.join(other)
    assert (one.requests, one.failures) == (3, {"a": 2, "b": 3})
    assert (one.response_time.count, one.response_time.total, one.response_time.longest) == (2, 2.5, 2.0)
    assert sum(one.response_time.buckets) == 2
    one.join(Counters(failures={f"c{number}": 1 for number in range(2 * MOST_NAMES)}))
    assert (len(one.failures), one.failed) == (MOST_NAMES + 1, 5 + 2 * MOST_NAMES)


def test_tokens():
    """New tokens are counted, and when there was none."""
    counting = Metrics()
    counting(TokenRefreshed(connection="a", endpoint="thing", expires_in=60.0, first=True))
    counting(TokenRefreshFailed(connection="a", endpoint="thing", reason="no", final=False))
    found = counting.of("a")
    assert (found.token_refreshes, found.token_failures) == (1, 1)


async def test_nobody_counts():
    """Without the listener there is nothing to tell, which is said, and not shown as zero."""
    async with Connector.open(document(), effects=effects(lambda _: respond())) as demo:
        with pytest.raises(ConfigError) as refused:
            demo.metrics()
    assert refused.value.code == "metrics.uncounted"
    assert "listeners=[Metrics()]" in str(refused.value)


async def test_names_that_a_service_makes_up():
    """Codes that come out of answers do not fill the memory."""
    number = iter(range(10**6))
    rules = [{"status": 400, "category": "validation", "code": "body.code"}]
    counting = Metrics()
    made = effects(lambda _: respond(400, json={"code": f"c{next(number)}"}), listeners=[counting])
    async with Connector.open(document(errors=rules), effects=made) as demo:
        for _ in range(MOST_NAMES + 20):
            with pytest.raises(Exception, match="answered 400"):
                await demo.call("thing")
        found = demo.metrics()
    assert len(found.failures) == MOST_NAMES + 1
    assert (found.failures[OTHER], found.failed) == (20, MOST_NAMES + 20)


def test_times():
    """Each time stands in the bucket whose bound it does not pass."""
    times = Times()
    for seconds in (0.001, 0.005, 0.006, 10.0, 11.0):
        times.add(seconds)
    assert len(times.buckets) == len(BOUNDS) + 1
    assert (times.buckets[0], times.buckets[1], times.buckets[-2], times.buckets[-1]) == (2, 1, 1, 1)
    assert (times.count, times.longest) == (5, 11.0)
    assert times.mean == pytest.approx(4.2024)


def test_as_json():
    """The counters are plain values, and each has its own."""
    one, other = Counters(), Counters()
    one.statuses["2xx"] = 1
    one.response_time.add(0.5)
    found = json.loads(json.dumps(one.as_dict()))
    assert (found["statuses"], found["failure_rate"], found["response_time"]["mean"]) == ({"2xx": 1}, 0.0, 0.5)
    assert (other.statuses, other.response_time.count) == ({}, 0)
