"""`connector secrets`: kept, listed, removed and given a new key, and never shown."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT

SECRET = "s3cr3t-välue"


@pytest.fixture
def kept(run):
    """A store with one secret."""
    assert run("secrets", "set", "acme-shop", "token", input=SECRET + "\n").exit_code == 0


def test_from_set_to_remove(run):
    """The first secret makes the store and its key; it is listed without being shown, replaced and removed."""
    done = run("secrets", "set", "acme-shop", "token", input=SECRET + "\n")
    assert done.exit_code == 0
    made, said = done.stderr.splitlines()
    assert made.startswith("the key of the store was made: ")
    assert made.endswith(".key — keep a copy elsewhere; without it nobody opens what is kept")
    assert said == "version 1 of acme-shop/token is kept in .connector/secrets.db, for store:acme-shop/token"
    [key] = Path("settings/connector-core/keys").glob("*.key")
    assert (Path(".connector/secrets.db").stat().st_mode | key.stat().st_mode) & 0o777 == 0o600
    assert len(run("secrets", "set", "acme-shop", "token", input="second\r\n").stderr.splitlines()) == 1
    listed = run("secrets", "list").stdout
    assert listed.startswith("acme-shop/token  version 2  set 20")
    [row] = map(json.loads, run("secrets", "list", "--json").stdout.splitlines())
    assert (row["connection"], row["field"], row["version"], row["problem"]) == ("acme-shop", "token", 2, None)
    assert row["key"] in listed
    assert run("secrets", "remove", "acme-shop", "token").stderr == (
        "acme-shop/token is not kept any more in .connector/secrets.db\n"
    )
    done = run("secrets", "remove", "acme-shop", "token")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: there is no acme-shop/token — .connector/secrets.db — connector secrets list\n",
    )
    assert run("secrets", "list").stderr == (
        "nothing is kept in .connector/secrets.db; connector secrets set CONNECTION FIELD\n"
    )


def test_a_secret_on_the_command_line(run):
    """It is refused and not repeated, whether it comes behind the field or with an equals sign; nothing is made."""
    for words in (["token", SECRET], [f"token={SECRET}"]):
        done = run("secrets", "set", "acme-shop", *words, input="x")
        assert done.exit_code == 2
        assert done.stderr.startswith("error: a secret is not written on the command line: it is asked for, ")
        assert SECRET not in done.output
    assert not Path(".connector").exists()


@pytest.mark.parametrize(
    "given, text",
    [
        (b"", "there is no secret — standard input — type it, or pipe it in"),
        (b"\n", "there is no secret"),
        (b"\xff", "the secret is no text in UTF-8"),
        (b"x" * 65537, "the secret is larger than 64 KiB"),
    ],
)
def test_what_is_no_secret(run, given, text):
    """Nothing, what is no text, and what is too large."""
    done = run("secrets", "set", "acme-shop", "token", input=given)
    assert (done.exit_code, text in done.stderr) == (2, True)


def test_a_terminal(folder):
    """Where somebody sits, the secret is asked for, and does not appear on the screen."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - another process
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "connector_core", "secrets", "set", "acme", "token"])  # noqa: S606
    shown = b""
    while b"The secret for acme/token: " not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, f"{SECRET}\n".encode())
    while True:
        try:
            shown += (more := os.read(terminal, 1000))
        except OSError:  # it has ended
            break
        if not more:
            break
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    assert b"version 1 of acme/token is kept" in shown
    assert SECRET.encode() not in shown


def test_a_reading_uses_it(live, run):
    """`--secret token=store:…` reads from the store; what is not there is told with the command that puts it there."""
    run("secrets", "set", "acme", "token", input=SECRET)
    assert (
        live(200, b'{"data": [{"id": 1}]}', "read", "shop", "orders", "--secret", "token=store:acme/token").exit_code
        == 0
    )
    done = live(200, b"{}", "read", "shop", "orders", "--secret", "token=store:acme/other")
    assert done.exit_code == 2
    assert done.stderr.endswith("the store has no other of acme — connector secrets set acme other\n")


