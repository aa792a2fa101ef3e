"""A store of secrets and tokens in a real PostgreSQL, as processes of several machines share it."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connector_core import Engine
from connector_core.auth import Token
from connector_core.engine.stored_tokens import StoredTokens
from connector_core.engine.tokens import Kept
from connector_core.exceptions import ConfigError, UnavailableError
from connector_core.secrets.store import SecretStore, safe
from connector_core.secrets.store.postgres import PostgresRows
from connector_core.secrets.store.rows import Name
from connector_core.secrets.store.sealing import Key
from tests.secrets.store.stores import OLD, VALUE, ring

asyncpg = pytest.importorskip("asyncpg", reason="the package asyncpg is not installed")
pytestmark = pytest.mark.servers("postgres", 5432)

DATABASE = os.environ.get("CONNECTOR_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A schema of the test's own."""
    schema = f"connector_test_{uuid.uuid4().hex}"
    database = await asyncpg.connect(DATABASE)
    await database.execute(f"CREATE SCHEMA {schema}")
    yield f"{DATABASE}?search_path={schema}"
    await database.execute(f"DROP SCHEMA {schema} CASCADE")
    await database.close()


async def done(address: str, statement: str, *values: Any) -> list[Any]:
    """What somebody does who writes to the database, and has no key."""
    database = await asyncpg.connect(address)
    try:
        found: list[Any] = await database.fetch(statement, *values)
        return found
    finally:
        await database.close()


def opened(address: str, folder: Path, *keys: Key) -> SecretStore:
    return SecretStore(address, key=ring(folder, *(keys or (OLD,))))


async def test_put_get_names_remove(address, tmp_path):
    """As in SQLite; a store that is not there is empty, and nothing is made by looking."""
    async with opened(address, tmp_path) as one, opened(address, tmp_path) as other:
        assert (await one.get("acme", "token"), await one.remove("acme", "token")) == (None, False)
        assert await done(address, "SELECT to_regclass('connector_core_head')") == [(None,)]
        assert [await one.put("acme", "token", text) for text in ("first", VALUE)] == [1, 2]
        assert (await other.get("acme", "token"), await other.names("acme")) == (VALUE, ["token"])
        assert await other.remove("acme", "token")
        assert (await one.get("acme", "token"), await one.put("acme", "token", VALUE)) == (None, 4)
    [(body,)] = await done(address, "SELECT body FROM connector_core_record")
    assert VALUE.encode() not in body


@pytest.mark.parametrize(
    "statement, code",
    [
        ("UPDATE connector_core_record SET body = set_byte(body, 100, get_byte(body, 100) # 1)", "store.tampered"),
        ("UPDATE connector_core_record SET version = 1", "store.rolled_back"),
        ("DELETE FROM connector_core_record", "store.tampered"),
        ("UPDATE connector_core_head SET generation = generation - 1", "store.tampered"),
    ],
)
async def test_what_was_changed(address, tmp_path, statement, code):
    """It is refused, and told."""
    async with opened(address, tmp_path) as one:
        await one.put("acme", "token", "first")
        await one.put("acme", "token", VALUE)
    await done(address, statement)
    async with opened(address, tmp_path) as one:
        with pytest.raises(ConfigError) as told:
            await one.get("acme", "token")
    assert told.value.code == code


async def test_many_at_once(address, tmp_path):
    """Of those who write at once, also for the first time, nobody's change is lost; a version is replaced by one."""
    stores = [opened(address, tmp_path) for _ in range(4)]
    versions = await asyncio.gather(*(stores[n % 4].put("acme", "token", str(n)) for n in range(20)))
    assert sorted(versions) == list(range(1, 21))
    name = Name("token", "t", "")
    won = await asyncio.gather(*(stores[n % 4].safe.put(name, str(n), 0) for n in range(12)))
    assert len([found for found in won if found is not None]) == 1
    for one in stores:
        await one.aclose()


