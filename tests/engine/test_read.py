"""Reading page by page: order, prefetching, side by side, guards, leaving early; no socket and no real time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from connector_core import Connector
from connector_core.events import (
    Event,
    PageRead,
    PaginationMissing,
    ReadFinished,
    ReadRestarted,
    ReadStarted,
    RecordInvalid,
    RecordsMissing,
)
from connector_core.exceptions import ConfigError, ConnectionError, NotFoundError, ResponseError, ServerError
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, VirtualClock, effects, respond


def spec(pagination: Any = "none", **more: Any) -> dict[str, Any]:
    endpoint = {"get": "/things", "records": "body.data", "pagination": pagination}
    return {
        "connector": "1",
        "name": "demo",
        "base_url": "https://api.example",
        "endpoints": {"things": endpoint},
    } | more


NUMBERED = {"type": "page_number", "pages": "body.pages"}
CURSOR = {"type": "cursor", "take": "body.next", "put": "query.cursor"}


def numbered(pages: int):
    """A service with so many pages of two records."""

    def answer(request: Request) -> Response:
        number = int(dict(request.query)["page"])
        data = [{"id": 2 * number - 1}, {"id": 2 * number}] if number <= pages else []
        return respond(json={"pages": pages, "data": data})

    return answer


def chained(pages: int):
    """A service whose pages follow by cursor, two records each."""

    def answer(request: Request) -> Response:
        number = int(dict(request.query).get("cursor", "1"))
        following = str(number + 1) if number < pages else None
        return respond(json={"next": following, "data": [{"id": 2 * number - 1}, {"id": 2 * number}]})

    return answer


def opened(document: dict[str, Any], answer: Any, **more: Any):
    return Connector.open(document, effects=effects(answer, **more))


async def test_records_come_in_order_once():
    """`read` yields every record of every page, in order."""
    async with opened(spec(NUMBERED), numbered(5)) as demo:
        assert [record["id"] async for record in demo.read("things")] == list(range(1, 11))


async def test_a_page_says_where_it_stands():
    """A page has its own position, the following one, and its number."""
    async with opened(spec(CURSOR), chained(3)) as demo:
        pages = [page async for page in demo.pages("things")]
    assert [(page.position, page.following, page.number) for page in pages] == [
        (None, "2", 1),
        ("2", "3", 2),
        ("3", None, 3),
    ]


async def test_a_reading_resumes_at_a_position():
    """Given the position that a page announced, a new reading yields exactly the rest."""
    async with opened(spec(CURSOR), chained(4)) as demo:
        rest = [
            record["id"] for page in [p async for p in demo.pages("things", position="3")] for record in page.records
        ]
    assert rest == [5, 6, 7, 8]


async def test_the_next_page_is_under_way_while_this_one_is_used():
    """When a page is handed out, the request for the one after it has left already, and no further one."""
    transport = FakeTransport(chained(5))
    async with opened(spec(CURSOR), transport) as demo, demo.pages("things") as pages:
        await anext(pages)
        assert len(transport.requests) == 2
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(transport.requests) == 2


async def test_a_stray_cancellation_is_no_end():
    """Where a transport raises CancelledError and nobody cancelled anything, a reading fails: the rest is not lost."""

    async def answer(request: Request) -> Response:
        if dict(request.query)["page"] == "2":
            raise asyncio.CancelledError
        found: Response = numbered(3)(request)
        return found

    async with opened(spec(NUMBERED), answer) as demo:
        records = demo.read("things")
        assert [(await anext(records))["id"] for _ in range(2)] == [1, 2]
        with pytest.raises(ConnectionError, match="nobody cancelled anything") as failed:
            await anext(records)
    assert (failed.value.code, failed.value.phase) == ("connection.failed", "sent")


class Crowd:
    """Counts how many requests are under way at once; each takes some virtual time, later pages less."""

    def __init__(self, answer: Any, clock: VirtualClock) -> None:
        self.answer, self.clock, self.now, self.most = answer, clock, 0, 0

    async def __call__(self, request: Request) -> Response:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.clock.sleep(1.0 / int(dict(request.query)["page"]))
        self.now -= 1
        found: Response = self.answer(request)
        return found


@pytest.mark.parametrize("concurrency", [1, 2, 4, 7])
async def test_numbered_pages_are_read_side_by_side_up_to_the_declared_number(concurrency):
    """With an announced count, so many pages are asked for at once, and they come in order all the same."""
    clock = VirtualClock()
    crowd = Crowd(numbered(20), clock)
    async with opened(spec(NUMBERED, rate_limit={"concurrency": concurrency}), crowd, clock=clock) as demo:
        assert [record["id"] async for record in demo.read("things")] == list(range(1, 41))
    assert crowd.most == concurrency


async def test_a_wrong_guess_is_dropped():
    """A count that shrinks while it is read ends the reading where the service says, not where it once said."""
    pages = iter([20, 20, 3, 3, 3, 3, 3, 3, 3])

    def answer(request: Request) -> Response:
        number = int(dict(request.query)["page"])
        data = [{"id": number}] if number <= 3 else []
        return respond(json={"pages": next(pages, 3), "data": data})

    transport = FakeTransport(answer)
    async with opened(spec(NUMBERED, rate_limit={"concurrency": 5}), transport) as demo:
        assert [record["id"] async for record in demo.read("things")] == [1, 2, 3]
    assert len(asyncio.all_tasks()) == 1


async def test_a_short_page_among_guessed_offsets_loses_nothing():
    """Offsets guessed for full pages are dropped when a page turns out shorter, and the truth is followed."""

    def answer(request: Request) -> Response:
        offset = int(dict(request.query)["offset"])
        rows = 7 if offset == 10 else 10
        return respond(json={"total": 57, "data": [{"id": n} for n in range(offset, min(offset + rows, 57))]})

    paging = {"type": "offset", "size": {"put": "query.limit", "value": 10}, "total": "body.total"}
    async with opened(spec(paging, rate_limit={"concurrency": 3}), answer) as demo:
        assert [record["id"] async for record in demo.read("things")] == list(range(57))


async def test_an_error_comes_after_the_pages_before_it():
    """Pages before a failing one are handed out; then the error, then the end."""

    def answer(request: Request) -> Response:
        return respond(500) if dict(request.query)["page"] == "4" else numbered(9)(request)

    seen = []
    async with opened(spec(NUMBERED, rate_limit={"concurrency": 4}), answer) as demo:
        pages = demo.pages("things")
        with pytest.raises(ServerError):  # noqa: PT012 - what came before the error is the point
            async for page in pages:
                seen.append(page.number)  # noqa: PERF401 - the same
        assert seen == [1, 2, 3]
        with pytest.raises(StopAsyncIteration):
            await anext(pages)
    assert len(asyncio.all_tasks()) == 1


async def test_a_circle_of_numeric_cursors_is_an_error():
    """Tokens that are numbers run in circles no longer than others do."""

    def answer(request: Request) -> Response:
        token = int(dict(request.query).get("cursor", "0"))
        return respond(json={"next": token % 3 + 1, "data": [{"id": token}]})

    async with opened(spec(CURSOR), answer) as demo:
        with pytest.raises(ResponseError, match="the service repeats itself: it sends '1' for what follows"):
            [record async for record in demo.read("things")]


async def test_the_same_cursor_twice_is_an_error():
    """A repeated cursor ends the reading with an error, at once."""
    async with opened(spec(CURSOR), lambda _: respond(json={"next": "abc", "data": [{"id": 1}]})) as demo:
        with pytest.raises(ResponseError) as repeated:
            [record async for record in demo.read("things")]
    assert str(repeated.value) == (
        "the service repeats itself: it sends 'abc' for what follows, which was asked for already — "
        "demo.things, page 2 — "
        "compare pagination.take and put with the service's documentation"
    )


async def test_cursors_in_a_circle_are_an_error():
    """A circle of several cursors is found when it closes."""
    ring = {None: "a", "a": "b", "b": "c", "c": "a"}

    def answer(request: Request) -> Response:
        return respond(json={"next": ring[dict(request.query).get("cursor")], "data": [{"id": 1}]})

    seen = 0
    async with opened(spec(CURSOR), answer) as demo:
        with pytest.raises(ResponseError, match="it sends 'a' for what follows"):  # noqa: PT012 - what came before counts
            async for _ in demo.read("things"):
                seen += 1
    assert seen == 3


async def test_a_service_that_ignores_the_page_number_is_noticed():
    """The same page again and again is an error, not an endless reading."""
    async with opened(spec({"type": "page_number"}), lambda _: respond(json={"data": [{"id": 1}]})) as demo:
        with pytest.raises(ResponseError) as ignored:
            [record async for record in demo.read("things")]
    assert str(ignored.value) == (
        "this page is the same as the one before: the service takes no notice of the page asked for — "
        "demo.things, page 2 — compare pagination.put with the service's documentation"
    )


async def test_more_pages_than_allowed_are_an_error():
    """`max_pages` raises and never truncates."""
    async with opened(spec({**CURSOR, "max_pages": 3}), chained(10)) as demo:
        reading = demo.read("things")
        assert [(await anext(reading))["id"] for _ in range(6)] == [1, 2, 3, 4, 5, 6]
        with pytest.raises(ResponseError, match=r"there are more than 3 pages — demo\.things, page 4"):
            await anext(reading)


async def test_a_flag_that_is_not_there_is_an_error():
    """A missing `has_more` does not truncate silently."""
    flagged = {**CURSOR, "has_more": "body.more"}
    async with opened(spec(flagged), chained(3)) as demo:
        with pytest.raises(ResponseError) as missing:
            [record async for record in demo.read("things")]
    assert str(missing.value) == (
        "body.more is not in the answer, and has_more needs it (body.more) — demo.things, page 1 — "
        "correct the condition, or say what its absence means: | default(false)"
    )


async def test_a_flag_that_says_no_in_text_is_an_error():
    """The text "false" is neither taken for true nor guessed to be false."""
    flagged = {**CURSOR, "has_more": "body.more"}
    answer = {"next": "a", "more": "false", "data": [{"id": 1}]}
    async with opened(spec(flagged), lambda _: respond(json=answer)) as demo:
        with pytest.raises(ResponseError, match="it is the text 'false', which would count as true"):
            [record async for record in demo.read("things")]


async def test_nothing_at_the_records_address_is_empty_and_told():
    """A page without its records reads as empty, and an event says which address was empty."""
    events: list[Event] = []
    async with opened(spec(), lambda _: respond(json={"items": []}), listeners=[events.append]) as demo:
        assert [record async for record in demo.read("things")] == []
    assert RecordsMissing(connection="demo", endpoint="things", address="body.data") in events


async def test_a_total_that_is_not_there_is_told():
    """Where the first page has nothing at a declared count, the other rules decide, and an event says so."""
    events: list[Event] = []
    document = {"type": "offset", "total": "body.meta.total", "size": {"put": "query.limit", "value": 2}}
    rows = [{"id": number} for number in range(5)]

    def answer(request: Request) -> Response:
        at = int(dict(request.query)["offset"])
        return respond(json={"data": rows[at : at + 2]})

    async with opened(spec(document), answer, listeners=[events.append]) as demo:
        assert [record async for record in demo.read("things")] == rows
    told = [event for event in events if isinstance(event, PaginationMissing)]
    assert told == [PaginationMissing(connection="demo", endpoint="things", key="total", address="body.meta.total")]


async def test_a_count_is_missed_on_the_first_page_alone():
    """A service that tells the count once has told it, and a reading that is gone on with does not ask for it."""
    events: list[Event] = []

    def answer(request: Request) -> Response:
        number = int(dict(request.query)["page"])
        return respond(json={"data": [{"id": number}] if number < 3 else [], **({"pages": 2} if number == 1 else {})})

    async with opened(spec(NUMBERED), answer, listeners=[events.append]) as demo:
        assert (await anext(demo.pages("things"))).following == 2
        assert (await anext(demo.pages("things", position=2))).records == [{"id": 2}]
    assert not any(isinstance(event, PaginationMissing) for event in events)


async def test_the_story_of_a_reading_is_told():
    """Start, pages and end are announced, the end with its reason."""
    events: list[Event] = []
    async with opened(spec(CURSOR), chained(2), listeners=[events.append]) as demo:
        [record async for record in demo.read("things")]
    about: dict[str, Any] = {"connection": "demo", "endpoint": "things"}
    assert [event for event in events if isinstance(event, (ReadStarted, PageRead, ReadFinished))] == [
        ReadStarted(**about),
        PageRead(**about, page=1, records=2, received=2),
        PageRead(**about, page=2, records=2, received=2),
        ReadFinished(**about, pages=2, records=4, reason="there is no token at body.next"),
    ]


async def test_a_filter_keeps_what_it_says():
    """Only records for which the condition holds come, and paging looks at the page as it was received."""
    document = spec({"type": "cursor", "take": "record.id", "put": "query.cursor"})
    document["endpoints"]["things"]["filter"] = "record.id % 2 == 1"

    def answer(request: Request) -> Response:
        after = int(dict(request.query).get("cursor", "0"))
        return respond(json={"data": [{"id": n} for n in range(after + 1, after + 3) if n <= 6]})

    async with opened(document, answer) as demo:
        assert [record["id"] async for record in demo.read("things")] == [1, 3, 5]


@pytest.mark.parametrize("then, expected", [("skip", []), ("stop", []), ("ok", [{"id": 1}])])
async def test_rules_may_end_a_reading(then, expected):
    """`skip` and `stop` end a reading without an error, `ok` reads the body all the same."""
    document = spec(errors=[{"status": 404, "then": then}])
    async with opened(document, lambda _: respond(404, json={"data": [{"id": 1}]})) as demo:
        assert [record async for record in demo.read("things")] == expected


async def test_skip_in_the_midst_is_an_error():
    """`skip` speaks of something that is not there at all; on a later page it would hide a loss."""

    def answer(request: Request) -> Response:
        return chained(5)(request) if "cursor" not in dict(request.query) else respond(404)

    async with opened(spec(CURSOR, errors=[{"status": 404, "then": "skip"}]), answer) as demo:
        with pytest.raises(ResponseError, match="a rule for status 404 says skip, on page 2"):
            [record async for record in demo.read("things")]


def forgetful(times: int) -> Callable[[Request], Response]:
    """A service that forgets a cursor so many times, at a page that is not the first."""
    left, whole = [times], chained(5)

    def answer(request: Request) -> Response:
        if (cursor := dict(request.query).get("cursor")) is not None and left[0]:
            left[0] -= 1
            return respond(410, json={"message": f"the cursor {cursor} has expired"})
        found: Response = whole(request)
        return found

    return answer


RESTART = [{"status": 410, "then": "restart"}]


async def test_a_forgotten_cursor_begins_again():
    """`restart` reads from the first page, once: the records come again, none is left out, and listeners are told."""
    heard: list[Event] = []
    async with opened(spec(CURSOR, errors=RESTART), forgetful(1), listeners=[heard.append]) as demo:
        numbers = [page.number async for page in demo.pages("things")]
    async with opened(spec(CURSOR), chained(5)) as demo:
        whole = [page.number async for page in demo.pages("things")]
    assert numbers == [1, *whole]
    [told] = [event for event in heard if isinstance(event, ReadRestarted)]
    assert told.reason == "a rule for status 410 says restart"


async def test_a_cursor_that_is_forgotten_again():
    """A second time is the service's error, in its own words; so is one at the first page."""
    async with opened(spec(CURSOR, errors=RESTART), forgetful(9)) as demo:
        with pytest.raises(NotFoundError, match=r"answered 410: the cursor .* has expired"):
            [record async for record in demo.read("things")]
    async with opened(spec(CURSOR, errors=RESTART), lambda _: respond(410, json={"message": "gone"})) as demo:
        with pytest.raises(NotFoundError, match="answered 410: gone"):
            await demo.call("things")


