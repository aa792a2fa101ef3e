"""`connector connections`: who has signed in, and until when."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import click

from connector_core.cli.options import debug_option, json_option, tokens_option
from connector_core.cli.terminal import say

if TYPE_CHECKING:
    from connector_core.engine.tokens import Tokens

__all__ = ["command"]


@click.command
@tokens_option
@json_option
@debug_option
def command(tokens: str | None, *, as_json: bool) -> None:
    """Lists the connections that somebody has signed in to.

    Each with the time until its token ends; no token is shown.
    """
    from connector_core.cli.opening import kept_at

    place = kept_at(tokens)
    rows = asyncio.run(_rows(place))
    for row in rows:
        if as_json:
            click.echo(json.dumps(row))
        else:
            where = f" ({row['environment']})" if row["environment"] else ""
            click.echo(f"{row['connection']}  {row['connector']}{where}  {_until(row)}")
    if not rows and not as_json:
        say(f"nobody has signed in; connector login NAME --tokens {place}")


async def _rows(place: str) -> list[dict[str, Any]]:
    from connector_core.engine.places import Places
    from connector_core.plugins import Plugins

    places = Places(lambda: Plugins().stores())
    try:
        return await _told(places.opened("tokens", place))
    finally:
        await places.aclose()


async def _told(tokens: Tokens) -> list[dict[str, Any]]:
    rows = []
    for name in await tokens.names():
        kept = await tokens.get(name)
        if kept is None:
            continue
        connector, environment, connection, _ = json.loads(name)
        token = kept.token
        rows.append(
            {
                "connection": connection,
                "connector": connector,
                "environment": environment or None,
                "expires": token.expires,
                "renewable": token.refresh is not None,
            }
        )
    return rows


def _until(row: dict[str, Any]) -> str:
    if row["expires"] is None:
        return "no end is known"
    left = row["expires"] - time.time()
    renewed = "renewed by itself" if row["renewable"] else "sign in again then"
    shown = f"{left:.0f} s" if left < 120 else f"{left / 60:.0f} min"  # noqa: PLR2004 - two minutes
    return f"{'ended' if left <= 0 else f'ends in {shown}'}, {renewed}"
