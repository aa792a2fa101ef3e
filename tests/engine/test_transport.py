"""The transport against servers on loopback that misbehave in every way aiohttp knows of."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import ssl
import subprocess
import sys
import warnings
import zlib
from typing import Any

import aiohttp
import pytest

from connector_core.engine.transport import AiohttpTransport
from connector_core.exceptions import ConfigError, ConnectionError, IntegrationError, ResponseError, TimeoutError
from connector_core.http import Request
from tests.engine.servers import answer, chunked, serving, then_close, then_reset, then_silence

HEAD = b"HTTP/1.1 200 OK\r\n"
SECRET = "Bearer-canary"

# for localhost, signed by itself, made for this test
CERTIFICATE = """
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg89KLYVHAvRKi/lC2
HpFGVhP+54AAjxsoyqXlIbyOMbyhRANCAAR1OdQzvDGJcd5ItpXf1wTXvO906tuk
X/9pWQX5yBrc8xNWd9PT7KY0EHVPYko1rX1GVKAz1cAmntErkXMSbWj5
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUOkNZFFNS9IkgkdBTEbNMt3W1WJMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDAzNDUzMFoYDzIxMjYxMDMx
MDM0NTMwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR1OdQzvDGJcd5ItpXf1wTXvO906tukX/9pWQX5yBrc8xNWd9PT7KY0
EHVPYko1rX1GVKAz1cAmntErkXMSbWj5o28wbTAdBgNVHQ4EFgQU7Dd/1xJabKiK
aRU8hqDAZsHMTLMwHwYDVR0jBBgwFoAU7Dd/1xJabKiKaRU8hqDAZsHMTLMwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgQUF/K3KRm/yqZSJT4PsLXogzwqiqSmbS7V1nlA+ErOMCIQDy
Cwfj8KBk+su2E8RH9frFNGrr6R/mwDEC6PaA0X+pUw==
-----END CERTIFICATE-----
"""


def get(url: str, **about: Any) -> Request:
    """A request whose query and headers hold what no error may show."""
    return Request("GET", url, query=(("key", SECRET),), headers={"Authorization": SECRET}, **about)


@pytest.fixture
async def transport():
    made = AiohttpTransport(network="loopback")
    yield made
    await made.aclose()


@pytest.fixture
async def hasty():
    made = AiohttpTransport(network="loopback", read_timeout=0.1, timeout=0.3)
    yield made
    await made.aclose()


async def failure(transport: AiohttpTransport, request: Request) -> Any:
    """The error that this request ends in, checked for what every error has to keep."""
    with pytest.raises(IntegrationError) as caught:
        await transport.send(request)
    error = caught.value
    assert SECRET not in f"{error} {error!r} {vars(error)}"
    assert (error.__cause__, error.__context__) == (None, None)
    return error


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────


async def test_exchange(transport):
    """A request goes out as it is, and the answer comes back whole."""
    async with serving(answer(b'{"id": 1}', "X-One: a", "X-One: b")) as server:
        request = Request("GET", f"{server.url}/orders", query=(("q", "a b"), ("q", "ü")), headers={"X-Token": "t"})
        response = await transport.send(request)
    assert (response.status, response.content, response.headers.all("x-one")) == (200, b'{"id": 1}', ["a", "b"])
    assert response.request is request
    assert 0 < response.elapsed < 5
    line, *fields = server.heads[0].strip().split("\r\n")
    assert line == "GET /orders?q=a%20b&q=%C3%BC HTTP/1.1"
    assert [field.split(":")[0] for field in fields] == ["Host", "User-Agent", "Accept", "Accept-Encoding", "X-Token"]
    assert server.header("User-Agent")[0].startswith("connector-core/")
    assert server.header("Accept-Encoding")[0].startswith("gzip, deflate")


@pytest.mark.parametrize(
    "about, body, content_type",
    [
        ({"encoding": "json", "body": {"a": "ü"}}, '{"a":"ü"}'.encode(), ["application/json"]),
        ({"encoding": "form", "body": [("a", "b c")]}, b"a=b%20c", ["application/x-www-form-urlencoded"]),
        ({"encoding": "bytes", "body": b"\x00\xff"}, b"\x00\xff", ["application/octet-stream"]),
        (
            {"encoding": "json", "body": 1, "headers": {"content-type": "application/vnd.x+json"}},
            b"1",
            ["application/vnd.x+json"],
        ),
        ({}, b"", []),
    ],
    ids=["json", "form", "bytes", "declared", "none"],
)
async def test_body(transport, about, body, content_type):
    """A body goes out as its bytes with the type that its encoding has, or that is declared."""
    async with serving(answer()) as server:
        await transport.send(Request("POST", server.url, **about))
    assert (server.bodies, server.header("Content-Type")) == ([body], content_type)
    assert server.header("Content-Length") == [str(len(body))]


async def test_own_headers_win(transport):
    """A header of the request replaces the transport's own, however it is spelt."""
    async with serving(answer()) as server:
        await transport.send(Request("GET", server.url, headers={"user-agent": "mine", "ACCEPT": "text/csv"}))
    assert (server.header("User-Agent"), server.header("Accept")) == (["mine"], ["text/csv"])


