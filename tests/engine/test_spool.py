"""Answers that are too large for memory: put into a file, read as several pages, and gone when they have been."""

from __future__ import annotations

import asyncio
import errno
import gc
import gzip
import json
import tempfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_core import Connector
from connector_core.engine import body, pieces
from connector_core.engine.body import IN_MEMORY, Spool
from connector_core.engine.effects import Effects
from connector_core.engine.pieces import Place
from connector_core.engine.transport import AiohttpTransport
from connector_core.events import AnswerRepaired, Event, PageRead, ReadFinished, RecordsMissing, RequestFinished
from connector_core.exceptions import ConfigError, ConnectionError, ResponseError
from connector_core.http import Headers, Request, Response
from connector_core.testing import FakeTransport, effects, respond
from tests.engine.servers import serving

SPOOLS: list[Spool] = []


@pytest.fixture(autouse=True)
def small_portions(monkeypatch):
    """Pages of a few records, so that a small body has several."""
    monkeypatch.setattr(pieces, "_PORTION", 100)
    monkeypatch.setattr(body, "_CHUNK", 40)
    SPOOLS.clear()


def spool(content: bytes) -> Spool:
    made = Spool()
    made.write(content)
    SPOOLS.append(made)
    return made


def closed(made: Spool) -> bool:
    return made._file.closed


def spooled(content: bytes, request: Request) -> Response:
    """The answer as a transport gives it that puts everything into a file."""
    assert request.spools
    return Response(200, Headers(), b"", request, spool=spool(content))


def spec(**more: Any) -> dict[str, Any]:
    endpoint = {"get": "/things", "records": "body.data"} | more
    return {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": {"things": endpoint}}


def things(first: int, last: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"thing {number}"} for number in range(first, last + 1)]


def opened(document: dict[str, Any], answer: Any, **more: Any):
    return Connector.open(document, effects=effects(answer, **more))


async def read(connector: Connector, position: Any = None) -> list[Any]:
    return [page async for page in connector.pages("things", position=position)]


# ── several pages of one answer ───────────────────────────────────────────────────────────────────


async def test_a_large_answer_is_several_pages():
    """Its records come in order, once, on pages that count on; the events say so."""
    heard: list[Event] = []
    answer = json.dumps({"data": things(1, 30), "total": 30}).encode()
    async with opened(spec(), lambda request: spooled(answer, request), listeners=[heard.append]) as demo:
        pages = await read(demo)
    assert [record for page in pages for record in page.records] == things(1, 30)
    assert len(pages) > 5
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    assert [event.records for event in heard if isinstance(event, PageRead)] == [len(page.records) for page in pages]
    [finished] = [event for event in heard if isinstance(event, ReadFinished)]
    assert (finished.pages, finished.records) == (len(pages), 30)
    [requested] = [event for event in heard if isinstance(event, RequestFinished)]
    assert requested.size == len(answer)
    assert [closed(made) for made in SPOOLS] == [True]


@pytest.mark.parametrize("decode, records", [("csv", "body"), ("ndjson", "body"), (["gzip", "csv"], "body")])
async def test_other_forms_come_in_portions_too(decode, records):
    """CSV and lines of JSON, packed or not."""
    rows = [{"id": str(number), "name": "x" * 20} for number in range(40)]
    text = "\n".join(["id,name", *(f"{row['id']},{row['name']}" for row in rows)])
    if decode == "ndjson":
        text = "\n".join(map(json.dumps, rows))
    content = gzip.compress(text.encode()) if isinstance(decode, list) else text.encode()
    document = spec(records=records, decode=decode)
    async with opened(document, lambda request: spooled(content, request)) as demo:
        pages = await read(demo)
    assert [record for page in pages for record in page.records] == rows


