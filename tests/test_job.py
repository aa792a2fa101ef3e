"""Jobs of a service: started once, polled until they are done, and their result read like any pages."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from connector_core import Connector
from connector_core.events import Event, JobPolled, PartitionFinished, ReadFinished, ReadStarted
from connector_core.exceptions import ConfigError, ResponseError, ServerError, SpecError, TimeoutError
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

JOB = {
    "start": {"post": "/exports", "body": {"json": {"type": "orders", "state": "{{ config.state }}"}}},
    "poll": {"get": "/exports/{{ job.start.id }}"},
    "done": "body.status == 'ready'",
    "failed": "body.status == 'failed'",
    "empty": "body.status == 'nothing'",
    "every": "10s",
    "timeout": "5m",
    "result": {"get": "/exports/{{ job.start.id }}/rows"},
}


def spec(job: Any = None, **endpoint: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "shop",
        "config": {"state": {"type": "string", "default": "open"}},
        "base_url": "https://api.example",
        "hosts": ["files.example"],
        "endpoints": {"orders": {"job": job or JOB, "records": "body.data", **endpoint}},
    }


class Service:
    """A job that is done at the third poll."""

    def __init__(self, *, polls: int = 3, last: str = "ready") -> None:
        self.polls, self.last = polls, last
        self.started = self.polled = 0

    def __call__(self, request: Request) -> Response:
        path = request.url.removeprefix("https://api.example")
        if path == "/exports":
            self.started += 1
            return respond(202, json={"id": f"job{self.started}"})
        if path.endswith("/files"):
            return respond(json={"files": [{"name": "a"}, {"name": "b"}]})
        if path.startswith("/exports/") and path.count("/") == 2:
            self.polled += 1
            status = self.last if self.polled >= self.polls else "running"
            return respond(
                json={
                    "status": status,
                    "message": "no disk",
                    "data": [{"id": "inline"}],
                    "urls": ["https://files.example/1?sig=x", "https://files.example/2?sig=y"],
                }
            )
        return respond(json={"data": [{"id": f"{request.url}{dict(request.query)}"}], "next": None})


def opened(document: dict[str, Any], answer: Any, **more: Any):
    return Connector.open(document, effects=effects(answer, **more))


async def test_a_job_from_start_to_result():
    """It is started once, polled at its pace, and its result is read."""
    clock, transport = VirtualClock(), FakeTransport(Service())
    async with opened(spec(), transport, clock=clock) as shop:
        assert [order["id"] async for order in shop.read("orders")] == ["https://api.example/exports/job1/rows{}"]
    assert [(request.method, request.url.removeprefix("https://api.example")) for request in transport.requests] == [
        ("POST", "/exports"),
        *[("GET", "/exports/job1")] * 3,
        ("GET", "/exports/job1/rows"),
    ]
    assert transport.requests[0].body == {"type": "orders", "state": "open"}
    assert clock.slept == [10.0, 10.0]


async def test_a_result_of_several_parts():
    """`each` is fetched one after another; links to other hosts go without credentials and are never told."""
    result = {"each": "{{ job.poll.urls }}", "as": "url", "get": "{{ url }}"}
    events: list[Event] = []
    document = {
        **spec({**JOB, "result": result}),
        "secrets": {"t": {}},
        "auth": {"type": "bearer", "token": "{{ secrets.t }}"},
    }
    transport = FakeTransport(Service(polls=1))
    fake = effects(transport, listeners=[events.append])
    async with Connector.open(document, secrets={"t": "s3cret"}, effects=fake) as shop:
        pages = [page async for page in shop.pages("orders")]
    assert [page.records[0]["id"] for page in pages] == ["https://files.example/1{}", "https://files.example/2{}"]
    assert [page.partition for page in pages] == [{"url": 1}, {"url": 2}]
    assert [request.target for request in transport.requests[-2:]] == [
        "https://files.example/1?sig=x",
        "https://files.example/2?sig=y",
    ]
    assert ["Authorization" in request.headers for request in transport.requests] == [True, True, False, False]
    assert [type(event) for event in events if isinstance(event, (ReadStarted, PartitionFinished, ReadFinished))] == [
        ReadStarted,
        PartitionFinished,
        PartitionFinished,
        ReadFinished,
    ]
    assert "sig=" not in str(events)


async def test_a_result_that_has_to_be_located():
    """A further request may tell where the result is."""
    job = {
        **JOB,
        "locate": {"get": "/exports/{{ job.start.id }}/files"},
        "result": {"each": "{{ job.locate.files | pluck('name') }}", "as": "file", "get": "/files/{{ file }}"},
    }
    async with opened(spec(job), Service(polls=1)) as shop:
        assert [order["id"] async for order in shop.read("orders")] == [
            "https://api.example/files/a{}",
            "https://api.example/files/b{}",
        ]


async def test_a_result_with_pages():
    """The endpoint's pagination is the result's."""

    def answer(request: Request) -> Response:
        if not request.url.endswith("/rows"):
            return service(request)
        page = int(dict(request.query).get("cursor", "1"))
        return respond(json={"data": [{"id": page}], "next": page + 1 if page < 3 else None})

    service = Service(polls=1)
    async with opened(spec(pagination={"type": "cursor", "take": "body.next"}), answer) as shop:
        assert [order["id"] async for order in shop.read("orders")] == [1, 2, 3]


def paged(request: Request) -> Response:
    """A part of the result that has three pages."""
    page = int(dict(request.query).get("cursor", "1"))
    return respond(json={"data": [{"id": f"{request.url[-1]}{page}"}], "next": page + 1 if page < 3 else None})


CURSOR = {"type": "cursor", "take": "body.next"}


async def test_a_reading_is_gone_on_with():
    """From any page's `following` the rest is read, in another process too, and the job is not started again."""
    service = Service(polls=1)

    def answer(request: Request) -> Response:
        return paged(request) if "files.example" in request.url else service(request)

    document = spec(
        {**JOB, "result": {"each": "{{ job.poll.urls }}", "as": "url", "get": "{{ url }}"}}, pagination=CURSOR
    )
    async with opened(document, answer) as shop:
        pages = [page async for page in shop.pages("orders")]
    assert [page.position for page in pages] == [
        None,
        {"job": {"id": "job1"}, "result": 1, "page": 2},
        {"job": {"id": "job1"}, "result": 1, "page": 3},
        {"job": {"id": "job1"}, "result": 2},
        {"job": {"id": "job1"}, "result": 2, "page": 2},
        {"job": {"id": "job1"}, "result": 2, "page": 3},
    ]
    assert [page.following for page in pages] == [*[page.position for page in pages[1:]], None]
    for at, page in enumerate(pages[:-1], 1):
        async with opened(document, FakeTransport(answer)) as shop:
            rest = [more async for more in shop.pages("orders", position=json.loads(json.dumps(page.following)))]
        assert [(more.records, more.position) for more in rest] == [
            (more.records, more.position) for more in pages[at:]
        ]
    assert service.started == 1


