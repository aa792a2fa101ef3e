"""`connector simulate`: a service made from a spec, to be asked with anything that speaks HTTP."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from msgspec.structs import replace

from connector_core.cli.opening import loaded, settings, variable
from connector_core.cli.options import debug_option, environment_option, setting_option, specs_option
from connector_core.cli.terminal import say

if TYPE_CHECKING:
    from connector_core.events import Event
    from connector_core.http import Request, Response
    from connector_core.spec import Spec
    from connector_core.testing import Simulator

__all__ = ["command"]

_HOME = re.compile(r"\{\{\s*config\.(\w+)\s*\}\}")


@click.command
@click.argument("name")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="P", help="Listens on this port; else on any free one."
)
@click.option(
    "--records", type=click.IntRange(min=0), default=250, show_default=True, metavar="N", help="Makes up N of each."
)
@click.option("--faults", default="", metavar="LIST", help="Lets things go wrong: 'reset=2%,503=5%,latency=50ms±20ms'.")
@setting_option
@environment_option
@specs_option
@debug_option
def command(
    name: str,
    port: int,
    records: int,
    faults: str,
    config: tuple[tuple[str, str], ...],
    environment: str | None,
    specs: tuple[Path, ...],
) -> None:
    """Serves a spec on this machine, with made-up records.

    NAME is a spec's name or path. Its account is made up as well; how to read from it is printed. Ends with Ctrl-C.
    """
    spec = loaded(name, specs, environment)
    about = {"port": port, "records": records, "faults": faults, "config": settings(spec.config, config)}
    try:
        asyncio.run(_serve(spec, name, specs, **about))
    except KeyboardInterrupt:
        say("stopped")


async def _serve(spec: Spec, name: str, specs: tuple[Path, ...], **about: Any) -> None:
    from connector_core.testing import Simulator

    async with Simulator(spec, **about) as simulator:
        click.echo("\n".join(await _introduction(spec, name, simulator, specs)))
        await asyncio.Event().wait()


async def _introduction(spec: Spec, name: str, simulator: Simulator, specs: tuple[Path, ...]) -> list[str]:
    lines = [f"{spec.name} is simulated at {simulator.url} until Ctrl-C. Its account is made up:"]
    lines += [f"  config {key}: {value}" for key, value in simulator.config.items()]
    lines += [f"  secret {key}: {value}" for key, value in simulator.secrets.items()]
    endpoint = _first_read(spec)
    if endpoint is None:
        return lines
    if (request := await _first_request(spec, endpoint, simulator)) is not None:
        lines += ["Ask it:", f"  {_curl(request, simulator.url)}"]
    if home := _home(spec, endpoint):
        lines += ["or:", f"  {' '.join(_reading(spec, name, endpoint, home, simulator, specs))}"]
    elif request is not None:
        folders = [word for folder in specs for word in ("--specs", str(folder))]
        words = ["connector", "read", name, endpoint, *folders, "--simulate"]
        lines += ["Its address stands in the spec, not in config: to read it, have it simulated once more:"]
        lines += [f"  {shlex.join(words)}"]
    return lines


def _first_read(spec: Spec) -> str | None:
    """The first endpoint that can be read, one that needs no parent before others."""
    reads = [name for name, endpoint in spec.endpoints.items() if endpoint.readable]
    return min(reads, key=lambda name: bool(spec.endpoints[name].for_each), default=None)


# ── ways to ask ───────────────────────────────────────────────────────────────────────────────────


class _Catching:
    """A transport that raises an endpoint's first request, as Caught; what has to be asked before goes through."""

    def __init__(self, simulator: Simulator, endpoint: str) -> None:
        from connector_core.events import RequestStarted
        from connector_core.testing import Caught

        self._inner = simulator.transport()
        self._endpoint, self._started, self._caught = endpoint, RequestStarted, Caught
        self._awaited = False

    def hear(self, event: Event) -> None:
        """Notes that the endpoint's own request comes next, not that of a parent, a captured fact or a sign-in."""
        if isinstance(event, self._started) and event.endpoint == self._endpoint:
            self._awaited |= event.why != "sign-in"

    async def send(self, request: Request) -> Response:
        if self._awaited:
            raise self._caught(request)
        return await self._inner.send(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _first_request(spec: Spec, endpoint: str, simulator: Simulator) -> Request | None:
    """The request that a reading begins with, composed and signed; None where what it needs cannot be had."""
    from connector_core.connector import Connector
    from connector_core.engine.effects import Effects
    from connector_core.exceptions import IntegrationError
    from connector_core.testing import Caught

    catching = _Catching(simulator, endpoint)
    effects = Effects(transport=lambda _: catching, listeners=[catching.hear])
    await simulator.sign_in(effects.tokens_kept())
    async with Connector.open(spec, config=simulator.config, secrets=simulator.secrets, effects=effects) as connector:
        try:
            await connector.call(endpoint)
        except Caught as caught:
            return caught.request
        except IntegrationError:  # said to whoever reads it; the rest of the service is there
            return None
    return None  # its parent has no record to read for


def _curl(request: Request, url: str) -> str:
    """The request for curl, sent to the simulator."""
    here = replace(request, url=url + (urlsplit(request.url).path or "/"))
    words = ["curl", *([] if request.method == "GET" else ["-X", request.method])]
    for name, value in request.headers.items():
        words += ["-H", f"{name}: {value}"]
    if request.content is not None:
        if not any(name.lower() == "content-type" for name in request.headers):
            words += ["-H", f"Content-Type: {request.content_type}"]
        words += ["-d", request.content.decode("utf-8", "replace")]
    return shlex.join([*words, here.target])


def _home(spec: Spec, endpoint: str) -> str | None:
    """The config value that is the whole origin of the endpoint's address, so that it may lead to the simulator."""
    base = spec.endpoints[endpoint].base_url
    found = _HOME.match(base.source) if base is not None else None
    return found[1] if found else None


def _reading(
    spec: Spec, name: str, endpoint: str, home: str, simulator: Simulator, specs: tuple[Path, ...]
) -> Iterator[str]:
    """The words of a `connector read` that reads from the simulator."""
    for secret, value in simulator.secrets.items():
        yield f"{variable(spec, secret)}={shlex.quote(str(value))}"
    words = ["connector", "read", name, endpoint]
    for folder in specs:
        words += ["--specs", str(folder)]
    for key, value in simulator.config.items():
        if key == home:
            words += ["--config", f"{key}={simulator.url}"]
        elif "default" not in spec.config[key]:
            words += ["--config", f"{key}={value}"]
    yield shlex.join([*words, "--network", "loopback"])
