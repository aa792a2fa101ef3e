"""One account's memory: its config and secrets, who it may talk to, and what is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from weakref import WeakSet

from msgspec.structs import replace

from connector_core.auth import Session
from connector_core.config import settled_account
from connector_core.engine.effects import Effects
from connector_core.engine.guard import Network
from connector_core.engine.masks import Masks
from connector_core.events import Event
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.formats import instant, written
from connector_core.http import Request, origin
from connector_core.plan import Plan, base_urls, base_urls_of, compile_plan
from connector_core.plugins import Plugins
from connector_core.spec import Host, Spec

__all__ = ["Connection"]


class Reading(Protocol):
    """What is under way and can be ended."""

    async def cut(self) -> None:
        """Ends it, so that whoever goes on with it is told."""


class Facts:
    """What was captured about the account, and when; the names under `connection` in templates."""

    def __init__(self, spec: Spec, names: dict[str, Any]) -> None:
        self._spec, self._names = spec, names
        self._since: dict[str, float] = {}
        self.locks: dict[str, asyncio.Lock] = {}
        """Held while a fact is asked for."""

    def fresh(self, name: str, now: float) -> bool:
        """Whether the fact is there and not too old; `now` in seconds of a monotonic clock."""
        every = self._spec.capture[name].every
        return name in self._since and (every is None or now - self._since[name] < every)

    def keep(self, name: str, value: Any, now: float) -> None:
        """Keeps the fact for templates to read."""
        self._names[name], self._since[name] = value, now


_SAFE_ABROAD = frozenset({"accept", "accept-language"})
"""Headers that a host without credentials may see; any other may hold one."""


class Connection:
    """One account of one service, open in one engine; it shares sockets and plans, and nothing that an account has."""

    def __init__(
        self,
        spec: Spec,
        effects: Effects,
        plugins: Plugins,
        *,
        config: Mapping[str, Any],
        secrets: Mapping[str, Any],
        name: str,
        network: Network,
        plans: dict[str, Plan] | None = None,
    ) -> None:
        """`plans`: those that are made already, where connections of the spec share them."""
        self.spec, self.effects, self.name, self.network = spec, effects, name, network
        self.plugins = plugins
        self._plans = {} if plans is None else plans
        self.config, self._secrets = settled_account(spec.config, spec.secrets, (config, secrets))
        self.scope: dict[str, Any] = {
            "config": self.config,
            "secrets": self._secrets,
            "connection": {"id": name},
        }
        """The names that hold for everything this connection does."""
        self.facts = Facts(spec, self.scope["connection"])
        self.session = Session(self.scope)
        self.transport = effects.reach(network)
        self._permits: dict[str, AbstractAsyncContextManager[Any] | None] = {}
        self._shared: asyncio.Semaphore | None = None
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readings: WeakSet[Reading] = WeakSet()
        self._elsewhere = [origin(url.render(self.scope)) for url in base_urls(spec)]
        self._homes: dict[str, _Homes] = {}
        self._masks = Masks(self._secrets)

    def __repr__(self) -> str:
        return f"Connection({self.spec.name}, {self.name!r})"  # no config, no secrets

    def plan(self, endpoint: str) -> Plan:
        """The endpoint's plan, made once for every connection of this spec."""
        if endpoint not in self._plans:
            functions = {**self.plugins.transforms(self.spec.name), **self.effects.hooks}
            self._plans[endpoint] = compile_plan(self.spec, endpoint, functions)
        return self._plans[endpoint]

    def names(self, plan: Plan) -> dict[str, Any]:
        """The scope of one reading or call of an endpoint."""
        return {
            **self.scope,
            "endpoint": {"name": plan.endpoint},
            "now": written(instant(int(self.effects.now()))),  # whole seconds: what every service reads
            "uuid": self.effects.unique(),
        }

    def own(self, reading: Reading) -> None:
        """Closing the connection closes the reading, as long as somebody still holds it."""
        self._readings.add(reading)

    def ready(self) -> None:
        """Raises ConfigError once the connection is closed."""
        if self._closed:
            raise ConfigError(f"{self.name} is closed", hint="use it inside its `async with`", code="connection.closed")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ConfigError(
                f"{self.name} belongs to another event loop", hint="open one in each loop", code="connection.loop"
            )

    async def aclose(self) -> None:
        """Ends every reading that is under way; nothing can be started afterwards."""
        self._closed = True
        for reading in list(self._readings):
            await reading.cut()

    # ── how many at once ──────────────────────────────────────────────────────────────────────────

    def permit(self, plan: Plan) -> AbstractAsyncContextManager[Any] | None:
        """To be held while a request of that endpoint is under way; None where there is no limit."""
        if plan.endpoint not in self._permits:
            self._permits[plan.endpoint] = self._new_permit(plan)
        return self._permits[plan.endpoint]

    def _new_permit(self, plan: Plan) -> AbstractAsyncContextManager[Any] | None:
        shared = self.spec.rate_limit.concurrency if self.spec.rate_limit else None
        if shared is not None and self._shared is None:
            self._shared = asyncio.Semaphore(shared)
        own = asyncio.Semaphore(plan.concurrency) if plan.concurrency is not None else None
        if own is not None and self._shared is not None:
            return _Both(own, self._shared)
        return own or self._shared

    # ── who may be talked to ──────────────────────────────────────────────────────────────────────

    def _homes_of(self, endpoint: str) -> _Homes:
        """Where requests of an endpoint may go, worked out when the first of them does."""
        if (known := self._homes.get(endpoint)) is None:
            found = self.spec.endpoints.get(endpoint)
            own = [url.render(self.scope) for url in (base_urls_of(found) if found is not None else [])]
            known = self._homes[endpoint] = _Homes(own, self._elsewhere, self.spec.hosts)
        return known

    def admit(self, request: Request, endpoint: str) -> tuple[Request, bool]:
        """The request as its host may see it, and whether it is to be signed; raises where the host is not allowed."""
        homes = self._homes_of(endpoint)
        if request.url.startswith(homes.near):  # the usual case, without taking the URL apart
            return request, True
        home = self._origin(request, endpoint)
        trusted = homes.known.get(home)
        if trusted is None and (trusted := self._wildcard(home)) is None:
            raise ResponseError(
                f"{self.spec.name} was led to {home}, which is not one of its hosts",
                where=f"{endpoint}: {request.method} {request.url}",
                hint=_how_to_allow(home),
                code="host.not_allowed",
            )
        return (request, True) if trusted else (_without_credentials(request, endpoint), False)

    def _origin(self, request: Request, endpoint: str) -> str:
        try:
            if "@" in "".join(request.url.split("/")[2:3]):  # a name and password: not even shown
                raise ValueError
            return origin(request.url)
        except ValueError:
            shown = request.url.rpartition("@")[2]
            raise ResponseError(
                f"{self.spec.name} was led to what is no address",
                where=f"{endpoint}: {request.method} {shown}",
                hint="compare the spec with the links and redirects that the service sends",
                code="host.invalid",
            ) from None

    def _wildcard(self, home: str) -> bool | None:
        scheme, _, rest = home.partition("://")
        name, _, port = rest.rpartition(":")
        if scheme != "https" or port != "443":
            return None
        for host in self.spec.hosts:
            if host.host.startswith("*.") and name.endswith(host.host[1:]):
                return host.credentials
        return None

    def announce(self, event: type[Event], endpoint: str, **about: Any) -> None:
        """Tells whoever listens of something on that endpoint; where nobody does, no event is made."""
        if self.effects.listeners:
            self.effects.announce(event(connection=self.name, endpoint=endpoint, **about))

    def mask(self, text: str) -> str:
        """The text with this connection's secrets taken out, in whatever form, for messages that quote the service."""
        return self._masks.masked(text)


