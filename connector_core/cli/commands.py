"""The group of all commands, and how a run of one begins and ends.

Importing this costs click and nothing else. A command's module is imported when the command is named, and what is heavy
in it when it acts; so `connector --help` knows the commands by the lines below, and asks plug-ins only where it has to.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

import click

from connector_core.cli.endings import ending
from connector_core.cli.options import debug_option
from connector_core.cli.streams import fill_closed_streams
from connector_core.cli.terminal import release

__all__ = ["COMMANDS", "connector", "run"]

COMMANDS = {
    "new": "Writes the first files of a spec, or of a plug-in package.",
    "validate": "Checks specs, and tells every mistake with its place.",
    "lint": "Tells what could be better in specs, and mends what it can.",
    "schema": "Writes the JSON Schema of the spec language, for editors.",
    "kinds": "Lists the kinds that keys such as pagination can have.",
    "plugins": "Lists the installed plug-ins, and what they bring.",
    "check": "Tries a connection: signs in and reads one page.",
    "read": "Reads the records of an endpoint.",
    "call": "Calls an endpoint once.",
    "login": "Signs in to a service as a person, and keeps the token.",
    "logout": "Forgets the token that `connector login` has kept.",
    "connect": "Sets up an account: asks for it, tries it, and keeps it.",
    "connections": "Lists the connections that were set up, or that somebody has signed in to.",
    "secrets": "Keeps secrets encrypted, for store:CONNECTION/FIELD.",
    "disable": "Switches an integration off, until it is enabled.",
    "enable": "Switches an integration on again, and ends its maintenance.",
    "maintenance": "Switches an integration off for a while.",
    "metrics": "Shows what the runs of this folder have counted.",
    "plan": "Shows what an endpoint comes to, with everything that it inherits.",
    "docs": "Writes the documents of an integration from its spec.",
    "types": "Writes a spec's types as a Python module, for checkers and editors.",
    "simulate": "Serves a spec on this machine, with made-up records.",
}
"""Every command in the order that one meets them, with the first line of its help."""


@cache
def _brought() -> dict[str, click.Command]:
    """The commands of plug-ins; where none is installed, nothing is imported to find that out."""
    from importlib.metadata import entry_points

    if not entry_points(group="connector_core"):
        return {}
    from connector_core.plugins import Plugins

    return {str(command.name): command for command in Plugins().commands() if command.name not in COMMANDS}


class _Commands(click.Group):
    """Commands that are imported when they are named, and errors in one line with a documented exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*COMMANDS, *_brought()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return _brought().get(cmd_name)
        command: click.Command = import_module(f"connector_core.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            brought = _brought().items()
            formatter.write_dl([*COMMANDS.items(), *((name, found.get_short_help_str(80)) for name, found in brought)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and args[0] not in _brought():
            near = get_close_matches(args[0], COMMANDS, 1)
            known = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {args[0]!r}, {known}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except BaseException as error:  # noqa: BLE001 - each becomes a line and an exit code
            raise click.exceptions.Exit(ending(error, debug=bool(ctx.meta.get("debug")))) from None

    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs the command line, and ends the process with the exit code."""
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except Exception as error:  # noqa: BLE001 - what is wrong with the options before the command
            code = ending(error, debug=False)
        raise SystemExit(code)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"connector-core {release()}")
        ctx.exit()


@click.group(
    cls=_Commands,
    name="connector",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
    Exit codes:
      0    done
      1    the service, the network or the output failed
      2    wrong usage, config, input or secrets
      3    the spec is wrong
      70   a bug in connector-core
      130  interrupted
    """,
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Tells the version."
)
@debug_option
@click.pass_context
def connector(ctx: click.Context) -> None:
    """Connectors written in YAML and run by one engine.

    A spec is named, and found in the folders of --specs, then in ./specs, then among the bundled ones; or it is the
    path of a .yaml or .json file.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(args: Sequence[str] | None = None) -> None:
    """Runs one command in a process of its own, and ends the process."""
    fill_closed_streams()
    connector.main(args, prog_name="connector")
