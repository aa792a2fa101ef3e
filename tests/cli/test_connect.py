"""`connector connect`: an account is asked for, tried, and kept; what does not work is not kept."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connector_core.cli.setting_up import alone
from connector_core.connections import Connections
from tests.cli.conftest import ROOT

PATIENCE = 60.0
TOKEN = "sk_live_hunter2"


@pytest.fixture
def shop(folder, service, monkeypatch, tmp_path):
    """Where a shop answers, and where the key of the store is made."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return service(200, b'{"data": [{"id": 1}]}')


class Terminal:
    """A command at a terminal, whose person types lines when they are asked."""

    def __init__(self, *words: str) -> None:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "connector_core", *words]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
        os.close(theirs)
        self._at, self.shown = ours, ""

    def wait(self, text: str) -> None:
        """Waits until that is shown."""
        seen, until = len(self.shown), time.monotonic() + PATIENCE
        while text not in self.shown[seen:]:
            assert time.monotonic() < until, self.shown
            if select.select([self._at], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._at, 4096).decode()
                except OSError:
                    break
            elif self._process.poll() is not None:
                break
        assert text in self.shown[seen:], self.shown

    def type(self, prompt: str, line: str) -> None:
        """Types a line once it is asked for."""
        self.wait(prompt)
        os.write(self._at, line.encode() + b"\n")

    def end(self) -> int:
        """Waits for the end; the exit code."""
        try:
            while chunk := os.read(self._at, 4096).decode():
                self.shown += chunk
        except OSError:
            pass
        code = self._process.wait(PATIENCE)
        os.close(self._at)
        return code


def test_asked_tried_and_kept(shop, run):
    """The person is told what is wanted, sees no secret, and the connection is read by its name from then on."""
    terminal = Terminal("connect", "shop", "--id", "acme", "--network", "loopback")
    terminal.type("shop_url: ", shop)
    terminal.type("page_size: ", "")
    terminal.type("strict: ", "maybe")
    terminal.type("strict: ", "false")
    terminal.type("token: ", TOKEN)
    assert terminal.end() == 0, terminal.shown
    assert "Address of the shop (uri)" in terminal.shown
    assert "page_size (integer, left out: 100)" in terminal.shown
    assert "strict must be true or false" in terminal.shown
    assert "acme: signed in with bearer; the first page of orders has 1 record" in terminal.shown
    assert "acme is set up in connections.yaml; its secrets are in .connector/secrets.db" in terminal.shown
    assert "next: connector read acme orders" in terminal.shown
    assert TOKEN not in terminal.shown
    assert Path("connections.yaml").read_text("utf-8") == (
        "connections:\n  acme:\n    connector: shop\n    config:\n"
        f"      shop_url: {shop}\n      strict: false\n"
        "    secrets:\n      token: store:acme/token\n    network: loopback\n"
    )
    assert all(TOKEN.encode() not in path.read_bytes() for path in Path().rglob("*") if path.is_file())
    done = run("read", "acme", "orders")
    assert (done.exit_code, done.stdout, done.stderr) == (0, '{"id":1}\n', "")