def test_a_reading_leaves_no_store(live):
    """Who only reads gets neither a store nor a key."""
    assert live(200, b'{"data": [{"id": 1}]}', "read", "shop", "orders").exit_code == 0
    assert not Path(".connector/secrets.db").exists()
    assert not Path("settings").exists()


def test_a_key_of_ones_own(run, monkeypatch):
    """CONNECTOR_STORE_KEY refers to the key, and CONNECTOR_STORE or --store says where the store is."""
    monkeypatch.setenv("CONNECTOR_STORE_KEY", "env:MY_KEY")
    monkeypatch.setenv("MY_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
    done = run("secrets", "set", "acme", "token", "--store", "sqlite:///mine.db", input=SECRET)
    assert done.stderr == "version 1 of acme/token is kept in mine.db, for store:acme/token\n"
    assert run("secrets", "list", env={"CONNECTOR_STORE": "sqlite:///mine.db"}).stdout.startswith("acme/token  ")
    monkeypatch.setenv("MY_KEY", "no key")
    done = run("secrets", "list", "--store", "sqlite:///mine.db")
    assert done.exit_code == 2
    assert done.stderr == (
        "error: the place of the store's key holds something else than keys — env:MY_KEY — "
        "a key is 32 bytes in base64: openssl rand -base64 32\n"
    )


def test_what_was_tampered_with(run, kept):
    """The list tells which secrets can't be used, and ends with an error."""
    run("secrets", "set", "acme-shop", "other", input="x")
    with closing(sqlite3.connect(".connector/secrets.db")) as file, file:
        file.execute("UPDATE record SET version = 0 WHERE field = 'token'")
    done = run("secrets", "list")
    assert done.exit_code == 2
    assert done.stdout.splitlines()[1] == (
        "acme-shop/token  acme-shop/token is an old copy: version 0 stands where 1 was written"
    )
    assert done.stderr.startswith("error: 1 secrets can't be used — .connector/secrets.db — set or remove them; ")
    with closing(sqlite3.connect(".connector/secrets.db")) as file, file:
        file.execute("DELETE FROM record")
    done = run("secrets", "list", "--json")
    assert (done.exit_code, done.stdout, "2 were taken away" in done.stderr) == (2, "", True)


def test_rekey(run, kept):
    """A new key takes the old one's place in the user's settings; the old one opens nothing any more."""
    [path] = Path("settings/connector-core/keys").glob("*.key")
    old = path.read_text("ascii")
    done = run("secrets", "rekey")
    assert done.exit_code == 0, done.output
    key = json.loads(run("secrets", "list", "--json").stdout)["key"]
    assert done.stderr == (
        f"the key {key} opens everything in .connector/secrets.db, and no other does; 1 record was moved\n"
    )
    assert len(path.read_text("ascii").split()) == 1
    assert old.strip() not in path.read_text("ascii")
    path.write_text(old, "ascii")
    assert "which opens what is kept, is not at hand" in run("secrets", "list").stderr


def test_rekey_of_a_key_that_is_referred_to(run, monkeypatch):
    """The new key is put in front of the old one first; without one there is nothing to do, which is told."""
    old, new = (f"{text * 42}A=" for text in "BC")
    monkeypatch.setenv("CONNECTOR_STORE_KEY", "env:MY_KEY")
    monkeypatch.setenv("MY_KEY", old)
    assert "nothing is kept here yet" in run("secrets", "rekey").stderr
    run("secrets", "set", "acme", "token", input=SECRET)
    done = run("secrets", "rekey")
    assert (done.exit_code, "there is no new key: the first one, " in done.stderr) == (2, True)
    monkeypatch.setenv("MY_KEY", f"{new} {old}")
    assert run("secrets", "rekey").exit_code == 0
    monkeypatch.setenv("MY_KEY", new)
    assert run("secrets", "list").exit_code == 0
    monkeypatch.setenv("MY_KEY", old)
    assert run("secrets", "list").exit_code == 2


def test_a_pipe_without_an_end(program):
    """What never ends is not read for ever, nor until there is no memory left."""
    with Path("/dev/zero").open("rb") as zeros:
        _, err = (setting := program("secrets", "set", "acme-shop", "token", stdin=zeros)).communicate(timeout=30)
    assert setting.returncode == 2
    assert err == "error: the secret is larger than 64 KiB\n"
