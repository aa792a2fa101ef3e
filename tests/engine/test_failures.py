"""Every way in which an exchange fails, through every method: one of our exceptions, and no secret anywhere in it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
import pytest

from connector_core import Connector
from connector_core import blocking as blocked
from connector_core.engine.effects import Effects
from connector_core.engine.thread import LoopThread
from connector_core.engine.transport import AiohttpTransport
from connector_core.exceptions import (
    AuthenticationError,
    ConfigError,
    ConnectionError,
    IntegrationError,
    RateLimitError,
    ResponseError,
    ServerError,
    TimeoutError,
)
from connector_core.testing import Chaos
from tests.engine.servers import Act, answer, serving, then_close, then_reset, then_silence
from tests.engine.test_transport import CERTIFICATE, HALF, HEAD, dripping

SECRET = "s3cr3t/canary+1"
SHOWN = {
    SECRET,
    quote(SECRET, safe=""),
    base64.b64encode(f"user:{SECRET}".encode()).decode(),
}
"""What no text may hold."""
AUTHS: dict[str, dict[str, Any]] = {
    "query": {"type": "api_key", "put": "query.key", "value": "{{ secrets.token }}"},
    "header": {"type": "bearer", "token": "{{ secrets.token }}"},
    "basic": {"type": "basic", "username": "user", "password": "{{ secrets.token }}"},
    "cookie": {"type": "api_key", "put": "cookie.sid", "value": "{{ secrets.token }}"},
}
METHODS: dict[str, Callable[[Connector], Awaitable[Any]]] = {
    "call": lambda demo: demo.call("make", {"name": "a"}),
    "call of a read": lambda demo: demo.call("things"),
    "read": lambda demo: anext(demo.read("things")),
    "pages": lambda demo: anext(demo.pages("things")),
    "for_each": lambda demo: anext(demo.read("parts")),
    "job": lambda demo: anext(demo.read("export")),
    "steps": lambda demo: demo.call("both", {"name": "a"}),
    "batch": lambda demo: demo.call("bulk", {"items": [1, 2]}),
    "capture": lambda demo: anext(demo.read("captured")),
    "endpoints": lambda demo: demo.endpoints(),
    "discovered": lambda demo: anext(demo.read("table_1")),
}


def spec(auth: dict[str, Any]) -> dict[str, Any]:
    """Endpoints of every shape."""
    one = {"input": {"name": {"type": "string"}}, "body": {"json": {"name": "{{ input.name }}"}}}
    return {
        "connector": "1",
        "name": "demo",
        "config": {"url": {"type": "string"}},
        "secrets": {"token": {"description": "A token"}},
        "base_url": "{{ config.url }}",
        "auth": auth,
        "records": "body.data",
        "capture": {"tenant": {"call": "tenants", "take": "body.id"}},
        "endpoints": {
            "things": {"get": "/things", "pagination": {"type": "page_number", "pages": "body.pages"}},
            "parts": {"get": "/parts/{{ thing.id }}", "for_each": {"endpoint": "things", "as": "thing"}},
            "tables": {
                "get": "/tables/{{ thing.id }}",
                "for_each": {"endpoint": "things", "as": "thing", "name": "table_{{ thing.id }}"},
            },
            "tenants": {"get": "/tenants", "output": "body"},
            "captured": {"get": "/{{ connection.tenant }}/things"},
            "export": {
                "job": {
                    "start": {"post": "/exports"},
                    "poll": {"get": "/exports/{{ job.start.id }}"},
                    "done": "body.done",
                    "every": "1s",
                    "result": {"get": "/rows"},
                },
            },
            "make": {"post": "/make", **one},
            "both": {"input": one["input"], "steps": [{"call": "make", "input": {"name": "{{ input.name }}"}}]},
            "bulk": {
                "post": "/bulk",
                "input": {"items": {"type": "array"}},
                "batch": {"of": "{{ input.items }}", "size": 1, "put": "body.items"},
            },
        },
    }


def connected(url: str, auth: str = "query", **limits: float) -> Any:
    """A connector that has little patience, and whose waits pass at once."""

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    patience = {"read_timeout": 0.05, "timeout": 0.15, **limits}
    effects = Effects(transport=lambda network: AiohttpTransport(network=network, **patience), sleep=at_once)  # type: ignore[arg-type]
    return Connector.open(
        spec(AUTHS[auth]), config={"url": url}, secrets={"token": SECRET}, network="loopback", effects=effects
    )


def texts(error: BaseException) -> Iterator[str]:
    """Everything of an exception, and of those behind it, that a log or a tool would write."""
    seen: BaseException | None = error
    while seen is not None:
        yield from (str(seen), repr(seen), repr(seen.args), repr(vars(seen)))
        assert isinstance(seen, IntegrationError), repr(seen)
        seen = seen.__cause__ or seen.__context__
    for frame in traceback.TracebackException.from_exception(error, capture_locals=True).stack:
        if "connector_core" in frame.filename:
            yield from (frame.locals or {}).values()


def checked(error: Any) -> IntegrationError:
    """The error, after looking for what it must not hold."""
    assert isinstance(error, IntegrationError), repr(error)
    for text in texts(error):
        assert not [form for form in SHOWN if form in text], text
    return error


async def failed(method: str, demo: Connector) -> IntegrationError:
    """The error that the method ends in."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - which one it is, is what is asked
        await METHODS[method](demo)
    return checked(caught.value)


