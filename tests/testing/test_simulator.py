from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from connector_core import Connector, Engine
from connector_core.engine.effects import Effects
from connector_core.exceptions import (
    AuthenticationError,
    ConfigError,
    ConnectionError,
    IntegrationError,
    NotFoundError,
    ValidationError,
)
from connector_core.hookspecs import hookimpl
from connector_core.http import Request
from connector_core.load import load
from connector_core.pagination import NoPagination, Pagination, Stop
from connector_core.pagination.cursor import Cursor
from connector_core.pagination.links import LinkHeader, NextUrl
from connector_core.pagination.numbered import Offset, PageNumber
from connector_core.testing import Simulator, simulated
from tests.testing.specs import ORDER, shop

SIZE = {"put": "query.limit", "value": 10}
KINDS: dict[str, Any] = {
    "none": "none",
    "page_number": {"type": "page_number", "size": SIZE},
    "page_number_from_0": {"type": "page_number", "first": 0, "size": SIZE, "pages": "body.pages"},
    "page_number_total": {"type": "page_number", "size": SIZE, "total": "header.X-Total"},
    "page_number_flag": {"type": "page_number", "size": SIZE, "has_more": "not body.meta.last"},
    "offset": {"type": "offset", "size": SIZE},
    "offset_total": {"type": "offset", "size": SIZE, "total": "body.meta.total"},
    "cursor": {"type": "cursor", "take": "body.meta.next", "size": SIZE},
    "cursor_alone": {"type": "cursor", "take": "body.meta.next", "size": SIZE, "alone": True},
    "cursor_header_alone": {
        "type": "cursor",
        "take": "header.X-Next",
        "put": "header.X-Cursor",
        "size": SIZE,
        "alone": True,
    },
    "cursor_header": {"type": "cursor", "take": "header.X-Next", "put": "header.X-Cursor", "size": SIZE},
    "cursor_record": {
        "type": "cursor",
        "take": "record.id",
        "put": "query.after",
        "size": SIZE,
        "has_more": "body.more",
    },
    "cursor_last": {"type": "cursor", "take": "body.data.-1.id", "put": "query.after", "size": SIZE},
    "next_url": {"type": "next_url", "take": "body.links.next", "size": SIZE},
    "next_url_flag": {"type": "next_url", "take": 'body."@next"', "size": SIZE, "has_more": "body.more"},
    "link_header": {"type": "link_header", "size": SIZE},
}


async def both_ways(
    spec: dict[str, Any], records: int, endpoint: str = "orders"
) -> tuple[list[Any], list[Any], Simulator]:
    """What a client reads, what the service has, and the service."""
    loaded = load(spec)
    async with Simulator(loaded, records=records) as service:
        effects = Effects(transport=service.transport)
        async with Connector.open(loaded, config=service.config, secrets=service.secrets, effects=effects) as connector:
            read = [record async for record in connector.read(endpoint)]
        [dataset] = service._provider.datasets.values()
        return read, dataset.records, service


@pytest.mark.parametrize("count", [0, 1, 10, 25])
@pytest.mark.parametrize("kind", KINDS)
async def test_round_trip(kind, count):
    """For every kind of pagination the client reads exactly the service's records, in order, once."""
    read, had, service = await both_ways(shop(KINDS[kind]), count)
    assert read == had
    assert len(read) == count
    assert {seen.status for seen in service.requests} == {200}


