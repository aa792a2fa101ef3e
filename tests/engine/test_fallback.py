"""What is given in place of an answer that the service can't give, and when nothing is; no socket and no real time."""

# ruff: noqa: E501 - a case is a line

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

import connector_core.blocking
from connector_core import Connector, Degraded, Engine
from connector_core.engine import cache, fallback
from connector_core.engine.store import InMemory
from connector_core.events import Event, FellBack
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    CircuitOpenError,
    ConfigError,
    ConnectionError,
    IntegrationError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    TimeoutError,
    UnavailableError,
    ValidationError,
)
from connector_core.fallback import Failure, Fallback, FromValue
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

REASON = "shop answered 503: out of order"
CACHE = {"type": "cache", "max_age": "1h"}


class Service:
    """A service that can fail: it answers with the number of the request."""

    def __init__(self) -> None:
        self.trouble: Response | Exception | None = None
        self.only = ""
        """The path that fails; empty: all do."""
        self.transport = FakeTransport(self.answer)

    def fails(self, trouble: Response | Exception | int, only: str = "") -> None:
        self.trouble = respond(trouble, json={"message": "out of order"}) if isinstance(trouble, int) else trouble
        self.only = only

    def answer(self, request: Request) -> Response:
        if self.trouble is not None and self.only in request.url:
            if isinstance(self.trouble, Exception):
                raise self.trouble
            return self.trouble
        number = len(self.transport.requests)
        page = dict(request.query).get("page")
        return respond(json={"n": number, "data": [{"id": number, "page": page}], "pages": 2})


def spec(**more: Any) -> dict[str, Any]:
    sku = {"sku": {"type": "string", "default": "a"}}
    return {
        "connector": "1",
        "name": "shop",
        "base_url": "https://api.example",
        "secrets": {"token": {"optional": True}},
        "circuit_breaker": "none",
        "endpoints": {
            "stock": {"get": "/stock/{{ input.sku }}", "input": sku, "fallback": [CACHE]},
            "basic": {"get": "/basic/{{ input.sku }}", "input": sku},
            "orders": {"get": "/orders", "records": "body.data", "pagination": {"type": "page_number", "put": "query.page", "pages": "body.pages"}, "fallback": [CACHE]},
            "mirrored": {"get": "/mirror", "records": "body.data"},
        },
    } | more  # fmt: skip


def with_chain(endpoint: str, *chain: Any, **more: Any) -> dict[str, Any]:
    document = spec()
    document["endpoints"][endpoint] |= {"fallback": list(chain), **more}
    return document


def opened(service: Service, document: dict[str, Any] | None = None, **more: Any) -> Any:
    return Connector.open(document or spec(), effects=effects(service.transport, **more))


# ── what leads to it ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "trouble, category",
    [
        (ConnectionError("no route", retryable=False), "connection"),
        (TimeoutError("too slow", retryable=False), "timeout"),
        (500, "server"),
        (503, "server"),
        (429, "rate_limit"),
    ],
    ids=str,
)
async def test_an_outage_leads_to_it(trouble: Any, category: str):
    """No connection, no answer in time, 5xx and a rate limit: what is kept is given, and says so."""
    service, clock = Service(), VirtualClock()
    async with opened(service, clock=clock) as shop:
        await shop.call("stock")
        await clock.sleep(60)
        service.fails(trouble)
        result = await shop.call("stock")
    assert (result.data["n"], result.degraded.source) == (1, "cache")
    assert result.degraded.age == pytest.approx(60 + sum(clock.slept[1:]))
    assert result.attempts == len(service.transport.requests) - 1


async def test_an_open_circuit_leads_to_it():
    """A service that is left alone is not asked, and what is kept is given."""
    service = Service()
    async with opened(service, spec(circuit_breaker={"window": 1})) as shop:
        await shop.call("stock")
        shop.hold_circuits("open")
        result = await shop.call("stock")
    assert (result.data["n"], result.degraded.source, result.attempts) == (1, "cache", 0)
    assert len(service.transport.requests) == 1


