"""What every backend is, and what it is given of the world."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from msgspec import Struct

from connector_core.http import Request, Response

__all__ = ["Backend", "World"]


class World(Struct, frozen=True):
    """What backends act through."""

    send: Callable[[Request], Awaitable[Response]]
    """Sends a request to whatever address the operator has named, a private one too."""
    now: Callable[[], float]
    """Seconds since 1970."""


class Backend(ABC):
    """A place that secrets are kept at."""

    scheme: str
    """What its references begin with."""

    def check(self, rest: str) -> None:  # noqa: B027 - most cannot tell anything
        """Raises ConfigError where there can be no such secret, as far as can be told at once, with nobody asked."""

    @abstractmethod
    async def fetch(self, rest: str, world: World) -> str:
        """The secret of that name, as it is now.

        Raises ConfigError where somebody has to mend something, and UnavailableError or ConnectionError where waiting
        may help: then a value that is known goes on being used.
        """

    async def since(self, rest: str, world: World) -> float | None:  # noqa: ARG002 - most do not know
        """When the secret of that name was put there, in seconds since 1970; None: nobody can tell.

        May raise what `fetch` raises: then it is not known either.
        """
        return None
