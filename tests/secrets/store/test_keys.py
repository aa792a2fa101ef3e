"""Where a store's key is: at a reference, or in a file that is made once, far from the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector_core import Engine, SecretRef
from connector_core.exceptions import ConfigError
from connector_core.secrets import Backend
from connector_core.secrets.store import SecretStore, Store
from connector_core.secrets.store.sealing import Key
from connector_core.testing import effects, respond
from tests.secrets.store.stores import OLD, VALUE, ring, store
from tests.secrets.test_brought import SPEC
from tests.secrets.world import NOBODY


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The user's settings, and no variable that says otherwise."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("CONNECTOR_STORE_KEY", raising=False)
    return tmp_path / "settings"


def opened(folder: Path, **more: Any) -> SecretStore:
    return SecretStore(f"sqlite:///{folder}/secrets.db", **more)


async def test_a_key_is_made_once(tmp_path, home):
    """In the user's settings, readable by nobody else, told when it is made; each store has its own."""
    told: list[Path] = []
    async with opened(tmp_path, made=told.append) as one:
        assert await one.get("acme", "token") is None
        assert not home.exists()
        await one.put("acme", "token", VALUE)
        await one.put("acme", "token", VALUE)
    [path] = told
    assert path.parent == home / "connector-core/keys"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert len(path.read_text("ascii")) == 45
    async with opened(tmp_path) as another:
        assert await another.get("acme", "token") == VALUE
    (tmp_path / "b").mkdir()
    async with opened(tmp_path / "b", made=told.append) as other:
        await other.put("acme", "token", VALUE)
    assert told[1] != path


async def test_a_key_that_is_gone_is_not_made_anew(tmp_path, home):
    """Where something is sealed already, a new key would only hide what is wrong."""
    told: list[Path] = []
    async with opened(tmp_path, made=told.append) as one:
        await one.put("acme", "token", VALUE)
    told[0].unlink()
    async with opened(tmp_path, made=told.append) as one:
        for act in (one.get("acme", "token"), one.put("acme", "token", "x"), one.listing()):
            with pytest.raises(ConfigError, match=r"the key of the store is not here — .*key — put it there, or have"):
                await act
    assert len(told) == 1


async def test_nobody_asked_for_a_key_file(tmp_path, home):
    """An app that says nothing of a key is told how it is said; nothing is made in its user's settings."""
    async with opened(tmp_path) as one:
        with pytest.raises(ConfigError, match=r"no key yet — .* — make one, openssl rand -base64 32, and have CONN"):
            await one.put("acme", "token", VALUE)
    assert not home.exists()


async def test_a_key_file_that_others_may_read(tmp_path, home):
    """It is refused, as any file with a secret is."""
    told: list[Path] = []
    async with opened(tmp_path, made=told.append) as one:
        await one.put("acme", "token", VALUE)
    told[0].chmod(0o644)
    async with opened(tmp_path) as one:
        with pytest.raises(ConfigError, match="may be read or written by others"):
            await one.get("acme", "token")


async def test_the_variable(tmp_path, monkeypatch):
    """CONNECTOR_STORE_KEY holds a reference; a key of one's own says more."""
    monkeypatch.setenv("CONNECTOR_STORE_KEY", ring(tmp_path, OLD))
    async with opened(tmp_path) as one:
        await one.put("acme", "token", VALUE)
    monkeypatch.setenv("CONNECTOR_STORE_KEY", "env:NOT_SET")
    monkeypatch.setenv("MINE", OLD.written())
    async with opened(tmp_path, key=SecretRef("env:MINE")) as one:
        assert await one.get("acme", "token") == VALUE
    async with opened(tmp_path) as one:
        with pytest.raises(ConfigError, match="the environment variable NOT_SET is not set"):
            await one.get("acme", "token")
    with pytest.raises(ConfigError, match="the key of the store cannot be kept in the store"):
        opened(tmp_path, key="store:a/b")


async def test_a_key_that_is_added_later(tmp_path):
    """A process that has the ring from before looks again when it meets a key that it does not know."""
    new = Key(b"\x05" * 32)
    async with store(tmp_path) as old, store(tmp_path) as mover:
        await old.put("acme", "token", VALUE)
        ring(tmp_path, new, OLD)
        assert (await mover.rekey()).moved == 1
        ring(tmp_path, new)
        assert await old.get("acme", "token") == VALUE
        assert await old.put("acme", "token", "later") == 2
    async with store(tmp_path, key=ring(tmp_path, new)) as one:
        assert await one.get("acme", "token") == "later"


# ── the backend ───────────────────────────────────────────────────────────────────────────────────


async def test_a_reference_into_the_store(tmp_path):
    """`store:CONNECTION/FIELD` is what was put there; a connection may have slashes in its name."""
    async with store(tmp_path) as one:
        await one.put("eu/acme", "token", VALUE)
        backend = Store(one)
        assert await backend.fetch("eu/acme/token", NOBODY) == VALUE
        with pytest.raises(ConfigError) as told:
            await backend.fetch("eu/acme/password", NOBODY)
    assert str(told.value) == "the store has no password of eu/acme — connector secrets set eu/acme password"
    for wrong in ("token", "/token", "acme/"):
        with pytest.raises(ConfigError, match="does not say which field of which connection"):
            backend.check(wrong)
    with pytest.raises(ConfigError, match="there is no store of secrets here — Engine"):
        Store().check("acme/token")


async def test_a_connection_reads_its_secret_from_the_store(tmp_path):
    """An engine with a store signs by what is kept there, its key looked up as any reference is."""
    asked: list[str] = []

    class Drawer(Backend):
        scheme = "drawer"

        async def fetch(self, rest: str, world: Any) -> str:  # noqa: ARG002 - nobody is asked
            asked.append(rest)
            return OLD.written()

    async with store(tmp_path) as own:
        await own.put("acme", "token", VALUE)
    world = effects(lambda request: respond(json=[{"signed": request.headers["Authorization"]}]))
    key = SecretRef("drawer:top")
    sealed = SecretStore(f"sqlite:///{tmp_path}/secrets.db", key=key)
    async with (
        sealed,
        Engine(effects=world, secret_store=sealed, secret_backends=["store", Drawer()]) as engine,
        engine.open(SPEC, secrets={"token": SecretRef("store:acme/token")}) as connector,
    ):
        records = [record async for record in connector.read("things")]
    assert records == [{"signed": f"Bearer {VALUE}"}]
    assert asked == ["top"]


def test_a_key_that_is_no_reference_is_not_repeated(monkeypatch):
    """Who puts the key itself into the variable is told what belongs there."""
    monkeypatch.setenv("CONNECTOR_STORE_KEY", "the-key-itself")
    with pytest.raises(ConfigError) as wrong:
        SecretStore("sqlite:///secrets.db")
    assert str(wrong.value) == (
        "the key of the store is named by a reference, and this is none — CONNECTOR_STORE_KEY — "
        "say where the key is, such as file:PATH or env:VARIABLE, not the key itself"
    )
