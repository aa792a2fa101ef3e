"""`connector secrets`: what `store:CONNECTION/FIELD` leads to is put there, listed, removed, and given a new key."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from connector_core.cli.keeping import opened_store, place
from connector_core.cli.options import debug_option, json_option, store_option
from connector_core.cli.terminal import say
from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from connector_core.secrets.store import Listing, Rekeyed

__all__ = ["command"]

MOST = 1 << 20
"""Bytes that are read of what is piped in; the store takes far less, and says so."""


@click.group
def command() -> None:
    """Keeps secrets encrypted, for store:CONNECTION/FIELD.

    No command shows one. They are in .connector/secrets.db unless --store names another place, and the master key is
    where CONNECTOR_STORE_KEY refers to, else in a file among your settings.
    """


@command.command("list")
@store_option
@json_option
@debug_option
def listed(store: str | None, *, as_json: bool) -> None:
    """Lists what is kept: connection, field, version, when it was set, and the id of the key that opens it."""
    listing = asyncio.run(_listing(store))
    for entry in listing.entries:
        at = datetime.fromtimestamp(entry.at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if as_json:
            row = {"connection": entry.name.connection, "field": entry.name.field, "version": entry.version, "set": at}
            click.echo(json.dumps({**row, "key": entry.key, "problem": entry.problem or None}, ensure_ascii=False))
        else:
            about = entry.problem or f"version {entry.version}  set {at}  key {entry.key}"
            click.echo(f"{entry.name.connection}/{entry.name.field}  {about}")
    if not listing.entries and not listing.missing and not as_json:
        say(f"nothing is kept in {place(store)}; connector secrets set CONNECTION FIELD")
    wrong = sum(bool(entry.problem) for entry in listing.entries)
    if wrong or listing.missing:
        missing = f"{listing.missing} were taken away" if listing.missing else ""
        raise ConfigError(
            ", ".join(part for part in (f"{wrong} secrets can't be used" if wrong else "", missing) if part),
            where=place(store),
            hint="set or remove them; and find out who can write there",
            code="store.tampered",
        )


async def _listing(address: str | None) -> Listing:
    async with opened_store(address) as store:
        return await store.listing()


@command.command("set", context_settings={"allow_extra_args": True})
@click.argument("connection")
@click.argument("field")
@store_option
@debug_option
@click.pass_context
def put(ctx: click.Context, connection: str, field: str, store: str | None) -> None:
    """Keeps a secret, in place of the one that is there; it is asked for, or read from standard input."""
    if ctx.args or "=" in field:  # which may be the secret: not repeated
        raise click.UsageError("a secret is not written on the command line: it is asked for, or piped in", ctx)
    version = asyncio.run(_put(store, connection, field, _asked_for(f"{connection}/{field}")))
    say(f"version {version} of {connection}/{field} is kept in {place(store)}, for store:{connection}/{field}")


def _asked_for(shown: str) -> str:
    """The secret, without the line's end; raises ConfigError where there is none."""
    if sys.stdin is not None and sys.stdin.isatty():
        value = str(click.prompt(f"The secret for {shown}", hide_input=True, err=True))
    else:
        try:
            value = "" if sys.stdin is None else sys.stdin.buffer.read(MOST).decode()
        except UnicodeDecodeError:
            raise ConfigError("the secret is no text in UTF-8", where="standard input", code="store.value") from None
        value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise ConfigError(
            "there is no secret", where="standard input", hint="type it, or pipe it in", code="store.value"
        )
    return value


async def _put(address: str | None, connection: str, field: str, value: str) -> int:
    async with opened_store(address) as store:
        return await store.put(connection, field, value)


@command.command
@click.argument("connection")
@click.argument("field")
@store_option
@debug_option
def remove(connection: str, field: str, store: str | None) -> None:
    """Keeps a secret no more."""
    if not asyncio.run(_remove(store, connection, field)):
        raise ConfigError(
            f"there is no {connection}/{field}",
            where=place(store),
            hint="connector secrets list",
            code="secret.missing",
        )
    say(f"{connection}/{field} is not kept any more in {place(store)}")


async def _remove(address: str | None, connection: str, field: str) -> bool:
    async with opened_store(address) as store:
        return await store.remove(connection, field)


@command.command
@store_option
@debug_option
def rekey(store: str | None) -> None:
    """Has a new master key open everything, tokens too, and drops the old one.

    A key among your settings is made anew. One that CONNECTOR_STORE_KEY refers to is put there first, in front of the
    old one, which is taken away afterwards. What was interrupted is finished by the same command.
    """
    done = asyncio.run(_rekey(store))
    for problem in done.problems:
        say(f"error: {problem}")
    if done.problems:
        raise ConfigError(
            f"{len(done.problems)} records can't be moved to the new key, so the old one is still there",
            where=place(store),
            hint="set or remove them, and run it again",
            code="store.tampered",
        )
    moved = f"{done.moved} {'record was' if done.moved == 1 else 'records were'} moved"
    say(f"the key {done.key} opens everything in {place(store)}, and no other does; {moved}")


async def _rekey(address: str | None) -> Rekeyed:
    async with opened_store(address) as store:
        return await store.rekey()