@settings(max_examples=60)
@given(
    st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=30), max_size=3), max_size=40),
    st.integers(1, 200),
    st.integers(1, 60),
)
def test_any_answer_is_the_same_in_a_file(rows, portion, chunk):
    """Whatever the records and the sizes, what comes is what comes in memory; it resumes at every page."""

    async def go() -> None:
        content = json.dumps({"data": rows}).encode()
        async with opened(spec(), lambda request: spooled(content, request)) as demo:
            pages = await read(demo)
            assert [record for page in pages for record in page.records] == rows
            assert [page.position for page in pages[1:]] == [page.following for page in pages[:-1]]
            for number, page in enumerate(pages):
                again = await read(demo, json.loads(json.dumps(page.position)))
                assert [p.records for p in again] == [p.records for p in pages[number:]]
                assert [p.position for p in again] == [p.position for p in pages[number:]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "_PORTION", portion)
        patch.setattr(body, "_CHUNK", chunk)
        asyncio.run(go())


async def test_a_position_inside_of_an_answer_fits_one_in_memory():
    """The answer may be smaller the next time: as many records are passed over."""
    content = json.dumps({"data": things(1, 9)}).encode()
    whole = Response(200, Headers(), content, Request("GET", "http://x.example/"))
    async with opened(spec(filter="record.id != 8"), lambda _request: whole) as demo:
        [page] = await read(demo, {"$page": None, "$after": 6})
    assert page.records == [record for record in things(7, 9) if record["id"] != 8]
    assert page.position == {"$page": None, "$after": 6}


@pytest.mark.parametrize(
    "given", [{"$page": 1, "$after": -3}, {"$page": 1, "$after": "2"}, {"$page": 1, "$after": True}, {"$page": 1}]
)
def test_what_is_no_position_inside_an_answer(given):
    """A position that was not handed out is refused, before records come a second time."""
    with pytest.raises(ConfigError) as wrong:
        Place.read(given)
    assert wrong.value.code == "position.invalid"
    assert Place.read({"other": 1}) == Place({"other": 1})
    assert Place.read({"$page": 1, "$after": 0}).written == 1


@pytest.mark.parametrize("in_file", [True, False])
async def test_an_answer_that_has_become_shorter(in_file):
    """Where the reading was to go on there is nothing: that is told, not taken for the end."""
    content = json.dumps({"data": things(1, 9)}).encode()

    def answer(request: Request) -> Response:
        return spooled(content, request) if in_file else Response(200, Headers(), content, request)

    async with opened(spec(), answer) as demo:
        with pytest.raises(ResponseError) as wrong:
            await read(demo, {"$page": None, "$after": 10})
    assert wrong.value.code == "position.changed"
    assert wrong.value.what == "the answer has 9 records now, and the reading was to go on after 10"


async def test_others_have_their_turn_between_the_pages():
    """Nothing is waited for while a file is read, and still the event loop goes on."""
    content = json.dumps({"data": things(1, 60)}).encode()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with opened(spec(), lambda request: spooled(content, request)) as demo:
        pages = demo.pages("things")
        await anext(pages)
        counting = asyncio.create_task(count())
        left = [page async for page in pages]
        counting.cancel()
    assert turns >= len(left) - 1 > 5


async def test_pages_follow_each_other_as_ever():
    """What follows an answer is looked for at its end: in the rest of the body, and in its last record."""
    answers = {
        None: {"data": things(1, 12), "more": True},
        "12": {"data": things(13, 20), "more": True},
        "20": {"data": things(21, 21), "more": False},
    }

    def answer(request: Request) -> Response:
        return spooled(json.dumps(answers[dict(request.query).get("since")]).encode(), request)

    cursor = {"type": "cursor", "take": "record.id", "put": "query.since", "has_more": "body.more"}
    dropping = [{"type": "drop", "fields": ["id"]}]
    async with opened(spec(pagination=cursor, transform=dropping), answer) as demo:
        pages = await read(demo)
        assert [record["name"] for page in pages for record in page.records] == [x["name"] for x in things(1, 21)]
        middle = next(
            page for page in pages if page.position == {"$page": 12, "$after": 4} or "12" in str(page.position)
        )
        again = await read(demo, middle.position)
    assert [page.records for page in again] == [page.records for page in pages[middle.number - 1 :]]