# ── what each failure is called ───────────────────────────────────────────────────────────────────


class Expected(NamedTuple):
    """What an exception says of itself."""

    kind: type[IntegrationError]
    code: str
    phase: str | None
    retryable: bool


CLOSED = Expected(ConnectionError, "connection.closed", "sent", True)
RESET = Expected(ConnectionError, "connection.reset", "sent", True)
TRUNCATED = Expected(ConnectionError, "connection.truncated", "answered", True)
HEADS = b"HTTP/1.1 200 OK\r\nContent-Type: appl"

FAULTS: dict[str, tuple[str, Expected]] = {
    "reset": ("reset", RESET),
    "closed before headers": ("closed", CLOSED),
    "truncated body": ("truncate=0B", TRUNCATED),
    "never answers": ("timeout", Expected(TimeoutError, "timeout.read", "sent", True)),
    "outage": ("down", RESET),
    "429": ("429=1000s", Expected(RateLimitError, "http.429", None, True)),
    "500": ("500", Expected(ServerError, "http.500", None, True)),
    "503": ("503", Expected(ServerError, "http.503", None, True)),
    "401": ("401", Expected(AuthenticationError, "http.401", None, False)),
}
"""What the proxy does."""
ANSWERS: dict[str, tuple[bytes | Act, Expected]] = {
    "truncated headers": (then_close(HEADS), CLOSED),
    "reset in headers": (then_reset(HEADS), RESET),
    "reset in body": (then_reset(HEAD + HALF), TRUNCATED),
    "slow read": (then_silence(HEAD + HALF), Expected(TimeoutError, "timeout.read", "answered", True)),
    "total timeout": (dripping, Expected(TimeoutError, "timeout.total", "answered", True)),
    "no HTTP": (then_close(b"220 mail.example\r\n\r\n"), Expected(ResponseError, "response.malformed", None, False)),
    "large headers": (
        answer(b"{}", "X-Long: " + "x" * 9000),
        Expected(ResponseError, "response.headers", None, False),
    ),
    "no gzip": (answer(b"{}", "Content-Encoding: gzip"), Expected(ResponseError, "response.encoding", None, False)),
    "half a gzip": (
        answer(gzip.compress(b'{"data": []}')[:-4], "Content-Encoding: gzip"),
        TRUNCATED,
    ),
    "no JSON": (answer(b'{"data": ['), Expected(ResponseError, "response.undecodable", None, False)),
    "HTML": (
        answer(b"<html>oops</html>", "Content-Type: text/html"),
        Expected(ResponseError, "response.undecodable", None, False),
    ),
    "a secret comes back": (
        answer(b'{"message": "no such token: s3cr3t/canary+1"}', status="401 No"),
        Expected(AuthenticationError, "http.401", None, False),
    ),
    "a circle of redirects": (
        answer(b"", "Location: /things?key=s3cr3t/canary%2B1", status="307 Elsewhere"),
        Expected(ResponseError, "redirect.loop", None, False),
    ),
    "led astray": (
        answer(b"", "Location: http://user:s3cr3t/canary@127.0.0.1:1/", status="307 Elsewhere"),
        Expected(ResponseError, "host.invalid", None, False),
    ),
}
"""What a server does."""


def as_expected(error: IntegrationError, expected: Expected) -> None:
    """Compares what the error says of itself."""
    found = Expected(type(error), error.code, getattr(error, "phase", None), error.retryable)
    assert found == expected, str(error)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", FAULTS)
