"""Stores in a folder, each opened as another process would, and a hand that changes their rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from connector_core.secrets.store import SecretStore
from connector_core.secrets.store.sealing import Key

__all__ = ["OLD", "VALUE", "Hand", "ring", "store"]

OLD, VALUE = Key(b"\x01" * 32), "s3cr3t-välue"


def ring(folder: Path, *keys: Key) -> str:
    """Writes the keys to a file, and gives the reference to it."""
    path = folder / "ring"
    path.write_text(" ".join(key.written() for key in keys), "ascii")
    path.chmod(0o600)
    return f"file:{path}"


def store(folder: Path, **more: Any) -> SecretStore:
    """The store of the folder, with the old key."""
    key = more.pop("key", None) or ring(folder, OLD)
    return SecretStore(f"sqlite:///{folder}/secrets.db", key=key, **more)


class Hand:
    """Somebody who writes to the database, and has no key."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "secrets.db"

    def do(self, statement: str, *values: Any) -> list[Any]:
        """Runs a statement."""
        with closing(sqlite3.connect(self._path)) as file, file:
            return file.execute(statement, values).fetchall()

    def taken(self, *tables: str) -> dict[str, list[Any]]:
        """What the tables hold."""
        return {table: self.do(f"SELECT * FROM {table}") for table in tables}  # noqa: S608 - a test's own words

    def put_back(self, taken: dict[str, list[Any]]) -> None:
        """Has the tables hold that again."""
        for table, rows in taken.items():
            self.do(f"DELETE FROM {table}")  # noqa: S608 - the same
            for row in rows:
                self.do(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)  # noqa: S608 - the same
