"""Reading for each record of a parent: which partitions, in which order, how many at once, and leaving early."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from connector_core import Connector
from connector_core.events import (
    Event,
    OperationFinished,
    PageRead,
    PartitionFinished,
    ReadFinished,
    ReadStarted,
    RequestFinished,
    RequestStarted,
)
from connector_core.exceptions import ConfigError, ServerError
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

NUMBERED = {"type": "page_number", "pages": "body.pages"}
TEAMS = {"get": "/teams"}
MEMBERS = {"get": "/teams/{{ team.id }}/members", "for_each": {"endpoint": "teams", "as": "team"}}
TASKS = {"get": "/members/{{ member.id }}/tasks", "for_each": {"endpoint": "members", "as": "member"}}


def spec(concurrency: int = 1, **endpoints: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "demo",
        "config": {"states": {"type": "array", "default": ["open", "done"]}},
        "base_url": "https://api.example",
        "rate_limit": {"concurrency": concurrency},
        "pagination": NUMBERED,
        "records": "body.data",
        "primary_key": "id",
        "endpoints": {"teams": TEAMS, "members": MEMBERS, **endpoints},
    }


def path_of(request: Request) -> str:
    return request.url.removeprefix("https://api.example")


def service(pages: int = 2, size: int = 2) -> Callable[[Request], Response]:
    """Every path has so many pages of so many records, whose ids are `PATH#n`, counted from 1."""

    def answer(request: Request) -> Response:
        number, path = int(dict(request.query)["page"]), path_of(request)
        tag = path.strip("/").replace("/", "-")
        ids = [f"{tag}.{(number - 1) * size + n}" for n in range(1, size + 1)]
        return respond(json={"pages": pages, "data": [{"id": each, "path": path} for each in ids]})

    return answer


def opened(document: dict[str, Any], answer: Any, **more: Any):
    return Connector.open(document, effects=effects(answer, **more))


async def ids(pages: Any) -> list[str]:
    return [record["id"] async for record in pages]


# ── which partitions ──────────────────────────────────────────────────────────────────────────────


async def test_each_record_of_the_parent_is_read_for():
    """One by one, everything comes in order: the parent's order, and the pages of each partition."""
    async with opened(spec(), service()) as demo:
        found = await ids(demo.read("members"))
    teams = [f"teams.{n}" for n in (1, 2, 3, 4)]
    assert found == [f"teams-{team}-members.{n}" for team in teams for n in (1, 2, 3, 4)]


async def test_any_depth():
    """A grandchild is read for each child of each parent; its pages say for which."""
    async with opened(spec(tasks=TASKS), service(pages=1)) as demo:
        pages = [page async for page in demo.pages("tasks")]
    assert [page.partition for page in pages] == [
        {"team": team, "member": f"teams-{team}-members.{n}"} for team in ("teams.1", "teams.2") for n in (1, 2)
    ]
    assert sum(len(page.records) for page in pages) == 8


async def test_ancestors_names_are_read():
    """A template of a grandchild reads its grandparent's record."""
    deep = {**TASKS, "params": {"team": "{{ team.id }}"}}
    transport = FakeTransport(service(pages=1, size=1))
    async with opened(spec(tasks=deep), transport) as demo:
        await ids(demo.read("tasks"))
    assert dict(transport.requests[-1].query)["team"] == "teams.1"


async def test_a_parent_is_read_once():
    """However many children there are, the parent's pages are asked for once."""
    transport = FakeTransport(service(pages=3))
    async with opened(spec(4), transport) as demo:
        await ids(demo.read("members"))
    assert [path_of(request) for request in transport.requests].count("/teams") == 3


async def test_a_product():
    """A list is the product: every value of the first with every value of the second, which is read once."""
    pairs = {"get": "/p/{{ team.id }}/{{ other.id }}/{{ state }}", "for_each": [
        {"endpoint": "teams", "as": "team"}, {"endpoint": "others", "as": "other"},
        {"values": "{{ config.states }}", "as": "state"},
    ]}  # fmt: skip
    transport = FakeTransport(service(pages=1))
    async with opened(spec(pairs=pairs, others={"get": "/others"}), transport) as demo:
        pages = [page.partition async for page in demo.pages("pairs")]
    assert [tuple(page.values()) for page in pages if page] == [
        (team, other, state)
        for team in ("teams.1", "teams.2")
        for other in ("others.1", "others.2")
        for state in ("open", "done")
    ]
    assert [path_of(request) for request in transport.requests].count("/others") == 1


