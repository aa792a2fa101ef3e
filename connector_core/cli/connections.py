"""`connector connections`: what was set up, who has signed in, and until when."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector_core.cli.keeping import opened_store, place
from connector_core.cli.options import connections_option, debug_option, json_option, store_option
from connector_core.cli.terminal import say
from connector_core.exceptions import ConfigError, SpecError

if TYPE_CHECKING:
    from connector_core.cli.options import Account
    from connector_core.connections import Connections, Settings
    from connector_core.engine.rotation import SecretDue
    from connector_core.secrets.store import SecretStore

__all__ = ["command"]

_DIGEST = re.compile(r" ~?[0-9a-f]{32}\Z")
"""What follows a connection's name where no person signs in: a digest of its config and secrets."""


@click.command
@store_option
@connections_option
@json_option
@debug_option
def command(store: str | None, connections: Path | None, *, as_json: bool) -> None:
    """Lists the connections that were set up, or that somebody has signed in to.

    Each with the time until its token ends, if it has one; no token and no secret is shown. Secrets that should have
    been replaced by now are told.
    """
    from connector_core.cli.opening import connections_at

    known = connections_at(connections)
    rows = _set_up({} if known is None else known)
    for row in asyncio.run(_signed_in(store)):
        key = row["connection"], row["connector"], row["environment"]
        if not _ends_before(row, rows.get(key)):
            rows[key] = row
    due = {} if known is None else asyncio.run(_due(known, store))
    for row in rows.values():
        row["secrets_due"] = [found.secret for found in due.get(row["connection"], ())]
        if as_json:
            click.echo(json.dumps(row))
        else:
            where = f" ({row['environment']})" if row["environment"] else ""
            click.echo(f"{row['connection']}  {row['connector']}{where}{_until(row)}")
    for name, several in due.items():
        for found in several:
            say(f"warning: {name}: {found}")
    if not rows and not as_json:
        say(f"nothing is set up, and nobody has signed in at {place(store)}; connector login NAME")


def _set_up(known: Mapping[str, Settings]) -> dict[tuple[str, str, str | None], dict[str, Any]]:
    from connector_core.load import ENDINGS

    rows = {}
    for name, settings in known.items():
        by_path = settings.connector.endswith(ENDINGS)
        connector = Path(settings.connector).stem if by_path else settings.connector
        rows[name, connector, settings.environment] = {
            "connection": name,
            "connector": connector,
            "environment": settings.environment,
            "signed_in": False,
            "expires": None,
            "renewable": None,
        }
    return rows


async def _due(known: Connections, store: str | None) -> dict[str, Sequence[SecretDue]]:
    """The secrets of each connection that should have been replaced; what can't be opened tells nothing here."""
    from connector_core.cli.opening import account_in, opened

    found: dict[str, Sequence[SecretDue]] = {}
    for name in (name for name, settings in known.items() if settings.secrets):
        account: Account = {
            "config": (), "secret": (), "network": None, "connections": None, "simulate": False, "sign_in": None,
            "store": store, "id": None,
        }  # fmt: skip
        with suppress(ConfigError, SpecError):
            spec, account = account_in(known, name, (), None, account)
            if any("rotate_every" in schema for schema in spec.secrets.values()):
                async with opened(spec, account) as connector:
                    found[name] = await connector.secrets_due()
    return found


async def _signed_in(address: str | None) -> list[dict[str, Any]]:
    async with opened_store(address) as store:
        return await _told(store)


async def _told(store: SecretStore) -> list[dict[str, Any]]:
    from connector_core.engine.stored_tokens import StoredTokens

    tokens, rows = StoredTokens(store), []
    for name in await tokens.names():
        kept = await tokens.get(name)
        if kept is None:
            continue
        connector, environment, whose, _ = json.loads(name)
        digest = _DIGEST.search(whose)
        connection = whose if digest is None else whose[: digest.start()]
        token = kept.token
        rows.append(
            {
                "connection": connection,
                "connector": connector,
                "environment": environment or None,
                "signed_in": True,
                "expires": token.expires,
                "renewable": digest is not None or token.refresh is not None,
            }
        )
    return rows


def _ends_before(row: Mapping[str, Any], known: Mapping[str, Any] | None) -> bool:
    """Whether it is a token of secrets that the same account had before: another one of it holds longer."""
    if known is None or not known["signed_in"]:
        return False
    return row["expires"] is not None and (known["expires"] is None or row["expires"] < known["expires"])


def _until(row: dict[str, Any]) -> str:
    if not row["signed_in"]:
        return ""
    if row["expires"] is None:
        return "  no end is known"
    left = row["expires"] - time.time()
    renewed = "renewed by itself" if row["renewable"] else "sign in again then"
    shown = f"{left:.0f} s" if left < 120 else f"{left / 60:.0f} min"  # noqa: PLR2004 - two minutes
    return f"  {'ended' if left <= 0 else f'ends in {shown}'}, {renewed}"
