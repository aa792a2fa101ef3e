"""`connector types`: a spec's types as a Python module."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from connector_core.cli.opening import loaded
from connector_core.cli.options import debug_option, specs_option
from connector_core.cli.output import replace_file

__all__ = ["command"]


@click.command
@click.argument("name")
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Writes to this file.")
@specs_option
@debug_option
def command(name: str, output: Path | None, specs: Sequence[Path]) -> None:
    """Writes a spec's types as a Python module, for checkers and editors.

    There is a TypedDict for each endpoint's records and inputs, for the config and the secrets, and a protocol with the
    connector's methods. An app annotates what it is given with that protocol: `async def sync(shop: Shop)`.
    """
    spec = loaded(name, specs)
    from connector_core.types import written

    text = written(spec)
    if output is None:
        click.echo(text, nl=False)
    else:
        replace_file(output, text, "types")
