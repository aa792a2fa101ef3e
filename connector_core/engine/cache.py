"""The answer to a request, out of what is kept where that will do, else the service's; here and nowhere else.

Rule 1: an endpoint that declares nothing pays nothing: its requests go straight on to `exchange`.
Rule 2: of several requests for the same thing at the same time one is sent; the others take its answer if that may be
        used again, else each is sent.
Rule 3: only an answer that could be read, and that no rule of `errors` calls anything but ok, is kept. One that says
        that there is nothing, or nothing for this account, ends what was kept before.
Rule 4: a write ends what is kept of its own address (RFC 9111 §4.4), and what is asked for meanwhile is not kept.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from msgspec.structs import replace

from connector_core.cache import Kept, Terms, keep
from connector_core.engine.call import UNREAD, Answered, decoded, exchange
from connector_core.engine.connection import Connection
from connector_core.engine.store import Place, Store
from connector_core.engine.until import awaited
from connector_core.errors import OK
from connector_core.events import CacheHit, CacheRevalidated
from connector_core.exceptions import AuthenticationError, AuthorizationError, IntegrationError, ResourceError
from connector_core.http import Request
from connector_core.plan import Plan

__all__ = ["Instead", "answer", "asked_anew", "is_asked_anew", "kept_only"]

NOT_MODIFIED = 304
_OWN_TERMS = frozenset(
    {"cache-control", "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"}
)
"""Fields by which a spec's own request says what it wants of caches: it is sent as it is."""

_WHO = ("authorization", "cookie")
"""Fields that say who asks."""


class Instead:
    """What is kept, in place of the service, since that failed."""

    def __init__(self, problem: IntegrationError, usable: Callable[[Kept, Terms, float], bool]) -> None:
        """`usable` is given what is kept, the endpoint's terms, and the time."""
        self.problem = problem
        """What is raised where nothing usable is kept."""
        self.usable = usable
        self.age: float = 0.0
        """That of the oldest answer that was used, in seconds."""


_ANEW: Any = object()
_INSTEAD: ContextVar[Instead | None] = ContextVar("connector_core_instead", default=None)
"""What holds for whatever is asked now; _ANEW: what is kept is not looked at."""


@contextmanager
def _holding(instead: Instead) -> Iterator[None]:
    token = _INSTEAD.set(instead)
    try:
        yield
    finally:
        _INSTEAD.reset(token)


def asked_anew() -> AbstractContextManager[None]:
    """Everything that is begun meanwhile is sent: whoever asks wants to know how the service is."""
    return _holding(_ANEW)


def kept_only(instead: Instead) -> AbstractContextManager[None]:
    """Nothing that is begun meanwhile is sent: it is answered out of what is kept, or fails."""
    return _holding(instead)


def is_asked_anew() -> bool:
    """Whether the service's own answer is wanted, and no other."""
    return _INSTEAD.get() is _ANEW


async def answer(
    connection: Connection, plan: Plan, compose: Callable[[], Request], scope: dict[str, Any], why: str = ""
) -> Answered:
    """The answer to the request that `compose` gives; raises IntegrationError. See `exchange` for the other arguments.

    It is composed once more where the service refuses a secret that is another by now.
    """
    request = compose()
    instead = _INSTEAD.get()
    if instead is _ANEW or (instead is None and not plan.keeps and not plan.forgets):
        return await exchange(connection, plan, request, scope, why, anew=compose)
    store = connection.effects.store()
    place = _place(connection, plan, request, store)
    if instead is not None:
        return await _instead(connection, plan, request, store, place, instead)
    if place is None:
        return await exchange(connection, plan, request, scope, why, anew=compose)
    if plan.forgets:
        try:
            return await exchange(connection, plan, request, scope, why, anew=compose)
        finally:  # one that failed, or was not waited for, may have been acted on all the same
            connection.writes += 1
            await store.drop_all(place[0])
    return await _Use(connection, plan, (request, compose), store, place).answer(scope, why)


async def _instead(
    connection: Connection, plan: Plan, request: Request, store: Store, place: Place | None, instead: Instead
) -> Answered:
    kept = await store.get(place) if place is not None and plan.keeps else None
    now = connection.effects.now()
    if kept is None or not instead.usable(kept, plan.cache or Terms(), now):
        raise instead.problem
    instead.age = max(instead.age, kept.age(now))
    return Answered(kept.response(request), OK, 0, UNREAD)


