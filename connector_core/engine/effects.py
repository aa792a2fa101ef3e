"""Everything impure as one value, so that a test or an app can bring its own."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from connector_core.component import suggestion
from connector_core.config import SecretRef
from connector_core.engine.buckets import Buckets, Shares, in_memory
from connector_core.engine.guard import Network
from connector_core.engine.line import Line
from connector_core.engine.references import TTL, References
from connector_core.engine.store import InMemory, Store
from connector_core.engine.switches import Flags, Switches
from connector_core.engine.tokens import InMemoryTokens, Tokens
from connector_core.engine.transport import AiohttpTransport, Transport
from connector_core.events import Event, Listener
from connector_core.exceptions import ConfigError
from connector_core.rate_limit import Terms
from connector_core.secrets import Backends, World
from connector_core.transform import Hooks

__all__ = ["Effects"]

log: logging.Logger = logging.getLogger("connector_core")


class Effects(Struct):
    """The world as the engine sees it; every part can be replaced. Each engine takes a copy with sockets of its own."""

    transport: Callable[[Network], Transport] = lambda network: AiohttpTransport(network=network)
    """Makes the transport for a network level; called once per level."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds from some fixed point, for measuring waits."""
    now: Callable[[], float] = time.time
    """Seconds since 1970, for what the service reads."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits so many seconds."""
    dice: Callable[[], float] = random.random
    """A number in [0, 1)."""
    unique: Callable[[], str] = lambda: str(uuid.uuid4())
    """A text that never comes twice."""
    listeners: list[Listener] = []
    """Who hears the events."""
    hooks: Hooks = {}
    """The functions that `transform: [{type: hook, name: …}]` calls, by name; what plug-ins bring comes in here."""
    buckets: Buckets | None = None
    """Where rate limits count, if other processes count there too; None: in this process."""
    flags: Flags | None = None
    """The app's feature flags; None: it has none."""
    switches: Switches | None = None
    """Which integrations the operator has switched off; None: nobody has."""
    lines: dict[str, Line] = {}
    """Who waits for a limit that several connections share, by its name."""
    cache_size: int = 64 * 2**20
    """The room for answers that are kept, in bytes."""
    cache: Store | None = None
    """Where they are kept; None: in this process, from the first on."""
    tokens: Tokens | None = None
    """Where tokens are kept; None: in this process."""
    secrets: Backends | None = None
    """Which places references to secrets may lead to; None: the built-in ones."""
    secret_ttl: float = TTL
    """Seconds that a secret is used before it is looked up again."""
    _transports: dict[Network, Transport] = {}
    _store: Store | None = None
    _references: References | None = None

    def heard_by(self, listeners: Iterable[Listener]) -> Effects:
        """A copy with further listeners, and sockets of its own: the same value may be given to another engine."""
        return replace(
            self, listeners=[*self.listeners, *listeners], lines={}, _transports={}, _store=None, _references=None
        )

    def reach(self, network: Network) -> Transport:
        """The transport for a network level; sockets are shared within one level, never between two."""
        if network not in get_args(Network):
            raise ConfigError(f"unknown network {network!r}{suggestion(str(network), get_args(Network))}")
        if network not in self._transports:
            self._transports[network] = self.transport(network)
        return self._transports[network]

    def bucket(self, name: str, terms: Terms) -> Shares:
        """The bucket of a rate limit."""
        if self.buckets is None:
            return in_memory(terms, self.monotonic)
        return self.buckets.bucket(name, terms)

    def store(self) -> Store:
        """Where answers are kept."""
        if self._store is None:
            self._store = self.cache or InMemory(self.cache_size)
        return self._store

    def tokens_kept(self) -> Tokens:
        """Where tokens are kept."""
        if self.tokens is None:
            self.tokens = InMemoryTokens(self.monotonic)
        return self.tokens

    def references(self) -> References:
        """The secrets that references lead to."""
        if self._references is None:
            # whoever runs the engine has named the addresses that backends ask, so that these may be anywhere
            world = World(lambda request: self.reach("loopback").send(request), self.now)
            backends = Backends() if self.secrets is None else self.secrets
            self._references = References(backends, world, self.monotonic, self.secret_ttl)
        return self._references

    async def key(self, reference: SecretRef, anew: bool) -> str:
        """The key of a store, as it is known or, `anew`, as it is now; raises IntegrationError."""
        references = self.references()
        return await (references.found_anew if anew else references.found)(reference, "the key of the store")

    def announce(self, event: Event) -> None:
        """Tells every listener; one that fails is logged and heard no more."""
        for listener in tuple(self.listeners):
            try:
                listener(event)
            except (Exception, SystemExit):
                log.exception("the listener %r failed at %s and is taken off", listener, type(event).__name__)
                self.unheard(listener)

    def unheard(self, listener: Listener) -> None:
        """Takes a listener off, if it is still there."""
        if listener in self.listeners:
            self.listeners.remove(listener)

    async def aclose(self) -> None:
        """Closes every socket, and ends what is under way for secrets."""
        if self._references is not None:
            await self._references.aclose()
        transports, self._transports = list(self._transports.values()), {}
        for transport in transports:
            await transport.aclose()
