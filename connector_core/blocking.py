"""The same engine without `async`, for scripts and notebooks: every wait happens in one background thread.

::

    from connector_core.blocking import Connector

    with Connector.open("shop", config={"shop_url": "https://shop.example"}, secrets={"token": token}) as shop:
        for order in shop.read("orders"):
            ...

Rule 1: nothing is done twice: each method hands the coroutine of its namesake to the event loop of that thread and
        waits for it, so that any thread may use a connector. Pages cross over, not records.
Rule 2: Ctrl-C while waiting cancels what is waited for, and is raised when that has ended.
Rule 3: who is called by the loop itself (a listener, a hook) would wait for the thread that it runs in: an error.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar
from weakref import finalize

from connector_core import connector as awaited
from connector_core.connector import Result
from connector_core.engine import pages as awaited_pages
from connector_core.engine import sign_in as awaited_sign_in
from connector_core.engine.buckets import Buckets
from connector_core.engine.checkup import HealthReport
from connector_core.engine.circuits import CircuitStatus
from connector_core.engine.effects import Effects
from connector_core.engine.guard import Network
from connector_core.engine.pages import Page, R
from connector_core.engine.switches import Flags, Switches
from connector_core.engine.thread import LoopThread
from connector_core.engine.tokens import Tokens
from connector_core.events import Listener
from connector_core.exceptions import ConfigError
from connector_core.fallback import Degraded
from connector_core.metrics import Counters
from connector_core.secrets import Backend
from connector_core.spec import Spec

if TYPE_CHECKING:
    from connector_core.auth.oauth2.people import DeviceCode

__all__ = ["Connector", "Engine", "Pages", "Records", "Result", "SignIn"]

T = TypeVar("T")
Closer = Callable[[], Coroutine[Any, Any, object]]


async def _at_once(action: Callable[[], T]) -> T:
    """Does in the loop's thread what does not wait."""
    return action()


class _Closing(ABC):
    """What `with` closes at its end."""

    @abstractmethod
    def close(self) -> None:
        """Ends everything under way."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Engine(_Closing):
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
        secret_backends: Sequence[str | Backend] | None = None,
        secret_ttl: float | None = None,
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
            secret_backends=secret_backends,
            secret_ttl=secret_ttl,
        )
        self._loop = LoopThread()
        self._forgotten = _finalizer(self, "engine", self._loop, self._engine.aclose, loop_too=True)

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
    ) -> Connector:
        """A connector for one account, open until it is closed; raises SpecError or ConfigError."""
        opening = self._engine.open(
            spec, config=config, secrets=secrets, environment=environment, id=id, network=network
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


class Connector(_Closing):
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
        self._forgotten = _finalizer(
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
        network: Network = "public",
        specs: Sequence[str | Path] = (),
        listeners: Sequence[Listener] = (),
        effects: Effects | None = None,
        plugins: Sequence[Any] = (),
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
                specs=specs,
                listeners=listeners,
                effects=effects,
                plugins=plugins,
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

    def metrics(self) -> Counters:
        """What this connection has done, as a `Metrics` among the listeners counts it; else raises ConfigError."""
        return self._connector.metrics()

    def circuits(self) -> list[CircuitStatus]:
        """What is known of the hosts that were asked: each circuit's state, by host and group."""
        return self._loop.run(_at_once(self._connector.circuits))

    def hold_circuits(self, state: Literal["open", "closed"] | None, *, host: str | None = None) -> None:
        """Holds circuits open or closed, whatever happens, until it is called with None; `host`: only that host's."""
        self._loop.run(_at_once(lambda: self._connector.hold_circuits(state, host=host)))

    def close(self) -> None:
        """Ends its readings; where the engine is its own, closes the sockets and ends the thread."""
        self._loop.may_wait()
        if self._forgotten.detach():
            try:
                self._loop.run(self._opening.__aexit__(None, None, None))
            finally:
                if self._engine is None:
                    self._loop.end()


