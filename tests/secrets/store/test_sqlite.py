"""The file of SQLite that a store is in: its mode, what is no store, and who may not write."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from connector_core.exceptions import ConfigError, UnavailableError
from connector_core.secrets.store import SecretStore, sqlite
from tests.secrets.store.stores import OLD, Hand, ring, store


async def test_a_file_that_others_may_read_is_refused(tmp_path):
    """It is made for its user alone, its folder too, and one that is not is told with the remedy."""
    folder = tmp_path / "deep"
    address = f"sqlite:///{folder}/secrets.db"
    async with store(tmp_path) as one:
        await one.put("acme", "token", "x")
    (tmp_path / "secrets.db").chmod(0o640)
    with pytest.raises(
        ConfigError, match=r"others may read or write the store: the file's mode is 0640 — .* — chmod 600"
    ):
        await store(tmp_path).get("acme", "token")
    async with SecretStore(address, key=ring(tmp_path, OLD)) as two:
        await two.put("acme", "token", "x")
    assert (folder.stat().st_mode & 0o777, (folder / "secrets.db").stat().st_mode & 0o777) == (0o700, 0o600)


async def test_a_file_that_is_none_is_told(tmp_path):
    """What is no database, and what cannot be made: an error of ours that names the file."""
    file = tmp_path / "secrets.db"
    file.write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    file.chmod(0o600)
    with pytest.raises(ConfigError, match=r"the store cannot be read or written: file is not a database — "):
        await store(tmp_path).get("acme", "token")
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError, match="the store cannot be read or written: Is a directory"):
        await store(tmp_path).get("acme", "token")


async def test_tokens_of_an_earlier_version(tmp_path):
    """A file in which tokens stand as they are is refused, with what to do."""
    with closing(sqlite3.connect(tmp_path / "secrets.db")) as file:
        file.execute("CREATE TABLE token (name TEXT PRIMARY KEY, version INTEGER NOT NULL, token BLOB)")
    (tmp_path / "secrets.db").chmod(0o600)
    with pytest.raises(ConfigError, match=r"in which tokens stand as they are — .* — remove it, and sign in again"):
        await store(tmp_path).get("acme", "token")


async def test_who_writes_for_long(tmp_path, monkeypatch):
    """Another process that does not come to an end is waited for only so long; reading goes on meanwhile."""
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.05)
    async with store(tmp_path) as one:
        await one.put("acme", "token", "x")
        with closing(sqlite3.connect(tmp_path / "secrets.db", isolation_level=None)) as file:
            file.execute("BEGIN IMMEDIATE")
            with pytest.raises(UnavailableError, match="another process writes the store for long"):
                await one.put("acme", "token", "y")
            assert await one.get("acme", "token") == "x"


@pytest.mark.parametrize(
    "address, text",
    [
        ("sqlite:///", "the address names no file — sqlite://… — write one such as sqlite:///secrets.db"),
        ("sqlite://secrets.db", "the address names no file"),
        ("secrets.db", "secrets cannot be kept there: it is no address"),
        ("mysql://me:hunter2@host/db", "secrets cannot be kept at mysql://… — an address begins with sqlite:// or"),
    ],
)
def test_no_address(address, text):
    """What names no database is told, without a password that may stand in it."""
    with pytest.raises(ConfigError) as told:
        SecretStore(address, key="env:X")
    assert text in str(told.value)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "statement, text",
    [
        ("INSERT INTO page VALUES (1000, zeroblob(200))", "a page of the store's ledger is not what was written"),
        ("INSERT INTO page VALUES (-1, zeroblob(200))", "a page of the store's ledger is not what was written"),
        ("UPDATE record SET field = CAST(x'ff41' AS TEXT)", "the store cannot be read or written: "),
    ],
)
async def test_rows_that_somebody_brought(tmp_path, statement, text):
    """A page that no ledger has, and a name that is no text: refused, and never a failure of ours."""
    async with store(tmp_path) as one:
        await one.put("acme", "token", "x")
    Hand(tmp_path).do(statement)
    async with store(tmp_path) as one:
        with pytest.raises(ConfigError) as told:
            await one.listing()
    assert text in str(told.value)


async def test_damaged_where_sqlite_quotes_it(tmp_path):
    """What SQLite says of a damaged table holds bytes that are no text: told as any other damage."""
    async with store(tmp_path) as one:
        await one.put("acme", "token", "x")
    file = tmp_path / "secrets.db"
    content = file.read_bytes()
    assert b"STRICT" in content
    file.write_bytes(content.replace(b"STRICT", b"ST\xcbICT"))
    with pytest.raises(ConfigError, match="the store cannot be read or written: it holds what is no text"):
        await store(tmp_path).get("acme", "token")


async def test_a_name_that_no_file_has(tmp_path):
    """Reading and writing at a name that is too long for the system."""
    one = SecretStore(f"sqlite:///{tmp_path}/{'a' * 300}", key=ring(tmp_path, OLD))
    for work in (one.get("acme", "token"), one.put("acme", "token", "x")):
        with pytest.raises(ConfigError, match="the store cannot be read or written: File name too long"):
            await work


async def test_a_lease_when_the_clock_goes_back(tmp_path):
    """A lease whose holder died is not waited for until a day that was wrong."""
    now = 100_000.0
    async with store(tmp_path, now=lambda: now) as one:
        assert await one.safe.lease("n", "one", 10)
        now -= 5
        assert not await one.safe.lease("n", "two", 10)
        now -= 86_400
        assert await one.safe.lease("n", "two", 10)
        assert not await one.safe.lease("n", "one", 10)


NEW = """
import sys, asyncio, time
from pathlib import Path
from connector_core.secrets.store.rows import Name
from connector_core.secrets.store.sqlite import SqliteRows

async def main():
    rows = SqliteRows(sys.argv[1])
    while time.time() < float(sys.argv[2]):
        pass
    await rows.lease("name", sys.argv[3], 0.0, 1.0)
    await rows.aclose()

asyncio.run(main())
"""


def test_a_new_file_of_several_at_once(tmp_path):
    """Processes that make one new file at the same moment wait for each other; none is told that it is busy."""
    for number in range(3):
        begun = [
            subprocess.Popen(
                [sys.executable, "-c", NEW, str(tmp_path / f"{number}.db"), str(time.time() + 1.5), str(which)],
                stderr=subprocess.PIPE,
                text=True,
            )
            for which in range(4)
        ]
        assert [process.communicate()[1] for process in begun] == [""] * 4
