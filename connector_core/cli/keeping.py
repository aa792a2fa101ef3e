"""Where commands keep secrets and the tokens of sign-ins: a store in `.connector`, unless `--store` names another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from connector_core.cli.terminal import say

if TYPE_CHECKING:
    from connector_core.secrets.store import SecretStore

__all__ = ["is_there", "opened_store", "place", "store_at"]

HERE = Path(".connector") / "secrets.db"


def place(address: str | None) -> str:
    """Where that is, for messages: the folder's own store where nothing is named, and never a password."""
    return store_at(address).safe.shown


def store_at(address: str | None) -> SecretStore:
    """The store, which makes itself and its key when something is put there; raises ConfigError."""
    from connector_core.secrets.store import SecretStore

    return SecretStore(address or f"sqlite:///{HERE}", made=_tell)


def is_there(address: str | None) -> bool:
    """Whether somebody has named a store, or put something into the folder's own."""
    return address is not None or HERE.exists()


@asynccontextmanager
async def opened_store(address: str | None) -> AsyncIterator[SecretStore]:
    """The store alone, for commands that speak to no service."""
    from connector_core.engine.effects import Effects

    effects = Effects()
    async with store_at(address) as store:
        store.find_keys(effects.key)
        try:
            yield store
        finally:
            await effects.aclose()


def _tell(key: Path) -> None:
    say(f"the key of the store was made: {key} — keep a copy elsewhere; without it nobody opens what is kept")
