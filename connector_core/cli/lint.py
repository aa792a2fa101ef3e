"""`connector lint`: what could be better in specs that load, and the mending of what can be mended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector_core.cli.endings import DONE, SPEC
from connector_core.cli.opening import folders
from connector_core.cli.options import debug_option, json_option, specs_option
from connector_core.cli.output import json_line, replace_file
from connector_core.cli.terminal import say
from connector_core.cli.validate import chosen_specs
from connector_core.exceptions import SpecError, one_line

if TYPE_CHECKING:
    from connector_core.lint import Finding

__all__ = ["command"]


@click.command
@click.argument("names", metavar="[NAME|PATH]...", nargs=-1)
@click.option("--fix", is_flag=True, help="Mends what can be mended without changing what the spec means.")
@click.option("--ignore", metavar="CODE", multiple=True, help="Leaves a rule out; may be repeated.")
@click.option("--strict", is_flag=True, help="Ends with exit code 3 where there is any finding.")
@specs_option
@json_option
@debug_option
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    fix: bool,
    ignore: tuple[str, ...],
    strict: bool,
    specs: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Tells what could be better in specs, and mends what it can.

    Without a name: every spec in the folders of --specs and in ./specs. Each finding is a line `file:line:column CODE
    level path: what`, and each spec gets a tier: gold, silver or bronze.
    """
    _known(ignore)
    wrong = found = 0
    for name in chosen_specs(names, specs):
        try:
            left = _linted(name, specs, ignore, fix=fix, as_json=as_json)
        except SpecError as error:
            wrong += 1
            for problem in error.problems:
                say(str(problem))
        else:
            found += len(left)
    ctx.exit(SPEC if wrong or (strict and found) else DONE)


def _known(codes: Sequence[str]) -> None:
    from connector_core.component import suggestion
    from connector_core.lint import RULES

    for code in codes:
        if code not in RULES:
            raise click.UsageError(f"there is no rule {code!r}{suggestion(code, RULES)}", click.get_current_context())


def _linted(name: str, specs: Sequence[Path], ignore: Sequence[str], *, fix: bool, as_json: bool) -> list[Finding]:
    """The findings that are left, which are told."""
    from connector_core.lint import findings, fixed, tier
    from connector_core.load import find, found

    content, shown, folder = found(name, folders(specs))
    left = findings(content, shown, folder, ignore=ignore)
    if fix and any(finding.fixable for finding in left):
        text, done = fixed(content.decode("utf-8"), shown, folder, left)
        if done:
            replace_file(find(name, folders(specs)), text, "spec")
            say(f"{shown}: mended {', '.join(sorted({finding.code for finding in done}))}")
            left = findings(text, shown, folder, ignore=ignore)
    for finding in left:
        click.echo(json_line(_data(finding)) if as_json else one_line(str(finding)) + "\n", nl=False)
    say(f"{shown}: {tier(left)}, {_counted(left)}")
    return left


def _data(finding: Finding) -> dict[str, object]:
    found = finding.problem
    place = {"file": found.file, "line": found.line, "column": found.column, "path": found.path, "what": found.what}
    return {"code": finding.code, "level": finding.level, **place, "fixable": finding.fixable}


def _counted(found: Sequence[Finding]) -> str:
    warnings = sum(finding.level == "warning" for finding in found)
    advice = len(found) - warnings
    parts = [f"{warnings} {'warning' if warnings == 1 else 'warnings'}"] if warnings else []
    parts += [f"{advice} {'piece' if advice == 1 else 'pieces'} of advice"] if advice else []
    return " and ".join(parts) or "nothing to say"
