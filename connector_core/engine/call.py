"""One request, seen through, here and nowhere else.

availability → circuit → rate limit → sign → send → observe → decode → classify → retry
"""

from __future__ import annotations

import re
from typing import Any, Never
from urllib.parse import urljoin

from msgspec import Struct
from msgspec.structs import replace

from connector_core import retry
from connector_core.decode import UndecodableError
from connector_core.engine.circuits import Passage
from connector_core.engine.connection import Connection
from connector_core.engine.pace import Permit
from connector_core.engine.telling import Tale
from connector_core.engine.upload import prepared, spent
from connector_core.engine.wire import target
from connector_core.errors import OK, Outcome, classify
from connector_core.events import AnswerRepaired, RetryScheduled
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConfigError,
    ConflictError,
    ConnectionError,
    IntegrationError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    ValidationError,
)
from connector_core.http import Request, Response, as_sent
from connector_core.plan import Plan

__all__ = ["UNREAD", "Answered", "answer_scope", "decoded", "exchange", "said", "undecodable"]

EXCEPTIONS: dict[str, type[IntegrationError]] = {
    "connection": ConnectionError,
    "authentication": AuthenticationError,
    "authorization": AuthorizationError,
    "validation": ValidationError,
    "not_found": NotFoundError,
    "conflict": ConflictError,
    "rate_limit": RateLimitError,
    "server": ServerError,
}
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10


class Answered(Struct, frozen=True):
    """An answer that is no error, with what it means and how many attempts it took."""

    response: Response
    outcome: Outcome
    attempts: int
    body: Any = None
    """The decoded body, if it had to be looked at already; else UNREAD."""


UNREAD: Any = object()
"""Stands for a body that nobody has decoded yet: that is left to the moment when it is used, since a decoded page takes
several times the memory of its bytes."""


async def exchange(
    connection: Connection, plan: Plan, request: Request, scope: dict[str, Any], why: str = "", *,
    conditional: bool = False,
) -> Answered:  # fmt: skip
    """The answer to a request, after as many attempts as are harmless and useful; raises IntegrationError.

    `why` says in words what the request is for, to whoever listens. `conditional`: it asks whether what is kept still
    holds, and 304 is an answer to that.
    """
    if not connection.effects.listeners:
        return await _exchanged(connection, plan, request, scope, None, conditional)
    with Tale(connection, plan, why) as tale:
        return await _exchanged(connection, plan, request, scope, tale, conditional)


async def _exchanged(  # noqa: C901 - the one visible order
    connection: Connection, plan: Plan, request: Request, scope: dict[str, Any], tale: Tale | None, conditional: bool
) -> Answered:
    effects = connection.effects
    if request.body is not None:
        request = prepared(request, effects.unique)
    started = effects.monotonic()
    attempt = 0
    way = _Way(request)
    way.tale = tale
    while True:
        attempt += 1
        if connection.gate.watched:
            await connection.gate.check(plan.endpoint)
        with connection.circuits.enter(plan, way.request) as way.passage:
            try:
                response = await _send(connection, plan, way, scope, attempt)
            except ConnectionError as error:
                way.passage.failed(error)
                failure = retry.Failure(error.phase, error.retryable)
                problem: IntegrationError = error
            else:
                good = 200 <= response.status < 300 and not plan.judges_success  # noqa: PLR2004 - RFC 9110 §15.3
                if good or (conditional and response.status == 304):  # noqa: PLR2004 - RFC 9110 §15.4.5
                    way.passage.answered(OK, response.elapsed)
                    return Answered(response, OK, attempt, UNREAD)
                body = _decoded(connection, plan, response)
                outcome = await _meant(plan, way, response, body, scope, effects.now())
                way.passage.answered(outcome, response.elapsed)
                if outcome.then in ("ok", "skip", "stop"):
                    return Answered(response, outcome, attempt, body)
                failure, problem = _failed(connection, plan, response, body, outcome)
                del body, outcome  # they may repeat a secret, and tools show the variables beside a traceback
        seconds = retry.wait(
            failure,
            attempt=attempt,
            idempotent=plan.idempotent or way.acted,
            elapsed=effects.monotonic() - started - way.waited,
            dice=effects.dice,
        )
        if seconds is None:
            _give_up(problem, plan, attempt)
        if (closed := way.passage.closed_for()) > seconds:
            _give_up(problem, plan, attempt, f"not sent again: the circuit is open for {closed:.0f} s")
        if spent(way.request):
            _give_up(problem, plan, attempt, "not sent again: a file in it can be read only once")
        connection.announce(RetryScheduled, plan.endpoint, attempt=attempt, wait=seconds, reason=problem.what)
        await effects.sleep(seconds)


def _give_up(problem: IntegrationError, plan: Plan, attempts: int, why: str = "") -> Never:
    problem.context |= {"connector": plan.connector, "endpoint": plan.endpoint, "attempts": attempts}
    if attempts > 1 or why:
        problem.args = (f"{problem} — {why or f'gave up after {attempts} attempts'}",)
    raise problem