# Each ends the reading early, comes back to where it was, or takes the next step wrongly.
BROKEN: dict[str, tuple[type[Pagination], Any]] = {
    "none": (NoPagination, lambda answer: answer.count),
    "page_number": (PageNumber, lambda _answer, right: right + 1),
    "offset": (Offset, lambda _answer, right: right - 1),
    "cursor": (Cursor, lambda _answer, right: Stop(f"{right} is left out")),
    "cursor_record": (Cursor, lambda _answer, right: right - 5),
    "next_url": (NextUrl, lambda answer, _right: answer.url),
    "link_header": (LinkHeader, lambda _answer, right: f"{right}1"),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_broken_next_fails_the_round_trip(kind, monkeypatch):
    """A `next` that is wrong by little is found out by reading: the service does not follow the client's mistakes."""
    cls, wrong = BROKEN[kind]
    correct = cls.next

    def broken(self, answer):
        right = correct(self, answer)
        if cls is NoPagination:
            return wrong(answer)
        return right if isinstance(right, Stop) else wrong(answer, right)

    monkeypatch.setattr(cls, "next", broken)
    try:
        read, had, _ = await both_ways(shop(KINDS[kind]), 25)
    except IntegrationError:
        return
    assert read != had


async def test_a_simulator_takes_what_a_connector_takes():
    """A name, a path or a document."""
    async with Simulator("shop", records=1) as service:
        assert service.config.keys() == {"shop_url", "start_date"}


async def test_wrong_secret():
    """A secret that is not the service's is refused as real services refuse it, and no record is seen."""
    spec = load(shop())
    async with Simulator(spec, secrets={"token": "right"}) as service:
        effects = Effects(transport=service.transport)
        async with Connector.open(
            spec, config=service.config, secrets={"token": "another"}, effects=effects
        ) as connector:
            with pytest.raises(AuthenticationError) as caught:
                _ = [record async for record in connector.read("orders")]
    assert str(caught.value) == (
        "shop answered 401: the Authorization header is wrong — orders: GET https://shop.example/api/v1/orders"
        " — check the secrets that were passed"
    )


@pytest.mark.parametrize(
    "auth",
    [
        "none",
        {"type": "basic", "username": "{{ secrets.token }}"},
        {"type": "api_key", "put": "header.X-Key", "value": "Token {{ secrets.token }}"},
        {"type": "api_key", "put": "query.customer", "value": "{{ secrets.token }}"},
        {"type": "api_key", "put": "cookie.sid", "value": "{{ secrets.token }}"},
    ],
)
async def test_every_sign_in(auth):
    """Every kind of sign-in is accepted from a client that does it right, and its place filters nothing."""
    read, had, service = await both_ways(shop(KINDS["link_header"], auth=auth), 25)
    assert read == had
    assert not any("simulated-token" in str(seen) for seen in service.requests)


@pytest.mark.parametrize("kind", ["cursor_alone", "cursor_header_alone", "link_header", "cursor_record"])
async def test_filter_by_equality(kind):
    """A parameter with a property's name filters by equality, on every page, however the next page is asked for."""
    spec = shop(KINDS[kind], params={"status": "open", "customer": None, "sort": "-id"})
    read, had, _ = await both_ways(spec, 100)
    assert read == [record for record in had if record["status"] == "open"]
    assert 10 < len(read) < 100


CREATE = {
    "post": "/orders",
    "input": {"buyer": {"type": "string"}, "urgent": {"type": "boolean", "default": False}},
    "body": {"json": {"customer": "{{ input.buyer }}", "urgent": "{{ input.urgent }}", "unknown": 1}},
    "output": "body.order",
}
ONE = {"input": {"id": {"type": "integer"}}}
CALLS: dict[str, Any] = {
    "orders": {"get": "/orders", "schema": ORDER},
    "create_order": CREATE,
    "order": {"get": "/orders/{{ input.id }}", **ONE},
    "change_order": {
        "patch": "/orders/{{ input.id }}",
        "input": {**ONE["input"], "status": {"type": "string", "optional": True}},
        "body": {"json": {"status": "{{ input.status }}", "id": 99}},
        "output": "body.order.status",
    },
    "delete_order": {"delete": "/orders/{{ input.id }}", **ONE},
    "cancel_order": {"post": "/orders/{{ input.id }}/cancel", **ONE, "body": {"json": {"why": "late"}}},
    "stock": {
        "get": "/stock",
        "records": None,
        "output": "body.stock",
        "schema": {"left": {"type": "integer", "const": 7}},
    },
    "mystery": {"put": "/mystery"},
}


async def test_create_then_read():
    """What is created is answered at `output`, holds what was sent, and is there for the next reading."""
    async with simulated(shop(endpoints=CALLS), records=3) as connector:
        created = (await connector.call("create_order", {"buyer": "Zoë"})).data
        assert (created["id"], created["customer"], created["urgent"]) == (4, "Zoë", False)
        assert list(created) == list(ORDER)
        assert [record async for record in connector.read("orders")][3:] == [created]
        assert (await connector.call("order", {"id": 4})).data == created


async def test_change_and_delete():
    """A record is changed and deleted by its key, its key stays, and what is not there is not found."""
    async with simulated(shop(endpoints=CALLS), records=3) as connector:
        assert (await connector.call("change_order", {"id": 2, "status": "sent"})).data == "sent"
        assert (await connector.call("delete_order", {"id": 1})).data is None
        assert [(r["id"], r["status"]) for r in [r async for r in connector.read("orders")]][:1] == [(2, "sent")]
        with pytest.raises(NotFoundError):
            await connector.call("order", {"id": 1})


async def test_other_calls():
    """A call beside every dataset gives what was sent or what its schema says; without either it says 501 and why."""
    async with simulated(shop(endpoints=CALLS), records=3) as connector:
        assert (await connector.call("cancel_order", {"id": 1})).data == {"id": 1, "why": "late"}
        assert (await connector.call("stock")).data == {"left": 7}
        with pytest.raises(IntegrationError) as caught:
            await connector.call("mystery")
    assert "shop answered 501: endpoints.mystery cannot be simulated" in str(caught.value)
    assert "write endpoints.mystery.schema" in str(caught.value)


@pytest.mark.parametrize("path, one", [("/orders/", "/orders/{{ input.id }}/"), ("/orders", "/orders/{{ input.id }}/"),
                                       ("/orders/", "/orders/{{ input.id }}")])  # fmt: skip
async def test_a_call_below_a_read_where_paths_end_in_slashes(path, one):
    """It gives the record that the read has, without a schema of its own; one that is not there is not found."""
    endpoints = {"orders": {"get": path, "schema": ORDER}, "order": {"get": one, **ONE}}
    async with simulated(shop(endpoints=endpoints), records=3) as connector:
        read = [record async for record in connector.read("orders")]
        assert (await connector.call("order", {"id": 2})).data == read[1]
        with pytest.raises(NotFoundError):
            await connector.call("order", {"id": 9})


FORM = {
    "post": "/orders",
    "input": {"count": {"type": "integer", "minimum": 1}, "customer": {"type": "string", "optional": True}},
    "body": {"form": {"count": "{{ input.count }}", "customer": "{{ input.customer }}"}},
}


@pytest.mark.parametrize(
    "sent, status, message",
    [
        ("count=3&customer=a", 201, None),
        ("count=3", 201, None),
        ("customer=a", 422, "count is missing"),
        ("count=0", 422, "count: "),
        ("count=x", 422, "count: "),
    ],
)
async def test_input_is_checked(sent, status, message):
    """The service checks what arrives against `input` on its own, so that a client that does not is found out."""
    spec = load(shop(auth="none", endpoints={"orders": {"get": "/orders", "schema": ORDER}, "create": FORM}))
    async with Simulator(spec) as service, aiohttp.ClientSession() as client:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        async with client.post(f"{service.url}/api/v1/orders", data=sent, headers=form) as answer:
            assert answer.status == status
            if message:
                assert (await answer.json())["message"].startswith(message)


@pytest.mark.parametrize(
    "path, status, message",
    [
        ("/api/v1/nothing", 404, "there is no GET api/v1/nothing"),
        ("/api/v1/orders?after=25", 404, "the link leads past the last page"),
        ("/api/v1/orders?limit=1", 200, None),
    ],
)
async def test_direct_requests(path, status, message):
    """Whoever calls the service directly gets JSON, whatever goes wrong."""
    async with Simulator(load(shop(KINDS["link_header"], auth="none")), records=25) as service:
        async with aiohttp.ClientSession() as client, client.get(service.url + path) as answer:
            assert (answer.status, answer.content_type) == (status, "application/json")
            assert message is None or await answer.json() == {"message": message}
        assert [(seen.path, seen.status) for seen in service.requests] == [(path.partition("?")[0], status)]


FIRST = "which this service never handed out; leave it out for the first page"


@pytest.mark.parametrize(
    "kind, query, why",
    [
        ("page_number", "page=x", "query.page is 'x'; send a whole number from 1 on"),
        ("page_number", "page=0", "query.page is 0; send a whole number from 1 on"),
        ("page_number", "page=1.5", "query.page is '1.5'; send a whole number from 1 on"),
        ("page_number_from_0", "page=-1", "query.page is -1; send a whole number from 0 on"),
        ("offset", "offset=²", "query.offset is '²'; send a whole number from 0 on"),
        ("offset", "offset=" + "9" * 5000, f"query.offset is '{'9' * 60}…'; send a whole number from 0 on"),
        ("cursor", "cursor=x", f"query.cursor is 'x', {FIRST}"),
        ("cursor", "cursor=10", f"query.cursor is '10', {FIRST}"),
        ("cursor", "cursor=after-x", f"query.cursor is 'after-x', {FIRST}"),
        ("cursor_record", "after=x", "no record has 'x' at record.id; leave query.after out for the first page"),
        ("link_header", "after=x", "query.after is 'x'; send a whole number from 0 on"),
        ("next_url", "after=-1", "query.after is -1; send a whole number from 0 on"),
        ("page_number_total", "limit=0", "query.limit is 0; send a whole number from 1 on"),
        ("offset_total", "limit=many", "query.limit is 'many'; send a whole number from 1 on"),
    ],
)
async def test_malformed_positions(kind, query, why):
    """A position or a size that no page has is refused with what was sent, where, and what to send instead."""
    async with Simulator(load(shop(KINDS[kind], auth="none")), records=25) as service:
        url = f"{service.url}/api/v1/orders?{query}"
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            assert (answer.status, await answer.json()) == (400, {"message": f"there is no such page: {why}"})


async def test_direct_links_lead_back():
    """Links in answers use the host that was called, so that a client without routes can follow them."""
    async with Simulator(load(shop(KINDS["next_url"], auth="none")), records=25) as service:
        async with aiohttp.ClientSession() as client, client.get(f"{service.url}/api/v1/orders") as answer:
            following = json.loads(await answer.read())["links"]["next"]
        assert following.startswith(f"{service.url}/api/v1/orders?")


async def test_search_by_post():
    """A read that is sent with POST is paged by tokens in its body."""
    after = {"put": "body.page.after", "size": {"put": "body.page.size", "value": 7}}
    search = {
        "post": "/search",
        "records": "body.hits.*.order",
        "schema": ORDER,
        "body": {"json": {"query": "all"}},
        "pagination": {"type": "cursor", "take": "body.next", **after},
    }
    read, had, _ = await both_ways(shop(endpoints={"orders": search}), 25)
    assert read == had


@pytest.mark.parametrize(
    "pagination, more, why",
    [
        (
            {"type": "page_number", "has_more": "body.page < body.pages"},
            {},
            "has_more is computed (body.page < body.pages); the simulator can only set a plain flag",
        ),
        (
            {"type": "page_number", "put": None},
            {"params": {"p": "{{ page.number }}"}},
            "a template sends the position; the simulator can't know where",
        ),
        (
            {"type": "cursor", "take": "body.next"},
            {"records": "body"},
            "body.next has no room, since a list or a single value stands above it",
        ),
    ],
)
def test_impossible_endpoints(pagination, more, why):
    """An endpoint of which no page can be served is refused when the simulator is made, with the reason."""
    with pytest.raises(ConfigError) as caught:
        Simulator(load(shop(pagination, **more)))
    assert str(caught.value) == (
        f"shop.orders cannot be simulated: {why} — endpoints.orders.pagination"
        " — test this endpoint against the service itself, or against fakes"
    )


def test_account():
    """Config and secrets are made up so that they fit what is declared; given ones are taken, and checked."""
    config: dict[str, Any] = {
        "site": {"type": "string"},
        "team": {"type": "string", "minLength": 6},
        "region": {"enum": ["eu", "us"]},
        "since": {"type": "string", "format": "date-time", "default": "2020-01-01T00:00:00Z"},
        "extra": {"type": "string", "optional": True},
        "size": {"type": "integer", "minimum": 5, "maximum": 9},
    }
    secrets = {"key": {}, "pin": {"type": "string", "maxLength": 4}}
    spec = load(shop(config=config, secrets=secrets, base_url="{{ config.site }}", auth="none"))
    service = Simulator(spec, config={"region": "us"})
    assert service.config.pop("size") in range(5, 10)
    assert service.config == {
        "site": "https://shop.example",
        "team": "team00",
        "region": "us",
        "since": "2020-01-01T00:00:00Z",
    }
    assert service.secrets == {"key": "simulated-key", "pin": "simu"}
    with pytest.raises(ConfigError) as caught:
        Simulator(load(shop(config={**config, "pin": {"minLength": 4_000_000_000}}, base_url="https://a.example")))
    assert str(caught.value) == (
        "the account cannot be made up: config pin: the least that fits is too large to be made up"
        " (4,000,000,001; at most 100,000) — give that value"
    )
    with pytest.raises(ConfigError, match="'regoin' is not a declared config, did you mean 'region'"):
        Simulator(spec, config={"regoin": "us"})


@pytest.mark.parametrize(
    "base_url, default, schema, address",
    [
        ("{{ config.at }}/v1", "https://live.example", {}, "https://shop.example"),
        ("https://{{ config.at }}/v1", "live.example", {}, "shop.example"),
        ("https://{{ config.at }}", "live.example", {}, "shop.example"),
        ("https://{{ config.at }}.live.example", "acme", {}, "acme"),
        ("{{ config.at }}", "https://eu.example", {"enum": ["https://eu.example"]}, "https://eu.example"),
    ],
)
def test_the_account_leads_to_no_live_service(base_url, default, schema, address):
    """A default that is the service's address is replaced where its schema lets it be; what is given stays."""
    config = {"at": {"type": "string", "default": default, **schema}}
    spec = load(shop(config=config, base_url=base_url, auth="none"))
    assert Simulator(spec).config == {"at": address}
    assert Simulator(spec, config={"at": default}).config == {"at": default}


async def test_an_apps_own_engine_reads_the_simulator_alone():
    """With its config and its transport; without the transport the address leads nowhere."""
    config = {"at": {"type": "string", "default": "https://live.example"}}
    spec = shop(config=config, base_url="{{ config.at }}", auth="none")
    async with Simulator(spec, records=3) as service, Engine(effects=Effects(transport=service.transport)) as engine:
        async with engine.open(spec, config=service.config, secrets=service.secrets) as connector:
            assert len([record async for record in connector.read("orders")]) == 3
        assert service.requests


async def test_a_spec_that_is_found_and_read_as_open_does(tmp_path):
    """By its name in folders, with plug-ins, and in an environment."""
    folders = SimpleNamespace(register_specs=hookimpl(lambda: [tmp_path]), __name__="folders")
    spec = shop(auth="none", base_url="https://live.example", environments={"test": {"base_url": "https://t.example"}})
    (tmp_path / "mine.json").write_text(json.dumps({**spec, "name": "mine"}))
    for found in ({"specs": [tmp_path]}, {"plugins": [folders]}):
        async with Simulator("mine", records=1, environment="test", **found) as service:
            assert list(service.routes) == ["https://t.example:443"]


def test_schemas_that_nothing_fits():
    """An endpoint whose schema nothing fits is refused when the simulator is made, with the place."""
    never = {"get": "/orders", "schema": {"id": {"type": "integer", "minimum": 2, "maximum": 1}}}
    with pytest.raises(ConfigError) as caught:
        Simulator(load(shop(endpoints={"orders": never})))
    assert str(caught.value) == (
        "shop.orders cannot be simulated: schema.id: no integer fits minimum 2, maximum 1 — endpoints.orders.schema"
        " — test this endpoint against the service itself, or against fakes"
    )


async def test_call_whose_schema_nothing_fits():
    """A call whose schema nothing fits is answered with 501 and why; the rest of the service is there."""
    never = {"post": "/report", "schema": {"id": {"minLength": 4_000_000_000}}}
    async with simulated(shop(endpoints={**CALLS, "report": never}), records=3) as connector:
        with pytest.raises(IntegrationError, match=r"501: endpoints\.report cannot be simulated: schema\.id: "):
            await connector.call("report")
        assert len([record async for record in connector.read("orders")]) == 3


async def test_routes_and_hosts():
    """Every origin of the spec leads to the simulator, and what is not simulated is refused, never sent."""
    spec = load(shop(hosts=["cdn.example", "*.files.example"]))
    async with Simulator(spec, config={"shop_url": "http://my.shop.example:8080/x"}) as service:
        assert service.routes == {
            "http://cdn.example:80": service.url,
            "http://my.shop.example:8080": service.url,
            "https://cdn.example:443": service.url,
        }
        transport = service.transport()
        with pytest.raises(ConnectionError) as caught:
            await transport.send(Request("GET", "https://a.files.example/1"))
        await transport.aclose()
    assert str(caught.value) == (
        "https://a.files.example:443 is not simulated — GET https://a.files.example/1"
        " — the simulator stands for base_url and for hosts without a wildcard"
    )
    with pytest.raises(ConfigError, match="the simulator is not running"):
        _ = service.url


async def test_port_in_use():
    """A port that is taken is said in words."""
    async with Simulator(load(shop())) as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(ConfigError) as caught:
            async with Simulator(load(shop()), port=port):
                pass
    assert str(caught.value).startswith(f"the simulator cannot listen on 127.0.0.1:{port}: ")


async def test_simulated_with_own_values():
    """`simulated` gives config and secrets to both sides, and tells listeners what happens."""
    heard: list[Any] = []
    given: dict[str, Any] = {"config": {"shop_url": "https://acme.example"}, "secrets": {"token": "mine"}}
    async with simulated(shop(KINDS["cursor"]), **given, records=12, listeners=[heard.append]) as connector:
        assert len([record async for record in connector.read("orders")]) == 12
    assert {event.url for event in heard if hasattr(event, "url")} == {"https://acme.example/api/v1/orders"}


async def test_service_refuses_bad_input():
    """A client that sends less than the service's spec asks for gets the exception that the refusal means."""
    careless = {**CREATE, "input": {}, "body": {"json": {"urgent": True}}}
    theirs, ours = (load(shop(endpoints={**CALLS, "create_order": create})) for create in (CREATE, careless))
    async with Simulator(theirs) as service:
        effects = Effects(transport=service.transport)
        async with Connector.open(ours, config=service.config, secrets=service.secrets, effects=effects) as connector:
            with pytest.raises(ValidationError, match="shop answered 422: buyer is missing"):
                await connector.call("create_order")


async def test_children_are_dealt_out_among_their_parents():
    """Each record of a nested path has one parent, so that reading all partitions gives each record once."""
    keys = {"schema": {"id": {"type": "integer"}}, "primary_key": "id"}
    nested = {
        "connector": "1",
        "name": "nested",
        "base_url": "https://nested.example",
        "records": "body.data",
        "endpoints": {
            "teams": {"get": "/teams", **keys},
            "members": {"get": "/teams/{{ team.id }}/members", "for_each": {"endpoint": "teams", "as": "team"}, **keys},
        },
    }
    async with simulated(nested, records=7) as service:
        pages = [page async for page in service.pages("members")]
    assert len(pages) == 7
    assert sorted(record["id"] for page in pages for record in page.records) == list(range(1, 8))


async def test_transforms_run_on_top():
    """Records are served as they are handed out, and the client's transforms find what they would have made."""
    spec = shop(KINDS["cursor_record"])
    spec["endpoints"]["orders"] |= {
        "primary_key": "order_id",
        "schema": {"order_id": {"type": "integer"}, "total": {"type": "number"}, "source": {"type": "string"}},
        "on_invalid": "fail",
        "transform": [
            {"type": "rename", "fields": {"id": "order_id"}},
            {"type": "cast", "fields": {"total": "number"}},
            {"type": "set", "fields": {"source": "shop"}},
            {"type": "keep", "fields": ["order_id", "total", "source"]},
        ],
    }
    read, had, _ = await both_ways(spec, 25)
    assert len(read) == 25
    assert read == [{"order_id": one["order_id"], "total": one["total"], "source": "shop"} for one in had]


@pytest.mark.parametrize(
    "given, what",
    [
        ({"records": -1}, "records is a number of records, from 0 on, not -1"),
        ({"records": "5"}, "records is a number of records, from 0 on, not '5'"),
        ({"seed": "x"}, "seed is a whole number, not 'x'"),
    ],
)
def test_what_is_no_number_is_refused(given, what):
    """A number of records below none, and a seed that is no number, are told at once."""
    with pytest.raises(ConfigError) as refused:
        Simulator("shop", **given)
    assert str(refused.value) == what
