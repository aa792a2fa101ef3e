"""Jobs of the simulated service, read by a client that starts, polls and fetches them like any other's."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from connector_core import Connector
from connector_core.engine.effects import Effects
from connector_core.events import JobPolled
from connector_core.exceptions import ConfigError, ServerError
from connector_core.load import load
from connector_core.testing import PassingClock, Simulator, simulated

SCHEMA: dict[str, Any] = {"id": {"type": "integer"}, "state": {"type": "string", "enum": ["open", "sent"]}}
JOB: dict[str, Any] = {
    "start": {"post": "/exports", "body": {"json": {"type": "orders"}}},
    "poll": {"get": "/exports/{{ job.start.id }}"},
    "done": "body.status == 'ready'",
    "failed": "body.status == 'failed'",
    "empty": "body.status == 'nothing'",
    "every": "10s",
    "result": {"get": "/exports/{{ job.start.id }}/rows"},
}


def spec(job: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "shop",
        "base_url": "https://shop.example/v1",
        "hosts": ["files.example"],
        "secrets": {"token": {}},
        "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
        "records": "body.data",
        "primary_key": "id",
        "endpoints": {"orders": {"job": {**JOB, **job}, "schema": SCHEMA, **more}},
    }


async def read(document: dict[str, Any], endpoint: str = "orders", **more: Any) -> list[int]:
    """The ids of what a client reads."""
    async with simulated(document, records=25, **more) as shop:
        return [record["id"] async for record in shop.read(endpoint)]


ONE_TO_25 = list(range(1, 26))
URLS = {"each": "{{ job.poll.urls }}", "as": "url", "get": "{{ url }}"}
CURSOR = {"type": "cursor", "take": "body.next", "size": {"put": "query.limit", "value": 10}}


SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as it is written mostly": ({}, {}),
    "with pages": ({}, {"pagination": CURSOR}),
    "records in the last poll": ({"result": None}, {}),
    "records in the last poll, with pages elsewhere": (
        {"result": None},
        {"pagination": {"type": "page_number", "size": {"value": 10}, "has_more": "body.more"}},
    ),
    "result where it is polled, with links": (
        {"result": {"get": "/exports/{{ job.start.id }}"}},
        {"pagination": {"type": "link_header", "size": {"put": "query.limit", "value": 10}}},
    ),
    "result where it is polled": ({"result": {"get": "/exports/{{ job.start.id }}"}}, {"pagination": CURSOR}),
    "an address for the poll": ({"poll": {"get": "{{ job.start.links.status }}"}}, {}),
    "an address for the result": ({"result": {"get": "{{ job.poll.url }}"}}, {}),
    "several addresses": ({"result": URLS}, {}),
    "several addresses, plucked": ({"result": {**URLS, "each": "{{ job.poll.files | pluck('href') }}"}}, {}),
    "several objects": (
        {"result": {"each": "{{ job.poll.files }}", "as": "file", "get": "/files/{{ file.id }}/{{ file.name }}"}},
        {"pagination": CURSOR},
    ),
    "several objects beside the job's id": (
        {"result": {"each": "{{ job.poll.files }}", "as": "file", "get": "/exports/{{ job.start.id }}", "params": {"file": "{{ file.id }}"}}},
        {},
    ),
    "one address in a list": ({"result": {**URLS, "each": "{{ [job.poll.url] }}"}}, {}),
    "located": (
        {"locate": {"get": "/exports/{{ job.start.id }}/link"}, "result": {"get": "{{ job.locate.url }}"}},
        {},
    ),
    "id in the query": (
        {"poll": {"get": "/exports", "params": {"job": "{{ job.start.export.id }}"}},
         "result": {"get": "/rows", "params": {"job": "{{ job.start.export.id }}"}}},
        {},
    ),
    "id in a body": ({"poll": {"post": "/status", "body": {"json": {"jobs": ["{{ job.start.id }}"]}}}}, {}),
    "no id at all": ({"poll": {"get": "/status"}, "result": {"get": "/rows"}}, {}),
    "done by status": ({"done": "status == 200", "failed": None, "empty": None}, {}),
    "done by progress": ({"done": "body.progress >= 100", "failed": "body.errors | length > 0"}, {}),
    "done by what it fetches": ({"done": "body.urls | length > 0", "result": URLS}, {}),
    "done by a header": ({"done": "header['X-State'] == 'done'", "failed": "header['X-State'] == 'bad'"}, {}),
    "done unless it is running": ({"done": "body.status not in ['queued', 'running']"}, {}),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
async def test_every_shape_of_a_job(shape):
    """However a spec finds its way from the start to the result, each record arrives once."""
    job, more = SHAPES[shape]
    job = {key: value for key, value in {**JOB, **job}.items() if value is not None}
    document = spec({}, **more)
    document["endpoints"]["orders"]["job"] = job
    assert await read(document) == ONE_TO_25


async def test_polls():
    """Two polls find the job under way, the third finds it done; the waits between them pass at once."""
    heard: list[Any] = []
    document = spec({})
    async with Simulator(load(document), records=1) as service:
        clock = PassingClock()
        effects = Effects(transport=service.transport, monotonic=clock.monotonic, sleep=clock.sleep)
        async with Connector.open(
            document, secrets=service.secrets, effects=effects, listeners=[heard.append]
        ) as connector:
            assert [record["id"] async for record in connector.read("orders")] == [1]
    assert [(seen.method, seen.path, seen.status) for seen in service.requests] == [
        ("POST", "/v1/exports", 202),
        ("GET", "/v1/exports/job-000001", 200),
        ("GET", "/v1/exports/job-000001", 200),
        ("GET", "/v1/exports/job-000001", 200),
        ("GET", "/v1/exports/job-000001/rows", 200),
    ]
    assert [event.wait for event in heard if isinstance(event, JobPolled)] == [10.0, 10.0]


async def test_failed():
    """`jobs="failed"` lets every job fail whose spec knows how."""
    with pytest.raises(ServerError) as caught:
        await read(spec({}), jobs="failed")
    assert str(caught.value) == "the job failed: job-000001 was made to fail — shop.orders — start it again"


async def test_empty():
    """`jobs="empty"` lets every job find nothing."""
    assert await read(spec({}), jobs="empty") == []


async def test_a_job_without_that_end_is_done():
    """A job whose spec has no such condition is done, whatever the others do."""
    document = spec({})
    del document["endpoints"]["orders"]["job"]["failed"]
    assert await read(document, jobs="failed") == ONE_TO_25


async def test_endpoints_that_share_their_addresses():
    """Exports of several kinds have one address: what the start says tells them apart, and then the job's id."""
    document = spec({})
    customers = {**JOB, "start": {"post": "/exports", "body": {"json": {"type": "customers"}}}}
    document["endpoints"]["customers"] = {"job": customers, "schema": {"id": {"type": "integer"}, "name": {}}}
    async with simulated(document, records=3) as shop:
        orders = [record async for record in shop.read("orders")]
        people = [record async for record in shop.read("customers")]
    assert [list(record) for record in (orders[0], people[0])] == [["id", "state"], ["id", "name"]]


