"""Commands that are given a connection's name, and the list of connections."""

from __future__ import annotations

import json
import os
import time

import pytest

CONNECTIONS = """\
connections:
  acme:
    connector: shop
    config: {{shop_url: "{url}", page_size: 5}}
    secrets: {{token: env:ACME_TOKEN}}
    network: loopback
"""


@pytest.fixture
def acme(folder, service):
    """A folder with connections.yaml, whose one connection leads to a service on this machine."""
    url = service(200, b'{"data": [{"id": 1}]}')
    (folder / "connections.yaml").write_text(CONNECTIONS.format(url=url), "utf-8")
    return folder


def test_read_by_connection(acme, run):
    """The connection's config, secret and network hold; nothing else has to be said."""
    done = run("read", "acme", "orders", env={"ACME_TOKEN": "t"})
    assert (done.exit_code, done.stderr, done.stdout) == (0, "", '{"id":1}\n')


def test_check_by_connection(acme, run):
    """So it is for the others."""
    done = run("check", "acme", env={"ACME_TOKEN": "t"})
    assert done.exit_code == 0
    assert done.stdout.startswith("acme: signed in with bearer; the first page of orders has 1 record ")


def test_options_win(acme, run):
    """An option says otherwise; the network too."""
    done = run("read", "acme", "orders", "--network", "public", env={"ACME_TOKEN": "t"})
    assert done.exit_code == 1
    assert "is a loopback address" in done.stderr
    done = run("read", "acme", "orders", "--config", "page_size=many", env={"ACME_TOKEN": "t"})
    assert done.exit_code == 2
    assert "config page_size" in done.stderr


def test_another_file(acme, run):
    """--connections, or CONNECTOR_CONNECTIONS, names another file."""
    (acme / "connections.yaml").rename(acme / "mine.yaml")
    assert "there is no spec named 'acme'" in run("check", "acme", env={"ACME_TOKEN": "t"}).stderr
    assert run("check", "acme", "--connections", "mine.yaml", env={"ACME_TOKEN": "t"}).exit_code == 0
    assert run("check", "acme", env={"ACME_TOKEN": "t", "CONNECTOR_CONNECTIONS": "mine.yaml"}).exit_code == 0


