"""Answers that are used again: by whom, for how long, and what ends it; no socket and no real time."""

# ruff: noqa: E501 - a case is a line

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from connector_core import Connector, Engine
from connector_core.cache import Kept
from connector_core.engine import cache
from connector_core.engine.store import InMemory
from connector_core.events import CacheHit, CacheRevalidated, Event
from connector_core.exceptions import AuthorizationError, ResponseError, ServerError, UnavailableError
from connector_core.hookspecs import hookimpl
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

ENDPOINTS: dict[str, Any] = {
    "stock": {"get": "/stock/{{ input.sku }}", "input": {"sku": {"type": "string", "default": "a"}}},
    "orders": {"get": "/orders", "records": "body.data", "pagination": {"type": "page_number", "put": "query.page", "pages": "body.pages"}},
    "found": {"post": "/search", "records": "body.data", "body": {"json": {"q": "{{ config.q }}"}}},
    "set_stock": {"put": "/stock/{{ input.sku }}", "input": {"sku": {"type": "string", "default": "a"}}},
    "upload": {"post": "/stock/a", "safe": True, "input": {"file": {}}, "body": {"bytes": "{{ input.file }}"}},
}  # fmt: skip


def spec(ttl: str | None = "5m", **more: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "shop",
        "base_url": "https://api.example",
        "config": {"q": {"type": "string", "default": "x"}},
        "secrets": {"token": {"optional": True}},
        "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
        "cache": {"ttl": ttl} if ttl else {},
        "endpoints": ENDPOINTS,
    } | more


def counting(**headers: str) -> FakeTransport:
    """A service that answers with the number of the request, and 304 to one that knows its ETag."""
    numbers = iter(range(1, 1000))

    def answer(request: Request) -> Response:
        number = next(numbers)
        known = {name.lower(): value for name, value in request.headers.items()}.get("if-none-match")
        if known is not None and known == headers.get("ETag"):
            return respond(304, content=b"", headers=headers)
        return respond(json={"n": number, "data": [{"id": number}], "pages": 2}, headers=headers)

    return FakeTransport(answer)


def opened(transport: FakeTransport, document: dict[str, Any] | None = None, **more: Any) -> Any:
    about = {"clock": more.pop("clock", None), "listeners": more.pop("listeners", ())}
    secrets = more.pop("secrets", {"token": "s3cret"})
    return Connector.open(document or spec(), secrets=secrets, effects=effects(transport, **about), **more)


async def test_an_answer_is_used_again_until_it_is_old():
    """Within `ttl` one request answers all calls; then the next is sent. What was not sent has no attempts."""
    clock, service, heard = VirtualClock(), counting(), list[Event]()
    async with opened(service, clock=clock, listeners=[heard.append]) as shop:
        first, again = await shop.call("stock"), await shop.call("stock")
        await clock.sleep(300)
        later = await shop.call("stock")
    assert [(r.data["n"], r.attempts, r.degraded) for r in (first, again, later)] == [
        (1, 1, None),
        (1, 0, None),
        (2, 1, None),
    ]
    assert [event.age for event in heard if isinstance(event, CacheHit)] == [0.0]


async def test_every_use_has_an_answer_of_its_own():
    """Whoever changes what it was handed changes nobody else's."""
    async with opened(counting()) as shop:
        (await shop.call("stock")).data["n"] = "changed"
        (await shop.call("stock")).data["n"] = "changed"
        assert (await shop.call("stock")).data["n"] == 1


async def test_pages_are_used_again_one_by_one():
    """A reading takes each of its pages out of what is kept; other pages are others."""
    service = counting()
    async with opened(service) as shop:
        first = [record["id"] async for record in shop.read("orders")]
        assert [record["id"] async for record in shop.read("orders")] == first == [1, 2]
    assert len(service.requests) == 2


