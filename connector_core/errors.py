"""What an answer means: the declared rules first, then what HTTP says.

::

    errors:
      - {status: 404, then: skip}
      - {status: 403, when: "'rate limit' in body.message", category: rate_limit}
      - {when: "body.ok == false", category: validation, code: body.error, message: "Shop says: {{ body.error }}"}

The first rule that matches decides; an endpoint's rules come before the connector's. What no rule matches follows the
status (RFC 9110 §15).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol, Self, get_args

from msgspec import Struct
from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.address import AnswerPath
from connector_core.component import Model, suggestion
from connector_core.formats import Format, FormattedTake, take_from
from connector_core.http import RAISED
from connector_core.statuses import Statuses
from connector_core.template import Condition, Message, MissingError, Reads, Template
from connector_core.units import duration

__all__ = ["ANSWERS", "GRAPHQL", "OF_READINGS", "Category", "ErrorRule", "Outcome", "Rule", "Wait", "classify"]

Category = Literal[
    "connection", "authentication", "authorization", "validation", "not_found", "conflict", "rate_limit", "server"
]
Then = Literal["fail", "ok", "skip", "stop", "restart", "retry", "reauthenticate"]
OF_READINGS = frozenset({"skip", "stop", "restart"})
"""What a rule may say of a reading: the request has not failed, and what becomes of it the reading decides."""
ANSWERS = OF_READINGS | {"ok"}
"""What a rule may say so that the request has not failed."""

CATEGORIES: Mapping[int, Category] = {
    400: "validation", 401: "authentication", 403: "authorization", 404: "not_found", 407: "authorization",
    408: "server", 409: "conflict", 410: "not_found", 412: "conflict", 421: "server", 423: "conflict",
    425: "server", 429: "rate_limit",
}  # fmt: skip
SECONDS = Format("seconds")
RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})


class Outcome(Struct, frozen=True):
    """What one answer means; `then` is `fail` for an ordinary error."""

    then: Then
    category: Category = "server"
    code: str = ""
    message: str = ""
    """The rule's own words; empty where no rule has any."""
    retry_after: float | None = None
    """Seconds, where the rule says so."""
    retryable: bool = False
    """Whether the same request may succeed later."""


OK = Outcome("ok")


def _category(value: Any) -> Any:
    if value not in get_args(Category):
        raise PydanticCustomError(
            "category", "unknown category {got}{hint}",
            {"got": repr(value), "hint": suggestion(str(value), get_args(Category))},
        )  # fmt: skip
    return value


def _address_or_name(value: Any) -> Any:
    """An address in the answer where it looks like one, else the name itself."""
    return AnswerPath(value) if isinstance(value, str) and re.match(r"(body|header)\.", value) else value


class Wait:
    """In an annotation: a duration, an address in the answer (long or short), or a template."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_wrap_validator_function(_wait, handler.generate_schema(FormattedTake))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Text, or the mapping of the long address."""
        examples = ["30s", "header.X-Retry-In", "{{ body.minutes * 60 }}"]
        return {"anyOf": [{"type": "string", "examples": examples}, handler(schema)]}


def _wait(value: Any, mapping: Callable[[Any], FormattedTake]) -> AnswerPath | FormattedTake | Template | float:
    if isinstance(value, str) and "{{" in value:
        return Template.parse(value)
    if isinstance(value, int | float) or (isinstance(value, str) and re.match(r"[0-9]", value)):
        return _duration(value)
    return AnswerPath.parse(value) if isinstance(value, str | AnswerPath) else mapping(value)


def _duration(value: Any) -> float:
    try:
        return duration(value)
    except ValueError as error:
        code = "unit" if isinstance(value, str) else "unit_type"
        raise PydanticCustomError(code, "{why}", {"why": str(error)}) from None


