"""A service that fails is left alone: circuits in the engine, on virtual time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from connector_core import Connector, Engine
from connector_core.engine.circuits import MOST
from connector_core.events import CircuitChanged, Event, RequestRefused
from connector_core.exceptions import (
    CircuitOpenError,
    ConfigError,
    ConnectionError,
    IntegrationError,
    NotFoundError,
    RateLimitError,
    ServerError,
    TimeoutError,
)
from connector_core.hookspecs import hookimpl
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

QUICK = {"window": 4, "minimum": 2}


class Service:
    """Answers with one status until it is told another, or raises."""

    def __init__(self, status: int | Exception = 500) -> None:
        self.status, self.slow = status, 0.0
        self.at = VirtualClock()
        self.transport = FakeTransport(self.answer)
        self.heard: list[Event] = []

    async def answer(self, _: Request) -> Response:
        if isinstance(self.status, Exception):
            raise self.status
        return respond(self.status, json={"data": []})

    @property
    def sent(self) -> int:
        return len(self.transport.requests)

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.heard if isinstance(event, kind)]


def document(breaker: Any = QUICK, **more: Any) -> dict[str, Any]:
    endpoints = {
        "thing": {"post": "/thing"},
        "other": {"post": "/other"},
        "apart": {"post": "/apart", "circuit_breaker": {"group": "apart"}},
        "away": {"post": "/away", "base_url": "https://other.example"},
        "free": {"post": "/free", "circuit_breaker": "none"},
        "things": {"get": "/things", "records": "body.data"},
    }
    found = {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": endpoints}
    return found | ({"circuit_breaker": breaker} if breaker else {}) | more


def opened(service: Service, spec: dict[str, Any] | None = None):
    made = effects(service.transport, clock=service.at, listeners=[service.heard.append])
    return Connector.open(spec or document(), effects=made)


async def failing(demo: Connector, service: Service, endpoint: str = "thing") -> None:
    """Calls until the circuit is open."""
    service.status = 500
    for _ in range(2):
        with pytest.raises(ServerError):
            await demo.call(endpoint)


async def test_an_open_circuit_is_not_asked():
    """When half of the last calls have failed, nothing more is sent, and the error says when to come back."""
    service = Service()
    async with opened(service) as demo:
        await failing(demo, service)
        with pytest.raises(CircuitOpenError) as refused:
            await demo.call("other")
    assert service.sent == 2
    error = refused.value
    assert (error.code, error.retryable) == ("circuit.open", True)
    assert error.retry_after == pytest.approx(30, rel=0.1)
    assert str(error) == (
        "demo is left alone: too much that was sent to api.example has failed — "
        "other: POST https://api.example/other — come back in "
        f"{error.retry_after:.0f} s"
    )
    assert error.context == {"connector": "demo", "endpoint": "other", "connection": "demo"}
    [changed], [told] = service.told(CircuitChanged), service.told(RequestRefused)
    assert (changed.host, changed.before, changed.after, changed.reason) == (
        "api.example",
        "closed",
        "open",
        "failures",
    )
    assert changed.wait == error.retry_after
    assert (told.endpoint, told.code, told.wait) == ("other", "circuit.open", error.retry_after)


async def test_it_is_on_where_a_spec_says_nothing():
    """Ten failures are enough; a service that answers is asked as often as one likes."""
    service = Service(200)
    async with opened(service, document(None)) as demo:
        for _ in range(30):
            await demo.call("thing")
        service.status = 500
        for _ in range(10):
            with pytest.raises(ServerError):
                await demo.call("thing")
        with pytest.raises(CircuitOpenError):
            await demo.call("thing")
    assert service.sent == 40


@pytest.mark.parametrize(
    "endpoint, asked", [("thing", False), ("other", False), ("apart", True), ("away", True), ("free", True)]
)
async def test_one_for_each_host_and_group(endpoint, asked):
    """A circuit is shared by the endpoints of one host, without those of another group, and those that have none."""
    service = Service()
    async with opened(service) as demo:
        await failing(demo, service)
        with pytest.raises(ServerError if asked else CircuitOpenError):
            await demo.call(endpoint)
    assert service.sent == 2 + asked


@pytest.mark.parametrize(
    "status, error",
    [
        (404, NotFoundError),
        (429, RateLimitError),
        (422, IntegrationError),
        (401, IntegrationError),
        (ConnectionError("no", code="forbidden_address"), ConnectionError),
        (TimeoutError("late", code="timeout.deadline"), TimeoutError),
    ],
)
async def test_standard_b6_what_is_not_the_services_failure(status, error):
    """The caller's mistakes, refusals of the rate limit, and what was never sent open no circuit."""
    service = Service(status)
    async with opened(service) as demo:
        for _ in range(20):
            with pytest.raises(error):
                await demo.call("thing")
        service.status = 200
        await demo.call("thing")


