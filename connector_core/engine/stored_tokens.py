"""Tokens in the store that secrets are kept in, sealed like these, for all processes that open it.

A name that was made from secrets ends with a digest of these, by which a short one could be guessed. Names stand in the
database for everybody to read: there, another digest stands in its place, which is made with a key that is sealed.
"""

from __future__ import annotations

import hmac
import logging
import os
import re

import msgspec

from connector_core.auth import Token
from connector_core.engine.tokens import Kept
from connector_core.exceptions import ConfigError
from connector_core.secrets.store import SecretStore
from connector_core.secrets.store.rows import Name

__all__ = ["StoredTokens"]

log: logging.Logger = logging.getLogger("connector_core")

_DIGEST = re.compile(r" [0-9a-f]{32}(?=\",\"[^\"]*\"\]$)")
"""In a name as `credential_name` writes it."""
_NAMING = Name("naming", "tokens", "")
_FOREIGN = frozenset({"store.tampered", "store.rolled_back"})
"""What is told of a record that somebody else has written."""


class StoredTokens:
    """Keeps tokens in a store; no reference to a secret leads to them."""

    def __init__(self, store: SecretStore) -> None:
        self.store = store
        self._safe = store.safe
        self._naming: bytes | None = None

    def __repr__(self) -> str:
        return f"StoredTokens({self._safe.shown!r})"

    async def get(self, name: str) -> Kept | None:
        """The token of that name."""
        found = await self._safe.get(await self._name(name))
        return None if found is None else Kept(self._read(name, found.value), found.version)

    async def put(self, name: str, token: Token, version: int | None) -> Kept | None:
        """Keeps the token in place of that version; None: somebody else was quicker."""
        found = await self._safe.put(await self._name(name), msgspec.json.encode(token).decode(), version)
        return None if found is None else Kept(token, found.version)

    async def drop(self, name: str) -> None:
        """Keeps it no more; its version stays, so that whoever still renews it learns of that."""
        await self._safe.drop(await self._name(name))

    async def names(self) -> list[str]:
        """Every name that a token is kept under, in alphabetical order, as it stands here."""
        return [entry.name.connection for entry in (await self._safe.listing("token")).entries]

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether the holder may renew the token now, for so long."""
        return await self._safe.lease((await self._name(name)).connection, holder, seconds)

    async def release(self, name: str, holder: str) -> None:
        """Ends the holder's lease."""
        await self._safe.release((await self._name(name)).connection, holder)

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

    async def _name(self, name: str) -> Name:
        """What it is called in the database; what `names` tells is called so already."""
        if _DIGEST.search(name) is not None:
            digest = hmac.digest(await self._key(), name.encode(), "sha256").hex()[:32]
            name = _DIGEST.sub(f" ~{digest}", name)
        return Name("token", name, "")

    async def _key(self) -> bytes:
        """The key of the names, made with the first one; the store's own keys may be replaced, and this one stays."""
        if self._naming is None:
            new = os.urandom(32).hex()
            try:
                found = await self._safe.get(_NAMING) or await self._safe.put(_NAMING, new, 0)
            except ConfigError as error:
                if error.code not in _FOREIGN:
                    raise
                log.warning("tokens for which nobody signs in are asked for anew: %s", error)
                found = await self._safe.put(_NAMING, new)
            found = found or await self._safe.get(_NAMING)
            assert found is not None  # noqa: S101 - whoever was quicker has put it there
            self._naming = found.value.encode()
        return self._naming
