"""A store in a file of SQLite, for the processes of one machine; only its user may read or write it (0600)."""

from __future__ import annotations

import asyncio
import os
import shlex
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar, cast

from connector_core.exceptions import ConfigError, UnavailableError, one_line
from connector_core.secrets.store.rows import Change, Loaded, Name, Row, Rows, longest

__all__ = ["SqliteRows"]

T = TypeVar("T")

_TABLES = """
CREATE TABLE IF NOT EXISTS head (store BLOB NOT NULL, generation INTEGER NOT NULL, body BLOB) STRICT;
CREATE TABLE IF NOT EXISTS page (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, connection TEXT NOT NULL, field TEXT NOT NULL,
    version INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB,
    PRIMARY KEY (kind, connection, field)
) STRICT;
CREATE TABLE IF NOT EXISTS lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL) STRICT;
"""
_RECORD = "SELECT kind, connection, field, version, at, body FROM record"
_PATIENCE, _STEP = 10.0, 0.01
"""Seconds that a process waits for another which is writing."""


class SqliteRows(Rows):
    """Works in another thread, since a disk may be slow."""

    def __init__(self, path: str | Path) -> None:
        """The file is made when something is written."""
        self._path = Path(path)
        self.shown: str = str(path)
        self._file: sqlite3.Connection | None = None
        self._one = threading.Lock()

    async def load(self, name: Name, page: int) -> Loaded:
        """The head, that page, and the record if there is one."""

        def load(file: sqlite3.Connection) -> Loaded:
            of_name = f"{_RECORD} WHERE kind = ? AND connection = ? AND field = ?"
            return _loaded(
                file,
                file.execute("SELECT number, body FROM page WHERE number = ?", (page,)).fetchall(),
                file.execute(of_name, (name.kind, name.connection, name.field)).fetchall(),
            )

        return await self._read(load)

    async def load_all(self) -> Loaded:
        """The head, every page and every record, by name."""
        pages, records = "SELECT number, body FROM page", f"{_RECORD} ORDER BY kind, connection, field"
        return await self._read(
            lambda file: _loaded(file, file.execute(pages).fetchall(), file.execute(records).fetchall())
        )

    async def stale(self, key: bytes, after: tuple[str, str, str], most: int) -> Loaded:
        """The head, every page and at most so many records, those after a name, that another key opens."""
        other = "substr(body, 2, 8) <> ?"
        records = (
            f"{_RECORD} WHERE body IS NOT NULL AND {other} AND (kind, connection, field) > (?, ?, ?)"
            " ORDER BY kind, connection, field LIMIT ?"
        )
        return await self._read(
            lambda file: _loaded(
                file,
                file.execute(f"SELECT number, body FROM page WHERE {other}", (key,)).fetchall(),  # noqa: S608 - no word of others
                file.execute(records, (key, *after, most)).fetchall(),
            )
        )

    async def make(self, store: bytes) -> None:
        """Makes the file where there is none, for a store of that id; else leaves the one that is there."""
        new = "INSERT INTO head SELECT ?, 0, NULL WHERE NOT EXISTS (SELECT 1 FROM head)"
        await self._written(lambda file: file.execute(new, (store,)))

    async def save(self, generation: int, change: Change) -> bool:
        """Writes the change as the next generation, whole; False: another was quicker, and nothing is written."""

        def save(file: sqlite3.Connection) -> bool:
            raised = "UPDATE head SET generation = ?, body = ? WHERE generation = ?"
            if file.execute(raised, (generation + 1, change.head, generation)).rowcount != 1:
                return False
            file.executemany("INSERT OR REPLACE INTO page VALUES (?, ?)", list(change.pages.items()))
            rows = [(*_parts(row.name), row.version, row.at, row.body) for row in change.rows]
            file.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?)", rows)
            return True

        return await self._written(save)

    async def lease(self, name: str, holder: str, now: float, until: float) -> bool:
        """Whether the holder has the lease from now on."""
        taken = (
            "INSERT INTO lease VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET holder = excluded.holder, until = excluded.until"
            " WHERE holder = excluded.holder OR until NOT BETWEEN ? AND ?"
        )
        values = (name, holder, until, now, longest(now, until))
        return await self._written(lambda file: file.execute(taken, values).rowcount == 1)

    async def release(self, name: str, holder: str) -> None:
        """Ends the holder's lease."""
        ended = "DELETE FROM lease WHERE name = ? AND holder = ?"
        await self._written(lambda file: file.execute(ended, (name, holder)))

    async def aclose(self) -> None:
        """Closes the file."""
        await asyncio.to_thread(self._close)

    # ── the file ──────────────────────────────────────────────────────────────────────────────────

    async def _read(self, work: Callable[[sqlite3.Connection], Loaded]) -> Loaded:
        """What the work finds, all of the same moment; nothing where there is no file."""
        found = await asyncio.to_thread(lambda: self._transact("BEGIN", work, make=False))
        return Loaded() if found is None else found

    async def _written(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What the work gives, done as one transaction, whole even where whoever waits for it is cancelled."""
        done = asyncio.to_thread(lambda: self._transact("BEGIN IMMEDIATE", work, make=True))
        return cast("T", await asyncio.shield(done))

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], T], *, make: bool) -> T | None:
        try:
            with self._one:
                if self._file is None:
                    if not make and not self._path.exists():
                        return None
                    self._file = self._opened()
                return _transacted(self._file, begin, work)
        except (
            sqlite3.Error,
            OSError,
            UnicodeDecodeError,
        ) as error:  # a damaged file's text is no text, an error's too
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise UnavailableError(
                    "another process writes the store for long", where=self.shown, code="store.busy", retryable=True
                ) from None
            raise self._unusable(_why(error)) from None

    def _opened(self) -> sqlite3.Connection:
        self._reserve()
        file = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            _patiently(lambda: file.execute("PRAGMA journal_mode = WAL"))
            file.execute("PRAGMA synchronous = FULL")  # a refresh token that is lost cannot be had again
            file.execute("PRAGMA secure_delete = ON")
            if file.execute("SELECT 1 FROM sqlite_master WHERE name = 'token'").fetchone():
                raise ConfigError(
                    "the file is one of an earlier version, in which tokens stand as they are",
                    where=self.shown,
                    hint="remove it, and sign in again",
                    code="store.plain",
                )
            _patiently(lambda: file.executescript(_TABLES))
        except BaseException:
            file.close()
            raise
        return file

    def _reserve(self) -> None:
        """Makes the file for its user alone; raises ConfigError where others may use the one that is there."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            mode = stat.S_IMODE(self._path.stat().st_mode)
        except OSError as error:
            raise self._unusable(error.strerror) from None
        if mode & 0o077 and os.name == "posix":
            raise ConfigError(
                f"others may read or write the store: the file's mode is {mode:04o}",
                where=self.shown,
                hint=f"chmod 600 {shlex.quote(self.shown)}",
                code="store.exposed",
            )

    def _unusable(self, why: str | None) -> ConfigError:
        return ConfigError(
            f"the store cannot be read or written: {why}",
            where=self.shown,
            hint="see that the file can be written and is one of this program's",
            code="store.unusable",
        )

    def _close(self) -> None:
        with self._one:
            if self._file is not None:
                with closing(self._file):
                    self._file = None


def _patiently(work: Callable[[], object]) -> None:
    """Does it, again where another process makes the same new file: SQLite does not wait by itself there."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            work()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_STEP)
        else:
            return


def _transacted(file: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
    file.execute(begin)
    try:
        found = work(file)
        file.execute("COMMIT")
    except BaseException:
        if file.in_transaction:
            file.execute("ROLLBACK")
        raise
    return found


def _why(error: Exception) -> str | None:
    if isinstance(error, OSError):
        return error.strerror
    return one_line("it holds what is no text" if isinstance(error, UnicodeDecodeError) else str(error))


def _parts(name: Name) -> tuple[str, str, str]:
    return name.kind, name.connection, name.field


def _loaded(file: sqlite3.Connection, pages: list[Any], records: list[Any]) -> Loaded:
    head = file.execute("SELECT store, generation, body FROM head").fetchone()
    rows = [Row(Name(kind, connection, field), *rest) for kind, connection, field, *rest in records]
    store, generation, body = head or (b"", 0, None)
    return Loaded(store, generation, body, dict(pages), rows)
