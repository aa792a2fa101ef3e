"""`connector check`: whether a connection works, in a line or two."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from connector_core.cli.following import Trace, Warnings
from connector_core.cli.opening import account_of, named_endpoint, opened
from connector_core.cli.options import (
    Account,
    account_options,
    debug_option,
    environment_option,
    specs_option,
    trace_option,
)
from connector_core.cli.terminal import say
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConfigError,
    ConnectionError,
    IntegrationError,
)

if TYPE_CHECKING:
    from connector_core.connector import Connector
    from connector_core.spec import Spec

__all__ = ["command", "harmless", "tried"]


@click.command
@click.argument("name")
@click.option("--endpoint", metavar="ENDPOINT", help="Reads this one instead of the first that can be read.")
@account_options
@environment_option
@specs_option
@trace_option
@debug_option
def command(
    name: str,
    endpoint: str | None,
    environment: str | None,
    specs: tuple[Path, ...],
    trace: bool,
    **account: Unpack[Account],
) -> None:
    """Tries a connection: signs in and reads one page.

    NAME is a connection's name, or a spec's name or path.
    """
    spec, account = account_of(name, specs, environment, account)
    chosen = _readable(spec, endpoint)
    try:
        asyncio.run(_check(spec, chosen, account, trace=trace))
    except IntegrationError as error:
        if not isinstance(error, ConfigError):
            click.echo(f"{account['id'] or spec.name}: {_verdict(error)}")
        raise


async def _check(spec: Spec, endpoint: str, account: Account, *, trace: bool) -> None:
    async with opened(spec, account, [Warnings(trying=True), *([Trace()] if trace else [])]) as connector:
        try:
            click.echo(await tried(connector, endpoint, account["id"] or spec.name))
        finally:  # an old secret may be why it fails
            for due in await connector.secrets_due():
                say(f"warning: {due}")


async def tried(connector: Connector, endpoint: str, name: str) -> str:
    """Reads one page; a line that says what came for the account of that name. Raises IntegrationError."""
    spec = connector.spec
    started = time.monotonic()
    result = await connector.call(endpoint)
    elapsed = time.monotonic() - started
    auth = spec.endpoints[endpoint].auth
    kind = auth.kind() if auth is not None else "none"
    signed_in = "it works without signing in" if kind == "none" else f"signed in with {kind}"
    count = f"{len(result.data)} {'record' if len(result.data) == 1 else 'records'}"
    return f"{name}: {signed_in}; the first page of {endpoint} has {count} ({elapsed * 1000:.0f} ms)"


def harmless(spec: Spec) -> str | None:
    """The first endpoint that is read, which does no harm; None: there is none."""
    return next((name for name, found in spec.endpoints.items() if found.readable), None)


def _readable(spec: Spec, endpoint: str | None) -> str:
    """The endpoint to try: a read, since that does no harm."""
    if endpoint is None:
        endpoint = harmless(spec)
        if endpoint is None:
            raise ConfigError(f"{spec.name} has no endpoint that can be read, so there is nothing harmless to try")
    if not spec.endpoints[named_endpoint(spec, endpoint, read=True)].readable:
        raise ConfigError(f"{spec.name}.{endpoint} is called, not read", hint="check tries reads only")
    return endpoint


def _verdict(error: IntegrationError) -> str:
    match error:
        case AuthenticationError():
            return "sign-in failed"
        case AuthorizationError():
            return "signed in, but not allowed"
        case ConnectionError():
            return "no answer"
        case _:
            return "reached, but the page could not be read"
