"""What one connection remembers, and what it never shares."""

from __future__ import annotations

import pytest

from connector_core import Connector, Engine
from connector_core.auth import Session
from connector_core.exceptions import ConfigError
from connector_core.testing import FakeTransport, effects, respond

SPEC = {
    "connector": "1",
    "name": "demo",
    "config": {"url": {"type": "string", "format": "uri"}, "team": {"type": "string", "default": "blue"}},
    "secrets": {"token": {"description": "from Settings"}},
    "base_url": "{{ config.url }}",
    "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
    "endpoints": {"things": {"get": "/things", "records": "body", "params": {"team": "{{ config.team }}"}}},
}


async def test_everything_missing_is_named_at_once():
    """Config and secrets that are missing or unknown are told before anything is sent."""
    transport = FakeTransport(lambda _: respond(json=[]))
    with pytest.raises(ConfigError) as wrong:
        async with Connector.open(SPEC, config={"ulr": "x"}, effects=effects(transport)):
            pass
    assert str(wrong.value) == (
        "'ulr' is not a declared config, did you mean 'url'?; config url is missing; "
        "secret token is missing (from Settings)"
    )
    with pytest.raises(ConfigError, match=r"secret token is missing \(from Settings\)"):
        async with Connector.open(SPEC, config={"url": "https://a.example"}, effects=effects(transport)):
            pass
    assert transport.requests == []


async def test_connections_share_an_engine_and_nothing_else():
    """Two accounts in one engine send their own config and credentials."""
    transport = FakeTransport(lambda _: respond(json=[{"id": 1}]))
    async with Engine(effects=effects(transport)) as engine:
        one = engine.open(SPEC, config={"url": "https://a.example"}, secrets={"token": "one"}, id="one")
        two = engine.open(SPEC, config={"url": "https://b.example", "team": "red"}, secrets={"token": "two"}, id="two")
        async with one as first, two as second:
            await first.call("things")
            await second.call("things")
    seen = [(r.url, dict(r.query)["team"], r.headers["Authorization"]) for r in transport.requests]
    assert seen == [
        ("https://a.example/things", "blue", "Bearer one"),
        ("https://b.example/things", "red", "Bearer two"),
    ]
    assert transport.closed


async def test_nothing_shows_a_secret():
    """Neither connector nor connection print what they were given."""
    transport = FakeTransport(lambda _: respond(json=[]))
    secrets = {"token": "s3cr3t-token"}
    async with Connector.open(
        SPEC, config={"url": "https://a.example"}, secrets=secrets, effects=effects(transport)
    ) as demo:
        await demo.call("things")
        assert "s3cr3t" not in repr(demo) + repr(vars(demo)) + repr(transport.requests)


async def test_a_secret_that_came_empty_is_told():
    """An empty credential is an error here, not a puzzling 401 there."""
    async with Connector.open(
        SPEC, config={"url": "https://a.example"}, secrets={"token": " "}, effects=effects(lambda _: respond(json=[]))
    ) as demo:
        with pytest.raises(ConfigError, match="the credential is empty"):
            await demo.call("things")


@pytest.mark.parametrize("url", ["ftp://a.example", "https://u:p@a.example", "https://a.example?x=1", "a.example"])
async def test_an_address_that_is_none_is_told_when_opening(url):
    """A config value that cannot be the base_url fails when the connector is opened."""
    with pytest.raises(ConfigError):
        async with Connector.open(
            SPEC, config={"url": url}, secrets={"token": "t"}, effects=effects(lambda _: respond(json=[]))
        ):
            pass


async def test_an_unknown_network_is_told_when_opening():
    """A misspelt network level is refused before anything is sent, and never taken for another."""
    with pytest.raises(ConfigError, match=r"unknown network 'loopbak', did you mean 'loopback'\?"):
        async with Connector.open({"connector": "1", "name": "demo"}, network="loopbak"):  # type: ignore[arg-type]  # the mistake
            pass


def test_a_session_shows_nothing():
    """What crash reporters print of a session holds neither secrets nor tokens."""
    assert repr(Session({"secrets": {"token": "t0ps3cret"}}, {"token": "t0ps3cret"})) == "Session()"


async def test_now_is_text_that_services_read():
    """`now` is RFC 3339 in UTC, cut to the second, and the same on every page of a reading."""
    spec = {**SPEC, "base_url": "https://a.example", "auth": "none", "config": {}, "secrets": {}}
    params = {"now": "{{ now }}", "since": "{{ now | add('-1d') | date('epoch_seconds') }}"}
    spec["endpoints"] = {"things": {"get": "/things", "records": "body", "params": params}}
    transport = FakeTransport(lambda _: respond(json=[]))
    world = effects(transport)
    world.now = lambda: 1_700_000_000.75
    async with Connector.open(spec, effects=world) as demo:
        await demo.call("things")
    assert dict(transport.requests[0].query) == {"now": "2023-11-14T22:13:20Z", "since": "1699913600"}
