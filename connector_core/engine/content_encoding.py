"""Undoes content-encodings (gzip, deflate, br, zstd) without ever holding more than a cap of bytes.

gzip and deflate are always there; br and zstd where their libraries are installed (the extra `speed`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from connector_core.compression import STEP, ZSTD, Frames, Inflate, gunzipped, zstd
from connector_core.exceptions import ConnectionError, ResponseError
from connector_core.units import size_text

__all__ = ["accepted", "decoded", "too_large"]

Reader = Callable[[bytes], Iterator[bytes]]
"""Gives a body's bytes in pieces of bounded size; raises EOFError where the body was cut short."""

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
    return ResponseError(
        f"the answer is larger than {size_text(cap)}", hint="ask for less at a time", code="response.too_large"
    )


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


def _collected(pieces: Iterator[bytes], cap: int) -> bytes:
    parts, left = [], cap
    for part in pieces:
        left -= len(part)
        if left < 0:
            raise too_large(cap)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


# ── one reader per encoding ───────────────────────────────────────────────────────────────────────


@cache
def _readers() -> dict[str, Reader]:
    readers: dict[str, Reader] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}
    if brotli := _brotli_library():
        readers["br"] = lambda body: _brotli(body, brotli.Decompressor())
    if library := zstd():
        readers["zstd"] = lambda body: _frames(body, Frames(library.ZstdDecompressor, ZSTD))
    return readers


def _brotli_library() -> Any:
    try:
        library = import_module("brotli")
        library.Decompressor().process(b"", output_buffer_limit=1)  # before 1.2 that is a TypeError
    except (ImportError, TypeError):
        return None
    return library


def _gzip(body: bytes) -> Iterator[bytes]:
    return _frames(body, gunzipped())


def _deflate(body: bytes) -> Iterator[bytes]:
    """With a zlib header as RFC 9110 wants it, or raw as some servers send it."""
    zlibbed = body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    return _frames(body, Frames(lambda: Inflate(15 if zlibbed else -15)))


def _frames(body: bytes, frames: Frames) -> Iterator[bytes]:
    """What else follows the last frame is padding."""
    yield from frames.feed(body)
    frames.close()


def _brotli(body: bytes, stream: Any) -> Iterator[bytes]:
    slices = (body[at : at + STEP] for at in range(0, len(body), STEP))
    while not stream.is_finished():
        hungry = stream.can_accept_more_data()
        data = next(slices, b"") if hungry else b""
        if part := stream.process(data, output_buffer_limit=STEP):
            yield bytes(part)
        elif hungry and not data:
            raise EOFError