async def test_a_search_is_told_by_its_body():
    """A read with POST is kept for the same body, and never asked for by its ETag."""
    clock, service = VirtualClock(), counting(ETag='"a"')
    async with opened(service, clock=clock) as shop:
        for _ in range(2):
            await shop.call("found")
        await clock.sleep(301)
        await shop.call("found")
    assert [name for request in service.requests for name in request.headers if name.startswith("If-")] == []
    assert len(service.requests) == 2


async def test_what_is_old_is_asked_for_by_its_etag():
    """304 makes it new: no body is sent, and it is used for another `ttl`."""
    clock, service, heard = VirtualClock(), counting(ETag='"a"', Last_Modified="x"), list[Event]()
    async with opened(service, clock=clock, listeners=[heard.append]) as shop:
        for seconds in (0, 301, 299, 302):
            await clock.sleep(seconds)
            assert (await shop.call("stock")).data["n"] == 1
    assert [request.headers.get("If-None-Match") for request in service.requests] == [None, '"a"', '"a"']
    assert [event.age for event in heard if isinstance(event, CacheRevalidated)] == [301.0, 601.0]


async def test_a_changed_answer_takes_the_place_of_the_old_one():
    """200 to a question by ETag is the new answer."""
    tags = iter("ab")

    def answer(_: Request) -> Response:
        tag = next(tags)
        return respond(json=tag, headers={"ETag": tag})

    clock, service = VirtualClock(), FakeTransport(answer)
    async with opened(service, clock=clock) as shop:
        await shop.call("stock")
        await clock.sleep(301)
        assert [(await shop.call("stock")).data for _ in range(2)] == ["b", "b"]


async def test_not_modified_that_speaks_of_another_answer():
    """A 304 with another ETag is no answer: the request is sent again without conditions."""

    def answer(request: Request) -> Response:
        if "If-None-Match" in request.headers:
            return respond(304, content=b"", headers={"ETag": '"other"'})
        return respond(json=len(service.requests), headers={"ETag": '"a"'})

    clock, service = VirtualClock(), FakeTransport(answer)
    async with opened(service, clock=clock) as shop:
        await shop.call("stock")
        await clock.sleep(301)
        assert (await shop.call("stock")).data == 3


async def test_what_was_redirected_is_not_kept():
    """A redirect to the same address with another query, too, and "not modified" is heard from nobody else."""

    def answer(request: Request) -> Response:
        if request.target.endswith("?v=1"):
            return respond(302, headers={"Location": "/stock?v=2"})
        return respond(json=request.target.rpartition("?")[2], headers={"ETag": '"2"'})

    stock = {"get": "/stock", "input": {"v": {"type": "integer"}}, "params": {"v": "{{ input.v }}"}}
    service = FakeTransport(answer)
    async with opened(service, spec(endpoints={"stock": stock})) as shop:
        assert [(await shop.call("stock", {"v": 1})).attempts for _ in range(2)] == [1, 1]
        assert [(await shop.call("stock", {"v": 2})).attempts for _ in range(2)] == [1, 0]

    moved = iter([respond(json=1, headers={"ETag": '"1"'}), respond(302, headers={"Location": "/b"}), respond(304)])
    later = iter([respond(302, headers={"Location": "/b"}), respond(json=2)])
    service = FakeTransport(lambda _: next(moved, None) or next(later))
    async with opened(service, spec(None)) as shop:
        assert [(await shop.call("stock")).data for _ in range(2)] == [1, 2]


async def test_another_endpoint_reads_it_by_its_own_rules():
    """What one endpoint takes for an answer is none for another one that has a rule against it."""
    strict = {"get": "/stock", "errors": [{"when": "body.ok == false", "category": "server"}]}
    endpoints = {"stock": {"get": "/stock"}, "strict": strict}
    service = FakeTransport(lambda _: respond(json={"ok": False}))
    async with opened(service, spec(endpoints=endpoints, retry={"attempts": 1})) as shop:
        await shop.call("stock")
        with pytest.raises(ServerError):
            await shop.call("strict")


