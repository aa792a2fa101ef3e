"""A new master key: whenever it is interrupted, everything opens, and the same again brings it to its end."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from connector_core.exceptions import ConfigError
from connector_core.secrets.store import SecretStore, safe
from connector_core.secrets.store.key_file import KeyFile
from connector_core.secrets.store.rows import Name
from connector_core.secrets.store.sealing import Key
from connector_core.secrets.store.sqlite import SqliteRows
from tests.secrets.store.stores import OLD, Hand, ring, store

SECRETS = {f"field{number}": f"s3cr3t-{number}" for number in range(7)}
TOKEN = Name("token", "somebody's", "")


class Killed(BaseException):
    """The process is gone."""


def opened(folder: Path) -> SecretStore:
    return SecretStore(f"sqlite:///{folder}/secrets.db", made=lambda _path: None)


@pytest.fixture
async def kept(tmp_path, monkeypatch):
    """A store whose key is in the user's settings, with a few secrets, a token, and what was removed."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("CONNECTOR_STORE_KEY", raising=False)
    monkeypatch.setattr(safe, "BATCH", 2)
    async with opened(tmp_path) as one:
        for field, value in {**SECRETS, "gone": "x"}.items():
            await one.put("acme", field, value)
        await one.remove("acme", "gone")
        await one.safe.put(TOKEN, "the token")
    return tmp_path


def keys(folder: Path) -> list[str]:
    [path] = (folder / "settings").rglob("*.key")
    return path.read_text("ascii").split()


async def everything_opens(folder: Path) -> set[str]:
    """Asserts it, in a process that comes afterwards; the ids of the keys that are still needed."""
    async with opened(folder) as one:
        for field, value in SECRETS.items():
            assert await one.get("acme", field) == value
        assert await one.get("acme", "gone") is None
        token = await one.safe.get(TOKEN)
        assert token is not None
        assert token.value == "the token"
        listing = await one.listing()
        assert [(entry.name.field, entry.problem) for entry in listing.entries] == [(field, "") for field in SECRETS]
        assert listing.missing == 0
        return {entry.key for entry in listing.entries}


async def test_a_new_key(kept):
    """All is moved, nothing is lost, and the old key is gone."""
    [before] = keys(kept)
    async with opened(kept) as one:
        done = await one.rekey()
    [after] = keys(kept)
    assert (done.moved, done.problems, before != after) == (8, [], True)
    assert await everything_opens(kept) == {done.key}
    assert before.encode() not in b"".join(path.read_bytes() for path in kept.glob("secrets.db*"))


class Steps:
    """Counts writes, and ends the process at one of them."""

    def __init__(self, at: int, *, before: bool) -> None:
        self._left, self._before = at, before

    def dying(self, method: Any) -> Any:
        async def awaited(*arguments: Any) -> Any:
            self._passed(here=self._before)
            found = await method(*arguments)
            self._passed(here=not self._before)
            return found

        def called(*arguments: Any) -> Any:
            self._passed(here=self._before)
            found = method(*arguments)
            self._passed(here=not self._before)
            return found

        return awaited if asyncio.iscoroutinefunction(method) else called

    def _passed(self, *, here: bool) -> None:
        self._left -= here
        if here and not self._left:
            raise Killed


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_every_moment(kept, monkeypatch, before):
    """At each write to the database and to the file of keys the process ends, and nothing is lost."""
    at = 0
    while True:
        at += 1
        steps = Steps(at, before=before)
        with monkeypatch.context() as patch:
            patch.setattr(SqliteRows, "save", steps.dying(SqliteRows.save))
            patch.setattr(KeyFile, "write", steps.dying(KeyFile.write))
            try:
                async with opened(kept) as one:
                    await one.rekey()
                break  # so many steps there are
            except Killed:
                pass
        await everything_opens(kept)
        assert len(keys(kept)) in (1, 2)
        async with opened(kept) as again:
            done = await again.rekey()
        assert await everything_opens(kept) == {done.key}
        assert len(keys(kept)) == 1
    assert at == 7  # after the keys twice, and four batches


