"""`connector disable`: nothing is sent to a service until it is enabled."""

from __future__ import annotations

from pathlib import Path

import click

from connector_core.cli.opening import loaded, switches
from connector_core.cli.options import debug_option, specs_option

__all__ = ["command"]


@click.command
@click.argument("name")
@click.option("--message", metavar="TEXT", default="", help="Says what whoever is refused is told.")
@specs_option
@debug_option
def command(name: str, message: str, specs: tuple[Path, ...]) -> None:
    """Switches an integration off, until it is enabled.

    NAME is a spec's name or path. The switch is kept in .connector/switches.json of the working directory.
    """
    from connector_core.engine.switches import Switch

    found = loaded(name, specs).name
    switches().set(found, Switch("disabled", None, message))
    click.echo(f"{found}: switched off")
