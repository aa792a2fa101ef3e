"""Containers of one thing: gzip and zstd."""

import gzip
from collections.abc import Iterator
from typing import Literal

from connector_core.compression import ZSTD, Frames, gunzipped, zstd
from connector_core.decode.family import Container, UndecodableError, Unpacking
from connector_core.decode.instead import instead
from connector_core.exceptions import ConfigError

__all__ = ["Gzip", "Zstd"]


class Gzip(Container):
    """gzip (RFC 1952), of one member or several.

    It is for files; what a service compresses on the way (`Content-Encoding`) is unpacked without being told.

    Example: `decode: [gzip, csv]`
    """

    media = "application/gzip"

    type: Literal["gzip"] = "gzip"

    def unpacking(self) -> Unpacking:
        """Member after member."""
        return _Unpacking(gunzipped(), "gzip")

    def pack(self, content: bytes) -> bytes:
        """One member, without a time in it."""
        return gzip.compress(content, 1, mtime=0)


class Zstd(Container):
    """Zstandard (RFC 8878), of one frame or several; the extra `speed` brings its library.

    Example: `decode: [zstd, ndjson]`
    """

    media = "application/zstd"

    type: Literal["zstd"] = "zstd"

    def ready(self) -> None:
        """Looks for the library."""
        if zstd() is None:
            raise ConfigError(
                "decode: zstd needs a library that is not installed", hint="pip install 'connector-core[speed]'"
            )

    def unpacking(self) -> Unpacking:
        """Frame after frame."""
        self.ready()
        return _Unpacking(Frames(zstd().ZstdDecompressor, ZSTD), "zstd")

    def pack(self, content: bytes) -> bytes:
        """One frame."""
        if (library := zstd()) is None:
            raise ValueError("decode: zstd needs the extra 'speed'")
        packed: bytes = library.compress(content)
        return packed


class _Unpacking(Unpacking):
    def __init__(self, frames: Frames, name: str) -> None:
        self._frames, self._name = frames, name
        self._head = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        self._head = self._head or chunk[:4096]
        try:
            yield from self._frames.feed(chunk)
        except UndecodableError:
            raise
        except Exception:  # noqa: BLE001 - each library has its own class for broken data
            what = f"the body is not the {self._name} data that is expected; it may have been unpacked on the way"
            raise UndecodableError(instead(self._head, self._name) or what) from None

    def close(self) -> Iterator[bytes]:
        try:
            self._frames.close()
        except EOFError:
            what = f"the body is {self._name} data that breaks off"
            raise UndecodableError(instead(self._head, self._name) or what) from None
        if self._frames.trailing:
            raise UndecodableError(f"the body goes on after its {self._name} data")
        return iter(())
