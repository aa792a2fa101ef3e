"""Rate limits that several processes keep together, in a real Redis."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connector_core import Effects, Engine
from connector_core.engine.buckets import Taken
from connector_core.engine.redis_buckets import RedisBuckets
from connector_core.exceptions import RateLimitError, TimeoutError, UnavailableError
from connector_core.rate_limit import Terms
from connector_core.testing import FakeTransport, effects, respond
from tests.engine.shares import CLAIMS, Claim, refused, taken

pytest.importorskip("redis", reason="the package redis is not installed")
pytestmark = pytest.mark.servers("redis", 6379)

URL = "redis://127.0.0.1:6379/0"


@pytest.fixture
async def home() -> AsyncIterator[RedisBuckets]:
    buckets = RedisBuckets(URL, prefix=f"connector-test-{uuid.uuid4().hex}")
    yield buckets
    keys = await buckets._client.keys(f"{buckets._prefix}:*")
    assert all([await buckets._client.pttl(key) > 0 for key in keys])
    if keys:
        await buckets._client.delete(*keys)
    await buckets.aclose()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
async def test_as_in_memory(claim: Claim, home: RedisBuckets):
    """What must hold of every bucket holds of those in Redis, and all of their keys expire."""
    await claim(lambda terms: home.bucket(uuid.uuid4().hex, terms), asyncio.sleep)


async def test_two_see_the_same_bucket(home: RedisBuckets):
    """What one has taken, the other can't; what one is told of a pause holds for both."""
    terms = Terms(((2.0, 60.0),))
    one, other = home.bucket("same", terms), home.bucket("same", terms)
    found = await taken(one, 2)
    assert 59 < (await refused(other)).seconds <= 60
    await one.give_back(found, 2)
    await other.hold(5)
    assert (await refused(one)).reason == "the service asked for a pause"


async def test_places_are_shared(home: RedisBuckets):
    """So many are under way in all processes together; a place comes free when its request is done."""
    terms = Terms(concurrency=2)
    one, other = home.bucket("places", terms), home.bucket("places", terms)
    first = await taken(one)
    await taken(other)
    assert (await refused(one)).reason == "as many are under way as may be"
    await one.done(first)
    await taken(one)


async def test_a_large_cost_is_not_starved(home: RedisBuckets):
    """Who has to wait leaves a claim, and the small costs of others wait until it is served."""
    terms = Terms(((4.0, 0.3),))
    large, small = home.bucket("claim", terms), home.bucket("claim", terms)
    await taken(small)
    await refused(large, 4)
    assert (await refused(small)).reason == "another process is first"
    await asyncio.sleep(0.32)
    await taken(large, 4)
    assert (await refused(small)).reason == "4/300ms"


async def test_who_is_cancelled_has_taken_nothing(home: RedisBuckets):
    """A step that was under way when its request was cancelled is taken back."""
    bucket = home.bucket("cancelled", Terms(((1.0, 60.0),), concurrency=1))
    for turns in range(12):
        task = asyncio.ensure_future(bucket.take(1))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        [found] = await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*home._later)
        if isinstance(found, Taken):  # it was faster
            await bucket.give_back(found, 1)
            await bucket.done(found)
        else:
            assert isinstance(found, asyncio.CancelledError)
    await taken(bucket)


async def test_no_redis():
    """A Redis that is not there is told with its address, without the password, before anything is sent."""
    transport = FakeTransport(lambda _: respond())
    spec = {
        "connector": "1", "name": "demo", "base_url": "https://api.example", "rate_limit": {"rates": ["1/second"]},
        "endpoints": {"thing": {"get": "/thing", "output": "body"}},
    }  # fmt: skip
    unheard = Engine(buckets="redis://me:secret@127.0.0.1:9/0", effects=effects(transport))
    async with unheard as engine, engine.open(spec) as demo:
        with pytest.raises(UnavailableError) as gone:
            await demo.call("thing")
    assert str(gone.value) == (
        "the rate limits can't be asked for: Redis does not answer (ConnectionError) — redis://127.0.0.1:9/0 — nothing "
        "was sent; start Redis, or leave Engine(buckets=…) out to count in this process alone"
    )
    assert transport.requests == []


async def test_what_was_sent_is_not_undone(home: RedisBuckets, monkeypatch: pytest.MonkeyPatch):
    """Where Redis fails after a request was sent, its answer counts, and a pause that the service asks for holds."""
    answers = iter([respond(json=1), respond(429, headers={"Retry-After": "30"})])
    sent: list[Any] = []

    def answer(request: Any) -> Any:
        sent.append(request)
        gone.setattr(home, "_script", fails)  # from now on
        return next(answers)

    async def fails(**_about: Any) -> Any:
        raise ConnectionError

    spec = {
        "connector": "1", "name": "demo", "base_url": "https://api.example", "retry": {"attempts": 1},
        "rate_limit": {"rates": ["9/second"], "concurrency": 2, "feedback": {"cost": "header.Cost"}},
        "endpoints": {"order": {"post": "/orders"}},
    }  # fmt: skip
    async with Engine(buckets=home, effects=effects(answer)) as engine, engine.open(spec) as demo:
        with monkeypatch.context() as gone:
            assert (await demo.call("order")).data == 1
        with monkeypatch.context() as gone, pytest.raises(RateLimitError):
            await demo.call("order")
        with pytest.raises(RateLimitError, match="the service asked for a pause"):
            await demo.call("order", timeout=5)
    assert len(sent) == 2