@pytest.mark.parametrize("path", ["/a/../b", "/a/%2e%2e/b", "/a%2Fb", "//a//b", "/a/./b/", "/%E2%82%AC;x=1,2@3"])
async def test_path_as_it_is(transport, path):
    """No path is rewritten on its way: what was checked is what is sent."""
    async with serving(answer()) as server:
        await transport.send(Request("GET", server.url + path))
    assert server.heads[0].startswith(f"GET {path} HTTP/1.1\r\n")


async def test_link_as_written(transport):
    """The query of a link goes out as it was written; only what no URL can hold is percent-encoded."""
    async with serving(answer()) as server:
        request = get(f"{server.url}/a").followed(f"{server.url}/b?sig=a+b/%2f=&x=[1]&y=ü z\r\nX: y")
        await transport.send(request)
    assert server.heads[0].startswith("GET /b?sig=a+b/%2f=&x=[1]&y=%C3%BC%20z%0D%0AX:%20y HTTP/1.1\r\n")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent", "304 Same"])
async def test_no_redirects(transport, status):
    """A redirect is an answer like any other: where to go is not for the transport to say."""
    async with serving(answer(b"", "Location: /elsewhere", status=status)) as server:
        response = await transport.send(get(server.url))
    assert (str(response.status), response.headers["location"]) == (status[:3], "/elsewhere")
    assert len(server.heads) == 1


async def test_no_cookies(transport):
    """A cookie that was set does not come back by itself."""
    async with serving(answer(b"", "Set-Cookie: a=b")) as server:
        for _ in range(2):
            response = await transport.send(get(server.url))
    assert response.headers["set-cookie"] == "a=b"
    assert [server.header("Cookie", i) for i in (0, 1)] == [[], []]


