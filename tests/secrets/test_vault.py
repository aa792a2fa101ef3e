"""`vault:`, against a server that answers as the documentation of Vault's key-value engine (version 2) says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from connector_core import Engine, SecretRef
from connector_core.engine.transport import AiohttpTransport
from connector_core.exceptions import ConfigError, ConnectionError, IntegrationError, UnavailableError
from connector_core.secrets import World
from connector_core.secrets.vault import Vault
from connector_core.testing import respond
from tests.secrets.test_brought import SPEC

TOKEN = "hvs.s3cr3t"
KEPT = {
    "/v1/secret/data/shop": {"token": "t0p", "count": 3, "key": {"id": "k"}, "none": None},
    "/v1/secret/data/a%20b/%C3%BC": {"token": "odd"},
    "/v1/team/kv/data/shop": {"token": "team's"},
}


def answer(fields: Any) -> dict[str, Any]:
    """What reading a version gives."""
    metadata = {
        "created_time": "2024-01-01T00:00:00Z",
        "custom_metadata": None,
        "deletion_time": "",
        "destroyed": False,
    }
    return {
        "request_id": "1",
        "lease_id": "",
        "renewable": False,
        "lease_duration": 0,
        "data": {"data": fields, "metadata": {**metadata, "version": 2}},
        "wrap_info": None,
        "warnings": None,
        "auth": None,
    }


def errors(status: int, *texts: str) -> web.Response:
    return web.json_response({"errors": list(texts)}, status=status)


@asynccontextmanager
async def serving() -> AsyncIterator[Any]:
    """A Vault on loopback: `seen` are its requests, and `instead` what it answers in place of a secret."""
    vault = SimpleNamespace(seen=[], instead=None, url="")

    async def handle(request: web.Request) -> web.Response:
        vault.seen.append(request)
        if vault.instead is not None:
            instead: web.Response = vault.instead()
            return instead
        if request.headers.get("X-Vault-Token") != TOKEN:
            return errors(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
        if request.headers.get("X-Vault-Request") != "true":
            return errors(412, "missing required request header")
        if (fields := KEPT.get(request.raw_path)) is None:
            return errors(404)
        return web.json_response(answer(fields))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    vault.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    transport = AiohttpTransport(network="loopback")
    vault.world = World(transport.send, lambda: 0.0)
    try:
        yield vault
    finally:
        await transport.aclose()
        await runner.cleanup()


@pytest.fixture
async def vault():
    async with serving() as vault:
        yield vault


@pytest.mark.parametrize(
    "rest, secret",
    [
        ("secret/shop#token", "t0p"),
        ("secret/data/shop#token", "t0p"),
        ("team/kv/data/shop#token", "team's"),
        ("secret/shop#count", "3"),
        ("secret/shop#key", '{"id":"k"}'),
    ],
)
async def test_a_field(vault, rest, secret):
    """Of the latest version; `data` may be left out behind a mount of one step. What is no text is told as JSON."""
    assert await Vault(address=f"{vault.url}/", token=TOKEN).fetch(rest, vault.world) == secret


async def test_an_odd_path(vault):
    """What a URL would read as something else is encoded; no step leads upwards."""
    assert await Vault(address=vault.url, token=TOKEN).fetch("secret/a b/ü#token", vault.world) == "odd"
    with pytest.raises(ConfigError, match=r"Vault has no secret/a\?b/c&d"):
        await Vault(address=vault.url, token=TOKEN).fetch("secret/a?b/c&d#token", vault.world)
    assert vault.seen[-1].raw_path == "/v1/secret/data/a%3Fb/c%26d"


async def test_from_the_environment(vault, monkeypatch):
    """The address, the token and the namespace are looked up each time: a token that is renewed is used."""
    for name in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError) as unknown:
        Vault().check("secret/shop#token")
    assert str(unknown.value) == "Vault is not known here: VAULT_ADDR is not set — export VAULT_ADDR first"
    monkeypatch.setenv("VAULT_ADDR", vault.url)
    with pytest.raises(ConfigError, match="VAULT_TOKEN is not set"):
        Vault().check("secret/shop#token")
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.setenv("VAULT_NAMESPACE", "team-a")
    Vault().check("secret/shop#token")
    assert await Vault().fetch("secret/shop#token", vault.world) == "t0p"
    assert vault.seen[0].headers["X-Vault-Namespace"] == "team-a"
    monkeypatch.setenv("VAULT_ADDR", "vault.example:8200")
    with pytest.raises(ConfigError, match="VAULT_ADDR is no address — such as"):
        Vault().check("secret/shop#token")


@pytest.mark.parametrize(
    "rest", ["secret/shop", "secret#token", "secret/#token", "secret/../sys#token", "/shop#t", "#t"]
)
def test_no_reference(rest):
    """One that does not say all three is told when a connection is opened."""
    with pytest.raises(ConfigError) as refused:
        Vault(address="https://vault.example", token=TOKEN).check(rest)
    assert str(refused.value) == (
        "the reference does not say which field of which secret of Vault's — "
        "such as vault:secret/shop#token: the engine's mount, the path, and the field"
    )


DELETED = {"data": {"data": None, "metadata": {"deletion_time": "2024-01-02T00:00:00Z", "destroyed": False}}}


@pytest.mark.parametrize(
    "instead, kind, text",
    [
        (lambda: errors(404), ConfigError, "Vault has no secret/shop — put it there first"),
        (lambda: web.json_response(DELETED, status=404), ConfigError, "Vault has no secret/shop — put it there first"),
        (
            lambda: errors(403, f"permission denied {TOKEN}"),
            ConfigError,
            (
                "Vault does not let its token read secret/shop — "
                "does VAULT_TOKEN hold, and does one of its policies allow that?"
            ),
        ),
        (lambda: errors(503, "Vault is sealed"), UnavailableError, "Vault answered 503 — is it up?"),
        (lambda: errors(429), UnavailableError, "Vault answered 429 — is it up?"),
        (lambda: errors(400, "bad"), ConfigError, "Vault answered 400 — is the address Vault's?"),
        (
            lambda: web.Response(text="<html>t0p</html>"),
            ConfigError,
            "what answers in Vault's place sends no JSON — is the address Vault's?",
        ),
        (
            lambda: web.json_response({"data": {"token": "t0p"}}),
            ConfigError,
            (
                "Vault's secret/shop is no secret of a key-value engine of version 2 — "
                "such as vault:secret/shop#token: the engine's mount, the path, and the field"
            ),
        ),
        (
            lambda: web.json_response(answer({"tokn": "t0p", "b": "t0p"})),
            ConfigError,
            "Vault's secret/shop has no field token — its fields are b, tokn",
        ),
    ],
    ids=["never", "deleted", "refused", "sealed", "busy", "bad", "another server", "version 1", "another field"],
)
async def test_no_secret(vault, instead, kind, text):
    """What Vault says in its place is told in words, without the token and without any secret's value."""
    vault.instead = instead
    with pytest.raises(IntegrationError) as failed:
        await Vault(address=vault.url, token=TOKEN).fetch("secret/shop#token", vault.world)
    assert (type(failed.value), str(failed.value)) == (kind, text)


