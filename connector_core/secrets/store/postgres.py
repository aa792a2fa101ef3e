"""A store in PostgreSQL, for the processes of several machines: `postgresql://user:password@host/database`.

Source: https://magicstack.github.io/asyncpg/current/
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from connector_core.exceptions import ConfigError, IntegrationError, UnavailableError
from connector_core.secrets.store.rows import Change, Loaded, Name, Row, Rows, longest

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = ["PostgresRows"]

T = TypeVar("T")

_TABLES = """
CREATE TABLE IF NOT EXISTS connector_core_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), store bytea NOT NULL, generation bigint NOT NULL, body bytea);
CREATE TABLE IF NOT EXISTS connector_core_page (number integer PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE IF NOT EXISTS connector_core_record (
    kind text COLLATE "C", connection text COLLATE "C", field text COLLATE "C",
    version bigint NOT NULL, at bigint NOT NULL, body bytea, PRIMARY KEY (kind, connection, field));
CREATE TABLE IF NOT EXISTS connector_core_lease (
    name text PRIMARY KEY, holder text NOT NULL, until double precision NOT NULL);
"""
_LOCK = 0x636F6E6E
"""Of those who make the tables at the same moment, all but one wait."""
_HEAD = "SELECT store, generation, body FROM connector_core_head"
_PAGE = "SELECT number, body FROM connector_core_page"
_RECORD = "SELECT kind, connection, field, version, at, body FROM connector_core_record"
_PATIENCE = 10.0
"""Seconds that the database may take for one statement."""


class PostgresRows(Rows):
    """One connection of the event loop that used it first; it is opened anew where it was lost."""

    shown: str = "postgresql://…"

    def __init__(self, address: str) -> None:
        """Its tables are made, in the schema that comes first for its user, when something is written."""
        self._address = address
        self._open: Connection | None = None
        self._one = asyncio.Lock()

    async def load(self, name: Name, page: int) -> Loaded:
        """The head, that page, and the record if there is one."""
        pages, records = f"{_PAGE} WHERE number = $1", f"{_RECORD} WHERE (kind, connection, field) = ($1, $2, $3)"
        return await self._read((pages, page), (records, name.kind, name.connection, name.field))

    async def load_all(self) -> Loaded:
        """The head, every page and every record, by name."""
        return await self._read((_PAGE,), (f"{_RECORD} ORDER BY kind, connection, field",))

    async def stale(self, key: bytes, after: tuple[str, str, str], most: int) -> Loaded:
        """The head, every page and at most so many records, those after a name, that another key opens."""
        other = "substring(body from 2 for 8) <> $1"
        records = (
            f"{_RECORD} WHERE {other} AND (kind, connection, field) > ($2, $3, $4)"
            " ORDER BY kind, connection, field LIMIT $5"
        )
        return await self._read((f"{_PAGE} WHERE {other}", key), (records, key, *after, most))

    async def make(self, store: bytes) -> None:
        """Makes the tables where there are none, for a store of that id; else leaves those that are there."""

        async def make(database: Connection) -> None:
            async with database.transaction():
                await database.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
                await database.execute(_TABLES)
                new = "INSERT INTO connector_core_head (store, generation) VALUES ($1, 0) ON CONFLICT DO NOTHING"
                await database.execute(new, store)

        await self._written(make)

    async def save(self, generation: int, change: Change) -> bool:
        """Writes the change as the next generation, whole; False: another was quicker, and nothing is written."""
        raised = "UPDATE connector_core_head SET generation = $1, body = $2 WHERE generation = $3"
        page = "INSERT INTO connector_core_page VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET body = excluded.body"
        record = (
            "INSERT INTO connector_core_record VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, connection, field)"
            " DO UPDATE SET version = excluded.version, at = excluded.at, body = excluded.body"
        )
        rows = [
            (row.name.kind, row.name.connection, row.name.field, row.version, row.at, row.body) for row in change.rows
        ]

        async def save(database: Connection) -> bool:
            async with database.transaction():
                if await database.execute(raised, generation + 1, change.head, generation) != "UPDATE 1":
                    return False
                await database.executemany(page, list(change.pages.items()))
                await database.executemany(record, rows)
            return True

        return await self._written(save)

    async def lease(self, name: str, holder: str, now: float, until: float) -> bool:
        """Whether the holder has the lease from now on."""
        taken = (
            "INSERT INTO connector_core_lease VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE"
            " SET holder = excluded.holder, until = excluded.until"
            " WHERE connector_core_lease.holder = excluded.holder OR connector_core_lease.until NOT BETWEEN $4 AND $5"
        )

        async def lease(database: Connection) -> bool:
            await database.execute(_TABLES)
            done = await database.execute(taken, name, holder, until, now, longest(now, until))
            return bool(done == "INSERT 0 1")

        return await self._written(lease)

    async def release(self, name: str, holder: str) -> None:
        """Ends the holder's lease."""
        ended = "DELETE FROM connector_core_lease WHERE name = $1 AND holder = $2"

        async def release(database: Connection) -> None:
            await database.execute(ended, name, holder)

        await self._written(release)

    async def aclose(self) -> None:
        """Ends the connection."""
        database, self._open = self._open, None
        if database is not None:
            with suppress(OSError, TimeoutError):
                await database.close(timeout=_PATIENCE)

    # ── the connection ────────────────────────────────────────────────────────────────────────────

    async def _read(self, pages: tuple[Any, ...], records: tuple[Any, ...]) -> Loaded:
        """What the statements find, all of the same moment; nothing where there are no tables."""

        async def read(database: Connection) -> Loaded:
            if await database.fetchval("SELECT to_regclass('connector_core_head')") is None:
                return Loaded()
            async with database.transaction(isolation="repeatable_read", readonly=True):
                head = await database.fetchrow(_HEAD)
                found = dict(await database.fetch(*pages))
                rows = [
                    Row(Name(kind, connection, field), version, at, body)
                    for kind, connection, field, version, at, body in await database.fetch(*records)
                ]
            store, generation, body = head or (b"", 0, None)
            return Loaded(store, generation, body, found, rows)

        return await self._done(read)

    async def _written(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """What the work gives, whole even where whoever waits for it is cancelled."""
        return await asyncio.shield(asyncio.ensure_future(self._done(work)))

    async def _done(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        asyncpg = _driver()
        problem: IntegrationError
        try:
            async with self._one:
                return await work(await self._connected())
        except asyncpg.SerializationError:
            problem = self._away("others write at the same moment")
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
            problem = self._unusable("it does not let this user in", "see that user and password are right")
        except asyncpg.InvalidCatalogNameError:
            problem = self._unusable("there is no such database", "createdb makes one")
        except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError):
            problem = self._unusable("this user may not use the tables", "GRANT CREATE ON SCHEMA, or its own tables")
        except (
            asyncpg.PostgresConnectionError,
            asyncpg.OperatorInterventionError,
            asyncpg.InsufficientResourcesError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
            OSError,
            TimeoutError,
        ):
            self._lost()
            problem = self._away("nobody answers")
        except asyncpg.PostgresError as error:
            problem = self._unusable(f"{type(error).__name__}, {error.sqlstate}", "see its log")
        raise problem  # out of the way of the driver's error, which may quote what was written

    async def _connected(self) -> Connection:
        if self._open is None or self._open.is_closed():
            wrong = False
            try:
                self._open = await _driver().connect(
                    self._address, timeout=_PATIENCE, command_timeout=_PATIENCE, server_settings=_SETTINGS
                )
            except ValueError:
                wrong = True
            if wrong:
                raise self._unusable("its address is none", "such as postgresql://user@host/database")
        return self._open

    def _lost(self) -> None:
        """Whoever comes next opens another."""
        database, self._open = self._open, None
        if database is not None:
            database.terminate()

    def _unusable(self, why: str, hint: str) -> ConfigError:
        return ConfigError(f"the store cannot be used: {why}", where=self.shown, hint=hint, code="store.unusable")

    def _away(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"the store cannot be reached: {why}",
            where=self.shown,
            hint="is it up?",
            code="store.unavailable",
            retryable=True,
        )


_SETTINGS = {"application_name": "connector-core", "client_min_messages": "warning"}


def _driver() -> Any:
    try:
        import asyncpg
    except ImportError:
        raise ConfigError(
            "a store in PostgreSQL needs the package asyncpg",
            hint="pip install 'connector-core[postgres]'",
            code="extra.missing",
        ) from None
    return asyncpg