async def test_a_clock_that_is_set_back_keeps_nothing_young():
    """An answer of which nobody knows how old it is any more is asked for again."""
    clock, service = VirtualClock(), counting()
    async with opened(service, clock=clock) as shop:
        await shop.call("stock")
        shop._connection.effects.now = lambda: clock.now() - 86400
        assert [(await shop.call("stock")).attempts for _ in range(2)] == [1, 0]


async def test_not_modified_without_a_question_is_a_failure():
    """A service that says 304 to what was no such question has said nothing."""
    async with opened(FakeTransport(lambda _: respond(304, content=b""))) as shop:
        with pytest.raises(ServerError, match="shop answered 304"):
            await shop.call("stock")


async def test_without_a_time_the_service_decides():
    """`cache: {}` uses what `Cache-Control` allows, and nothing else again without asking."""
    for headers, sent in (({"Cache-Control": "max-age=60"}, 1), ({}, 2), ({"Cache-Control": "no-cache"}, 2)):
        service = counting(**headers)
        async with opened(service, spec(None)) as shop:
            await shop.call("stock")
            await shop.call("stock")
        assert len(service.requests) == sent


async def test_what_the_service_forbids_is_not_kept():
    """`no-store` is stronger than `ttl`, and ends what was kept before."""
    clock, said = VirtualClock(), [{}, {"Cache-Control": "no-store"}]
    service = FakeTransport(lambda _: respond(json=1, headers=said.pop(0) if said else {"Cache-Control": "no-store"}))
    async with opened(service, clock=clock) as shop:
        for seconds in (0, 0, 301, 0, 0):
            await clock.sleep(seconds)
            await shop.call("stock")
    assert len(service.requests) == 4


async def test_a_request_that_says_what_it_wants_is_sent():
    """A spec's own `Cache-Control` or conditions are not second-guessed."""
    service = counting()
    async with opened(service, spec(headers={"cache-control": "no-cache"})) as shop:
        await shop.call("stock")
        await shop.call("stock")
    assert len(service.requests) == 2


async def test_what_cannot_be_read_is_not_kept():
    """A broken body is not used again."""
    bodies = [b"{", b'{"n": 1}']
    service = FakeTransport(lambda _: respond(content=bodies.pop(0)))
    async with opened(service) as shop:
        with pytest.raises(ResponseError):
            await shop.call("stock")
        assert (await shop.call("stock")).data == {"n": 1}


async def test_what_a_rule_calls_an_error_is_not_kept():
    """200 with an error in it is an error every time."""
    service = FakeTransport(lambda _: respond(json={"ok": False}))
    async with opened(service, spec(errors=[{"when": "not body.ok", "category": "server", "code": "not_ok"}])) as shop:
        for _ in range(2):
            with pytest.raises(ServerError):
                await shop.call("stock")
    assert len(service.requests) == 2


async def test_a_write_ends_what_is_kept_of_its_address():
    """What was put there is read anew; other addresses stay as they are."""
    service = counting()
    async with opened(service) as shop:
        await shop.call("stock")
        await shop.call("stock", {"sku": "b"})
        await shop.call("set_stock")
        assert (await shop.call("stock")).data["n"] == 4
        assert (await shop.call("stock", {"sku": "b"})).data["n"] == 2


async def test_what_was_asked_before_a_write_is_not_kept():
    """An answer that was under way while something was written may be of the time before."""
    gate = asyncio.Event()

    async def answer(request: Request) -> Response:
        if request.method == "GET" and len(service.requests) == 1:
            await gate.wait()
        return respond(json=len(service.requests))

    service = FakeTransport(answer)
    async with opened(service) as shop:
        early = asyncio.create_task(shop.call("stock"))
        await turns()
        await shop.call("set_stock")
        gate.set()
        await early
        await shop.call("stock")
    assert [request.method for request in service.requests] == ["GET", "PUT", "GET"]


async def test_a_body_that_is_read_only_once_is_sent():
    """A file in a request is not looked at to tell whether it is the same."""
    import io

    service = counting()
    async with opened(service) as shop:
        for _ in range(2):
            await shop.call("upload", {"file": io.BytesIO(b"x")})
    assert len(service.requests) == 2


