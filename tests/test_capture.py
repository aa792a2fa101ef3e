"""Facts about an account: asked for when they are needed, once for everybody, and again when they are old."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from connector_core import Connector
from connector_core.exceptions import ResponseError, SpecError
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import FakeTransport, VirtualClock, effects, respond


def spec(every: str | None = None, **more: Any) -> dict[str, Any]:
    tenant = {"call": "tenants", "take": "body.0.id", **({"every": every} if every else {})}
    return {
        "connector": "1",
        "name": "books",
        "base_url": "https://api.example",
        "capture": {"tenant": tenant},
        "endpoints": {
            "tenants": {"get": "/tenants", "output": "body"},
            "invoices": {"get": "/{{ connection.tenant }}/invoices", "records": "body"},
            "plain": {"get": "/plain", "records": "body"},
            "send": {"post": "/send", "headers": {"X-Tenant": "{{ connection.tenant }}"}},
        },
        **more,
    }


def service(request: Request) -> Response:
    return respond(json=[{"id": "acme"}] if request.url.endswith("/tenants") else [{"url": request.url}])


def named(name: str, _: Request) -> Response:
    return respond(json=[{"id": name}])


def asked(transport: FakeTransport) -> list[str]:
    return [request.url.removeprefix("https://api.example") for request in transport.requests]


async def test_a_fact_is_asked_for_when_it_is_needed():
    """What reads no fact asks for none; the first that does, does; the next ones have it."""
    transport = FakeTransport(service)
    async with Connector.open(spec(), effects=effects(transport)) as books:
        await books.call("plain")
        assert [invoice async for invoice in books.read("invoices")] == [{"url": "https://api.example/acme/invoices"}]
        await books.call("send")
    assert asked(transport) == ["/plain", "/tenants", "/acme/invoices", "/send"]
    assert transport.requests[-1].headers["X-Tenant"] == "acme"


async def test_partitions_may_be_a_fact():
    """What is read for is known once the fact has been asked for."""

    def answer(request: Request) -> Response:
        if request.url.endswith("/tenants"):
            return respond(json=[{"id": ["acme", "zenith"]}])
        return respond(json=[{"url": request.url}])

    document = spec()
    each = {
        "get": "/{{ tenant }}/x",
        "records": "body",
        "for_each": {"values": "{{ connection.tenant }}", "as": "tenant"},
    }
    document["endpoints"]["each"] = each
    async with Connector.open(document, effects=effects(answer)) as books:
        read = [record["url"] async for record in books.read("each")]
    assert sorted(read) == ["https://api.example/acme/x", "https://api.example/zenith/x"]


async def test_many_at_once_ask_once():
    """Whoever needs the fact while it is asked for waits for the same answer."""
    transport = FakeTransport(service)
    async with Connector.open(spec(), effects=effects(transport)) as books:
        await asyncio.gather(*(books.call("send") for _ in range(5)))
    assert asked(transport).count("/tenants") == 1


async def test_an_old_fact_is_asked_for_again():
    """`every` says how old a fact may grow."""
    clock, transport = VirtualClock(), FakeTransport(service)
    async with Connector.open(spec("1h"), effects=effects(transport, clock=clock)) as books:
        await books.call("send")
        await clock.sleep(3000)
        await books.call("send")
        await clock.sleep(1000)
        await books.call("send")
    assert asked(transport).count("/tenants") == 2


async def test_a_fact_that_is_not_there():
    """An answer without the fact is an error that names both; nothing is sent with a hole in it."""
    transport = FakeTransport(lambda _request: respond(json=[]))
    async with Connector.open(spec(), effects=effects(transport)) as books:
        with pytest.raises(
            ResponseError, match=r"books has nothing at body\.0\.id for connection\.tenant — capture\.tenant: tenants"
        ):
            await books.call("send")
    assert asked(transport) == ["/tenants"]


async def test_connections_keep_their_own():
    """Two accounts of one spec never see each other's facts."""
    first, second = (FakeTransport(partial(named, name)) for name in ("a", "b"))
    for transport in (first, second):
        async with Connector.open(spec(), effects=effects(transport)) as books:
            await books.call("send")
    assert [each.requests[-1].headers["X-Tenant"] for each in (first, second)] == ["a", "b"]


@pytest.mark.parametrize(
    "change, found",
    [
        ({"capture": {"tenant": {"call": "tenant", "take": "body"}}}, "capture.tenant.call: there is no endpoint 'tenant', did you mean 'tenants'?"),
        ({"capture": {"tenant": {"call": "invoices", "take": "body"}}}, "capture.tenant.call: goes in a circle: invoices reads connection.tenant"),
        ({"capture": {"id": {"call": "tenants", "take": "body"}}}, "capture.id: hides connection.id: choose another name"),
        ({"capture": {"tenat": {"call": "tenants", "take": "body"}}}, "endpoints.invoices.get: connection.tenant is not declared under connection, did you mean 'tenat'?"),
        ({"base_url": "https://{{ connection.tenant }}.example"}, "base_url: reads connection.tenant, which only a call can tell, and no call is made without base_url"),
    ],
)  # fmt: skip
def test_mistakes(change, found):
    """What cannot be asked for is told when the spec loads."""
    with pytest.raises(SpecError) as error:
        load({**spec(), **change})
    assert found in [f"{problem.path}: {problem.what}" for problem in error.value.problems]