async def test_environment(transport, monkeypatch, tmp_path):
    """Neither proxies nor passwords are taken from the environment."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with serving(answer(b"direct")) as server:
        assert (await transport.send(Request("GET", server.url))).content == b"direct"
    assert server.header("Authorization") == []


async def test_connections_are_kept(transport):
    """Requests one after another share a connection."""
    async with serving(answer(b"a"), chunked(b"b"), answer(gzip.compress(b"c"), "Content-Encoding: gzip")) as server:
        assert [(await transport.send(get(server.url))).content for _ in range(3)] == [b"a", b"b", b"c"]
    assert server.connections == 1


async def test_routes():
    """A routed origin is dialled elsewhere, and the server still learns which one was meant."""
    async with serving(answer(b"simulated")) as server:
        routes = {"https://api.shop.example:443": f"{server.url}/shop/"}
        transport = AiohttpTransport(network="loopback", routes=routes)
        for url in ("https://api.shop.example/v1/orders", "https://API.shop.example:443"):
            request = Request("GET", url, query=(("a", "1"),))
            response = await transport.send(request)
            assert (response.content, response.request) == (b"simulated", request)
        assert (await transport.send(Request("GET", f"{server.url}/plain"))).content == b"simulated"
        await transport.aclose()
    assert [head.split(" ")[1] for head in server.heads] == ["/shop/v1/orders?a=1", "/shop?a=1", "/plain"]
    assert [server.header("Host", i) for i in range(3)] == [
        ["api.shop.example"],
        ["API.shop.example"],
        [server.address],
    ]
    assert [server.header("X-Forwarded-Proto", i) for i in range(3)] == [["https"], ["https"], []]


# ── what is refused before anything is sent ───────────────────────────────────────────────────────


CONTROL = "the value of the header X-Token holds a line break or another control character"


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("X-Token", f"{SECRET}\r\nX: y", CONTROL),
        ("X-Token", f"{SECRET}\n", CONTROL),
        ("X-Token", f"{SECRET}\0", CONTROL),
        ("X\r\nY", SECRET, "'X\\r\\nY' cannot be the name of a header"),
        ("X: Y", SECRET, "'X: Y' cannot be the name of a header"),
        ("", SECRET, "'' cannot be the name of a header"),
        ("Host", f"{SECRET} x", "the value of the header Host is no host"),
        ("host", f"{SECRET}@x", "the value of the header host is no host"),
        ("content-length", "0", "the header content-length is the transport's own"),
        ("Transfer-Encoding", "chunked", "the header Transfer-Encoding is the transport's own"),
    ],
)
async def test_headers(transport, name, value, text):
    """A header that could smuggle something in is refused by its name; its value is never shown."""
    async with serving(answer()) as server:
        error = await failure(transport, Request("GET", f"{server.url}/a", headers={name: value}))
    assert isinstance(error, ConfigError)
    assert str(error).startswith(f"{text} — GET {server.url}/a — ")
    assert server.connections == 0


async def test_header_values(transport):
    """Tabs and letters of every language are fine in a header."""
    async with serving(answer()) as server:
        await transport.send(Request("GET", server.url, headers={"X-A": "a\tb\u00a0ü€"}))
    assert server.header("X-A") == ["a\tb\u00a0ü€"]


USER = "the URL holds a user or password — GET — sign in by `auth`"
PUNYCODE = "the URL has the host 'bücher.example', which is not ASCII — GET — write it as xn--bcher-kva.example"
NO_URL = "the URL is not a URL that can be called — GET — it must be like https://host:port/path, percent-encoded"


@pytest.mark.parametrize(
    "url, text",
    [
        (f"https://user:{SECRET}@api.example/a", USER),
        (f"https://{SECRET}@api.example/a", USER),
        ("https://api.example\\@evil.example/", USER),
        ("https://bücher.example/a", PUNYCODE),
        ("ftp://api.example/a", "the URL begins with 'ftp' — GET — only https: and http: can be called"),
        ("/a", "the URL begins with '' — GET — only https: and http: can be called"),
        (
            f"https://api.example/a?key={SECRET}",
            "the URL holds a query or a fragment — GET — a query goes into `params`",
        ),
        ("https://api.example/a b", NO_URL),
        ("https://api.example/ü", NO_URL),
        ("https://api.example/a\r\nX: y", NO_URL),
        ("https:///a", NO_URL),
        ("https://api.example:99999/", NO_URL),
        ("https://[::1", NO_URL),
    ],
)
async def test_urls(transport, url, text):
    """A URL that two programs could read in two ways is refused, and not shown: it may hold credentials."""
    assert str(await failure(transport, Request("GET", url))) == text


@pytest.mark.parametrize("host", ["a..invalid", "a" * 70 + ".invalid", "127.1", "2130706433"])
async def test_hosts(transport, host):
    """What is neither a name nor an address in its usual form is refused."""
    error = await failure(transport, get(f"http://{host}/a"))
    assert str(error) == (
        f"the host or port of the URL is not valid — GET http://{host}/a — compare it with the service's address"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001"])
async def test_guard(host):
    """A refused address is never connected, whether written out or found for a name; the error is the guard's."""
    transport = AiohttpTransport()
    async with serving(answer()) as server:
        error = await failure(transport, get(f"http://{host}:{server.port}/a"))
        await transport.aclose()
    assert isinstance(error, ConnectionError)
    assert (error.code, error.phase, error.retryable) == ("forbidden_address", "unsent", False)
    assert error.what.endswith(" is a loopback address, and this connection may only reach public ones")
    assert error.where == f"GET http://{host}:{server.port}/a"
    assert error.hint == 'allow it with network="loopback" (command line: --network loopback)'
    assert server.connections == 0


