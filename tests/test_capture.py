"""Facts about an account: asked for when they are needed, once for everybody, and again when they are old."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from connector_core import Connector
from connector_core.auth import Token
from connector_core.exceptions import ConfigError, ResponseError, SpecError
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import FakeTransport, VirtualClock, effects, respond, simulated


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


# ── what comes with a sign-in ─────────────────────────────────────────────────────────────────────

SIGN_IN: dict[str, Any] = {
    "secrets": {"id": {}, "key": {}},
    "auth": {
        "type": "oauth2", "grant": "client_credentials", "token_url": "https://id.example/token",
        "client_id": "{{ secrets.id }}", "client_secret": "{{ secrets.key }}",
    },
    "capture": {"home": "token.instance.url", "team": "token.team"},
    "base_url": "{{ connection.home }}/v1",
    "endpoints": {"invoices": {"get": "/{{ connection.team }}/invoices", "records": "body"}},
}  # fmt: skip


def signed_in(home: Any = "https://eu.example", **more: Any) -> FakeTransport:
    def answer(request: Request) -> Response:
        if request.url == "https://id.example/token":
            token = {"access_token": "a", "instance": {"url": home}, "team": "red", **more}
            return respond(json={name: value for name, value in token.items() if value is not None})
        return respond(json=[{"url": request.url, "signed": "Authorization" in request.headers}])

    return FakeTransport(answer)


def opened(transport: FakeTransport, **more: Any) -> Any:
    document = spec(**{**SIGN_IN, **more})
    return Connector.open(document, secrets={"id": "i", "key": "k"}, effects=effects(transport))


async def test_the_address_comes_with_the_token():
    """An instance's address becomes the service's own, which is shown the credentials; twenty callers ask once for it."""
    transport = signed_in()
    async with opened(transport) as books:
        answers = await asyncio.gather(*(books.call("invoices") for _ in range(20)))
    assert answers[0].data == [{"url": "https://eu.example/v1/red/invoices", "signed": True}]
    assert len([request for request in transport.requests if request.url == "https://id.example/token"]) == 1


async def test_the_address_of_another_token():
    """Where a later token names another address, that is the service's own, and the first is no longer."""
    async with opened(signed_in()) as books:
        await books.call("invoices")
        books._connection.learn(Token("b", answer={"instance": {"url": "https://us.example"}, "team": "red"}))
        assert books._connection.hosts.admit(Request("GET", "https://us.example/x"), "invoices")[1] is True
        with pytest.raises(ResponseError, match="which is not one of its hosts"):
            books._connection.hosts.admit(Request("GET", "https://eu.example/x"), "invoices")


@pytest.mark.parametrize(
    "home, error, words",
    [
        (
            None,
            ResponseError,
            "books has nothing at token.instance.url for connection.home — capture.home — compare capture",
        ),
        ("javascript:alert(1)", ConfigError, "base_url must be an absolute URL"),
        ("https://user:pw@evil.example", ConfigError, "base_url must not hold a user name or password"),
    ],
)
async def test_an_address_that_is_none(home, error, words):
    """A token without the fact, or with what is no address, is an error before anything else is sent."""
    transport = signed_in(home)
    async with opened(transport) as books:
        with pytest.raises(error) as caught:
            await books.call("invoices")
    assert str(caught.value).startswith(words)
    assert {request.url for request in transport.requests} == {"https://id.example/token"}


@pytest.mark.parametrize("home", ["http://eu.example", "HTTP://eu.example", "http://127.0.0.1"])
async def test_an_address_without_tls(home):
    """Who was asked over TLS does not lead to an address without: nothing is sent there, at no later call either."""
    transport = signed_in(home)
    async with opened(transport) as books:
        for _ in range(2):
            with pytest.raises(
                ResponseError, match="was led to an address without TLS by the token that came over TLS"
            ):
                await books.call("invoices")
        with pytest.raises(ResponseError, match="which is not one of its hosts"):
            books._connection.hosts.admit(Request("GET", f"{home.lower()}/x"), "invoices")
    assert {request.url for request in transport.requests} == {"https://id.example/token"}


async def test_two_ways_in_lead_to_two_addresses():
    """Each request goes where the token that it is signed with leads, also after the other way was used."""
    way = SIGN_IN["auth"]
    other = {**way, "token_url": "https://id.example/other"}

    def answer(request: Request) -> Response:
        if request.url.startswith("https://id.example/"):
            name = request.url.rpartition("/")[2]
            return respond(
                json={"access_token": f"access-{name}", "instance": {"url": f"https://{name}.example"}, "team": name}
            )
        return respond(json=[{"url": request.url, "signed": request.headers["Authorization"]}])

    one = SIGN_IN["endpoints"]["invoices"]
    endpoints = {"invoices": one, "others": {**one, "auth": other}}
    async with opened(FakeTransport(answer), endpoints=endpoints) as books:
        for _ in range(2):
            for endpoint, name in (("invoices", "token"), ("others", "other")):
                found = (await books.call(endpoint)).data
                assert found == [
                    {"url": f"https://{name}.example/v1/{name}/invoices", "signed": f"Bearer access-{name}"}
                ]
        with pytest.raises(ResponseError, match="a host that may not see the credentials"):
            books._connection.hosts.admit(Request("POST", "https://other.example/x", body={"a": 1}), "invoices")


async def test_what_comes_back_with_a_person():
    """A parameter of the way back is a fact, also for a connection that finds the token where it is kept."""
    auth = {**SIGN_IN["auth"], "grant": "authorization_code", "authorize_url": "https://id.example/authorize"}
    document = spec(**{
        **SIGN_IN, "auth": auth, "capture": {"team": "redirect.realmId"}, "base_url": "https://api.example",
    })  # fmt: skip
    async with simulated(document, records=3) as books:
        await books.call("invoices")
        assert books._connection.scope["connection"]["team"] == "team-000001"


async def test_a_simulated_address():
    """The simulator is where its token says."""
    async with simulated(spec(**SIGN_IN), records=3) as books:
        assert len([record async for record in books.read("invoices")]) == 3


@pytest.mark.parametrize(
    "more, what",
    [
        ({"auth": "none"}, "comes with a token, and no auth here signs with one"),
        (
            {"capture": {"home": "body.url"}},
            "'body.url' is not an address: unknown root 'body' (one of: redirect, token)",
        ),
        ({"capture": {"home": "token"}}, "'token' is not an address: say what of token: token.NAME"),
        ({"capture": {"home": 1}}, "must be a mapping"),
    ],
)
def test_sign_in_facts_are_checked(more, what):
    """What no sign-in can give is told when the spec is loaded."""
    with pytest.raises(SpecError) as caught:
        load(spec(**{**SIGN_IN, **more}))
    assert what in str(caught.value)
