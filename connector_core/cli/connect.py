"""`connector connect`: an account is set up: asked for, tried, kept, and from then on opened by its name.

Rule: what does not work is not kept. Secrets are put into the store first and the file is written last, so that what is
      interrupted leaves no connection whose secrets are nowhere; done again, it ends the same.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import click

from connector_core.cli.asking import ask, asks
from connector_core.cli.check import harmless, tried
from connector_core.cli.following import Trace, Warnings
from connector_core.cli.keeping import opened_store, place
from connector_core.cli.opening import loaded, opened, required, settings
from connector_core.cli.options import (
    Account,
    account_options,
    debug_option,
    environment_option,
    specs_option,
    trace_option,
)
from connector_core.cli.setting_up import alone, set_up
from connector_core.cli.terminal import say
from connector_core.config import Secrets
from connector_core.exceptions import ConfigError
from connector_core.load import ENDINGS

if TYPE_CHECKING:
    from connector_core.spec import Spec

__all__ = ["command"]


@click.command
@click.argument("name")
@account_options
@environment_option
@specs_option
@click.option("--replace", is_flag=True, help="Sets up anew what is set up under that name already.")
@click.option("--no-check", is_flag=True, help="Keeps the account without trying it.")
@trace_option
@debug_option
def command(
    name: str,
    *,
    environment: str | None,
    specs: tuple[Path, ...],
    replace: bool,
    no_check: bool,
    trace: bool,
    **account: Unpack[Account],
) -> None:
    """Sets up an account: asks for it, tries it, and keeps it.

    NAME is a spec's name or path; the connection is called as the spec is, or as --id says. What no option says is
    asked for. Secrets go into the encrypted store, and connections.yaml says where each is.
    """
    from connector_core.connections import Settings

    if account["simulate"]:
        raise click.UsageError("what is simulated needs no account: leave --simulate out", click.get_current_context())
    spec = _one_way(loaded(name, specs, environment), account)
    connection, path = account["id"] or spec.name, account["connections"] or Path("connections.yaml")
    _check_name(connection, path, replace=replace)
    config, typed = _asked(spec, account)
    way = next(iter(spec.choice.values()), None)
    found = Settings(connector=spec.name, environment=environment, config=config, sign_in=account["sign_in"] or way)
    trying: Account = {**account, "id": connection, "settings": found, "secret": (*account["secret"], *typed.items())}
    signs_in = asyncio.run(_try(spec, trying, trace=trace, sends=not no_check))
    references = {secret: reference.text for secret, reference in account["secret"]}
    references |= {secret: f"store:{connection}/{secret}" for secret in typed}
    entry = {
        "connector": _written(name, spec, path),
        "environment": environment,
        "config": config,
        "secrets": references,
        "network": account["network"],
        "sign_in": found.sign_in,
    }
    with alone(path):
        _check_name(connection, path, replace=replace)  # once more: it has taken its time to be asked for and tried
        asyncio.run(_keep(account["store"], connection, typed))
        set_up(path, connection, {key: value for key, value in entry.items() if value})
    kept = f"; its secrets are in {place(account['store'])}" if typed else ""
    say(f"{connection} is set up in {path}{kept}")
    command = f"login {connection}" if signs_in else f"read {connection} {harmless(spec) or 'ENDPOINT'}"
    say(f"next: connector {command}")


def _check_name(connection: str, path: Path, *, replace: bool) -> None:
    """Raises SpecError where the file is wrong, ConfigError where the connection is there already, or can't be."""
    from connector_core.connections import Connections, is_name

    if not is_name(connection):
        raise click.UsageError(
            f"{connection!r} is no name for a connection: letters, digits, ., _ and -", click.get_current_context()
        )
    if path.exists() and connection in (known := Connections(path)) and not replace:
        raise ConfigError(
            f"{connection} is set up already",
            where=known.at(connection),
            hint="name another with --id, set it up anew with --replace, "
            f"or put in one secret: connector secrets set {connection} NAME",
            code="connections.exists",
        )


def _written(name: str, spec: Spec, path: Path) -> str:
    """The spec as the file names it: a path begins where the file is."""
    if not name.endswith(ENDINGS):
        return spec.name
    return os.path.relpath(name, path.parent)


def _one_way(spec: Spec, account: Account) -> Spec:
    """The spec with the way of signing in that the account takes, and the secrets of that alone."""
    from connector_core.plan import choose, ways, with_choice

    way, given = account["sign_in"], dict(account["secret"])
    if way is None and not given and asks() and (names := ways(spec)):
        way = ask("sign_in", {"description": "How to sign in", "enum": names})
    try:
        choice = choose(spec, way, given)
    except ConfigError as error:
        if error.code != "sign_in.incomplete":
            raise
        raise ConfigError(
            f"{spec.name} can be signed in to in several ways",
            where=spec.name,
            hint="choose one with --sign-in NAME, or pass the secrets of one",
            code=error.code,
        ) from None
    taken = with_choice(spec, choice)
    left = {
        name
        for name, schema in taken.secrets.items()
        if schema.get("optional") and not spec.secrets[name].get("optional")
    }
    return taken.model_copy(update={"secrets": {k: v for k, v in taken.secrets.items() if k not in left}})


# ── what is asked for ─────────────────────────────────────────────────────────────────────────────


def _asked(spec: Spec, account: Account) -> tuple[dict[str, Any], Secrets]:
    """The config as it is to be, and the secrets that are typed; raises ConfigError where nobody can be asked."""
    config = settings(spec.config, account["config"])
    referred = dict(account["secret"])
    if not asks():
        _check_given(spec, config, referred)
        return config, Secrets()
    for name, schema in spec.config.items():
        if name not in config and (value := ask(name, schema)) is not None:
            config[name] = value
    typed = Secrets()
    for name, schema in spec.secrets.items():
        if name not in referred and (value := ask(name, schema, secret=True)) is not None:
            typed[name] = value
    return config, typed


def _check_given(spec: Spec, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> None:
    """Raises ConfigError with all that would have to be asked for."""
    missing = [f"--config {name}=…" for name in required(spec.config) if name not in config]
    missing += [f"--secret {name}=REFERENCE" for name in required(spec.secrets) if name not in secrets]
    if missing:
        raise ConfigError(
            "this is no terminal, so nothing can be asked for",
            where=spec.name,
            hint=f"pass {' '.join(missing)}; connector secrets set keeps a secret that is piped in",
            code="config.invalid",
        )


# ── what is done with it ──────────────────────────────────────────────────────────────────────────


async def _try(spec: Spec, account: Account, *, trace: bool, sends: bool) -> bool:
    """Whether a person has to sign in yet; else it is tried. Raises IntegrationError where it does not work."""
    async with opened(spec, account, [Warnings(trying=True), *([Trace()] if trace else [])]) as connector:
        if connector.sign_in.ways:
            return True
        endpoint = harmless(spec)
        if sends and endpoint is not None:
            click.echo(await tried(connector, endpoint, account["id"] or spec.name))
        elif sends:
            say(f"{spec.name} has no endpoint that can be read, so it is not tried")
        return False


async def _keep(address: str | None, connection: str, typed: Mapping[str, Any]) -> None:
    if not typed:
        return
    async with opened_store(address) as store:
        for name, value in typed.items():
            await store.put(connection, name, value if isinstance(value, str) else json.dumps(value))
