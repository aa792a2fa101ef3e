"""The store against somebody who writes to its database: what was not written last is refused, and told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connector_core.exceptions import ConfigError
from connector_core.secrets.store.rows import Name
from connector_core.secrets.store.sealing import Key
from tests.secrets.store.stores import OLD, VALUE, Hand, ring, store


async def refused(folder: Path, field: str = "token") -> ConfigError:
    """Why another process does not get the secret."""
    async with store(folder) as other:
        with pytest.raises(ConfigError) as found:
            await other.get("acme", field)
    assert VALUE not in str(found.value)
    return found.value


@pytest.fixture
async def hand(tmp_path):
    """Of a store with two secrets, of which `token` was set twice."""
    async with store(tmp_path) as one:
        await one.put("acme", "token", "an earlier one")
        await one.put("acme", "password", "another")
        await one.put("acme", "token", VALUE)
    return Hand(tmp_path)


async def test_put_get_names_remove(tmp_path):
    """A secret is there until it is removed, for other processes too; versions go on counting."""
    async with store(tmp_path, now=lambda: 5.0) as one, store(tmp_path) as other:
        assert await one.get("acme", "token") is None
        assert await one.names("acme") == []
        assert not await one.remove("acme", "token")
        assert not (tmp_path / "secrets.db").exists()
        assert [await one.put("acme", "token", text) for text in ("first", VALUE)] == [1, 2]
        assert await one.put("else", "a", "") == 1
        assert (await other.get("acme", "token"), await other.get("else", "a")) == (VALUE, "")
        assert await other.names("acme") == ["token"]
        [line, _] = (await other.listing()).entries
        assert (line.name, line.version, line.at, line.key) == (Name("secret", "acme", "token"), 2, 5000, OLD.id.hex())
        assert await other.remove("acme", "token")
        assert not await other.remove("acme", "token")
        assert (await one.get("acme", "token"), await one.names("acme")) == (None, [])
        assert await one.put("acme", "token", "again") == 4
        assert VALUE not in repr(one) + repr(await one.safe.get(Name("secret", "acme", "token")))


async def test_nothing_is_readable_on_the_disk(tmp_path):
    """No file of the database holds a secret as text or in base64, neither while it is open nor afterwards."""
    async with store(tmp_path) as one:
        for number in range(50):
            await one.put("acme", f"field{number}", f"{VALUE}-{number}")
        await one.put("acme", "field1", "replaced-value")
        await one.remove("acme", "field2")
        files = sorted(tmp_path.glob("secrets.db*"))
        assert [path.name for path in files] == ["secrets.db", "secrets.db-shm", "secrets.db-wal"]
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
        written = b"".join(path.read_bytes() for path in files)
    written += (tmp_path / "secrets.db").read_bytes()
    assert b"field49" in written  # names are no secret: the search finds what is there
    for word in (VALUE.encode(), b"s3cr3t", b"replaced-value", OLD.secret, OLD.written().encode()):
        assert word not in written


async def test_an_old_version_in_its_place(tmp_path, hand):
    """The row as it was before is told as an old copy; set anew, the secret is there again."""
    now = hand.taken("record")
    async with store(tmp_path) as one:
        await one.put("acme", "token", "a later one")
    hand.put_back(now)
    told = await refused(tmp_path)
    assert told.code == "store.rolled_back"
    assert str(told).startswith("acme/token is an old copy: version 2 stands where 3 was written — ")
    async with store(tmp_path) as one:
        assert await one.get("acme", "password") == "another"
        [_, line] = (await one.listing()).entries
        assert "is an old copy" in line.problem
        assert await one.put("acme", "token", VALUE) == 4
        assert await one.get("acme", "token") == VALUE


@pytest.mark.parametrize("tables", [("record", "page"), ("record", "head"), ("page", "head"), ("page",), ("head",)])
async def test_old_parts_of_the_ledger(tmp_path, hand, tables):
    """An old row does not pass with an old page, or an old head, either: they belong together."""
    now = hand.taken(*tables)
    async with store(tmp_path) as one:
        await one.put("acme", "token", "a later one")
    hand.put_back(now)
    assert (await refused(tmp_path)).code in ("store.tampered", "store.rolled_back")


async def test_a_removed_secret_does_not_come_back(tmp_path, hand):
    """Who puts the row back that was there before it was removed is found out."""
    now = hand.taken("record")
    async with store(tmp_path) as one:
        await one.remove("acme", "token")
    hand.put_back(now)
    assert (await refused(tmp_path)).code == "store.rolled_back"


@pytest.mark.parametrize(
    "statement, text",
    [
        ("UPDATE record SET body = zeroblob(200) WHERE field = 'token'", "is not what was written"),
        ("UPDATE record SET body = substr(body, 1, length(body) - 1) WHERE field = 'token'", "is not what was written"),
        ("UPDATE record SET body = x'' WHERE field = 'token'", "is not what was written"),
        ("UPDATE record SET body = NULL WHERE field = 'token'", "is not what was written"),
        ("UPDATE record SET version = version + 1 WHERE field = 'token'", "is not what was written"),
        ("UPDATE record SET at = at + 1 WHERE field = 'token'", "is not what was written"),
        (
            "UPDATE record SET body = (SELECT body FROM record WHERE field = 'password') WHERE field = 'token'",
            "is not what was",
        ),
        (
            "DELETE FROM record WHERE field = 'token'",
            "was taken away from the store by somebody else",
        ),
        ("DELETE FROM page", "a page of the store's ledger is not what was written"),
        ("UPDATE page SET body = zeroblob(200)", "a page of the store's ledger is not what was written"),
        ("UPDATE head SET body = NULL", "the ledger of the store is not what was written"),
        ("UPDATE head SET generation = generation + 1", "the ledger of the store is not what was written"),
        ("UPDATE head SET store = zeroblob(16)", "is not what was written"),
        ("DELETE FROM head", "the ledger of the store is not what was written"),
    ],
)
async def test_what_was_changed(tmp_path, hand, statement, text):
    """Every part of the database, changed by itself; the secret is refused with what happened, never given."""
    hand.do(statement)
    told = await refused(tmp_path)
    assert text in str(told)


async def test_rows_that_change_places(tmp_path, hand):
    """What was sealed for one field, connection or kind does not pass for another, though the names are exchanged."""
    hand.do("UPDATE record SET field = CASE field WHEN 'token' THEN 'password' ELSE 'token' END || 'x'")
    hand.do("UPDATE record SET field = rtrim(field, 'x')")
    assert (await refused(tmp_path)).code in ("store.tampered", "store.rolled_back")
    assert (await refused(tmp_path, "password")).code == "store.tampered"
    hand.do("UPDATE record SET connection = 'other'")
    async with store(tmp_path) as one:
        with pytest.raises(ConfigError):
            await one.get("other", "token")
        assert (await one.listing()).missing == 2


async def test_another_store_with_the_same_key(tmp_path, hand):
    """A row of one store does not pass in another, whatever it is called there."""
    (tmp_path / "b").mkdir()
    async with store(tmp_path / "b") as other:
        await other.put("acme", "token", "the other's")
        await other.put("acme", "token", "the other's")
    [(body,)] = Hand(tmp_path / "b").do("SELECT body FROM record WHERE field = 'token'")
    hand.do("UPDATE record SET body = ?, version = 2 WHERE field = 'token'", body)
    assert (await refused(tmp_path)).code == "store.tampered"


async def test_put_back_as_a_whole(tmp_path, hand):
    """Whoever has the store open notices; who opens it afterwards can't, as the documentation says."""
    before = hand.taken("record", "page", "head")
    async with store(tmp_path) as one:
        await one.put("acme", "token", "a later one")
        hand.put_back(before)
        with pytest.raises(ConfigError, match="the store has been put back to an earlier state while it was in use"):
            await one.get("acme", "token")
    async with store(tmp_path) as another:
        assert await another.get("acme", "token") == VALUE