@pytest.mark.parametrize("status", [500, 503, 408, ConnectionError("broken", phase="sent")])
async def test_what_is_a_failure(status):
    """5xx, a service that says that it waited too long, and no answer at all."""
    service = Service(status)
    async with opened(service) as demo:
        for _ in range(2):
            with pytest.raises((ServerError, ConnectionError)):
                await demo.call("thing")
        with pytest.raises(CircuitOpenError):
            await demo.call("thing")


async def test_an_error_rule_decides():
    """What a rule says is fine is a success, and what it says is the server's failure is one, whatever the status."""
    rules = [{"status": 500, "then": "ok"}, {"status": 200, "category": "server"}]
    service = Service(500)
    async with opened(service, document(errors=rules)) as demo:
        for _ in range(5):
            await demo.call("thing")
        service.status = 200
        for _ in range(2):
            with pytest.raises(ServerError):
                await demo.call("thing")
        with pytest.raises(CircuitOpenError):
            await demo.call("thing")


async def test_a_repetition_does_not_spin_on_an_open_circuit():
    """A read whose failures open the circuit gives up with its own error, and says why."""
    service = Service(503)
    async with opened(service) as demo:
        with pytest.raises(ServerError) as failed:
            await anext(demo.read("things"))
    assert service.sent == 2
    assert "not sent again: the circuit is open for 3" in str(failed.value)
    assert sum(service.at.slept) < 1


async def test_it_recovers():
    """After the open state, three probes that succeed close the circuit."""
    service = Service()
    async with opened(service) as demo:
        await failing(demo, service)
        await service.at.sleep(33)
        service.status = 200
        for _ in range(3):
            await demo.call("thing")
    states = [event.after for event in service.told(CircuitChanged)]
    assert states == ["open", "half_open", "closed"]


async def test_standard_b1_b4_probes_under_200_callers():
    """Of 200 callers three are let through; when these are cancelled, the next three are, and close the circuit."""
    service, over = Service(), asyncio.Event()

    async def hangs(_: Request) -> Response:
        await over.wait()
        return respond(200)

    async with opened(service) as demo:
        await failing(demo, service)
        await service.at.sleep(33)
        service.transport._answer = hangs
        before = service.sent
        for _ in range(2):
            tasks = [asyncio.ensure_future(demo.call("thing")) for _ in range(200)]
            for _ in range(20):
                await asyncio.sleep(0)
            assert service.sent - before == 3
            before = service.sent
            for task in tasks:
                task.cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            assert sum(isinstance(error, CircuitOpenError) for error in found) == 197
        over.set()
        for _ in range(3):
            await demo.call("thing")
        assert [status.state for status in demo.circuits()] == ["closed"]


async def test_standard_b2_stale_answers():
    """An answer to what was sent before the circuit opened does not close it."""
    service, over = Service(), asyncio.Event()

    async def slow(_: Request) -> Response:
        await over.wait()
        return respond(200)

    async with opened(service) as demo:
        usual, service.transport._answer = service.transport._answer, slow
        early = asyncio.ensure_future(demo.call("thing"))
        for _ in range(10):
            await asyncio.sleep(0)
        service.transport._answer = usual
        await failing(demo, service)
        over.set()
        await early
        with pytest.raises(CircuitOpenError):
            await demo.call("thing")


async def test_who_stood_in_line_asks_again():
    """A request that waits for its rate limit while the circuit opens is not sent, and takes nothing of the limit."""
    service = Service()
    async with opened(service, document(rate_limit={"rates": ["2/10s"], "max_wait": "60s"})) as demo:
        tasks = [asyncio.ensure_future(demo.call("thing")) for _ in range(6)]
        found = await asyncio.gather(*tasks, return_exceptions=True)
    kinds = [type(error) for error in found]
    assert (kinds.count(ServerError), kinds.count(CircuitOpenError)) == (2, 4)
    assert service.sent == 2


