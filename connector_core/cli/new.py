"""`connector new`: the first files of a spec, from an OpenAPI document too, or of a plug-in package."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector_core.cli.options import debug_option
from connector_core.exceptions import one_line

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
@click.option(
    "--from-openapi",
    "openapi",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Makes the spec from an OpenAPI document (3.0 or 3.1, JSON or YAML).",
)
@debug_option
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...], output: Path, openapi: Path | None) -> None:
    """Writes the first files of a spec, or of a plug-in package.

    NAME: specs/NAME.yaml, its tests, and a CI job. plugin NAME: a package with kinds, hooks, a spec, tests and a CI
    job. What is there already is not touched.
    """
    match words:
        case ["plugin", name] if openapi is None:
            _plugin(name, output)
        case ["plugin", _]:
            raise click.UsageError("--from-openapi makes a spec, and a plug-in package is made without it", ctx)
        case [name] if name != "plugin":
            if openapi is None:
                _spec(name, output)
            else:
                _imported(name, output, openapi)
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
            f"connector validate {_quoted(path)}",
            f"connector lint {_quoted(path)}",
            f"connector read {_quoted(path)} items --simulate --limit 5",
            f"pytest {_quoted(output / 'tests')}",
        ]
    )


def _imported(name: str, output: Path, openapi: Path) -> None:
    """The spec is made first, so that a document that gives none leaves nothing behind."""
    from connector_core.exceptions import ConfigError
    from connector_core.importers.openapi import imported
    from connector_core.importers.openapi.document import MAX_BYTES
    from connector_core.scaffold import checked, for_spec, titled, write

    checked(name, "a spec")
    try:
        with openapi.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"the document cannot be read: {error.strerror}", where=str(openapi)) from None
    made = imported(content, str(openapi), name, titled(name))
    _told(write(for_spec(name, made.text), output))
    for head, lines in (("guessed, so have a look:", made.guesses), ("left out:", made.left_out)):
        if lines:
            click.echo(head)
            for line in lines:
                click.echo(one_line(f"  {line}"))
    path = _quoted(output / "specs" / f"{name}.yaml")
    reading = [f"connector read {path} {made.reads[0]} --simulate --limit 5"] if made.reads else []
    _next([f"connector lint {path}", *reading, f"pytest {_quoted(output / 'tests')}"])


def _plugin(name: str, output: Path) -> None:
    from connector_core.scaffold import for_plugin, write

    files = for_plugin(name)
    _told(write(files, output))
    folder = output / Path(files[0].path).parts[0]
    _next([f"cd {_quoted(folder)}", "pip install -e '.[test]'", "pytest", "connector plugins"])


def _told(paths: Sequence[Path]) -> None:
    for path in paths:
        click.echo(one_line(f"wrote {path}"))


def _next(steps: Sequence[str]) -> None:
    click.echo("next:")
    for step in steps:
        click.echo(one_line(f"  {step}"))


def _quoted(path: Path) -> str:
    """The path as a shell takes it for one word, and nothing else."""
    return shlex.quote(str(path))
