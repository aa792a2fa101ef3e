"""The two objects an app holds: an engine, which owns everything impure, and connectors, each one account of a service.

::

    async with Connector.open("shop", config={"shop_url": "https://shop.example"}, secrets={"token": token}) as shop:
        async for order in shop.read("orders"):
            ...
        created = await shop.call("create_order", input={"customer_id": 1, "items": []})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from connector_core.config import hidden
from connector_core.engine.accounts import Given, told_where, with_settings
from connector_core.engine.buckets import Buckets
from connector_core.engine.cache import asked_anew
from connector_core.engine.catalogue import Catalogue
from connector_core.engine.checkup import Checkup, HealthReport
from connector_core.engine.circuits import CircuitStatus
from connector_core.engine.connection import Connection
from connector_core.engine.effects import Effects
from connector_core.engine.fallback import WithFallback, call_or_fall_back, falls_back
from connector_core.engine.guard import Network
from connector_core.engine.opening import Opening
from connector_core.engine.pages import Closing, Pages, Records
from connector_core.engine.partitions import Discovery, pages_of
from connector_core.engine.places import Places
from connector_core.engine.rotation import SecretDue, secrets_due
from connector_core.engine.sign_in import SignIn
from connector_core.engine.switches import Flags, MemorySwitches, Switch, Switches
from connector_core.engine.tokens import Tokens
from connector_core.engine.until import end_of, within
from connector_core.engine.write import Result
from connector_core.events import Listener
from connector_core.exceptions import ConfigError, IntegrationError, alone
from connector_core.metrics import Counters, Metrics
from connector_core.plan import endpoint_of
from connector_core.secrets import Backend
from connector_core.spec import Spec

if TYPE_CHECKING:
    from connector_core.connections import Connections
    from connector_core.secrets.store import SecretStore

__all__ = ["Connector", "Engine", "Result"]


class Engine(Closing):
    """Owns what connectors share: sockets, loaded specs, listeners. Nothing of it is global."""

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
        """`specs`: folders where names are looked up before the bundled ones; `network`: what connections may reach.

        Python beside a spec in these folders is run. `plugins`: modules or objects with hooks, as well as those that
        are installed; the folders of specs that they bring come after `specs`. `buckets`: the address of a Redis, where
        rate limits are counted together with other processes. `tokens`: where those of sign-ins are kept, sealed, such
        as `sqlite:///tokens.db`; left out: in the `secret_store`, else in memory. Either may be an address that a
        plug-in opens, or a place of one's own, which one closes oneself. `secret_store`: where `store:` leads, such as
        `sqlite:///secrets.db`, whose key CONNECTOR_STORE_KEY refers to, or a SecretStore, which one closes oneself.
        `flags`: the app's feature flags; `switches`: where `disable` and its like are kept, in memory if left out.
        `cache_size`: the room for answers that are kept (`cache`, `fallback`), in bytes; left out: 64 MiB.
        `secret_backends`: where a SecretRef may lead, by scheme, or with options of one's own; left out: anywhere.
        `secret_ttl`: seconds until such a secret is looked up again; left out: 300. `connections`: a file of
        accounts that were set up, each opened by its name.
        """
        self._network = network
        self._effects = (effects or Effects()).heard_by(listeners)
        self._catalogue = Catalogue(specs, plugins, self._effects, secret_backends)
        self._places = Places(self._catalogue.stores, self._effects.key)
        self._catalogue.store = store = self._places.store(secret_store)
        if tokens is None and store is not None:
            from connector_core.engine.stored_tokens import StoredTokens

            tokens = StoredTokens(store)
        buckets, tokens = self._places.opened("buckets", buckets), self._places.opened("tokens", tokens)
        given = {"buckets": buckets, "tokens": tokens, "flags": flags, "switches": switches}
        for name, value in {**given, "cache_size": cache_size, "secret_ttl": secret_ttl}.items():
            if value is not None:
                setattr(self._effects, name, value)
        self._connections = _connections(connections)
        self._closed = False

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls the listener with every event from now on; the returned function takes it off again."""
        self._effects.listeners.append(listener)
        return lambda: self._effects.unheard(listener)

    def disable(self, name: str, *, message: str = "") -> None:
        """Switches a connector off, by its spec's name, for every connection; its requests raise UnavailableError."""
        self._switch(name, Switch("disabled", None, message))

    def maintain(self, name: str, *, until: datetime | None = None, message: str = "") -> None:
        """The same for a while: up to a time, which has to have its offset, or until it is enabled."""
        if until is not None and until.utcoffset() is None:
            raise ConfigError("the time has no offset", hint="give it one: datetime(…, tzinfo=UTC)")
        self._switch(name, Switch("maintenance", until.timestamp() if until is not None else None, message))

    def enable(self, name: str) -> None:
        """Takes that back."""
        self._switch(name, None)

    def _switch(self, name: str, switch: Switch | None) -> None:
        if self._effects.switches is None:
            self._effects.switches = MemorySwitches()
        self._effects.switches.set(name, switch)

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
    ) -> AbstractAsyncContextManager[Connector]:
        """A connector for one account; raises SpecError or ConfigError before anything is sent.

        `spec` is a name, a path that ends in .yaml or .json, or the document itself. `id` tells accounts apart in
        events and stored state. Or it is the name of a connection, where the engine has `connections`: what is said
        here wins over what was set up. `sign_in` names one of the ways of signing in, where the spec offers several;
        left out, it is the first whose secrets are all given.
        """
        given = Given(spec, environment, config, hidden(secrets), id, network, sign_in)

        async def enter(stack: AsyncExitStack) -> Connector:
            return self._entered(stack, with_settings(given, self._connections))

        return Opening(enter)

    def _entered(self, stack: AsyncExitStack, given: Given) -> Connector:
        if self._closed:
            raise ConfigError("the engine is closed", hint="use it inside its `async with`", code="connection.closed")
        with told_where(given.at):
            loaded = self._catalogue.spec(given.spec, given.environment)
            loaded = self._catalogue.chosen(loaded, given.sign_in, given.secrets)
            connection = Connection(
                loaded,
                self._effects,
                self._catalogue.plugins_of(loaded),
                config={} if given.config is None else given.config,
                secrets=given.secrets,
                name=given.name or loaded.name,
                network=given.network or self._network,
                plans=self._catalogue.plans_of(loaded),
            )
        stack.push_async_callback(connection.aclose)
        return Connector(connection)

    def load(self, spec: str | Path | Mapping[str, Any] | Spec, environment: str | None = None) -> Spec:
        """The spec as `open` would have it, for an app that wants to look into it; raises SpecError or ConfigError."""
        return self._catalogue.spec(spec, environment)

    async def aclose(self) -> None:
        """Closes every socket; nothing can be opened afterwards."""
        self._closed = True
        await self._effects.aclose()
        await self._places.aclose()