TEAMS = {"get": "/teams", "schema": {"id": {"type": "integer"}}}


@pytest.mark.parametrize(
    "job",
    [
        {"start": {"post": "/exports", "body": {"json": {"filter": {"team": "{{ team.id }}"}}}}},
        {"start": {"post": "/exports", "body": {"form": {"team": "{{ team.id }}"}}}},
        {"start": {"post": "/exports", "params": {"team": "team-{{ team.id }}"}}},
        {"start": {"post": "/exports", "params": {"id": "{{ team.id }}"}}},
        {"start": {"post": "/exports", "headers": {"X-Team": "{{ team.id }}"}}},
        {"start": {"post": "/teams/{{ team.id }}/exports"}},
        {"poll": {"get": "/teams/{{ team.id }}/exports/{{ job.start.id }}"}},
        {"result": {"get": "/exports/{{ job.start.id }}/{{ team.id }}"}},
        {"start": {"post": "/teams/{{ team.id }}/exports"}, "result": URLS},
        {"start": {"post": "/teams/{{ team.id }}/exports"}, "result": None},
    ],
)
async def test_a_job_for_each_parent(job):
    """Each partition's job gives the partition's own records, wherever the spec says which one it is."""
    document = spec({}, for_each={"endpoint": "teams", "as": "team"})
    document["endpoints"]["orders"]["job"] = {key: v for key, v in {**JOB, **job}.items() if v is not None}
    document["endpoints"]["teams"] = TEAMS
    async with simulated(document, records=10) as shop:
        pages = [page async for page in shop.pages("orders")]
    found = [(page.partition or {})["team"] for page in pages for _ in page.records]
    assert sorted(record["id"] for page in pages for record in page.records) == list(range(1, 11))
    assert sorted(found) == list(range(1, 11))


