"""The command line: check a spec, read and call a service, simulate one.

What it takes is imported by `main`, so that Ctrl-C ends it in words from the beginning.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector_core.cli.commands import COMMANDS, connector

__all__ = ["COMMANDS", "connector", "main"]


def main(args: Sequence[str] | None = None) -> None:
    """The script `connector`: runs one command and ends the process."""
    try:
        from connector_core.cli.commands import run

        run(args)
    except KeyboardInterrupt:  # before a command has begun, or after it has ended
        if sys.stderr is not None:
            sys.stderr.write("interrupted\n")
        raise SystemExit(130) from None


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("connector_core.cli.commands"), name)
    raise AttributeError(f"module 'connector_core.cli' has no attribute {name!r}")
