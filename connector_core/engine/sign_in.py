"""A person lets a connection act for them: they are sent to the service, come back, and the token is kept.

::

    begun = await crm.sign_in.begin("https://app.example/callback")      # send them to begun.url, with begun.cookie
    await crm.sign_in.finish(query, cookie)                              # when they come back

Rule 1: the cookie binds the way back to the browser that the way there began in, so that nobody can have another person
        sign in for an account of theirs. It holds what only that browser and this program may know.
Rule 2: each way serves once, and ten minutes long.
"""

from __future__ import annotations

import base64
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from connector_core.engine.credentials import Credential, driven
from connector_core.engine.signing import ask
from connector_core.exceptions import AuthenticationError, ConfigError, IntegrationError
from connector_core.http import Request

if TYPE_CHECKING:
    from connector_core.auth import Token
    from connector_core.auth.oauth2.people import DeviceCode
    from connector_core.engine.connection import Connection
    from connector_core.plan import Plan

__all__ = ["Begun", "SignIn", "SignedIn"]

log: logging.Logger = logging.getLogger("connector_core")

LIVES = 600.0
"""Seconds between the way there and the way back."""
_REMEMBERED = 1000
"""Ways back that are remembered, so that none serves twice."""


class Begun(Struct, frozen=True):
    """The way there."""

    url: str
    """Where the person is sent."""
    cookie: str
    """What their browser keeps until they are back: in a cookie that is HttpOnly, Secure and SameSite=Lax."""

    def __repr__(self) -> str:
        return "Begun()"  # the address holds the state, and the cookie all that is secret about it


class SignedIn(Struct, frozen=True):
    """That somebody has signed in."""

    expires: float | None
    """When the token ends, in seconds since 1970; None: nobody says."""
    renewable: bool
    """Whether it is renewed without a person then."""


class _Way(Struct, frozen=True):
    """What has to be known when they are back."""

    name: str
    state: str
    verifier: str
    nonce: str
    redirect_uri: str
    until: float


