"""Tokens in a file of SQLite, for the processes of one machine.

They stand there as they are: the file belongs to its user alone (0600), and whoever reads it can act as the account.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import msgspec

from connector_core.auth import Token
from connector_core.engine.tokens import Kept
from connector_core.exceptions import ConfigError

__all__ = ["SqliteTokens"]

T = TypeVar("T")

_TABLES = """
CREATE TABLE IF NOT EXISTS token (name TEXT PRIMARY KEY, version INTEGER NOT NULL, token BLOB) STRICT;
CREATE TABLE IF NOT EXISTS lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL) STRICT;
"""
_PATIENCE = 10.0
"""Seconds that a process waits for another which is writing."""


class SqliteTokens:
    """Keeps tokens in a file; `async` methods, since a disk may be slow: they work in another thread."""

    def __init__(self, path: str | Path, *, now: Callable[[], float] = time.time) -> None:
        """`now`: seconds since 1970, for the leases, which all processes of a machine count alike."""
        self._path = Path(path)
        self._now = now
        self._file: sqlite3.Connection | None = None
        self._one = threading.Lock()

    def __repr__(self) -> str:
        return f"SqliteTokens({str(self._path)!r})"

    async def get(self, name: str) -> Kept | None:
        """The token of that name."""

        def get(file: sqlite3.Connection) -> Kept | None:
            found = file.execute("SELECT token, version FROM token WHERE name = ?", (name,)).fetchone()
            return None if found is None or found[0] is None else Kept(self._read(name, found[0]), found[1])

        return await self._done(get)

    async def put(self, name: str, token: Token, version: int | None) -> Kept | None:
        """Keeps the token in place of that version; None: somebody else was quicker."""

        def put(file: sqlite3.Connection) -> Kept | None:
            found = file.execute("SELECT version, token IS NULL FROM token WHERE name = ?", (name,)).fetchone()
            last = found[0] if found is not None else 0
            if version not in (None, 0 if found is not None and found[1] else last):
                return None
            file.execute("INSERT OR REPLACE INTO token VALUES (?, ?, ?)", (name, last + 1, msgspec.json.encode(token)))
            return Kept(token, last + 1)

        return await self._done(put)

    async def drop(self, name: str) -> None:
        """Keeps it no more; its version stays, so that whoever still renews it learns of that."""
        await self._done(
            lambda file: file.execute("UPDATE token SET token = NULL, version = version + 1 WHERE name = ?", (name,))
        )

    async def names(self) -> list[str]:
        """Every name that a token is kept under, in alphabetical order."""
        rows = await self._done(
            lambda file: file.execute("SELECT name FROM token WHERE token IS NOT NULL ORDER BY name").fetchall()
        )
        return [name for (name,) in rows]

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether the holder may renew the token now, for so long."""
        now = self._now()

        def lease(file: sqlite3.Connection) -> bool:
            held = file.execute("SELECT holder, until FROM lease WHERE name = ?", (name,)).fetchone()
            if held is not None and held[0] != holder and now < held[1]:
                return False
            file.execute("INSERT OR REPLACE INTO lease VALUES (?, ?, ?)", (name, holder, now + seconds))
            return True

        return await self._done(lease)

    async def release(self, name: str, holder: str) -> None:
        """Ends the holder's lease."""
        await self._done(lambda file: file.execute("DELETE FROM lease WHERE name = ? AND holder = ?", (name, holder)))

    async def aclose(self) -> None:
        """Closes the file."""
        await asyncio.to_thread(self._close)

    # ── the file ──────────────────────────────────────────────────────────────────────────────────

    async def _done(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What the work gives, done as one transaction, whole even where whoever waits for it is cancelled."""
        return await asyncio.shield(asyncio.to_thread(self._transact, work))

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with self._one:
                file = self._file = self._file or self._opened()
                file.execute("BEGIN IMMEDIATE")
                try:
                    found = work(file)
                except BaseException:
                    file.execute("ROLLBACK")
                    raise
                file.execute("COMMIT")
                return found
        except sqlite3.Error as error:
            raise ConfigError(
                f"the tokens cannot be read or written: {error}",
                where=str(self._path),
                hint="see that the file can be written and is one of this program's",
                code="tokens.unusable",
            ) from None

    def _opened(self) -> sqlite3.Connection:
        self._reserve()
        file = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = FULL")  # a refresh token that is lost cannot be had again
            file.execute("PRAGMA secure_delete = ON")
            file.executescript(_TABLES)
        except BaseException:
            file.close()
            raise
        return file

    def _reserve(self) -> None:
        """Makes the file for its user alone; raises ConfigError where others may read the one that is there."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            mode = stat.S_IMODE(self._path.stat().st_mode)
        except OSError as error:
            raise ConfigError(
                f"the tokens cannot be kept: {error.strerror}", where=str(self._path), code="tokens.unusable"
            ) from None
        if mode & 0o077 and os.name == "posix":
            raise ConfigError(
                f"others may read the tokens: the file's mode is {mode:04o}",
                where=str(self._path),
                hint=f"chmod 600 {self._path}",
                code="tokens.readable",
            )

    def _read(self, name: str, written: bytes) -> Token:
        try:
            return msgspec.json.decode(written, type=Token)
        except msgspec.MsgspecError:
            raise ConfigError(
                f"what is kept for {name} is no token",
                where=str(self._path),
                hint="sign in again, and it is replaced",
                code="tokens.unusable",
            ) from None

    def _close(self) -> None:
        with self._one:
            if self._file is not None:
                with closing(self._file):
                    self._file = None
