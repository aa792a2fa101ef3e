"""A connection is written into its file, and every other line stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.cli import setting_up
from connector_core.cli.setting_up import alone, set_up
from connector_core.connections import Connections
from connector_core.exceptions import ConfigError, SpecError

NEW = {"connector": "shop", "config": {"url": "https://x.example", "size": 5}, "secrets": {"token": "store:new/token"}}
WRITTEN = """\
  new:
    connector: shop
    config:
      url: https://x.example
      size: 5
    secrets:
      token: store:new/token
"""
TWO = """\
# ours
connections:
  # the first
  ann:   {connector: shop} # kept

  # the second
  bob:
    connector: shop   # so
    config: {url: "https://bob.example"}

# the end
x-owner: us
"""


@pytest.fixture
def path(tmp_path) -> Path:
    return Path(tmp_path) / "connections.yaml"


@pytest.mark.parametrize("before", [None, "connections: {}\n", "# ours\n\nconnections: {}"])
def test_the_first(path, before):
    """A file is made where there is none; an empty one keeps what else it says."""
    if before is not None:
        path.write_text(before, "utf-8")
    set_up(path, "new", NEW)
    assert (
        path.read_text("utf-8") == f"{(before or 'connections:').removesuffix(chr(10)).removesuffix(' {}')}\n{WRITTEN}"
    )


def test_one_more(path):
    """It comes after the others; comments, blank lines and spellings stay."""
    path.write_text(TWO, "utf-8")
    set_up(path, "new", NEW)
    head, tail = TWO.split("\n# the end")
    assert path.read_text("utf-8") == f"{head}{WRITTEN}\n# the end{tail}"


def test_in_place_of_another(path):
    """One of the same name is replaced where it stands."""
    path.write_text(TWO, "utf-8")
    set_up(path, "ann", NEW)
    assert path.read_text("utf-8") == TWO.replace(
        "  ann:   {connector: shop} # kept\n", WRITTEN.replace("  new:", "  ann:")
    )
    path.write_text(TWO, "utf-8")
    set_up(path, "bob", NEW)
    old = '  bob:\n    connector: shop   # so\n    config: {url: "https://bob.example"}\n'
    assert path.read_text("utf-8") == TWO.replace(old, WRITTEN.replace("  new:", "  bob:"))


def test_other_indents(path):
    """The names stand where those of the others do."""
    path.write_text("connections:\n    ann:\n        connector: shop\n", "utf-8")
    set_up(path, "new", {"connector": "shop"})
    assert path.read_text("utf-8") == (
        "connections:\n    ann:\n        connector: shop\n    new:\n      connector: shop\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "connections: {ann: {connector: shop}}\n",
        '{"connections": {"ann": {"connector": "shop"}}}',
    ],
)
def test_lines_that_are_not_its_own(path, text):
    """What cannot be written without changing others is shown, to be written by hand; the file stays."""
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as wrong:
        set_up(path, "new", NEW)
    assert wrong.value.code == "connections.unwritable"
    assert wrong.value.hint == f"write it in by hand:\n{WRITTEN}".rstrip()
    assert path.read_text("utf-8") == text


def test_a_wrong_file_stays(path):
    """It is told what is wrong with it, and nothing is written."""
    path.write_text("connections: {ann: {conector: shop}}", "utf-8")
    with pytest.raises(SpecError, match="unknown key 'conector'"):
        set_up(path, "new", NEW)
    assert path.read_text("utf-8") == "connections: {ann: {conector: shop}}"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), JSON, max_size=3))
def test_any_values(tmp_path_factory, config):
    """Whatever the config holds is read as it was given, or shown to be written by hand; others stay what they are."""
    path = tmp_path_factory.getbasetemp() / "connections.yaml"
    path.write_text(TWO, "utf-8")
    before = dict(Connections(path))
    try:
        set_up(path, "new", {"connector": "shop", "config": config})
    except (ConfigError, SpecError):
        assert path.read_text("utf-8") == TWO
    else:
        after = dict(Connections(path))
        assert after.pop("new").config == {name: value for name, value in config.items() if not name.startswith("x-")}
        assert after == before


def test_line_ends_stay(path):
    """A file that another system's editor wrote keeps its line ends."""
    path.write_bytes(b"connections:\r\n  acme: {connector: shop}\r\n")
    set_up(path, "other", {"connector": "shop"})
    assert path.read_bytes() == (b"connections:\r\n  acme: {connector: shop}\r\n  other:\r\n    connector: shop\r\n")


def test_one_at_a_time(path, monkeypatch):
    """Another process is waited for, and not for ever; a link leads to the folder of the file itself."""
    monkeypatch.setattr(setting_up, "PATIENCE", 0.05)
    link = path.parent / "here" / "connections.yaml"
    link.parent.mkdir()
    link.symlink_to(path)
    with (
        alone(path),
        pytest.raises(ConfigError, match="another process sets up an account at this moment"),
        alone(link),
    ):
        pass
    with alone(link), alone(link.parent / "other.yaml"):
        pass


def test_no_folder(tmp_path):
    """A folder that is not there is told before anything is kept."""
    with (
        pytest.raises(ConfigError, match="the connections cannot be written: No such file"),
        alone(tmp_path / "a" / "b"),
    ):
        pass
