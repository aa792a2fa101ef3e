"""Which backends there are, and which may be used."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core import Connector, Engine, SecretRef
from connector_core.exceptions import ConfigError
from connector_core.secrets import Backend, Backends, built_in
from connector_core.testing import effects, respond
from tests.secrets.test_brought import SPEC


class Drawer(Backend):
    scheme = "drawer"

    async def fetch(self, rest: str, world: Any) -> str:  # noqa: ARG002 - nobody is asked
        return f"what is in {rest}"


def test_found_by_file():
    """Every module beside those that all share is a backend: its class says the scheme that the file is named for."""
    assert list(built_in()) == ["aws-sm", "env", "file", "keyring", "store", "vault"]
    for scheme, backend in Backends().items():
        assert backend.scheme == scheme
        assert type(backend).__module__ == f"connector_core.secrets.{scheme.replace('-', '_')}"
        assert type(backend).__doc__


def test_allowed():
    """Without a word all may be used; else those named, and those with options of one's own."""
    everything = Backends(brought={"acme": str})
    assert set(everything) == {*built_in(), "acme"}
    some = Backends(["env", "acme", drawer := Drawer()], {"acme": str})
    assert set(some) == {"env", "acme", "drawer"}
    assert some["drawer"] is drawer
    assert list(Backends([])) == []


@pytest.mark.parametrize(
    "wrong, text",
    [
        (
            "emv",
            "'emv' is no backend of secrets, did you mean 'env'? — Engine(secret_backends=…) — name some of aws-sm, ",
        ),
        ([Drawer], "is no backend of secrets — Engine"),
    ],
)
async def test_what_cannot_be_allowed(wrong, text):
    """A scheme that nobody knows, and what is no backend."""
    engine = Engine(secret_backends=wrong if isinstance(wrong, list) else [wrong])
    with pytest.raises(ConfigError) as refused:
        async with engine.open(SPEC, secrets={"token": "t"}):
            pass
    assert text in str(refused.value)


async def test_what_is_not_allowed(monkeypatch):
    """A reference to it is refused when the connection is opened, with what is allowed, and not repeated."""
    monkeypatch.setenv("SHOP", "s3cr3t")
    async with Engine(secret_backends=["file", Drawer()]) as engine:
        with pytest.raises(ConfigError) as refused:
            async with engine.open(SPEC, secrets={"token": SecretRef("env:SHOP")}):
                pass
        async with engine.open(SPEC, secrets={"token": SecretRef("drawer:top")}):
            pass
    assert str(refused.value) == (
        "secret token: the reference leads to no place that may be asked for secrets — "
        "the schemes here are drawer, file; a secret itself is no reference"
    )


async def test_a_secret_in_place_of_a_reference():
    """A secret with a colon in it that is passed as a reference by mistake is not repeated."""
    with pytest.raises(ConfigError) as refused:
        async with Connector.open(
            SPEC, secrets={"token": SecretRef("key:s3cr3t")}, effects=effects(lambda _request: respond(json=[]))
        ):
            pass
    assert "s3cr3t" not in repr(refused.value)
    assert "key:" not in repr(refused.value)