async def test_a_position_holds_no_more_than_is_needed():
    """Of the answer to `start` it has what the spec's templates read; all of it where one reads that."""

    def answer(request: Request) -> Response:
        if request.url.endswith("/exports"):
            return respond(json={"id": "job1", "upload": "https://files.example/?sig=x", "log": "x" * 10_000})
        return paged(request) if request.url.endswith("rows") else respond(json={"status": "ready"})

    async with opened(spec(pagination=CURSOR), answer) as shop:
        assert (await anext(shop.pages("orders"))).following == {"job": {"id": "job1"}, "page": 2}
    whole = {**JOB, "poll": {"post": "/exports/1", "body": {"json": "{{ job.start }}"}}}
    async with opened(spec(whole, pagination=CURSOR), answer) as shop:
        assert (await anext(shop.pages("orders"))).following["job"].keys() == {"id", "upload", "log"}


@pytest.mark.parametrize(
    "position",
    [3, {}, {"job": 1, "pages": 2}, {"job": 1, "result": 0}, {"job": 1, "result": True}, {"job": 1, "result": 2}],
)
async def test_what_is_no_position(position):
    """What no page of the job's result has given is refused, and nothing is sent."""
    transport = FakeTransport(Service())
    async with opened(spec(), transport) as shop:
        with pytest.raises(ConfigError) as refused:
            shop.pages("orders", position=position)
    assert str(refused.value) == (
        "that is no position in the result of this job — shop.orders — pass the `following` of a page that was read"
    )
    assert transport.requests == []


async def test_no_position_without_a_result():
    """Records in the last poll are on one page, so that there is no place to go on at."""
    async with opened(spec({key: value for key, value in JOB.items() if key != "result"}), Service()) as shop:
        with pytest.raises(ConfigError, match="its records come on one page, so leave the position out"):
            shop.pages("orders", position={"job": {"id": "job1"}})