# ── leaving ───────────────────────────────────────────────────────────────────────────────────────


async def test_leaving_early_ends_everything():
    """A reading that is left and let go of leaves no task behind, with `async with` or without."""
    async with opened(spec(NUMBERED, rate_limit={"concurrency": 5}), numbered(50)) as demo:
        async for _ in demo.read("things"):
            break
        async for _ in demo.pages("things"):
            break
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1
        async with demo.pages("things") as pages:
            await anext(pages)
        assert len(asyncio.all_tasks()) == 1


async def test_closing_the_connector_ends_its_readings():
    """A reading cannot outlive its connector, and says so rather than end as if all were read."""
    async with opened(spec(CURSOR), chained(50)) as demo:
        pages = demo.pages("things")
        await anext(pages)
    with pytest.raises(ConfigError, match="the connection was closed while this was read"):
        await anext(pages)
    assert len(asyncio.all_tasks()) == 1
    with pytest.raises(ConfigError, match="demo is closed"):
        await anext(demo.read("things"))


async def test_closing_while_somebody_waits_is_an_error_for_them():
    """Who waits for a page while the connector is closed gets an error, not a cancellation."""
    clock = VirtualClock()
    never = asyncio.Event()

    async def answer(_: Request) -> Response:
        await never.wait()
        raise AssertionError

    async with opened(spec(), answer, clock=clock) as demo:
        waiting = asyncio.create_task(anext(demo.pages("things")))
        await asyncio.sleep(0.01)
    with pytest.raises(ConfigError, match="demo is closed"):
        await waiting


