"""Repetitions as the engine makes them: keys of idempotency, the quota of a host, and the caller's time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connector_core import Connector
from connector_core.engine.repetitions import MOST, Repetitions
from connector_core.events import GaveUp, RetryScheduled
from connector_core.exceptions import (
    ConflictError,
    ConnectionError,
    IntegrationError,
    RateLimitError,
    ServerError,
    TimeoutError,
)
from connector_core.http import Request, Response
from connector_core.retry import Failure
from connector_core.testing import FakeTransport, VirtualClock, effects, respond


def spec(endpoint: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = {"connector": "1", "name": "demo", "base_url": "https://api.example", "circuit_breaker": "none"}
    return {**found, "endpoints": {"thing": endpoint}, **more}


POST = {"post": "/things", "idempotency": {"put": "header.Idempotency-Key"}}
GET = {"get": "/things", "records": "body"}
JOB = {"start": {"post": "/exports"}, "poll": {"get": "/exports/1"}, "done": "body.done"}


class Service:
    """Answers in turn, the last for ever; an exception is raised. Notes each request, and when it came."""

    def __init__(self, *answers: Response | Exception, clock: VirtualClock | None = None, takes: float = 0.0) -> None:
        self.answers, self.clock, self.takes = list(answers), clock or VirtualClock(), takes
        self.requests: list[Request] = []
        self.came: list[float] = []

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        self.came.append(self.clock.monotonic())
        await self.clock.sleep(self.takes)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def opened(self, document: dict[str, Any], **more: Any) -> Any:
        return Connector.open(document, effects=effects(FakeTransport(self), clock=self.clock), **more)


def lost() -> ConnectionError:
    return ConnectionError("lost", phase="sent", retryable=True, code="connection.reset")


# ── idempotency keys ──────────────────────────────────────────────────────────────────────────────


async def test_a_key_is_kept_through_all_attempts():
    """What may have been acted on is sent again with the same key, and another call has another."""
    service = Service(lost(), respond(503), respond(json={}), respond(json={}))
    async with service.opened(spec(POST)) as demo:
        assert (await demo.call("thing")).attempts == 3
        await demo.call("thing")
    keys = [request.headers["Idempotency-Key"] for request in service.requests]
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


async def test_each_request_of_a_batch_has_a_key_of_its_own():
    """The service would take the second part for the first, sent again."""
    batch = {"of": "{{ input.all }}", "size": 1, "put": "body.items"}
    endpoint = POST | {"input": {"all": {"type": "array"}}, "batch": batch}
    service = Service(lost(), respond(json={}))
    async with service.opened(spec(endpoint)) as demo:
        await demo.call("thing", {"all": [1, 2]})
    keys = [request.headers["Idempotency-Key"] for request in service.requests]
    assert keys[0] == keys[1] != keys[2]


async def test_a_known_key_that_is_still_acted_on():
    """409 to a repetition is asked again; to the first attempt it is what it says."""
    service = Service(lost(), respond(409), respond(json={"id": 1}))
    async with service.opened(spec(POST)) as demo:
        assert (await demo.call("thing")).data == {"id": 1}
    service = Service(respond(409))
    async with service.opened(spec(POST)) as demo:
        with pytest.raises(ConflictError):
            await demo.call("thing")
    assert len(service.requests) == 1


async def test_reads_have_none():
    """At the top level it is for what is not harmless anyway."""
    service = Service(respond(json=[]))
    async with service.opened(spec(GET, idempotency={"put": "header.Idempotency-Key"})) as demo:
        await demo.call("thing")
    assert "Idempotency-Key" not in service.requests[0].headers


async def test_a_job_is_started_with_one():
    """A start whose answer is lost does not start two jobs."""
    job = JOB | {"every": "1s", "timeout": "1m"}
    document = spec({"job": job, "records": "body.rows"}, idempotency={"put": "header.Idempotency-Key"})
    service = Service(lost(), respond(json={}), respond(json={"done": True, "rows": []}))
    async with service.opened(document) as demo:
        assert [record async for record in demo.read("thing")] == []
    start, again, poll = service.requests
    assert start.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]
    assert "Idempotency-Key" not in poll.headers


# ── the spec's own numbers ────────────────────────────────────────────────────────────────────────


async def test_an_endpoint_has_its_own():
    """Its mapping is laid over the connector's."""
    document = spec(GET | {"retry": {"attempts": 2}}, retry={"initial": "8s", "maximum": "8s"})
    service = Service(respond(503))
    async with service.opened(document) as demo:
        with pytest.raises(ServerError, match="gave up after 2 attempts"):
            await demo.call("thing")
    assert service.came[1] == pytest.approx(4.0, abs=4.0)
    assert len(service.came) == 2