def test_simulated(acme, run):
    """--simulate needs no secret, and asks nobody."""
    done = run("read", "acme", "orders", "--simulate", "--limit", "2")
    assert (done.exit_code, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2


def test_what_is_missing_is_written_there(acme, run):
    """The variable of the spec is not taken for the connection's secret: accounts are never mixed."""
    text = (acme / "connections.yaml").read_text("utf-8")
    (acme / "connections.yaml").write_text(text.replace("    secrets: {token: env:ACME_TOKEN}\n", ""), "utf-8")
    done = run("read", "acme", "orders", env={"CONNECTOR_SHOP_TOKEN": "t"})
    assert done.exit_code == 2
    assert done.stderr == (
        "error: secret token is missing (API token from Settings → API) — connections.yaml:2:3 — "
        "write secrets: {token: env:VARIABLE} there\n"
    )


def test_a_wrong_file(acme, run):
    """Every mistake is a line that editors follow, and the exit code is that of a wrong spec."""
    (acme / "connections.yaml").write_text("connections: {acme: {conector: shop}}", "utf-8")
    done = run("read", "acme", "orders")
    assert done.exit_code == 3
    assert done.stderr.splitlines() == [
        "connections.yaml:1:21 connections.acme: missing key 'connector'",
        "connections.yaml:1:22 connections.acme.conector: unknown key 'conector', did you mean 'connector'?",
    ]


def test_an_id_has_no_place(acme, run):
    """The connection's name is its id."""
    done = run("read", "acme", "orders", "--id", "other")
    assert done.exit_code == 2
    assert "acme is a connection, and its name is its id: leave --id out" in done.stderr


def test_the_list(acme, run):
    """What was set up, and who has signed in; no token and no secret is shown."""
    done = run("connections")
    assert (done.exit_code, done.stdout) == (0, "acme  shop\n")
    done = run("connections", "--json")
    assert json.loads(done.stdout) == {
        "connection": "acme",
        "connector": "shop",
        "environment": None,
        "signed_in": False,
        "expires": None,
        "renewable": None,
        "secrets_due": [],
    }


@pytest.mark.parametrize(
    "old, new, told",
    [
        (
            "secrets: {token: env:ACME_TOKEN}",
            "secrets: {token: env:NOWHERE}",
            "secret token: the environment variable NOWHERE is not set — connections.yaml:2:3 — export NOWHERE first",
        ),
        (
            "secrets: {token: env:ACME_TOKEN}",
            "secrets: {token: enf:ACME_TOKEN}",
            "secret token: the reference leads to no place that may be asked for secrets — connections.yaml:2:3 — ",
        ),
        (
            "network: loopback",
            "environment: sandbx",
            "there is no environment 'sandbx'",
        ),
    ],
)
def test_what_leads_nowhere_is_told_where_it_stands(acme, run, old, new, told):
    """A reference, and an environment, that there is not: the message leads to the connection."""
    text = (acme / "connections.yaml").read_text("utf-8")
    (acme / "connections.yaml").write_text(text.replace(old, new), "utf-8")
    done = run("read", "acme", "orders", env={"ACME_TOKEN": "t"})
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr
    assert "connections.yaml:2:3" in done.stderr


def test_a_misspelt_name_is_told_with_the_connections(acme, run):
    """What nothing is called is compared with the connections, too; without any the specs are enough."""
    done = run("check", "acne")
    assert done.exit_code == 2
    assert done.stderr == (
        "error: there is no connection and no spec named 'acne', did you mean 'acme'? — "
        "name one of these, or set a connection up: connector connect SPEC --id NAME\n"
    )
    (acme / "connections.yaml").unlink()
    assert "there is no spec named 'acne'" in run("check", "acne").stderr


DESK = """\
connector: "1"
name: desk
config: {url: {type: string}}
secrets: {key: {}}
base_url: "{{ config.url }}"
auth:
  type: session
  login: {get: /login, headers: {X-Key: "{{ secrets.key }}"}}
  token: {access: body.session, lifetime: 30m}
  put: header.X-Session
endpoints:
  tickets: {get: /tickets, records: body.data}
"""


def test_a_session_is_its_connections(folder, service, run):
    """It stands in its connection's line, is renewed by itself, and that of an earlier secret is told no more."""
    (folder / "desk.yaml").write_text(DESK, "utf-8")
    text = CONNECTIONS.replace("shop_url", "url").replace(", page_size: 5", "").replace("shop\n", "desk.yaml\n")
    text = text.replace("token: env:ACME_TOKEN", "key: env:KEY").format(
        url=service(200, b'{"data": [], "session": "s1"}')
    )
    (folder / "connections.yaml").write_text(text, "utf-8")
    assert run("secrets", "set", "other", "field", input="x").exit_code == 0
    for key in ("old", "new"):
        done = run("read", "acme", "tickets", env={"KEY": key})
        assert done.exit_code == 0, done.stderr
    assert run("connections").stdout == "acme  desk  ends in 30 min, renewed by itself\n"


OLD = """\
connector: "1"
name: old
base_url: "{url}"
secrets: {{token: {{rotate_every: 90d}}}}
auth: {{type: bearer, token: "{{{{ secrets.token }}}}"}}
endpoints: {{orders: {{get: /orders, records: body.data}}}}
"""


@pytest.mark.parametrize("status", [200, 401])
def test_a_secret_that_is_due(folder, service, run, status):
    """`check` and the list tell it with what to do, whether the service takes it or not; the exit code stays."""
    url = service(status, b'{"data": [{"id": 1}]}')
    (folder / "old.yaml").write_text(OLD.format(url=url), "utf-8")
    token = folder / "token"
    token.write_text("t", "utf-8")
    token.chmod(0o600)
    (folder / "connections.yaml").write_text(
        "connections: {acme: {connector: ./old.yaml, secrets: {token: file:token}, network: loopback}}", "utf-8"
    )
    codes = {run("check", "acme").exit_code}
    before = time.time() - 100.5 * 86400
    os.utime(token, (before, before))
    done = run("check", "acme")
    line = "secret token is 100 days old, and is to be replaced every 90 days: put another one at file:token"
    assert f"warning: {line}\n" in done.stderr
    assert codes == {done.exit_code} == {0 if status == 200 else 1}
    done = run("connections")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "acme  old\n", f"warning: acme: {line}\n")
    assert json.loads(run("connections", "--json").stdout)["secrets_due"] == ["token"]
