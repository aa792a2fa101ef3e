"""The sockets that exchanges share: so many to one host, and none that has something unasked waiting in it.

Who shows a client certificate has sockets of their own: they are made with it, and used for nobody else. They are there
as long as somebody holds that certificate: the session that it belongs to, or an exchange.

Whoever forgets to close them has them closed at the end of the event loop, which ends its asynchronous generators; what
is let go of before that, or whose loop has ended in another way, is told in one warning of ours.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from weakref import ref

from connector_core.engine.content_encoding import accepted
from connector_core.engine.guard import GuardedResolver, Network, guarded_socket
from connector_core.exceptions import ResponseError

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp import ClientSession, TCPConnector
    from aiohttp.connector import Connection

    from connector_core.http import ClientCertificate

__all__ = ["Sockets", "client_session", "forgotten", "open_until", "pool"]

_TRIES = 3


def pool(*, connected: Callable[[], None], per_host: int, **options: Any) -> TCPConnector:
    """A pool of sockets; `connected` is called in the task that got one. One host's traffic never waits for another's.

    Bytes that came in while a socket was idle would be taken for the next request's answer, and the answer to that for
    the one after it: such a socket is thrown away.
    """
    import aiohttp

    class Pool(aiohttp.TCPConnector):
        """A connector that looks at a socket before it lends it."""

        async def connect(self, *about: Any, **more: Any) -> Connection:
            """A socket with nothing in it."""
            for _ in range(_TRIES):
                connection = await super().connect(*about, **more)
                protocol = connection.protocol
                if protocol is None or not protocol.should_close:
                    connected()
                    return connection
                connection.close()
            raise ResponseError(
                "the service sends answers before it is asked",
                hint="what speaks there? compare the address and its port with the service's documentation",
                code="response.unasked",
            )

    return Pool(limit=0, limit_per_host=per_host, **options)


def client_session(
    tls: SSLContext | bool, connected: Callable[[], None], network: Network, *, limit: int, connect_timeout: float
) -> ClientSession:
    """What requests are made with, over sockets of its own; everything is off that aiohttp would do by itself."""
    import aiohttp

    made = aiohttp.ClientSession(
        connector=pool(
            connected=connected,
            per_host=limit,
            resolver=cast("Any", GuardedResolver(aiohttp.ThreadedResolver(), network)),
            socket_factory=guarded_socket(network),
            ssl=tls,
        ),
        headers={"User-Agent": _user_agent(), "Accept": "*/*", "Accept-Encoding": accepted()},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout),
    )
    made._retry_connection = False  # noqa: SLF001 - the only switch; else idempotent requests are sent twice
    return made


class _Shown(NamedTuple):
    """The sockets of one certificate, which are being made, or are there."""

    certificate: ref[ClientCertificate]
    session: asyncio.Task[ClientSession]


class Sockets:
    """Those of one transport in one loop: without a certificate, and with each that is used."""

    def __init__(self, make: Callable[[SSLContext | bool], ClientSession]) -> None:
        """`make`: gives a session of its own; True stands for whom everybody trusts, and no certificate."""
        self._make, self._loop = make, asyncio.get_running_loop()
        self.plain: ClientSession = make(True)
        """Of whoever shows no certificate."""
        self._shown: dict[int, _Shown] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def showing(self, certificate: ClientCertificate) -> ClientSession:
        """Those that are made with that very certificate; raises ConfigError where it cannot be shown."""
        key = id(certificate)
        known = self._shown.get(key)
        if known is None or known.certificate() is not certificate:
            self._retire(key, None)
            watched = ref(certificate, lambda gone: self._let_go(key, gone))
            known = self._shown[key] = _Shown(watched, self._loop.create_task(self._made(certificate)))
        try:
            return await asyncio.shield(known.session)
        except Exception:
            if self._shown.get(key) is known:
                del self._shown[key]  # what failed is tried again
            raise

    async def _made(self, certificate: ClientCertificate) -> ClientSession:
        from connector_core.engine.client_tls import client_context  # few connections show one

        return self._make(await asyncio.to_thread(client_context, certificate))

    def _let_go(self, key: int, gone: ref[ClientCertificate]) -> None:
        """Nobody holds the certificate any more; that may come about in any thread."""
        with suppress(RuntimeError):  # the loop has ended, and with it every socket
            self._loop.call_soon_threadsafe(self._retire, key, gone)

    def _retire(self, key: int, gone: ref[ClientCertificate] | None) -> None:
        known = self._shown.get(key)
        if known is None or (gone is not None and known.certificate is not gone):
            return
        del self._shown[key]
        closing = self._loop.create_task(_closed(known.session))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    @property
    def sessions(self) -> list[ClientSession]:
        """All that are there."""
        made = [known.session for known in self._shown.values()]
        return [self.plain, *(task.result() for task in made if _is_there(task))]

    @property
    def closed(self) -> bool:
        """Whether no socket is open."""
        return all(session.closed for session in self.sessions)

    async def aclose(self) -> None:
        """Closes every socket."""
        shown, self._shown = self._shown, {}
        await asyncio.gather(self.plain.close(), *(_closed(known.session) for known in shown.values()), *self._closing)


def _is_there(session: asyncio.Task[ClientSession]) -> bool:
    return session.done() and not session.cancelled() and session.exception() is None


async def _closed(session: asyncio.Task[ClientSession]) -> None:
    await asyncio.wait([session])
    if _is_there(session):
        await session.result().close()


async def open_until(sockets: Sockets, ended: Callable[[], None]) -> AsyncGenerator[None]:
    """Closes the sockets when it is closed itself, or its event loop comes to its end; `ended` is called then."""
    try:
        yield
    finally:
        ended()
        if not sockets.closed:  # what is closed is not waited for
            await sockets.aclose()


def forgotten(sockets: Sockets, loop: asyncio.AbstractEventLoop) -> None:
    """For sockets whose owner is gone: warns where nobody closed them, and keeps aiohttp from doing so."""
    if sockets.closed:
        return
    if not loop.is_running():  # else `open_until` closes it there
        for session in sockets.sessions:
            connector = session.connector
            session.detach()
            if connector is not None:
                connector._close()  # noqa: SLF001 - the one way that needs no loop
    warnings.warn(
        "an engine was not closed, and its sockets were open: "
        "use it inside its `async with`, or `await engine.aclose()`",
        ResourceWarning,
        stacklevel=2,
    )


def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        about = distribution("connector-core").read_text("METADATA") or ""  # `version` would parse all of it
    except PackageNotFoundError:  # a checkout that was not installed
        about = ""
    version = about.partition("\nVersion: ")[2].partition("\n")[0]
    return f"connector-core/{version or 0}"
