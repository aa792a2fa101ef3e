"""Bodies that are read while they are sent: over sockets, against parsers of another hand, and when files misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import email.parser
import email.policy
import hashlib
import io
import os
import tempfile
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from connector_core.connector import Connector
from connector_core.engine.effects import Effects
from connector_core.engine.transport import AiohttpTransport
from connector_core.engine.upload import CHUNK
from connector_core.exceptions import ConfigError, ConnectionError, RateLimitError, ServerError, ValidationError
from connector_core.http import Multipart, Part, Request
from tests.engine.servers import Server, answer, serving, then_close, then_reset

FILE: dict[str, Any] = {"type": "string", "format": "binary"}
FORM = {"title": "{{ input.title }}", "photo": {"file": "{{ input.photo }}", "type": "image/png"}}
INPUT = {"title": {"type": "string", "default": "A photo"}, "photo": FILE}


def spec(url: str, **more: Any) -> dict[str, Any]:
    """A spec that uploads in each of the ways; further keys are the spec's and those of `upload`."""
    upload = {"post": "/photos", "input": INPUT, "body": {"multipart": FORM}}
    raw = {"put": "/photos/1", "input": {"content": FILE}, "body": {"bytes": "{{ input.content }}"}}
    endpoints = {"upload": {**upload, **more}, "raw": raw}
    return {"connector": "1", "name": "shop", "base_url": url, **more, "endpoints": endpoints}


@contextlib.asynccontextmanager
async def connected(url: str, transport: Any = None, **more: Any) -> AsyncIterator[Connector]:
    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    effects = Effects(sleep=at_once, **({"transport": transport} if transport else {}))
    async with Connector.open(spec(url, **more), network="loopback", effects=effects) as connector:
        yield connector


def parsed(server: Server, request: int = -1) -> list[tuple[str, str | None, str, bytes]]:
    """The parts that a server got, as the standard library's mail parser sees them: name, filename, type, content."""
    kind = server.header("Content-Type", request)[0].encode()
    whole = b"Content-Type: " + kind + b"\r\n\r\n" + server.bodies[request]
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(whole)
    assert message.is_multipart()
    assert not message.defects
    found = []
    for part in message.get_payload():
        assert not isinstance(part, str)
        about = [part.get_param(key, header="content-disposition") for key in ("name", "filename")]
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found.append((str(about[0]), None if about[1] is None else str(about[1]), part.get_content_type(), content))
    return found


# ── what arrives ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def photo(tmp_path):
    """A file of a few chunks with every byte in it, and what looks like a boundary."""
    path = tmp_path / "photo.png"
    path.write_bytes(b"\r\n--x--\r\n" + bytes(range(256)) * 3000)
    return path


@pytest.mark.parametrize("form", ["path", "bytes", "file", "buffer", "temporary", "spooled", "pipe"])
async def test_multipart(photo, form):
    """However a file is given, its bytes arrive as they are, and the length is declared where it can be known."""
    server = Server(0)
    url, close = await listening(keep(server))
    with contextlib.ExitStack() as stack:
        given = given_as(form, photo, stack)
        async with connected(url) as shop:
            await shop.call("upload", {"photo": given})
    await close()
    text, file = parsed(server)
    assert text == ("title", None, "text/plain", b"A photo")
    assert (file[0], file[2], file[3]) == ("photo", "image/png", photo.read_bytes())
    assert form not in ("path", "file") or file[1] == "photo.png"
    length = [] if form == "pipe" else [str(len(server.bodies[0]))]
    assert server.header("Content-Length") == length
    assert server.header("Transfer-Encoding") == (["chunked"] if form == "pipe" else [])


def given_as(form: str, path: Path, stack: contextlib.ExitStack) -> Any:
    content = path.read_bytes()
    match form:
        case "path":
            return path
        case "bytes":
            return content
        case "file":
            return stack.enter_context(path.open("rb"))
        case "buffer":
            return io.BytesIO(content)
        case "pipe":
            return stack.enter_context(piped(content))
    kind: Any = tempfile.NamedTemporaryFile if form == "temporary" else tempfile.SpooledTemporaryFile
    file = stack.enter_context(kind())
    file.write(content)
    file.seek(0)
    return file


@contextlib.contextmanager
def piped(content: bytes) -> Any:
    """The reading end of a pipe that somebody writes the content into."""
    import threading

    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file, contextlib.suppress(BrokenPipeError):
            file.write(content)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb") as file:
        yield file
    thread.join()


def keep(server: Server) -> web.Server:
    """A server of aiohttp's, which knows chunks, that keeps what it gets."""

    async def handle(request: web.BaseRequest) -> web.Response:
        server.heads.append("\r\n".join(["POST", *(f"{name}: {value}" for name, value in request.headers.items())]))
        server.bodies.append(b"".join([part async for part in request.content.iter_any()]))
        return web.json_response({})

    return web.Server(handle)


