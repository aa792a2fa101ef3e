"""Undoes content-encodings (gzip, deflate, br, zstd) as the bytes come, and never gives more of them than a cap.

gzip and deflate are always there; br and zstd where their libraries are installed (the extra `speed`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from connector_core.compression import STEP, ZSTD, Frames, Inflate, gunzipped, zstd
from connector_core.exceptions import ConnectionError, ResponseError
from connector_core.units import size_text

__all__ = ["Decoder", "accepted", "too_large"]

_LAYERS = 4  # each may cost the cap in time; nobody applies more than two


class _Encoding(Protocol):
    """One encoding being undone; gives pieces of bounded size."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the data gives; the library's own error where it is broken."""

    def close(self) -> None:
        """Says that no more data comes; raises EOFError where that is too early."""


def accepted() -> str:
    """What can be undone here, as the value of Accept-Encoding."""
    return ", ".join(name for name in _encodings() if name != "x-gzip")


def too_large(cap: int) -> ResponseError:
    """The error for a body over `cap` bytes."""
    return ResponseError(
        f"the answer is larger than {size_text(cap)}", hint="ask for less at a time", code="response.too_large"
    )


class Decoder:
    """Undoes every encoding of a Content-Encoding field, the last one first.

    Its methods raise ResponseError where the body is larger than the cap (at any stage), broken, or encoded in an
    unknown way, and ConnectionError where it ends too early. Both are without a `where`.
    """

    def __init__(self, encodings: str, cap: int) -> None:
        """`encodings` as in the field, `cap` in bytes."""
        names = [name for text in encodings.split(",") if (name := text.strip().lower()) not in {"", "identity"}]
        if len(names) > _LAYERS:
            raise _unreadable(f"the answer is encoded {len(names)} times over")
        self._layers = [_Layer(name, cap) for name in reversed(names)]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the bytes give, in pieces of bounded size."""
        return self._through(0, iter((data,)) if data else iter(()))

    def close(self) -> None:
        """Says that no more bytes come; all that they gave was given by then."""
        for layer in self._layers:
            layer.close()

    def _through(self, at: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for layer in self._layers[at:]:
            pieces = layer.undone(pieces)
        return pieces


class _Layer:
    """One encoding of a body, with its errors in our words."""

    def __init__(self, name: str, cap: int) -> None:
        self._name, self._cap, self._left = name, cap, cap
        self._stream: _Encoding | None = None  # a body that is empty is not encoded

    def undone(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """What the pieces give."""
        for piece in pieces:
            if self._stream is None:
                self._stream = self._opened()
            with self._told():
                given = self._stream.feed(piece)
            while True:
                with self._told():
                    part = next(given, None)
                if part is None:
                    break
                self._left -= len(part)
                if self._left < 0:
                    raise too_large(self._cap)
                yield part

    def close(self) -> None:
        """Says that no more comes."""
        if self._stream is not None:
            with self._told():
                self._stream.close()

    def _opened(self) -> _Encoding:
        if (opened := _encodings().get(self._name)) is None:
            raise _unreadable(f"the answer is in the content-encoding {self._name[:40]!r}, which was not asked for")
        return opened()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except EOFError:
            raise ConnectionError(
                f"the answer's {self._name} data broke off before its end",
                hint="try again; the service may have acted on the request",
                code="connection.truncated", phase="answered", retryable=True,
            ) from None  # fmt: skip
        except Exception:  # noqa: BLE001 - each library has its own class for broken data
            raise _unreadable(f"the answer is not the {self._name} data that it claims to be") from None


def _unreadable(what: str) -> ResponseError:
    return ResponseError(what, hint="ask for it plain: headers: {Accept-Encoding: identity}", code="response.encoding")


# ── the encodings ─────────────────────────────────────────────────────────────────────────────────


@cache
def _encodings() -> dict[str, Callable[[], _Encoding]]:
    known: dict[str, Callable[[], _Encoding]] = {"gzip": gunzipped, "x-gzip": gunzipped, "deflate": _Deflate}
    if brotli := _brotli_library():
        known["br"] = lambda: _Brotli(brotli.Decompressor())
    if library := zstd():
        known["zstd"] = lambda: Frames(library.ZstdDecompressor, ZSTD)
    return known


def _brotli_library() -> Any:
    try:
        library = import_module("brotli")
        library.Decompressor().process(b"", output_buffer_limit=1)  # before 1.2 that is a TypeError
    except (ImportError, TypeError):
        return None
    return library


class _Deflate:
    """With a zlib header as RFC 9110 wants it, or raw as some servers send it; the first two bytes tell."""

    def __init__(self) -> None:
        self._head = b""
        self._frames: Frames | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._frames is None:
            data = self._head = self._head + data
            if len(data) < 2:  # noqa: PLR2004 - RFC 1950 §2.2
                return iter(())
            self._open()
        assert self._frames is not None  # noqa: S101 - see above
        return self._frames.feed(data)

    def close(self) -> None:
        if self._frames is None:
            raise EOFError
        self._frames.close()

    def _open(self) -> None:
        zlibbed = self._head[0] & 15 == zlib.DEFLATED and int.from_bytes(self._head[:2], "big") % 31 == 0
        self._frames = Frames(lambda: Inflate(15 if zlibbed else -15))


class _Brotli:
    """One stream; what follows it is padding."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def feed(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), STEP):
            piece = data[at : at + STEP]
            while not self._stream.is_finished():
                if part := self._stream.process(piece, output_buffer_limit=STEP):
                    yield bytes(part)
                piece = b""
                if self._stream.can_accept_more_data():
                    break

    def close(self) -> None:
        if not self._stream.is_finished():
            raise EOFError