async def test_why_it_gave_up_is_told():
    """In the message and to listeners: the service asks for more than there is."""
    heard: list[Any] = []
    service = Service(respond(429, headers={"Retry-After": "300"}))
    async with service.opened(spec(GET), listeners=[heard.append]) as demo:
        with pytest.raises(RateLimitError, match="not sent again: the service asks for a wait of 300 s") as limited:
            await demo.call("thing")
    assert limited.value.retry_after == 300
    [told] = [event for event in heard if isinstance(event, GaveUp)]
    assert (told.attempts, told.code) == (1, "http.429")


# ── the quota ─────────────────────────────────────────────────────────────────────────────────────


async def test_standard_r5_a_host_that_only_fails_is_not_asked_four_times_as_often():
    """After 35 repetitions each request is sent once; when the service is well again, repetitions come back."""
    service = Service(respond(503))
    async with service.opened(spec(GET)) as demo:
        for _ in range(30):
            with pytest.raises(ServerError) as failed:
                await demo.call("thing")
        assert len(service.requests) == 30 + 35
        assert "not sent again: too much that was sent to this host has failed" in str(failed.value)
        service.answers = [respond(json=[])]
        for _ in range(10):
            await demo.call("thing")
        service.answers = [respond(503), respond(json=[])]
        assert (await demo.call("thing")).attempts == 2


def test_hosts_that_a_service_names_take_no_memory():
    """Links may lead to ever new hosts that fail: of many, the first ones begin anew."""
    repetitions = Repetitions()
    for number in range(MOST + 500):
        asked = Request("GET", f"https://h{number}.example/")
        assert repetitions.spend(asked, Failure("unsent", retryable=True)) is not None
    assert len(repetitions._quotas) == MOST


async def test_each_account_has_its_own_quota():
    """One account's trouble takes nothing of another's."""
    service = Service(respond(503))
    for _ in range(2):
        async with service.opened(spec(GET)) as demo:
            for _ in range(15):
                with pytest.raises(ServerError):
                    await demo.call("thing")
    assert len(service.requests) == 2 * (15 + 35)


# ── the caller's time ─────────────────────────────────────────────────────────────────────────────


async def test_standard_r5_waits_end_with_the_callers_time():
    """A repetition that would come too late is not waited for, and the failure itself is raised."""
    service = Service(respond(503, headers={"Retry-After": "10"}))
    async with service.opened(spec(GET)) as demo:
        with pytest.raises(ServerError, match="the time that the caller gave is over before that"):
            await demo.call("thing", timeout=8)
    assert service.clock.slept == [0.0]


async def test_a_request_has_no_more_time_than_is_left():
    """What the transport is given is the rest; what has none is not sent."""
    service = Service(respond(503), respond(json=[]), takes=4.0)
    async with service.opened(spec(GET)) as demo:
        await demo.call("thing", timeout=30)
        assert [request.timeout for request in service.requests] == [30, pytest.approx(25.9, abs=0.2)]
        with pytest.raises(TimeoutError) as late:
            await demo.call("thing", timeout=0)
    assert (late.value.code, late.value.phase) == ("timeout.deadline", "unsent")
    assert len(service.requests) == 2


async def into(found: list[Any], records: Any) -> None:
    async for record in records:
        found.append(record)  # noqa: PERF401 - what came before an error counts


