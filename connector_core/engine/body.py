"""Takes in an answer's body: content-encodings undone, held in memory, and from a size on in a file.

Rule 1: a body is never larger than its cap, as received, as decoded, and at every stage in between.
Rule 2: the file has no name, so that nothing of it is left, however the process ends. It is written and read without
        a thread: these are pages of the system's cache, and a thread would have to be waited for at every end.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from tempfile import TemporaryFile, gettempdir
from typing import TYPE_CHECKING, BinaryIO

from connector_core.engine.content_encoding import Decoder, too_large
from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from connector_core.engine.deadline import Exchange

__all__ = ["IN_MEMORY", "Spool", "taken_in"]

IN_MEMORY = 8 * 1024 * 1024
"""Bytes up to which a body is held in memory where it may be put into a file."""
_CHUNK = 64 * 1024
"""Bytes that are handed on at once: what a container in them unpacks to is in memory too."""


class Spool:
    """A body in a file; whoever has it closes it."""

    def __init__(self) -> None:
        """Raises ConfigError where no file can be made."""
        try:
            self._file: BinaryIO = TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise _no_room(error) from None
        self._hash = hashlib.blake2b(digest_size=16)
        self.size: int = 0
        """In bytes."""

    def write(self, data: bytes) -> None:
        """Appends the data; raises ConfigError where there is no room for it."""
        try:
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise _no_room(error) from None
        self._hash.update(data)
        self.size += len(data)

    @property
    def digest(self) -> bytes:
        """The same for the same bytes, and for no others."""
        return self._hash.digest()

    def chunks(self) -> Iterator[bytes]:
        """The body from its start on, in pieces."""
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        """Frees the room that it takes."""
        self._file.close()

    def __del__(self) -> None:
        if (file := getattr(self, "_file", None)) is not None:
            file.close()


def _no_room(error: OSError) -> ConfigError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return ConfigError(
        "an answer too large for memory does not fit into the folder of temporary files"
        if full
        else f"an answer too large for memory cannot be put into a file: {os.strerror(error.errno or 0).lower()}",
        where=gettempdir(),
        hint="make room there, or name another folder by TMPDIR",
        code="spool.failed",
    )


# ── reading it ────────────────────────────────────────────────────────────────────────────────────


async def taken_in(
    answer: ClientResponse, cap: int, *, in_memory: int, exchange: Exchange, slowest: int | None
) -> bytes | Spool:
    """The body, in a file where it is larger than `in_memory`.

    Raises ResponseError where it is larger than `cap`, ConfigError where there is no room, and what aiohttp raises.
    `slowest`: bytes in a second; a file that comes at that speed has the time that it takes. None: it has no more.
    """
    declared, encodings = answer.headers.get("Content-Length"), _encodings(answer)
    if declared is not None and int(declared) > cap and not answer.content.at_eof():
        raise too_large(cap)
    at_once = declared is not None and int(declared) <= in_memory
    if at_once and not encodings:
        return await answer.read()  # aiohttp takes no more than was declared
    body, decoder = _Body(cap, in_memory), Decoder(encodings, cap)
    try:
        async for part in _whole(answer) if at_once else _as_it_comes(answer):
            body.add(decoder.feed(part))
            if encodings and body.spool is not None:
                await asyncio.sleep(0)  # little may become much, and the deadline wants to be heard
            if slowest is not None and body.spool is not None:
                exchange.extend(len(part) / slowest)
        decoder.close()
    except BaseException:
        body.close()
        raise
    return body.spool or b"".join(body.parts)


def _encodings(answer: ClientResponse) -> str:
    return ", ".join(answer.headers.getall("Content-Encoding")) if "Content-Encoding" in answer.headers else ""


async def _whole(answer: ClientResponse) -> AsyncIterator[bytes]:
    content = await answer.read()
    for at in range(0, len(content), _CHUNK):
        yield content[at : at + _CHUNK]


async def _as_it_comes(answer: ClientResponse) -> AsyncIterator[bytes]:
    """The body as it comes; raises where a reset cut it off: ended by the connection's end, it would look complete."""
    protocol = answer.connection.protocol if answer.connection else None  # falsy while nothing is queued in it
    async for part in answer.content.iter_any():
        yield part
    lost = protocol.exception() if protocol is not None else None
    ended_by_itself = "Transfer-Encoding" in answer.headers or "Content-Length" in answer.headers
    if isinstance(lost, OSError) and not ended_by_itself:
        raise lost


class _Body:
    """What has come of a body."""

    def __init__(self, cap: int, in_memory: int) -> None:
        self._cap, self._in_memory, self._size = cap, in_memory, 0
        self.parts: list[bytes] = []
        self.spool: Spool | None = None

    def add(self, pieces: Iterator[bytes]) -> None:
        """Takes further pieces; raises ResponseError where it gets too large."""
        for piece in pieces:
            self._size += len(piece)
            if self._size > self._cap:
                raise too_large(self._cap)
            if self.spool is not None:
                self.spool.write(piece)
                continue
            self.parts.append(piece)
            if self._size > self._in_memory:
                self.spool = Spool()
                self.spool.write(b"".join(self.parts))
                self.parts.clear()

    def close(self) -> None:
        """Frees the room that it takes."""
        if self.spool is not None:
            self.spool.close()