# ── send ──────────────────────────────────────────────────────────────────────────────────────────


class _Way:
    """How far a request has come: what a service has acted on and redirected is not sent to it again."""

    def __init__(self, request: Request) -> None:
        self.request = request
        """What is sent next; a repetition begins here."""
        self.tale: Tale | None = None
        """Who tells of it; None: nobody listens."""
        self.acted = False
        """Whether the service has acted, and the answer is to be fetched with GET."""
        self.permit: Permit | None = None
        """What its rate limits gave it; None: there are none."""
        self.passage: Passage
        """What its circuit gave it for this attempt."""
        self.waited = 0.0
        """Seconds that it stood in line for that, all attempts together."""

    def redirected(self, moved: Request) -> None:
        """Notes where the answer to a write is; a read begins anew, since it may be sent elsewhere next time."""
        if self.request.method != "GET":
            self.request, self.acted = moved, moved.method == "GET"


async def _send(connection: Connection, plan: Plan, way: _Way, scope: dict[str, Any], attempt: int) -> Response:
    """The answer after redirects; the permit is held until the last byte is here."""
    pace = connection.pace(plan)
    if pace is None:
        return await _followed(connection, plan, way, attempt)
    async with await pace.admit(scope, way.waited) as permit:
        way.permit, way.waited = permit, way.waited + permit.waited
        way.passage.enter()  # while it stood in line, the circuit may have opened
        response = await _followed(connection, plan, way, attempt)
        if not plan.learns:  # else it is learned from when the body is decoded
            await permit.observe(response, scope)
        return response


async def _followed(connection: Connection, plan: Plan, way: _Way, attempt: int) -> Response:
    request, response = way.request, None
    for hop in range(MAX_REDIRECTS + 1):
        if (prepare := connection.plugins.prepare_request) is not None:
            request = prepare(connector=plan.connector, endpoint=plan.endpoint, request=request)
        request, trusted = connection.admit(request, plan.endpoint)
        if response is not None:
            _check_address(request, response, plan)
        signed = await _signed(connection, plan, request) if trusted and plan.signs else request
        if way.tale is not None:
            response = await way.tale.send(signed, attempt, redirected=hop > 0)
        else:
            response = await connection.transport.send(signed)
        if (observe := connection.plugins.observe_response) is not None:
            observe(connector=plan.connector, endpoint=plan.endpoint, response=response)
        if response.status not in REDIRECTS or "Location" not in response.headers:
            return response
        request = _redirected(request, response, plan)
        way.redirected(request)
    raise ResponseError(
        f"{plan.connector} redirects more than {MAX_REDIRECTS} times",
        where=f"{plan.endpoint}: {request.method} {request.url}",
        code="redirect.loop",
    )


async def _signed(connection: Connection, plan: Plan, request: Request) -> Request:
    """Runs the sign-in flow: sends what it asks for, until it returns the signed request."""
    flow = plan.auth.flow(connection.session, request, connection.effects.now())
    try:
        asked = next(flow)
        while True:
            connection.admit(asked, plan.endpoint)
            asked = flow.send(await connection.transport.send(asked))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # what the generator returns


def _redirected(request: Request, response: Response, plan: Plan) -> Request:
    """The request that a redirect leads to; a POST is never quietly turned into a GET, except by 303."""
    try:
        moved = request.followed(urljoin(response.request.url, as_sent(response.headers["Location"])))
    except ValueError:
        raise _no_address(response, plan) from None
    if request.method == "GET" or response.status in (307, 308):
        return moved
    if response.status == 303:  # noqa: PLR2004 - RFC 9110 §15.4.4: the answer is found there with GET
        kept = {name: value for name, value in moved.headers.items() if name.lower() != "content-type"}
        return replace(moved, method="GET", headers=kept, body=None, encoding=None)
    raise ResponseError(
        f"{plan.connector} answers {request.method} with a redirect ({response.status}) to {moved.url}",
        where=f"{plan.endpoint}: {request.method} {request.url}",
        hint="a redirect would drop what was sent; write the new address into the spec",
        code="redirect.write",
    )


def _check_address(moved: Request, response: Response, plan: Plan) -> None:
    """Raises where a redirect leads to what can't be sent: that is the service's mistake, and not the user's."""
    try:
        target(moved)
    except ConfigError as error:
        raise _no_address(response, plan, f": {error.what}") from None


def _no_address(response: Response, plan: Plan, why: str = "") -> ResponseError:
    request = response.request
    return ResponseError(
        f"{plan.connector} redirects to what is no address{why}",
        where=f"{plan.endpoint}: {request.method} {request.url}",
        hint="write the address that works into the spec, or tell the service's operator",
        code="redirect.invalid",
    )


# ── decode and classify ───────────────────────────────────────────────────────────────────────────


class _Unreadable(Struct, frozen=True):
    """Stands for a body that could not be decoded, until it is known whether that matters."""

    what: str


