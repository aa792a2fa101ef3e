"""Writing a connection into `connections.yaml`, where everything else stays as somebody wrote it.

Rule: the new text is read before it replaces the old one. Where the others would not be what they were, or the new one
      not what it shall be, nothing is written, and the lines to be written by hand are shown.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector_core.connections import Connections
from connector_core.exceptions import ConfigError, SpecError

__all__ = ["alone", "set_up"]

FIRST = "connections:\n"
PATIENCE = 20.0
"""Seconds that a process waits for another which sets up an account in the same file."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """While this lasts, no other process does the same; raises ConfigError where one does for long.

    The folder is what is locked: the file may not be there yet, and another takes its place.
    """
    try:
        import fcntl
    except ImportError:  # only POSIX has it
        yield
        return
    folder = _folder(path)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise ConfigError(
                        "another process sets up an account at this moment",
                        where=str(path),
                        hint="try it again when that is done",
                        code="connections.busy",
                    ) from None
                time.sleep(0.02)
            except OSError:  # a file system that locks nothing
                break
        yield
    finally:
        os.close(folder)


def _folder(path: Path) -> int:
    try:
        return os.open((path.resolve() if path.is_symlink() else path).parent, os.O_RDONLY)
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the link leads to itself"
        raise ConfigError(f"the connections cannot be written: {why}", where=str(path)) from None


def set_up(path: Path, name: str, settings: Mapping[str, Any]) -> None:
    """Writes the connection, in place of one of that name; raises ConfigError or SpecError, and nothing is changed.

    `settings`: as they stand in the file, with references for secrets.
    """
    from connector_core.cli.output import replace_file

    before = Connections(path) if path.exists() else None
    text = FIRST if before is None else path.read_bytes().decode()
    after = _with(text, name, settings, before)
    if after is not None and "\r\n" in text:
        after = after.replace("\n", "\r\n")
    if after is None or not _as_meant(after, path, name, settings, before):
        lines = _lines(name, settings, 2)
        raise ConfigError(
            f"{name} cannot be written into a file that is written like this",
            where=str(path),
            hint="write it in by hand:\n" + "\n".join(lines),
            code="connections.unwritable",
        )
    replace_file(path, after, "connections")


def _with(text: str, name: str, settings: Mapping[str, Any], before: Connections | None) -> str | None:
    """The text with the connection; None: it is not written in lines of its own."""
    if before is None or not before:
        begun = text.rstrip()
        if begun.splitlines()[-1:] == ["connections: {}"]:
            begun = begun.removesuffix(" {}")
        if not begun.endswith("connections:"):
            return None
        return "\n".join([begun, *_lines(name, settings, 2), ""])
    rows = text.splitlines()
    places = {known: before.place(known) for known in before}
    columns = {column for _, column in places.values()}
    if len(columns) != 1 or any(rows[line - 1][: column - 1].strip(" ") for line, column in places.values()):
        return None
    indent = columns.pop() - 1
    starts = sorted(before.lines())
    written = _lines(name, settings, indent)
    if name in places:
        start = places[name][0]
        return "\n".join([*rows[: start - 1], *written, *rows[_end(rows, start, starts) :], ""])
    end = _end(rows, max(line for line, _ in places.values()), starts)
    return "\n".join([*rows[:end], *written, *rows[end:], ""])


def _end(rows: list[str], start: int, starts: list[int]) -> int:
    """The last line of what begins at a line, both from 1; comments before the next belong to that."""
    end = next((line - 1 for line in starts if line > start), len(rows))
    while end > start and (not rows[end - 1].strip() or rows[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _lines(name: str, settings: Mapping[str, Any], indent: int) -> list[str]:
    import yaml

    text = yaml.safe_dump({name: dict(settings)}, sort_keys=False, allow_unicode=True, width=10_000)
    return [" " * indent + line for line in text.splitlines()]


def _as_meant(text: str, path: Path, name: str, settings: Mapping[str, Any], before: Connections | None) -> bool:
    try:
        after = Connections(path, text)
    except SpecError:
        return False
    others = {known: found for known, found in (before or {}).items() if known != name}
    wanted = Connections(path, _json(name, settings))
    return dict(after) == {**others, name: wanted[name]}


def _json(name: str, settings: Mapping[str, Any]) -> str:
    import json

    return json.dumps({"connections": {name: settings}})
