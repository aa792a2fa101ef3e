"""`connector docs`: the documents of an integration, written from its spec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from connector_core.cli.opening import folders, loaded
from connector_core.cli.options import debug_option, specs_option
from connector_core.cli.output import replace_file

__all__ = ["command"]


@click.command
@click.argument("name")
@click.option("--html", is_flag=True, help="Writes one HTML page that works by itself, in place of Markdown.")
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Writes to this file.")
@specs_option
@debug_option
def command(name: str, html: bool, output: Path | None, specs: Sequence[Path]) -> None:
    """Writes the documents of an integration from its spec.

    It is Markdown in seven sections: overview, prerequisites, configuration, API reference, error handling, testing and
    monitoring. What no machine can know comes from the spec's `docs`. Nothing is sent, and no secret is asked for.
    """
    spec = loaded(name, specs)
    from connector_core.handbook import in_html, in_markdown

    written = in_html if html else in_markdown
    text = written(spec, called=[name, *_options(specs)], opened=_opened(name, specs))
    if output is None:
        click.echo(text.encode(), nl=False)
    else:
        replace_file(output, text, "documents")


def _options(specs: Sequence[Path]) -> Iterator[str]:
    for folder in specs:
        yield from ("--specs", str(folder))


def _opened(name: str, specs: Sequence[Path]) -> str:
    """What an app opens: the name, or the path where only the command line finds the spec by it."""
    from connector_core.load import available, find

    path = find(name, folders(specs))
    return name if available().get(name) == path else path.as_posix()
