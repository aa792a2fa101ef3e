"""The tokens of one connection: asked for once for all who wait, kept before they are used, renewed before they end.

::

    none ──obtain──▶ fresh ──near its end, or refused by the service──▶ stale ──obtain──▶ fresh
                                                                          └─only a person can go on──▶ refused

Rule 1: whoever finds the token stale waits for one renewal, which is a task of its own: it goes on when they give up,
        since the service may have ended the old token already.
Rule 2: a new token is kept first and used then. It replaces the version that it was made from; where another process
        was quicker, that one's is used.
Rule 3: where renewing fails for now, the token is used until it really ends. Where it fails for good, what is kept is
        looked at once more, and nobody asks again until another token is there.
Rule 4: a token that the service refuses is renewed once. One that came for that reason, and is refused before it ever
        worked, is not: the service refuses whatever it gives.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Awaitable, Callable, Generator
from contextvars import Context
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from msgspec.structs import replace

from connector_core.auth import Session, Token
from connector_core.engine.until import awaited
from connector_core.events import TokenRefreshed, TokenRefreshFailed
from connector_core.exceptions import AuthenticationError, ConfigError, IntegrationError, ReauthenticationError, alone
from connector_core.http import Request, Response

if TYPE_CHECKING:
    from connector_core.auth import Auth
    from connector_core.engine.account import Account
    from connector_core.engine.tokens import Kept, Tokens
    from connector_core.plan import Plan
    from connector_core.spec import Spec

__all__ = ["Credential", "credential_name", "driven"]

Found = TypeVar("Found")

LEASE = 90.0
"""Seconds after which a process that began to renew and said nothing more is taken for dead."""
LOOKS = (0.05, 0.1, 0.2, 0.5)
"""Seconds between two looks at what another process renews; the last for ever."""
REST = 5.0
"""Seconds in which nobody tries again what has failed: a token that still holds is used as it is meanwhile."""


class Asks(Protocol):
    """Whoever can send what a kind asks on the way to a token; raises IntegrationError where no answer comes."""

    async def __call__(self, account: Account, plan: Plan, request: Request) -> Response: ...


def credential_name(connection: str, spec: Spec, auth: str) -> str:
    """What a token is kept under: whose it is, where it is used, and which `auth` of the spec it is for."""
    return json.dumps([spec.name, spec.environment or "", connection, auth], separators=(",", ":"))


class _Failed(NamedTuple):
    """Why there is no token in place of one version, and until when nobody asks again."""

    version: int
    error: IntegrationError
    until: float


class Credential:
    """One `auth` of one connection: its session, its token, and the renewal under way."""

    def __init__(
        self, account: Account, auth: Auth, session: Session, name: str, asks: Asks, key: str = "auth"
    ) -> None:
        """`name`: what its token is kept under; `key`: which `auth` of the spec it is."""
        self.key: str = key
        self.auth: Auth = auth
        self.session: Session = session
        self.name: str = name
        self._account, self._asks = account, asks
        self._kept: Kept | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._holder = account.effects.unique() if auth.tokened else ""
        self._dice = account.effects.dice() if auth.tokened else 0.0
        self._refused: Token | None = None
        """The token that the service refuses."""
        self._unproven: Token | None = None
        """A token that came since the service refused the one before, and has not worked yet."""
        self._failed: _Failed | None = None
        self._rests_until = -inf
        self._asking = False
        """Whether the service is being asked, so that what it gives must not be lost."""

    async def ready(self, plan: Plan) -> Session:
        """The session with a token that holds; raises IntegrationError where there can't be one."""
        if not self.auth.tokened:
            return self.session
        effects = self._account.effects
        while not self._serves(effects.now(), effects.monotonic()):
            if self._renewal is None:  # in a context of its own: it has its own time, whoever begins it
                self._renewal = asyncio.create_task(self._renewed(plan), context=Context())
                self._renewal.add_done_callback(self._over)
            try:
                await awaited(
                    asyncio.shield(self._renewal), effects.monotonic, plan.endpoint, " before there was a token"
                )
            except IntegrationError as error:
                raise _own(error) from None
        return self.session

    def _serves(self, now: float, monotonic: float) -> bool:
        """Whether the token can be signed with."""
        token = self.session.token
        if token is None or token is self._refused:
            return False
        return token.fresh(now, self._dice) or (token.holds(now) and monotonic < self._rests_until)

    def _over(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # whoever waits is told; nobody may wait any more

    def refused(self, token: Token | None) -> bool:
        """The service refuses what was signed with the token; whether signing anew can help."""
        if token is None:
            return False
        if self.session.token is not token:
            return True  # it has been renewed meanwhile
        if token is self._unproven:
            return False
        self._refused = token
        return True

    def worked(self, token: Token | None) -> None:
        """The service took what was signed with the token."""
        if token is self._unproven:
            self._unproven = None

    def forget(self) -> None:
        """Signs with no token any more."""
        self._kept = self._failed = self._unproven = self.session.token = None

    async def aclose(self) -> None:
        """Waits until what the service is about to give is kept; a renewal that only waits for others is ended."""
        if (renewal := self._renewal) is not None:
            if not self._asking:
                renewal.cancel()
            await asyncio.wait([renewal])

    # ── renewing ──────────────────────────────────────────────────────────────────────────────────

    async def _renewed(self, plan: Plan) -> None:
        """Has a token in the session that holds, made here or by another process."""
        effects, tokens = self._account.effects, self._account.effects.tokens_kept()
        looks = iter(LOOKS)
        while True:
            if self._takes(await tokens.get(self.name)):
                return
            if await tokens.lease(self.name, self._holder, LEASE):
                break
            await effects.sleep(next(looks, LOOKS[-1]))
        try:
            kept = await tokens.get(self.name)  # once more: now nobody else renews it
            if not self._takes(kept):
                await self._replaced(tokens, kept, plan)
        finally:
            await tokens.release(self.name, self._holder)

    def _takes(self, kept: Kept | None) -> bool:
        """Whether what is kept is another token than the session's, and need not be renewed; it is used then."""
        if kept is None or (self._kept is not None and kept.version == self._kept.version):
            return False
        self.use(kept)
        return kept.token.fresh(self._account.effects.now(), self._dice)

    def use(self, kept: Kept) -> None:
        """Signs with that token from now on."""
        self._account.learn(kept.token, self.key)
        self._kept, self.session.token = kept, kept.token

    async def _replaced(self, tokens: Tokens, kept: Kept | None, plan: Plan) -> None:
        """Has a new token made, kept and used; raises what keeps that from happening."""
        effects = self._account.effects
        version, held = (kept.version, kept.token) if kept is not None else (0, None)
        known = self._failed
        if known is not None and known.version == version and effects.monotonic() < known.until:
            raise known.error
        refused = self._refused
        try:
            new = await self._made(tokens, held, version, plan)
        except IntegrationError as error:
            final = isinstance(error, ReauthenticationError)
            self._account.announce(TokenRefreshFailed, plan.endpoint, reason=error.what, final=final)
            if final and self._takes(await tokens.get(self.name)):
                return
            if not final and held is not None and held is not refused and held.holds(effects.now()):
                self._rests_until = effects.monotonic() + REST
                return
            if not error.retryable:
                self._failed = _Failed(version, error, inf if final else effects.monotonic() + REST)
            raise
        self.use(new)
        self._unproven = new.token if held is not None and held is refused else None
        left = None if new.token.expires is None else new.token.expires - effects.now()
        self._account.announce(TokenRefreshed, plan.endpoint, expires_in=left, first=held is None)

    async def _made(self, tokens: Tokens, held: Token | None, version: int, plan: Plan) -> Kept:
        """A new token, kept in place of that version; another one, if somebody was quicker."""
        self._asking = True
        try:
            token = (await self._obtained(held, plan)).after(held)
            if not token.fresh(self._account.effects.now(), self._dice):
                token = replace(token, expires=None)  # it has just come: the clocks differ, and the service decides
            new = await tokens.put(self.name, token, version) or await tokens.get(self.name)
        finally:
            self._asking = False
        if new is None:
            raise ConfigError(
                "the sign-in was taken back while its token was renewed",
                where=self._account.name,
                hint="sign in again",
                code="tokens.dropped",
            )
        return new

    async def _obtained(self, held: Token | None, plan: Plan) -> Token:
        """The kind's token; where the service refuses a secret that is another by now, with that one."""
        if (referred := self._account.referred) is None:
            return await self._flown(held, plan)
        await referred.ready(plan.secrets)
        changes = referred.changes
        try:
            return await self._flown(held, plan)
        except AuthenticationError:
            if not await referred.renewed(plan.secrets, changes):
                raise
        return await self._flown(held, plan)

    async def _flown(self, held: Token | None, plan: Plan) -> Token:
        """Runs the kind's flow: sends what it asks for, until it returns the token."""
        session = replace(self.session, scope=self._account.names(plan))  # what is asked for has its own time
        flow = self.auth.obtain(session, held, self._account.effects.now())
        return await driven(flow, lambda asked: self._asks(self._account, plan, asked), self._account.mask)


async def driven(
    flow: Generator[Any, Any, Found], answered: Callable[[Any], Awaitable[Any]], mask: Callable[[str], str]
) -> Found:
    """What the flow returns, each of its steps answered; raises what a kind or an answer raises, without secrets."""
    try:
        step = next(flow)
        while True:
            step = flow.send(await answered(step))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # what the generator returns
    except IntegrationError as error:
        _hide(error, mask)
        raise
    finally:
        flow.close()


def _hide(error: IntegrationError, mask: Callable[[str], str]) -> None:
    """Takes secrets out of what a kind says: it may have quoted the service, or the secret that it cannot use."""
    alone(error)  # what it was made from may say more
    error.what, error.where, error.hint = mask(error.what), mask(error.where), mask(error.hint)
    error.args = tuple(mask(part) if isinstance(part, str) else part for part in error.args)
    error.context = {name: mask(said) if isinstance(said, str) else said for name, said in error.context.items()}


def _own(error: IntegrationError) -> IntegrationError:
    """A copy: what is told to several may be added to by each."""
    own = copy.copy(error)
    own.context = dict(error.context)
    return own