async def test_a_job_for_each_value():
    """Values are read for like parents; one that names what a property may be gets the records that have it."""
    for sent in ({"body": {"json": {"state": "{{ one }}"}}}, {"params": {"state": "{{ one }}"}}):
        chosen = spec({"start": {"post": "/exports", **sent}}, for_each={"values": ["open", "sent"], "as": "one"})
        async with simulated(chosen, records=25) as shop:
            pages = [page async for page in shop.pages("orders")]
        assert all(record["state"] == (page.partition or {})["one"] for page in pages for record in page.records)
        assert sorted(record["id"] for page in pages for record in page.records) == ONE_TO_25
    regions = spec({"start": {"post": "/{{ one }}/exports"}}, for_each={"values": ["eu", "us"], "as": "one"})
    assert sorted(await read(regions)) == ONE_TO_25


async def test_a_parent_that_is_a_job():
    """What a job makes can be read for, too."""
    document = spec({})
    document["endpoints"]["lines"] = {
        "get": "/orders/{{ order.id }}/lines",
        "for_each": {"endpoint": "orders", "as": "order"},
        "schema": {"id": {"type": "integer"}},
    }
    assert sorted(await read(document, "lines")) == ONE_TO_25


@pytest.mark.parametrize(
    "path, status, why",
    [
        ("exports/job-000009", 404, "there is no such job; start one, and ask with what the answer holds"),
        ("exports/job-000009/rows", 404, "there is no such job; start one, and ask with what the answer holds"),
        ("exports/job-000001/rows", 409, "job-000001 is running, so there is no result"),
    ],
)
async def test_asked_too_early(path, status, why):
    """A job that is not there, and a result that is not there yet, are refused as services refuse them."""
    document = {**spec({}), "auth": "none"}
    async with Simulator(load(document)) as service, aiohttp.ClientSession() as client:
        async with client.post(f"{service.url}/v1/exports", json={"type": "orders"}) as answer:
            assert (answer.status, await answer.json()) == (202, {"id": "job-000001"})
        async with client.get(f"{service.url}/v1/{path}") as answer:
            assert (answer.status, await answer.json()) == (status, {"message": why})


@pytest.mark.parametrize(
    "job, key, why",
    [
        ({"done": "body.sum == 17.5 * 3"}, "job", "no answer was found that makes job.done hold: body.sum == 17.5 * 3"),
        ({"done": True}, "job", "no answer was found that makes job.done not hold, as it does while a job is under way: true"),
        ({"failed": "body.a > 5 and body.a < 1"}, "job", "no answer was found that makes job.failed hold: body.a > 5 and body.a < 1"),
        (
            {"result": {**URLS, "each": "{{ job.poll.urls[1:] }}"}},
            "job",
            "job.result.each is computed ({{ job.poll.urls[1:] }}); take a list as an answer has it",
        ),
        (
            {"done": "body.data == 'ready'", "result": {"get": "/exports/{{ job.start.id }}"}},
            "job",
            "the records stand where job.done looks: body.data",
        ),
    ],
)  # fmt: skip
def test_impossible_jobs(job, key, why):
    """A job whose answers cannot be made up is refused when the simulator is made, with the condition."""
    with pytest.raises(ConfigError) as caught:
        Simulator(load(spec(job)))
    assert str(caught.value) == (
        f"shop.orders cannot be simulated: {why} — endpoints.orders.{key}"
        " — test this endpoint against the service itself, or against fakes"
    )


async def test_secrets_of_a_job_are_checked():
    """Each of a job's requests is signed, or it is refused."""
    async with Simulator(load(spec({}))) as service, aiohttp.ClientSession() as client:
        for method, path in (("POST", "exports"), ("GET", "exports/job-000001"), ("GET", "exports/job-000001/rows")):
            async with client.request(method, f"{service.url}/v1/{path}") as answer:
                assert answer.status == 401
