"""Answers that grow, never end or lie about their length, over a real socket on loopback."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from typing import Any

import pytest

from connector_core import Connector
from connector_core.engine.effects import Effects
from connector_core.engine.transport import AiohttpTransport
from connector_core.exceptions import ConnectionError, IntegrationError, ResponseError, TimeoutError
from tests.attacks.service import SECRETS, document
from tests.engine.servers import Act, answer, chunked, serving, then_close, then_reset, then_silence
from tests.engine.test_content_encoding import ENCODINGS

CAP = 1 << 20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def refused(*script: bytes | Act, status_of: type[IntegrationError] = IntegrationError, **about: Any) -> Any:
    """The error that a call ends in when the service answers with this, and the largest memory meanwhile."""
    transport = AiohttpTransport(network="loopback", max_body=CAP, **{"read_timeout": 0.3, "timeout": 1.0, **about})
    async with serving(*script) as server:
        effects = Effects(transport=lambda _: transport)
        opening: Any = Connector.open(
            document({"retry": {"attempts": 1}}, base_url=server.url), secrets=SECRETS, effects=effects
        )
        async with opening as demo:
            tracemalloc.start()
            try:
                with pytest.raises(status_of) as caught:
                    await asyncio.wait_for(demo.call("thing"), 10)
            finally:
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
    assert peak < 8 * CAP
    return caught.value


@pytest.mark.parametrize(
    "wire", [answer, lambda body, *headers: chunked(body, headers=headers)], ids=["length", "chunked"]
)
@pytest.mark.parametrize("encode, name", ENCODINGS)
async def test_a_bomb(encode, name, wire):
    """50 MB in a few KB are refused when the first of them are out, and are never in memory."""
    bomb = encode(b"\0" * 50_000_000)
    error = await refused(wire(bomb, f"Content-Encoding: {name}"), status_of=ResponseError)
    assert (error.code, error.what) == ("response.too_large", "the answer is larger than 1 MiB")


@pytest.mark.parametrize("encode, name", ENCODINGS)
async def test_a_bomb_in_a_bomb(encode, name):
    """An encoding inside of another is held to the same at each stage."""
    bomb = encode(encode(b"\0" * 50_000_000))
    error = await refused(answer(bomb, f"Content-Encoding: {name}, {name}"), status_of=ResponseError)
    assert error.code == "response.too_large"


async def test_an_encoding_a_thousand_times():
    """More encodings than anybody applies are refused by their number."""
    error = await refused(answer(b"x", "Content-Encoding: " + ", ".join(["gzip"] * 1000)), status_of=ResponseError)
    assert error.code == "response.encoding"


@pytest.mark.parametrize("status", ["400 Bad", "401 Who", "404 Gone", "429 Slow", "500 Oops", "503 Busy"])
@pytest.mark.parametrize("encoded", [False, True])
async def test_an_error_of_ten_megabytes(status, encoded):
    """The body of an error is held to the cap like any other."""
    body = b'{"message": "' + b"x" * 10_000_000 + b'"}'
    if encoded:
        body = gzip.compress(body)

    async def slowly(writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *(["Content-Encoding: gzip"] if encoded else [])]
        writer.write("\r\n".join([*head, "", ""]).encode())
        for start in range(0, len(body), 1 << 16):
            writer.write(body[start : start + (1 << 16)])
            await writer.drain()

    assert (await refused(slowly)).code == "response.too_large"


async def endless(writer: asyncio.StreamWriter) -> None:
    """A body without an end."""
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def endless_plain(writer: asyncio.StreamWriter) -> None:
    """A body that would end when the connection does."""
    writer.write(HEAD + b"Connection: close\r\n\r\n")
    while True:
        writer.write(b"x" * 0x10000)
        await writer.drain()


async def endless_head(writer: asyncio.StreamWriter) -> None:
    """Headers without an end."""
    writer.write(HEAD)
    while True:
        writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def endless_line(writer: asyncio.StreamWriter) -> None:
    """A header without an end."""
    writer.write(HEAD + b"X-More: ")
    while True:
        writer.write(b"x" * 1000)
        await writer.drain()


async def endless_hints(writer: asyncio.StreamWriter) -> None:
    """Interim answers without an end."""
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def drip(writer: asyncio.StreamWriter) -> None:
    """One byte at a time, so that something always comes."""
    writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_head(writer: asyncio.StreamWriter) -> None:
    """Headers one byte at a time."""
    for byte in HEAD * 1000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "act, codes",
    [
        (endless, {"response.too_large"}),
        (endless_plain, {"response.too_large"}),
        (endless_head, {"response.headers"}),
        (endless_line, {"response.headers"}),
        (endless_hints, {"timeout.total", "timeout.read"}),
        (drip, {"timeout.total"}),
        (drip_head, {"timeout.total", "timeout.read"}),
        (then_silence(HEAD + b"Content-Length: 10\r\n\r\nx"), {"timeout.read"}),
        (then_silence(b""), {"timeout.read"}),
        (then_silence(HEAD + b"Content-Length: 99999999999999\r\n\r\n"), {"response.too_large"}),
    ],
    ids=[
        *("endless", "endless until closed", "endless headers", "an endless header", "endless hints", "a drip"),
        *("a drip of headers", "silence in the body", "silence", "a promise"),
    ],
)
async def test_an_answer_without_an_end(act, codes):
    """Whatever never ends, ends here: by its size, or by the time that an exchange has."""
    error = await refused(act)
    assert error.code in codes
    assert isinstance(error, TimeoutError | ResponseError)


@pytest.mark.parametrize(
    "sent",
    [
        then_close(HEAD + b"Content-Length: 100\r\n\r\n{}"),
        then_reset(HEAD + b"Content-Length: 100\r\n\r\n{}"),
        then_close(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        then_close(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}"),
        then_close(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n"),
        then_close(HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}"),
        then_close(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        then_close(HEAD + b"Content-Length: -2\r\n\r\n{}"),
        then_close(HEAD + b"Content-Length: 0x2\r\n\r\n{}"),
        then_close(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n" + gzip.compress(b"{}")[:10]),
        then_close(HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n{}"),
        then_close(HEAD + b"X: y\r\n" * 100_000 + b"\r\n{}"),
        then_close(b"HTTP/1.1 " + b"2" * 100_000 + b" OK\r\n\r\n{}"),
        then_close(b"\xff" * 100_000),
    ],
    ids=[
        *("too short", "reset", "chunks that break off", "a huge chunk", "a negative chunk", "two framings"),
        *("two lengths", "a negative length", "a hexadecimal length", "half a gzip", "a long header"),
        *("many headers", "a long status", "no HTTP"),
    ],
)
async def test_an_answer_that_lies_about_its_length(sent):
    """What is cut off, framed in two ways or no HTTP is never taken for an answer."""
    assert isinstance(await refused(sent), ConnectionError | ResponseError)