async def test_a_hurried_caller_opens_no_circuit():
    """A service that answers in a second has not failed because somebody wants it in half of one."""

    async def slow(request: Request) -> Response:
        await clock.sleep(min(1.0, request.timeout or 60.0))
        if request.timeout is not None and request.timeout < 1.0:
            raise TimeoutError("late", phase="sent", retryable=True, code="timeout.total")
        return respond(json=[])

    clock = VirtualClock()
    document = {**spec(GET), "circuit_breaker": {}}
    async with Connector.open(document, effects=effects(FakeTransport(slow), clock=clock)) as demo:
        for _ in range(30):
            with pytest.raises(TimeoutError):
                await demo.call("thing", timeout=0.5)
        assert (await demo.call("thing")).data == []


async def test_pages_share_one_time():
    """The last page is wanted in that time, not each of them; what came before is handed out."""
    service = Service(respond(json=[{"id": 1}]), respond(json=[{"id": 2}]), respond(json=[{"id": 3}]), takes=4.0)
    async with service.opened(spec(GET | {"pagination": {"type": "page_number", "max_pages": 9}})) as demo:
        found: list[Any] = []
        with pytest.raises(TimeoutError):
            await into(found, demo.read("thing", timeout=10))
        assert found == [{"id": 1}, {"id": 2}, {"id": 3}]  # the last was sent in time


async def test_a_job_is_not_asked_again_too_late():
    """The next look at it would be after the caller's time."""
    job = JOB | {"every": "20s", "timeout": "10m"}
    service = Service(respond(json={}), respond(json={"done": False}))
    async with service.opened(spec({"job": job, "records": "body.rows"})) as demo:
        with pytest.raises(TimeoutError, match="is over before the job is asked for again in 20 s"):
            await anext(demo.pages("thing", timeout=30))
    assert service.clock.monotonic() < 30 + service.came[0]


async def test_a_turn_that_comes_too_late_is_not_waited_for():
    """Who stands in line for a rate limit hears at once that the time is too short."""
    service = Service(respond(json=[]))
    async with service.opened(spec(GET, rate_limit={"rates": ["1/minute"]})) as demo:
        await demo.call("thing")
        with pytest.raises(RateLimitError, match="and the caller's time is over before"):
            await demo.call("thing", timeout=10)
    assert len(service.requests) == 1
    assert sum(service.clock.slept) == 0


async def test_cancelling_a_wait_sends_nothing_more():
    """Who waits for a repetition and is cancelled is gone at once."""
    begun = asyncio.Event()

    class Patient(VirtualClock):
        """A clock on which waits never end."""

        async def sleep(self, seconds: float) -> None:
            if seconds:
                begun.set()
                await asyncio.Event().wait()

    service = Service(respond(503), clock=Patient())
    async with service.opened(spec(GET)) as demo:
        call = asyncio.create_task(demo.call("thing"))
        await begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert len(service.requests) == 1


async def test_every_repetition_is_told():
    """Listeners hear of each wait, and of nothing where the first attempt is the last."""
    heard: list[Any] = []
    service = Service(respond(503), respond(json=[]), respond(404))
    async with service.opened(spec(GET), listeners=[heard.append]) as demo:
        await demo.call("thing")
        with pytest.raises(IntegrationError):
            await demo.call("thing")
    assert [type(event) for event in heard if isinstance(event, RetryScheduled | GaveUp)] == [RetryScheduled]


async def test_who_waits_for_anothers_answer_has_no_more_time_either():
    """Two ask for the same at once, and one of them only for a moment: it is told, and the other has its answer."""
    go = asyncio.Event()

    async def slow(_request: Request) -> Response:
        await go.wait()
        return respond(json=[{"id": 1}])

    async with Connector.open(spec(GET, cache={"ttl": "1m"}), effects=effects(FakeTransport(slow))) as demo:
        first = asyncio.create_task(demo.call("thing"))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError, match="and the same was under way for another"):
            await demo.call("thing", timeout=0.01)
        go.set()
        assert (await first).data == [{"id": 1}]