async def test_values_and_no_parent():
    """Values alone are read for, each once."""
    states = {"get": "/s/{{ state }}", "for_each": {"values": ["a", "b", "a"], "as": "state"}}
    async with opened(spec(states=states), service(pages=1, size=1)) as demo:
        assert await ids(demo.read("states")) == ["s-a.1", "s-b.1"]


async def test_no_partition():
    """A parent without records has no children, and that is no error."""
    async with opened(spec(), lambda _request: respond(json={"pages": 1, "data": []})) as demo:
        assert await ids(demo.read("members")) == []


async def test_batches():
    """Values are put together up to the size, over the parent's pages; the last batch is smaller."""
    many = {"get": "/many", "for_each": {
        "endpoint": "teams", "as": "ids", "take": "id", "batch": {"size": 3, "put": "query.ids", "join": ","}
    }}  # fmt: skip
    transport = FakeTransport(service(pages=2, size=2))
    async with opened(spec(many=many), transport) as demo:
        pages = [page.partition async for page in demo.pages("many")]
    asked = [dict(request.query)["ids"] for request in transport.requests if path_of(request) == "/many"]
    assert list(dict.fromkeys(asked)) == ["teams.1,teams.2,teams.3", "teams.4"]
    assert pages[-1] == {"ids": ["teams.4"]}


async def test_a_call_gives_the_first_page_of_the_first_partition():
    """`call` on such an endpoint gives one page too."""
    async with opened(spec(), service()) as demo:
        result = await demo.call("members")
    assert [record["id"] for record in result.data] == ["teams-teams.1-members.1", "teams-teams.1-members.2"]
    assert result.attempts == 1


async def test_there_is_no_position():
    """A position belongs to one row of pages, and partitions have many."""
    async with opened(spec(), service()) as demo:
        with pytest.raises(ConfigError, match="is read for each team: its pages have no one position"):
            demo.pages("members", position=2)


# ── side by side ──────────────────────────────────────────────────────────────────────────────────


class Slow:
    """Answers after one second of a virtual clock, and notes how many were waiting at once."""

    def __init__(self, answer: Callable[[Request], Response], clock: VirtualClock) -> None:
        self._answer, self._clock = answer, clock
        self.under_way = self.most = 0

    async def __call__(self, request: Request) -> Response:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self._clock.sleep(1)
        finally:
            self.under_way -= 1
        return self._answer(request)


@pytest.mark.parametrize("concurrency", [1, 3, 10])
async def test_partitions_are_read_side_by_side(concurrency):
    """So many requests are under way at once, and never more; the records are the same, each partition's in order."""
    clock = VirtualClock()
    slow = Slow(service(pages=3, size=4), clock)
    async with opened(spec(concurrency), slow, clock=clock) as demo:
        found = await ids(demo.read("members"))
    assert slow.most == concurrency
    expected = [f"teams-teams.{team}-members.{n}" for team in range(1, 13) for n in range(1, 13)]
    assert sorted(found) == sorted(expected)
    for team in range(1, 13):
        mine = f"teams-teams.{team}-members."
        assert [each for each in found if each.startswith(mine)] == [f"{mine}{n}" for n in range(1, 13)]


async def test_the_entry_has_its_own_concurrency():
    """`for_each.concurrency` is for partitions, beside what the connector allows."""
    clock = VirtualClock()
    slow = Slow(service(pages=1, size=8), clock)
    members = {**MEMBERS, "for_each": {"endpoint": "teams", "as": "team", "concurrency": 2}}
    async with opened(spec(10, members=members), slow, clock=clock) as demo:
        await ids(demo.read("members"))
    assert slow.most == 2


async def test_side_by_side_saves_time():
    """Twelve partitions of one page, four at a time, take three waits beside the parent's."""
    clock = VirtualClock()
    async with opened(spec(4), Slow(service(pages=1, size=12), clock), clock=clock) as demo:
        await ids(demo.read("members"))
    assert clock.monotonic() == pytest.approx(4)


# ── errors, events, endings ───────────────────────────────────────────────────────────────────────


def failing(part: str, status: int) -> Callable[[Request], Response]:
    good = service(pages=1)
    return lambda request: respond(status, json={"message": "no"}) if part in request.url else good(request)


async def test_an_error_in_one_partition_ends_the_reading():
    """What came before is there; the error comes, and nothing is left under way."""
    async with opened(spec(3), failing("teams.2/members", 501)) as demo:
        with pytest.raises(ServerError, match=r"GET https://api.example/teams/teams\.2/members"):
            await ids(demo.read("members"))
    assert len(asyncio.all_tasks()) == 1