@pytest.mark.parametrize(
    "error, category",
    [
        (TimeoutError("t"), "timeout"),
        (ConnectionError("c"), "connection"),
        (CircuitOpenError("o"), "circuit_open"),
        (RateLimitError("r"), "rate_limit"),
        (ServerError("s"), "server"),
        (ResponseError("answer"), None),
        (AuthenticationError("a"), None),
        (AuthorizationError("z"), None),
        (NotFoundError("n"), None),
        (ValidationError("v"), None),
        (UnavailableError("u"), None),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_an_outage(error: IntegrationError, category: str | None):
    """What the service refuses, and what is wrong in its answer, is none."""
    found = fallback.outage(error)
    assert (found and found.category) == category


# ── F1: the naive versions ────────────────────────────────────────────────────────────────────────


async def f1_refusals_are_told(refused: int) -> None:
    service = Service()
    async with opened(service) as shop:
        await shop.call("stock")
        service.fails(refused)
        with pytest.raises(IntegrationError):
            await shop.call("stock")


async def f1_nothing_is_too_old() -> None:
    service, clock = Service(), VirtualClock()
    async with opened(service, clock=clock) as shop:
        await shop.call("stock")
        service.fails(ConnectionError("no route"))
        await clock.sleep(3600)
        assert (await shop.call("stock")).degraded is not None
        await clock.sleep(1)
        with pytest.raises(ConnectionError):
            await shop.call("stock")


async def f1_accounts_are_apart() -> None:
    service = Service()
    async with Engine(effects=effects(service.transport)) as engine:
        async with engine.open(spec(), id="a", secrets={"token": "one"}) as shop:
            await shop.call("stock")
        service.fails(ConnectionError("no route"))
        others: list[dict[str, Any]] = [
            {"id": "b", "secrets": {"token": "one"}},
            {"id": "a", "secrets": {"token": "two"}},
        ]
        for account in others:
            async with engine.open(spec(), **account) as shop:
                with pytest.raises(ConnectionError):
                    await shop.call("stock")


CLAIMS: dict[str, Any] = {
    **{f"{status} is told": lambda status=status: f1_refusals_are_told(status) for status in (401, 403, 404, 422)},
    "nothing is too old": f1_nothing_is_too_old,
    "accounts are apart": f1_accounts_are_apart,
}


@pytest.mark.parametrize("claim", CLAIMS)
async def test_standard_f1(claim: str):
    """Fallback runs for outages only, what it gives is not too old, and what one account has no other gets."""
    await CLAIMS[claim]()


def _one_place(connection: Any, plan: Any, request: Request, store: Any) -> Any:
    return request.url.encode(), request.target.encode()


MUTANTS: dict[str, tuple[Any, str, Any, set[str]]] = {
    "on every error": (fallback, "outage", lambda error: Failure("server", error.code), {"401 is told", "403 is told", "404 is told", "422 is told"}),
    "however old": (fallback, "_not_older_than", lambda _seconds: lambda _kept, _terms, _now: True, {"nothing is too old"}),
    "one cache for all": (cache, "_place", _one_place, {"accounts are apart"}),
}  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_standard_f1_naive(mutant: str, monkeypatch: pytest.MonkeyPatch):
    """Each naive version breaks the claims that are about it."""
    module, name, instead, expected = MUTANTS[mutant]
    monkeypatch.setattr(module, name, instead)
    if mutant == "on every error":  # which is naive in what it keeps, too
        monkeypatch.setattr(InMemory, "drop", _keep_all)
    broken = set()
    for claim, check in CLAIMS.items():
        try:
            await check()
        except (AssertionError, pytest.fail.Exception):
            broken.add(claim)
    assert broken == expected


async def _keep_all(*_: Any) -> None:
    """Drops nothing."""


# ── the chain ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_chain_is_tried_in_order():
    """The first source that has something gives it; the event and the result say which."""
    chain = [CACHE, {"type": "endpoint", "endpoint": "basic"}, {"type": "value", "value": {"n": None}}]
    service, heard = Service(), list[Event]()
    async with opened(service, with_chain("stock", *chain), listeners=[heard.append]) as shop:
        service.fails(503, "/stock/")
        assert (await shop.call("stock")).degraded == Degraded("endpoint basic", 0.0, REASON)
        service.fails(503)
        last = await shop.call("stock")
    assert (last.data, last.degraded) == ({"n": None}, Degraded("value", None, REASON))
    told = [(event.endpoint, event.source, event.age, event.reason) for event in heard if isinstance(event, FellBack)]
    assert told == [("stock", "endpoint basic", 0.0, REASON), ("stock", "value", None, REASON)]


async def test_another_endpoint_is_called_with_the_input():
    """It gets those inputs that it has too."""
    service = Service()
    service.fails(503, "/stock/")
    async with opened(service, with_chain("stock", {"type": "endpoint", "endpoint": "basic"})) as shop:
        await shop.call("stock", {"sku": "b"})
    assert service.transport.requests[-1].url == "https://api.example/basic/b"


async def test_where_no_source_has_anything_the_failure_is_raised():
    """It is the endpoint's own, not that of what was tried after it."""
    service = Service()
    service.fails(503)
    async with opened(service, with_chain("stock", CACHE, {"type": "endpoint", "endpoint": "basic"})) as shop:
        with pytest.raises(ServerError, match="stock: GET https://api") as found:
            await shop.call("stock")
    assert found.value.context["endpoint"] == "stock"


async def test_a_value_is_handed_out_as_a_copy():
    """Whoever changes it changes nobody else's."""
    service = Service()
    service.fails(503)
    async with opened(service, with_chain("stock", {"type": "value", "value": {"n": [0]}})) as shop:
        (await shop.call("stock")).data["n"].append(1)
        assert (await shop.call("stock")).data == {"n": [0]}


async def test_a_kind_may_decline():
    """A kind of a plug-in sees the failure, and may leave it to the next in the list."""

    class WhenSlow(Fallback):
        """For what took too long.

        Example: `fallback: [{type: when_slow}]`
        """

        type: Literal["when_slow"] = "when_slow"

        def source(self, failure: Failure) -> FromValue | None:
            """A word."""
            return FromValue("slow") if failure.category == "timeout" else None

    try:
        document = with_chain("stock", "when_slow", {"type": "value", "value": "other"})
        service = Service()
        async with opened(service, document) as shop:
            service.fails(TimeoutError("too slow"))
            assert (await shop.call("stock")).data == "slow"
            service.fails(503)
            assert (await shop.call("stock")).data == "other"
    finally:
        del Fallback.kinds["when_slow"]


async def test_what_is_refused_ends_what_is_kept():
    """Who may no longer see something does not see it in the next outage either."""
    service = Service()
    async with opened(service) as shop:
        await shop.call("stock")
        service.fails(403)
        with pytest.raises(AuthorizationError):
            await shop.call("stock")
        service.fails(503)
        with pytest.raises(ServerError):
            await shop.call("stock")


async def test_stale_if_error_is_the_first_source():
    """What a cache holds is used for so much longer while the service fails; then the chain has its turn."""
    service, clock = Service(), VirtualClock()
    document = with_chain("stock", {"type": "value", "value": None}, cache={"ttl": "1m", "stale_if_error": "5m"})
    async with opened(service, document, clock=clock) as shop:
        await shop.call("stock")
        service.fails(ConnectionError("no route"))
        await clock.sleep(359)
        stale = await shop.call("stock")
        await clock.sleep(2)
        assert (await shop.call("stock")).degraded.source == "value"
    assert (stale.data["n"], stale.degraded) == (1, Degraded("cache", 359.0, "no route"))


async def test_without_fallback_nothing_is_kept_and_nothing_changes():
    """An endpoint that declares nothing fails as it always did."""
    service = Service()
    async with opened(service) as shop:
        await shop.call("basic")
        service.fails(503)
        with pytest.raises(ServerError):
            await shop.call("basic")


async def test_steps_do_not_go_on_with_what_stands_in():
    """What is made of another call's answer is not told apart later, so that a failed step fails."""
    service = Service()
    document = spec()
    document["endpoints"]["move"] = {"steps": [{"call": "stock", "as": "s"}], "output": "{{ s.n }}", "input": {}}
    async with opened(service, document) as shop:
        await shop.call("stock")
        service.fails(503)
        with pytest.raises(ServerError):
            await shop.call("move")


# ── reads ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_reading_falls_back_as_a_whole():
    """All its pages come out of what is kept, each says so, and nothing is sent for the second."""
    service, clock = Service(), VirtualClock()
    async with opened(service, clock=clock) as shop:
        before = [page.records async for page in shop.pages("orders")]
        await clock.sleep(60)
        service.fails(ConnectionError("no route"))
        sent = len(service.transport.requests)
        found = [page async for page in shop.pages("orders")]
        records = shop.read("orders")
        assert [record async for record in records] == [record for page in before for record in page]
    assert [page.records for page in found] == before
    assert {page.degraded for page in found} == {Degraded("cache", 60.0, "no route")} == {records.degraded}
    assert len(service.transport.requests) == sent + 2


async def test_a_reading_that_has_begun_does_not_fall_back():
    """Pages of two times do not fit together: a failure on the second page is a failure."""
    service = Service()
    async with opened(service) as shop:
        assert len([page async for page in shop.pages("orders")]) == 2
        pages = shop.pages("orders")
        assert (await anext(pages)).degraded is None
        await pages.pause()
        service.fails(503)
        with pytest.raises(ServerError):
            await anext(pages)
        with pytest.raises(StopAsyncIteration):
            await anext(pages)


async def test_a_reading_that_goes_on_elsewhere_does_not_fall_back():
    """From a position on it belongs to an earlier reading, which the service has answered."""
    service = Service()
    async with opened(service) as shop:
        assert len([page async for page in shop.pages("orders")]) == 2
        service.fails(503)
        with pytest.raises(ServerError):
            await anext(shop.pages("orders", position=2))


async def test_a_page_that_is_not_kept_ends_it_with_the_failure():
    """A reading out of what is kept that lacks a page raises what the service failed with, and skips nothing."""
    service = Service()
    async with opened(service) as shop:
        first = await anext(pages := shop.pages("orders"))
        await pages.aclose()
        service.fails(ConnectionError("no route"))
        again = shop.pages("orders")
        assert (await anext(again)).records == first.records
        with pytest.raises(ConnectionError, match="no route"):
            await anext(again)


async def test_another_endpoint_is_read_instead():
    """Its records are given, to the last page."""
    service = Service()
    service.fails(503, "/orders")
    async with opened(service, with_chain("orders", CACHE, {"type": "endpoint", "endpoint": "mirrored"})) as shop:
        found = [page async for page in shop.pages("orders")]
    assert [page.degraded for page in found] == [Degraded("endpoint mirrored", 0.0, REASON)]
    assert found[0].records[0]["page"] is None


async def test_no_page_is_an_answer():
    """A source that has no page has said that there is none, and the event tells that it was asked."""
    service, heard = Service(), list[Event]()
    document = with_chain(
        "orders", {"type": "endpoint", "endpoint": "of_none"}, {"type": "value", "value": [{"id": 0}]}
    )
    document["endpoints"]["of_none"] = {"for_each": [{"values": [], "endpoint": "none", "as": "o"}], "get": "/orders/{{ o }}", "records": "body.data"}  # fmt: skip
    document["endpoints"]["none"] = {"get": "/none", "records": "body.nothing"}
    service.fails(503, "/orders")
    async with opened(service, document, listeners=[heard.append]) as shop:
        assert [page async for page in shop.pages("orders")] == []
    assert [event.source for event in heard if isinstance(event, FellBack)] == ["endpoint of_none"]


async def test_a_mistake_on_this_side_is_told():
    """A source that can't be asked at all, since the config does not fit, is not passed over in silence."""
    service = Service()
    document = with_chain("orders", {"type": "endpoint", "endpoint": "mirrored"}, {"type": "value", "value": []})
    document["endpoints"]["mirrored"] |= {"auth": {"type": "bearer", "token": "{{ secrets.token }}"}}
    service.fails(503, "/orders")
    async with opened(service, document) as shop:
        with pytest.raises(ConfigError, match="the credential is empty"):
            await anext(shop.pages("orders"))


async def test_a_value_is_one_page():
    """The records that the spec gives, as a page that nothing follows; `call` gives them too."""
    service = Service()
    service.fails(503)
    async with opened(service, with_chain("orders", {"type": "value", "value": [{"id": 0}]})) as shop:
        found = [page async for page in shop.pages("orders")]
        result = await shop.call("orders")
    assert [(page.records, page.following, page.degraded.source) for page in found] == [([{"id": 0}], None, "value")]
    assert (result.data, result.degraded) == ([{"id": 0}], Degraded("value", None, REASON))


async def test_partitions_fall_back_as_a_whole():
    """What is read for each of a parent's records comes out of what is kept, the parent too."""
    service, document = Service(), spec(fallback=[CACHE])
    document["endpoints"]["lines"] = {"for_each": [{"endpoint": "mirrored", "as": "o"}], "get": "/orders/{{ o.id }}/lines", "records": "body.data"}  # fmt: skip
    async with opened(service, document) as shop:
        before = [record async for record in shop.read("lines")]
        service.fails(503)
        records = shop.read("lines")
        assert [record async for record in records] == before
    assert records.degraded is not None


async def test_a_cancelled_wait_loses_nothing():
    """Whoever stops waiting for the first page and asks again has it, out of what stands in."""
    service = Service()
    gate = asyncio.Event()

    async def slow(request: Request) -> Response:
        if "/mirror" in request.url:
            await gate.wait()
            return respond(json={"data": [{"id": 9}]})
        return respond(500, json={})

    world = effects(FakeTransport(slow))
    document = with_chain("orders", {"type": "endpoint", "endpoint": "mirrored"})
    async with Connector.open(document, effects=world) as shop:
        pages = shop.pages("orders")
        waiting = asyncio.ensure_future(anext(pages))
        for _ in range(200):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        gate.set()
        assert (await anext(pages)).records == [{"id": 9}]
        with pytest.raises(StopAsyncIteration):
            await anext(pages)
    assert service.transport.requests == []


async def test_health_is_the_services_own():
    """A check sees neither what is kept nor what stands in."""
    service, clock = Service(), VirtualClock()
    document = with_chain("stock", CACHE, {"type": "value", "value": None}, cache={"ttl": "1h", "stale_if_error": "1h"})
    async with opened(service, document | {"health": {"endpoint": "stock", "every": "1m"}}, clock=clock) as shop:
        await shop.call("stock")
        assert (await shop.health()).code is None
        service.fails(ConnectionError("no route", code="connection.refused"))
        await clock.sleep(61)
        assert (await shop.health()).code == "connection.refused"
        assert (await shop.call("stock")).data["n"] == 1


def test_scripts_are_told_too():
    """The blocking records say where they are from."""
    service = Service()
    service.fails(503)
    document = with_chain("orders", {"type": "value", "value": [{"id": 0}]})
    with connector_core.blocking.Connector.open(document, effects=effects(service.transport)) as shop:
        records = shop.read("orders")
        assert list(records) == [{"id": 0}]
        assert records.degraded == Degraded("value", None, REASON)
