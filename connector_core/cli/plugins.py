"""`connector plugins`: who brings what, and what was left out."""

from __future__ import annotations

import click
import msgspec

from connector_core.cli.options import debug_option, json_option
from connector_core.cli.output import json_line

__all__ = ["command"]


class _Shown(msgspec.Struct, frozen=True):
    name: str
    distribution: str
    hooks: list[str]
    problem: str


@click.command
@json_option
@debug_option
def command(as_json: bool) -> None:
    """Lists the installed plug-ins, and what they bring.

    In the order in which they load: who brings each, and which hooks it implements. One that cannot be used is left out
    of everything else, and listed with the reason. With --json, each is an object on a line.
    """
    from connector_core.plugins import installed

    plugins = [_Shown(found.name, found.distribution, found.hooks, found.problem) for found in installed()]
    if as_json:
        click.echo(b"".join(map(json_line, plugins)), nl=False)
        return
    if not plugins:
        click.echo("no plug-ins are installed")
    for plugin in plugins:
        what = f"left out: {plugin.problem}" if plugin.problem else ", ".join(plugin.hooks) or "kinds only"
        click.echo(f"{click.style(plugin.name, bold=True)} ({plugin.distribution}): {what}")