async def test_an_error_of_the_parent_comes():
    """A parent that fails midway is never taken for one that ended."""
    good = service(pages=3)

    def answer(request: Request) -> Response:
        broken = request.url.endswith("/teams") and dict(request.query)["page"] == "2"
        return respond(501, json={}) if broken else good(request)

    async with opened(spec(2), answer) as demo:
        with pytest.raises(ServerError):
            await ids(demo.read("members"))


async def test_a_partition_may_be_passed_over():
    """`then: skip` leaves a partition out, and the others are read."""
    members = {**MEMBERS, "errors": [{"status": 404, "then": "skip"}]}
    async with opened(spec(members=members), failing("teams.1/members", 404)) as demo:
        assert await ids(demo.read("members")) == ["teams-teams.2-members.1", "teams-teams.2-members.2"]


async def test_the_story_is_told():
    """The reading begins and ends once; each page and each end of a partition says which it was."""
    events: list[Event] = []
    async with opened(spec(), service(pages=1, size=1), listeners=[events.append]) as demo:
        await ids(demo.read("members"))
    of_requests = (RequestStarted, RequestFinished, OperationFinished)
    mine = [event for event in events if event.endpoint == "members" and not isinstance(event, of_requests)]
    about: dict[str, Any] = {"connection": "demo", "endpoint": "members"}
    key = {"team": "teams.1"}
    assert mine == [
        ReadStarted(**about),
        PageRead(**about, page=1, records=1, received=1, partition=key),
        PartitionFinished(**about, partition=key, pages=1, records=1, reason="body.pages says 1"),
        ReadFinished(**about, pages=1, records=1, reason="the one partition was read"),
    ]


@pytest.mark.parametrize("how", ["break", "aclose", "drop", "close the connector"])
async def test_leaving_early_ends_everything(how):
    """However a reading is left, no task stays."""
    clock = VirtualClock()
    async with opened(spec(5, tasks=TASKS), Slow(service(), clock), clock=clock) as demo:
        pages = demo.pages("tasks")
        await anext(pages)
        if how == "aclose":
            await pages.aclose()
        elif how == "break":
            async for _ in pages:
                break
        if how in ("break", "drop"):
            del pages
            gc.collect()
            for _ in range(5):
                await asyncio.sleep(0)
        if how != "close the connector":
            assert len(asyncio.all_tasks()) == 1
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_wait_cancelled_at_any_moment_loses_and_doubles_nothing(concurrency):
    """However often waits are cancelled, and at whatever step, every record comes once."""
    expected = sorted(
        f"members-teams-teams.{team}-members.{m}-tasks.{t}" for team in (1, 2) for m in (1, 2) for t in (1, 2)
    )
    for steps in range(14):
        async with opened(spec(concurrency, tasks=TASKS), service(pages=2, size=1)) as demo:
            reading = demo.read("tasks")
            got: list[str] = []
            for turn in range(2000):
                waiting = asyncio.ensure_future(anext(reading))
                for _ in range(steps if turn % 2 else 200):
                    await asyncio.sleep(0)
                waiting.cancel()
                try:
                    got.append((await waiting)["id"])
                except asyncio.CancelledError:
                    continue
                except StopAsyncIteration:
                    break
            assert sorted(got) == expected, steps


# ── endpoints that are discovered ─────────────────────────────────────────────────────────────────

TABLES = {
    "get": "/rows/{{ team.id }}",
    "for_each": {"endpoint": "teams", "as": "team", "name": "{{ team.id | snake }}"},
}


async def test_discovered_endpoints_have_names():
    """What can be read is told, the discovered ones after the spec's own."""
    async with opened(spec(rows=TABLES), service(pages=1)) as demo:
        assert await demo.endpoints() == ["teams", "members", "rows", "teams_1", "teams_2"]


async def test_a_discovered_endpoint_is_read_by_its_name():
    """Its pages alone come; the maker reads them all."""
    async with opened(spec(rows=TABLES), service(pages=2, size=2)) as demo:
        assert await ids(demo.read("teams_2")) == [f"rows-teams.2.{n}" for n in (1, 2, 3, 4)]
        assert len(await ids(demo.read("rows"))) == 16


async def test_an_unknown_name_is_told_with_the_discovered_ones():
    """A name that is neither declared nor discovered is an error that knows both."""
    async with opened(spec(rows=TABLES), service(pages=1)) as demo:
        with pytest.raises(ConfigError, match="demo has no endpoint 'teams_3', did you mean 'teams_"):
            await ids(demo.read("teams_3"))
