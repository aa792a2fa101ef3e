"""Signing a request: with what is known, with a token that is asked for first, or after a talk with the service.

What a kind asks on the way is sent here: to the addresses that the spec declares for it and to no other, without
following redirects, and again where that is harmless and useful.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec.structs import replace

from connector_core.auth import Auth, Session, Token
from connector_core.engine.account import Account
from connector_core.engine.connection import Connection
from connector_core.engine.credentials import driven
from connector_core.engine.telling import Tale
from connector_core.engine.until import in_time
from connector_core.exceptions import ConnectionError, IntegrationError, ResponseError, TimeoutError
from connector_core.http import Request, Response, origin
from connector_core.plan import Plan
from connector_core.retry import Exponential, Failure, Retry, retry_after

__all__ = ["ask", "sign", "signs_better"]

PATIENCE = 30.0
"""Seconds for one request on the way to a token, where the kind gives none."""
MANY, SERVER = 429, 500


async def sign(
    connection: Connection, plan: Plan, request: Request, scope: Mapping[str, Any]
) -> tuple[Request, Token | None]:
    """The signed request, and the token that it is signed with, if any."""
    auth = plan.auth
    shared = await connection.credential(plan, ask).ready(plan)
    session = Session(scope, shared.learnt, shared.token, shared.unique, shared.mask, base_url=shared.base_url)
    now = connection.effects.now()
    if type(auth).flow is Auth.flow:
        return auth.sign(session, request, now), session.token
    flow = auth.flow(session, request, now)
    signed = await driven(flow, lambda asked: ask(connection, plan, asked), connection.mask)
    return signed, session.token


async def signs_better(
    connection: Connection, plan: Plan, response: Response, token: Token | None, changes: int
) -> bool:
    """The service refuses the credentials: whether the request, signed anew, may be accepted.

    `changes`: how many of the referred secrets had become others when it was signed.
    """
    credential, referred = connection.credential(plan, ask), connection.referred
    if credential.refused(token) or plan.auth.challenged(credential.session, response):
        if referred is not None and plan.own_secrets != frozenset():  # which of the two is refused, nobody says
            await referred.renewed(plan.own_secrets, changes)
        return True
    return referred is not None and await referred.renewed(plan.secrets, changes)


async def ask(account: Account, plan: Plan, request: Request) -> Response:
    """The answer to what a kind asks, whatever its status; raises IntegrationError where none comes."""
    _check_home(account, plan, request)
    retry, effects = _retry(), account.effects
    begun, attempt = effects.monotonic(), 0
    request = request if request.timeout is not None else _patient(request)
    with Tale(account, plan, "sign-in") as tale:
        while True:
            attempt += 1
            problem: IntegrationError | None = None
            try:
                response = await tale.send(in_time(request, effects.monotonic()), attempt, redirected=False)
            except ConnectionError as error:
                problem = error
                failure = Failure(error.phase, error.retryable, timed_out=isinstance(error, TimeoutError))
            else:
                if response.status < SERVER and response.status != MANY:
                    return response
                hint = retry_after(response.headers.get("Retry-After"), effects.now())
                failure = Failure("answered", retryable=True, status=response.status, hint=hint)
            elapsed = effects.monotonic() - begun
            seconds = retry.wait(failure, attempt=attempt, idempotent=True, elapsed=elapsed, dice=effects.dice)
            if isinstance(seconds, str):
                if problem is not None:
                    raise problem
                return response
            await effects.sleep(seconds)


def _patient(request: Request) -> Request:
    return replace(request, timeout=PATIENCE)


@cache
def _retry() -> Retry:
    return Exponential.model_validate({"attempts": 3, "total": "30s"})


def _check_home(account: Account, plan: Plan, request: Request) -> None:
    """Raises ResponseError for an address that the spec does not declare: it may come from an answer."""
    try:
        home = origin(request.url)
    except ValueError:
        home = "what is no address"
    if home not in account.sign_in_homes(plan):
        raise ResponseError(
            f"{plan.connector}'s sign-in was led to {home}, which is not one of its addresses",
            where=f"{plan.endpoint}: {request.method} {request.url}",
            hint="compare auth with what the service sends",
            code="host.not_allowed",
        )
