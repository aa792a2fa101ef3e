"""The secrets of connections in a store of one's own: put there once, read wherever `store:CONNECTION/FIELD` stands.

::

    async with SecretStore("sqlite:///secrets.db", key="env:STORE_KEY") as store:
        await store.put("acme-shop", "token", token)
        await store.names("acme-shop")  # ["token"]
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from connector_core.config import SecretRef
from connector_core.exceptions import ConfigError
from connector_core.secrets.store.key_file import KeyFile
from connector_core.secrets.store.keys import Find, Keys, ReferredKeys
from connector_core.secrets.store.rows import Name, Rows
from connector_core.secrets.store.safe import Listing, Safe
from connector_core.secrets.store.sealing import Key

__all__ = ["Rekeyed", "SecretStore"]

KEY = "CONNECTOR_STORE_KEY"
"""The variable that says where the key is."""


class Rekeyed(Struct, frozen=True):
    """What `rekey` has done."""

    moved: int
    """Records that the new key opens now, and the old one does not."""
    key: str
    """The new key's id."""
    problems: list[ConfigError] = []
    """What is wrong with records that could not be moved; while there are any, the old key stays."""


class SecretStore:
    """Secrets, sealed with AES-256-GCM, in SQLite or PostgreSQL; no method gives or tells a key."""

    def __init__(
        self, address: str, *, key: str | SecretRef | None = None, made: Callable[[Path], None] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """`address`: `sqlite:///secrets.db`, with four slashes for an absolute path, or `postgresql://…`.

        `key`: a reference to the master key, 32 bytes in base64; left out: what the environment's CONNECTOR_STORE_KEY
        refers to, else a file in the user's settings. Such a file is only made where `made` is passed, which is told of
        it. `now`: seconds since 1970. Raises ConfigError for what is no address, or no reference.
        """
        rows = _rows(address)
        given = key if key is not None else os.environ.get(KEY)
        keys: Keys = KeyFile(made=made)
        if given is not None:
            keys = ReferredKeys(given if isinstance(given, SecretRef) else _reference(given))
        self.safe: Safe = Safe(rows, keys, now)
        """Where tokens are kept, too."""

    def __repr__(self) -> str:
        return f"SecretStore({self.safe.shown!r})"

    def find_keys(self, find: Find | None) -> None:
        """Has the key looked up in this way, where it is at a reference."""
        if isinstance(self.safe.keys, ReferredKeys):
            self.safe.keys.find = find

    async def put(self, connection: str, field: str, value: str) -> int:
        """Keeps the secret, in place of the one that is there; its version, which counts from 1. Raises ConfigError."""
        found = await self.safe.put(_name(connection, field), value)
        assert found is not None  # noqa: S101 - any version may be replaced
        return found.version

    async def get(self, connection: str, field: str) -> str | None:
        """The secret; None: there is none. Raises ConfigError where what stands there is not what was put."""
        found = await self.safe.get(_name(connection, field))
        return None if found is None else found.value

    async def since(self, connection: str, field: str) -> float | None:
        """When the secret was put here, in seconds since 1970; None: there is none. Raises as `get` does."""
        found = await self.safe.get(_name(connection, field))
        return None if found is None else found.at / 1000

    async def names(self, connection: str) -> list[str]:
        """The fields that are kept for a connection, by name, also those which can't be read."""
        listing = await self.listing()
        return [entry.name.field for entry in listing.entries if entry.name.connection == connection]

    async def remove(self, connection: str, field: str) -> bool:
        """Keeps it no more; False: it was not there."""
        return await self.safe.drop(_name(connection, field))

    async def listing(self) -> Listing:
        """Every secret by connection and field, with its version and what is wrong with it, and without itself."""
        return await self.safe.listing("secret")

    async def rekey(self) -> Rekeyed:
        """Has a new master key open everything, tokens too, and the old one nothing.

        A key in the user's settings is made anew, and the old one dropped at the end. One at a reference has been put
        there before, in front of the old one, and it is for whoever did that to take the old one away. What was
        interrupted goes on where it was; at every moment both keys together open everything. Raises ConfigError where
        there is no new key.
        """
        store, before = await self.safe.state()
        keys = self.safe.keys
        if not before:
            raise ConfigError("nothing is kept here yet", where=self.safe.shown, code="store.empty")
        if not isinstance(keys, KeyFile):
            return await self._moved((await keys.ring(store, anew=True)).keys[0], before)
        with keys.alone(store):
            ring = await keys.ring(store, anew=True)
            if len(ring.keys) == 1:
                keys.write(store, [Key.new(), *ring.keys])
            ring = await keys.ring(store, anew=True)
            done = await self._moved(ring.keys[0], before)
            if not done.problems:
                keys.write(store, ring.keys[:1])
        return done

    async def _moved(self, key: Key, before: str) -> Rekeyed:
        moved, problems = await self.safe.rekey()
        if not moved and not problems and key.id.hex() == before and not isinstance(self.safe.keys, KeyFile):
            raise ConfigError(
                f"there is no new key: the first one, {before}, opens everything already",
                where=repr(self.safe.keys),
                hint="put a new one in front of it, with a space between: openssl rand -base64 32",
                code="store.key",
            )
        return Rekeyed(moved, key.id.hex(), problems)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Lets go of the database."""
        await self.safe.aclose()


def _reference(text: str) -> SecretRef:
    """Where the key is; raises ConfigError for what is no reference, which may be the key itself: not repeated."""
    try:
        return SecretRef(text)
    except ConfigError as error:
        raise ConfigError(
            "the key of the store is named by a reference, and this is none",
            where=KEY,
            hint="say where the key is, such as file:PATH or env:VARIABLE, not the key itself",
            code=error.code,
        ) from None


def _name(connection: str, field: str) -> Name:
    """The name of a secret; raises ConfigError for one that no reference can lead to."""
    if not connection or not field or "/" in field or not (connection + field).isprintable():
        raise ConfigError(
            "a secret is named by its connection and its field, without signs that can't be seen",
            hint="such as acme-shop and token; a field has no slash",
            code="store.name",
        )
    return Name("secret", connection, field)


def _rows(address: str) -> Rows:
    scheme, _, rest = address.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and rest != "/":
        from connector_core.secrets.store.sqlite import SqliteRows

        return SqliteRows(rest[1:])
    if scheme in ("postgresql", "postgres") and rest:
        from connector_core.secrets.store.postgres import PostgresRows

        return PostgresRows(address)
    if scheme == "sqlite":
        raise ConfigError(
            "the address names no file",
            where="sqlite://…",
            hint="write one such as sqlite:///secrets.db, with four slashes for an absolute path",
            code="store.unknown",
        )
    raise ConfigError(  # an address may hold a password: not repeated
        f"secrets cannot be kept {f'at {scheme}://…' if rest else 'there: it is no address'}",
        hint="an address begins with sqlite:// or postgresql://",
        code="store.unknown",
    )