@pytest.mark.parametrize("last", ["ready", "nothing"])
async def test_a_result_that_has_fewer_parts(last):
    """A part that is not there any more is an error, and no quiet end."""
    document = spec({**JOB, "result": {"each": "{{ job.poll.urls }}", "as": "url", "get": "{{ url }}"}})
    async with opened(document, Service(polls=1, last=last)) as shop:
        with pytest.raises(ResponseError) as changed:
            await anext(shop.pages("orders", position={"job": {"id": "job1"}, "result": 3}))
    assert str(changed.value) == (
        f"the job's result has {2 if last == 'ready' else 0} parts now, and part 3 was to be read — shop.orders — "
        "read it again from the start: leave the position out"
    )
    assert changed.value.code == "job.changed"


async def test_a_discovered_job():
    """A job whose endpoint the service names is read as a job, and gone on with."""
    document = spec(
        {**JOB, "start": {"post": "/exports", "body": {"json": {"of": "{{ table }}"}}}},
        for_each={"values": ["a", "b"], "as": "table", "name": "orders_{{ table }}"},
        pagination=CURSOR,
    )
    service = Service(polls=1)

    def answer(request: Request) -> Response:
        return paged(request) if request.url.endswith("rows") else service(request)

    async with opened(document, answer) as shop:
        first = await anext(shop.pages("orders_b"))
        rest = [page async for page in shop.pages("orders_b", position=first.following)]
    assert (first.following, len(rest), service.started) == ({"job": {"id": "job1"}, "page": 2}, 2, 1)


async def test_records_in_the_last_poll():
    """Without `result` the last poll's answer holds the records, and nothing more is fetched."""
    transport = FakeTransport(Service(polls=2))
    async with opened(spec({key: value for key, value in JOB.items() if key != "result"}), transport) as shop:
        assert [order["id"] async for order in shop.read("orders")] == ["inline"]
    assert len(transport.requests) == 3


async def test_a_job_with_nothing_to_fetch():
    """`empty` ends the reading without records, and that is no error."""
    async with opened(spec(), Service(polls=2, last="nothing")) as shop:
        assert [order async for order in shop.read("orders")] == []


async def test_a_job_that_fails():
    """What the service says about it is told."""
    async with opened(spec(), Service(polls=2, last="failed")) as shop:
        with pytest.raises(ServerError, match=r"the job failed: no disk — shop\.orders — start it again"):
            await anext(shop.pages("orders"))


async def test_a_job_that_takes_too_long():
    """It is left alone in time: no wait begins that would end after the timeout."""
    clock = VirtualClock()
    async with opened(spec({**JOB, "timeout": "35s"}), Service(polls=100), clock=clock) as shop:
        with pytest.raises(
            TimeoutError,
            match=r"the job is not done after 30 s — shop\.orders — where it needs longer",
        ):
            await anext(shop.pages("orders"))
    assert clock.slept == [10.0, 10.0, 10.0]


async def test_a_retry_after_is_kept():
    """A service may ask to be polled later than declared."""
    clock, service = VirtualClock(), Service(polls=2)

    def answer(request: Request) -> Response:
        response = service(request)
        return respond(content=response.content, headers={"Retry-After": "60"})

    async with opened(spec(), answer, clock=clock) as shop:
        await anext(shop.pages("orders"))
    assert clock.slept == [60.0]


async def test_a_flag_that_is_not_there():
    """Whether it is done must be told; silence is no answer."""
    job = {**JOB, "done": "body.finished"}
    async with opened(spec(job), Service()) as shop:
        with pytest.raises(
            ResponseError, match=r"whether the job is done cannot be told: body\.finished is missing \(body\.finished\)"
        ):
            await anext(shop.pages("orders"))


async def test_each_must_be_a_list():
    """What is fetched one after another is a list."""
    job = {**JOB, "result": {"each": "{{ job.poll.status }}", "as": "url", "get": "{{ url }}"}}
    async with opened(spec(job), Service(polls=1)) as shop:
        with pytest.raises(ConfigError, match=r"job\.result\.each is not a list"):
            await anext(shop.pages("orders"))


async def test_polls_are_announced():
    """Whoever watches sees why nothing happens."""
    events: list[Event] = []
    async with opened(spec(), Service(), listeners=[events.append]) as shop:
        await anext(shop.pages("orders"))
    assert [(event.waited, event.wait) for event in events if isinstance(event, JobPolled)] == [
        (0.0, 10.0),
        (10.0, 10.0),
    ]


