"""An SDK's client in the engine: what its methods give and raise, threads, iterators, its end; the client is real."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from connector_core import Connector
from connector_core.events import RequestFailed, RetryScheduled
from connector_core.exceptions import (
    ConfigError,
    ConnectionError,
    RateLimitError,
    ResponseError,
    ServerError,
    TimeoutError,
    ValidationError,
)
from connector_core.hookspecs import hookimpl
from connector_core.testing import Caught, VirtualClock, catching, effects, respond, simulated

SECRET = "sk-live-12345"


class TooManyError(Exception):
    """What this SDK raises."""


@dataclasses.dataclass
class Point:
    x: int
    at: datetime


class Row(msgspec.Struct):
    a: int


class Thing:
    def to_dict(self) -> dict[str, Any]:
        return {"thing": Row(1)}


class Client:
    """A small SDK."""

    def __init__(self, key: str) -> None:
        self.key, self.closed = key, False
        self.log: list[Any] = []
        self.failures: list[BaseException] = []
        self.taken = 0
        self.items = self
        self.wait = threading.Event()
        self.side_by_side = self.most = 0

    def one(self, **given: Any) -> Any:
        self.log.append((given, threading.current_thread() is not threading.main_thread()))
        if self.failures:
            raise self.failures.pop(0)
        return given

    async def later(self, **given: Any) -> Any:
        await asyncio.sleep(0)
        return {**given, "main": threading.current_thread() is threading.main_thread()}

    def count(self, n: int, breaks: int = -1) -> Any:
        for number in range(n):
            if number == breaks and self.failures:
                raise self.failures.pop(0)
            self.taken += 1
            yield {"id": number}

    async def acount(self, n: int) -> Any:
        for number in range(n):
            self.taken += 1
            yield {"id": number}

    def pages(self, limit: int, after: int = 0) -> Any:
        return {
            "data": [{"id": n} for n in range(after, min(after + limit, 7))],
            "next": after + limit if after + limit < 7 else None,
        }

    def objects(self) -> Any:
        return [Point(1, datetime(2024, 1, 1, tzinfo=UTC)), Row(2), Thing(), {"d": 3}]

    def strange(self) -> Any:
        return {"a": object()}

    def slow(self) -> Any:
        self.side_by_side += 1
        self.most = max(self.most, self.side_by_side)
        self.wait.wait(0.05)
        self.side_by_side -= 1
        return {}

    async def forever(self) -> Any:
        await asyncio.Event().wait()

    def close(self) -> None:
        self.closed = True


def spec(**endpoints: Any) -> dict[str, Any]:
    return {"connector": "1", "name": "crm", "sdk": {"client": "tiny"}, "secrets": {"key": {}}, "endpoints": endpoints}


def plugin(made: list[Client], name: str = "tiny") -> Any:
    def make(config: Any, secrets: Any) -> Client:
        made.append(Client(secrets["key"]))
        return made[-1]

    @hookimpl
    def register_clients(connector: str) -> Any:
        return {name: make}

    return SimpleNamespace(__name__="tiny_plugin", register_clients=register_clients)


def opened(made: list[Client], document: Any, **more: Any) -> Any:
    clock = VirtualClock()
    world = effects(lambda _: respond(500), clock=clock, listeners=more.pop("listeners", []))
    return Connector.open(document, secrets={"key": SECRET}, plugins=[plugin(made)], effects=world, **more)


async def test_one_client():
    """The client is made once, with the secrets, at the first use, and closed with the connection."""
    made: list[Client] = []
    async with opened(made, spec(one={"sdk": "items.one", "args": {"a": [1, None]}})) as crm:
        assert made == []
        assert (await crm.call("one")).data == {"a": [1, None]}
        await asyncio.gather(crm.call("one"), crm.call("one"))
        [client] = made
        assert client.key == SECRET
        assert client.log == [({"a": [1, None]}, True)] * 3
    assert client.closed


async def test_coroutines_run_in_the_loop():
    """A coroutine is awaited, and no thread is used."""
    async with opened([], spec(later={"sdk": "later", "args": {"a": 1}})) as crm:
        assert (await crm.call("later")).data == {"a": 1, "main": True}


@pytest.mark.parametrize("method", ["count", "acount"])
async def test_iterators_are_read_page_by_page(method):
    """No more is taken than a page, what is asked for ahead, and one item; pages have their positions."""
    made: list[Client] = []
    endpoint = {"sdk": method, "args": {"n": 1000}, "records": "body", "pagination": {"type": "iterator", "items": 10}}
    async with opened(made, spec(e=endpoint)) as crm, crm.pages("e") as pages:
        first = await anext(pages)
        second = await anext(pages)
        assert [record["id"] for record in first.records + second.records] == list(range(20))
        assert made[0].taken <= 41
        assert first.following["after"] == second.position["after"] == 10
        async with crm.pages("e", position={"iteration": "gone", "after": 995}) as rest:
            assert [record["id"] for record in (await anext(rest)).records] == [995, 996, 997, 998, 999]


async def test_a_whole_iterator():
    """All items come, once and in order, where their number is no multiple of the page."""
    for n in (0, 99, 100, 101, 250):
        async with opened([], spec(e={"sdk": "count", "args": {"n": n}, "records": "body"})) as crm:
            assert [record["id"] async for record in crm.read("e")] == list(range(n))


async def test_an_iterator_that_fails_begins_anew():
    """What was read is passed over, so that no record is lost or comes twice."""
    made: list[Client] = []
    document = spec(
        e={
            "sdk": "count",
            "args": {"n": 30, "breaks": 15},
            "records": "body",
            "pagination": {"type": "iterator", "items": 10},
        }
    )
    async with opened(made, document) as crm:
        pages = crm.pages("e")
        found = []
        async for page in pages:
            if page.number == 1:
                await pages.pause()
                made[0].failures = [OSError("gone")]
            found += [record["id"] for record in page.records]
    assert found == list(range(30))


async def test_an_iterator_that_became_shorter():
    """A reading that goes on behind its end says so."""
    async with opened([], spec(e={"sdk": "count", "args": {"n": 3}, "records": "body"})) as crm:
        with pytest.raises(ResponseError, match="the iterator has 3 items now, and the reading was to go on after 5"):
            await anext(crm.pages("e", position={"iteration": "x", "after": 5}))


async def test_a_wait_that_was_cancelled_loses_nothing():
    """The page that was on its way is handed out next."""
    document = spec(e={"sdk": "count", "args": {"n": 250}, "records": "body"})
    async with opened([], document) as crm:
        pages, found = crm.pages("e"), []
        while True:
            task = asyncio.ensure_future(anext(pages, None))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if (page := await anext(pages, None)) is None:
                break
            found += [record["id"] for record in page.records]
    assert found == list(range(250))


async def test_pages_by_arguments():
    """Pagination puts its positions into arguments."""
    pagination = {"type": "cursor", "take": "body.next", "put": "args.after", "size": {"put": "args.limit", "value": 3}}
    async with opened([], spec(e={"sdk": "pages", "records": "body.data", "pagination": pagination})) as crm:
        assert [record["id"] async for record in crm.read("e")] == list(range(7))


async def test_objects():
    """Dataclasses, structs and objects with to_dict are plain values, all the way down."""
    async with opened([], spec(e={"sdk": "objects"})) as crm:
        assert (await crm.call("e")).data == [
            {"x": 1, "at": "2024-01-01T00:00:00Z"},
            {"a": 2},
            {"thing": {"a": 1}},
            {"d": 3},
        ]


@pytest.mark.parametrize(
    "endpoint, what, code",
    [
        ({"sdk": "strange"}, "what the method gives cannot be used: a object is no record and no value", "sdk.value"),
        ({"sdk": "count", "args": {"n": 3}}, "the method gives an iterator, and one value is expected", "sdk.value"),
        ({"sdk": "on"}, "the client 'tiny' has no on, did you mean 'one'?", "sdk.method"),
        ({"sdk": "key"}, "key of the client 'tiny' is no method", "sdk.method"),
    ],
)
async def test_what_cannot_be_used(endpoint, what, code):
    """What is no value, and what the client has not, is told in words."""
    async with opened([], spec(e=endpoint)) as crm:
        with pytest.raises((ResponseError, ConfigError)) as caught:
            await crm.call("e")
    assert what in str(caught.value)
    assert caught.value.code == code


async def test_no_client():
    """Where nobody brings the client, the error names the hook."""
    document = {**spec(e={"sdk": "one"}), "sdk": {"client": "tinny"}}
    async with opened([], document) as crm:
        with pytest.raises(ConfigError) as caught:
            await crm.call("e")
    assert str(caught.value) == (
        "no plug-in brings the client 'tinny', did you mean 'tiny'? — sdk.client — "
        "install or pass the plug-in whose hook register_clients gives it"
    )


async def test_a_client_that_cannot_be_made():
    """The text of what its function raises is not shown: it may quote a secret."""

    @hookimpl
    def register_clients() -> Any:
        def make(config: Any, secrets: Any) -> Any:
            raise RuntimeError(secrets["key"])

        return {"tiny": make}

    module = SimpleNamespace(__name__="broken", register_clients=register_clients)
    async with Connector.open(spec(e={"sdk": "one"}), secrets={"key": SECRET}, plugins=[module]) as crm:
        with pytest.raises(ConfigError, match="the client 'tiny' cannot be made: RuntimeError") as caught:
            await crm.call("e")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "raised, kind, code",
    [
        (ConnectionResetError("cut"), ConnectionError, "sdk.ConnectionResetError"),
        (TypeError("no argument b"), ValidationError, "sdk.TypeError"),
        (TooManyError(f"slow down, {SECRET}"), ServerError, "sdk.TooManyError"),
        (StopIteration(), ServerError, "sdk.RuntimeError"),
    ],
)
async def test_what_is_raised(raised, kind, code):
    """An exception that no rule knows is of a category; no secret is in it, and a call is not made again."""
    made: list[Client] = []
    async with opened(made, spec(boom={"sdk": "one"}, ok={"sdk": "later"})) as crm:
        await crm.call("ok")
        made[0].failures = [raised]
        with pytest.raises(kind) as caught:
            await crm.call("boom")
    assert caught.value.code == code
    assert SECRET not in str(caught.value)
    assert len(made[0].log) == 1


@pytest.mark.parametrize("name", ["TooManyError", f"{__name__}.TooManyError", "Exception"])
async def test_rules(name):
    """A rule names a class or a base of it; retry sends it again, in the same order as any request."""
    made: list[Client] = []
    heard: list[Any] = []
    rule = {"exception": name, "category": "rate_limit", "then": "retry", "message": "Crm says: {{ body.message }}"}
    document = spec(boom={"sdk": "one", "errors": [rule]}, ok={"sdk": "later"})
    async with opened(made, document, listeners=[heard.append]) as crm:
        await crm.call("ok")
        made[0].failures = [TooManyError("slow down")] * 2
        assert (await crm.call("boom")).attempts == 3
        made[0].failures = [TooManyError("slow down")] * 9
        with pytest.raises(RateLimitError, match="crm raised TooManyError: Crm says: slow down"):
            await crm.call("boom")
    assert sum(isinstance(event, RetryScheduled) for event in heard) == 5
    assert {event.code for event in heard if isinstance(event, RequestFailed)} == {"sdk.TooManyError"}


async def test_one_after_another():
    """Plain methods of one connection never run side by side, unless concurrency says so."""
    for concurrency, most in ((1, 1), (3, 3)):
        made: list[Client] = []
        document = {**spec(e={"sdk": "slow"}), "sdk": {"client": "tiny", "concurrency": concurrency}}
        async with opened(made, document) as crm:
            await asyncio.gather(*[crm.call("e") for _ in range(3)])
        assert made[0].most <= most


async def test_the_timeout():
    """A method has the time that the endpoint says, and cancellation reaches a coroutine."""
    async with opened([], spec(e={"sdk": "forever", "timeout": "10ms"})) as crm:
        with pytest.raises(TimeoutError, match=r"sdk://tiny/forever gave nothing for 0.01 s"):
            await crm.call("e")


async def test_simulated():
    """The simulator serves reads and calls, by pages where they are declared, and needs no plug-in."""
    schema = {"id": {"type": "integer"}}
    paged = {"type": "cursor", "take": "body.next", "put": "args.after", "size": {"put": "args.limit", "value": 30}}
    document = spec(
        plain={"sdk": "a.list", "records": "body", "schema": schema},
        iterated={
            "sdk": "b.list",
            "records": "body",
            "schema": schema,
            "pagination": {"type": "iterator", "items": 40},
        },
        paged={"sdk": "c.list", "records": "body.data", "schema": schema, "pagination": paged},
        create={"sdk": "d.create", "input": {"a": {"type": "string"}}, "args": {"a": "{{ input.a }}"}},
    )
    async with simulated(document) as crm:
        for name in ("plain", "iterated", "paged"):
            assert len([record async for record in crm.read(name)]) == 250
        assert (await crm.call("create", {"a": "b"})).data["a"] == "b"


async def test_the_first_request():
    """What would be called can be shown, and no client is made."""
    async with Connector.open(
        spec(e={"sdk": "a.b", "args": {"n": 1}}), secrets={"key": "k"}, effects=catching()
    ) as crm:
        with pytest.raises(Caught) as caught:
            await crm.call("e")
    assert caught.value.request.body == {"n": 1}