async def test_max_pages_counts_answers():
    """However many pages an answer in a file makes, it is one of the service's."""
    content = json.dumps({"data": things(1, 30)}).encode()
    document = spec(pagination={"type": "page_number", "max_pages": 2, "pages": "body.pages"})

    def answer(request: Request) -> Response:
        number = int(dict(request.query)["page"])
        return spooled(content.replace(b'{"data"', b'{"pages": 2, "n": %d, "data"' % number, 1), request)

    async with opened(document, answer) as demo:
        assert sum(len(page.records) for page in await read(demo)) == 60


async def test_a_page_that_comes_twice_is_noticed_in_a_file():
    """The bytes of a whole answer are compared, not those of its last page."""
    content = json.dumps({"data": things(1, 30), "pages": 9}).encode()
    document = spec(pagination={"type": "page_number", "pages": "body.pages"})
    async with opened(document, lambda request: spooled(content, request)) as demo:
        with pytest.raises(ResponseError, match="this page is the same as the one before"):
            await read(demo)
    gc.collect()
    assert all(closed(made) for made in SPOOLS)


async def test_what_is_wrong_in_the_midst_comes_after_the_pages_before_it():
    """A body that is no JSON from some place on is an error there, with the records before it handed out."""
    content = json.dumps({"data": things(1, 30)}).encode()[:-200] + b"]}"
    seen: list[Any] = []

    async def look(demo: Connector) -> None:
        async for page in demo.pages("things"):
            seen.extend(page.records)

    async with opened(spec(), lambda request: spooled(content, request)) as demo:
        with pytest.raises(ResponseError) as wrong:
            await look(demo)
    assert seen == things(1, len(seen))
    assert len(seen) > 10
    assert str(wrong.value) == (
        "demo answered 200: the body is JSON that breaks off (after 23 records) — "
        "things: GET https://api.example/things — compare the spec with what the service sends"
    )
    assert wrong.value.code == "response.undecodable"
    assert closed(SPOOLS[0])


async def test_what_is_missing_or_repaired_is_told():
    """As for an answer in memory."""
    heard: list[Event] = []
    content = b'{"rows": [' + b"1," * 200 + b"NaN]}"
    async with opened(spec(), lambda request: spooled(content, request), listeners=[heard.append]) as demo:
        assert sum(len(page.records) for page in await read(demo)) == 0
    assert [event.address for event in heard if isinstance(event, RecordsMissing)] == ["body.data"]
    assert [event.repair for event in heard if isinstance(event, AnswerRepaired)] == ["NaN became null"]


async def test_leaving_early_frees_the_file():
    """Closed in its midst, or let go of."""
    content = json.dumps({"data": things(1, 30)}).encode()
    async with opened(spec(), lambda request: spooled(content, request)) as demo:
        async with demo.pages("things") as pages:
            await anext(pages)
            assert not closed(SPOOLS[0])
        assert closed(SPOOLS[0])
        other = demo.pages("things")
        await anext(other)
        assert not closed(SPOOLS[1])
        del other
        gc.collect()
        assert closed(SPOOLS[1])


@pytest.mark.parametrize("endpoint", ["partitions", "exports"])
async def test_leaving_early_frees_the_files_of_every_reading_inside(endpoint):
    """Those of a parent, of its partitions, and of a job's result; though somebody still holds the iterator."""
    document = spec()
    document["endpoints"] |= {
        "partitions": {
            "get": "/things/{{ thing.id }}",
            "records": "body.data",
            "for_each": {"endpoint": "things", "as": "thing"},
        },
        "exports": {
            "job": {"start": {"post": "/job"}, "poll": {"get": "/job"}, "done": "true", "result": {"get": "/things"}},
            "records": "body.data",
        },
    }
    content = json.dumps({"data": things(1, 30)}).encode()

    def answer(request: Request) -> Response:
        return respond(json={}) if request.url.endswith("/job") else spooled(content, request)

    async with opened(document, answer) as demo:
        async with demo.pages(endpoint) as pages:
            await anext(pages)
            assert not all(map(closed, SPOOLS))
        assert SPOOLS
        assert all(map(closed, SPOOLS))