async def listening(app: web.Server) -> tuple[str, Any]:
    runner = web.ServerRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}", runner.cleanup


async def test_an_empty_file(tmp_path):
    """A file of no bytes is an empty part."""
    (tmp_path / "empty").touch()
    async with serving(answer(b"{}")) as server, connected(server.url) as shop:
        await shop.call("upload", {"photo": tmp_path / "empty"})
        assert parsed(server)[1] == ("photo", "empty", "image/png", b"")
        await shop.call("raw", {"content": tmp_path / "empty"})
    assert (server.bodies[1], server.header("Content-Length")) == (b"", ["0"])


async def test_bytes_from_a_file(photo):
    """A file that is the whole body goes out as it is, with its length."""
    async with serving(answer(b"{}")) as server, connected(server.url) as shop:
        await shop.call("raw", {"content": photo})
    assert server.bodies == [photo.read_bytes()]
    assert server.header("Content-Type") == ["application/octet-stream"]
    assert server.header("Content-Length") == [str(photo.stat().st_size)]


async def test_a_file_is_read_from_where_it_stands():
    """What the app has read of a file already is not sent, and the app's file stays open."""
    file = io.BytesIO(b"header,content")
    file.seek(7)
    async with serving(answer(b"{}")) as server, connected(server.url) as shop:
        await shop.call("raw", {"content": file})
    assert server.bodies == [b"content"]
    assert not file.closed


async def test_a_large_body_of_bytes():
    """Many bytes go out piece by piece too, whatever form of body they are."""
    async with serving(answer(b"{}")) as server, connected(server.url) as shop:
        await shop.call("raw", {"content": b"x" * (CHUNK * 5 + 1)})
    assert server.bodies == [b"x" * (CHUNK * 5 + 1)]


NAMES = ['a"b', "a\r\nX-Evil: 1", "ü ☃", "a\\b", "%22"]


@pytest.mark.parametrize("name", NAMES)
async def test_names_as_browsers_write_them(name):
    """Names and filenames cannot end their header: quotes and line breaks are %22, %0D and %0A, the rest is UTF-8."""
    written = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    body = Multipart((Part(name, b"x", name, "a/b"),), "boundary")
    transport = AiohttpTransport(network="loopback")
    async with serving(answer()) as server:
        await transport.send(Request("POST", server.url, body=body, encoding="multipart"))
        await transport.aclose()
    assert server.bodies[0].split(b"\r\n")[:5] == [
        b"--boundary",
        f'Content-Disposition: form-data; name="{written}"; filename="{written}"'.encode(),
        b"Content-Type: a/b",
        b"",
        b"x",
    ]


async def test_boundaries_are_random():
    """Every request has a boundary of its own, which is not to be guessed, and is not what templates read as uuid."""
    form = {"a": "{{ uuid }}"}
    async with serving(answer(b"{}")) as server, connected(server.url, body={"multipart": form}) as shop:
        for _ in range(3):
            await shop.call("upload", {"photo": b"x"})
    boundaries = [server.header("Content-Type", i)[0].partition("boundary=")[2] for i in range(3)]
    assert len(set(boundaries)) == 3
    assert all(len(boundary) == 36 for boundary in boundaries)
    assert all(boundary not in parsed(server, i)[0][3].decode() for i, boundary in enumerate(boundaries))


async def test_memory_is_flat(tmp_path):
    """An upload takes a few chunks of memory, however large the file is."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    digest, got = hashlib.sha256(), 0

    async def read(request: web.BaseRequest) -> web.Response:
        nonlocal got
        async for part in request.content.iter_any():
            digest.update(part)
            got += len(part)
        return web.json_response({})

    url, close = await listening(web.Server(read))
    async with connected(url) as shop:
        await shop.call("upload", {"photo": b"x"})
        tracemalloc.start()
        await shop.call("upload", {"photo": large})
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    await close()
    assert got > 64 * 1024 * 1024
    assert peak < 16 * CHUNK


# ── sent again ────────────────────────────────────────────────────────────────────────────────────

BUSY = answer(b"{}", "Retry-After: 0", status="429 Slow")


@pytest.mark.parametrize("form", ["path", "bytes", "file", "buffer"])
@pytest.mark.parametrize("first", [BUSY, then_close(b""), then_reset(b"")], ids=["429", "closed", "reset"])
async def test_safe_is_sent_again(photo, form, first):
    """Where repeating is harmless, a second attempt sends the same bytes from the start, boundary and all."""
    with contextlib.ExitStack() as stack:
        given = given_as(form, photo, stack)
        async with serving(first, answer(b"{}")) as server, connected(server.url, safe=True) as shop:
            result = await shop.call("upload", {"photo": given})
            assert result.attempts == 2
    assert server.bodies[0] == server.bodies[1]
    assert photo.read_bytes() in server.bodies[1]


async def test_a_post_is_never_sent_twice(photo):
    """Without `safe`, what the service may have acted on is not sent again; what it refused by 429 is."""
    async with serving(then_close(b""), answer(b"{}")) as server, connected(server.url) as shop:
        with pytest.raises(ConnectionError, match="closed the connection without an answer"):
            await shop.call("upload", {"photo": photo})
    assert len(server.heads) == 1
    async with serving(BUSY, answer(b"{}")) as server, connected(server.url) as shop:
        assert (await shop.call("upload", {"photo": photo})).attempts == 2


class Once(io.RawIOBase):
    """A file that cannot go back."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(buffer)


