"""The file of accounts that were set up: what it says, every mistake in it at its place, and that no secret stands in it."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.config import SecretRef
from connector_core.connections import Connections
from connector_core.exceptions import ConfigError, IntegrationError, SpecError

WHOLE = """\
connections:
  acme-shop:
    connector: shop
    environment: sandbox
    config: {shop_url: https://acme.example, x-note: mine}
    secrets: {token: env:ACME_TOKEN}
    network: private
    x-owner: ann
  other: {connector: ./specs/other.yaml}
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes connections.yaml into the working directory."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        Path("connections.yaml").write_text(text, "utf-8")
        return "connections.yaml"

    return write


def refused(path: str) -> list[str]:
    with pytest.raises(SpecError) as wrong:
        Connections(path)
    return str(wrong.value).splitlines()


def test_what_a_connection_says(written):
    """Everything that a connector is opened with; a path begins at the file, and x-… is the author's own."""
    found = Connections(written(WHOLE))
    assert list(found) == ["acme-shop", "other"]
    acme = found["acme-shop"]
    assert (acme.connector, acme.environment, acme.network) == ("shop", "sandbox", "private")
    assert acme.config == {"shop_url": "https://acme.example"}
    assert acme.secrets == {"token": SecretRef("env:ACME_TOKEN")}
    assert found.spec_of("acme-shop") == "shop"
    assert found.spec_of("other") == "specs/other.yaml"
    assert (found.at("acme-shop"), found.at("other")) == ("connections.yaml:2:3", "connections.yaml:9:3")
    assert repr(found) == "Connections('connections.yaml': acme-shop, other)"


def test_a_path_of_another_folder(tmp_path):
    """A spec beside the file is found from anywhere."""
    (tmp_path / "c.yaml").write_text("connections: {a: {connector: specs/a.yaml}}", "utf-8")
    assert Connections(tmp_path / "c.yaml").spec_of("a") == str(tmp_path / "specs" / "a.yaml")


def test_every_mistake_at_its_place(written):
    """All that is wrong with the file is told at once."""
    path = written(
        """\
connections:
  acme-shop:
    connector: shop
    netwrk: public
  "bad name": {connector: shop}
  three: {network: publik}
  four: [1]
  five.yaml: {connector: shop, config: 3}
more: 1
"""
    )
    assert refused(path) == [
        "connections.yaml:4:5 connections.acme-shop.netwrk: unknown key 'netwrk', did you mean 'network'?",
        'connections.yaml:5:3 connections."bad name": must be letters, digits, ., _ and -, begin with a letter or digit, and not end as a spec\'s file does',
        "connections.yaml:6:10 connections.three: missing key 'connector'",
        "connections.yaml:6:20 connections.three.network: unknown value 'publik', did you mean 'public'?",
        "connections.yaml:7:9 connections.four: must be a mapping, not a list",
        'connections.yaml:8:3 connections."five.yaml": must be letters, digits, ., _ and -, begin with a letter or digit, and not end as a spec\'s file does',
        'connections.yaml:8:40 connections."five.yaml".config: must be a mapping, not a number',
        "connections.yaml:9:1 more: unknown key 'more' (one of: connections)",
    ]


@pytest.mark.parametrize(
    "plain", ["hunter2-hunter2", "12345678", "[hunter2]", '"no scheme: hunter2"', "{a: hunter2}", "null", '""']
)
def test_a_secret_is_not_written_there(written, plain):
    """What is no reference is refused, and never repeated."""
    [told] = refused(written(f"connections: {{a: {{connector: shop, secrets: {{token: {plain}}}}}}}"))
    assert told == (
        "connections.yaml:1:53 connections.a.secrets.token: a secret is not written here: write where it is kept, such as "
        "env:ACME_TOKEN or file:/run/secrets/token; store:… is where `connector secrets set` keeps one"
    )


@pytest.mark.parametrize(
    "text", ["", " \n", "connections:", "[]", "connections: []", "a: &b 1\nc: *b", "connections: {a: {"]
)
def test_what_is_no_such_file(written, text):
    """A file that says something else is refused with its place."""
    assert all(line.startswith("connections.yaml:") for line in refused(written(text)))


def test_a_file_that_is_not_there(written):
    """It is said, with the path."""
    with pytest.raises(
        ConfigError, match=r"^the connections cannot be read: No such file or directory — nowhere\.yaml$"
    ):
        Connections("nowhere.yaml")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    """Whatever a file holds: connections, or one of our errors."""
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(IntegrationError):
        assert isinstance(Connections(path), Connections)