async def test_an_answer_that_is_cancelled_gives_its_place_back(home: RedisBuckets):
    """Who is cancelled while Redis is told that its request is over has given its place back all the same."""
    bucket = home.bucket("cancelled after", Terms(concurrency=1))
    for turns in range(1, 12):
        task = asyncio.ensure_future(bucket.done(await taken(bucket)))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*home._later)
    await taken(bucket)


async def test_who_is_cancelled_at_any_moment_gives_all_places_back(home: RedisBuckets):
    """A call under two limits that is cancelled, be it while it gives back, leaves no place taken in either."""
    spec = {
        "connector": "1", "name": "demo", "base_url": "https://api.example", "rate_limit": {"concurrency": 9},
        "endpoints": {"order": {"post": "/orders", "rate_limit": {"concurrency": 9}}},
    }  # fmt: skip
    world = Effects(transport=lambda _: FakeTransport(lambda _: respond(json=1)))
    async with Engine(buckets=home, effects=world) as engine, engine.open(spec) as demo:
        for pause in range(60):
            task = asyncio.create_task(demo.call("order"))
            await asyncio.sleep(pause * 0.0001)
            task.cancel()
            for _ in range(pause % 4):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.1)
        keys = await home._client.keys(f"{home._prefix}:*:under_way")
        assert [await home._client.zcard(key) for key in keys] == [0] * len(keys)


async def test_a_socket_that_was_closed_meanwhile_is_no_outage(home: RedisBuckets):
    """Sockets that Redis, or whoever stands between, has closed while they lay idle fail no request."""
    bucket = home.bucket("idle", Terms(((3.0, 60.0),)))
    await taken(bucket)
    idle: list[Any] = home._client.connection_pool._available_connections
    for each in idle:
        each._writer.transport.abort()
    await taken(bucket)
    await taken(bucket)
    await refused(bucket)


async def test_what_is_done_twice_counts_once(home: RedisBuckets):
    """A step whose answer was lost is asked again, and takes one share."""
    terms = Terms(((2.0, 60.0),), concurrency=2)
    bucket: Any = home.bucket("twice", terms)
    for _ in range(2):
        await bucket._run("take", cost=1, id="the same")
    await taken(bucket)
    await refused(bucket)


async def test_a_caller_has_no_time_for_redis():
    """A Redis that does not answer takes no more time than the caller gives."""
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    spec = {
        "connector": "1", "name": "demo", "base_url": "https://api.example", "rate_limit": {"rates": ["1/second"]},
        "endpoints": {"thing": {"get": "/thing"}},
    }  # fmt: skip
    transport = FakeTransport(lambda _: respond())
    world = Effects(transport=lambda _: transport)
    begun = time.monotonic()
    async with Engine(buckets=f"redis://127.0.0.1:{port}/0", effects=world) as engine, engine.open(spec) as demo:
        with pytest.raises(TimeoutError) as late:
            await demo.call("thing", timeout=0.1)
        took = time.monotonic() - begun
        silent.close()
    assert (late.value.code, transport.requests) == ("timeout.deadline", [])
    assert took < 2


PROCESS = """
import asyncio, json, sys
from connector_core import Effects, Engine
from connector_core.engine.redis_buckets import RedisBuckets
from connector_core.testing import FakeTransport
from connector_core.engine.effects import Effects

async def main(url, prefix, spec, calls):
    buckets = RedisBuckets(url, prefix=prefix)
    effects = Effects(transport=lambda _: FakeTransport(lambda _: None))
    async with Engine(buckets=buckets, effects=effects) as engine, engine.open(spec, id="acme") as demo:
        pace = demo._connection.pace(demo._connection.plan("thing"))
        sent = []
        async def one(cost):
            async with await pace.admit({"input": {"cost": cost}}) as permit:
                sent.append((permit._taken[0].at, cost))
        print("ready", flush=True)
        sys.stdin.readline()
        await asyncio.gather(*map(one, calls))
    await buckets.aclose()
    print(json.dumps(sent))

asyncio.run(main(*json.loads(sys.argv[1])))
"""


async def test_two_processes_keep_the_limit_together(home: RedisBuckets):
    """Two processes that ask as fast as they can never take more in any window, by the clock that both share."""
    limits = [(8.0, 0.5), (20.0, 2.0)]
    spec: dict[str, Any] = {
        "connector": "1", "name": "demo", "base_url": "https://api.example",
        "rate_limit": {"rates": ["8/500ms", "20/2s"]},
        "endpoints": {"thing": {"get": "/thing", "input": {"cost": {}}, "cost": "{{ input.cost }}"}},
    }  # fmt: skip
    asked = json.dumps([URL, home._prefix, spec, [1, 1, 3, 1, 1, 1, 2, 1, 5, 1, 1, 1]])
    pipe = asyncio.subprocess.PIPE
    both = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, asked, stdin=pipe, stdout=pipe)
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    begun = time.monotonic()
    told = await asyncio.gather(*(process.communicate(b"go\n") for process in both))
    sent = sorted((at, cost) for said, _ in told for at, cost in json.loads(said))
    assert len(sent) == 24
    for limit, period in limits:
        for start, _ in sent:
            assert sum(cost for at, cost in sent if start <= at < start + period - 1e-6) <= limit
    assert time.monotonic() - begun < 20