async def test_guard_ends_the_race(transport, monkeypatch):
    """A name with an allowed and a refused address is refused, not raced for."""

    async def resolve(self, host, port=0, family=0):
        found = [(address, socket.AF_INET) for address in ("127.0.0.1", "169.254.169.254")]
        return [{"hostname": host, "host": a, "port": port, "family": f, "proto": 0, "flags": 0} for a, f in found]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    async with serving(answer()) as server:
        error = await failure(transport, get(f"http://rebound.example:{server.port}"))
    assert (error.code, error.what) == (
        "forbidden_address",
        "169.254.169.254 is a cloud metadata address, which no connection may reach",
    )
    assert server.connections == 0


# ── what goes wrong on the way ────────────────────────────────────────────────────────────────────


@pytest.fixture
def free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


async def test_refused(transport, free_port):
    """Nobody listens: not sent, so anything may be sent again."""
    error = await failure(transport, get(f"http://127.0.0.1:{free_port}/orders"))
    assert str(error) == (
        f"cannot connect to 127.0.0.1:{free_port}: connection refused — GET http://127.0.0.1:{free_port}/orders"
        " — is the service up, and is the address right?"
    )
    assert isinstance(error, ConnectionError)
    assert (error.code, error.phase, error.retryable) == ("connection.refused", "unsent", True)
    assert error.context == {"method": "GET", "url": f"http://127.0.0.1:{free_port}/orders"}


async def test_unknown_name(transport, monkeypatch):
    """A name that does not resolve was not sent either."""

    async def resolve(self, host, port=0, family=0):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    error = await failure(transport, get("https://api.shop.invalid/orders"))
    assert str(error) == (
        "cannot find the host api.shop.invalid — GET https://api.shop.invalid/orders"
        " — is the name right, and do other names resolve?"
    )
    assert (error.code, error.phase, error.retryable) == ("connection.dns", "unsent", True)


async def test_not_tls(transport):
    """Speaking TLS to a port that speaks something else."""

    async def greet(_, writer):
        writer.write(b"220 mail.example\r\n")
        writer.close()

    listener = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    error = await failure(transport, get(f"https://127.0.0.1:{port}/a"))
    listener.close()
    await listener.wait_closed()
    assert str(error) == (
        f"cannot connect to 127.0.0.1:{port}: TLS: wrong version number — GET https://127.0.0.1:{port}/a"
        " — does this port speak https?"
    )
    assert (error.code, error.phase, error.retryable) == ("connection.tls", "unsent", True)


async def test_certificate(transport, tmp_path):
    """A certificate that nobody vouches for: asking again changes nothing."""
    (tmp_path / "server.pem").write_text(CERTIFICATE)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem")
    async with serving(answer(), tls=tls) as server:
        error = await failure(transport, get(f"https://{server.address}/a"))
    assert str(error) == (
        f"the certificate of {server.address} is not accepted: self-signed certificate — GET https://{server.address}/a"
        " — is the address right? an authority of your own is named by SSL_CERT_FILE"
    )
    assert (error.code, error.phase, error.retryable) == ("connection.certificate", "unsent", False)
    assert server.heads == []


async def test_pool():
    """Waiting for a free connection counts for the whole exchange, not as connecting; nothing was sent."""
    narrow = AiohttpTransport(network="loopback", limit=1, connect_timeout=0.01)
    async with serving(then_silence(b"")) as server:
        first = asyncio.create_task(narrow.send(get(server.url)))
        await asyncio.sleep(0.02)
        error = await failure(narrow, get(f"{server.url}/second", timeout=0.05))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await narrow.aclose()
    assert isinstance(error, TimeoutError)
    assert str(error) == (
        f"no connection to {server.address} within 0.05 s — GET {server.url}/second"
        " — is the service up, and is the address right?"
    )
    assert (error.code, error.phase, error.retryable) == ("timeout.connect", "unsent", True)
    assert len(server.heads) == 1


TRY_AGAIN = "try again; the service may have acted on the request"
LONGER = "the service may have acted on the request; where it needs longer, say so by `timeout`"


HALF = b"Content-Length: 9\r\n\r\nhalf"
HALF_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
CLOSED = ("connection.closed", "sent", "{} closed the connection without an answer", TRY_AGAIN)
RESET = ("connection.reset", "sent", "the connection to {} broke: connection reset by peer", TRY_AGAIN)
TRUNCATED = ("connection.truncated", "answered", "the answer of {} broke off before its end", TRY_AGAIN)
SILENT = ("timeout.read", "sent", "{} sent nothing for 0.1 s", LONGER)