async def test_many_at_once(tmp_path):
    """Two who write at once lose nothing: every version is given once, and a version is replaced by one alone."""
    name = Name("token", "t", "")
    async with store(tmp_path) as one, store(tmp_path) as two:
        versions = await asyncio.gather(*((one, two)[n % 2].put("acme", "token", str(n)) for n in range(40)))
        assert sorted(versions) == list(range(1, 41))
        first = await one.safe.put(name, "first", 0)
        assert first is not None
        won = await asyncio.gather(*((one, two)[n % 2].safe.put(name, str(n), first.version) for n in range(20)))
        assert len([found for found in won if found is not None]) == 1


async def test_without_the_key(tmp_path, hand):
    """Another key than the one that sealed is told with the ids of both; the keys themselves are not shown."""
    other = Key(b"\x07" * 32)
    async with store(tmp_path, key=ring(tmp_path, other)) as one:
        with pytest.raises(ConfigError) as told:
            await one.get("acme", "token")
        assert str(told.value) == (
            f"the key {OLD.id.hex()}, which opens what is kept, is not at hand — {tmp_path}/secrets.db — "
            f"the keys here are {other.id.hex()}: put it to them"
        )
        with pytest.raises(ConfigError):
            await one.put("acme", "token", "x")


@pytest.mark.parametrize(
    "connection, field, value, text",
    [
        ("", "token", "x", "is named by its connection and its field"),
        ("acme", "", "x", "is named by its connection and its field"),
        ("acme", "a/b", "x", "a field has no slash"),
        ("acme", "a\nb", "x", "without signs that can't be seen"),
        ("acme", "\udc80", "x", "without signs"),
        ("acme", "token", "\udc80", "the secret is no text in UTF-8"),
        ("acme", "token", "x" * 65537, "the secret is larger than 64 KiB"),
    ],
)
async def test_what_cannot_be_kept(tmp_path, connection, field, value, text):
    """Names that no reference can lead to, and what is no text; the value is not repeated."""
    async with store(tmp_path) as one:
        with pytest.raises(ConfigError) as told:
            await one.put(connection, field, value)
    assert text in str(told.value)
