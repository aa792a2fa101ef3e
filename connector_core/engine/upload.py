"""A body on its way out: read piece by piece while it is sent, and from its start again for every attempt.

Rule 1: memory is bounded: one chunk at a time, whatever the size of a file.
Rule 2: what is declared is sent. The length is known before the first byte where every size is; a file that shrinks or
        grows meanwhile ends the exchange, rather than an upload that looks complete.
Rule 3: a file that cannot go back to where it stood is read once; what was sent of it is never sent again.
Rule 4: a path is opened for each attempt and closed after it. What the app has opened, the app closes.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from connector_core.exceptions import ConfigError
from connector_core.http import Multipart, Request

__all__ = ["CHUNK", "Upload", "outgoing", "prepared", "spent", "whole"]

CHUNK = 256 * 1024


class _Given(Struct, eq=False):
    """A file that the app has opened, and where it stood when it was given."""

    file: BinaryIO
    start: int | None
    """None: it cannot go back there, so that it is read once."""
    spent: bool = False
    """Whether that has happened."""


def prepared(request: Request, unique: Callable[[], str], held: dict[int, Any]) -> Request:
    """The request ready for several attempts: with its boundary, and with where its open files stand.

    `held`: what is known of its open files, where it was composed before; they have been read since.
    """
    if request.encoding == "multipart":
        parts = tuple(replace(part, value=_held(part.value, held)) for part in request.body.parts)
        return replace(request, body=Multipart(parts).bounded(unique()))
    if request.encoding == "bytes":
        return replace(request, body=_held(request.body, held))
    return request


def _held(value: Any, held: dict[int, _Given]) -> Any:
    """The value, or the open file with where it stood; a file that is there twice is held once."""
    if not hasattr(value, "read"):
        return value
    if id(value) not in held:
        held[id(value)] = _Given(value, _position(value))
    return held[id(value)]


def _position(file: BinaryIO) -> int | None:
    try:
        return file.tell() if file.seekable() else None
    except (OSError, AttributeError):
        return None
    except ValueError:
        raise _unreadable(file, "it is closed") from None


def spent(request: Request) -> bool:
    """Whether something in the body has been read that cannot be read again."""
    values = [part.value for part in request.body.parts] if request.encoding == "multipart" else [request.body]
    return any(isinstance(value, _Given) and value.spent for value in values)


def outgoing(request: Request) -> bytes | Upload | None:
    """The body as it goes out: bytes where they are few; raises ConfigError for what cannot be sent."""
    if request.encoding is None:
        return None
    try:
        pieces = request.pieces
    except (ValueError, TypeError, RecursionError) as error:  # what was put into it later
        raise ConfigError(f"the body cannot be made: {error}", code="body.invalid") from None
    if all(isinstance(piece, bytes) for piece in pieces) and sum(map(len, pieces)) <= CHUNK:
        return b"".join(pieces)
    return Upload(pieces)


def whole(request: Request) -> Request:
    """The request with its files read into memory, as an attempt would have sent them; for transports that keep it."""
    if request.encoding == "multipart":
        parts = tuple(replace(part, value=_content(part.value)) for part in request.body.parts)
        return replace(request, body=replace(request.body, parts=parts))
    return replace(request, body=_content(request.body)) if request.encoding == "bytes" else request


def _content(value: Any) -> Any:
    if isinstance(value, str | bytes | bytearray | memoryview):
        return value
    source = _opened(value)
    try:
        source.begin()
        return source.file.read()
    finally:
        source.close()


# ── one attempt ───────────────────────────────────────────────────────────────────────────────────


class _Open(Struct):
    """A file as this attempt reads it."""

    file: BinaryIO
    size: int | None
    """Bytes from here to its end; None: nobody knows."""
    shown: str
    given: _Given | None = None

    def begin(self) -> None:
        """Goes to where the reading starts; raises ConfigError where that has been left behind."""
        if self.given is None:
            return
        if self.given.start is not None:
            self.file.seek(self.given.start)  # it may be in this body twice
        elif self.given.spent:
            raise _unreadable(self.shown, "it is in this body twice, and can be read once")
        self.given.spent = self.given.start is None

    def close(self) -> None:
        """Closes what was opened here."""
        if self.given is None:
            self.file.close()


class Upload:
    """A request's body, opened for one attempt; `close` has to follow."""

    def __init__(self, pieces: list[Any]) -> None:
        """Opens what is a path; raises ConfigError where that fails, or where a file was read already."""
        self.broken: ConfigError | None = None
        """Why it could not be sent to its end."""
        self._pieces: list[bytes | _Open] = []
        try:
            for piece in pieces:  # in no thread: a wait that is cancelled would leave the file open
                self._pieces.append(piece if isinstance(piece, bytes) else _opened(piece))
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int | None:
        """Bytes in all; None where a file does not tell its size."""
        sizes = [len(piece) if isinstance(piece, bytes) else piece.size for piece in self._pieces]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes in order; where that fails, it is `broken`."""
        try:
            for piece in self._pieces:
                async for chunk in _cut(piece) if isinstance(piece, bytes) else _read(piece):
                    yield chunk
        except ConfigError as error:
            self.broken = error
            raise

    def close(self) -> None:
        """Closes what was opened here."""
        for piece in self._pieces:
            if isinstance(piece, _Open):
                piece.close()


def _opened(value: Any) -> _Open:
    if isinstance(value, Path):
        return _opened_path(value)
    given = value if isinstance(value, _Given) else _Given(value, _position(value))
    shown = str(getattr(given.file, "name", "an open file"))
    if given.spent:
        raise ConfigError(
            f"{shown} was read already and cannot be read again",
            hint="pass bytes, a path, or a file that can go back to its start",
            code="body.spent",
        )
    if given.start is None:
        return _Open(given.file, None, shown, given)
    try:
        end = given.file.seek(0, 2)
        given.file.seek(given.start)
    except (OSError, ValueError) as error:
        raise _unreadable(given.file, _reason(error)) from None
    return _Open(given.file, max(end - given.start, 0), shown, given)


def _opened_path(path: Path) -> _Open:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for its other end
            raise _unreadable(path, "it is a folder" if stat.S_ISDIR(found.st_mode) else "it is no regular file")
        file = path.open("rb")
        return _Open(file, file.seek(0, 2) - file.seek(0), str(path))
    except (OSError, ValueError) as error:
        raise _unreadable(path, _reason(error)) from None


async def _cut(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


async def _read(source: _Open) -> AsyncIterator[bytes]:
    source.begin()
    left = source.size
    while left != 0:
        chunk = await _chunk(source, CHUNK if left is None else min(CHUNK, left))
        if not chunk and left is None:
            return
        if not chunk:
            raise _changed(source)
        if left is not None:
            left -= len(chunk)
            if left == 0 and await _chunk(source, 1):
                raise _changed(source)
        yield chunk


async def _chunk(source: _Open, most: int) -> bytes:
    try:
        chunk = await asyncio.to_thread(source.file.read, most)
    except (OSError, ValueError) as error:
        raise _unreadable(source.shown, _reason(error)) from None
    if not isinstance(chunk, bytes):
        raise _unreadable(source.shown, f"it gives {type(chunk).__name__}, not bytes")
    return chunk


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _unreadable(what: Any, why: str) -> ConfigError:
    shown = what if isinstance(what, str | Path) else getattr(what, "name", "an open file")
    return ConfigError(
        f"{shown} cannot be sent: {why}",
        hint="pass bytes, the path of a file, or a file opened in binary mode",
        code="body.unreadable",
    )


def _changed(source: _Open) -> ConfigError:
    return ConfigError(
        f"{source.shown} changed while it was sent",
        hint="nothing may write to it meanwhile; the service got an incomplete request",
        code="body.changed",
    )