class SignIn:
    """The sign-in of one connection by a person; see `connector_core.engine.sign_in.SignIn`."""

    def __init__(self, sign_in: awaited_sign_in.SignIn, loop: LoopThread) -> None:
        self._sign_in, self._loop = sign_in, loop

    @property
    def ways(self) -> Collection[str]:
        """How a person can sign in: by `browser`, on another `device`; empty: nobody has to."""
        return self._sign_in.ways

    def begin(self, redirect_uri: str) -> awaited_sign_in.Begun:
        """The way there; the person comes back to `redirect_uri`, which is registered at the service."""
        return self._loop.run(_at_once(lambda: self._sign_in.begin(redirect_uri)))

    def finish(self, redirect: str | Mapping[str, str], cookie: str) -> None:
        """Keeps the token of whoever came back; raises AuthenticationError where it is not that way."""
        self._loop.run(self._sign_in.finish(redirect, cookie))

    def on_device(self, show: Callable[[DeviceCode], None]) -> None:
        """Has a code shown, by the background thread, and keeps the token once it was typed on another device."""
        self._loop.run(self._sign_in.on_device(show))

    def status(self) -> awaited_sign_in.SignedIn | None:
        """Whether somebody has signed in."""
        return self._loop.run(self._sign_in.status())

    def end(self) -> None:
        """Forgets the token, here and where it is kept; at the service it stays what it is."""
        self._loop.run(self._sign_in.end())


class Pages(_Closing, Iterator[Page[R]]):
    """The pages of an endpoint. The next one is asked for while one is worked on, until this is closed or let go of."""

    def __init__(self, connector: Connector, pages: awaited_pages.Pages[R], loop: LoopThread) -> None:
        self._connector, self._pages, self._loop = connector, pages, loop  # the connector lives as long as this
        self._ready: Page[R] | None = None
        self._let_go = finalize(self, self._loop.later, pages.aclose)
        self._let_go.atexit = False

    def __next__(self) -> Page[R]:
        page = self._held()
        self._ready = None
        return page

    def _held(self) -> Page[R]:
        """The next page, which comes again until `_ready` is None: whoever waits for it may be interrupted."""
        if not self._let_go.alive:
            raise StopIteration
        if self._ready is None:
            self._loop.run(self._fetch())
        if self._ready is None:
            self._let_go.detach()  # there is nothing to end: it has ended
            raise StopIteration
        return self._ready

    async def _fetch(self) -> None:
        self._ready = await anext(self._pages, None)

    def close(self) -> None:
        """Ends everything under way."""
        self._ready = None
        if self._let_go.detach():
            with suppress(ConfigError):  # a closed connector has ended it
                self._loop.run(self._pages.aclose())


class Records(_Closing, Iterator[R]):
    """The records of an endpoint, one by one.

    Rule: what was taken is handed out with no call in between, which is where Ctrl-C comes through.
    """

    def __init__(self, pages: Pages[R]) -> None:
        self._pages = pages
        self._records: list[R] = []
        self._at = 0
        self.degraded: Degraded | None = None
        """From where the latest records are, if not from the service; see `Page.degraded`."""

    def __next__(self) -> R:
        while self._at >= len(self._records):
            page = self._pages._held()  # noqa: SLF001 - of this module
            self._records, self._at, self.degraded = page.records, 0, page.degraded
            self._pages._ready = None  # noqa: SLF001 - the same
        record = self._records[self._at]
        self._at += 1
        return record

    def close(self) -> None:
        """Ends everything under way."""
        self._records = []
        self._pages.close()


def _finalizer(owner: object, what: str, loop: LoopThread, close: Closer, *, loop_too: bool) -> finalize[..., Any]:
    """Closes in the background what is let go of without being closed, with the warning that files give."""

    async def closed() -> None:
        try:
            await close()
        finally:
            if loop_too:
                await loop.finish()

    def forgotten() -> None:
        if loop.begun:
            loop.later(closed)
            how = f"use it inside its `with`, or call {what}.close()"
            warnings.warn(f"{'an' if what == 'engine' else 'a'} {what} was not closed: {how}", ResourceWarning, 2)

    found = finalize(owner, forgotten)
    found.atexit = False  # the process ends, and its sockets with it
    return found