@pytest.mark.parametrize(
    "item, expected",
    [
        (then_close(b""), CLOSED),
        (then_close(HEAD), CLOSED),
        (then_reset(b""), RESET),
        (then_silence(b""), SILENT),
        (then_silence(HEAD), SILENT),
        (then_close(HEAD + HALF), TRUNCATED),
        (then_reset(HEAD + HALF), TRUNCATED),
        (then_close(HEAD + HALF_CHUNKED), TRUNCATED),
        (then_reset(HEAD + HALF_CHUNKED), TRUNCATED),
        (then_reset(HEAD + b"\r\nhalf"), TRUNCATED),
        (then_silence(HEAD + HALF), ("timeout.read", "answered", "{} sent nothing for 0.1 s", LONGER)),
    ],
    ids=[
        "closed", "closed in headers", "reset", "silent", "silent in headers", "length closed", "length reset",
        "chunked closed", "chunked reset", "open-ended reset", "silent in body",
    ],
)  # fmt: skip
async def test_broken(transport, hasty, item, expected):
    """Whatever ends an exchange early is named by how far it came, and may be tried again."""
    code, phase, what, hint = expected
    async with serving(item) as server:
        error = await failure(hasty if code == "timeout.read" else transport, get(f"{server.url}/a"))
    assert isinstance(error, ConnectionError)
    assert isinstance(error, TimeoutError) == code.startswith("timeout")
    assert str(error) == f"{what.format(server.address)} — GET {server.url}/a — {hint}"
    assert (error.code, error.phase, error.retryable) == (code, phase, True)
    assert len(server.heads) == 1


async def dripping(writer):
    """Sends forever, and slowly."""
    writer.write(HEAD + b"\r\n")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("declared, seconds", [(None, "0.3"), (0.05, "0.05")])
async def test_total(hasty, declared, seconds):
    """A server that never ends is left when the time is up: the transport's or the request's own."""
    async with serving(dripping) as server:
        error = await failure(hasty, get(server.url, timeout=declared))
    assert error.what == f"no complete answer from {server.address} within {seconds} s"
    assert (error.code, error.phase, error.hint) == ("timeout.total", "answered", LONGER)


async def test_declared_timeout_is_the_only_one(hasty):
    """A request that was given longer may also be silent for longer."""

    async def late(writer):
        await asyncio.sleep(0.2)  # read_timeout is 0.1
        writer.write(answer(b"late"))

    async with serving(late) as server:
        assert (await hasty.send(get(server.url, timeout=5))).content == b"late"


@pytest.mark.parametrize("seconds", [0, -1])
async def test_no_time_left(transport, seconds):
    """No time left is not the same as no limit: nothing is sent."""
    async with serving(then_silence(b"")) as server:
        error = await failure(transport, get(server.url, timeout=seconds))
    assert (error.code, error.phase) == ("timeout.connect", "unsent")


async def test_a_full_host_holds_up_nobody_else():
    """One host's sockets are its own: another is reached at once."""
    narrow = AiohttpTransport(network="loopback", limit=1)
    async with serving(then_silence(b"")) as slow, serving(answer(b"ok")) as good:
        waiting = [asyncio.create_task(narrow.send(get(slow.url))) for _ in range(5)]
        await asyncio.sleep(0.02)
        assert (await narrow.send(get(good.url))).content == b"ok"
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await narrow.aclose()


async def test_an_answer_that_nobody_asked_for_is_nobodys(transport):
    """What comes in while a socket is idle is never taken for the answer to the next request."""

    async def twice(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"first"))
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(answer(b"stale"))

    async with serving(twice, answer(b"second"), answer(b"third")) as server:
        got = []
        for _ in range(3):
            got.append((await transport.send(get(server.url))).content)
            await asyncio.sleep(0.06)
    assert got == [b"first", b"second", b"third"]
    assert server.connections == 2


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nbody\r\n",
        HEAD + b"Content-Length: 4\r\n\r\nbody and more",
    ],
    ids=["ssh", "negative", "two lengths", "length and chunks", "chunk size", "more than declared"],
)
async def test_malformed(transport, data):
    """What is not HTTP, or could be read in two ways, is nobody's answer."""
    async with serving(data) as server:
        error = await failure(transport, get(f"{server.url}/a"))
    assert isinstance(error, ResponseError)
    assert str(error) == (
        f"{server.address} sent what is not an HTTP answer — GET {server.url}/a"
        " — is the port right, and does it speak http rather than https?"
    )
    assert (error.code, error.retryable) == ("response.malformed", False)


