"""Waits for what others bring: a caller's time holds in them, too, and nothing is undone by who gives up."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from connector_core import Connector, Effects, Engine
from connector_core.exceptions import ConfigError, TimeoutError
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, respond

BASE: dict[str, Any] = {"connector": "1", "name": "demo", "base_url": "https://api.example"}
CACHED = {**BASE, "endpoints": {"thing": {"get": "/thing", "cache": {"ttl": "1m"}}}}
CAPTURED = {
    **BASE,
    "capture": {"account": {"call": "me", "take": "body.id"}},
    "endpoints": {"me": {"get": "/me"}, "thing": {"get": "/things/{{ connection.account }}"}},
}


class Slow:
    """A service that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.transport = FakeTransport(self.answer)
        self.effects = Effects(transport=lambda _: self.transport)

    async def answer(self, _request: Request) -> Response:
        """The answer, in time."""
        await self.go.wait()
        return respond(json={"id": 7})


@pytest.mark.parametrize("spec", [CACHED, CAPTURED], ids=["the same request", "a captured fact"])
async def test_who_waits_for_anothers_answer_keeps_its_own_time(spec):
    """Whoever waits for what another asks for is told when its own time is over, and the other goes on."""
    service = Slow()
    async with Connector.open(spec, effects=service.effects) as demo:
        first = asyncio.create_task(demo.call("thing"))
        await asyncio.sleep(0.01)
        begun = time.monotonic()
        with pytest.raises(TimeoutError) as late:
            await demo.call("thing", timeout=0.05)
        assert late.value.code == "timeout.deadline"
        assert time.monotonic() - begun < 2
        service.go.set()
        assert (await first).data == {"id": 7}
        assert (await demo.call("thing", timeout=5)).data == {"id": 7}


async def test_a_cancelled_wait_for_a_fact_lets_the_next_one_ask():
    """Of those who wait for a fact one may be cancelled, whether it asks or waits; the others have it."""
    service = Slow()
    async with Connector.open(CAPTURED, effects=service.effects) as demo:
        first, second, third = [asyncio.create_task(demo.call("thing")) for _ in range(3)]
        await asyncio.sleep(0.01)
        first.cancel()
        second.cancel()
        service.go.set()
        assert (await third).data == {"id": 7}
        assert [request.url.rpartition("/")[2] for request in service.transport.requests] == ["me", "me", "7"]


async def test_a_flag_that_is_not_told_in_time():
    """An app's flags take none of the time that the caller has not."""
    never = asyncio.Event()

    async def flags(_flag: str, _default: bool, _context: object) -> bool:
        return await never.wait()

    service = Slow()
    spec = {**BASE, "endpoints": {"thing": {"get": "/thing"}}}
    async with Engine(flags=flags, effects=service.effects) as engine, engine.open(spec) as demo:
        with pytest.raises(TimeoutError) as late:
            await demo.call("thing", timeout=0.05)
    assert late.value.code == "timeout.deadline"
    assert service.transport.requests == []


@pytest.mark.parametrize("timeout", [float("nan"), "5", True])
async def test_a_timeout_is_a_number_of_seconds(timeout: Any):
    """What is none is told: with one that is not a number nothing would ever end."""
    service = Slow()
    spec = {**BASE, "endpoints": {"things": {"get": "/", "records": "body"}}}
    async with Connector.open(spec, effects=service.effects) as demo:
        with pytest.raises(ConfigError, match="is no number of seconds — such as timeout=5"):
            await demo.call("things", timeout=timeout)
        with pytest.raises(ConfigError, match="is no number of seconds"):
            demo.read("things", timeout=timeout)
    assert service.transport.requests == []
