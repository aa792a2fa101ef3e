"""The options that commands share, and how their values are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, TypeVar

import click

from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from connector_core.config import SecretRef
    from connector_core.connections import Settings

__all__ = [
    "Account",
    "account_options",
    "connections_option",
    "debug_option",
    "environment_option",
    "json_option",
    "listing",
    "metrics_option",
    "setting_option",
    "specs_option",
    "store_option",
    "trace_option",
]

F = TypeVar("F", bound=Callable[..., Any])
Pair = tuple[str, str]


class Account(TypedDict):
    """What `account_options` passes to a command."""

    config: tuple[Pair, ...]
    secret: tuple[tuple[str, SecretRef], ...]
    network: str | None
    connections: Path | None
    simulate: bool
    sign_in: str | None
    store: str | None
    id: str | None
    settings: NotRequired[Settings]
    """What was set up under the name, by which the command was given it."""
    at: NotRequired[str]
    """Where that stands."""


class _Setting(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases only
    """`name=value`; what the value means is said by the spec."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pair:
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not NAME=VALUE", param, ctx)
        return name, text


class _Reference(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases only
    """`name=env:VARIABLE`, or another reference; a secret itself is refused, and never repeated."""

    name = "NAME=REFERENCE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, SecretRef]:
        if isinstance(value, tuple):
            return value
        from connector_core.config import SecretRef

        name, _, reference = str(value).partition("=")
        if not name or not reference or reference == "env:":
            self.fail("it is written NAME=env:VARIABLE, or with another reference to the secret", param, ctx)
        try:
            return name, SecretRef(reference)
        except ConfigError:
            self.fail(_IN_PLAIN.format(name=name), param, ctx)


_IN_PLAIN = (
    "a secret is not written on the command line, where the shell's history and the list of processes show it: "
    "put it into an environment variable, and pass --secret {name}=env:VARIABLE"
)


def _remember_debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.meta["debug"] = True


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_remember_debug, help="Shows a traceback where it fails."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Writes JSON, also to a terminal.")
trace_option = click.option("--trace", is_flag=True, help="Tells every request, and why the reading ended, on stderr.")
metrics_option = click.option(
    "--metrics", is_flag=True, help="Tells at the end how many requests there were, and how they went, on stderr."
)
environment_option = click.option(
    "--environment", metavar="NAME", help="Uses one of the spec's environments, such as a sandbox."
)
specs_option = click.option(
    "--specs",
    metavar="FOLDER",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Looks for specs here first; may be repeated.",
)


store_option = click.option(
    "--store",
    metavar="ADDRESS",
    envvar="CONNECTOR_STORE",
    help="Says where secrets and the tokens of sign-ins are kept; left out: sqlite:///.connector/secrets.db.",
)
connections_option = click.option(
    "--connections",
    metavar="FILE",
    envvar="CONNECTOR_CONNECTIONS",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Has accounts that were set up, by name; left out: ./connections.yaml, where that is there.",
)
setting_option = click.option("--config", type=_Setting(), multiple=True, help="Sets a value of the spec's config.")


def account_options(command: F) -> F:
    """Adds what a connection needs to be told."""
    for option in reversed(
        [
            setting_option,
            click.option(
                "--secret",
                type=_Reference(),
                metavar="NAME=REFERENCE",
                multiple=True,
                help="Says where a secret is, such as env:VARIABLE, file:PATH or store:CONNECTION/FIELD; "
                "without it, the environment variable CONNECTOR_<NAME>_<SECRET> holds it.",
            ),
            click.option(
                "--network",
                type=click.Choice(["public", "private", "loopback"]),
                help="Says which addresses may be reached; each level includes those before it. Left out: public, "
                "or what the connection says.",
            ),
            connections_option,
            store_option,
            click.option("--id", metavar="NAME", help="Tells accounts of a service apart; left out: the spec's name."),
            click.option(
                "--sign-in",
                metavar="NAME",
                help="Takes that way of signing in, where the spec offers several; left out: the first whose secrets "
                "are all given.",
            ),
            click.option(
                "--simulate", is_flag=True, help="Uses a simulated service; needs neither config nor secrets."
            ),
        ]
    ):
        command = option(command)
    return command


def listing(names: list[str]) -> str:
    """`orders, customers`, for messages; says so where there are none."""
    return ", ".join(names) if names else "none"
