"""Connections that were set up, opened by name: what the file says holds unless the app says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector_core import Connector, Engine, SecretRef
from connector_core.connections import Connections
from connector_core.exceptions import ConfigError, ConnectionError
from connector_core.testing import FakeTransport, effects, respond

SPEC = """\
connector: "1"
name: demo
config: {url: {type: string, format: uri}, size: {type: integer, default: 10}}
secrets: {token: {}}
base_url: "{{ config.url }}"
auth: {type: bearer, token: "{{ secrets.token }}"}
retry: {attempts: 1}
environments: {sandbox: {base_url: https://sandbox.example}}
endpoints:
  things: {get: "/things/{{ config.size }}", records: body}
"""
CONNECTIONS = """\
connections:
  ann:
    connector: demo.yaml
    config: {url: https://ann.example, size: 5}
    secrets: {token: env:DEMO_ANN}
  tried: {connector: demo.yaml, environment: sandbox, config: {url: https://x.example}, secrets: {token: env:DEMO_ANN}}
  near:
    connector: demo.yaml
    config: {url: http://127.0.0.1:9}
    secrets: {token: env:DEMO_ANN}
    network: loopback
  wrong: {connector: demo.yaml, config: {size: many}}
  lost: {connector: nowhere}
  known: {connector: shop}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, beside its spec; its secret is in the environment."""
    (tmp_path / "demo.yaml").write_text(SPEC, "utf-8")
    (tmp_path / "connections.yaml").write_text(CONNECTIONS, "utf-8")
    monkeypatch.setenv("DEMO_ANN", "token-of-ann")
    return tmp_path / "connections.yaml"


@pytest.fixture
def service() -> FakeTransport:
    return FakeTransport(lambda _request: respond(json=[]))


async def test_by_name(path, service):
    """Spec, config and secrets are what the file says; its name is the connection's id."""
    async with (
        Engine(effects=effects(service), connections=path) as engine,
        engine.open("ann") as ann,
        engine.open("tried") as tried,
    ):
        assert repr(ann) == "Connector('demo', id='ann')"
        await ann.call("things")
        await tried.call("things")
    assert [request.url for request in service.requests] == [
        "https://ann.example/things/5",
        "https://sandbox.example/things/10",
    ]
    assert service.requests[0].headers["Authorization"] == "Bearer token-of-ann"


async def test_what_the_app_says_wins(path, service):
    """One value of config, one secret, the id and the environment, over those of the file."""
    async with Connector.open(
        "ann",
        connections=Connections(path),
        effects=effects(service),
        config={"size": 7},
        secrets={"token": "another"},
        environment="sandbox",
        id="ann-2",
    ) as ann:
        assert repr(ann) == "Connector('demo', id='ann-2')"
        await ann.call("things")
    [request] = service.requests
    assert request.url == "https://sandbox.example/things/7"
    assert request.headers["Authorization"] == "Bearer another"


async def test_its_network_is_its_own(path):
    """A connection that may reach this machine may; the engine's others may not, unless the app says so."""
    async with Engine(connections=path) as engine:
        async with engine.open("near") as near:
            with pytest.raises(ConnectionError, match="refused"):
                await near.call("things")
        async with engine.open("ann", config={"url": "http://127.0.0.1:9"}) as ann:
            with pytest.raises(ConnectionError, match="is a loopback address"):
                await ann.call("things")
        async with engine.open("near", network="public") as near:
            with pytest.raises(ConnectionError, match="is a loopback address"):
                await near.call("things")


async def test_a_name_that_no_connection_has(path, service):
    """It is a spec's, as it would be without the file; so is what is given in any other way."""
    async with (
        Engine(effects=effects(service), connections=path, specs=[path.parent]) as engine,
        engine.open("demo", config={"url": "https://x.example"}, secrets={"token": "t"}) as demo,
    ):
        assert repr(demo) == "Connector('demo', id='demo')"


@pytest.mark.parametrize(
    "name, line, what",
    [
        ("wrong", 12, "config url is missing"),
        ("lost", 13, "there is no spec named 'nowhere'"),
        ("known", 14, "config shop_url is missing"),
    ],
)
async def test_what_is_wrong_with_it_is_told_where_it_stands(path, name, line, what):
    """The message leads to the file, at the line of the connection."""
    async with Engine(connections=path) as engine:
        with pytest.raises(ConfigError) as wrong:
            await engine.open(name).__aenter__()
    assert what in wrong.value.what
    assert wrong.value.where == f"{path}:{line}:3"


async def test_config_that_is_no_mapping(path):
    """It is refused as it is without the file."""
    async with Engine(connections=path) as engine:
        with pytest.raises(ConfigError, match="config values are given by name"):
            await engine.open("ann", config=["url"]).__aenter__()  # type: ignore[arg-type]  # the mistake


async def test_secrets_of_the_file_are_references(path):
    """What the file names is looked up where it says, and nowhere else."""
    async with Engine(connections=path, secret_backends=["file"]) as engine:
        with pytest.raises(ConfigError, match="the schemes here are file") as wrong:
            await engine.open("ann").__aenter__()
    assert "token-of-ann" not in str(wrong.value)
    assert Connections(path)["ann"].secrets == {"token": SecretRef("env:DEMO_ANN")}
