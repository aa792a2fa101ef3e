"""The sockets that exchanges share: so many to one host, and none that has something unasked waiting in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from connector_core.exceptions import ResponseError

if TYPE_CHECKING:
    from aiohttp import TCPConnector
    from aiohttp.connector import Connection

__all__ = ["pool"]

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