class ErrorRule(Model):
    """One line of the error map: what it matches, and what that means.

    Example: `errors: [{status: 404, then: skip}]`
    """

    status: Statuses | None = None
    """The statuses it matches: a number, a class such as `5xx`, or a list; left out: any status."""
    header: dict[str, str] | None = None
    """Header values it matches, all of them, ignoring case in the names."""
    exception: str | None = None
    """The class of what an SDK raised, or one that it is derived from: its name, with its module or without."""
    when: Annotated[Condition, Reads("errors")] | None = None
    """A condition on `body`, `header` and `status`."""
    category: Annotated[Category, BeforeValidator(_category)] | None = None
    """Which exception it becomes; left out: what the status says."""
    code: Annotated[AnswerPath | str, BeforeValidator(_address_or_name)] | None = None
    """A stable name for it: text, or an address in the answer."""
    message: Annotated[Message, Reads("errors")] | None = None
    """What to tell the user."""
    retry_after: Annotated[AnswerPath | FormattedTake | Template | float, Wait(), Reads("errors")] | None = None
    """How long to wait before it is sent again: a duration, or where the answer says it (in seconds, if no format says
    otherwise; a time is waited for), or a template that gives seconds or a duration."""
    then: Then | None = None
    """`ok`: no error. `skip`: nothing to read here. `stop`: the reading ends. `restart`: it begins again from its first
    page. `retry`: it is sent again. `reauthenticate`: the credentials are refused. Left out: it is an error of the
    category."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.exception is not None and (self.status is not None or self.header):
            raise ValueError("an exception is no answer: it has no 'status' and no 'header'")
        if self.status is None and self.when is None and not self.header and self.exception is None:
            raise ValueError("matches every answer: give it a 'status', a 'header' or a 'when'")
        if self.then is None and self.category is None:
            raise ValueError("says nothing: give it a 'category', or a 'then'")
        return self

    def matches(self, status: int, scope: Mapping[str, Any]) -> bool:
        """Whether this rule speaks of that answer."""
        if not self.looks_at(status):
            return False
        if self.exception is not None and self.exception not in scope["body"]["bases"]:
            return False
        header = scope["header"]
        if self.header is not None and any(header.get(name) != value for name, value in self.header.items()):
            return False
        return self.when is None or self.when.holds(scope)

    def looks_at(self, status: int) -> bool:
        """Whether it may match an answer of that status at all."""
        if self.exception is not None:
            return status == RAISED
        return self.status is None or any(status in span for span in self.status)

    def outcome(self, status: int, scope: Mapping[str, Any], *, now: float) -> Outcome:
        """What it makes of the answer; `now` in seconds since 1970."""
        category = self.category or by_status(status).category
        return Outcome(
            then=self.then or "fail",
            category=category,
            code=self._code(scope),
            message=self.message.text(scope) if self.message is not None else "",
            retry_after=_sensible(self._waits(scope), now),
            retryable=self.then == "retry"
            or category == "rate_limit"
            or (category == "server" and status in RETRYABLE)
            or (category in ("server", "connection") and status == RAISED),
        )

    def _code(self, scope: Mapping[str, Any]) -> str:
        found = self.code.take(scope) if isinstance(self.code, AnswerPath) else self.code
        return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""

    def _waits(self, scope: Mapping[str, Any]) -> Any:
        """Seconds, or the time that is waited for; what says neither is None."""
        place = self.retry_after
        try:
            if isinstance(place, Template):
                found = place.value(scope)
                return duration(found) if isinstance(found, str) else found
            return place if isinstance(place, float | None) else take_from(place, scope, SECONDS)
        except (ValueError, MissingError):
            return None


def _sensible(wait: Any, now: float) -> float | None:
    if isinstance(wait, datetime):
        return max(0.0, wait.timestamp() - now)
    if isinstance(wait, bool) or not isinstance(wait, (int, float)) or not 0 <= wait < 1e9:  # noqa: PLR2004
        return None  # beyond it (and NaN) is nonsense, not a wait
    return float(wait)


def by_status(status: int) -> Outcome:
    """What HTTP says about a status that no rule speaks of."""
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 §15.3
        return OK
    client_error = 400 <= status < 500  # noqa: PLR2004 - RFC 9110 §15.5
    category = CATEGORIES.get(status, "validation" if client_error else "server")
    return Outcome("fail", category, f"http.{status}", retryable=status in RETRYABLE)


_NOT_CONNECTED = frozenset({"ConnectionError", "TimeoutError", "OSError"})


def by_exception(raised: Mapping[str, Any]) -> Outcome:
    """What an exception says of which no rule speaks: the network's are `connection`, wrong arguments `validation`."""
    code = f"sdk.{str(raised['exception']).rpartition('.')[2]}"
    if "TypeError" in raised["bases"]:
        return Outcome("fail", "validation", code)
    category: Category = "server" if _NOT_CONNECTED.isdisjoint(raised["bases"]) else "connection"
    return Outcome("fail", category, code, retryable=True)


class Rule(Protocol):
    """What speaks of some answers, and of what they mean."""

    def matches(self, status: int, scope: Mapping[str, Any]) -> bool:
        """Whether it speaks of that answer."""

    def looks_at(self, status: int) -> bool:
        """Whether it may speak of an answer of that status."""

    def outcome(self, status: int, scope: Mapping[str, Any], *, now: float) -> Outcome:
        """What it makes of the answer; `now` in seconds since 1970."""


GRAPHQL_CODES: Mapping[str, Category] = {
    "UNAUTHENTICATED": "authentication",
    "UNAUTHORIZED": "authentication",
    "FORBIDDEN": "authorization",
    "ACCESS_DENIED": "authorization",
    "NOT_FOUND": "not_found",
    "RATE_LIMITED": "rate_limit",
    "THROTTLED": "rate_limit",
    "MAX_COST_EXCEEDED": "validation",
    "INTERNAL_SERVER_ERROR": "server",
}
"""What services put into an error's `extensions.code`, or its `type`."""


class GraphqlErrors:
    """Errors inside an answer of status 200, after the declared rules (GraphQL spec, Response: errors)."""

    def matches(self, status: int, scope: Mapping[str, Any]) -> bool:  # noqa: ARG002 - any success
        """Whether the answer has errors."""
        body = scope["body"]
        return isinstance(body, Mapping) and bool(body.get("errors"))

    def looks_at(self, status: int) -> bool:
        """Only a success can hide errors; else HTTP has said it."""
        return 200 <= status < 300  # noqa: PLR2004 - RFC 9110 §15.3

    def outcome(self, status: int, scope: Mapping[str, Any], *, now: float) -> Outcome:  # noqa: ARG002 - a success
        """An error of the category that the first error's code names."""
        errors = scope["body"]["errors"]
        code = _graphql_code(errors[0] if isinstance(errors, list) else errors)
        category = GRAPHQL_CODES.get(code, "validation")
        return Outcome("fail", category, code or "graphql", retryable=category in ("rate_limit", "server"))


def _graphql_code(error: Any) -> str:
    if not isinstance(error, Mapping):
        return ""
    extensions = error.get("extensions")
    found = extensions.get("code") if isinstance(extensions, Mapping) else None
    found = found if found is not None else error.get("type")
    return found if isinstance(found, str) else ""


GRAPHQL = GraphqlErrors()


def classify(rules: Sequence[Rule], status: int, scope: Mapping[str, Any], *, now: float) -> Outcome:
    """What the answer means; `scope` holds its `status`, `header` and decoded `body` besides config and endpoint.

    `now` is in seconds since 1970.
    """
    for rule in rules:
        if rule.matches(status, scope):
            return rule.outcome(status, scope, now=now)
    return by_exception(scope["body"]) if status == RAISED else by_status(status)
