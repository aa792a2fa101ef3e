"""Decompression as the bytes come, in pieces of bounded size: gzip, zlib, raw deflate, and zstd where it is there."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["GZIP", "STEP", "ZSTD", "Frames", "Inflate", "gunzipped", "zstd"]

STEP = 64 * 1024
"""What a decompressor is fed at once (it copies what it leaves over), and the longest piece that it gives."""
MANY, SMALLEST = 10_000, 64
"""More frames than that have to be so many bytes long on average."""
GZIP = (b"\x1f\x8b",)
ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([byte]) + b"\x2a\x4d\x18" for byte in range(0x50, 0x60)))
"""How a frame begins; the further ones are frames that hold no data (RFC 8878 §3.1.2)."""


@cache
def zstd() -> Any:
    """The library for zstd; None where there is none (the extra `speed`)."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def gunzipped() -> Frames:
    """Undoes gzip, member after member."""
    return Frames(lambda: Inflate(31), GZIP)


class Frames:
    """Undoes one frame, and every further one that follows it; zero bytes in between are padding."""

    def __init__(self, opened: Callable[[], Any], magic: tuple[bytes, ...] = ()) -> None:
        """`opened`: makes a decompressor for a frame; `magic`: how a further frame begins, none: there is but one."""
        self._opened, self._magic = opened, magic
        self._stream = opened()
        self._frames = self._received = 0
        self._after: bytes | None = None  # the bytes behind a frame's end, until they tell whether another begins
        self.trailing: bool = False
        """Whether something else follows the last frame; it is passed over."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the bytes give, piece by piece; the library's own error where they are broken."""
        for at in range(0, len(data), STEP):
            self._received += len(data[at : at + STEP])
            yield from self._fed(data[at : at + STEP])

    def close(self) -> None:
        """Says that no more bytes come; raises EOFError where a frame was cut short."""
        if not self._stream.eof:
            raise EOFError
        self.trailing = self.trailing or bool((self._after or self._stream.unused_data).strip(b"\0"))

    def _fed(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._stream.eof and not (data := self._next(data)):
                return
            part = self._stream.decompress(data, STEP)
            data = b""
            if part:
                yield part
            elif not self._stream.eof:
                return

    def _next(self, data: bytes) -> bytes:
        """The beginning of a further frame, with its decompressor at hand; empty where there is none yet."""
        before = self._stream.unused_data if self._after is None else self._after
        self._after = (before + data).lstrip(b"\0")
        if self.trailing or not self._magic or not self._after.startswith(self._magic):
            self.trailing = self.trailing or len(self._after) >= max(map(len, self._magic), default=1)
            self._after = b"" if self.trailing else self._after
            return b""
        begun, self._after, self._stream = self._after, None, self._opened()
        self._frames += 1
        if self._frames > MANY and self._frames * SMALLEST > self._received:
            raise ValueError("frames that hold next to nothing")  # each costs what a whole step costs
        return begun


class Inflate:
    """zlib with the interface that bz2, lzma and zstd share: it keeps by itself what it could not use yet."""

    def __init__(self, window: int) -> None:
        """`window` as zlib has it: 31 for gzip, 15 for zlib, -15 for raw deflate."""
        self._stream = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        """What followed the frame's end."""
        return self._stream.unused_data

    def decompress(self, data: bytes, size: int) -> bytes:
        """At most `size` bytes; further data is given only when there are none any more."""
        return self._stream.decompress(self._stream.unconsumed_tail + data, size)
