"""What is told to the person at the terminal: lines on standard error, without anything that a terminal would obey."""

from __future__ import annotations

import sys

import click

from connector_core.cli.streams import let_go
from connector_core.exceptions import one_line

__all__ = ["CLEAR", "release", "say", "told", "watched"]

CLEAR = "\r\x1b[K"
"""Takes away the line that a progress report stands on."""


def release() -> str:
    """The version of this package, as far as it is known."""
    from importlib import metadata

    try:
        return metadata.version("connector-core")
    except metadata.PackageNotFoundError:
        return "from a checkout that is not installed"


def say(line: str) -> None:
    """Writes a line to standard error, in place of a progress report where there is one."""
    told((CLEAR if watched() else "") + one_line(line) + "\n")


def told(text: str) -> None:
    """Writes to standard error; where that takes nothing, nothing can be told, and the work goes on."""
    try:
        click.echo(text, err=True, nl=False)
    except OSError:
        let_go(2)


def watched() -> bool:
    """Whether standard error is a terminal, so that somebody may be watching."""
    return sys.stderr is not None and sys.stderr.isatty()