async def test_a_cancelled_wait_loses_nothing():
    """After a wait that was cancelled, the same page comes next."""
    gate = asyncio.Event()

    async def answer(request: Request) -> Response:
        if dict(request.query).get("cursor") == "2":
            await gate.wait()
        found: Response = chained(3)(request)
        return found

    async with opened(spec(CURSOR), answer) as demo:
        pages = demo.pages("things")
        assert (await anext(pages)).number == 1
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(pages), 0.01)
        gate.set()
        assert [page.records[0]["id"] async for page in pages] == [3, 5]


async def test_a_page_is_for_one_task():
    """Two tasks cannot take from one reading; the second is told so."""
    async with opened(spec(CURSOR), chained(3)) as demo:
        pages = demo.pages("things")
        first = asyncio.create_task(anext(pages))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task is waiting for the next page already"):
            await anext(pages)
        assert (await first).number == 1


async def test_two_readings_do_not_disturb_each_other():
    """Readings of one connection run side by side, each complete."""
    async with opened(spec(NUMBERED, rate_limit={"concurrency": 3}), numbered(30)) as demo:

        async def everything() -> list[int]:
            return [record["id"] async for record in demo.read("things")]

        found = await asyncio.gather(everything(), everything(), everything())
        assert list(found) == [list(range(1, 61))] * 3


