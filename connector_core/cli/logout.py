"""`connector logout`: the token of a sign-in is forgotten."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from connector_core.cli.keeping import place
from connector_core.cli.opening import account_of, opened
from connector_core.cli.options import Account, account_options, debug_option, environment_option, specs_option
from connector_core.cli.terminal import say

if TYPE_CHECKING:
    from connector_core.exceptions import IntegrationError
    from connector_core.spec import Spec

__all__ = ["command"]


@click.command
@click.argument("name")
@account_options
@environment_option
@specs_option
@debug_option
def command(name: str, *, environment: str | None, specs: tuple[Path, ...], **account: Unpack[Account]) -> None:
    """Forgets the token that `connector login` has kept.

    NAME is a connection's name, or a spec's name or path. The token is given back to the service where
    the spec says how (auth.revoke_url); else end the access there too, if nobody is to have it.
    """
    spec, account = account_of(name, specs, environment, account)
    had, problem = asyncio.run(_logout(spec, account))
    whose, at = account["id"] or spec.name, place(account["store"])
    say(f"{whose} has signed out; nothing is left in {at}" if had else f"{whose} had not signed in at {at}")
    if problem is not None:
        say(f"the service does not know: end the access there, too: {problem}")


async def _logout(spec: Spec, account: Account) -> tuple[bool, IntegrationError | None]:
    async with opened(spec, account) as connector:
        had = await connector.sign_in.status() is not None
        return had, await connector.sign_in.end()