async def test_what_is_switched_off_is_not_used():
    """Somebody who switches an integration off wants none of its answers, old ones neither."""
    async with Engine(effects=effects(counting())) as engine, engine.open(spec(), secrets={"token": "x"}) as shop:
        await shop.call("stock")
        engine.disable("shop")
        with pytest.raises(UnavailableError):
            await shop.call("stock")


# ── whose ─────────────────────────────────────────────────────────────────────────────────────────


async def sent_by_two(first: dict[str, Any], second: dict[str, Any]) -> int:
    """How many requests two accounts of one engine send for the same thing."""
    service = counting()
    async with Engine(effects=effects(service)) as engine:
        for account in (first, second):
            async with engine.open(spec(), **account) as shop:
                await shop.call("stock")
    return len(service.requests)


@pytest.mark.parametrize(
    "second",
    [
        {"id": "b", "secrets": {"token": "s3cret"}},
        {"id": "a", "secrets": {"token": "changed"}},
        {"id": "a", "secrets": {"token": "s3cret"}, "config": {"q": "other"}},
    ],
    ids=["another account", "another secret", "another config"],
)
async def test_accounts_never_see_each_others_answers(second: dict[str, Any]):
    """Another connection asks for itself, and so does the same one with another secret."""
    assert await sent_by_two({"id": "a", "secrets": {"token": "s3cret"}}, second) == 2


async def test_the_same_account_goes_on_with_what_is_kept():
    """An account that is opened again in the same engine has its answers."""
    account = {"id": "a", "secrets": {"token": "s3cret"}}
    assert await sent_by_two(account, account) == 1


async def test_who_a_hook_signs_in_is_told_nothing_of_others():
    """Where a hook says who asks, nothing is kept: no place could tell one from the other."""
    users = iter(["ann", "ann", "bob"])

    @hookimpl
    def prepare_request(request: Request) -> Request:
        return msgspec.structs.replace(request, headers={**request.headers, "authorization": next(users)})

    service = FakeTransport(lambda request: respond(json=request.headers["authorization"]))
    plugins = [SimpleNamespace(prepare_request=prepare_request)]
    document = spec()
    del document["auth"]
    async with opened(service, document, plugins=plugins) as shop:
        assert [(await shop.call("stock")).data for _ in range(3)] == ["ann", "ann", "bob"]


async def test_engines_share_nothing():
    """Two engines with the same effects keep their answers apart."""
    service = counting()
    shared = effects(service)
    for _ in range(2):
        async with Connector.open(spec(), secrets={"token": "s3cret"}, effects=shared) as shop:
            await shop.call("stock")
    assert len(service.requests) == 2


async def test_nothing_secret_is_in_a_place():
    """Where an answer is kept cannot be guessed from a secret, and another store has other places."""
    places = []

    class Noting(InMemory):
        async def put(self, place: Any, kept: Kept) -> None:
            places.append(place)
            await super().put(place, kept)

    for _ in range(2):
        world = effects(counting())
        world.cache = Noting(1000)
        async with Connector.open(spec(), secrets={"token": "s3cret"}, effects=world) as shop:
            await shop.call("stock")
    assert len(set(places)) == 2
    assert all(len(part) == 32 for place in places for part in place)


# ── side by side ──────────────────────────────────────────────────────────────────────────────────


def slow(answers: Callable[[], Response]) -> tuple[FakeTransport, asyncio.Event]:
    gate = asyncio.Event()

    async def answer(_: Request) -> Response:
        await gate.wait()
        return answers()

    return FakeTransport(answer), gate


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_who_asks_for_the_same_at_once_waits_for_one_answer():
    """Ten calls at the same time are one request."""
    service, gate = slow(lambda: respond(json={"n": 1}))
    async with opened(service) as shop:
        calls = [asyncio.create_task(shop.call("stock")) for _ in range(10)]
        await turns()
        gate.set()
        found = await asyncio.gather(*calls)
    assert sorted(result.attempts for result in found) == [0] * 9 + [1]
    assert len(service.requests) == 1