async def test_a_cancelled_wait_starts_no_second_job():
    """However often and whenever waits are cancelled after the start was answered, there is one job, and all of its records."""
    result = {"each": "{{ job.poll.urls }}", "as": "url", "get": "{{ url }}"}
    for steps in range(4, 30):
        service = Service(polls=4)
        async with opened(spec({**JOB, "result": result}), service) as shop:
            pages, got = shop.pages("orders"), []
            for _ in range(200):
                waiting = asyncio.ensure_future(anext(pages))
                for _ in range(steps if service.started else 5):
                    await asyncio.sleep(0)
                waiting.cancel()
                try:
                    got += [record["id"] for record in (await waiting).records]
                except asyncio.CancelledError:
                    steps += 1  # noqa: PLW2901 - else a wait that is cancelled each time never ends
                except StopAsyncIteration:
                    break
        assert got == ["https://files.example/1{}", "https://files.example/2{}"]
        assert service.started == 1
    assert len(asyncio.all_tasks()) == 1


async def test_a_job_for_each():
    """Jobs of several partitions run side by side; one without a result is passed over."""
    clock = VirtualClock()
    document = spec(
        {**JOB, "start": {"post": "/exports", "body": {"json": {"region": "{{ region }}"}}}},
        for_each={"values": ["eu", "us", "none"], "as": "region", "concurrency": 3},
    )
    document["rate_limit"] = {"concurrency": 5}
    regions: dict[str, str] = {}
    polls: dict[str, int] = {}

    def answer(request: Request) -> Response:
        path = request.url.removeprefix("https://api.example").strip("/").split("/")
        if len(path) == 1:
            regions[name := f"job{len(regions)}"] = request.body["region"]
            return respond(json={"id": name})
        if len(path) == 2:
            polls[path[1]] = polls.get(path[1], 0) + 1
            done = "nothing" if regions[path[1]] == "none" else "ready"
            return respond(json={"status": done if polls[path[1]] == 3 else "running"})
        return respond(json={"data": [{"region": regions[path[1]]}]})

    async with opened(document, answer, clock=clock) as shop:
        found = [(page.partition, page.records) async for page in shop.pages("orders")]
    assert sorted(found, key=str) == [({"region": "eu"}, [{"region": "eu"}]), ({"region": "us"}, [{"region": "us"}])]
    assert clock.monotonic() == 20


@pytest.mark.parametrize(
    "change, found",
    [
        ({"done": None}, "endpoints.orders.job: missing key 'done'"),
        ({"start": {"body": {"json": {}}}}, "endpoints.orders.job.start: must have exactly one of: get, post, put, patch, delete"),
        ({"poll": {"get": "/x/{{ job.strat.id }}"}}, "endpoints.orders.job.poll.get: job.strat is not declared under job, did you mean 'start'?"),
        ({"result": {"each": "{{ job.poll.urls }}", "get": "/x"}}, "endpoints.orders.job.result: 'each' and 'as' belong together: the list, and the name of one of its items"),
        ({"every": 5}, "endpoints.orders.job.every: say the unit: 5s"),
        ({"done": "record.x"}, "endpoints.orders.job.done: 'record' cannot be read here (poll); it can be read in filter, transform and pagination"),
        ({"pol": {}}, "endpoints.orders.job.pol: unknown key 'pol', did you mean 'poll'?"),
    ],
)  # fmt: skip
def test_mistakes(change, found):
    """What can't be is told when the spec loads."""
    job = {key: value for key, value in {**JOB, **change}.items() if value is not None}
    with pytest.raises(SpecError) as error:
        load(spec(job))
    assert found in [f"{problem.path}: {problem.what}" for problem in error.value.problems]


@pytest.mark.parametrize("change", [{"records": None}, {"output": "body"}, {"input": {"state": {"optional": True}}}])
def test_a_job_is_read(change):
    """Called like a request it would be sent to `base_url` itself, and the answer taken for its result."""
    with pytest.raises(SpecError) as error:
        load(spec(**change))
    found = [f"{problem.path}: {problem.what}" for problem in error.value.problems]
    assert "endpoints.orders.job: is for reads: an endpoint with records, and without input or output" in found


@pytest.mark.parametrize(
    "asked",
    [
        {"job": JOB, "records": "body.data"},
        {"get": "/orders/{{ number }}", "for_each": {"values": [1], "as": "number"}, "records": "body.data"},
    ],
)
def test_what_is_not_one_request_is_no_step_and_tells_no_fact(asked):
    """Neither a step nor a fact waits for a job, or reads for each of something."""
    endpoints = {"orders": asked, "all": {"steps": [{"call": "orders"}]}}
    with pytest.raises(SpecError) as error:
        load({**spec(), "endpoints": endpoints, "capture": {"total": {"call": "orders", "take": "body.total"}}})
    assert [f"{problem.path}: {problem.what}" for problem in error.value.problems] == [
        "endpoints.all.steps.0.call: orders is not one request: a job, or read for each of something",
        "capture.total.call: orders is not one request without input",
    ]