def _connections(given: str | Path | Connections | None) -> Connections | None:
    if not isinstance(given, (str, Path)):
        return given
    from connector_core.connections import Connections

    return Connections(given)


class Connector:
    """One account of one service, ready to be read and called.

    What records hold only the spec knows, so that they are `Any` here: `connector types NAME` writes a protocol that
    says it, and which this class satisfies for that very reason.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._discovery = Discovery(connection)
        self._checkup = Checkup(connection, self._asked)
        self.sign_in: SignIn = SignIn(connection)
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
    ) -> AbstractAsyncContextManager[Connector]:
        """A connector with an engine of its own; see Engine and Engine.open for the arguments."""
        secrets = hidden(secrets)

        async def enter(stack: AsyncExitStack) -> Connector:
            engine = await stack.enter_async_context(
                Engine(
                    specs=specs,
                    listeners=listeners,
                    effects=effects,
                    plugins=plugins,
                    connections=connections,
                )
            )
            opening = engine.open(
                spec, config=config, secrets=secrets, environment=environment, id=id, network=network, sign_in=sign_in
            )
            return await stack.enter_async_context(opening)

        return Opening(enter)

    @property
    def spec(self) -> Spec:
        """The spec it runs."""
        return self._connection.spec

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spec.name!r}, id={self._connection.name!r})"

    def pages(self, endpoint: str, *, position: Any = None, timeout: float | None = None) -> Pages[Any]:
        """The endpoint's pages in order, from `position` (`Page.following` of an earlier reading) or the first.

        An endpoint with `for_each` has them in order within each partition, and no position to begin at. `timeout`: in
        how many seconds the last page is wanted, all waits included; what comes too late raises TimeoutError.
        """
        if self._discovery and endpoint not in self.spec.endpoints:
            pages = self._discovery.pages(endpoint, position)
        else:
            self._check_read(endpoint, position)
            plan = self._connection.plan(endpoint)
            if position is None and falls_back(plan):
                pages = WithFallback(self._connection, plan, lambda other: pages_of(self._connection, other))
            else:
                pages = pages_of(self._connection, plan, position)
        pages.until = self._moment(timeout)
        return pages

    def read(self, endpoint: str, *, timeout: float | None = None) -> Records[Any]:
        """The endpoint's records in order, each a dict with the fields that its `schema` tells; see `pages`."""
        return Records(self.pages(endpoint, timeout=timeout))

    def _moment(self, timeout: float | None) -> float | None:
        return end_of(timeout, self._connection.effects.monotonic())

    async def endpoints(self) -> list[str]:
        """The names of what can be read: the spec's own, and those that the service has to be asked for."""
        own = [name for name, endpoint in self.spec.endpoints.items() if endpoint.readable]
        try:
            return [*own, *await self._discovery.names()]
        except IntegrationError as error:
            alone(error)
            raise

    async def available(self) -> bool:
        """Whether it may be used: not switched off, not under maintenance. An open circuit is another matter."""
        return await self._connection.gate.refused() is None

    async def health(self) -> HealthReport:
        """How the service is, as its spec's `health` finds out; raises ConfigError where it says nothing."""
        return await self._checkup.report()

    async def secrets_due(self) -> tuple[SecretDue, ...]:
        """The secrets that should have been replaced by now, as far as their backends tell when they were put there."""
        return await secrets_due(self._connection)

    def metrics(self) -> Counters:
        """What this connection has done, as a `Metrics` among the listeners counts it; ConfigError where there is none.

        Connections of one id are counted together.
        """
        found = next((heard for heard in self._connection.effects.listeners if isinstance(heard, Metrics)), None)
        if found is None:
            raise ConfigError(
                "nobody counts",
                hint="open it with listeners=[Metrics()] of connector_core.metrics",
                code="metrics.uncounted",
            )
        return found.of(self._connection.name)

    async def _asked(self, endpoint: str) -> Result[Any]:
        """What the service itself says now: nothing that is kept, and nothing that stands in."""
        with asked_anew():
            return await self.call(endpoint)

    def circuits(self) -> list[CircuitStatus]:
        """What is known of the hosts that were asked: each circuit's state, by host and group."""
        return self._connection.circuits.status()

    def hold_circuits(self, state: Literal["open", "closed"] | None, *, host: str | None = None) -> None:
        """Holds circuits open or closed, whatever happens, until it is called with None; `host`: only that host's."""
        self._connection.circuits.hold(state, host)

    def _check_read(self, endpoint: str, position: Any) -> None:
        """Raises ConfigError for what is no endpoint, is none to be read, or cannot be begun at a position."""
        found = endpoint_of(self.spec, endpoint)
        if not found.readable:
            raise ConfigError(
                f"{self.spec.name}.{endpoint} is called, not read",
                hint="a read is a get with records, and without input or output",
                code="endpoint.not_readable",
            )
        if found.for_each and position is not None:
            each = found.for_each[-1].as_
            raise ConfigError(
                f"{self.spec.name}.{endpoint} is read for each {each}: its pages have no one position",
                hint="leave the position out",
                code="endpoint.partitioned",
            )

    async def call(
        self,
        endpoint: str,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - the spec's word
        *,
        timeout: float | None = None,
    ) -> Result[Any]:
        """Sends the endpoint's request once (again only where that is harmless); failure raises IntegrationError.

        A readable endpoint gives its first page's records. `timeout`: in how many seconds the answer is wanted, all
        waits and attempts included; what comes too late raises TimeoutError.
        """
        plan = self._connection.plan(endpoint)
        moment = self._moment(timeout)
        if not plan.readable or input:
            try:
                with within(inf if moment is None else moment):
                    return await call_or_fall_back(self._connection, plan, input or {})
            except IntegrationError as error:
                alone(error)
                raise
        pages: Pages = (
            WithFallback(self._connection, plan, lambda other: pages_of(self._connection, other, ahead=0))
            if falls_back(plan)
            else pages_of(self._connection, plan, ahead=0)
        )
        async with pages:
            pages.until = moment
            page = await anext(pages, None)
            return Result([], pages.attempts) if page is None else Result(page.records, pages.attempts, page.degraded)