async def test_a_field_without_a_value(vault):
    """None is no secret."""
    with pytest.raises(ConfigError, match="has no field none — its fields are count, key, none, token"):
        await Vault(address=vault.url, token=TOKEN).fetch("secret/shop#none", vault.world)


async def test_a_standby_node(vault):
    """It redirects to the active node, which is asked with the same token; once, and never from https to http."""
    async with serving() as active:
        vault.instead = lambda: web.Response(status=307, headers={"Location": f"{active.url}/v1/secret/data/shop"})
        assert await Vault(address=vault.url, token=TOKEN).fetch("secret/shop#token", vault.world) == "t0p"
        active.instead = vault.instead
        with pytest.raises(ConfigError, match="Vault answered 307"):
            await Vault(address=vault.url, token=TOKEN).fetch("secret/shop#token", vault.world)
        assert len(active.seen) == 2

    async def moved(_request: Any) -> Any:
        return respond(307, json={}, headers={"Location": "http://vault.example/v1/secret/data/shop"})

    with pytest.raises(ConfigError, match="Vault redirects to where its token would not be safe"):
        await Vault(address="https://vault.example", token=TOKEN).fetch("secret/shop#t", World(moved, lambda: 0.0))


async def test_nobody_there():
    """A Vault that cannot be reached is a ConnectionError, as with any service."""
    transport = AiohttpTransport(network="loopback")
    with pytest.raises(ConnectionError):
        await Vault(address="http://127.0.0.1:9", token=TOKEN).fetch(
            "secret/shop#t", World(transport.send, lambda: 0.0)
        )
    await transport.aclose()


async def test_in_an_engine(vault):
    """The engine's own transport reaches it, whatever addresses its connections may reach."""
    spec = {**SPEC, "base_url": vault.url, "endpoints": {"things": {"get": "/v1/secret/data/shop"}}}
    async with (
        Engine(secret_backends=[Vault(address=vault.url, token=TOKEN)]) as engine,
        engine.open(spec, secrets={"token": SecretRef("vault:secret/shop#token")}, network="loopback") as demo,
    ):
        with pytest.raises(IntegrationError):
            await demo.call("things")  # the demo shows no X-Vault-Token
    assert vault.seen[-1].headers["Authorization"] == "Bearer t0p"
    async with (
        Engine(secret_backends=[Vault(address=vault.url, token=TOKEN)]) as engine,
        engine.open(spec, secrets={"token": SecretRef("vault:secret/shop#token")}) as demo,
    ):
        with pytest.raises(ConnectionError, match="loopback"):
            await demo.call("things")
    assert [request.headers.get("X-Vault-Token") for request in vault.seen] == [TOKEN, None, TOKEN]


def test_repr():
    """Its options are not shown."""
    assert TOKEN not in repr(Vault(address="https://vault.example", token=TOKEN))
