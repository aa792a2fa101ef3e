"""Secrets in files: `file:/run/secrets/shop`."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from connector_core.exceptions import ConfigError
from connector_core.secrets.backend import Backend, World
from connector_core.secrets.waiting import in_thread

__all__ = ["File", "text_in"]

LARGEST = 64 * 1024
"""Bytes; what is larger is no secret, but a mistake."""
_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH


class File(Backend):
    """The text of a file, without the line's end that editors put there; it is looked at when a connection is opened.

    One that others may read or write is refused.
    """

    scheme = "file"

    def check(self, rest: str) -> None:
        """Raises ConfigError where it is not there, or can't be used."""
        text_in(rest)

    async def fetch(self, rest: str, world: World) -> str:  # noqa: ARG002 - nobody is asked
        """What is in it; read in a thread, since its disk may be far away."""
        return await in_thread(lambda: text_in(rest))

    async def since(self, rest: str, world: World) -> float | None:  # noqa: ARG002 - nobody is asked
        """When it was last written."""
        return await in_thread(lambda: Path(rest).expanduser().stat().st_mtime)


def text_in(rest: str) -> str:
    """The text in a file; raises ConfigError."""
    try:
        content = _content(Path(rest).expanduser())
    except FileNotFoundError:
        raise _wrong(rest, "is not there", "put the secret there first", code="secret.missing") from None
    except (OSError, RuntimeError, ValueError) as error:  # no such home; a NUL in the name
        why = getattr(error, "strerror", None) or "no such path"
        raise _wrong(rest, f"cannot be read: {why}", "check who may read it", code="secret.unreadable") from None
    if len(content) > LARGEST:
        raise _wrong(rest, f"is larger than {LARGEST // 1024} KiB", "is it the right one?", code="secret.unreadable")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _wrong(rest, "is no text in UTF-8", "write the secret as text", code="secret.unreadable") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise _wrong(rest, "is empty", "write the secret into it", code="secret.missing")
    return text


def _content(path: Path) -> bytes:
    """What is in the file that was looked at: between two looks at a name, another may have taken its place."""
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(opened, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise _wrong(str(path), "is no file", "name the file with the secret in it", code="secret.unreadable")
        if os.name == "posix" and mode & _OTHERS:
            who = "others" if mode & (stat.S_IROTH | stat.S_IWOTH) else "its group"
            raise _wrong(
                str(path),
                f"may be read or written by {who}",
                f"chmod 600 {shlex.quote(str(path))}",
                code="secret.exposed",
            )
        return file.read(LARGEST + 1)


def _wrong(path: str, what: str, hint: str, *, code: str) -> ConfigError:
    return ConfigError(f"the file {path} {what}", hint=hint, code=code)