WORKER = """
import asyncio, sys
from connector_core.secrets.store import SecretStore, safe

safe.BATCH = 1

async def main():
    async with SecretStore(sys.argv[1], key=sys.argv[2]) as store:
        await store.listing()
        print("ready", flush=True)
        await store.rekey()

asyncio.run(main())
"""


async def test_a_rekey_that_is_killed(address, tmp_path, monkeypatch):
    """Wherever the process ends, both keys together open everything; it is brought to its end by another."""
    monkeypatch.setattr(safe, "BATCH", 3)
    secrets = {f"field{number}": f"s3cr3t-{number}" for number in range(20)}
    new = Key(b"\x02" * 32)
    async with opened(address, tmp_path) as one:
        for field, value in secrets.items():
            await one.put("acme", field, value)
    keys = ring(tmp_path, new, OLD)
    for wait in (0.0, 0.02, 0.05):
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, address, keys, stdout=asyncio.subprocess.PIPE
        )
        assert worker.stdout is not None
        async with asyncio.timeout(60):
            assert await worker.stdout.readline() == b"ready\n"
            await asyncio.sleep(wait)
            if worker.returncode is None:
                worker.kill()
            await worker.wait()
        async with opened(address, tmp_path, new, OLD) as one:
            assert {field: await one.get("acme", field) for field in secrets} == secrets
    async with opened(address, tmp_path, new, OLD) as one:
        assert (await one.rekey()).problems == [] if await _needs(one, OLD) else True
    async with opened(address, tmp_path, new) as one:
        assert {field: await one.get("acme", field) for field in secrets} == secrets


async def _needs(one: SecretStore, key: Key) -> bool:
    return key.id.hex() in {entry.key for entry in (await one.listing()).entries}


async def test_tokens(address, tmp_path, monkeypatch):
    """An engine keeps them there by the address; a lease is held by one, and ends by itself."""
    monkeypatch.setenv("CONNECTOR_STORE_KEY", ring(tmp_path, OLD))
    now = 1000.0
    async with SecretStore(address, now=lambda: now) as kept, Engine(tokens=address) as engine:
        place, other = StoredTokens(kept), engine._effects.tokens_kept()
        assert await place.lease("n", "one", 10)
        assert not await place.lease("n", "two", 10)
        now += 11
        assert await place.lease("n", "two", 10)
        now -= 86_400  # a clock that was wrong: nobody waits for a day
        assert await place.lease("n", "one", 10)
        assert not await place.lease("n", "two", 10)
        await place.release("n", "one")
        assert await place.put("n", Token("first"), 0) == Kept(Token("first"), 1)
        assert await other.get("n") == Kept(Token("first"), 1)
        assert await other.put("n", Token("second"), 0) is None
        assert await other.names() == ["n"]


@pytest.mark.parametrize(
    "wrong, text",
    [
        ("postgresql://me:hunter2@127.0.0.1:9/db", "the store cannot be reached: nobody answers"),
        ("postgresql://me:hunter2@127.0.0.1:port/db", "the store cannot be used: its address is none"),
        (f"{DATABASE}_that_is_not_there", "the store cannot be used: there is no such database"),
    ],
)
async def test_what_cannot_be_used(tmp_path, wrong, text):
    """It is told without the address, in which a password may stand."""
    async with opened(wrong, tmp_path) as one:
        with pytest.raises((ConfigError, UnavailableError)) as told:
            await one.get("acme", "token")
    assert text in str(told.value)
    assert "hunter2" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__context__ is None


async def test_a_connection_that_was_lost(address, tmp_path):
    """It is opened anew by the next who needs it."""
    async with opened(address, tmp_path) as one:
        await one.put("acme", "token", VALUE)
        database = one.safe._rows
        assert isinstance(database, PostgresRows)
        assert database._open is not None
        await done(address, "SELECT pg_terminate_backend($1)", database._open.get_server_pid())
        for _ in range(3):
            try:
                assert await one.get("acme", "token") == VALUE
                break
            except UnavailableError:
                await asyncio.sleep(0.1)
        else:
            pytest.fail("it was not opened anew")
