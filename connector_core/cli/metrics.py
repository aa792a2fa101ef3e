"""`connector metrics`: what the runs of this folder have counted, connector by connector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector_core.cli.opening import loaded
from connector_core.cli.options import debug_option, json_option, specs_option
from connector_core.cli.output import json_line
from connector_core.exceptions import one_line

if TYPE_CHECKING:
    from connector_core.cli.tally import Run
    from connector_core.metrics import Counters, Times

__all__ = ["command"]

_MOST = 95
"""Per cent of the answers that are told to be no slower than one bound."""


@click.command
@click.argument("name", required=False)
@json_option
@click.option("--reset", is_flag=True, help="Takes the counters away, of NAME or all, so that they begin anew.")
@specs_option
@debug_option
def command(name: str | None, *, as_json: bool, reset: bool, specs: tuple[Path, ...]) -> None:
    """Shows what the runs of this folder have counted.

    NAME is a spec's name or path; without it, every connector that was used here is shown. Counted is what read, call
    and check have done with a live service. With --json, each connector is an object on a line.
    """
    from connector_core.cli.tally import tally

    counted = tally()
    if reset and name is None:
        counted.forget()
        click.echo("the counters begin anew")
        return
    runs = counted.all()
    chosen = name if name is None or name in runs else loaded(name, specs).name
    if reset:
        counted.forget(chosen)
        click.echo(f"{chosen}: the counters begin anew")
        return
    shown = {found: run for found, run in runs.items() if chosen in (None, found)}
    if as_json:
        for found, run in shown.items():
            click.echo(json_line(_plain(found, run)), nl=False)
        return
    for index, (found, run) in enumerate(shown.items()):
        click.echo(("\n" if index else "") + _table(found, run))
    if not shown:
        click.echo(f"{chosen}: nothing was counted here yet" if chosen else "nothing was counted here yet")


def _plain(name: str, run: Run) -> dict[str, object]:
    times = {"since": _moment(run.since), "latest": _moment(run.latest)}
    return {"connector": name, **times, "runs": run.runs, **run.counters.as_dict()}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ── as a table ────────────────────────────────────────────────────────────────────────────────────


def _table(name: str, run: Run) -> str:
    rows = list(_rows(run.counters))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    runs = "1 run" if run.runs == 1 else f"{run.runs:,} runs"
    lines = [f"{click.style(one_line(name), bold=True)}: {runs} from {_moment(run.since)} to {_moment(run.latest)}"]
    lines += [f"  {what:<{widths[0]}}  {figure:>{widths[1]}}  {more}".rstrip() for what, figure, more in rows]
    return "\n".join(lines)


def _rows(counters: Counters) -> Iterator[tuple[str, str, str]]:
    """The metrics of the standard, each in words, a figure and what is behind it."""
    answers = {"unanswered" if name == "none" else name: count for name, count in counters.statuses.items()}
    yield "requests", f"{counters.requests:,}", _told(_each(answers), f"{counters.retries:,} repeated")
    ended = counters.operations - counters.cancelled
    went_well = f"{ended - counters.failed:,} of {ended:,} pages and calls"
    yield "success rate", f"{counters.success_rate:.1%}" if ended else "–", _told(went_well, _each(counters.failures))
    times = counters.response_time
    yield "response time", f"{times.mean * 1000:,.0f} ms" if times.count else "–", _times(times)
    waits = f"{counters.rate_limit_wait:,.1f} s waited", f"{counters.rate_limit_refusals:,} refused by the service"
    yield "rate limit waits", f"{counters.rate_limit_waits:,}", _told(*waits)
    if counters.token_refreshes or counters.token_failures:
        yield "new tokens", f"{counters.token_refreshes:,}", f"{counters.token_failures:,} failed"
    changes, unsent = counters.circuit_changes, _each(counters.refused)
    yield "circuit changes", f"{sum(changes.values()):,}", _told(_each(changes), unsent and f"not sent: {unsent}")


def _told(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _each(counts: Mapping[str, int]) -> str:
    """`2xx 90, 5xx 2`, the most first."""
    return ", ".join(f"{one_line(name)} {count:,}" for name, count in sorted(counts.items(), key=lambda pair: -pair[1]))


def _times(times: Times) -> str:
    if not times.count:
        return ""
    bound = times.bound(_MOST / 100)
    most = f"{_MOST} % within {bound * 1000:,.0f} ms" if bound is not None else ""
    return _told(most, f"the longest {times.longest * 1000:,.0f} ms")