@pytest.mark.parametrize("endpoint, name", [("upload", "photo"), ("raw", "content")])
@pytest.mark.parametrize(
    "first, error", [(BUSY, RateLimitError), (answer(b"{}", status="500 No"), ServerError), (None, ConnectionError)]
)  # fmt: skip
async def test_what_can_be_read_once_is_sent_once(endpoint, name, first, error):
    """A file that cannot go back makes the call one that is not repeated, and the error says so."""
    app: list[int] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        app.append(1)
        if first is not None:
            status = int(first.split(b" ")[1])
            return web.json_response({}, status=status, headers={"Retry-After": "0"})
        assert request.transport
        request.transport.close()
        return web.Response()

    url, close = await listening(web.Server(handle))
    async with connected(url, safe=True) as shop:
        with pytest.raises(error) as caught:
            await shop.call(endpoint, {name: Once(b"x" * 1000)})
    await close()
    assert str(caught.value).endswith(" — not sent again: a file in it can be read only once")
    assert caught.value.context["attempts"] == 1
    assert app == [1]


async def test_what_was_not_read_may_be_sent_again():
    """Nobody listened, so nothing was read: the next attempt is the first that reads."""
    server = Server(0)
    failed: list[Request] = []

    class Late(AiohttpTransport):
        async def send(self, request: Request) -> Any:
            if not failed:
                failed.append(request)
                raise ConnectionError("nobody listens", phase="unsent", retryable=True)
            return await super().send(request)

    url, close = await listening(keep(server))
    async with connected(url, lambda network: Late(network=network)) as shop:
        assert (await shop.call("upload", {"photo": Once(b"x" * 1000)})).attempts == 2
    await close()
    assert parsed(server)[1][3] == b"x" * 1000


