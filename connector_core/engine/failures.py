"""From an answer that reports an error to the exception that tells of it."""

from __future__ import annotations

import re
from typing import Any

from connector_core.engine.connection import Connection
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    ConnectionError,
    IntegrationError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    ValidationError,
    one_line,
)
from connector_core.http import RAISED, Response
from connector_core.plan import Plan

__all__ = ["EXCEPTIONS", "explained", "hide", "said", "undecodable"]

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
"""By the category that an error rule names."""
HINTS: dict[type[IntegrationError], str] = {
    AuthenticationError: "check the secrets that were passed",
    AuthorizationError: "the account lacks the permission",
    NotFoundError: "check the path and what it is filled with",
    ResponseError: "compare the spec with what the service sends",
}

_QUOTED = 10_000  # characters looked at

_URL = re.compile(r"https?://\S+")


def explained(
    kind: type[IntegrationError], connection: Connection, plan: Plan, response: Response, what: str, **about: Any
) -> IntegrationError:
    """The exception: what the service said, where, and what to do about this kind of failure."""
    url = response.request.url
    if issubclass(kind, ConnectionError):
        about["phase"] = "answered"
    about["code"] = _harmless(connection.quote(about["code"]))[:100]  # a rule may take it from the answer
    how = f"answered {response.status}"
    if response.status == RAISED:
        how = f"raised {response.headers['Exception']}"
    return kind(
        f"{plan.connector} {how}: {_harmless(connection.quote(what))}",
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


def undecodable(connection: Connection, plan: Plan, response: Response, what: str) -> IntegrationError:
    """The error for a body that is not what it should be."""
    return explained(ResponseError, connection, plan, response, what, code="response.undecodable")


def hide(connection: Connection, error: IntegrationError) -> None:
    """Takes secrets out of the URLs that an error shows: a service may have put one into a link that was followed."""

    def shown(text: str) -> str:
        return _URL.sub(lambda url: connection.quote(url[0]), text)

    error.what, error.where, error.hint = shown(error.what), shown(error.where), shown(error.hint)
    error.args = tuple(shown(part) if isinstance(part, str) else part for part in error.args)
    if isinstance(url := error.context.get("url"), str):
        error.context["url"] = shown(url)


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
    return one_line(text[:_QUOTED]).strip()[:300]