async def test_a_failure_that_nobody_waits_for_is_not_logged(caplog):
    """A page asked for ahead that fails after the reading was left leaves no complaint behind."""

    def answer(request: Request) -> Response:
        return chained(3)(request) if "cursor" not in dict(request.query) else respond(400)

    async with opened(spec(CURSOR), answer) as demo:
        async for _ in demo.pages("things"):
            for _ in range(10):
                await asyncio.sleep(0)
            break
        gc.collect()
        await asyncio.sleep(0.01)
    assert caplog.records == []


@pytest.mark.parametrize("how", ["pages", "read"])
@pytest.mark.parametrize("pagination, answer", [(NUMBERED, numbered(5)), (CURSOR, chained(5))])
async def test_a_wait_cancelled_at_any_moment_loses_and_doubles_nothing(how, pagination, answer):
    """However often waits are cancelled, and at whatever step, every record comes once and in order."""
    for steps in range(12):
        async with opened(spec(pagination), answer) as demo:
            reading: Any = getattr(demo, how)("things")
            got: list[Any] = []
            for turn in range(1000):
                waiting = asyncio.ensure_future(anext(reading))
                for _ in range(steps if turn % 2 else 50):
                    await asyncio.sleep(0)
                waiting.cancel()
                try:
                    found = await waiting
                except asyncio.CancelledError:
                    continue
                except StopAsyncIteration:
                    break
                got += found.records if how == "pages" else [found]
        assert [record["id"] for record in got] == list(range(1, 11))


