"""From a name and options to a connector: the spec is found, its config and secrets are gathered, and it is opened.

A value is text where the spec declares text, else JSON, or text where it is none. A secret comes from where `--secret`
says, else from the environment variable CONNECTOR_<NAME>_<SECRET>: the prefix is mandatory, so that no spec can ask for
anything else by its name.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from connector_core.cli.options import Account, listing
from connector_core.events import Listener
from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from connector_core.connections import Connections
    from connector_core.connector import Connector
    from connector_core.engine.guard import Network
    from connector_core.engine.switches import FileSwitches
    from connector_core.spec import Spec

__all__ = [
    "account_in",
    "account_of",
    "connections_at",
    "counted",
    "folders",
    "loaded",
    "named_endpoint",
    "opened",
    "required",
    "settings",
    "switches",
    "variable",
]


def folders(specs: Sequence[Path]) -> list[Path]:
    """Where names are looked up before the bundled specs: what `--specs` says, then ./specs if it is there."""
    here = Path("specs")
    return [*specs, *([here] if here.is_dir() else [])]


def loaded(name: str, specs: Sequence[Path], environment: str | None = None) -> Spec:
    """The spec of that name or path; raises SpecError or ConfigError."""
    from connector_core.load import load

    return load(name, folders(specs), environment, trusted=specs)


def account_of(name: str, specs: Sequence[Path], environment: str | None, account: Account) -> tuple[Spec, Account]:
    """What a name stands for: a connection's spec, with the account that was set up, or a spec; raises as `loaded`."""
    connections = connections_at(account["connections"])
    if connections is None or name not in connections:
        with _suggested(name, specs, connections or ()):
            return loaded(name, specs, environment), account
    return account_in(connections, name, specs, environment, account)


def account_in(
    connections: Connections, name: str, specs: Sequence[Path], environment: str | None, account: Account
) -> tuple[Spec, Account]:
    """The same for a connection among those that have been read already."""
    from connector_core.engine.accounts import told_where

    if account["id"]:
        raise click.UsageError(
            f"{name} is a connection, and its name is its id: leave --id out", click.get_current_context()
        )
    found, at = connections[name], connections.at(name)
    with told_where(at):
        spec = loaded(connections.spec_of(name), specs, environment or found.environment)
    network = account["network"] or found.network
    return spec, {**account, "id": name, "network": network, "settings": found, "at": at}


@contextmanager
def _suggested(name: str, specs: Sequence[Path], connections: Collection[str]) -> Iterator[None]:
    """Where nothing has that name, says which connections there are, too."""
    from connector_core.component import suggestion
    from connector_core.load import ENDINGS, available

    try:
        yield
    except ConfigError as error:
        known = [*connections, *available(folders(specs))]
        if not connections or error.where or name.endswith(ENDINGS) or name in known:
            raise
        raise ConfigError(
            f"there is no connection and no spec named {name!r}{suggestion(name, known)}",
            hint="name one of these, or set a connection up: connector connect SPEC --id NAME",
            code=error.code,
        ) from None


def connections_at(path: Path | None) -> Connections | None:
    """The connections of that file, or of this folder, if it has any."""
    here = Path("connections.yaml")
    if path is None and not here.is_file():
        return None
    from connector_core.connections import Connections

    return Connections(path or here)


def named_endpoint(spec: Spec, endpoint: str | None, *, read: bool) -> str:
    """The endpoint if there is one of that name; says which there are where none is named."""
    from connector_core.plan import endpoint_of

    if endpoint is None:
        known = [name for name, found in spec.endpoints.items() if found.readable or not read]
        word = "read" if read else "called"
        raise click.UsageError(
            f"missing ENDPOINT; {spec.name} has these to be {word}: {listing(known)}", click.get_current_context()
        )
    if endpoint in spec.endpoints or not _discovers(spec):
        endpoint_of(spec, endpoint)
    return endpoint


def _discovers(spec: Spec) -> bool:
    """Whether there are endpoints whose names only the service knows."""
    return any(entry.name is not None for known in spec.endpoints.values() for entry in known.for_each or ())


# ── config and secrets ────────────────────────────────────────────────────────────────────────────


