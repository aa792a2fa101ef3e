"""What is put out: JSON Lines to standard output, as bytes and a page at a time; and files, whole or not at all.

A reader who pauses (`| less`) must not stop the event loop, or the page under way would time out; so what may block is
written by a thread of its own. It is a daemon: an interrupted command does not wait for a reader who does not read.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import msgspec

from connector_core.exceptions import ConfigError

__all__ = ["json_line", "json_text", "replace_file", "write", "write_records"]

_encoder = msgspec.json.Encoder()  # NaN and infinities become null, integers of any size stay exact


def json_line(value: Any) -> bytes:
    """The value on one line, in UTF-8."""
    return _encoder.encode(value) + b"\n"


def json_text(value: Any) -> bytes:
    """The value as a person reads it, over several lines."""
    return msgspec.json.format(_encoder.encode(value), indent=2) + b"\n"


async def write_records(records: Sequence[dict[str, Any]]) -> None:
    """Writes a page as JSON Lines."""
    if records:
        await write(_encoder.encode_lines(records))


async def write(content: bytes) -> None:
    """Writes all of it; raises BrokenPipeError where nobody reads any more."""
    target = _descriptor()
    if target is None:
        sys.stdout.buffer.write(content)
    elif stat.S_ISREG(os.fstat(target).st_mode):
        _written(target, content)
    else:
        await _by_thread(target, content)


def _descriptor() -> int | None:
    """Standard output's file descriptor; None where it is no file (a test's or an app's own)."""
    try:
        sys.stdout.flush()
        return sys.stdout.fileno()
    except (OSError, ValueError):
        return None


def _written(target: int, content: bytes) -> None:
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[os.write(target, rest) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"the output cannot be written: {error.strerror}") from None


async def _by_thread(target: int, content: bytes) -> None:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def work() -> None:
        failure: Exception | None = None
        try:
            _written(target, content)
        except (BrokenPipeError, click.ClickException) as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, failure)

    threading.Thread(target=work, daemon=True).start()
    await done


# ── files ─────────────────────────────────────────────────────────────────────────────────────────


def replace_file(path: Path, text: str, what: str) -> None:
    """All of it or nothing: a file is never half written. `what` is the word for messages; raises ConfigError.

    A link stays, and what it leads to is replaced; what is no file, such as a pipe, is written to.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, "utf-8", newline="\n")
        else:
            _replaced(path.resolve() if path.is_symlink() else path, text)
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "the link leads to itself"
        raise ConfigError(f"the {what} cannot be written: {why}", where=str(path)) from None


def _replaced(path: Path, text: str) -> None:
    beside = path.with_name(f".{uuid4().hex}.new")  # its own, where two write at the same moment
    try:
        beside.write_text(text, "utf-8", newline="\n")
        if path.exists():
            beside.chmod(stat.S_IMODE(path.stat().st_mode))
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