@pytest.mark.parametrize("how", ["pages", "read"])
async def test_closing_a_reading_ends_it_for_who_waits(how):
    """A task that waits on a reading which another one closes sees its end, not a cancellation."""
    arrived, never = asyncio.Event(), asyncio.Event()

    async def hang(seconds: float) -> None:
        arrived.set()
        await never.wait()

    world = effects(lambda _: respond(503))
    world.sleep = hang
    async with Connector.open(spec(CURSOR), effects=world) as demo:
        reading = getattr(demo, how)("things")
        waiting = asyncio.ensure_future(anext(reading))
        await arrived.wait()
        await reading.aclose()
        with pytest.raises(StopAsyncIteration):
            await waiting
        with pytest.raises(StopAsyncIteration):
            await anext(reading)


# ── what is done to records before they are handed out ───────────────────────────────────────────


def shaped(**keys: Any) -> dict[str, Any]:
    """A spec whose one endpoint has further keys; its pages are two by two, by the id of the last record."""
    document = spec({"type": "cursor", "take": "record.id", "put": "query.after"})
    document["endpoints"]["things"] |= keys
    return document


def rows(*pages: list[dict[str, Any]]) -> Any:
    """A service with these pages; the one after a page is asked for by the id of its last record."""

    def answer(request: Request) -> Response:
        after = dict(request.query).get("after")
        at = next((at for at, page in enumerate(pages, 1) if page and str(page[-1]["id"]) == after), 0)
        return respond(json={"data": pages[at] if at < len(pages) else []})

    return answer


