"""Where a store's master keys are: at a reference such as `env:STORE_KEY`, or in a file of this user."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from connector_core.config import SecretRef
from connector_core.exceptions import ConfigError
from connector_core.http import Request, Response
from connector_core.secrets.store.sealing import Ring

__all__ = ["Find", "Keys", "ReferredKeys"]

Find = Callable[[SecretRef, bool], Awaitable[str]]
"""From a reference to the secret; True: as it is now, whatever is known of it."""


class Keys(ABC):
    """A place of master keys."""

    @abstractmethod
    async def ring(self, store: bytes, *, anew: bool = False, make: bool = False) -> Ring:
        """The keys for the store of that id; raises ConfigError where there is none.

        `anew`: as they are now, since those that are known do not do. `make`: nothing is sealed yet, so that a new key
        may be made.
        """


class ReferredKeys(Keys):
    """Keys at a reference: the newest first, with white space between; they are looked up when they are needed."""

    def __init__(self, reference: SecretRef, find: Find | None = None) -> None:
        """`find`: an engine's own; left out: without one. Raises ConfigError where it leads into the store itself."""
        if reference.scheme == "store":
            raise ConfigError(
                "the key of the store cannot be kept in the store",
                hint="name another place, such as file:PATH",
                code="store.key",
            )
        self.find = find
        self._reference = reference
        self._known: Ring | None = None

    def __repr__(self) -> str:
        return f"{self._reference.scheme}:…"

    async def ring(self, store: bytes, *, anew: bool = False, make: bool = False) -> Ring:  # noqa: ARG002 - for all alike
        """The keys that stand there."""
        if self._known is None or anew:
            text = await (self.find or _found)(self._reference, anew)
            self._known = Ring.read(text, self._reference.text)
        return self._known


async def _found(reference: SecretRef, _anew: bool) -> str:
    from connector_core.secrets import Backends, World

    return await Backends().of(reference.scheme).fetch(reference.rest, World(_unsent, time.time))


async def _unsent(request: Request) -> Response:  # noqa: ARG001 - nothing is sent
    raise ConfigError(
        "the key of the store is asked for over the network, which only an engine does",
        hint="pass the store to one: Engine(secret_store=…)",
        code="store.key",
    )
