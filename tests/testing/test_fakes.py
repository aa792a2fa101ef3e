from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import time
from typing import Any

import pytest

from connector_core import Connector
from connector_core.exceptions import ConnectionError, ServerError
from connector_core.testing import FakeTransport, PassingClock, VirtualClock, effects, respond
from tests.testing.specs import shop

ACCOUNT: dict[str, Any] = {"config": {"shop_url": "https://shop.example"}, "secrets": {"token": "abcd"}}


async def test_runs_without_socket():
    """A connector runs on a function in place of the network; the function sees signed requests."""
    fake = FakeTransport(lambda request: respond(json={"data": [{"id": 1, "path": request.url}]}))
    async with Connector.open(shop(), **ACCOUNT, effects=effects(fake)) as connector:
        found = [record async for record in connector.read("orders")]
    assert found == [{"id": 1, "path": "https://shop.example/api/v1/orders"}]
    assert [request.headers["Authorization"] for request in fake.requests] == ["Bearer abcd"]
    assert fake.closed


async def test_files_are_bytes(tmp_path):
    """What was uploaded can be looked at afterwards: files are bytes, and each attempt has them from the start."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    file = {"type": "string", "format": "binary"}
    form = {"title": "t", "photos": {"file": "{{ input.photos }}"}}
    calls = {
        "form": {"post": "/p", "input": {"photos": {"type": "array", "items": file}}, "body": {"multipart": form}},
        "raw": {"put": "/p", "input": {"photo": file}, "body": {"bytes": "{{ input.photo }}"}},
    }
    answers = iter([respond(429), respond(json={}), respond(json={}), respond(json={})])
    fake = FakeTransport(lambda _request: next(answers))
    async with Connector.open(shop(endpoints=calls), **ACCOUNT, effects=effects(fake)) as connector:
        await connector.call("form", {"photos": [tmp_path / "a.png", io.BytesIO(b"xy"), b"z"]})
        await connector.call("raw", {"photo": tmp_path / "a.png"})
        await connector.call("raw", {"photo": b"z"})
    for request in fake.requests[:2]:
        assert [part.value for part in request.body.parts] == ["t", b"\x89PNG", b"xy", b"z"]
        assert b"\x89PNG" in (request.content or b"")
    assert [request.content for request in fake.requests[2:]] == [b"\x89PNG", b"z"]


async def test_retry_takes_no_real_time():
    """Waits between attempts pass on the virtual clock alone, and the service's Retry-After is what passes."""
    answers = iter([respond(503, headers={"Retry-After": "60"}), respond(json={"data": []})])

    async def answer(_request):
        return next(answers)

    clock, started = VirtualClock(), time.monotonic()
    async with Connector.open(shop(), **ACCOUNT, effects=effects(answer, clock=clock)) as connector:
        assert [record async for record in connector.read("orders")] == []
    assert time.monotonic() - started < 5
    assert clock.monotonic() == sum(clock.slept)
    assert 60 <= clock.slept[0] < 66
    assert clock.now() == 1_700_000_000.0 + clock.monotonic()


@pytest.mark.parametrize("kind, answer", [(ServerError, lambda _request: respond(500)), (ConnectionError, None)])
async def test_failures_reach_the_user(kind, answer):
    """What the function answers or raises is what the engine sees, and the same seed gives the same waits."""

    def broken(_request):
        raise ConnectionError("no route", code="connection.refused", retryable=True)

    waits = []
    for _ in range(2):
        clock = VirtualClock(seed=3)
        async with Connector.open(shop(), **ACCOUNT, effects=effects(answer or broken, clock=clock)) as connector:
            with pytest.raises(kind):
                _ = [record async for record in connector.read("orders")]
        waits.append(clock.slept)
    assert waits[0] == waits[1]
    assert len(waits[0]) == 3


async def test_sleepers_wake_in_order():
    """Of several sleepers the earliest wakes first, though it began last; a cancelled one moves no time."""
    clock = VirtualClock()
    order: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        order.append((name, clock.monotonic()))

    forgotten = asyncio.create_task(clock.sleep(1000))
    tasks = [asyncio.create_task(sleeper(*each)) for each in (("late", 10), ("early", 1), ("middle", 5), ("now", 0))]
    await asyncio.sleep(0)
    forgotten.cancel()
    await asyncio.gather(*tasks)
    assert order == [("now", 0), ("early", 1), ("middle", 5), ("late", 10)]


def test_respond():
    """A made-up answer is JSON unless bytes are given, and its headers ignore case."""
    answer = respond(201, json={"ö": 1}, headers={"X-A": "1"})
    assert (answer.status, answer.content, answer.headers["content-type"]) == (
        201,
        '{"ö": 1}'.encode(),
        "application/json",
    )
    assert respond(content=b"<html>").content == b"<html>"
    assert answer.headers["x-a"] == "1"


def test_importing_is_cheap():
    """Importing the package loads no HTTP library; the first socket does."""
    code = "import sys, connector_core.testing; print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


async def test_passing_clock():
    """Waits pass at once, and the clock shows them on top of the time that has really passed."""
    clock = PassingClock()
    begun, before, today = time.monotonic(), clock.monotonic(), clock.now()
    await asyncio.gather(clock.sleep(3600), clock.sleep(60))
    assert time.monotonic() - begun < 5
    assert 3600 <= clock.monotonic() - before < 3605
    assert 3600 <= clock.now() - today < 3605
    assert abs(today - time.time()) < 5
    assert clock.slept == [3600, 60]