async def test_not_modified_is_no_outage():
    """A 304 that nobody asked for is an error of the call, and says nothing of whether the service works."""
    service = Service(304)
    async with opened(service) as demo:
        for _ in range(5):
            with pytest.raises(IntegrationError, match="304"):
                await demo.call("thing")
        assert [(found.state, found.calls) for found in demo.circuits()] == [("closed", 0)]


class Behind:
    """`/thing` of the API redirects to another host, which is dead until it is told to live."""

    def __init__(self) -> None:
        self.is_dead = True
        self.asked: list[str] = []

    async def answer(self, request: Request) -> Response:
        host = request.url.split("/")[2]
        self.asked.append(host)
        if host == "api.example" and request.url.endswith("/thing"):
            return respond(307, headers={"Location": "https://cdn.example/thing"}, content=b"")
        if host == "cdn.example" and self.is_dead:
            raise ConnectionError("cdn.example refuses connections", code="connection.refused", phase="unsent")
        return respond(json={})


def behind(**more: Any) -> tuple[Service, Behind, dict[str, Any]]:
    service, hosts = Service(), Behind()
    service.transport = FakeTransport(hosts.answer)
    spec = document(hosts=[{"host": "cdn.example", "credentials": True}], retry={"attempts": 1}, **more)
    return service, hosts, spec


async def test_a_redirect_counts_for_the_host_that_fails():
    """What happens behind a redirect is the other host's: its circuit opens and is asked before it is followed."""
    service, hosts, spec = behind()
    async with opened(service, spec) as demo:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await demo.call("thing")
        known = {found.host: (found.state, found.calls, found.failures) for found in demo.circuits()}
        assert known == {"api.example": ("closed", 2, 0), "cdn.example": ("open", 2, 2)}
        hosts.asked.clear()
        with pytest.raises(CircuitOpenError, match=r"too much that was sent to cdn\.example has failed"):
            await demo.call("thing")
        await demo.call("other")
        assert hosts.asked == ["api.example", "api.example"]
        hosts.is_dead = False
        await service.at.sleep(40)
        for _ in range(3):
            await demo.call("thing")
        assert {found.host: found.state for found in demo.circuits()}["cdn.example"] == "closed"


async def test_what_was_redirected_has_used_its_share():
    """Where the host behind a redirect is left alone, the host that redirects was asked all the same."""
    service, hosts, spec = behind(rate_limit={"rates": ["2/10s"], "max_wait": "60s"})
    async with opened(service, spec) as demo:
        demo.hold_circuits("open", host="cdn.example")
        begun = service.at.monotonic()
        for _ in range(3):
            with pytest.raises(CircuitOpenError):
                await demo.call("thing")
        assert len(hosts.asked) == 3
        assert service.at.monotonic() - begun == pytest.approx(10)


async def test_a_plugin_that_leads_elsewhere_is_counted_there():
    """Where `prepare_request` gives another host, that host's circuit is asked and counts; a stranger is refused."""
    service = Service(200)
    homes = iter(["https://cdn.example/thing", "https://cdn.example/thing", "https://evil.example/thing"])

    @hookimpl
    def prepare_request(request: Request) -> Request:
        return replace(request, url=next(homes))

    spec = document(hosts=[{"host": "cdn.example", "credentials": True}])
    made = effects(service.transport, clock=service.at)
    async with (
        Engine(effects=made, plugins=[SimpleNamespace(prepare_request=prepare_request)]) as engine,
        engine.open(spec) as demo,
    ):
        for _ in range(2):
            await demo.call("thing")
        assert {found.host: found.calls for found in demo.circuits()} == {"api.example": 0, "cdn.example": 2}
        with pytest.raises(IntegrationError, match=r"demo was led by prepare_request to https://evil\.example:443, "):
            await demo.call("thing")


async def test_slow_answers():
    """Answers that take longer than they should open it, though they are right."""
    service = Service()

    async def slow(_: Request) -> Response:
        return replace(respond(200), elapsed=6.0)

    service.transport._answer = slow
    async with opened(service, document({**QUICK, "slow_after": "5s"})) as demo:
        for _ in range(2):
            await demo.call("thing")
        with pytest.raises(CircuitOpenError):
            await demo.call("thing")
    [changed] = service.told(CircuitChanged)
    assert changed.reason == "slow_calls"


async def test_circuits_are_the_connections():
    """What one account meets is not held against another one."""
    service = Service()
    made = effects(service.transport, clock=service.at)
    async with Engine(effects=made) as engine, engine.open(document(), id="a") as one, engine.open(document()) as two:
        await failing(one, service)
        with pytest.raises(CircuitOpenError):
            await one.call("thing")
        with pytest.raises(ServerError):
            await two.call("thing")


