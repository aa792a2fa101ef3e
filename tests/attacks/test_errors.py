"""What libraries would tell of a failure: headers and queries (aiohttp), values (jsonschema); none is passed on."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

import connector_core
from connector_core import Connector
from connector_core.exceptions import ConfigError, IntegrationError
from tests.attacks.service import PLACEMENTS, SECRETS, document
from tests.engine.servers import Act, answer, serving, then_close, then_reset

HEAD = b"HTTP/1.1 200 OK\r\n"
PACKAGE = connector_core.__path__[0]
FAILURES: dict[str, bytes | Act] = {
    "no HTTP": then_close(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "closed": then_close(b""),
    "reset": then_reset(b""),
    "cut off": then_close(HEAD + b"Content-Length: 100\r\n\r\n{"),
    "a bad chunk": then_close(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "large headers": then_close(HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n"),
    "bad gzip": answer(b"x", "Content-Encoding: gzip"),
    "no JSON": answer(b"<html>"),
    "an error": answer(b"{}", status="500 Oops"),
    "a refusal": answer(b"{}", status="403 No"),
    "a redirect abroad": answer(b"", "Location: https://evil.example/", status="302 Found"),
}


def chain(error: BaseException) -> list[BaseException]:
    """The error and all that stands behind it, whether a traceback would show that or not."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        if (one := waiting.pop()) is not None and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__]
    return found


def told(error: BaseException) -> str:
    """All that a tool may write down of it: texts, attributes, and the variables of our own frames."""
    lines: list[str] = []
    for one in chain(error):
        lines += [str(one), repr(one), repr(vars(one)), *traceback.format_exception(one)]
        seen = traceback.TracebackException.from_exception(one, capture_locals=True)
        for frame in seen.stack:
            if frame.filename.startswith(PACKAGE):
                lines += [f"{name}={value}" for name, value in (frame.locals or {}).items()]
    return "\n".join(lines)


def holds_a_secret(text: str) -> bool:
    return any(secret in text for secret in (*SECRETS.values(), "issued-canary"))


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("placement", ["bearer", "query", "cookie", "basic", "a parameter of the spec", "aws query"])
async def test_a_failure_of_the_network(placement, failure, caplog):
    """No error, nothing behind it, no variable beside its traceback and no log holds what a request was signed with."""
    caplog.set_level(logging.DEBUG)
    async with serving(FAILURES[failure]) as server:
        spec = document({"retry": {"attempts": 1}}, base_url=server.url, **PLACEMENTS[placement])
        opening: Any = Connector.open(spec, secrets=SECRETS, network="loopback")
        async with opening as demo:
            with pytest.raises(IntegrationError) as caught:
                await demo.call("thing")
    assert len(server.heads) == 1
    assert not holds_a_secret(told(caught.value))
    assert not any(type(one).__module__.startswith("aiohttp") for one in chain(caught.value))
    assert not holds_a_secret(caplog.text)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": "object", "required": ["id"]},
        {"type": "string", "pattern": "^[A-Z]+$"},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string", "maxLength": 3},
        {"type": "string", "const": "x"},
        {"type": "string", "format": "uri"},
        {"not": {"type": "string"}},
        {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
    ],
    ids=str,
)
async def test_a_secret_that_does_not_fit(schema):
    """A secret of another form than is declared is told by its name and what it should be, never by its value."""
    spec = document(secrets={"token": schema}, auth={"type": "bearer", "token": "x"})
    opening: Any = Connector.open(spec, secrets={"token": SECRETS["token"]})
    with pytest.raises(ConfigError) as caught:
        await opening.__aenter__()
    assert "token" in str(caught.value)
    assert not holds_a_secret(told(caught.value))
    assert not any(type(one).__module__.startswith(("pydantic", "jsonschema")) for one in chain(caught.value))


@pytest.mark.parametrize(
    "given", [{"tokn": SECRETS["token"]}, {SECRETS["token"]: "x"}, [SECRETS["token"]], SECRETS["token"]]
)
async def test_secrets_that_are_given_wrong(given):
    """So are secrets under another name, and what is no mapping of secrets at all."""
    spec = document(secrets={"token": {}}, auth={"type": "bearer", "token": "{{ secrets.token }}"})
    opening: Any = Connector.open(spec, secrets=given)
    with pytest.raises(ConfigError) as caught:
        await opening.__aenter__()
    if not isinstance(given, dict) or "tokn" in given:
        assert SECRETS["token"] not in "\n".join(map(str, chain(caught.value)))
