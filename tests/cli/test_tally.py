"""What runs count is kept in one file, whole, whoever else writes at the same moment."""

from __future__ import annotations

import fcntl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connector_core.cli import tally as module
from connector_core.cli.tally import Tally, kept
from connector_core.events import RateLimitHeld, RequestRefused
from connector_core.exceptions import ConfigError
from connector_core.metrics import Counters


@pytest.fixture
def kept_in(tmp_path: Path) -> Path:
    return tmp_path / ".connector" / "metrics.json"


def test_runs_add_up(kept_in):
    """What a run has counted is added to what earlier ones have, connector by connector."""
    for name in ("shop", "shop", "crm"):
        Tally(kept_in).add(name, Counters(requests=2, statuses={"2xx": 2}))
    found = Tally(kept_in).all()
    assert {name: (run.runs, run.counters.requests) for name, run in found.items()} == {"crm": (1, 2), "shop": (2, 4)}
    assert found["shop"].counters.statuses == {"2xx": 4}
    assert 0 < found["shop"].since <= found["shop"].latest


def test_two_that_end_at_once_lose_nothing(kept_in):
    """Runs that end at the same moment write one after another."""
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(Tally(kept_in).add, "shop", Counters(requests=1)) for _ in range(40)]:
            done.result()
    run = Tally(kept_in).all()["shop"]
    assert (run.runs, run.counters.requests) == (40, 40)
    assert sorted(path.name for path in kept_in.parent.iterdir()) == ["metrics.json", "metrics.lock"]


def test_one_that_is_held_up_is_not_waited_for(kept_in, monkeypatch):
    """A run whose file another one does not let go of ends all the same, and is not counted."""
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    monkeypatch.chdir(kept_in.parent.parent)
    Tally(kept_in).add("shop", Counters(requests=1))
    with kept_in.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        _run("shop")
    assert Tally(kept_in).all()["shop"].runs == 1


def _run(name: str) -> None:
    with kept(name) as metrics:
        metrics.of(name).operations += 1
        metrics(RequestRefused(connection=name, endpoint="things", code="circuit.open", wait=None))


def test_a_run_that_did_nothing_is_none(tmp_path, monkeypatch):
    """Where nothing was asked for, nothing is written."""
    monkeypatch.chdir(tmp_path)
    with kept("shop"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_run_that_fails_is_counted(kept_in, monkeypatch):
    """What was counted until it failed is kept, and the error goes its way."""
    monkeypatch.chdir(kept_in.parent.parent)
    with pytest.raises(ZeroDivisionError), kept("shop") as metrics:  # noqa: PT012 - what is counted before it fails
        metrics(RateLimitHeld(connection="shop", endpoint="things", wait=1.0))
        metrics.of("shop").operations += 1
        raise ZeroDivisionError
    assert Tally(kept_in).all()["shop"].counters.rate_limit_refusals == 1


def test_where_nothing_can_be_written(tmp_path, monkeypatch, capsys):
    """Counting is nobody's wish: a run does not fail of it, and says nothing."""
    (tmp_path / ".connector").write_text("in the way", "utf-8")
    monkeypatch.chdir(tmp_path)
    _run("shop")
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ConfigError) as refused:
        Tally(Path(".connector") / "metrics.json").forget()
    assert refused.value.code == "metrics.unwritable"


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", '{"shop": {"since": 1}}', '{"shop": {"since": 1, "latest": 1e300}}',
        '{"shop": {"since": 1, "latest": 1, "counters": {"response_time": {"buckets": [1]}}}}',
    ],
)  # fmt: skip
def test_a_broken_file(kept_in, content, monkeypatch, capsys):
    """It is told, stays as it is for whoever wants to know, and goes when the counters are to begin anew."""
    kept_in.parent.mkdir()
    kept_in.write_text(content, "utf-8")
    with pytest.raises(ConfigError) as refused:
        Tally(kept_in).all()
    assert refused.value.code == "metrics.unreadable"
    monkeypatch.chdir(kept_in.parent.parent)
    _run("shop")
    assert kept_in.read_text("utf-8") == content
    assert "warning: this run is not counted: the counters cannot be read: " in capsys.readouterr().err
    Tally(kept_in).forget()
    assert Tally(kept_in).all() == {}


def test_the_file_is_bounded(kept_in, monkeypatch):
    """Of very many connectors, those that were not used for longest are forgotten."""
    monkeypatch.setattr(module, "MOST", 3)
    for name in "abcade":
        Tally(kept_in).add(name, Counters(requests=1))
    assert Tally(kept_in).all().keys() == {"a", "d", "e"}


def test_one_is_forgotten(kept_in):
    """The others stay."""
    for name in "ab":
        Tally(kept_in).add(name, Counters(requests=1))
    Tally(kept_in).forget("a")
    assert Tally(kept_in).all().keys() == {"b"}