# ── a person's hand ───────────────────────────────────────────────────────────────────────────────


async def test_held_open_and_released():
    """Held open nothing is sent, not even to a host that nobody has met yet; released, everything is as at first."""
    service = Service(200)
    async with opened(service) as demo:
        await demo.call("thing")
        demo.hold_circuits("open")
        for endpoint in ("thing", "away"):
            with pytest.raises(CircuitOpenError) as refused:
                await demo.call(endpoint)
            assert refused.value.retry_after is None
            assert "the circuit to" in str(refused.value)
            assert "is held open — " in str(refused.value)
            assert "whoever has opened it has to release it" in str(refused.value)
        await demo.call("free")
        demo.hold_circuits(None)
        await demo.call("thing")
        await demo.call("away")
    assert [(event.after, event.endpoint) for event in service.told(CircuitChanged)] == [
        ("forced_open", ""),
        ("closed", ""),
        ("closed", ""),
    ]


async def test_held_closed_for_one_host():
    """Held closed, a host is asked whatever fails; another one is not affected."""
    service = Service()
    async with opened(service) as demo:
        demo.hold_circuits("closed", host="api.example")
        for endpoint, after in (("thing", ServerError), ("away", CircuitOpenError)):
            await failing(demo, service, endpoint)
            with pytest.raises(after):
                await demo.call(endpoint)
        status = {found.host: (found.state, found.calls, found.failures) for found in demo.circuits()}
        assert status == {"api.example": ("forced_closed", 0, 0), "other.example": ("open", 2, 2)}


async def test_one_host_is_let_go():
    """Where all are held open, one host can be released, and its endpoints that were not asked yet with it."""
    service = Service(200)
    async with opened(service) as demo:
        demo.hold_circuits("open")
        demo.hold_circuits(None, host="api.example")
        for endpoint in ("thing", "apart"):
            await demo.call(endpoint)
        with pytest.raises(CircuitOpenError):
            await demo.call("away")


async def test_only_so_many_are_remembered():
    """A service that sends links to ever new hosts does not fill the memory; what is open stays known."""
    service = Service(200)
    spec = document(hosts=[{"host": "*.cdn.example"}])
    async with opened(service, spec) as demo:
        await failing(demo, service)
        circuits, plan = demo._connection.circuits, demo._connection.plan("thing")
        for number in range(MOST + 50):
            with circuits.enter(plan, Request("GET", f"https://h{number}.cdn.example/x")):
                pass
        assert len(demo.circuits()) == MOST
        with pytest.raises(CircuitOpenError):
            await demo.call("thing")


async def test_a_probe_that_waits_for_its_turn_may_lose_its_place():
    """While a probe stands in line for a rate another may take its place; not both are sent."""
    service, most = Service(), 0
    under_way: set[int] = set()

    async def answer(request: Request) -> Response:
        nonlocal most
        under_way.add(id(request))
        most = max(most, len(under_way))
        await service.at.sleep(100 if service.status == 200 else 0)
        under_way.discard(id(request))
        return respond(service.status if isinstance(service.status, int) else 500, json={})

    async def later(seconds: float) -> None:
        await service.at.sleep(seconds)
        await demo.call("thing")

    service.transport = FakeTransport(answer)
    limit = {"rates": ["2/hour"], "max_wait": "3h"}
    async with opened(service, document({**QUICK, "probes": 1}, rate_limit=limit)) as demo:
        await failing(demo, service)
        service.status = 200
        found = await asyncio.gather(*(later(40 + 200.0 * number) for number in range(4)), return_exceptions=True)
    assert [type(each).__name__ for each in found] == ["NoneType", *["CircuitOpenError"] * 3]
    assert (most, service.sent) == (1, 3)


async def test_a_word_that_is_no_state_holds_nothing():
    """A slip of an operator's hand is told, and changes nothing; a host is one in capitals, too."""
    service = Service(200)
    async with opened(service) as demo:
        word: Any = "opened"
        with pytest.raises(ConfigError, match="'opened' is no state to hold circuits in"):
            demo.hold_circuits(word)
        await demo.call("thing")
        assert [circuit.state for circuit in demo.circuits()] == ["closed"]
        demo.hold_circuits("open", host="API.example")
        with pytest.raises(CircuitOpenError):
            await demo.call("thing")
