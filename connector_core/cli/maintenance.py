"""`connector maintenance`: nothing is sent to a service for a while."""

from __future__ import annotations

from pathlib import Path

import click

from connector_core.cli.opening import loaded, switches
from connector_core.cli.options import debug_option, specs_option

__all__ = ["command"]


@click.command
@click.argument("name")
@click.option("--until", metavar="TIME", help="Ends it at that time, such as 2030-01-31T04:00:00Z, or after 2h.")
@click.option("--message", metavar="TEXT", default="", help="Says what whoever is refused is told.")
@specs_option
@debug_option
def command(name: str, until: str | None, message: str, specs: tuple[Path, ...]) -> None:
    """Switches an integration off for a while.

    NAME is a spec's name or path. Without --until it lasts until the integration is enabled.
    """
    from connector_core.engine.switches import Switch
    from connector_core.formats import instant, written

    end = _end(until) if until is not None else None
    found = loaded(name, specs).name
    switches().set(found, Switch("maintenance", end, message))
    told = f"until {written(instant(int(end)))}" if end is not None else "until it is enabled"
    click.echo(f"{found}: under maintenance {told}")


def _end(text: str) -> float:
    """Seconds since 1970 of a time, or of the end of a duration that begins now."""
    import time

    from connector_core.engine.switches import LATEST
    from connector_core.formats import moment
    from connector_core.units import duration

    now = time.time()
    try:
        found = moment(text)
        end = found.timestamp() if found is not None else now + duration(text)
    except ValueError:
        end = None
    if end is None:
        raise click.BadParameter(
            f"{text!r} is neither a time such as 2030-01-31T04:00:00Z nor a duration such as 2h",
            click.get_current_context(),
            param_hint="'--until'",
        )
    if end > LATEST:
        raise click.BadParameter(
            f"{text} ends after the year 9999", click.get_current_context(), param_hint="'--until'"
        )
    if end <= now:
        raise click.BadParameter(f"{text} is over already", click.get_current_context(), param_hint="'--until'")
    return end
