"""One request, seen through in one order, here and nowhere else.

::

    deadline → availability → circuit → rate limit → sign → send → observe → decode → classify → retry
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Never

from msgspec import Struct

from connector_core.auth import Token
from connector_core.decode import UndecodableError
from connector_core.engine.circuits import Passage
from connector_core.engine.connection import Connection
from connector_core.engine.failures import EXCEPTIONS, explained, hide, said, undecodable
from connector_core.engine.pace import Permit
from connector_core.engine.redirects import MAX_REDIRECTS, REDIRECTS, check_address, redirected
from connector_core.engine.signing import ask, sign, signs_better
from connector_core.engine.telling import Tale
from connector_core.engine.until import in_time, until
from connector_core.engine.upload import prepared, spent
from connector_core.errors import ANSWERS, OK, Outcome, classify
from connector_core.events import AnswerRepaired, GaveUp, RetryScheduled
from connector_core.exceptions import ConnectionError, IntegrationError, ResponseError, TimeoutError
from connector_core.http import Request, Response
from connector_core.plan import Plan
from connector_core.retry import Failure, retry_after

__all__ = ["UNREAD", "Answered", "answer_scope", "decoded", "exchange", "refused"]

CONFLICT = 409
"""What is answered to a known key while the service still acts on it (draft-ietf-httpapi-idempotency-key)."""


class Answered(Struct, frozen=True):
    """An answer that is no error, with what it means and how many attempts it took."""

    response: Response
    outcome: Outcome
    attempts: int
    body: Any = None
    """The decoded body, if it had to be looked at already; else UNREAD."""
    redirected: bool = False
    """Whether it is the answer of another address, or to another query, than what was asked for."""


UNREAD: Any = object()
"""Stands for a body that nobody has decoded yet: that is left to the moment when it is used, since a decoded page takes
several times the memory of its bytes."""


async def exchange(
    connection: Connection, plan: Plan, request: Request, scope: dict[str, Any], why: str = "", *,
    conditional: bool = False, anew: Callable[[], Request] | None = None,
) -> Answered:  # fmt: skip
    """The answer to a request, after as many attempts as are harmless and useful; raises IntegrationError.

    `why` says in words what the request is for, to whoever listens. `conditional`: it asks whether what is kept still
    holds, and 304 is an answer to that. `anew` composes the request once more, for a service that refuses a secret in
    it; None: it stays as it is.
    """
    anew = anew or (lambda: request)
    try:
        if not connection.effects.listeners:
            return await _exchanged(connection, plan, (request, anew), scope, None, conditional)
        with Tale(connection, plan, why) as tale:
            return await _exchanged(connection, plan, (request, anew), scope, tale, conditional)
    except IntegrationError as error:
        hide(connection, error)
        raise


async def _exchanged(
    connection: Connection, plan: Plan, composed: tuple[Request, Callable[[], Request]], scope: dict[str, Any],
    tale: Tale | None, conditional: bool,
) -> Answered:  # fmt: skip
    effects = connection.effects
    key, held = effects.unique() if plan.idempotency is not None else "", dict[int, Any]()

    def ready(request: Request) -> Request:
        if plan.idempotency is not None:
            request = plan.idempotency.keyed(request, scope, key)
        return request if request.body is None else prepared(request, effects.unique, held)

    way = _Way(*composed, ready, effects.monotonic())
    way.tale = tale
    while True:
        way.attempt += 1
        await way.open(connection, plan)
        with connection.circuits.enter(plan, way.request) as way.passage:
            try:
                response = await _send(connection, plan, way, scope)
            except ConnectionError as error:
                if not way.signing:  # else it is the sign-in that cannot be reached
                    way.passage.failed(error)
                failure = Failure(error.phase, error.retryable, timed_out=isinstance(error, TimeoutError))
                problem: IntegrationError = error
            else:
                found = await _judged(connection, plan, way, response, scope, conditional=conditional)
                if found is None:
                    continue
                if isinstance(found, Answered):
                    return found
                failure, problem = found
        seconds = _again(connection, plan, way, failure)
        if isinstance(seconds, str):
            _give_up(connection, plan, way, problem, seconds)
        connection.announce(RetryScheduled, plan.endpoint, attempt=way.attempt, wait=seconds, reason=problem.what)
        await effects.sleep(seconds)


async def _judged(
    connection: Connection, plan: Plan, way: _Way, response: Response, scope: dict[str, Any], *, conditional: bool
) -> Answered | tuple[Failure, IntegrationError] | None:
    """What the answer is: one, or a failure; None: the request is sent once more, signed anew."""
    good = 200 <= response.status < 300 and not plan.judges_success  # noqa: PLR2004 - RFC 9110 §15.3
    if good or (conditional and response.status == 304):  # noqa: PLR2004 - RFC 9110 §15.4.5
        way.passage.answered(OK, response.elapsed)
        _taken(connection, plan, way)
        return Answered(response, OK, way.attempt, UNREAD, way.moved)
    body = _decoded(connection, plan, response)
    outcome = await _meant(plan, way, response, body, scope, connection.effects.now())
    if response.status != 304:  # noqa: PLR2004 - that nobody asked for: no outage
        way.passage.answered(outcome, response.elapsed)
    if outcome.then in ANSWERS:
        _taken(connection, plan, way)
        return Answered(response, outcome, way.attempt, body, way.moved)
    if await _signs_anew(connection, plan, way, response, outcome):
        return None
    return _failed(connection, plan, way, response, body, outcome)


def _taken(connection: Connection, plan: Plan, way: _Way) -> None:
    """Notes that the service took the request, and what it was signed with."""
    connection.repetitions.succeeded(way.request, way.spent)
    if way.token is not None:
        connection.credential(plan, ask).worked(way.token)


async def _signs_anew(connection: Connection, plan: Plan, way: _Way, response: Response, outcome: Outcome) -> bool:
    """Whether the service refuses what the request was signed with, and it is sent once more, signed anew."""
    if way.signed_anew or outcome.then in ANSWERS:
        return False
    if outcome.category != "authentication" and outcome.then != "reauthenticate":
        return False
    better = await signs_better(connection, plan, response, way.token, way.changes)
    if not spent(way.request):
        composed = connection.referred is not None and way.composed_anew()
        way.signed_anew = composed or (better and plan.signs)
    return way.signed_anew


def _again(connection: Connection, plan: Plan, way: _Way, failure: Failure) -> float | str:
    """Seconds before the next attempt, or why there is none."""
    now = connection.effects.monotonic()
    seconds = plan.retry.wait(
        failure,
        attempt=way.attempt - way.signed_anew,
        idempotent=plan.idempotent or way.acted,
        elapsed=now - way.started - way.waited,
        dice=connection.effects.dice,
    )
    if isinstance(seconds, str):
        return seconds
    if (closed := way.passage.closed_for()) > seconds:
        return f"not sent again: the circuit is open for {closed:.0f} s"
    if now + seconds >= until():
        return "not sent again: the time that the caller gave is over before that"
    if spent(way.request):
        return "not sent again: a file in it can be read only once"
    if (cost := connection.repetitions.spend(way.request, failure)) is None:
        return "not sent again: too much that was sent to this host has failed"
    way.spent = cost
    return seconds


def _give_up(connection: Connection, plan: Plan, way: _Way, problem: IntegrationError, why: str) -> Never:
    problem.context |= {"connector": plan.connector, "endpoint": plan.endpoint, "attempts": way.attempt}
    if way.attempt > 1 or why:
        why = why or f"gave up after {way.attempt} attempts"
        problem.args = (f"{problem} — {why}",)
        connection.announce(GaveUp, plan.endpoint, attempts=way.attempt, code=problem.code, reason=why)
    raise problem


# ── send ──────────────────────────────────────────────────────────────────────────────────────────


class _Way:
    """How far a request has come: what a service has acted on and redirected is not sent to it again."""

    def __init__(
        self, composed: Request, anew: Callable[[], Request], ready: Callable[[Request], Request], now: float
    ) -> None:
        """`composed`: as the spec says, which `anew` gives once more; `ready` makes it one for several attempts."""
        self._composed, self._anew, self._ready = composed, anew, ready
        self.started, self.attempt = now, 0
        self.request = ready(composed)
        """What is sent next; a repetition begins here."""
        self.tale: Tale | None = None
        """Who tells of it; None: nobody listens."""
        self.moved = False
        """Whether this attempt was redirected."""
        self.token: Token | None = None
        """What it was signed with."""
        self.signing = False
        """Whether it is being signed, so that what fails is that."""
        self.signed_anew = False
        """Whether the service refused that, and it was signed once more."""
        self.acted = False
        """Whether the service has acted, and the answer is to be fetched with GET."""
        self.permit: Permit | None = None
        """What its rate limits gave it; None: there are none."""
        self.passage: Passage
        """What its circuit gave it for this attempt."""
        self.waited = 0.0
        """Seconds that it stood in line for that, all attempts together."""
        self.spent = 0.0
        """What its last repetition took of the quota."""

        self.changes = 0
        """How many of the referred secrets had become others by then."""

    async def open(self, connection: Connection, plan: Plan) -> None:
        """Raises where it may not be used now; has the secrets that it is signed with."""
        if connection.gate.watched:
            await connection.gate.check(plan.endpoint)
        if (referred := connection.referred) is not None:
            await referred.ready(plan.secrets)
            self.changes = referred.changes

    def composed_anew(self) -> bool:
        """Has it composed with what its secrets are now; whether it is another request than the one before."""
        if self.acted or (composed := self._anew()) == self._composed:
            return False
        self._composed, self.request = composed, self._ready(composed)
        return True

    def redirected(self, moved: Request) -> None:
        """Notes where the answer to a write is; a read begins anew, since it may be sent elsewhere next time."""
        if self.request.method != "GET":
            self.request, self.acted = moved, moved.method == "GET"


async def _send(connection: Connection, plan: Plan, way: _Way, scope: dict[str, Any]) -> Response:
    """The answer after redirects; the permit is held until the last byte is here."""
    pace = connection.pace(plan)
    if pace is None:
        return await _followed(connection, plan, way, scope)
    async with await pace.admit(scope, way.waited) as permit:
        way.permit, way.waited = permit, way.waited + permit.waited
        way.passage.enter()  # while it stood in line, the circuit may have opened
        response = await _followed(connection, plan, way, scope)
        if not plan.learns:  # else it is learned from when the body is decoded
            await permit.observe(response, scope)
        return response


async def _followed(connection: Connection, plan: Plan, way: _Way, scope: dict[str, Any]) -> Response:
    request, response, way.moved = way.request, None, False
    for hop in range(MAX_REDIRECTS + 1):
        led_by = ""
        if (prepare := connection.plugins.prepare_request) is not None:
            asked, request = request, prepare(connector=plan.connector, endpoint=plan.endpoint, request=request)
            led_by = " by prepare_request" if request.url != asked.url else ""
        request, trusted = connection.hosts.admit(request, plan.endpoint, led_by)
        if response is not None:
            check_address(request, response, plan)
        if response is not None or led_by:
            way.passage.leads_to(request, response)
        way.signing = True
        signed, way.token = await sign(connection, plan, request, scope) if trusted and plan.signs else (request, None)
        way.signing = False
        signed = in_time(signed, connection.effects.monotonic())
        if way.tale is not None:
            response = await way.tale.send(signed, way.attempt, redirected=hop > 0)
        else:
            response = await connection.transport.send(signed)
        if (observe := connection.plugins.observe_response) is not None:
            observe(connector=plan.connector, endpoint=plan.endpoint, response=response)
        if response.status not in REDIRECTS or "Location" not in response.headers:
            return response
        request = redirected(request, response, plan)
        way.moved = True
        if way.permit is not None:
            way.permit.is_sent = True
        way.redirected(request)
    raise ResponseError(
        f"{plan.connector} redirects more than {MAX_REDIRECTS} times",
        where=f"{plan.endpoint}: {request.method} {request.url}",
        code="redirect.loop",
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
        if outcome.category == "rate_limit" and outcome.then not in ANSWERS:
            await permit.refused(_hint(response, outcome, now))
    return outcome


def _hint(response: Response, outcome: Outcome, now: float) -> float | None:
    """Seconds that the service asks for."""
    declared = outcome.retry_after
    return declared if declared is not None else retry_after(response.headers.get("Retry-After"), now)


def _classified(plan: Plan, response: Response, body: Any, scope: dict[str, Any], now: float) -> Outcome:
    known = response.content.decode("utf-8", "replace") if isinstance(body, _Unreadable) else body
    return classify(plan.rules, response.status, {**scope, **answer_scope(response, known)}, now=now)


def decoded(connection: Connection, plan: Plan, answered: Answered) -> Any:
    """The answer's body; raises ResponseError where it can't be read."""
    body = _decoded(connection, plan, answered.response) if answered.body is UNREAD else answered.body
    if isinstance(body, _Unreadable):
        raise undecodable(connection, plan, answered.response, body.what)
    return body


def refused(connection: Connection, plan: Plan, answered: Answered) -> IntegrationError:
    """The error for an answer of which a rule says what cannot be done."""
    response, outcome = answered.response, answered.outcome
    code = outcome.code or f"http.{response.status}"
    return _meaning(connection, plan, response, answered.body, outcome, code=code)


def _meaning(
    connection: Connection, plan: Plan, response: Response, body: Any, outcome: Outcome, **about: Any
) -> IntegrationError:
    """The exception that the outcome is."""
    what = outcome.message or said(body) or _nothing_said(response, body)
    category = "authentication" if outcome.then == "reauthenticate" else outcome.category
    return explained(EXCEPTIONS[category], connection, plan, response, what, retryable=outcome.retryable, **about)


def answer_scope(response: Response, body: Any) -> dict[str, Any]:
    """The names that an answer adds."""
    return {"body": body, "header": response.headers, "status": response.status}


def _failed(
    connection: Connection, plan: Plan, way: _Way, response: Response, body: Any, outcome: Outcome
) -> tuple[Failure, IntegrationError]:
    hint = _hint(response, outcome, connection.effects.now())
    under_way = plan.idempotency is not None and way.attempt > 1 and response.status == CONFLICT
    failure = Failure(
        "answered",
        retryable=outcome.retryable,
        status=429 if outcome.category == "rate_limit" else response.status,
        hint=hint,
        declared=outcome.then == "retry" or (under_way and outcome.then == "fail"),
    )
    return failure, _meaning(connection, plan, response, body, outcome, code=outcome.code, retry_after=hint)


def _nothing_said(response: Response, body: Any) -> str:
    if isinstance(body, _Unreadable) and response.content:
        return re.sub(r", where \w+ is expected$", "", body.what)
    return "without a reason"
