"""`connector enable`: what was switched off may be used again."""

from __future__ import annotations

from pathlib import Path

import click

from connector_core.cli.opening import loaded, switches
from connector_core.cli.options import debug_option, specs_option

__all__ = ["command"]


@click.command
@click.argument("name")
@specs_option
@debug_option
def command(name: str, specs: tuple[Path, ...]) -> None:
    """Switches an integration on again, and ends its maintenance.

    NAME is a spec's name or path.
    """
    found = loaded(name, specs).name
    known = switches()
    was = known.get(found)
    known.set(found, None)
    click.echo(f"{found}: {'was not switched off' if was is None else 'switched on'}")