async def test_smuggled_answer(transport):
    """A second answer behind the first one is never taken for that of the next request."""
    async with serving(answer(b"good!") + answer(b"evil!"), answer(b"next!")) as server:
        assert [(await transport.send(get(server.url))).content for _ in range(2)] == [b"good!", b"next!"]
    assert server.connections == 2


@pytest.mark.parametrize("headers", ["X: " + "a" * 9000, "\r\n".join(["X: a"] * 200)], ids=["long", "many"])
async def test_large_headers(transport, headers):
    """Headers without end are cut off."""
    async with serving(answer(b"", headers)) as server:
        error = await failure(transport, get(f"{server.url}/a"))
    assert str(error) == (
        f"the headers of the answer of {server.address} are too large — GET {server.url}/a"
        " — a line may have 8190 bytes, and there may be 128 lines"
    )
    assert (type(error), error.code) == (ResponseError, "response.headers")


async def test_upgrade(transport):
    """A switch of protocols that nobody asked for ends the connection."""
    async with serving(
        HEAD.replace(b"200 OK", b"101 Go") + b"Connection: upgrade\r\nUpgrade: x\r\n\r\n", answer()
    ) as server:
        assert [(await transport.send(get(server.url))).status for _ in range(2)] == [101, 200]
    assert server.connections == 2


async def test_unforeseen(transport, monkeypatch):
    """What nobody thought of is still one of ours, and names only its type."""

    def broken(*args, **about):
        raise IndexError(SECRET)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", broken)
    error = await failure(transport, get("http://127.0.0.1:1/a"))
    assert str(error) == (
        "the exchange with 127.0.0.1:1 failed in an unforeseen way (IndexError) — GET http://127.0.0.1:1/a"
        " — please report it with the version of aiohttp"
    )


# ── sending once ──────────────────────────────────────────────────────────────────────────────────


async def test_no_silent_resend(transport):
    """A kept connection that drops is reported, not hidden by a second request."""
    async with serving(answer(b"first"), then_close(b"")) as server:
        await transport.send(get(server.url))
        error = await failure(transport, get(server.url))
    assert (error.code, len(server.heads)) == ("connection.closed", 2)


async def test_aiohttp_resends_silently():
    """Left alone, aiohttp sends it again: the switch is needed, and the test above can fail."""
    async with (
        serving(answer(b"first"), then_close(b""), answer(b"again")) as server,
        aiohttp.ClientSession() as session,
    ):
        assert session._retry_connection is True
        for _ in range(2):
            await (await session.get(server.url)).read()
    assert len(server.heads) == 3


# ── size and encodings ────────────────────────────────────────────────────────────────────────────

BIG = 64 * 1024


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize(
    "wire",
    [
        answer,
        lambda body: chunked(body[:1000], body[1000:]),
        lambda body: then_close(HEAD + b"\r\n" + body),
        lambda body: answer(gzip.compress(body), "Content-Encoding: gzip"),
        lambda body: chunked(gzip.compress(body), headers=("Content-Encoding: gzip",)),
    ],
    ids=["length", "chunked", "open-ended", "gzip", "chunked gzip"],
)
async def test_cap(wire, over):
    """A body of exactly the cap is whole; one byte more is refused, in whatever way it comes."""
    transport = AiohttpTransport(network="loopback", max_body=BIG)
    async with serving(wire(b"x" * (BIG + over))) as server:
        if over:
            error = await failure(transport, get(f"{server.url}/a"))
            assert str(error) == (
                f"the answer is larger than {BIG} bytes — GET {server.url}/a — ask for less at a time"
            )
            assert (type(error), error.code, error.retryable) == (ResponseError, "response.too_large", False)
        else:
            assert (await transport.send(get(server.url))).content == b"x" * BIG
        await transport.aclose()


