"""`connector read`: an endpoint's records, as a table for people and as JSON Lines for everything else."""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import click

from connector_core.cli.following import Progress, SavedTrace, Trace, Warnings
from connector_core.cli.opening import account_of, counted, named_endpoint, opened
from connector_core.cli.options import (
    Account,
    account_options,
    debug_option,
    environment_option,
    json_option,
    metrics_option,
    specs_option,
    trace_option,
)
from connector_core.cli.terminal import release, say
from connector_core.events import Listener

if TYPE_CHECKING:
    from connector_core.cli.table import RecordTable
    from connector_core.spec import Spec

__all__ = ["command"]


@click.command
@click.argument("name")
@click.argument("endpoint", required=False)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ends after N records.")
@json_option
@account_options
@environment_option
@specs_option
@trace_option
@metrics_option
@click.option(
    "--save-trace",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Writes the story of the reading to a file, for a bug report.",
)
@debug_option
def command(
    name: str,
    endpoint: str | None,
    *,
    limit: int | None,
    as_json: bool,
    environment: str | None,
    specs: tuple[Path, ...],
    trace: bool,
    metrics: bool,
    save_trace: Path | None,
    **account: Unpack[Account],
) -> None:
    """Reads the records of an endpoint.

    NAME is a connection's name, or a spec's name or path; ENDPOINT is one of its endpoints. On a terminal the first
    columns are shown as a table; in a pipe, or with --json, each record is a line of JSON.
    """
    spec, account = account_of(name, specs, environment, account)
    chosen = named_endpoint(spec, endpoint, read=True)
    saved = _saved(save_trace, spec, chosen) if save_trace is not None else None
    try:
        as_table = not as_json and sys.stdout.isatty()
        listeners: list[Listener] = [saved] if saved is not None else []
        with counted(listeners, metrics):
            asyncio.run(_read(spec, chosen, limit, account, as_table=as_table, trace=trace, further=listeners))
    finally:
        if saved is not None:
            saved.close()


def _saved(path: Path, spec: Spec, endpoint: str) -> SavedTrace:
    about = {"connector_core": release(), "python": platform.python_version()}
    return SavedTrace(path, {**about, "spec": spec.name, "version": spec.version, "endpoint": endpoint})


async def _read(
    spec: Spec,
    endpoint: str,
    limit: int | None,
    account: Account,
    *,
    as_table: bool,
    trace: bool,
    further: Sequence[Listener],
) -> None:
    table = _table() if as_table else None
    progress = Progress(live=table is None and not trace)
    listeners: list[Listener] = [Warnings(), Trace() if trace else progress, *further]
    async with opened(spec, account, listeners) as connector, connector.pages(endpoint) as pages:
        left = limit
        async for page in pages:
            records = page.records if left is None else page.records[:left]
            await _show(records, table)
            progress.page(len(records))
            if left is not None and (left := left - len(records)) <= 0:
                break
    progress.done()
    if table is not None and table.left_out:
        say(f"not shown: {', '.join(table.left_out)} (--json shows everything)")


def _table() -> RecordTable:
    from connector_core.cli.table import RecordTable

    return RecordTable()


async def _show(records: Sequence[dict[str, Any]], table: RecordTable | None) -> None:
    if table is not None:
        table.add(records)
        return
    from connector_core.cli.output import write_records

    await write_records(records)