async def test_through_the_proxy(name, method):
    """The class, code, phase and whether it may pass are the same whichever method was asked; nothing is shown."""
    faults, expected = FAULTS[name]
    good = answer(b'{"data": [{"id": 1}], "id": 1, "pages": 1}')
    async with serving(good) as server, Chaos(server.url, faults) as proxy, connected(proxy.url) as demo:
        as_expected(await failed(method, demo), expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ANSWERS)
async def test_from_a_server(name, method):
    """So is it for everything that only a server can do wrong."""
    item, expected = ANSWERS[name]
    async with serving(item) as server, connected(server.url) as demo:
        as_expected(await failed(method, demo), expected)


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("faults", ["reset", "truncate", "503", "401", "timeout"])
async def test_wherever_credentials_are(auth, faults):
    """Query, header, cookie: neither the exception nor the variables of our frames show them."""
    good = answer(b'{"data": []}')
    async with serving(good) as server, Chaos(server.url, faults) as proxy, connected(proxy.url, auth) as demo:
        await failed("call", demo)
        await failed("read", demo)


# ── before anything is sent ───────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def refusing() -> AsyncIterator[str]:
    """Where nobody listens."""
    async with serving(answer()) as server, Chaos(server.url) as proxy:
        await proxy.stop()
        yield proxy.url


@asynccontextmanager
async def greeting() -> AsyncIterator[str]:
    """What does not speak TLS."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        writer.close()

    listener = await asyncio.start_server(greet, "127.0.0.1", 0)
    yield f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    listener.close()
    await listener.wait_closed()


@asynccontextmanager
async def unvouched() -> AsyncIterator[str]:
    """What has a certificate that nobody vouches for."""
    import tempfile

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(CERTIFICATE)
        file.flush()
        tls.load_cert_chain(file.name)
    async with serving(answer(), tls=tls) as server:
        yield f"https://{server.address}"


@asynccontextmanager
async def nameless() -> AsyncIterator[str]:
    """What has no address."""
    yield "https://api.shop.invalid"


UNSENT: dict[str, tuple[Any, Expected]] = {
    "refused": (refusing, Expected(ConnectionError, "connection.refused", "unsent", True)),
    "TLS": (greeting, Expected(ConnectionError, "connection.tls", "unsent", True)),
    "certificate": (unvouched, Expected(ConnectionError, "connection.certificate", "unsent", False)),
    "DNS": (nameless, Expected(ConnectionError, "connection.dns", "unsent", True)),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", UNSENT)
async def test_unsent(name, method, monkeypatch):
    """What never left is told as that."""
    place, expected = UNSENT[name]
    if name == "DNS":

        async def resolve(*_: Any, **__: Any) -> Any:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    async with place() as url, connected(url, read_timeout=2, timeout=2) as demo:
        as_expected(await failed(method, demo), expected)


@pytest.mark.parametrize("auth", ["header", "cookie"])
async def test_a_secret_that_cannot_be_sent(auth):
    """A line break in a secret is told without the secret, in every form of a traceback."""
    opening = Connector.open(
        spec(AUTHS[auth]), config={"url": "http://127.0.0.1:1"}, secrets={"token": f"{SECRET}\n"}, network="loopback"
    )
    async with opening as demo:
        assert isinstance(await failed("call", demo), ConfigError)


async def test_a_secret_of_the_wrong_type():
    """What is refused when opening is not shown either."""
    opening = Connector.open(spec(AUTHS["query"]), config={}, secrets={"token": [SECRET]})
    with pytest.raises(ConfigError) as caught:
        await opening.__aenter__()
    checked(caught.value)


def test_without_async():
    """The same exceptions come out of the thread, and hold no more."""

    async def proxied() -> tuple[Any, Any]:
        server = serving(answer(b'{"data": []}'))
        proxy = Chaos((await server.__aenter__()).url, "reset")
        return server, await proxy.__aenter__()

    loop = LoopThread()
    server, proxy = loop.run(proxied())
    try:
        with blocked.Connector.open(
            spec(AUTHS["query"]), config={"url": proxy.url}, secrets={"token": SECRET}, network="loopback"
        ) as demo:
            calls: dict[str, dict[str, Any]] = {"make": {"name": "a"}, "bulk": {"items": [1]}}
            for endpoint, given in calls.items():
                with pytest.raises(ConnectionError) as caught:
                    demo.call(endpoint, given)
                as_expected(checked(caught.value), RESET)
            proxy.change("401")
            with pytest.raises(AuthenticationError) as refused:
                next(demo.read("things"))
            checked(refused.value)
    finally:
        loop.run(proxy.__aexit__(None, None, None))
        loop.run(server.__aexit__(None, None, None))
        loop.end()
