"""`connector kinds`: what `type:` can name under each key, and which package brought it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from connector_core.cli.options import debug_option, json_option
from connector_core.cli.output import json_line

if TYPE_CHECKING:
    from connector_core.component import Component

__all__ = ["command", "distribution_of"]


class _Kind(msgspec.Struct, frozen=True):
    family: str
    kind: str
    description: str
    module: str
    distribution: str


@click.command
@click.argument("family", required=False)
@json_option
@debug_option
def command(family: str | None, as_json: bool) -> None:
    """Lists the kinds that keys such as pagination can have.

    FAMILY is such a key; without it, all of them are listed. With --json, each kind is an object on a line.
    """
    from connector_core import spec  # noqa: F401 - the families are known once the spec's keys are
    from connector_core.component import families, suggestion
    from connector_core.plugins import installed

    installed()  # importing them defines their kinds
    known = families()
    if family is not None and family not in known:
        raise click.UsageError(f"there is no family {family!r}{suggestion(family, known)}", click.get_current_context())
    shown = {key: list(_kinds(cls)) for key, cls in known.items() if family in (None, key)}
    if as_json:
        for kinds in shown.values():
            click.echo(b"".join(map(json_line, kinds)), nl=False)
        return
    column = max([12, *(len(kind.kind) for kinds in shown.values() for kind in kinds)]) + 2
    for key, kinds in shown.items():
        click.echo(f"{click.style(key, bold=True)}: {_sentence(known[key])}")
        for kind in kinds:
            click.echo(f"  {kind.kind:<{column}}{kind.description}  ({kind.distribution}: {kind.module})")


def _kinds(family: type[Component]) -> Iterator[_Kind]:
    for name, cls in sorted(family.kinds.items()):
        yield _Kind(family.key, name, _sentence(cls), cls.__module__, distribution_of(cls.__module__))


def _sentence(cls: type) -> str:
    """The docstring's first sentence, on one line."""
    return " ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split())


def distribution_of(module: str) -> str:
    """The installed package that a module belongs to."""
    top = module.partition(".")[0]
    if top == "connector_core":
        return "connector-core"
    from importlib.metadata import packages_distributions

    from connector_core.plugins import installed

    for plugin in installed():  # these know it where the package is editable too, and lists no modules
        if getattr(plugin.module, "__name__", "").partition(".")[0] == top:
            return plugin.distribution.rpartition(" ")[0]
    return ", ".join(packages_distributions().get(top, ["not installed"]))
