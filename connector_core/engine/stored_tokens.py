"""Tokens in the store that secrets are kept in, sealed like these, for all processes that open it."""

from __future__ import annotations

import msgspec

from connector_core.auth import Token
from connector_core.engine.tokens import Kept
from connector_core.exceptions import ConfigError
from connector_core.secrets.store import SecretStore
from connector_core.secrets.store.rows import Name

__all__ = ["StoredTokens"]


class StoredTokens:
    """Keeps tokens in a store; no reference to a secret leads to them."""

    def __init__(self, store: SecretStore) -> None:
        self.store = store
        self._safe = store.safe

    def __repr__(self) -> str:
        return f"StoredTokens({self._safe.shown!r})"

    async def get(self, name: str) -> Kept | None:
        """The token of that name."""
        found = await self._safe.get(_name(name))
        return None if found is None else Kept(self._read(name, found.value), found.version)

    async def put(self, name: str, token: Token, version: int | None) -> Kept | None:
        """Keeps the token in place of that version; None: somebody else was quicker."""
        found = await self._safe.put(_name(name), msgspec.json.encode(token).decode(), version)
        return None if found is None else Kept(token, found.version)

    async def drop(self, name: str) -> None:
        """Keeps it no more; its version stays, so that whoever still renews it learns of that."""
        await self._safe.drop(_name(name))

    async def names(self) -> list[str]:
        """Every name that a token is kept under, in alphabetical order."""
        return [entry.name.connection for entry in (await self._safe.listing("token")).entries]

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether the holder may renew the token now, for so long."""
        return await self._safe.lease(name, holder, seconds)

    async def release(self, name: str, holder: str) -> None:
        """Ends the holder's lease."""
        await self._safe.release(name, holder)

    async def aclose(self) -> None:
        """Lets go of the store."""
        await self.store.aclose()

    def _read(self, name: str, written: str) -> Token:
        try:
            return msgspec.json.decode(written, type=Token)
        except msgspec.MsgspecError:
            raise ConfigError(
                f"what is kept for {name} is no token",
                where=self._safe.shown,
                hint="sign in again, and it is replaced",
                code="tokens.unusable",
            ) from None


def _name(name: str) -> Name:
    return Name("token", name, "")