def _decoded(connection: Connection, plan: Plan, response: Response) -> Any:
    if not response.content and (response.status in (204, 205, 304) or not plan.readable):
        return None
    read = plan.decode if 200 <= response.status < 300 else plan.decode_error  # noqa: PLR2004 - RFC 9110 §15.3
    try:
        body, repair = read(response.content)
    except UndecodableError as error:
        return _Unreadable(str(error))
    if repair:
        connection.announce(AnswerRepaired, plan.endpoint, repair=repair)
    return body


async def _meant(plan: Plan, way: _Way, response: Response, body: Any, scope: dict[str, Any], now: float) -> Outcome:
    """What the answer means; where the rate limit is its reason, all who share it wait."""
    outcome = _classified(plan, response, body, scope, now)
    if (permit := way.permit) is not None:
        if plan.learns:
            await permit.observe(response, scope, body)
        if outcome.category == "rate_limit" and outcome.then not in ("ok", "skip", "stop"):
            await permit.refused(_hint(response, outcome, now))
    return outcome


def _hint(response: Response, outcome: Outcome, now: float) -> float | None:
    """Seconds that the service asks for."""
    declared = outcome.retry_after
    return declared if declared is not None else retry.retry_after(response.headers.get("Retry-After"), now)


def _classified(plan: Plan, response: Response, body: Any, scope: dict[str, Any], now: float) -> Outcome:
    known = response.content.decode("utf-8", "replace") if isinstance(body, _Unreadable) else body
    return classify(plan.rules, response.status, {**scope, **answer_scope(response, known)}, now=now)


def decoded(connection: Connection, plan: Plan, answered: Answered) -> Any:
    """The answer's body; raises ResponseError where it can't be read."""
    body = _decoded(connection, plan, answered.response) if answered.body is UNREAD else answered.body
    if isinstance(body, _Unreadable):
        raise undecodable(connection, plan, answered.response, body.what)
    return body


def undecodable(connection: Connection, plan: Plan, response: Response, what: str) -> IntegrationError:
    """The error for a body that is not what it should be."""
    return _explained(ResponseError, connection, plan, response, what, code="response.undecodable")


def answer_scope(response: Response, body: Any) -> dict[str, Any]:
    """The names that an answer adds."""
    return {"body": body, "header": response.headers, "status": response.status}


def _failed(
    connection: Connection, plan: Plan, response: Response, body: Any, outcome: Outcome
) -> tuple[retry.Failure, IntegrationError]:
    hint = _hint(response, outcome, connection.effects.now())
    failure = retry.Failure(
        "answered",
        retryable=outcome.retryable,
        status=429 if outcome.category == "rate_limit" else response.status,
        hint=hint,
        declared=outcome.then == "retry",
    )
    what = outcome.message or said(body) or _nothing_said(response, body)
    category = "authentication" if outcome.then == "reauthenticate" else outcome.category
    return failure, _explained(
        EXCEPTIONS[category], connection, plan, response, what, code=outcome.code,
        retryable=outcome.retryable, retry_after=hint,
    )  # fmt: skip


def _explained(
    kind: type[IntegrationError], connection: Connection, plan: Plan, response: Response, what: str, **about: Any
) -> IntegrationError:
    """The exception: what the service said, where, and what to do about this kind of failure."""
    url = response.request.url
    if issubclass(kind, ConnectionError):
        about["phase"] = "answered"
    about["code"] = _harmless(connection.mask(about["code"]))[:100]  # a rule may take it from the answer
    return kind(
        f"{plan.connector} answered {response.status}: {_harmless(connection.mask(what))}",
        where=f"{plan.endpoint}: {response.request.method} {url}",
        hint=HINTS.get(kind, ""),
        context={
            "status": response.status,
            "method": response.request.method,
            "url": url,
            "connection": connection.name,
        },
        **about,
    )


_QUOTED = 10_000  # characters looked at

HINTS: dict[type[IntegrationError], str] = {
    AuthenticationError: "check the secrets that were passed",
    AuthorizationError: "the account lacks the permission",
    NotFoundError: "check the path and what it is filled with",
    ResponseError: "compare the spec with what the service sends",
}


def said(body: Any, depth: int = 4) -> str:
    """What the service says about the error, where services usually say it (RFC 9457 among them)."""
    if isinstance(body, str):
        return body
    for key in ("message", "error_description", "detail", "title", "error", "errors"):
        found = body.get(key) if isinstance(body, dict) else None
        while isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict) and depth:
            found = said(found, depth - 1)
        if isinstance(found, str) and found.strip():
            return found
    return ""


def _harmless(text: str) -> str:
    """What a stranger wrote as one line of bearable length that no terminal obeys."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+", " ", text[:_QUOTED]).strip()[:300]


def _nothing_said(response: Response, body: Any) -> str:
    if isinstance(body, _Unreadable) and response.content:
        return re.sub(r", where \w+ is expected$", "", body.what)
    return "without a reason"
