"""`connector plan`: what an endpoint comes to, with all that it inherits, and the first request that it would send."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import click

from connector_core.cli.call import given_input, input_option
from connector_core.cli.opening import loaded, named_endpoint, settings
from connector_core.cli.options import debug_option, environment_option, json_option, setting_option, specs_option

if TYPE_CHECKING:
    from connector_core.http import Request
    from connector_core.spec import Spec

__all__ = ["command"]

UNKNOWN = "***"
"""What stands for every secret."""


@click.command
@click.argument("name")
@click.argument("endpoint", required=False)
@click.option("--dry-run", is_flag=True, help="Shows the first request that would be sent, and sends nothing.")
@setting_option
@input_option
@environment_option
@specs_option
@json_option
@debug_option
def command(
    name: str,
    endpoint: str | None,
    dry_run: bool,
    config: Sequence[tuple[str, str]],
    inputs: tuple[str, ...],
    environment: str | None,
    specs: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Shows what an endpoint comes to, with everything that it inherits.

    It is written in the spec language, every default filled in. With --dry-run it is the exact first request, where ***
    stands for each secret; no secret is needed, and nothing is sent.
    """
    spec = loaded(name, specs, environment)
    chosen = named_endpoint(spec, endpoint, read=False)
    if dry_run:
        given = given_input(spec.endpoints[chosen].input or {}, inputs)
        request = asyncio.run(_first_request(spec, chosen, settings(spec.config, config), given))
        _show(_described(request), as_json=as_json)
    else:
        from connector_core.document import written

        _show({chosen: written(spec.endpoints[chosen])}, as_json=as_json)


def _show(data: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(data, ensure_ascii=False, indent=None if as_json else 2))
        return
    import yaml

    click.echo(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=100), nl=False)


# ── the first request ─────────────────────────────────────────────────────────────────────────────


async def _first_request(spec: Spec, endpoint: str, config: Mapping[str, Any], given: Mapping[str, Any]) -> Request:
    from connector_core.connector import Connector
    from connector_core.testing import Caught, catching
    from connector_core.testing.accounts import formed

    masked = spec.model_copy(update={"secrets": {name: {} for name in spec.secrets}})
    secrets: dict[str, str] = dict.fromkeys(spec.secrets, UNKNOWN)
    secrets |= formed(spec, Random(0), secrets)  # noqa: S311 - what is signed is signed by keys of nobody
    async with Connector.open(masked, config=config, secrets=secrets, effects=catching()) as connector:
        try:
            await connector.call(endpoint, given)
        except Caught as caught:
            return caught.request
    raise click.ClickException(f"{endpoint} sends nothing with this input")


def _described(request: Request) -> dict[str, Any]:
    content = request.content
    if request.content_type is not None and content is not None:  # which the transport adds to the body it sends
        request = request.with_header("Content-Type", request.content_type)
    found = {"method": request.method, "url": request.target, "headers": dict(request.headers)}
    return found if content is None else {**found, "body": content.decode("utf-8", "replace")}