async def test_declared_too_large():
    """A body that says it is too large is not waited for."""
    transport = AiohttpTransport(network="loopback", max_body=1 << 20)
    async with serving(then_silence(HEAD + b"Content-Length: 99999999999999\r\n\r\n")) as server:
        error = await failure(transport, get(server.url))
        await transport.aclose()
    assert error.what == "the answer is larger than 1 MiB"


@pytest.mark.parametrize(
    "wire",
    [answer, lambda body, *headers: chunked(body[:7], body[7:], headers=headers)],
    ids=["length", "chunked"],
)
async def test_encodings(transport, wire):
    """Content-encodings are undone, however the body comes."""
    async with serving(wire(gzip.compress(zlib.compress(b"body")), "Content-Encoding: deflate, gzip")) as server:
        assert (await transport.send(get(server.url))).content == b"body"


async def test_encodings_in_two_lines(transport):
    """Content-encodings may stand in lines of their own."""
    lines = ("Content-Encoding: deflate", "Content-Encoding: gzip")
    async with serving(answer(gzip.compress(zlib.compress(b"body")), *lines)) as server:
        assert (await transport.send(get(server.url))).content == b"body"


async def test_no_body_to_decode(transport):
    """An answer without a body may name an encoding, and a length."""
    async with serving(HEAD.replace(b"200 OK", b"304 Same") + b"Content-Encoding: gzip\r\n\r\n") as server:
        assert (await transport.send(get(server.url))).content == b""


@pytest.mark.parametrize(
    "body, code, what",
    [
        (b"plain", "response.encoding", "the answer is not the gzip data that it claims to be"),
        (gzip.compress(b"body")[:-3], "connection.truncated", "the answer's gzip data broke off before its end"),
    ],
    ids=["broken", "cut off"],
)
async def test_bad_encodings(transport, body, code, what):
    """Data that cannot be decoded is said to be so, and where it came from."""
    async with serving(answer(body, "Content-Encoding: gzip")) as server:
        error = await failure(transport, get(f"{server.url}/a"))
    assert (error.code, error.what, error.where) == (code, what, f"GET {server.url}/a")


# ── coming and going ──────────────────────────────────────────────────────────────────────────────


def test_import():
    """The HTTP library is imported by the first request, not by the import."""
    code = "import sys, connector_core.engine.transport as t; t.AiohttpTransport(); assert 'aiohttp' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_cancelled(transport):
    """A cancelled request is cancelled, and its connection not used again."""
    async with serving(then_silence(HEAD + b"Content-Length: 9\r\n\r\nhalf"), answer(b"whole")) as server:
        task = asyncio.create_task(transport.send(get(server.url, timeout=60)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await transport.send(get(server.url))).content == b"whole"
    assert server.connections == 2


@pytest.mark.filterwarnings("error")
async def test_aclose():
    """Closing leaves no socket, no task and nothing for the garbage collector to complain of."""
    before = asyncio.all_tasks()
    transport = AiohttpTransport(network="loopback")
    async with serving(answer(b"a"), then_close(b""), then_silence(b"")) as server:
        await transport.send(get(f"http://localhost:{server.port}"))
        await failure(transport, get(server.url))
        await failure(transport, get(server.url, timeout=0.02))
        assert transport._sockets is not None
        connector = transport._sockets.plain.connector
        await transport.aclose()
        await transport.aclose()
    assert connector is not None
    assert connector.closed
    del connector
    gc.collect()
    assert asyncio.all_tasks() == before
    error = await failure(transport, get(server.url))
    assert str(error) == "the connection is closed — use it inside its `async with`"


async def test_aclose_unused():
    """A transport that never sent anything closes too."""
    await AiohttpTransport().aclose()


async def test_aclose_ends_who_waits_for_a_socket():
    """Closing tells a request that waits for a free socket so; its task is not cancelled by that."""
    transport = AiohttpTransport(network="loopback", limit=1)
    async with serving(then_silence(b"")) as server:
        first, second = (asyncio.create_task(failure(transport, get(server.url))) for _ in range(2))
        await asyncio.sleep(0.1)
        await transport.aclose()
        assert (await first).code == "connection.closed"
        assert str(await second) == (f"the connection is closed — GET {server.url} — use it inside its `async with`")
        assert second.cancelling() == 0


def test_another_loop():
    """Sockets opened in one event loop are not used in another."""
    transport = AiohttpTransport(network="loopback")

    async def once() -> None:
        async with serving(answer(b"a")) as server:
            await transport.send(get(server.url))

    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(once())
        with pytest.raises(ConfigError, match="the sockets belong to another event loop — use an engine in one loop"):
            second.run(once())
        first.run(transport.aclose())


async def _asked(kept: list[AiohttpTransport]) -> None:
    """One exchange over a transport that nobody closes."""
    kept.append(AiohttpTransport(network="loopback"))
    async with serving(answer(b"a")) as server:
        await kept[0].send(get(server.url))


NOT_CLOSED = (
    "an engine was not closed, and its sockets were open: use it inside its `async with`, or `await engine.aclose()`"
)


def test_the_end_of_the_loop_closes(caplog):
    """What nobody closed is closed when its event loop ends, without a word of ours or of aiohttp's."""
    kept: list[AiohttpTransport] = []
    asyncio.run(_asked(kept))
    assert kept[0]._sockets is not None
    assert kept[0]._sockets.plain.closed
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        kept.clear()
        gc.collect()
    assert ([str(one.message) for one in told], caplog.records) == ([], [])


@pytest.mark.parametrize("closed", [True, False])
def test_a_loop_that_ended_otherwise(caplog, closed):
    """Where the loop could not close it, one warning of ours says so, and aiohttp says nothing."""
    kept: list[AiohttpTransport] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_asked(kept))
    if closed:
        loop.close()
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        kept.clear()
        gc.collect()
    loop.close()
    assert [(one.category, str(one.message)) for one in told] == [(ResourceWarning, NOT_CLOSED)]
    assert caplog.records == []


