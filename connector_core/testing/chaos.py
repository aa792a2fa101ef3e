"""A proxy on loopback through which a service answers late, slowly, in part, or not at all.

::

    async with Chaos("http://127.0.0.1:8000", faults="latency=50ms±20ms,reset=2%,503=5%") as proxy:
        async with Connector.open("shop", config={"shop_url": proxy.url}, network="loopback") as shop:
            ...

Rule 1: what `reset`, `closed`, `timeout` and `truncate` take away is the answer: the service has acted on the request.
        What a status or `down` answers, the service never saw.
Rule 2: HTTP/1.1 is understood, so that a fault happens to a request and not to whatever shares its connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from msgspec import Struct

from connector_core.exceptions import ConfigError
from connector_core.testing.faults import Faults, Misfortunes, Treatment

if TYPE_CHECKING:
    from aiohttp import ClientSession, web

__all__ = ["Chaos", "Reply", "answered", "unasked"]

DRIP = 64
"""Bytes of a piece that drips."""
TICKS = 20
"""Pieces in a second where the bandwidth is bounded."""
_AT_ONCE = struct.pack("ii", 1, 0)
_PER_HOP = frozenset({"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"})
_sleep = asyncio.sleep


class Reply(Struct, frozen=True):
    """An answer before anything happens to it."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""


def unasked(treatment: Treatment) -> Reply | None:
    """The answer to a request that the service never sees, of status 0 where there is none; None: it is asked."""
    ending = treatment.ending
    if ending is not None and ending.name == "down":
        return Reply(0, {})
    if ending is None or not ending.name.isdigit():
        return None
    content = b'{"message": "a fault that was asked for"}'
    headers = {"Content-Type": "application/json"}
    if ending.amount is not None:
        headers["Retry-After"] = f"{ending.amount:.0f}"
    return Reply(int(ending.name), headers, content)


async def answered(received: web.BaseRequest, reply: Reply, treatment: Treatment) -> web.StreamResponse:
    """Answers a request as well as the treatment lets it."""
    from aiohttp import web

    ending = treatment.ending.name if treatment.ending is not None else ""
    amount = treatment.ending.amount if treatment.ending is not None else None
    if treatment.delay > 0:
        await _sleep(treatment.delay)
    if ending == "timeout":
        await (asyncio.Event().wait() if amount is None else _sleep(amount))
    if ending in ("timeout", "closed"):
        return _gone(received)
    if ending in ("reset", "down"):
        return _gone(received, at_once=True)
    content, cut = reply.content, len(reply.content)
    if ending == "truncate":
        cut = min(cut // 2 if amount is None else int(amount), max(cut - 1, 0))
    elif not treatment.pause and not treatment.per_second:
        return web.Response(status=reply.status, headers=reply.headers, body=content)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.headers["Content-Length"] = str(len(content))
    await response.prepare(received)
    size, pause = _pieces(treatment, max(cut, 1))
    for at in range(0, cut, size):
        if at:
            await _sleep(pause)
        await response.write(content[at : min(at + size, cut)])
    if ending == "truncate":
        return _gone(received)
    return response


def _pieces(treatment: Treatment, whole: int) -> tuple[int, float]:
    """Bytes of a piece, and the seconds between two."""
    size, pause = (DRIP, treatment.pause) if treatment.pause else (whole, 0.0)
    if treatment.per_second:
        size = min(size, max(1, int(treatment.per_second / TICKS)))
        pause = max(pause, size / treatment.per_second)
    return size, pause


def _gone(received: web.BaseRequest, *, at_once: bool = False) -> web.Response:
    """Ends the connection, in order or as a crash does; what is returned never arrives."""
    from aiohttp import web

    if (transport := received.transport) is not None:
        if at_once:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            transport.abort()
        else:
            transport.close()
    return web.Response()


class Chaos:
    """Stands between a client and one service over http, while its `async with` lasts."""

    def __init__(self, upstream: str, faults: str | Faults = "", *, seed: int = 0, port: int = 0) -> None:
        """`upstream`: the service's origin, `http://host:port`; `seed` decides the dice. Raises ConfigError."""
        parts = urlsplit(upstream)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query or "@" in parts.netloc:
            raise ConfigError(
                "the upstream is no origin of a service over http",
                where="Chaos(upstream)",
                hint="such as http://127.0.0.1:8000, without a path",
                code="faults.upstream",
            )
        self._upstream, self._port = f"http://{parts.netloc}", port
        self._misfortunes = Misfortunes(faults, seed=seed)
        self._runner: web.ServerRunner | None = None
        self._site: web.SockSite | None = None
        self._session: ClientSession
        self.happened: Counter[str] = Counter()
        """How often each ending came about; `ok`: none."""

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:49152`; raises ConfigError while it does not run."""
        if self._runner is None:
            raise ConfigError("the proxy is not running", hint="use it inside its `async with`")
        return f"http://127.0.0.1:{self._port}"

    def change(self, faults: str | Faults) -> None:
        """From the next request on it is these faults; raises ConfigError."""
        self._misfortunes.change(faults)

    async def stop(self) -> None:
        """Nothing listens any more: connections are refused, and those that are open end."""
        site, self._site = self._site, None
        if site is not None:
            await site.stop()
            for handler in list(self._runner.server.connections if self._runner and self._runner.server else ()):
                if handler.transport is not None:
                    handler.transport.close()
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # a client in this loop has heard of it

    async def start(self) -> None:
        """It listens again, at the same address."""
        from aiohttp import web

        if self._site is not None or self._runner is None:
            return
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", self._port))
        except OSError as error:
            bound.close()
            raise ConfigError(
                f"the proxy cannot listen on 127.0.0.1:{self._port}: {error.strerror}", hint="choose another port"
            ) from None
        self._port = bound.getsockname()[1]
        self._site = web.SockSite(self._runner, bound)
        await self._site.start()

    async def __aenter__(self) -> Self:
        import aiohttp
        from aiohttp import web

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, force_close=True
            ),  # an idle socket that ended would look like a fault
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        server = web.Server(self._serve, access_log=None, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        try:
            await self.start()
        except ConfigError:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        runner, self._runner, self._site = self._runner, None, None
        if runner is not None:
            await runner.cleanup()
        await self._session.close()

    async def _serve(self, received: web.BaseRequest) -> web.StreamResponse:
        treatment = self._misfortunes.next()
        self.happened[treatment.ending.name if treatment.ending is not None else "ok"] += 1
        reply = unasked(treatment) or await self._asked(received)
        return await answered(received, reply, treatment)

    async def _asked(self, received: web.BaseRequest) -> Reply:
        import aiohttp
        from multidict import CIMultiDict
        from yarl import URL

        headers = CIMultiDict((name, value) for name, value in received.headers.items() if name.lower() not in _PER_HOP)
        body: Any = received.content.iter_any() if received.body_exists else None
        try:
            async with self._session.request(
                received.method,
                URL(self._upstream + received.raw_path, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            told = f"the service behind the proxy cannot be had: {type(error).__name__}"
            return Reply(502, {"Content-Type": "text/plain"}, told.encode())
        dropped = _PER_HOP | {"content-length"} if received.method != "HEAD" else _PER_HOP
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in dropped]
        return Reply(answer.status, CIMultiDict(kept), content)
