"""A multipart body as a value: its parts, its boundary, and the bytes around what the parts hold (RFC 7578).

Names and filenames are written as browsers write them: UTF-8, and `"`, CR and LF as %22, %0D and %0A. So none of them
can end its header. What the parts hold goes out as it is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct
from msgspec.structs import replace

__all__ = ["Binary", "Multipart", "Part", "is_binary"]

Binary = bytes | bytearray | memoryview | Path | BinaryIO
"""What a file is given as: its bytes, where it is, or itself, opened in binary mode."""

_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_binary(value: object) -> bool:
    """Whether it is bytes, a path or a file that is open in binary mode; text is none of them."""
    if isinstance(value, bytes | bytearray | memoryview | Path):
        return True
    return callable(getattr(value, "read", None)) and not (
        isinstance(value, io.TextIOBase) or hasattr(value, "encoding")
    )


class Part(Struct, frozen=True):
    """One part of a multipart body."""

    name: str
    value: Any
    """Text, or what a file is given as (`Binary`)."""
    filename: str | None = None
    type: str | None = None
    """Its media type; None: it is not said."""

    @property
    def head(self) -> bytes:
        """The part's own header fields, with the empty line after them; raises ValueError for a type that is none."""
        lines = [f'Content-Disposition: form-data; name="{self.name.translate(_ESCAPES)}"']
        if self.filename is not None:
            lines[0] += f'; filename="{self.filename.translate(_ESCAPES)}"'
        if self.type is not None:
            if _CONTROL.search(self.type):
                raise ValueError("a part's type holds a line break or another control character")
            lines.append(f"Content-Type: {self.type}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace")  # a path may hold bytes that are no UTF-8

    def __repr__(self) -> str:
        return f"Part({self.name!r})"  # not what it holds


class Multipart(Struct, frozen=True):
    """The body of a request whose encoding is `multipart`."""

    parts: tuple[Part, ...]
    boundary: str = ""
    """What stands between the parts and in none of them; the engine gives it, at random."""

    def bounded(self, unique: str) -> Multipart:
        """The same parts with a boundary made of a text that never comes twice."""
        return replace(self, boundary=re.sub(r"[^0-9A-Za-z-]", "", unique)[:70])  # RFC 2046 §5.1.1

    def with_text(self, name: str, value: str) -> Multipart:
        """The same body with one part of that name, which holds the text."""
        return replace(self, parts=(*(part for part in self.parts if part.name != name), Part(name, value)))

    def pieces(self) -> Iterator[Any]:
        """What goes out, in order: bytes, and for files what they were given as; raises ValueError without boundary."""
        if not self.boundary:
            raise ValueError("a multipart body has no bytes before the engine has given it a boundary")
        delimiter = f"--{self.boundary}\r\n".encode()
        for part in self.parts:
            yield delimiter + part.head
            yield _piece(part.value)
            yield b"\r\n"
        yield f"--{self.boundary}--\r\n".encode()


def _piece(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytearray | memoryview) else value