async def test_a_redirect_of_what_was_read_is_refused():
    """A 307 asks for the same body again; where that cannot be read again, it is an error and not an empty upload."""

    async def handle(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    url, close = await listening(web.Server(handle))
    async with connected(url) as shop:
        with pytest.raises(ConfigError, match="an open file was read already and cannot be read again") as caught:
            await shop.call("raw", {"content": Once(b"x")})
    await close()
    assert caught.value.code == "body.spent"


async def test_redirects(photo):
    """A 307 sends the file again to the new place; a 303 is followed without body, and without its type."""
    moved = answer(b"", "Location: /new", status="307 There")
    seen = answer(b"", "Location: /seen", status="303 See")
    async with serving(moved, seen, answer(b"{}")) as server:
        document = spec(server.url)
        document["endpoints"]["raw"]["headers"] = {"content-type": "image/png"}
        async with Connector.open(document, network="loopback") as shop:
            await shop.call("raw", {"content": photo})
    assert [head.split(" HTTP")[0] for head in server.heads] == ["PUT /photos/1", "PUT /new", "GET /seen"]
    assert server.bodies == [photo.read_bytes(), photo.read_bytes(), b""]
    assert [server.header("Content-Type", i) for i in range(3)] == [["image/png"], ["image/png"], []]


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────


def closed() -> Any:
    file = io.BytesIO(b"x")
    file.close()
    return file


class Gives(Once):
    """A file that gives something else than bytes."""

    def read(self, _size: int = -1) -> Any:
        return "text"


class Breaks(Once):
    """A file whose disk is broken."""

    def read(self, _size: int = -1) -> Any:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize(
    "given, told",
    [
        (Path("/nowhere/a.png"), "/nowhere/a.png cannot be sent: No such file or directory"),
        (Path("/"), "/ cannot be sent: it is a folder"),
        (Path("/dev/null"), "/dev/null cannot be sent: it is no regular file"),
        (Path("a\0b"), "a b cannot be sent: embedded null byte"),
        (closed(), "an open file cannot be sent: it is closed"),
        (Gives(b""), "an open file cannot be sent: it gives str, not bytes"),
        (Breaks(b""), "an open file cannot be sent: Input/output error"),
    ],
    ids=["missing", "folder", "device", "null byte", "closed", "text", "broken"],
)
async def test_what_cannot_be_read(given, told):
    """A file that cannot be read is told as that, and not as the network's fault; nothing is tried again."""
    async with serving(answer(b"{}")) as server, connected(server.url, safe=True) as shop:
        with pytest.raises(ConfigError) as caught:
            await shop.call("upload", {"photo": given})
    assert str(caught.value).startswith(told)
    assert caught.value.hint == "pass bytes, the path of a file, or a file opened in binary mode"
    assert caught.value.code == "body.unreadable"
    assert len([head for head in server.heads if head.startswith("POST")]) <= 1


@pytest.mark.parametrize("change", [-1, 1], ids=["shrinks", "grows"])
async def test_a_file_that_changes(tmp_path, change):
    """A file that shrinks or grows while it is sent ends the exchange: the service never sees a whole request."""
    path = tmp_path / "log"
    path.write_bytes(b"x" * CHUNK * 8)
    complete: list[int] = []

    async def handle(request: web.BaseRequest) -> web.Response:
        await request.content.readexactly(1000)
        os.truncate(path, CHUNK * 8 + change)
        complete.append(len([part async for part in request.content.iter_any()]))
        return web.json_response({})

    url, close = await listening(web.Server(handle))
    async with connected(url, safe=True) as shop:
        with pytest.raises(ConfigError, match="log changed while it was sent") as caught:
            await shop.call("raw", {"content": path})
    await close()
    assert caught.value.code == "body.changed"
    assert complete == []


async def test_a_file_twice():
    """The same open file may stand in two parts; one that cannot go back may not."""
    form = {"a": {"file": "{{ input.photo }}"}, "b": {"file": "{{ input.photo }}"}}
    async with serving(answer(b"{}")) as server, connected(server.url, body={"multipart": form}) as shop:
        await shop.call("upload", {"photo": io.BytesIO(b"xyz")})
        assert [part[3] for part in parsed(server)] == [b"xyz", b"xyz"]
    url, close = await listening(keep(server))
    async with connected(url, body={"multipart": form}) as shop:
        with pytest.raises(ConfigError, match="it is in this body twice, and can be read once"):
            await shop.call("upload", {"photo": Once(b"xyz")})
    await close()
    assert [len(server.heads), len(server.bodies)] == [2, 1]  # the second never came to its end


async def test_files_are_closed(photo, monkeypatch):
    """Whatever becomes of the exchange, what was opened for it is closed: answered early, dropped or cancelled."""
    opened: list[Any] = []
    real = Path.open

    def watched(self: Path, *args: Any, **about: Any) -> Any:
        opened.append(real(self, *args, **about))
        return opened[-1]

    photo.write_bytes(b"x" * CHUNK * 40)
    monkeypatch.setattr(Path, "open", watched)

    async def early(request: web.BaseRequest) -> web.Response:
        return web.json_response({"message": "too large"}, status=413)

    async def never(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    for handle, cancelled in ((early, False), (never, True)):
        url, close = await listening(web.Server(handle))
        async with connected(url) as shop:
            call = asyncio.create_task(shop.call("upload", {"photo": photo}))
            if cancelled:
                await asyncio.sleep(0.1)
                call.cancel()
            with pytest.raises((ValidationError, ConnectionError, asyncio.CancelledError)):
                await call
        await close()
    photos = [file for file in opened if file.name == str(photo)]
    assert len(photos) == 2
    assert all(file.closed for file in photos)


async def test_many_bytes_have_longer(photo, monkeypatch):
    """An upload has a second more for every MiB, unless the spec says how long it may take."""
    photo.write_bytes(b"x" * CHUNK * 12)
    seconds: list[float] = []

    class Hasty(AiohttpTransport):
        def _begin(self, request: Request, size: int | None) -> Any:
            exchange = super()._begin(request, size)
            seconds.append(exchange.total)
            return exchange

    transport = Hasty(network="loopback", timeout=5)
    async with serving(answer()) as server:
        for timeout in (None, 2.0):
            await transport.send(Request("PUT", server.url, body=photo, encoding="bytes", timeout=timeout))
        await transport.aclose()
    assert seconds == [8, 2]


async def test_a_body_that_became_impossible():
    """What a sign-in puts into a body and no form can hold is told before anything is sent."""
    transport = AiohttpTransport(network="loopback")
    with pytest.raises(ConfigError, match="the body cannot be made: a holds a control character") as caught:
        await transport.send(Request("POST", "http://127.0.0.1:9/x", body={"a": "\0"}, encoding="xml"))
    await transport.aclose()
    assert caught.value.where == "POST http://127.0.0.1:9/x"
