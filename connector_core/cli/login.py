"""`connector login`: a person signs in, by the browser of this machine, on another device, or by copying addresses."""

from __future__ import annotations

import asyncio
import webbrowser
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Unpack
from urllib.parse import urlsplit

import click

from connector_core.cli.keeping import place
from connector_core.cli.opening import account_of, opened
from connector_core.cli.options import (
    Account,
    account_options,
    debug_option,
    environment_option,
    specs_option,
    trace_option,
)
from connector_core.cli.terminal import say

if TYPE_CHECKING:
    from connector_core.auth.oauth2.people import DeviceCode
    from connector_core.connector import Connector
    from connector_core.engine.sign_in import SignIn
    from connector_core.spec import Spec

__all__ = ["command"]

_DONE = "You have signed in. This window can be closed.\n"
_BACK = "That is not the way back. Look at the terminal.\n"
_MANY = 100
"""Requests that wait for an answer."""


@click.command
@click.argument("name")
@click.option("--device", is_flag=True, help="Shows a code, which is typed into a browser anywhere.")
@click.option("--paste", is_flag=True, help="Asks for the address that the browser ends at, which may be elsewhere.")
@click.option(
    "--redirect-uri",
    metavar="ADDRESS",
    help="Where the service sends the browser back to; left out: a free port of this machine.",
)
@account_options
@environment_option
@specs_option
@trace_option
@debug_option
def command(
    name: str,
    *,
    device: bool,
    paste: bool,
    redirect_uri: str | None,
    environment: str | None,
    specs: tuple[Path, ...],
    trace: bool,
    **account: Unpack[Account],
) -> None:
    """Signs in to a service as a person, and keeps the token.

    NAME is a connection's name, or a spec's name or path. The token is kept encrypted, in .connector/secrets.db or
    where --store says, for the commands of the same folder; with --id, several accounts of one service are told apart.
    """
    spec, account = account_of(name, specs, environment, account)
    asyncio.run(_login(spec, account, device=device, paste=paste, redirect_uri=redirect_uri, trace=trace))
    say(f"{account['id'] or spec.name} has signed in; the token is kept in {place(account['store'])}, encrypted")


async def _login(
    spec: Spec, account: Account, *, device: bool, paste: bool, redirect_uri: str | None, trace: bool
) -> None:
    from connector_core.cli.following import Trace

    async with opened(spec, account, [Trace()] if trace else [], keeps=True) as connector:
        if device or "browser" not in connector.sign_in.ways:
            await connector.sign_in.on_device(_show)
        elif paste:
            await _pasted(connector, redirect_uri)
        else:
            await _by_browser(connector, redirect_uri)


def _show(code: DeviceCode) -> None:
    click.echo(f"Open {code.address} in any browser, and type {code.code}")
    if code.direct:
        click.echo(f"or open {code.direct}")


async def _pasted(connector: Connector, redirect_uri: str | None) -> None:
    """Has the address copied that the browser ends at, where nothing of this machine needs to listen."""
    begun = await connector.sign_in.begin(redirect_uri or "http://127.0.0.1/callback")
    click.echo(f"Open {begun.url}\nsign in, and copy the address that the browser ends at, whatever it shows.")
    address = await asyncio.to_thread(click.prompt, "The address", hide_input=True)
    await connector.sign_in.finish(str(address).strip(), begun.cookie)


async def _by_browser(connector: Connector, redirect_uri: str | None) -> None:
    """Waits at an address of this machine for the browser to come back (RFC 8252 §7.3)."""
    host, port, path = _listening(redirect_uri)
    server = _Server(path)
    at = await server.listen(host, port)
    try:
        begun = await connector.sign_in.begin(redirect_uri or f"http://127.0.0.1:{at}{path}")
        click.echo(f"Open {begun.url}")
        Thread(target=webbrowser.open, args=(begun.url,), daemon=True).start()  # some end only when they are closed
        await server.wait(connector.sign_in, begun.cookie)
    finally:
        await server.aclose()


def _listening(redirect_uri: str | None) -> tuple[str, int, str]:
    if redirect_uri is None:
        return "127.0.0.1", 0, "/callback"
    try:
        parts = urlsplit(redirect_uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if host not in ("127.0.0.1", "localhost", "::1") or parts.scheme != "http":
        raise click.UsageError(
            f"nothing on this machine can listen at {redirect_uri}; with --paste its address is copied by hand",
            click.get_current_context(),
        )
    return host, port or 80, parts.path or "/"


class _Server:
    """Takes the one request that a browser comes back with, whoever else knocks."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._came: asyncio.Queue[tuple[dict[str, str], asyncio.Future[str]]] = asyncio.Queue(_MANY)

    async def listen(self, host: str, port: int) -> int:
        """Listens; the port that it listens at. Raises ConfigError where it can't."""
        from aiohttp import web

        from connector_core.exceptions import ConfigError

        async def back(request: web.Request) -> web.Response:
            said: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            try:
                self._came.put_nowait((dict(request.query), said))
            except asyncio.QueueFull:  # a flood, while somebody's code is exchanged
                said.set_result(_BACK)
            return web.Response(text=await said, headers={"X-Content-Type-Options": "nosniff"})

        app = web.Application()
        app.router.add_get(self._path, back)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port, shutdown_timeout=1.0).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigError(
                f"the browser cannot be waited for at port {port}: {error.strerror}",
                hint="pass another --redirect-uri, or --paste",
                code="sign_in.port",
            ) from None
        return int(self._runner.addresses[0][1])

    async def wait(self, sign_in: SignIn, cookie: str) -> None:
        """Finishes the sign-in with the first request that is the way back; raises what that raises."""
        from connector_core.exceptions import AuthenticationError

        while True:
            query, said = await self._came.get()
            if not {"code", "error"} & query.keys():
                said.set_result(_BACK)
                continue
            answer, ends = _BACK, True
            try:
                await sign_in.finish(query, cookie)
                answer = _DONE
            except AuthenticationError as error:
                if error.code != "oauth.state":
                    raise
                ends = False  # a stranger, or a page that guesses: whoever was sent may still come
            finally:
                if not said.done():  # the browser may have gone
                    said.set_result(answer)
                await asyncio.sleep(0.1 if ends else 0)  # the browser gets it
            if ends:
                return

    async def aclose(self) -> None:
        """Listens no more."""
        await self._runner.cleanup()