RENAMED = [{"type": "rename", "fields": {"id": "number"}}]
NUMBER = {"number": {"type": "integer"}}
MIXED = rows([{"id": 1, "n": 1}, {"id": "x2", "n": 2}], [{"id": "x3", "n": 3}])
ABOUT: dict[str, Any] = {"connection": "demo", "endpoint": "things"}


async def test_filter_then_transform_then_schema():
    """A filter and pagination see records as they came, the schema sees them as they are handed out."""
    events: list[Event] = []
    document = shaped(filter="record.id != 1", transform=RENAMED, schema=NUMBER, on_invalid="reject")
    service = rows([{"id": 1}, {"id": 2}], [{"id": 3}, {"id": "x4"}])
    async with opened(document, service, listeners=[events.append]) as demo:
        pages = [page.records async for page in demo.pages("things")]
    assert pages == [[{"number": 2}], [{"number": 3}], []]
    assert [event for event in events if isinstance(event, RecordInvalid)] == [
        RecordInvalid(**ABOUT, page=2, count=1, what="number: must be a whole number", on_invalid="reject")
    ]
    assert [event.records for event in events if isinstance(event, PageRead)] == [1, 1, 0]


async def test_a_call_of_a_read_is_transformed_too():
    """`call` gives the first page's records as `read` would."""
    async with opened(shaped(transform=RENAMED), rows([{"id": 1}, {"id": 2}], [{"id": 3}])) as demo:
        assert (await demo.call("things")).data == [{"number": 1}, {"number": 2}]


