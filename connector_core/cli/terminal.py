"""What is told to the person at the terminal: lines on standard error, without anything that a terminal would obey."""

from __future__ import annotations

import re
import sys

import click

from connector_core.cli.streams import let_go

__all__ = ["CLEAR", "plain", "release", "say", "told", "watched"]

CLEAR = "\r\x1b[K"
"""Takes away the line that a progress report stands on."""

# Control characters, and those that turn the direction of text: names and messages from services may hold any.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


def plain(text: str) -> str:
    """The text as one line that only says something."""
    return _OBEYED.sub(" ", text)


def release() -> str:
    """The version of this package, as far as it is known."""
    from importlib import metadata

    try:
        return metadata.version("connector-core")
    except metadata.PackageNotFoundError:
        return "from a checkout that is not installed"


def say(line: str) -> None:
    """Writes a line to standard error, in place of a progress report where there is one."""
    told((CLEAR if watched() else "") + plain(line) + "\n")


def told(text: str) -> None:
    """Writes to standard error; where that takes nothing, nothing can be told, and the work goes on."""
    try:
        click.echo(text, err=True, nl=False)
    except OSError:
        let_go(2)


def watched() -> bool:
    """Whether standard error is a terminal, so that somebody may be watching."""
    return sys.stderr is not None and sys.stderr.isatty()
