"""What one account has and another must never see: tokens, cookies, answers, challenges, budgets, facts and secrets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connector_core import Engine
from connector_core.exceptions import CircuitOpenError, IntegrationError, ResponseError
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, VirtualClock, effects, respond
from tests.attacks.service import HOME, PLACEMENTS, SECRETS, document
from tests.engine.servers import answer, serving


def account(name: str) -> dict[str, str]:
    return {key: f"{value}-of-{name}" for key, value in SECRETS.items()}


def shows(request: Request, name: str) -> bool:
    """Whether anything of that account is in the request."""
    written = f"{request.target} {dict(request.headers)} {request.content!r}"
    return f"-of-{name}" in written or f"issued-to-{name}" in written


def service(request: Request) -> Response:
    """Gives each account a token and a cookie of its own."""
    if request.url == f"{HOME}/token":
        name = next(name for name in ("ann", "bob") if f"client_id={SECRETS['id']}-of-{name}" in str(request.content))
        return respond(
            json={"access_token": f"issued-to-{name}", "token_type": "Bearer", "tenant": f"tenant-of-{name}"}
        )
    whose = str(request.headers.get("Authorization"))
    return respond(json={"whose": whose}, headers={"Set-Cookie": f"sid=cookie for {whose}", "ETag": '"1"'})


OAUTH2 = {**PLACEMENTS["oauth2"]["auth"], "client_auth": "post"}


@pytest.mark.parametrize("placement", [name for name in PLACEMENTS if name not in ("oauth2", "digest")])
async def test_two_accounts_in_one_engine(placement):
    """Side by side and in turns, each request carries the secrets of its own account alone."""
    transport = FakeTransport(lambda _: respond(json={}))
    spec = document(**PLACEMENTS[placement])
    async with (
        Engine(effects=effects(transport)) as engine,
        engine.open(spec, secrets=account("ann"), id="ann") as ann,
        engine.open(spec, secrets=account("bob"), id="bob") as bob,
    ):
        for one, name, other in [(ann, "ann", "bob"), (bob, "bob", "ann")] * 2:
            await one.call("thing")
            assert not shows(transport.requests[-1], other), name
        before = len(transport.requests)
        await asyncio.gather(*(one.call("thing") for one in (ann, bob) * 10))
    assert len(transport.requests) == before + 20
    assert not any(shows(request, "ann") and shows(request, "bob") for request in transport.requests)


async def test_tokens():
    """A token that was given to one account signs nothing of another, also where both ask at once."""
    transport = FakeTransport(service)
    spec = document(auth=OAUTH2)
    async with (
        Engine(effects=effects(transport)) as engine,
        engine.open(spec, secrets=account("ann"), id="ann") as ann,
        engine.open(spec, secrets=account("bob"), id="bob") as bob,
    ):
        found = await asyncio.gather(*(one.call("thing") for one in (ann, bob) * 10))
    assert [result.data["whose"] for result in found] == ["Bearer issued-to-ann", "Bearer issued-to-bob"] * 10
    assert len([request for request in transport.requests if request.url.endswith("/token")]) == 2


async def test_tokens_of_accounts_that_are_called_the_same():
    """Two connections without a name of their own are told apart by their secrets, not by the name that they share."""
    transport = FakeTransport(service)
    spec = document(auth=OAUTH2)
    async with Engine(effects=effects(transport)) as engine:
        for name in ("ann", "bob"):
            async with engine.open(spec, secrets=account(name)) as one:
                assert (await one.call("thing")).data["whose"] == f"Bearer issued-to-{name}"


@pytest.mark.parametrize("tenants", [("a", "b"), ("b", "a")])
async def test_tokens_of_two_tenants_of_one_client(tenants):
    """The same client at two tenants, which config tells apart, has a token of each."""

    def answered(request: Request) -> Response:
        if request.url.startswith("https://id.example/"):
            return respond(json={"access_token": f"issued-for-{request.url.rpartition('/')[2]}"})
        return respond(json=request.headers["Authorization"])

    auth = {**OAUTH2, "token_url": "https://id.example/{{ config.tenant }}"}
    spec = document(auth=auth, config={"tenant": {"type": "string"}})
    async with Engine(effects=effects(FakeTransport(answered))) as engine:
        for tenant in tenants:
            async with engine.open(spec, secrets=SECRETS, config={"tenant": tenant}) as one:
                assert (await one.call("thing")).data == f"Bearer issued-for-{tenant}"


async def test_kept_answers():
    """An answer that is kept for one account is not another's, whatever else is the same."""
    transport = FakeTransport(service)
    spec = document({"cache": {"type": "private", "ttl": "1h"}}, **PLACEMENTS["bearer"])
    async with Engine(effects=effects(transport)) as engine:
        async with engine.open(spec, secrets=account("ann"), id="same") as ann:
            first = (await ann.call("thing")).data
        async with engine.open(spec, secrets=account("bob"), id="same") as bob:
            second = (await bob.call("thing")).data
    assert (first["whose"], second["whose"]) == (
        f"Bearer {SECRETS['token']}-of-ann",
        f"Bearer {SECRETS['token']}-of-bob",
    )
    assert "If-None-Match" not in transport.requests[-1].headers


