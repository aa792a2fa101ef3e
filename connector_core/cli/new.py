"""`connector new`: the first files of a spec, from an OpenAPI document too, or of a plug-in package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector_core.cli.options import debug_option
from connector_core.cli.terminal import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["command"]


@click.command
@click.argument("words", metavar="[plugin] NAME", nargs=-1)
@click.option(
    "--output",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Writes there, and not into the working directory.",
)
@debug_option
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...], output: Path) -> None:
    """Writes the first files of a spec, or of a plug-in package.

    NAME: specs/NAME.yaml, its tests, and a CI job. plugin NAME: a package with kinds, hooks, a spec, tests and a CI
    job. What is there already is not touched.
    """
    match words:
        case ["plugin", name]:
            _plugin(name, output)
        case [name] if name != "plugin":
            _spec(name, output)
        case _:
            what = "one NAME" if words[1:] else "a NAME"
            raise click.UsageError(f"it takes {what}: connector new NAME, or connector new plugin NAME", ctx)


def _spec(name: str, output: Path) -> None:
    from connector_core.scaffold import for_spec, write

    _told(write(for_spec(name), output))
    path = output / "specs" / f"{name}.yaml"
    _next(
        [
            f"fill in what is marked with <- in {path}",
            f"connector validate {path}",
            f"connector lint {path}",
            f"connector read {path} items --simulate --limit 5",
            f"pytest {output / 'tests'}",
        ]
    )


def _plugin(name: str, output: Path) -> None:
    from connector_core.scaffold import for_plugin, write

    files = for_plugin(name)
    _told(write(files, output))
    folder = output / Path(files[0].path).parts[0]
    _next([f"cd {folder}", "pip install -e '.[test]'", "pytest", "connector plugins"])


def _told(paths: Sequence[Path]) -> None:
    for path in paths:
        click.echo(plain(f"wrote {path}"))


def _next(steps: Sequence[str]) -> None:
    click.echo("next:")
    for step in steps:
        click.echo(plain(f"  {step}"))