class SignIn:
    """The sign-in of one connection by a person."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._used: OrderedDict[str, None] = OrderedDict()

    @property
    def ways(self) -> Collection[str]:
        """How a person can sign in: by `browser`, on another `device`; empty: nobody has to."""
        auth = self._connection.spec.auth
        return auth.ways if auth is not None else ()

    async def begin(self, redirect_uri: str) -> Begun:
        """The way there; the person comes back to `redirect_uri`, which is registered at the service.

        Looks up the secrets that are given by reference, a client_id among them; raises IntegrationError.
        """
        import secrets  # few programs sign people in

        plan, credential = self._of("browser")
        if (referred := self._connection.referred) is not None:
            await referred.ready(plan.secrets)
        now = self._connection.effects.now()
        way = _Way(
            name=credential.name,
            state=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            nonce=secrets.token_urlsafe(24),
            redirect_uri=redirect_uri,
            until=now + LIVES,
        )
        auth: Any = credential.auth
        url = auth.authorize(
            credential.session, redirect_uri=redirect_uri, state=way.state, verifier=way.verifier, nonce=way.nonce
        )
        return Begun(url, base64.urlsafe_b64encode(msgspec.json.encode(way)).decode())

    async def finish(self, redirect: str | Mapping[str, str], cookie: str) -> None:
        """Keeps the token of whoever came back; `redirect`: the address that they came to, or its parameters.

        Raises AuthenticationError where it is not the way that `cookie` was given for, or the service says no.
        """
        plan, credential = self._of("browser")
        query = redirect if not isinstance(redirect, str) else dict(parse_qsl(urlsplit(redirect).query))
        way = self._way(credential, cookie, query.get("state", ""))
        auth: Any = credential.auth
        flow = auth.exchange(
            credential.session,
            redirect=query,
            redirect_uri=way.redirect_uri,
            verifier=way.verifier,
            state=way.state,
            nonce=way.nonce,
            now=self._connection.effects.now(),
        )
        await self._keep(plan, credential, flow)

    async def on_device(self, show: Callable[[DeviceCode], None]) -> None:
        """Has a code shown, which the person types on another device, and keeps the token once they have."""
        plan, credential = self._of("device")
        auth: Any = credential.auth
        flow = auth.device(credential.session, self._connection.effects.now())
        await self._keep(plan, credential, flow, show)

    async def status(self) -> SignedIn | None:
        """Whether somebody has signed in."""
        kept = await self._connection.effects.tokens_kept().get(self._any()[1].name)
        return None if kept is None else SignedIn(kept.token.expires, kept.token.refresh is not None)

    async def end(self) -> IntegrationError | None:
        """Forgets the token, here and where it is kept, and gives it back where the spec says how (`revoke_url`).

        What keeps the service from taking it back is returned, and logged; the token is forgotten all the same.
        """
        plan, credential = self._any()
        tokens, effects = self._connection.effects.tokens_kept(), self._connection.effects
        kept = await tokens.get(credential.name)
        await tokens.drop(credential.name)
        credential.forget()
        if kept is None:
            return None
        with suppress(IntegrationError):  # no message shows it, whatever came with it
            self._connection.learn(kept.token, credential.key)
        flow = credential.auth.revoke(credential.session, kept.token, effects.now())
        try:
            await self._driven(plan, flow)
        except IntegrationError as error:
            log.warning("%s has signed out, and the service does not know: %s", self._connection.name, error)
            return error
        return None

    # ── how ───────────────────────────────────────────────────────────────────────────────────────

    def _any(self) -> tuple[Plan, Credential]:
        """The credential of the connector's own `auth`; raises ConfigError where no endpoint uses it."""
        self._connection.ready()
        spec = self._connection.spec
        own = f"auth.options.{spec.choice.get('auth')}"
        for endpoint in spec.endpoints:
            plan = self._connection.plan(endpoint)
            if plan.credential in ("auth", own) and plan.auth.tokened:
                return plan, self._connection.credential(plan, ask)
        raise ConfigError(
            f"nobody signs in to {self._connection.spec.name}: its auth has no tokens",
            where=self._connection.name,
            hint="pass the secrets that it declares",
            code="sign_in.none",
        )

    def _of(self, way: str) -> tuple[Plan, Credential]:
        plan, credential = self._any()
        if way not in credential.auth.ways:
            others = ", ".join(sorted(credential.auth.ways))
            hint = f"there is another way: {others}" if others else "the secrets that it declares are all that it needs"
            raise ConfigError(
                f"nobody signs in to {plan.connector} by {way}", where="auth", hint=hint, code="sign_in.none"
            )
        return plan, credential

    def _way(self, credential: Credential, cookie: str, state: str) -> _Way:
        """The way that the cookie was given for; raises AuthenticationError where it is none that can be gone on.

        A stranger who comes back with another state does not end it: whoever was sent may still come.
        """
        try:
            way = msgspec.json.decode(base64.urlsafe_b64decode(cookie), type=_Way)
        except (ValueError, msgspec.MsgspecError):
            raise _lost("this browser did not begin the sign-in") from None
        if way.name != credential.name:
            raise _lost("the sign-in was begun for another connection")
        if self._connection.effects.now() > way.until:
            raise _lost("the sign-in took longer than ten minutes")
        if way.state in self._used:
            raise _lost("the sign-in has ended already")
        if state == way.state:  # else the kind refuses it
            self._used[way.state] = None
        if len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)
        return way

    async def _keep(
        self, plan: Plan, credential: Credential, flow: Any, show: Callable[[DeviceCode], None] = lambda _: None
    ) -> None:
        """Drives the flow to its token, and keeps that."""
        token: Token = await self._driven(plan, flow, show)
        kept = await self._connection.effects.tokens_kept().put(credential.name, token, None)
        if kept is not None:
            credential.use(kept)

    async def _driven(self, plan: Plan, flow: Any, show: Callable[[DeviceCode], None] = lambda _: None) -> Any:
        """What the flow returns; raises IntegrationError."""
        effects = self._connection.effects
        if (referred := self._connection.referred) is not None:
            await referred.ready(plan.secrets)

        async def answered(step: Any) -> Any:
            if isinstance(step, Request):
                return await ask(self._connection, plan, step)
            if (seconds := getattr(step, "seconds", None)) is None:
                return show(step)  # nothing is said to that
            await effects.sleep(seconds)
            return effects.now()

        return await driven(flow, answered, self._connection.mask)


def _lost(what: str) -> AuthenticationError:
    return AuthenticationError(what, where="sign_in.finish", hint="begin again", code="sign_in.lost")