async def test_facts():
    """What was captured from one account's token fills no template of another."""
    transport = FakeTransport(service)
    spec = document({"params": {"t": "{{ connection.tenant }}"}}, auth=OAUTH2, capture={"tenant": "token.tenant"})
    async with Engine(effects=effects(transport)) as engine:
        for name in ("ann", "bob", "ann"):
            async with engine.open(spec, secrets=account(name), id=name) as one:
                await one.call("thing")
            assert transport.requests[-1].query == (("t", f"tenant-of-{name}"),)


async def test_where_an_instance_is():
    """An address that came with one account's token opens no host to another's requests."""
    home = {"ann": "https://ann.example", "bob": "https://bob.example"}

    def answered(request: Request) -> Response:
        if request.url == "https://id.example/token":
            name = "ann" if "-of-ann" in str(request.content) else "bob"
            return respond(json={"access_token": f"issued-to-{name}", "home": home[name]})
        return (
            respond(302, headers={"Location": f"{home['ann']}/x"}, content=b"")
            if "bob" in request.url
            else respond(json={})
        )

    auth = {**OAUTH2, "token_url": "https://id.example/token"}
    spec = document(auth=auth, base_url="{{ connection.home }}", capture={"home": "token.home"})
    transport = FakeTransport(answered)
    async with (
        Engine(effects=effects(transport)) as engine,
        engine.open(spec, secrets=account("ann"), id="ann") as ann,
        engine.open(spec, secrets=account("bob"), id="bob") as bob,
    ):
        await ann.call("thing")
        with pytest.raises(ResponseError, match=r"was led to https://ann\.example:443, which is not one of its hosts"):
            await bob.call("thing")
    assert not any(shows(request, "bob") for request in transport.requests if request.url.startswith(home["ann"]))


async def test_challenges():
    """A nonce that one account was given is not answered by another."""

    def asking(request: Request) -> Response:
        if "Authorization" not in request.headers:
            name = "ann" if len(transport.requests) == 1 else "bob"
            return respond(401, headers={"WWW-Authenticate": f'Digest realm="r", nonce="nonce-of-{name}"'}, content=b"")
        return respond(json={})

    transport = FakeTransport(asking)
    spec = document(**PLACEMENTS["digest"])
    async with Engine(effects=effects(transport)) as engine:
        for name in ("ann", "bob"):
            async with engine.open(spec, secrets=account(name), id=name) as one:
                await one.call("thing")
    shown = [str(request.headers.get("Authorization", "")) for request in transport.requests]
    found = [("nonce-of-ann" in one, "nonce-of-bob" in one) for one in shown]
    assert found == [(False, False), (True, False), (False, False), (False, True)]


async def test_cookies():
    """No cookie that a service sets comes back to it, not even from the same account: a spec says what is sent."""
    async with serving(answer(b"{}", "Set-Cookie: sid=of-ann; Path=/")) as server, Engine(network="loopback") as engine:
        for name in ("ann", "bob", "ann"):
            opening: Any = engine.open(document(base_url=server.url), secrets=account(name), id=name)
            async with opening as one:
                await one.call("thing")
    assert [server.header("Cookie", at) for at in range(3)] == [[], [], []]


async def test_budgets():
    """A refusal, an open circuit or a used up rate holds back the account that met it, and no other."""
    clock = VirtualClock()

    def busy(request: Request) -> Response:
        return respond(500) if "-of-ann" in str(request.headers) else respond(json={})

    limits: dict[str, Any] = {
        "rate_limit": {"rates": ["4/hour"], "max_wait": "1s"},
        "circuit_breaker": {"type": "count_window", "window": 2, "minimum": 2},
        "retry": {"attempts": 1},
    }
    spec = document(**PLACEMENTS["bearer"], **limits)
    async with (
        Engine(effects=effects(FakeTransport(busy), clock=clock)) as engine,
        engine.open(spec, secrets=account("ann"), id="ann") as ann,
        engine.open(spec, secrets=account("bob"), id="bob") as bob,
    ):
        for _ in range(2):
            with pytest.raises(IntegrationError):
                await ann.call("thing")
        with pytest.raises(CircuitOpenError):
            await ann.call("thing")
        for _ in range(2):
            assert (await bob.call("thing")).data == {}


async def test_masks():
    """Each account's errors mask the secret that a service quotes, which is its own."""

    def quoting(request: Request) -> Response:
        return respond(400, json={"message": f"no: {request.headers['Authorization']}"})

    spec = document(**PLACEMENTS["bearer"])
    async with Engine(effects=effects(FakeTransport(quoting))) as engine:
        for name in ("ann", "bob"):
            async with engine.open(spec, secrets=account(name), id=name) as one:
                with pytest.raises(IntegrationError) as told:
                    await one.call("thing")
            assert SECRETS["token"] not in str(told.value)


async def test_engines():
    """Two engines share nothing at all, also where they were given the same effects."""
    given = effects(FakeTransport(service))
    spec = document(auth=OAUTH2)
    async with Engine(effects=given) as first, Engine(effects=given) as second:
        assert first._effects._transports is not second._effects._transports
        async with first.open(spec, secrets=account("ann")) as ann, second.open(spec, secrets=account("bob")) as bob:
            found = [(await one.call("thing")).data["whose"] for one in (ann, bob)]
    assert found == ["Bearer issued-to-ann", "Bearer issued-to-bob"]