async def test_partitions_with_large_answers():
    """Each lane hands out the pages of its own answers, in order."""

    def answer(request: Request) -> Response:
        start = int(request.url.rpartition("/")[2]) * 100
        return spooled(json.dumps({"data": things(start, start + 20)}).encode(), request)

    document = spec(get="/things/{{ number }}", for_each={"values": [1, 2, 3], "as": "number", "concurrency": 2})
    async with opened(document, answer) as demo:
        pages = await read(demo)
    for number in (1, 2, 3):
        mine = [record for page in pages if page.partition == {"number": number} for record in page.records]
        assert mine == things(number * 100, number * 100 + 20)
    assert len(pages) > 9


async def test_the_result_of_a_job_may_be_large():
    """It is read like any answer."""

    def answer(request: Request) -> Response:
        if request.url.endswith("/result"):
            return spooled(json.dumps({"data": things(1, 30)}).encode(), request)
        assert not request.spools
        return Response(200, Headers(), b'{"id": 7, "state": "done"}', request)

    job = {"start": {"post": "/jobs"}, "poll": {"get": "/jobs/7"}, "done": "body.state == 'done'",
           "result": {"get": "/jobs/7/result"}}  # fmt: skip
    document = spec(job=job)
    del document["endpoints"]["things"]["get"]
    async with opened(document, answer) as demo:
        pages = await read(demo)
        assert [record for page in pages for record in page.records] == things(1, 30)
        again = await read(demo, json.loads(json.dumps(pages[2].following)))
    assert [page.records for page in again] == [page.records for page in pages[3:]]


@pytest.mark.parametrize(
    "more",
    [
        {"columns": "body.columns"},
        {"filter": "key != 'total'", "records": "body.data.*"},
        {"errors": [{"when": "body.error", "category": "server"}]},
        {"records": "body.*.name"},
        {"decode": "text", "records": "body"},
        {"records": None, "output": "body.id"},
        {"pagination": {"type": "cursor", "take": "body.data.0.id", "put": "query.before"}},
        {"pagination": {"type": "page_number", "has_more": "body.data | default([]) | length == 9"}},
    ],
)
async def test_what_needs_the_whole_body_has_it_in_memory(more):
    """Then no transport may put it into a file."""
    transport = FakeTransport(lambda request: Response(200, Headers(), b"{}", request))
    async with Connector.open(spec(**more), effects=Effects(transport=lambda _network: transport)) as demo:
        await (demo.call("things") if "output" in more else read(demo))
    assert [request.spools for request in transport.requests] == [False]


# ── the transport ─────────────────────────────────────────────────────────────────────────────────


