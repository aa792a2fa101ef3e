"""An operator's switch on the command line: what it writes, and that other commands obey it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector_core.cli import connector


def run(*arguments: str) -> Result:
    return CliRunner().invoke(connector, arguments)


def kept(here: Path) -> object:
    return json.loads((here / ".connector" / "switches.json").read_text("utf-8"))


def test_disable_and_enable(here):
    """What is switched off is not read, which is said in one line; switched on, it is asked again."""
    assert run("disable", "demo", "--message", "Moved.").output == "demo: switched off\n"
    assert kept(here) == {"demo": {"state": "disabled", "message": "Moved."}}
    read = run("read", "demo", "things", "--network", "loopback")
    assert read.exit_code == 1
    assert "demo is switched off: Moved. — things — whoever has done that can undo it" in read.stderr
    assert run("read", "demo", "things", "--simulate", "--limit", "1").exit_code == 0
    assert run("enable", "demo").output == "demo: switched on\n"
    assert run("enable", "demo").output == "demo: was not switched off\n"
    assert kept(here) == {}


def test_maintenance(here):
    """It ends at a time or after a while, or when somebody says so."""
    assert run("maintenance", "demo", "--until", "2999-01-31T04:00:00Z").output == (
        "demo: under maintenance until 2999-01-31T04:00:00Z\n"
    )
    assert kept(here) == {"demo": {"state": "maintenance", "until": 32474750400.0}}
    assert re.fullmatch(
        r"demo: under maintenance until \d{4}-.*Z\n", run("maintenance", "demo", "--until", "2h").output
    )
    assert run("maintenance", "demo").output == "demo: under maintenance until it is enabled\n"
    assert run("call", "demo", "things", "--network", "loopback").exit_code == 1


@pytest.mark.parametrize(
    "until, what",
    [
        ("soon", "'soon' is neither a time such as 2030-01-31T04:00:00Z nor a duration such as 2h"),
        ("2001-01-31T04:00:00Z", "2001-01-31T04:00:00Z is over already"),
        ("0s", "0s is over already"),
        ("99999999999h", "99999999999h ends after the year 9999"),
    ],
)
def test_no_time(here, until, what):
    """What is no time to come is a wrong use of the command, and changes nothing."""
    found = run("maintenance", "demo", "--until", until)
    assert found.exit_code == 2
    assert what in found.stderr
    assert not (here / ".connector").exists()


def test_there_has_to_be_such_a_spec(here):
    """A name that is mistyped switches nothing off."""
    found = run("disable", "dem")
    assert found.exit_code == 2
    assert not (here / ".connector").exists()


def test_metrics(here):
    """`--metrics` tells at the end, on stderr, what the command itself did, also where it failed."""
    found = run("read", "demo", "things", "--simulate", "--limit", "3", "--metrics")
    counters = json.loads(found.stderr.splitlines()[-1])
    assert (counters["operations"], counters["failures"], counters["statuses"]) == (1, {}, {"2xx": 1})
    called = run("call", "demo", "things", "--network", "loopback", "--metrics")
    assert called.exit_code == 1
    [counters] = [json.loads(line) for line in called.stderr.splitlines() if line.startswith("{")]
    assert counters["failures"] == {"connection.refused": 1}