WORKER = """
import asyncio, sys
from connector_core.secrets.store import SecretStore, safe

safe.BATCH = 1

async def main():
    async with SecretStore(sys.argv[1]) as store:
        await store.listing()
        print("ready", flush=True)
        while True:
            await store.rekey()

asyncio.run(main())
"""


async def test_killed(kept):
    """The same with processes that are really killed, at any moment, one after another."""
    dice = random.Random(7)  # noqa: S311 - which moment it is
    for _ in range(12):
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, f"sqlite:///{kept}/secrets.db", stdout=asyncio.subprocess.PIPE
        )
        assert worker.stdout is not None
        async with asyncio.timeout(60):
            assert await worker.stdout.readline() == b"ready\n"
            await asyncio.sleep(dice.random() * 0.15)
            worker.kill()
            await worker.wait()
        assert worker.returncode == -9
        await everything_opens(kept)
    async with opened(kept) as one:
        done = await one.rekey()
    assert await everything_opens(kept) == {done.key}
    assert len(keys(kept)) == 1


async def test_who_writes_meanwhile(kept):
    """Another process that writes all the time loses nothing, and nothing of it is left to the old key."""
    stop = False

    async def write(one: SecretStore) -> int:
        number = 0
        while not stop:
            number += 1
            await one.put("acme", "busy", str(number))
            await asyncio.sleep(0)
        return number

    async with opened(kept) as one, opened(kept) as other:
        writing = asyncio.create_task(write(other))
        done = [await one.rekey() for _ in range(3)]
        stop = True
        last = await writing
        assert await one.get("acme", "busy") == str(last)
        assert {entry.key for entry in (await one.listing()).entries} == {done[-1].key}


async def test_two_at_once(kept):
    """The second one is told that there is another, and does nothing."""
    async with opened(kept) as one, opened(kept) as other:
        store_id, _ = await one.safe.state()
        assert isinstance(one.safe.keys, KeyFile)
        told = pytest.raises(ConfigError, match="another process gives the store a new key at this moment")
        with one.safe.keys.alone(store_id), told:
            await other.rekey()
        await other.rekey()


async def test_what_cannot_be_moved(kept):
    """A record that was tampered with is told, all others are moved, and the old key stays until that is mended."""
    hand = Hand(kept)
    hand.do("UPDATE record SET body = CAST(substr(body, 1, 30) || zeroblob(100) AS BLOB) WHERE field = 'field3'")
    async with opened(kept) as one:
        done = await one.rekey()
        assert (done.moved, [error.code for error in done.problems]) == (7, ["store.tampered"])
        assert len(keys(kept)) == 2
        await one.put("acme", "field3", SECRETS["field3"])
        done = await one.rekey()
    assert done.problems == []
    assert await everything_opens(kept) == {done.key}
    assert len(keys(kept)) == 1


async def test_keys_at_a_reference(tmp_path):
    """Until it is run, the old key seals though a new one stands in front; then the new one, and none but that."""
    new = Key(b"\x02" * 32)
    async with store(tmp_path, key=ring(tmp_path, OLD)) as one:
        await one.put("acme", "token", "first")
        with pytest.raises(ConfigError, match=f"there is no new key: the first one, {OLD.id.hex()}, opens everything"):
            await one.rekey()
    async with store(tmp_path, key=ring(tmp_path, new, OLD)) as one:
        await one.put("acme", "token", "second")
        assert [entry.key for entry in (await one.listing()).entries] == [OLD.id.hex()]
        assert (await one.rekey()).moved == 1
        await one.put("acme", "token", "third")
    async with store(tmp_path, key=ring(tmp_path, new)) as one:
        assert await one.get("acme", "token") == "third"
    async with store(tmp_path, key=ring(tmp_path, OLD)) as one:
        with pytest.raises(ConfigError, match="is not at hand"):
            await one.get("acme", "token")


async def test_an_empty_store(tmp_path, monkeypatch):
    """There is no key to replace."""
    async with store(tmp_path) as one:
        with pytest.raises(ConfigError, match="nothing is kept here yet"):
            await one.rekey()
