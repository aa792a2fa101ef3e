"""The sockets that exchanges share: so many to one host, and none that has something unasked waiting in it.

Whoever forgets to close them has them closed at the end of the event loop, which ends its asynchronous generators; what
is let go of before that, or whose loop has ended in another way, is told in one warning of ours.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

from connector_core.exceptions import ResponseError

if TYPE_CHECKING:
    from aiohttp import ClientSession, TCPConnector
    from aiohttp.connector import Connection

__all__ = ["forgotten", "open_until", "pool"]

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


async def open_until(session: ClientSession, ended: Callable[[], None]) -> AsyncGenerator[None]:
    """Closes the session when it is closed itself, or its event loop comes to its end; `ended` is called then."""
    try:
        yield
    finally:
        ended()
        if not session.closed:  # one that is closed is not waited for
            await session.close()


def forgotten(session: ClientSession, loop: asyncio.AbstractEventLoop) -> None:
    """For a session whose owner is gone: warns where nobody closed it, and keeps aiohttp from doing so."""
    if session.closed:
        return
    if not loop.is_running():  # else `open_until` closes it there
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
