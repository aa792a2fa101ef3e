"""`connector validate`: every mistake of the specs, each on a line that editors can follow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from connector_core.cli.endings import DONE, SPEC
from connector_core.cli.opening import folders, loaded
from connector_core.cli.options import debug_option, json_option, specs_option
from connector_core.cli.output import json_line
from connector_core.cli.terminal import say
from connector_core.exceptions import Problem, SpecError

__all__ = ["chosen_specs", "command"]


@click.command
@click.argument("names", metavar="[NAME|PATH]...", nargs=-1)
@specs_option
@json_option
@debug_option
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], specs: tuple[Path, ...], as_json: bool) -> None:
    """Checks specs, and tells every mistake with its place.

    Without a name: every spec in the folders of --specs and in ./specs. Each mistake is a line `file:line:column path:
    what` on stderr, or with --json an object on stdout. Nothing is sent.
    """
    chosen = chosen_specs(names, specs)
    wrong = 0
    for spec in chosen:
        problems = _problems(spec, specs)
        wrong += bool(problems)
        for problem in problems:
            if as_json:
                click.echo(json_line(problem._asdict()), nl=False)
            else:
                say(str(problem))
    count = f"{len(chosen)} {'spec' if len(chosen) == 1 else 'specs'}"
    say(f"{count} checked, {f'{wrong} of them wrong' if wrong else 'nothing is wrong'}")
    ctx.exit(SPEC if wrong else DONE)


def chosen_specs(names: Sequence[str], specs: Sequence[Path]) -> Sequence[str]:
    """The specs that are named, or all in the folders; raises ConfigError where one is not there."""
    return _named(names, specs) if names else _all(specs)


def _named(names: Sequence[str], specs: Sequence[Path]) -> Sequence[str]:
    """The names, once all of them are known to be there; raises ConfigError."""
    from connector_core.load import find

    for name in names:
        find(name, folders(specs))
    return names


def _all(specs: Sequence[Path]) -> Sequence[str]:
    """Every spec file of the folders, also those that one of the same name hides."""
    from connector_core.load import ENDINGS

    once = {folder.resolve(): folder for folder in reversed(folders(specs))}  # by the name that it was given first
    found = [
        str(path)
        for folder in reversed(once.values())
        for path in sorted(folder.iterdir())
        if path.suffix in ENDINGS and not path.name.endswith(".schema.json")
    ]
    if not found:
        raise click.UsageError(
            "there is nothing to check: name a spec, or a folder that holds some with --specs",
            click.get_current_context(),
        )
    return found


def _problems(name: str, specs: Sequence[Path]) -> list[Problem]:
    """What is wrong with the spec, in each of its environments too."""
    try:
        for environment in loaded(name, specs).environments:
            loaded(name, specs, environment)
    except SpecError as error:
        return error.problems or [Problem(name, 1, 1, "", str(error))]
    return []
