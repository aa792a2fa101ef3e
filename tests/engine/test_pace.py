"""Whose turn it is: rates, refusals, scopes and costs around whole calls, without sockets and without real time."""

# ruff: noqa: E501 - a case is a line

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from connector_core import Connector, Engine
from connector_core.engine import line
from connector_core.engine.buckets import in_memory
from connector_core.events import Event, RateLimited, RateLimitHeld
from connector_core.exceptions import ConfigError, ConnectionError, RateLimitError
from connector_core.http import Request, Response
from connector_core.metrics import Metrics
from connector_core.rate_limit import Terms
from connector_core.testing import FakeTransport, VirtualClock, effects, respond


def spec(limit: dict[str, Any] | None = None, **endpoints: Any) -> dict[str, Any]:
    things = {"thing": {"get": "/thing", "output": "body"}} | endpoints
    document = {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": things}
    return document | ({"rate_limit": limit} if limit else {})


def fine(_: Request) -> Response:
    return respond(json=1)


class Service:
    """Notes when it is asked, and answers what it is told to."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.clock, self.left = VirtualClock(), list(answers)
        self.moments: list[float] = []
        self.events: list[Event] = []

    def answer(self, _: Request) -> Response:
        self.moments.append(round(self.clock.monotonic(), 3))
        found = self.left.pop(0) if self.left else respond(json=1)
        if isinstance(found, Exception):
            raise found
        return found

    def opened(self, document: dict[str, Any], **more: Any) -> Any:
        listeners = [self.events.append]
        return Connector.open(document, effects=effects(self.answer, clock=self.clock, listeners=listeners), **more)

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


async def test_calls_are_spread():
    """Five calls at once under 2/10s go two at a time; each that waits says for how long and what for."""
    service = Service()
    async with service.opened(spec({"rates": ["2/10s"]})) as demo:
        await asyncio.gather(*(demo.call("thing") for _ in range(5)))
    assert service.moments == [0, 0, 10, 10, 20]
    told = [(event.wait, event.reason) for event in service.told(RateLimited)]
    assert told[:3] == [
        (10, "2/10s"),
        (10, "2/10s, and another is first"),
        (20, "2/10s, and 2 others are first"),
    ]


async def test_who_would_wait_too_long_fails_at_once():
    """It is told when its turn would be, why, and what to do; those before it are served all the same."""
    service = Service()
    async with service.opened(spec({"rates": ["1/30s"], "max_wait": "1m"})) as demo:
        found = await asyncio.gather(*(demo.call("thing") for _ in range(5)), return_exceptions=True)
    assert service.moments == [0, 30, 60]
    late = [error for error in found if isinstance(error, RateLimitError)]
    assert [(error.retry_after, error.code) for error in late] == [(90, "rate_limit.wait")] * 2
    assert str(late[0]) == (
        "demo can't be asked yet: the next turn is in 90 s (1/30s, and 2 others are first), and a request waits 60 s at "
        "most — thing — come back later, ask for less, or have it wait longer: rate_limit.max_wait"
    )


async def test_one_refusal_holds_back_all():
    """A 429 that asks for thirty seconds is waited for by everybody, and afterwards they come one by one at first."""
    service = Service(respond(429, headers={"Retry-After": "30"}))
    document = spec({"concurrency": 10})
    async with service.opened(document) as demo:
        first = asyncio.ensure_future(demo.call("thing"))
        while not service.told(RateLimitHeld):  # noqa: ASYNC110 - turns of the loop, not time
            await asyncio.sleep(0)
        assert service.clock.monotonic() == 0
        await asyncio.gather(first, *(demo.call("thing") for _ in range(6)))
    assert service.moments[0] == 0
    assert len(service.moments) == 8
    assert all(moment >= 30 for moment in service.moments[1:])
    assert [event.wait for event in service.told(RateLimitHeld)] == [30]
    assert {event.reason for event in service.told(RateLimited)} >= {"the service asked for a pause"}


async def test_a_rule_may_say_that_it_was_too_much():
    """Whatever answer the spec takes for a refusal is one."""
    rule = {"when": "body.slow_down == true", "category": "rate_limit", "retry_after": "7s"}
    service = Service(respond(json={"slow_down": True}))
    async with service.opened({**spec({"concurrency": 2}), "errors": [rule]}) as demo:
        await demo.call("thing")
    assert [event.wait for event in service.told(RateLimitHeld)] == [7]
    assert service.moments[1] >= 7


async def test_what_is_left_is_kept_to():
    """Where an answer says that nothing is left for a minute, nothing is sent for a minute."""
    service = Service(respond(json=1, headers={"Left": "0", "At": "1700000060"}))
    feedback = {"remaining": "header.Left", "reset": {"take": "header.At", "format": "epoch_seconds"}}
    async with service.opened(spec({"rates": ["100/second"], "feedback": feedback})) as demo:
        await demo.call("thing")
        await demo.call("thing")
    assert service.moments == [0, 60]


async def test_the_fields_of_the_ietf_need_no_declaration():
    """They are understood wherever there is a limit."""
    service = Service(respond(json=1, headers={"RateLimit": '"default";r=0;t=20'}))
    async with service.opened(spec({"concurrency": 9})) as demo:
        await demo.call("thing")
        await demo.call("thing")
    assert service.moments == [0, 20]


async def test_costs():
    """A cost is a number, or computed from the input; what an answer says that it did cost is what counts."""
    cheap = {"post": "/cheap", "input": {"items": {}}, "cost": "{{ input.items | length }}"}
    limit = {"rates": ["10/minute"], "feedback": {"cost": "body.cost"}}
    service = Service(respond(json={"cost": 2}), respond(json={"cost": 9}), respond(json={}))
    async with service.opened(spec(limit, cheap=cheap)) as demo:
        for items in ("abcde", "a", "a"):
            await demo.call("cheap", input={"items": list(items)})
    assert service.moments == [0, 0, 60]  # 2 and 9 are more than 10


async def test_who_waits_for_several_reasons_waits_once():
    """A further reason of the same request is told as one, and metrics count the request once."""
    service, counted = Service(), Metrics()
    async with service.opened(spec({"rates": ["2/second", "4/minute", "6/hour"], "max_wait": "3h"})) as demo:
        demo._connection.effects.listeners.append(counted)
        await asyncio.gather(*(demo.call("thing") for _ in range(9)))
    told = service.told(RateLimited)
    assert len(told) > 7
    assert len([event for event in told if not event.again]) == 7
    assert counted.of("demo").rate_limit_waits == 7


@pytest.mark.parametrize(
    "items, what",
    [
        ("a" * 11, "demo.cheap: the cost 11 fits into no limit — endpoints.cheap.cost: {{ input.items | length }} — it must be a number from 0 to 10"),
        (None, "demo.cheap: the cost is no number — endpoints.cheap.cost: {{ input.items | length }} — it must be a number from 0 to 10"),
    ],
)  # fmt: skip
async def test_costs_that_cannot_be(items, what):
    """A cost that no limit can give, and one that is no number, is refused before anything is sent."""
    cheap = {"post": "/cheap", "input": {"items": {"optional": True}}, "cost": "{{ input.items | length }}"}
    service = Service()
    async with service.opened(spec({"rates": ["10/minute"]}, cheap=cheap)) as demo:
        with pytest.raises(ConfigError) as refused:
            await demo.call("cheap", input={"items": items} if items else {})
    assert (str(refused.value), refused.value.code, service.moments) == (what, "rate_limit.cost", [])


async def test_what_was_never_sent_does_not_count():
    """A request that never left takes nothing from the rate, so that it can be repeated at once."""
    service = Service(ConnectionError("refused", phase="unsent", retryable=True))
    async with service.opened(spec({"rates": ["1/hour"]})) as demo:
        await demo.call("thing")
    assert len(service.moments) == 2
    assert service.moments[1] < 1


async def test_an_endpoint_with_a_limit_of_its_own_does_not_hold_up_others():
    """Those who wait for the endpoint's own limit take nothing from the connector's, and are not in anybody's way."""
    slow = {"get": "/slow", "output": "body", "rate_limit": {"rates": ["1/20s"]}}
    service = Service()
    async with service.opened(spec({"rates": ["4/second"]}, slow=slow)) as demo:
        await asyncio.gather(*(demo.call(name) for name in ("slow", "slow", "slow", "thing", "thing", "thing")))
    assert service.moments == [0, 0, 0, 0, 20, 40]


GROUPED = {"get": "/one", "output": "body", "rate_limit": {"rates": ["1/10s"], "scope": "search"}}


async def test_a_group_of_endpoints():
    """Endpoints whose limits have the same scope share it; another connection has its own."""
    service = Service()
    async with Engine(effects=effects(service.answer, clock=service.clock)) as engine, AsyncExitStack() as open_:
        document = spec(one=GROUPED, two=GROUPED)
        ann, bob = [await open_.enter_async_context(engine.open(document, id=name)) for name in ("ann", "bob")]
        await asyncio.gather(ann.call("one"), ann.call("two"), bob.call("one"))
    assert service.moments == [0, 0, 10]


async def test_connections_of_one_scope():
    """A template shares a limit among all connections for which it gives the same, and no others."""
    document = {**spec({"rates": ["1/10s"], "scope": "{{ config.app }}"}), "config": {"app": {"type": "string"}}}
    service = Service()
    async with Engine(effects=effects(service.answer, clock=service.clock)) as engine, AsyncExitStack() as open_:
        apps = [("ann", "x"), ("bob", "x"), ("cid", "y")]
        opened = [
            await open_.enter_async_context(engine.open(document, id=name, config={"app": app})) for name, app in apps
        ]
        await asyncio.gather(*(demo.call("thing") for demo in opened))
    assert service.moments == [0, 0, 10]


async def test_cancelled_in_line():
    """Who is cancelled in line takes nothing, and those behind move up."""
    service = Service()
    async with service.opened(spec({"rates": ["1/10s"]})) as demo:
        calls = [asyncio.ensure_future(demo.call("thing")) for _ in range(4)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        calls[1].cancel()
        calls[2].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    assert service.moments == [0, 10]


async def test_nothing_declared_is_nothing_paid():
    """Without a rate limit there is no line."""
    transport = FakeTransport(fine)
    async with Connector.open(spec(), effects=effects(transport)) as demo:
        connection = demo._connection
        assert connection.pace(connection.plan("thing")) is None


def test_lines_that_nobody_holds_go(monkeypatch):
    """Of very many scopes, the one that was looked for longest ago and that no connection has makes room."""
    monkeypatch.setattr(line, "MOST_LINES", 3)
    terms = Terms()
    held = line.Line(in_memory(terms, lambda: 0.0), terms)
    lines = {"held": held}
    for name in "abcd":
        line.with_room(lines)[name] = line.Line(in_memory(terms, lambda: 0.0), terms)
    assert lines.keys() == {"held", "c", "d"}
    assert lines["held"] is held