async def test_what_on_invalid_says():
    """`keep` hands everything out, `reject` only what fits, each telling once per page; without it nobody judges."""
    for on_invalid, ids in (("keep", [1, "x2", "x3"]), ("reject", [1]), (None, [1, "x2", "x3"])):
        events: list[Event] = []
        document = shaped(schema={"id": {"type": "integer"}}, on_invalid=on_invalid)
        async with opened(document, MIXED, listeners=[events.append]) as demo:
            assert [record["id"] async for record in demo.read("things")] == ids
        told = [event for event in events if isinstance(event, RecordInvalid)]
        assert [(event.page, event.count, event.on_invalid) for event in told] == (
            [(1, 1, on_invalid), (2, 1, on_invalid)] if on_invalid else []
        )


async def test_on_invalid_may_end_the_reading():
    """`fail` raises on the page of the first record that does not fit, and shows where but not what it holds."""
    document = shaped(schema={"id": {"type": ["integer", "null"]}}, on_invalid="fail")
    async with opened(document, rows([{"id": None}, {"id": 1}], [{"id": "hunter2"}])) as demo:
        reading = demo.pages("things")
        assert [record["id"] for record in (await anext(reading)).records] == [None, 1]
        with pytest.raises(ResponseError) as wrong:
            await anext(reading)
    assert str(wrong.value) == (
        "a record does not fit the schema: id: must be a whole number or null — demo.things, page 2 — "
        "compare the schema with what the service sends, or say on_invalid: keep"
    )
    assert (wrong.value.code, wrong.value.context) == (
        "schema.violation",
        {"connector": "demo", "endpoint": "things"},
    )


async def test_a_transform_that_fails_says_where():
    """The error names the endpoint, the page and the field, and comes after the pages before it."""
    document = shaped(transform=[{"type": "cast", "fields": {"n": "integer"}}])
    async with opened(document, rows([{"id": 1, "n": "1"}], [{"id": 2, "n": "hunter2"}])) as demo:
        reading = demo.pages("things")
        assert (await anext(reading)).records == [{"id": 1, "n": 1}]
        with pytest.raises(ResponseError) as wrong:
            await anext(reading)
    assert str(wrong.value).startswith("n is text that has no form as a whole number — demo.things, page 2 — ")
    assert (wrong.value.code, "hunter2" in str(wrong.value)) == ("transform.cast", False)


async def test_a_record_nested_beyond_all_bounds_is_an_error():
    """Depth that a transform cannot follow is told as such, not as a crash of ours."""
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    document = shaped(transform=[{"type": "keys", "case": "snake"}])
    async with opened(document, lambda _: respond(json={"data": [{"id": 1, "deep": deep}]})) as demo:
        with pytest.raises(ResponseError, match=r"^a record is nested too deeply to be transformed") as wrong:
            await demo.call("things")
    assert wrong.value.code == "transform.depth"


async def test_hooks_come_from_the_effects():
    """A hook is looked up among the functions that the engine was given, when the endpoint is first asked for."""
    document = shaped(transform=[{"type": "hook", "name": "mask"}])
    world = effects(rows([{"id": 1}]))
    world.hooks = {"mask": lambda record: {**record, "masked": True}}
    async with Connector.open(document, effects=world) as demo:
        assert (await demo.call("things")).data == [{"id": 1, "masked": True}]
    async with opened(document, rows([{"id": 1}])) as demo:
        with pytest.raises(ConfigError, match="no plug-in provides the hook 'mask'"):
            demo.pages("things")


async def test_what_is_not_declared_is_not_done():
    """Without filter, transform and on_invalid, a plan has nothing to call, and records are handed out untouched."""
    document = shaped(schema={"id": {"type": "integer"}})
    async with opened(document, MIXED) as demo:
        plan = demo._connection.plan("things")
        assert (plan.keep, plan.transform, plan.judge) == (None, None, None)
        assert [record async for record in demo.read("things")] == [
            {"id": 1, "n": 1},
            {"id": "x2", "n": 2},
            {"id": "x3", "n": 3},
        ]