class _Use:
    """One request that may be answered out of what is kept."""

    def __init__(
        self, connection: Connection, plan: Plan, composed: tuple[Request, Callable[[], Request]], store: Store,
        place: Place,
    ) -> None:  # fmt: skip
        self._connection, self._plan = connection, plan
        self._request, self._compose = composed
        self._store, self._place = store, place

    async def answer(self, scope: dict[str, Any], why: str) -> Answered:
        """Its answer; one who waits for another's looks once more at what is kept then."""
        if self._plan.cache is None:  # it is kept for bad times alone
            return await self._sent(None, scope, why)
        if self._connection.gate.watched:  # what is switched off is not used, sent or not
            await self._connection.gate.check(self._plan.endpoint)
        kept = await self._store.get(self._place)
        if (found := self._fresh(kept)) is not None:
            return found
        flights = self._connection.flights
        if (flight := flights.get(self._place)) is not None:
            now, where = self._connection.effects.monotonic, f"{self._plan.connector}.{self._plan.endpoint}"
            await awaited(flight.wait(), now, where, ", and the same was under way for another")
            kept = await self._store.get(self._place)
            return self._fresh(kept) or await self._sent(kept, scope, why)
        flight = flights[self._place] = asyncio.Event()
        try:
            return await self._sent(kept, scope, why)
        finally:
            del flights[self._place]
            flight.set()

    def _fresh(self, kept: Kept | None) -> Answered | None:
        now = self._connection.effects.now()
        assert self._plan.cache is not None  # noqa: S101 - the caller has looked
        if kept is None or not kept.fresh(self._plan.cache, now):
            return None
        self._connection.announce(CacheHit, self._plan.endpoint, age=kept.age(now))
        return Answered(kept.response(self._request), OK, 0, UNREAD)

    async def _sent(self, known: Kept | None, scope: dict[str, Any], why: str) -> Answered:
        """The service's answer, which may be that the known one still holds."""
        connection, plan, request = self._connection, self._plan, self._request
        writes = connection.writes
        conditions = known.conditions() if known is not None and request.method == "GET" else {}

        def asked(request: Request) -> Request:
            return replace(request, headers={**request.headers, **conditions}) if conditions else request

        try:
            answered = await exchange(
                connection, plan, asked(request), scope, why, conditional=bool(conditions),
                anew=lambda: asked(self._compose()),
            )  # fmt: skip
        except (AuthenticationError, AuthorizationError, ResourceError):
            await self._store.drop(self._place)
            raise
        if known is None or not conditions or answered.response.status != NOT_MODIFIED:
            return await self._kept(answered, writes)
        now = connection.effects.now()
        confirmed = None if answered.redirected else known.confirmed(answered.response.headers, now)
        if confirmed is None:  # it speaks of another answer than the one that is kept
            await self._store.drop(self._place)
            return await self._sent(None, scope, why)
        await self._store.put(self._place, confirmed)
        connection.announce(CacheRevalidated, plan.endpoint, age=known.age(now))
        return Answered(confirmed.response(request), OK, answered.attempts, UNREAD)

    async def _kept(self, answered: Answered, writes: int) -> Answered:
        """The answer, which is kept where it may be; its body is decoded for that, and handed on.

        What was asked for before a write, and came after it, may be of the time before.
        """
        kept = None
        usable = answered.outcome.then == "ok" and not answered.redirected and writes == self._connection.writes
        if usable and not self._asked_by_a_hook(answered.response.request):
            kept = keep(answered.response, self._request, self._connection.effects.now())
        if kept is None:
            await self._store.drop(self._place)
            return answered
        body = decoded(self._connection, self._plan, answered)
        await self._store.put(self._place, kept)
        return replace(answered, body=body)

    def _asked_by_a_hook(self, sent: Request) -> bool:
        """Whether a hook has signed in: who that was, no place can tell."""
        if self._plan.signs:
            return False
        asked, found = [
            {name.lower(): value for name, value in headers.items() if name.lower() in _WHO}
            for headers in (self._request.headers, sent.headers)
        ]
        return asked != found


def _place(connection: Connection, plan: Plan, request: Request, store: Store) -> Place | None:
    """Where its answer is kept; None where it is sent as it is."""
    if (
        request.streamed
        or request.encoding == "multipart"
        or any(name.lower() in _OWN_TERMS for name in request.headers)
    ):
        return None

    def digest(*parts: Any) -> bytes:
        return hmac.digest(store.salt, json.dumps(parts, default=str, sort_keys=True).encode(), "sha256")

    whose = [plan.connector, connection.name, connection.config, connection.credentials, repr(plan.auth)]
    address = digest(whose, request.url)
    try:
        body = request.content
    except ValueError:  # told where it is sent
        return None
    headers = sorted((name.lower(), value) for name, value in request.headers.items())
    query = request.target.partition("?")[2]
    return address, digest(plan.endpoint, request.method, query, headers, None if body is None else body.hex())