def settings(declared: Mapping[str, dict[str, Any]], given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The values that `name=value` pairs stand for."""
    from connector_core.config import typed

    return {name: typed(declared.get(name, {}), text) for name, text in given}


def variable(spec: Spec, secret: str) -> str:
    """The environment variable that holds a secret of the spec unless another is named."""
    from connector_core import config

    return config.variable(spec.name, secret)


def _standing_secrets(spec: Spec) -> dict[str, Any]:
    """The secrets whose own variable is set."""
    from connector_core.config import typed_secret

    named = {name: os.environ.get(variable(spec, name)) for name in spec.secrets}
    return {name: typed_secret(spec.secrets[name], value) for name, value in named.items() if value}


def _as_chosen(spec: Spec, way: str | None, secrets: Mapping[str, Any]) -> Spec:
    """The spec with the sign-in that the account takes; raises ConfigError that says how its secrets are passed."""
    from connector_core.plan import choose, with_choice

    try:
        return with_choice(spec, choose(spec, way, secrets))
    except ConfigError as error:
        if error.code != "sign_in.incomplete":
            raise
        example = variable(spec, next(iter(spec.secrets), "name"))
        hint = f"set those of one of them, such as {example}, or name other variables: --secret NAME=env:VARIABLE"
        raise ConfigError(error.what, where=error.where, hint=hint, code=error.code) from None


def _check(spec: Spec, config: Mapping[str, Any], secrets: Mapping[str, Any], at: str) -> None:
    """Raises ConfigError with everything that is missing or wrong, and how it is passed here."""
    from connector_core.config import settled_account

    try:
        settled_account(spec.config, spec.secrets, (config, secrets))
    except ConfigError as error:
        if at:
            raise ConfigError(error.what, where=at, hint=_written(spec, config, secrets), code=error.code) from None
        hints = [f"pass --config {name}=…" for name in _missing(spec.config, config)]
        hints += [
            f"set {variable(spec, name)} in the environment, or name another variable: --secret {name}=env:VARIABLE"
            for name in _missing(spec.secrets, secrets)
        ]
        raise ConfigError(error.what, where=spec.name, hint="; ".join(hints)) from None


def _written(spec: Spec, config: Mapping[str, Any], secrets: Mapping[str, Any]) -> str:
    """What to write where the connection stands."""
    hints = [f"{name}: …" for name in _missing(spec.config, config)]
    references = [f"{name}: env:VARIABLE" for name in _missing(spec.secrets, secrets)]
    parts = [f"{key}: {{{', '.join(lines)}}}" for key, lines in (("config", hints), ("secrets", references)) if lines]
    return f"write {' and '.join(parts)} there" if parts else ""


def _missing(declared: Mapping[str, dict[str, Any]], given: Mapping[str, Any]) -> list[str]:
    return [name for name in required(declared) if name not in given]


def required(declared: Mapping[str, dict[str, Any]]) -> list[str]:
    """The names of the values that have to be given."""
    from connector_core.config import is_required

    return [name for name, schema in declared.items() if is_required(schema)]


# ── open ──────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def counted(listeners: list[Listener], wanted: bool) -> Iterator[None]:
    """Where it is wanted, has everything counted, and tells the counters as a line of JSON at the end, on stderr."""
    if not wanted:
        yield
        return
    from connector_core.metrics import Metrics

    metrics = Metrics()
    listeners.append(metrics)
    try:
        yield
    finally:
        for counters in metrics.all().values():
            click.echo(json.dumps(counters.as_dict(), ensure_ascii=False), err=True)


def switches() -> FileSwitches:
    """What `disable` and `maintenance` have said in this folder."""
    from connector_core.engine.switches import FileSwitches

    return FileSwitches(Path(".connector") / "switches.json")


@asynccontextmanager
async def opened(
    spec: Spec, account: Account, listeners: Sequence[Listener] = (), *, keeps: bool = False
) -> AsyncIterator[Connector]:
    """A connector for the account that the options describe, live or simulated; what is live is counted and kept.

    `keeps`: tokens are kept in the store, also where there is none yet.
    """
    known = account.get("settings")
    config = {**(known.config if known is not None else {}), **settings(spec.config, account["config"])}
    secrets: dict[str, Any] = dict(account["secret"])
    way = account["sign_in"] or (known.sign_in if known is not None else None)
    if account["simulate"]:
        from connector_core.testing import simulated

        async with simulated(spec, config=config, secrets=secrets, listeners=listeners, sign_in=way) as connector:
            yield connector
        return
    secrets = {**(known.secrets if known is not None else _standing_secrets(spec)), **secrets}
    spec = _as_chosen(spec, way, secrets)
    _check(spec, config, secrets, account.get("at", ""))
    from connector_core.cli.keeping import is_there, store_at
    from connector_core.cli.tally import kept
    from connector_core.connector import Engine
    from connector_core.engine.accounts import told_where
    from connector_core.engine.effects import Effects
    from connector_core.engine.tokens import InMemoryTokens

    keeps = keeps or is_there(account["store"])  # what is only read leaves nothing behind
    network = cast("Network", account["network"] or "public")
    with kept(spec.name) as metrics:
        async with (
            store_at(account["store"]) as store,
            Engine(
                network=network,
                listeners=[*listeners, metrics],
                effects=Effects(switches=switches()),
                secret_store=store,
                tokens=None if keeps else InMemoryTokens(time.monotonic),
            ) as engine,
            AsyncExitStack() as stack,
        ):
            with told_where(account.get("at", "")):
                opening = engine.open(spec, config=config, secrets=secrets, id=account["id"])
                connector = await stack.enter_async_context(opening)
            yield connector
