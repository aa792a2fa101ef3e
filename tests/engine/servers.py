"""A server on loopback that answers with the bytes it was told to, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """Where it listens and what came."""

    port: int
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def header(self, name: str, request: int = -1) -> list[str]:
        """Every field of that name in a request."""
        lines = [line.partition(": ") for line in self.heads[request].split("\r\n")[1:]]
        return [value for key, _, value in lines if key.lower() == name.lower()]


@asynccontextmanager
async def serving(*script: bytes | Act, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server that answers the n-th request by the n-th item, further ones by the last: bytes, or what it does."""
    open_ones: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)
        server.connections += 1
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                server.heads.append(head)
                length = server.header("Content-Length")
                server.bodies.append(await reader.readexactly(int(length[0])) if length else b"")
                item = script[min(len(server.heads), len(script)) - 1]
                if isinstance(item, bytes):
                    writer.write(item)
                    await writer.drain()
                else:
                    await item(writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    server = Server(listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        await ended(listener, open_ones)


async def ended(listener: asyncio.Server, open_ones: set[asyncio.Task[None]]) -> None:
    """Listens no more, and leaves nobody talking."""
    listener.close()
    for task in open_ones:
        task.cancel()
    await asyncio.gather(*open_ones, return_exceptions=True)
    await listener.wait_closed()


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer with its Content-Length."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*parts: bytes, headers: tuple[str, ...] = ()) -> bytes:
    """A whole answer whose length is not declared."""
    head = "\r\n".join(["HTTP/1.1 200 OK", *headers, "Transfer-Encoding: chunked", "", ""]).encode()
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def then_close(data: bytes) -> Act:
    """Sends this and closes the connection in order."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()

    return act


def then_reset(data: bytes) -> Act:
    """Sends this and then breaks the connection, as a crash does."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await asyncio.sleep(0.02)
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()

    return act


def then_silence(data: bytes) -> Act:
    """Sends this and nothing more."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await asyncio.sleep(60)

    return act
