"""`connector metrics`: what the runs of a folder have counted."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner, Result

from connector_core.cli import connector
from connector_core.cli.tally import Tally
from connector_core.metrics import Counters


def run(*arguments: str) -> Result:
    return CliRunner().invoke(connector, arguments)


LIVE = ("demo", "--network", "loopback")


def test_what_was_done_is_shown(here):
    """Every live run of read, call and check is counted, also where it failed; with --json, as numbers."""
    for words in (["read", *LIVE, "things"], ["call", *LIVE, "things"], ["check", *LIVE]):
        assert run(*words).exit_code == 1
    lines = run("metrics").output.splitlines()
    assert re.fullmatch(r"demo: 3 runs from \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ to \S+Z", lines[0])
    assert lines[1:] == [
        "  requests             3  unanswered 3; 0 repeated",
        "  success rate      0.0%  0 of 3 pages and calls; connection.refused 3",
        "  response time        –",
        "  rate limit waits     0  0.0 s waited; 0 refused by the service",
        "  circuit changes      0",
    ]
    [found] = [json.loads(line) for line in run("metrics", "demo", "--json").output.splitlines()]
    assert (found["connector"], found["runs"], found["requests"], found["failure_rate"]) == ("demo", 3, 3, 1.0)
    assert found["failures"] == {"connection.refused": 3}


def test_what_is_simulated_is_not_counted(here):
    """It says nothing of the service."""
    assert run("read", "demo", "things", "--simulate", "--limit", "1").exit_code == 0
    assert run("metrics").output == "nothing was counted here yet\n"
    assert run("metrics", "demo").output == "demo: nothing was counted here yet\n"
    assert not (here / ".connector").exists()


def test_every_metric(here):
    """Each of the standard's metrics that there can be has a row, in words and figures."""
    counters = Counters(
        requests=1204, statuses={"5xx": 4, "2xx": 1200}, operations=1201, failures={"http.500": 1}, cancelled=1,
        retries=3, refused={"circuit.open": 2}, rate_limit_waits=12, rate_limit_wait=34.25, rate_limit_refusals=1,
        circuit_changes={"closed → open": 1}, token_refreshes=2, token_failures=1,
    )  # fmt: skip
    for seconds in (*[0.2] * 1203, 2.3):
        counters.response_time.add(seconds)
    Tally(Path(".connector/metrics.json")).add("shop", counters)
    assert run("metrics", "shop").output.splitlines()[1:] == [
        "  requests           1,204  2xx 1,200, 5xx 4; 3 repeated",
        "  success rate       99.9%  1,199 of 1,200 pages and calls; http.500 1",
        "  response time     202 ms  95 % within 250 ms; the longest 2,300 ms",
        "  rate limit waits      12  34.2 s waited; 1 refused by the service",
        "  new tokens             2  1 failed",
        "  circuit changes        1  closed → open 1; not sent: circuit.open 2",
    ]


def test_reset(here):
    """Counters begin anew, of one connector or all; a file that is broken goes with all."""
    file = Path(".connector/metrics.json")
    for name in ("demo", "shop"):
        Tally(file).add(name, Counters(operations=1))
    assert run("metrics", "specs/demo.yaml", "--reset").output == "demo: the counters begin anew\n"
    assert Tally(file).all().keys() == {"shop"}
    file.write_text("{", "utf-8")
    found = run("metrics")
    assert found.exit_code == 2
    assert "error: the counters cannot be read: " in found.stderr
    assert ".connector/metrics.json — remove the file: connector metrics --reset" in found.stderr
    assert run("metrics", "--reset").output == "the counters begin anew\n"
    assert run("metrics").output == "nothing was counted here yet\n"


def test_there_has_to_be_such_a_spec(here):
    """A name that nothing has is a mistake, and not a connector without counters."""
    assert run("metrics", "dem").exit_code == 2