def test_without_a_terminal(shop, run):
    """Everything is said by options; a secret by its reference, which is what is kept."""
    done = run(
        "connect", "shop", "--config", f"shop_url={shop}", "--secret", "token=env:ACME", "--network", "loopback",
        env={"ACME": TOKEN},
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert done.stderr == "shop is set up in connections.yaml\nnext: connector read shop orders\n"
    assert Connections("connections.yaml")["shop"].secrets["token"].text == "env:ACME"
    assert not Path(".connector/secrets.db").exists()


def test_nobody_can_be_asked(shop, run):
    """What is missing is told all at once, with the options that say it."""
    done = run("connect", "shop")
    assert done.exit_code == 2
    assert done.stderr == (
        "error: this is no terminal, so nothing can be asked for — shop — pass --config shop_url=… --secret "
        "token=REFERENCE; connector secrets set keeps a secret that is piped in\n"
    )


@pytest.mark.parametrize("status", [401, 500])
def test_what_does_not_work_is_not_kept(shop, run, service, status):
    """The service refuses: neither the file nor the store is there afterwards, and --no-check keeps it all the same."""
    options = ["--config", f"shop_url={service(status, b'{}')}", "--secret", "token=env:ACME", "--network", "loopback"]
    done = run("connect", "shop", *options, env={"ACME": TOKEN})
    assert done.exit_code == 1
    assert not Path("connections.yaml").exists()
    assert run("connect", "shop", *options, "--no-check", env={"ACME": TOKEN}).exit_code == 0
    assert "shop" in Connections("connections.yaml")


def test_a_name_that_is_taken(shop, run):
    """It is told where, before anything is asked; --replace sets it up anew."""
    Path("connections.yaml").write_text("connections:\n  shop: {connector: shop}\n  bob: {connector: shop}\n", "utf-8")
    options = ["--config", f"shop_url={shop}", "--secret", "token=env:ACME", "--network", "loopback"]
    done = run("connect", "shop", *options, env={"ACME": TOKEN})
    assert done.exit_code == 2
    assert done.stderr == (
        "error: shop is set up already — connections.yaml:2:3 — name another with --id, set it up anew with --replace, "
        "or put in one secret: connector secrets set shop NAME\n"
    )
    assert run("connect", "shop", *options, "--replace", env={"ACME": TOKEN}).exit_code == 0
    assert list(Connections("connections.yaml")) == ["shop", "bob"]


@pytest.mark.parametrize("name", ["a b", "x.yaml", "../x"])
def test_no_name(shop, run, name):
    """What cannot be a name is refused at once."""
    done = run("connect", "shop", "--id", name, "--config", f"shop_url={shop}")
    assert done.exit_code == 2


def test_two_at_once(shop, run, program):
    """Who waits for another finds what that one wrote: it is not lost, and its name and secrets are not taken."""
    path, words = Path("connections.yaml"), ("connect", "shop", "--config", f"shop_url={shop}", "--no-check")
    with alone(path):
        waiting = [
            program(*words, "--secret", "token=env:T", "--id", name, env={"T": TOKEN}) for name in ("acme", "other")
        ]
        time.sleep(1.5)
        path.write_text("connections:\n  acme: {connector: shop}\n", "utf-8")
    ended = [(process.communicate(timeout=PATIENCE)[1], process.returncode) for process in waiting]
    assert [code for _, code in ended] == [2, 0], ended
    assert ended[0][0].startswith("error: acme is set up already — connections.yaml:2:3 — ")
    assert list(Connections(path)) == ["acme", "other"]
    assert Connections(path)["acme"].secrets == {}


def test_a_spec_by_its_path(shop, run):
    """The file says where it is, from where the file itself is."""
    Path("specs/shop.yaml").rename("mine.yaml")
    Path("where").mkdir()
    Path("where/connections.yaml").write_text("connections: {}\n", "utf-8")
    done = run(
        "connect", "mine.yaml", "--config", f"shop_url={shop}", "--secret", "token=env:ACME", "--network", "loopback",
        "--connections", "where/connections.yaml", env={"ACME": TOKEN},
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert Connections("where/connections.yaml")["shop"].connector == "../mine.yaml"
    assert run("check", "shop", "--connections", "where/connections.yaml", env={"ACME": TOKEN}).exit_code == 0


def test_simulated(run):
    """There is nothing to set up."""
    assert "leave --simulate out" in run("connect", "shop", "--simulate").stderr


DESK = """\
connector: "1"
name: desk
secrets: {token: {}, user: {}, password: {}}
config: {url: {type: string}}
base_url: "{{ config.url }}"
auth:
  type: any_of
  options:
    token: {type: bearer, token: "{{ secrets.token }}"}
    password: {type: basic, username: "{{ secrets.user }}", password: "{{ secrets.password }}"}
endpoints:
  tickets: {get: /tickets, records: body.data}
"""


def test_one_of_several_ways_of_signing_in(shop, run):
    """What the account takes is kept, and the secrets of that alone are wanted; somebody has to choose."""
    Path("desk.yaml").write_text(DESK, "utf-8")
    said = ("connect", "desk.yaml", "--config", f"url={shop}", "--network", "loopback")
    done = run(*said)
    assert done.exit_code != 0
    assert "desk can be signed in to in several ways" in done.stderr
    assert "choose one with --sign-in NAME, or pass the secrets of one" in done.stderr
    done = run(*said, "--sign-in", "password", "--secret", "user=env:ACME")
    assert done.exit_code != 0
    assert "--secret password=REFERENCE" in done.stderr
    assert "token" not in done.stderr
    done = run(*said, "--secret", "user=env:ACME", "--secret", "password=env:ACME", env={"ACME": TOKEN})
    assert done.exit_code == 0, done.stderr
    assert Connections("connections.yaml")["desk"].sign_in == "password"
    done = run("read", "desk", "tickets", env={"ACME": TOKEN})
    assert (done.exit_code, done.stdout) == (0, '{"id":1}\n'), done.stderr


def test_the_way_of_signing_in_is_asked_for(shop, run):
    """At a terminal the person chooses, and is asked for the secrets of that way alone."""
    Path("desk.yaml").write_text(DESK, "utf-8")
    terminal = Terminal("connect", "desk.yaml", "--config", f"url={shop}", "--network", "loopback")
    terminal.type("sign_in: ", "sso")
    terminal.type("sign_in: ", "password")
    terminal.type("user: ", "ann")
    terminal.type("password: ", TOKEN)
    assert terminal.end() == 0, terminal.shown
    assert "How to sign in (one of token, password)" in terminal.shown
    assert "  token: " not in terminal.shown
    found = Connections("connections.yaml")["desk"]
    assert (found.sign_in, list(found.secrets)) == ("password", ["user", "password"])
    assert run("read", "desk", "tickets").stdout == '{"id":1}\n'
