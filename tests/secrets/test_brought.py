"""What plug-ins bring: functions that may wait."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from connector_core import Connector, Engine, SecretRef
from connector_core.exceptions import ConfigError, UnavailableError
from connector_core.hookspecs import hookimpl
from connector_core.secrets.brought import Brought
from connector_core.testing import FakeTransport, effects, respond
from tests.secrets.world import NOBODY

SPEC = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "secrets": {"token": {}},
    "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
    "endpoints": {"things": {"get": "/things", "records": "body"}},
}


def bringing(find: Any, scheme: str = "acme") -> Any:
    return SimpleNamespace(__name__="acme", register_secrets=hookimpl(lambda: {scheme: find}))


async def asked(find: Any, text: str = "acme:shop#token", **more: Any) -> str:
    """The Authorization header of a request whose token a plug-in's function gives."""
    transport = FakeTransport(lambda _request: respond(json=[]))
    secrets = {"token": SecretRef(text)}
    async with (
        Engine(effects=effects(transport), plugins=[bringing(find)], **more) as engine,
        engine.open(SPEC, secrets=secrets) as demo,
    ):
        await demo.call("things")
    return transport.requests[0].headers["Authorization"]


async def test_a_function():
    """It is given what stands after the scheme, and run in a thread that holds up no process."""
    seen: list[Any] = []

    def find(rest: str) -> str:
        seen.extend([rest, threading.current_thread()])
        return "s3cr3t"

    assert await asked(find) == "Bearer s3cr3t"
    assert seen[0] == "shop#token"
    assert seen[1] is not threading.main_thread()
    assert seen[1].daemon


async def test_a_function_that_hangs_holds_up_nobody():
    """Whoever waits for it may stop waiting; it ends when it ends."""
    go = threading.Event()
    waiting = asyncio.ensure_future(Brought("acme", lambda _rest: go.wait(60) and None).fetch("x", NOBODY))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()


@pytest.mark.parametrize(
    "find, text",
    [
        (
            lambda _rest: 1 / 0,
            (
                "secret token: the plug-in acme fails with ZeroDivisionError (test_brought.py, line {line}) — "
                "secrets of acme: — tell whoever made it"
            ),
        ),
        (lambda _rest: None, "secret token: there is no acme:shop#token — put it there first"),
        (
            lambda _rest: b"s3cr3t",
            "secret token: the plug-in that brings acme: gives a bytes for shop#token, no text — tell whoever made it",
        ),
    ],
)
async def test_a_function_that_fails(find, text):
    """The plug-in, the reference and the secret's name are told, and never a value."""
    with pytest.raises(ConfigError) as failed:
        await asked(find)
    assert str(failed.value) == text.format(line=find.__code__.co_firstlineno)


async def test_an_error_of_its_own():
    """One of ours that it raises keeps its kind: with UnavailableError a plug-in says that waiting may help."""

    def find(_rest: str) -> str:
        raise UnavailableError("acme's vault is sealed", code="acme.sealed")

    with pytest.raises(UnavailableError, match=r"^secret token: acme's vault is sealed$") as failed:
        await asked(find)
    assert failed.value.code == "acme.sealed"


async def test_built_in_backends_stay():
    """A plug-in takes the place of none: `env:` is what everybody takes it for."""
    with pytest.raises(ConfigError, match="the environment variable THEIRS is not set"):
        await asked(lambda _rest: "theirs", "env:THEIRS")


async def test_of_one_connector_alone():
    """The Python beside a spec brings no backend: who writes a spec has no say in where secrets are."""
    secrets = {"token": SecretRef("acme:x")}
    with pytest.raises(ConfigError, match="leads to no place that may be asked"):
        async with Connector.open(SPEC, secrets=secrets, effects=effects(lambda _request: respond(json=[]))):
            pass