class _Homes:
    """Where the requests of one endpoint may go, and who of these sees the credentials."""

    def __init__(self, own: list[str], elsewhere: list[str], hosts: list[Host]) -> None:
        """`own`: the endpoint's addresses; `elsewhere`: the origins of the connector's other ones."""
        self.near = tuple("/".join(url.split("/")[:3]) + "/" for url in own)
        self.known = {origin(url): True for url in own}
        """Origin → whether it sees the credentials."""
        plain = any(url.startswith("http://") for url in own)
        for host in hosts:
            for scheme in ("https", "http") if plain else ("https",):
                self.known.setdefault(origin(f"{scheme}://{host.host}"), host.credentials)
        for home in elsewhere:
            self.known.setdefault(home, False)


def _how_to_allow(home: str) -> str:
    scheme, _, rest = home.partition("://")
    host = rest.removesuffix({"https": ":443", "http": ":80"}.get(scheme, ":"))
    return f"if that is right, the spec says so: hosts: [{host}]" if host else "links lead to http or https addresses"


def _without_credentials(request: Request, endpoint: str) -> Request:
    if request.body is not None:
        raise ResponseError(
            "a request with a body was led to a host that may not see the credentials",
            where=f"{endpoint}: {request.method} {request.url}",
            hint="allow it in the spec with hosts: [{host: …, credentials: true}], or correct the address",
            code="host.not_allowed",
        )
    kept = {name: value for name, value in request.headers.items() if name.lower() in _SAFE_ABROAD}
    return replace(request, headers=kept)


class _Both:
    """Two permits taken in order and given back in the other."""

    def __init__(self, first: asyncio.Semaphore, second: asyncio.Semaphore) -> None:
        self._first, self._second = first, second

    async def __aenter__(self) -> None:
        await self._first.acquire()
        try:
            await self._second.acquire()
        except BaseException:
            self._first.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._second.release()
        self._first.release()
