"""Engine and Connector whose methods wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from connector_core import connector as awaited
from connector_core.blocking.closing import Closing, finalizer
from connector_core.blocking.pages import Pages, Records
from connector_core.blocking.sign_in import SignIn
from connector_core.connector import Result
from connector_core.engine.buckets import Buckets
from connector_core.engine.checkup import HealthReport
from connector_core.engine.circuits import CircuitStatus
from connector_core.engine.effects import Effects
from connector_core.engine.guard import Network
from connector_core.engine.rotation import SecretDue
from connector_core.engine.switches import Flags, Switches
from connector_core.engine.thread import LoopThread, at_once
from connector_core.engine.tokens import Tokens
from connector_core.events import Listener
from connector_core.metrics import Counters
from connector_core.secrets import Backend
from connector_core.spec import Spec

if TYPE_CHECKING:
    from connector_core.connections import Connections
    from connector_core.secrets.store import SecretStore

__all__ = ["Connector", "Engine"]


class Engine(Closing):
    """Owns what connectors share, as `connector_core.Engine` does; its thread begins with the first connector."""

    def __init__(
        self,
        *,
        specs: Sequence[str | Path] = (),
        network: Network = "public",
        listeners: Sequence[Listener] = (),
        effects: Effects | None = None,
        plugins: Sequence[Any] = (),
        buckets: str | Buckets | None = None,
        flags: Flags | None = None,
        switches: Switches | None = None,
        cache_size: int | None = None,
        tokens: str | Tokens | None = None,
        secret_store: str | SecretStore | None = None,
        secret_backends: Sequence[str | Backend] | None = None,
        secret_ttl: float | None = None,
        connections: str | Path | Connections | None = None,
    ) -> None:
        """See `connector_core.Engine`. Listeners and hooks are called in the background thread."""
        self._engine = awaited.Engine(
            specs=specs,
            network=network,
            listeners=listeners,
            effects=effects,
            plugins=plugins,
            buckets=buckets,
            flags=flags,
            switches=switches,
            cache_size=cache_size,
            tokens=tokens,
            secret_store=secret_store,
            secret_backends=secret_backends,
            secret_ttl=secret_ttl,
            connections=connections,
        )
        self._loop = LoopThread()
        self._forgotten = finalizer(self, "engine", self._loop, self._engine.aclose, loop_too=True)

    def load(self, spec: str | Path | Mapping[str, Any] | Spec, environment: str | None = None) -> Spec:
        """The spec as `open` would have it; raises SpecError or ConfigError."""
        return self._engine.load(spec, environment)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls the listener with every event from now on; the returned function takes it off again."""
        return self._engine.listen(listener)

    def disable(self, name: str, *, message: str = "") -> None:
        """Switches a connector off, by its spec's name, for every connection; its requests raise UnavailableError."""
        self._engine.disable(name, message=message)

    def maintain(self, name: str, *, until: datetime | None = None, message: str = "") -> None:
        """The same for a while: up to a time, which has to have its offset, or until it is enabled."""
        self._engine.maintain(name, until=until, message=message)

    def enable(self, name: str) -> None:
        """Takes that back."""
        self._engine.enable(name)

    def open(
        self,
        spec: str | Path | Mapping[str, Any] | Spec,
        *,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, Any] | None = None,
        environment: str | None = None,
        id: str | None = None,  # noqa: A002 - the word that a user would write
        network: Network | None = None,
        sign_in: str | None = None,
    ) -> Connector:
        """A connector for one account, open until it is closed; raises SpecError or ConfigError."""
        opening = self._engine.open(
            spec, config=config, secrets=secrets, environment=environment, id=id, network=network, sign_in=sign_in
        )
        return Connector(opening, self, self._loop)

    def close(self) -> None:
        """Closes every socket and ends the thread; nothing can be opened afterwards."""
        self._loop.may_wait()
        if self._forgotten.detach():
            try:
                if self._loop.begun:
                    self._loop.run(self._engine.aclose())
            finally:
                self._loop.end()


