"""`keyring:`, on keyrings that need no desktop: one that is a file, the null one, and none at all."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.errors import KeyringError, KeyringLocked

from connector_core.exceptions import ConfigError, UnavailableError
from connector_core.secrets.keyring import Keyring
from tests.secrets.world import NOBODY


class InAFile(KeyringBackend):
    """Keeps passwords in a file; `wrong` is what it raises instead."""

    priority = 1

    def __init__(self, path: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # theirs
        self.path = path
        self.wrong: Exception | None = None
        self.threads: list[threading.Thread] = []

    def set_password(self, service: str, username: str, password: str) -> None:
        kept = {**json.loads(self.path.read_text("utf-8")), f"{service}|{username}": password}
        self.path.write_text(json.dumps(kept), "utf-8")

    def get_password(self, service: str, username: str) -> str | None:
        self.threads.append(threading.current_thread())
        if self.wrong is not None:
            raise self.wrong
        return dict(json.loads(self.path.read_text("utf-8"))).get(f"{service}|{username}")


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text("{}", "utf-8")
    before = keyring.get_keyring()
    keyring.set_keyring(kept := InAFile(path))
    keyring.set_password("shop", "ann", "s3cr3t")
    keyring.set_password("https://shop.example", "ann", "t0p")
    yield kept
    keyring.set_keyring(before)


async def test_a_password(keys):
    """By service and name, whatever slashes the service has; the keyring is asked in a thread of its own."""
    assert await Keyring().fetch("shop/ann", NOBODY) == "s3cr3t"
    assert await Keyring().fetch("https://shop.example/ann", NOBODY) == "t0p"
    assert threading.main_thread() not in keys.threads


@pytest.mark.parametrize("rest", ["shop", "/ann", "shop/", ""])
def test_no_reference(rest):
    """One without a service or a name is told when a connection is opened."""
    with pytest.raises(ConfigError) as refused:
        Keyring().check(rest)
    assert str(refused.value) == (
        "the reference does not say which name of which service in the keyring — such as keyring:shop/ann"
    )


@pytest.mark.parametrize("other", [None, null.Keyring()], ids=["a file", "null"])  # type: ignore[no-untyped-call]
async def test_no_password(keys, other):
    """What the keyring does not have is told with the command that puts it there."""
    if other is not None:
        keyring.set_keyring(other)
    with pytest.raises(ConfigError) as missing:
        await Keyring().fetch("shop/bob", NOBODY)
    assert str(missing.value) == "the keyring has no bob for shop — keyring set shop bob"


@pytest.mark.parametrize(
    "wrong, kind, text",
    [
        (KeyringLocked("s3cr3t"), UnavailableError, "the keyring is locked — unlock it"),
        (KeyringError("s3cr3t"), ConfigError, "the keyring fails with KeyringError — try: keyring diagnose"),
    ],
)
async def test_a_keyring_that_fails(keys, wrong, kind, text):
    """Its own words are not repeated; where a person can unlock it, waiting may help."""
    keys.wrong = wrong
    with pytest.raises(kind) as failed:
        await Keyring().fetch("shop/ann", NOBODY)
    assert str(failed.value) == text


async def test_no_keyring(keys):
    """A machine without one is told of other references."""
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]  # what keyring takes where there is none
    with pytest.raises(ConfigError, match="there is no keyring here — use another reference"):
        await Keyring().fetch("shop/ann", NOBODY)


def test_without_the_package(monkeypatch):
    """The extra that brings it is named."""
    hidden: Any = None
    monkeypatch.setitem(sys.modules, "keyring", hidden)
    with pytest.raises(ConfigError) as missing:
        Keyring().check("shop/ann")
    assert str(missing.value) == "the keyring needs the package keyring — pip install 'connector-core[keyring]'"
    assert missing.value.code == "extra.missing"