async def test_let_go_of(caplog):
    """A transport that is let go of while its loop runs is closed there, and one warning says so."""
    kept: list[AiohttpTransport] = []
    await _asked(kept)
    assert kept[0]._sockets is not None
    connector = kept[0]._sockets.plain.connector
    gc.collect()
    with pytest.warns(ResourceWarning) as told:
        kept.clear()
    assert [str(one.message) for one in told] == [NOT_CLOSED]
    await asyncio.sleep(0.01)
    assert connector is not None
    assert connector.closed
    assert caplog.records == []


def test_side_by_side():
    """Many requests at once each get their own answer, over no more sockets than allowed."""

    async def main() -> tuple[list[bytes], int]:
        async def echo(writer):
            number = server.heads[-1].split(" ")[1].encode()
            writer.write(answer(number))

        transport = AiohttpTransport(network="loopback", limit=5)
        async with serving(echo) as server:
            requests = [Request("GET", f"{server.url}/{number}") for number in range(50)]
            responses = await asyncio.gather(*map(transport.send, requests))
            await transport.aclose()
        return [response.content for response in responses], server.connections

    contents, connections = asyncio.run(main())
    assert contents == [b"/%d" % number for number in range(50)]
    assert connections <= 5


async def test_a_request_says_how_it_goes_out(transport):
    """`host`, `sent_path`, `sent_query`, `content` and `content_type` are what arrives, byte for byte."""
    async with serving(answer()) as server:
        for request in (
            Request(
                "POST", f"{server.url}/a%2Fb/%7Ex/../y//z", (("a b", "ü/~,:*'()!"), ("e", "")), {}, {"ü": 1}, "json"
            ),
            Request("POST", server.url, (), {}, (("a b", "ü&"),), "form"),
            Request("GET", f"http://LOCALHOST:{server.port}/x").followed(f"{server.url}/p'q?a=%2b+ü&b"),
            Request("PUT", f"{server.url}/x", (), {"Host": "shop.example", "Content-Type": "text/csv"}, "a;b", "text"),
        ):
            await transport.send(request)
            line = server.heads[-1].split("\r\n")[0].split(" ")[1]
            path, _, query = line.partition("?")
            assert (path, query) == (request.sent_path, request.sent_query)
            assert server.header("Host") == [request.host]
            assert server.header("Content-Type") == [request.content_type] * (request.encoding is not None)
            assert server.bodies[-1] == (request.content or b"")
    assert Request("GET", "https://Shop.example:443/x").host == "Shop.example"
    assert Request("GET", "http://shop.example:443/x").host == "shop.example:443"