class Connector(Closing):
    """One account of one service, ready to be read and called, by any thread."""

    def __init__(
        self,
        opening: AbstractAsyncContextManager[awaited.Connector],
        engine: Engine | None = None,
        loop: LoopThread | None = None,
    ) -> None:
        """Enters what `async with` would, such as `testing.simulated("shop")`; apps mostly call `open`."""
        self._engine = engine  # which lives as long as this
        self._loop = loop or LoopThread()
        self._opening = opening
        self._forgotten = finalizer(
            self, "connector", self._loop, lambda: opening.__aexit__(None, None, None), loop_too=engine is None
        )
        try:
            self._connector = self._loop.run(opening.__aenter__())
        except BaseException:
            self._forgotten.detach()
            if engine is None:
                self._loop.end()
            raise
        self.sign_in: SignIn = SignIn(self._connector.sign_in, self._loop)
        """How a person signs in, where `auth` wants one."""

    @staticmethod
    def open(
        spec: str | Path | Mapping[str, Any] | Spec,
        *,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, Any] | None = None,
        environment: str | None = None,
        id: str | None = None,  # noqa: A002 - the word that a user would write
        network: Network | None = None,
        sign_in: str | None = None,
        specs: Sequence[str | Path] = (),
        listeners: Sequence[Listener] = (),
        effects: Effects | None = None,
        plugins: Sequence[Any] = (),
        connections: str | Path | Connections | None = None,
    ) -> Connector:
        """A connector with an engine of its own, open until it is closed; see `connector_core.Connector.open`."""
        return Connector(
            awaited.Connector.open(
                spec,
                config=config,
                secrets=secrets,
                environment=environment,
                id=id,
                network=network,
                sign_in=sign_in,
                specs=specs,
                listeners=listeners,
                effects=effects,
                plugins=plugins,
                connections=connections,
            )
        )

    @property
    def spec(self) -> Spec:
        """The spec it runs."""
        return self._connector.spec

    def __repr__(self) -> str:
        return repr(self._connector)

    def pages(self, endpoint: str, *, position: Any = None, timeout: float | None = None) -> Pages[Any]:
        """The endpoint's pages in order, from `position` (`Page.following` of an earlier reading) or the first."""
        return Pages(self, self._connector.pages(endpoint, position=position, timeout=timeout), self._loop)

    def read(self, endpoint: str, *, timeout: float | None = None) -> Records[Any]:
        """The endpoint's records in order, each a dict with the fields that its `schema` tells."""
        return Records(self.pages(endpoint, timeout=timeout))

    def endpoints(self) -> list[str]:
        """The names of what can be read: the spec's own, and those that the service has to be asked for."""
        return self._loop.run(self._connector.endpoints())

    def call(
        self,
        endpoint: str,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - the spec's word
        *,
        timeout: float | None = None,
    ) -> Result[Any]:
        """Sends the endpoint's request once (again only where that is harmless); failure raises IntegrationError."""
        return self._loop.run(self._connector.call(endpoint, input, timeout=timeout))

    def available(self) -> bool:
        """Whether it may be used: not switched off, not under maintenance. An open circuit is another matter."""
        return self._loop.run(self._connector.available())

    def health(self) -> HealthReport:
        """How the service is, as its spec's `health` finds out; raises ConfigError where it says nothing."""
        return self._loop.run(self._connector.health())

    def secrets_due(self) -> tuple[SecretDue, ...]:
        """The secrets that should have been replaced by now, as far as their backends tell when they were put there."""
        return self._loop.run(self._connector.secrets_due())

    def metrics(self) -> Counters:
        """What this connection has done, as a `Metrics` among the listeners counts it; else raises ConfigError."""
        return self._connector.metrics()

    def circuits(self) -> list[CircuitStatus]:
        """What is known of the hosts that were asked: each circuit's state, by host and group."""
        return self._loop.run(at_once(self._connector.circuits))

    def hold_circuits(self, state: Literal["open", "closed"] | None, *, host: str | None = None) -> None:
        """Holds circuits open or closed, whatever happens, until it is called with None; `host`: only that host's."""
        self._loop.run(at_once(lambda: self._connector.hold_circuits(state, host=host)))

    def close(self) -> None:
        """Ends its readings; where the engine is its own, closes the sockets and ends the thread."""
        self._loop.may_wait()
        if self._forgotten.detach():
            try:
                self._loop.run(self._opening.__aexit__(None, None, None))
            finally:
                if self._engine is None:
                    self._loop.end()