BIG = json.dumps({"data": [{"id": number, "text": "x" * 1000} for number in range(IN_MEMORY // 1000)]}).encode()


def http(content: bytes, *fields: str, length: int | None = None) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(content) if length is None else length}", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + content


def chunked(content: bytes) -> bytes:
    parts = [content[at : at + 100_000] for at in range(0, len(content), 100_000)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed


async def sent(url: str, *, spools: bool = True, **options: Any) -> Response:
    transport = AiohttpTransport(network="loopback", **options)
    try:
        return await transport.send(Request("GET", url, spools=spools))
    finally:
        await transport.aclose()


PACKED = gzip.compress(BIG, 1)


@pytest.mark.parametrize(
    "answer", [http(BIG), chunked(BIG), http(PACKED, "Content-Encoding: gzip")], ids=["length", "chunked", "gzip"]
)
async def test_a_large_body_is_in_a_file(answer, monkeypatch):
    """However it comes, and unpacked; it is the same body, with nothing in memory."""
    monkeypatch.undo()
    async with serving(answer) as server:
        response = await sent(server.url)
        assert response.spool is not None
        assert (response.content, response.size) == (b"", len(BIG))
        assert b"".join(response.spool.chunks()) == BIG
        assert b"".join(response.spool.chunks()) == BIG  # from its start again
        assert repr(response) == f"Response(200, {len(BIG)} bytes, Request(GET {server.url}))"
        assert response.spool.digest == (await sent(server.url)).spool.digest  # type: ignore[union-attr]
        response.spool.close()


async def test_a_body_stays_in_memory_where_it_has_to():
    """A small one, one that nobody allowed to be in a file, and one that reports an error."""
    small, error = http(b"{}"), http(BIG).replace(b"200 OK", b"500 Oh no", 1)
    async with serving(small, http(BIG), error) as server:
        assert [(await sent(server.url, spools=spools)).spool for spools in (True, False, True)] == [None] * 3


async def test_a_file_has_a_cap_too():
    """As it comes, and as it is unpacked."""
    for answer in (http(BIG), chunked(BIG), http(PACKED, "Content-Encoding: gzip")):
        async with serving(answer) as server:
            with pytest.raises(ResponseError, match="the answer is larger than 8 MiB"):
                await sent(server.url, max_spool=IN_MEMORY)


async def test_a_large_body_that_breaks_off_is_an_error_before_its_first_record():
    """So that it can be asked for again, and no record comes twice."""
    cut = http(BIG[:-10], length=len(BIG)), chunked(BIG)[:-200]
    for answer in cut:

        async def broken(writer: asyncio.StreamWriter, answer: bytes = answer) -> None:
            writer.write(answer)
            await writer.drain()
            writer.close()

        async with serving(broken) as server:
            with pytest.raises(ConnectionError) as wrong:
                await sent(server.url)
            assert (wrong.value.code, wrong.value.phase, wrong.value.retryable) == (
                "connection.truncated",
                "answered",
                True,
            )


async def test_a_large_body_has_the_time_that_it_takes():
    """At a bearable speed the limit for the whole exchange moves; a limit of the spec's own does not."""

    async def slowly(writer: asyncio.StreamWriter) -> None:
        writer.write(http(b"", length=2 * len(BIG)))
        for at in range(0, 2 * len(BIG), 1_000_000):
            writer.write((BIG + BIG)[at : at + 1_000_000])
            await writer.drain()
            await asyncio.sleep(0.1)

    async with serving(slowly) as server:
        assert (await sent(server.url, timeout=1.2)).size == 2 * len(BIG)
        transport = AiohttpTransport(network="loopback")
        with pytest.raises(ConnectionError, match=r"no complete answer from .* within 1.2 s"):
            await transport.send(Request("GET", server.url, spools=True, timeout=1.2))
        await transport.aclose()


async def test_a_bomb_hears_the_deadline():
    """A small answer that unpacks to a huge one is given up in time."""
    bomb = gzip.compress(bytes(1 << 29), 9)
    async with serving(http(bomb, "Content-Encoding: gzip")) as server:
        transport = AiohttpTransport(network="loopback")
        with pytest.raises(ConnectionError, match=r"no complete answer from .* within 0.2 s"):
            await transport.send(Request("GET", server.url, spools=True, timeout=0.2))
        await transport.aclose()


# ── the file ──────────────────────────────────────────────────────────────────────────────────────


def test_the_file_has_no_name(tmp_path, monkeypatch):
    """Nothing is left of it, however the process ends."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = spool(b"x" * 100)
    assert list(tmp_path.iterdir()) == []
    assert b"".join(made.chunks()) == b"x" * 100
    made.close()
    made.close()


async def test_no_room_for_the_file(tmp_path, monkeypatch):
    """A folder that is not there, or full, is told with what to do; whether it was full is said."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    async with serving(http(BIG)) as server:
        with pytest.raises(ConfigError) as wrong:
            await sent(server.url)
    assert wrong.value.code == "spool.failed"
    assert wrong.value.what == "an answer too large for memory cannot be put into a file: no such file or directory"
    assert wrong.value.hint == "make room there, or name another folder by TMPDIR"

    monkeypatch.undo()
    made = Spool()

    class Full:
        closed = False

        def write(self, _data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None: ...

    monkeypatch.setattr(made, "_file", Full())
    with pytest.raises(ConfigError) as full:
        made.write(b"x")
    assert full.value.what == "an answer too large for memory does not fit into the folder of temporary files"
