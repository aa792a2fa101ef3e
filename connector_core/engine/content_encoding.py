"""Undoes content-encodings (gzip, deflate, br, zstd) without ever holding more than a cap of bytes.

gzip and deflate are always there; br and zstd where their libraries are installed (the extra `speed`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from connector_core.exceptions import ConnectionError, ResponseError

__all__ = ["accepted", "decoded", "too_large"]

Reader = Callable[[int], bytes]
"""Gives about so many further bytes of a body, none at its end; raises EOFError where the body was cut short."""

_STEP = 64 * 1024  # what is fed (a decompressor copies what it leaves over) and asked for at once
_LAYERS = 4  # each may cost the cap in time; nobody applies more than two


def accepted() -> str:
    """What can be undone here, as the value of Accept-Encoding."""
    return ", ".join(name for name in _readers() if name != "x-gzip")


def decoded(body: bytes, encodings: str, cap: int) -> bytes:
    """The body with every encoding of a Content-Encoding field undone, the last one first.

    Raises ResponseError where it is larger than `cap` bytes (at any stage), broken, or encoded in an unknown way, and
    ConnectionError where it ends too early. Both are without a `where`.
    """
    names = [name for text in encodings.split(",") if (name := text.strip().lower()) not in {"", "identity"}]
    if len(names) > _LAYERS:
        raise _unreadable(f"the answer is encoded {len(names)} times over")
    for name in reversed(names):
        body = _undone(body, name, cap) if body else body
    return body


def too_large(cap: int) -> ResponseError:
    """The error for a body over `cap` bytes."""
    size = f"{cap >> 20} MiB" if cap >= 1 << 20 and not cap & 0xFFFFF else f"{cap} bytes"
    return ResponseError(f"the answer is larger than {size}", hint="ask for less at a time", code="response.too_large")


def _undone(body: bytes, name: str, cap: int) -> bytes:
    opened = _readers().get(name)
    if opened is None:
        raise _unreadable(f"the answer is in the content-encoding {name[:40]!r}, which was not asked for")
    try:
        return _collected(opened(body), cap)
    except EOFError:
        raise ConnectionError(
            f"the answer's {name} data broke off before its end",
            hint="try again; the service may have acted on the request",
            code="connection.truncated", phase="answered", retryable=True,
        ) from None  # fmt: skip
    except ResponseError:
        raise
    except Exception:  # noqa: BLE001 - each library has its own class for broken data
        raise _unreadable(f"the answer is not the {name} data that it claims to be") from None


def _unreadable(what: str) -> ResponseError:
    return ResponseError(what, hint="ask for it plain: headers: {Accept-Encoding: identity}", code="response.encoding")


def _collected(read: Reader, cap: int) -> bytes:
    parts, left = [], cap
    while part := read(min(left, _STEP) or 1):  # where the cap is reached exactly, one byte more tells
        left -= len(part)
        if left < 0:
            raise too_large(cap)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


# ── one reader per encoding ───────────────────────────────────────────────────────────────────────


@cache
def _readers() -> dict[str, Callable[[bytes], Reader]]:
    readers: dict[str, Callable[[bytes], Reader]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}
    if brotli := _library("brotli"):
        readers["br"] = lambda body: _brotli(body, brotli.Decompressor())
    if zstd := _library("compression.zstd") or _library("backports.zstd"):
        readers["zstd"] = lambda body: _frames(body, zstd.ZstdDecompressor, b"\x28\xb5\x2f\xfd")
    return readers


def _library(name: str) -> Any:
    try:
        library = import_module(name)
        if name == "brotli":  # before 1.2 its output could not be limited, which is a TypeError
            library.Decompressor().process(b"", output_buffer_limit=1)
    except (ImportError, TypeError):
        return None
    return library


def _gzip(body: bytes) -> Reader:
    return _frames(body, lambda: _Inflate(31), b"\x1f\x8b")


def _deflate(body: bytes) -> Reader:
    """With a zlib header as RFC 9110 wants it, or raw as some servers send it."""
    zlibbed = body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    return _frames(body, lambda: _Inflate(15 if zlibbed else -15))


def _brotli(body: bytes, stream: Any) -> Reader:
    slices = _slices(body)

    def read(size: int) -> bytes:
        while not stream.is_finished():
            hungry = stream.can_accept_more_data()
            data = next(slices, b"") if hungry else b""
            if part := stream.process(data, output_buffer_limit=size):
                return bytes(part)
            if hungry and not data:
                raise EOFError
        return b""

    return read


def _frames(body: bytes, opened: Callable[[], Any], magic: bytes = b"") -> Reader:
    """Reads frame after frame as long as another begins with `magic`; what else follows the last one is padding."""
    slices, stream = _slices(body), opened()

    def read(size: int) -> bytes:
        nonlocal stream
        while True:
            data = b""
            if stream.eof:
                data = stream.unused_data + (next(slices, b"") if len(stream.unused_data) < len(magic) else b"")
                if not magic or not data.startswith(magic):
                    return b""
                stream = opened()
            hungry = stream.needs_input
            data = data or (next(slices, b"") if hungry else b"")
            if part := stream.decompress(data, size):
                return bytes(part)
            if hungry and not data:
                raise EOFError

    return read


def _slices(body: bytes) -> Iterator[bytes]:
    return (body[at : at + _STEP] for at in range(0, len(body), _STEP))


class _Inflate:
    """zlib with the interface that bz2, lzma and zstd share: it keeps by itself what it could not use yet."""

    def __init__(self, window: int) -> None:
        self._stream = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, size: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail or data, size)
