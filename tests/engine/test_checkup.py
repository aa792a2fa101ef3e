"""Checks of a service's health: in time, shared, steady, and without a word of the service."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connector_core import Connector, Effects, Engine
from connector_core.events import Event, HealthChanged
from connector_core.exceptions import ConfigError, SpecError
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

SECRET = "s3cr3t-of-the-service"


class Service:
    def __init__(self) -> None:
        self.clock, self.status, self.takes = VirtualClock(), 200, 0.0
        self.transport, self.heard = FakeTransport(self.answer), list[Event]()

    async def answer(self, _: Request) -> Response:
        if self.takes:
            await self.clock.sleep(self.takes)
        return respond(self.status, json=[] if self.status == 200 else {"message": SECRET})

    @property
    def sent(self) -> int:
        return len(self.transport.requests)

    def effects(self) -> Effects:
        return effects(self.transport, clock=self.clock, listeners=[self.heard.append])


def document(health: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    endpoints = {
        "things": {"get": "/things", "records": "body"},
        "one": {"get": "/one/{{ input.id }}", "input": {"id": {}}},
        "make": {"post": "/things"},
        "ping": {"post": "/ping", "safe": True},
        "each": {"get": "/each/{{ t.id }}", "records": "body", "for_each": {"endpoint": "things", "as": "t"}},
    }
    found = {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": endpoints}
    return found | {"health": {"endpoint": "things"} | (health or {})} | more


async def test_healthy():
    """A check is one request, and tells when it ended and how long it took."""
    service = Service()
    service.takes = 0.25
    async with Connector.open(document(), effects=service.effects()) as demo:
        report = await demo.health()
    assert (report.name, report.status, report.code, report.response_time) == ("demo", "healthy", None, 0.25)
    assert report.checked_at == 1_700_000_000.25
    assert service.sent == 1
    [told] = [event for event in service.heard if isinstance(event, HealthChanged)]
    assert (told.endpoint, told.before, told.after) == ("things", "", "healthy")


async def test_standard_h1_an_answer_is_kept():
    """Who asks again gets the last answer until it is too old; all who ask at once share one check."""
    service = Service()
    async with Connector.open(document({"every": "10s"}), effects=service.effects()) as demo:
        reports = await asyncio.gather(*(demo.health() for _ in range(50)))
        assert all(report is reports[0] for report in reports)
        await service.clock.sleep(9.9)
        assert await demo.health() is reports[0]
        assert service.sent == 1
        await service.clock.sleep(0.2)
        await demo.health()
    assert service.sent == 2


async def test_standard_h1_it_ends_in_time():
    """A service that never answers makes nobody wait longer than the timeout."""
    service = Service()
    service.takes = 1e9
    async with Connector.open(document({"timeout": "3s"}), effects=service.effects()) as demo:
        report = await demo.health()
        assert service.clock.monotonic() == pytest.approx(3)
    assert (report.status, report.code, report.response_time) == ("unhealthy", "timeout.health", None)


async def test_standard_h1_nothing_of_the_service_is_told():
    """The report of a failure holds its code, and not what the service said."""
    service = Service()
    service.status = 403
    async with Connector.open(document(), effects=service.effects()) as demo:
        report = await demo.health()
    assert (report.status, report.code) == ("unhealthy", "http.403")
    assert SECRET not in repr(report)
    assert SECRET not in repr([event for event in service.heard if isinstance(event, HealthChanged)])


async def test_standard_h1_one_failure_is_no_outage():
    """After it was healthy, one check that fails is told by its code alone; the second changes the status."""
    service = Service()
    found = []
    async with Connector.open(document({"every": "1s"}), effects=service.effects()) as demo:
        for status in (200, 404, 200, 404, 404, 200, 200):
            service.status = status
            report = await demo.health()
            found.append((report.status, report.code))
            await service.clock.sleep(1)
    once, ill, better = ("healthy", "http.404"), ("unhealthy", "http.404"), ("unhealthy", None)
    healthy = ("healthy", None)
    assert found == [healthy, once, healthy, once, ill, better, healthy]
    told = [event.after for event in service.heard if isinstance(event, HealthChanged)]
    assert told == ["healthy", "unhealthy", "healthy"]


async def test_degraded():
    """An answer that takes too long is told as that."""
    service = Service()
    service.takes = 1.5
    async with Connector.open(document({"degraded_after": "1s"}), effects=service.effects()) as demo:
        assert (await demo.health()).status == "degraded"


async def test_what_is_switched_off_is_not_asked():
    """An integration that is switched off is neither well nor ill; afterwards it is asked as ever."""
    service = Service()
    async with Engine(effects=service.effects()) as engine, engine.open(document()) as demo:
        engine.disable("demo")
        report = await demo.health()
        assert (report.status, report.code, service.sent) == ("unavailable", "unavailable.switch.disabled", 0)
        engine.enable("demo")
        assert (await demo.health()).status == "healthy"


async def test_who_stops_waiting_stops_nobody_else():
    """A check goes on for the others when one who asked is cancelled, and ends with the connection."""
    service = Service()
    service.takes = 2.0
    async with Connector.open(document(), effects=service.effects()) as demo:
        first, second = (asyncio.ensure_future(demo.health()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).status == "healthy"
        await service.clock.sleep(60)
        service.takes = 1e9
        last = asyncio.ensure_future(demo.health())
        for _ in range(5):
            await asyncio.sleep(0)
    with pytest.raises(ConfigError, match="demo is closed"):  # nobody cancelled who waits
        await last


async def test_a_spec_without_it():
    """Where the spec does not say how, the error says what to write."""
    service = Service()
    spec = {key: value for key, value in document().items() if key != "health"}
    async with Connector.open(spec, effects=service.effects()) as demo:
        with pytest.raises(ConfigError) as refused:
            await demo.health()
    assert refused.value.code == "health.undeclared"
    assert "name a harmless endpoint in the spec: health: {endpoint: …}" in str(refused.value)


@pytest.mark.parametrize(
    "endpoint, what",
    [
        ("thing", "health.endpoint: there is no endpoint 'thing', did you mean 'things'?"),
        ("one", "health.endpoint: one is not one request without input"),
        ("each", "health.endpoint: each is not one request without input"),
        ("make", "health.endpoint: make may do something each time: name a read, or say safe: true there"),
    ],
)
def test_what_may_be_asked(endpoint, what):
    """The endpoint is there, does no harm and needs nothing."""
    with pytest.raises(SpecError) as refused:
        load(document({"endpoint": endpoint}))
    assert what in str(refused.value)
    load(document({"endpoint": "ping"}))