async def test_what_is_not_kept_is_asked_for_side_by_side():
    """Those who waited for an answer that may not be used again send their requests at once, not one by one."""
    service, gate = slow(lambda: respond(json=1, headers={"Cache-Control": "no-store"}))
    async with opened(service) as shop:
        calls = [asyncio.create_task(shop.call("stock")) for _ in range(5)]
        await turns()
        gate.set()
        await asyncio.gather(*calls)
    assert len(service.requests) == 5


async def test_who_is_cancelled_takes_nobody_along():
    """If the one that sends is cancelled, another sends; if one that waits is, nobody notices."""
    service, gate = slow(lambda: respond(json={"n": 1}))
    async with opened(service) as shop:
        first, second, third = (asyncio.create_task(shop.call("stock")) for _ in range(3))
        await turns()
        third.cancel()
        first.cancel()
        await turns()
        gate.set()
        assert (await second).data == {"n": 1}
        done = await asyncio.gather(first, third, return_exceptions=True)
        assert (await shop.call("stock")).attempts == 0
    assert [type(one) for one in done] == [asyncio.CancelledError] * 2
    assert len(service.requests) == 2


async def test_a_failure_is_each_ones_own():
    """Those who waited for one that failed ask for themselves."""
    answers = iter([respond(403, json={})])
    service, gate = slow(lambda: next(answers, respond(json={"n": 1})))
    async with opened(service) as shop:
        calls = [asyncio.create_task(shop.call("stock")) for _ in range(2)]
        await turns()
        gate.set()
        failed, found = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(failed, AuthorizationError)
    assert getattr(found, "data", None) == {"n": 1}


# ── the room that it takes ────────────────────────────────────────────────────────────────────────


def kept(size: int) -> Kept:
    return Kept((), b"x" * size, "https://api.example", 0.0, 0.0, None, always_ask=False, never_stale=False)


async def test_the_room_is_bounded():
    """What nobody wanted for the longest time makes room; what is too large is not kept at all."""
    store = InMemory(16_000)  # ten of those below
    for name in range(10):
        await store.put((b"at", bytes([name])), kept(1100))
    assert await store.get((b"at", b"\0")) is not None
    await store.put((b"at", b"a"), kept(1100))
    assert store.taken <= 16_000
    found = [await store.get((b"at", name)) is not None for name in (b"\0", b"\1", b"\2", b"a")]
    assert found == [True, False, True, True]
    await store.put((b"at", b"a"), kept(3000))
    assert await store.get((b"at", b"a")) is None
    await store.drop_all(b"at")
    assert store.taken == 0


async def test_the_room_is_the_engines_to_say():
    """With no room nothing is kept, and everything works."""
    service = counting()
    async with (
        Engine(effects=effects(service), cache_size=0) as engine,
        engine.open(spec(), secrets={"token": "x"}) as shop,
    ):
        assert [(await shop.call("stock")).data["n"] for _ in range(2)] == [1, 2]


async def test_nothing_declared_is_nothing_paid(monkeypatch: pytest.MonkeyPatch):
    """Without `cache` no place is worked out and no store is made."""

    def never(*_: Any) -> None:
        raise AssertionError("worked out for nothing")

    monkeypatch.setattr(cache, "_place", never)
    world = effects(counting())
    async with Connector.open(spec() | {"cache": "none"}, secrets={"token": "x"}, effects=world) as shop:
        await shop.call("stock")
        await shop.call("set_stock")
        assert len([record async for record in shop.read("orders")]) == 2
        assert shop._connection.effects._store is None


async def test_a_body_in_parts_is_sent():
    """A multipart body has another boundary each time: two are never the same request."""
    service = counting()
    endpoint = {"post": "/parts", "safe": True, "input": {}, "body": {"multipart": {"a": "b"}}}
    async with opened(service, spec(endpoints={"parts": endpoint})) as shop:
        for _ in range(2):
            await shop.call("parts")
    assert len(service.requests) == 2
