"""From the answer of a token endpoint to a token, or to the error that it is (RFC 6749 §5).

Services answer in many ways: errors with status 200, forms instead of JSON, web pages. What they say is quoted as one
short line, without what was sent to them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

from connector_core.address import MISSING
from connector_core.auth.token import Token
from connector_core.decode.family import UndecodableError
from connector_core.decode.instead import html
from connector_core.decode.json_body import decode_json
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    IntegrationError,
    RateLimitError,
    ResponseError,
    ServerError,
    one_line,
)
from connector_core.formats import Format
from connector_core.http import Request, Response

if TYPE_CHECKING:
    from connector_core.auth.oauth2.fields import TokenParts

__all__ = ["GONE", "GOOD", "error_in", "name_of", "refused", "token_in"]

Mask = Callable[[str], str]

LARGEST = 1 << 20
"""Bytes of an answer that are read."""
QUOTED = 200
"""Characters of what a service says that are shown."""
GOOD, UNKNOWN, MANY, SERVER = range(200, 300), 401, 429, 500
SECONDS = Format("seconds")

GONE = frozenset({"invalid_grant", "invalid_refresh_token", "bad_refresh_token", "token_expired", "token_revoked"})
"""What services call a code or a refresh token that serves no more."""
_CLIENT = frozenset({"invalid_client", "unauthorized_client", "invalid_client_id", "incorrect_client_credentials"})
_KNOWN = GONE | _CLIENT | {
    "access_denied", "authorization_pending", "consent_required", "expired_token", "interaction_required",
    "invalid_request", "invalid_scope", "invalid_target", "login_required", "server_error", "slow_down",
    "temporarily_unavailable", "unsupported_grant_type", "unsupported_response_type",
}  # fmt: skip
"""Errors that make a code of their own (RFC 6749, RFC 8628, RFC 8707, OpenID Connect); others are `oauth.refused`."""
_SECRETS = frozenset(
    {
        "assertion", "client_assertion", "client_secret", "code", "code_verifier", "device_code", "password",
        "refresh_token", "token", "username",
    }
)  # fmt: skip
"""Parameters whose values no message shows."""


def token_in(response: Response, parts: TokenParts, now: float, mask: Mask = str) -> Token:
    """The token that the answer gives; raises IntegrationError where it gives none.

    `mask`: see Session; what the service says goes through it.
    """
    body = _read(response, mask)
    if (error := error_in(response, mask, body)) is not None:
        raise error
    scope = {"body": body, "header": response.headers}
    access, refresh = parts.access.take(scope), parts.refresh.take(scope)
    if not isinstance(access, str) or not access.strip():
        raise _unfit(
            response,
            f"has no token at {parts.access}",
            code="oauth.no_token",
            hint="say with auth.token.access where it stands",
        )
    answer = body if isinstance(body, dict) else {}
    kept = refresh if isinstance(refresh, str) and refresh else None
    return Token(access, kept, _end(response, parts, scope, now), now, answer)


def _end(response: Response, parts: TokenParts, scope: dict[str, Any], now: float) -> float | None:
    """When the token ends; nothing, null, an empty text and 0 say nothing."""
    otherwise = None if parts.lifetime is None else now + parts.lifetime
    place = parts.expires.take if parts.expires is not None else None
    found = place.take(scope) if place is not None else scope["body"].get("expires_in")
    if found in (MISSING, None, "", 0, "0"):
        return otherwise
    form = parts.expires.format if parts.expires is not None else SECONDS
    try:
        read = form.read(found)
    except ValueError as wrong:
        what = f"says when the token ends in another form: {wrong}"
        raise _unfit(
            response,
            what,
            code="oauth.expires",
            hint="say with auth.token.expires where that stands, and in what format",
        ) from None
    if isinstance(read, datetime):
        return read.timestamp()
    return now + read if read > 0 else otherwise


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def _read(response: Response, mask: Mask) -> Any:
    """The answer's object, whichever of the usual forms it has; raises IntegrationError where it has none."""
    if response.size > LARGEST:
        raise _unfit(response, f"sent {response.size} bytes, where a token is expected", code="oauth.too_large")
    content = response.content
    if response.status >= SERVER or response.status == MANY or not content.strip():
        return _readable(content) or {}
    body = _readable(content)
    if isinstance(body, dict):
        return body
    if response.status not in GOOD:
        return {}
    found = html(mask(content.decode("utf-8", "replace")).encode()) or (
        "a list" if isinstance(body, list) else "neither JSON nor a form"
    )
    raise _unfit(response, f"sent {found}, where a token is expected", code="oauth.undecodable")


def _readable(content: bytes) -> Any:
    try:
        return decode_json(content)[0]
    except UndecodableError:
        pass
    try:  # GitHub and Facebook answered with forms for years, whatever they called them
        text = content.decode().strip()
        return dict(parse_qsl(text, strict_parsing=True)) if re.fullmatch(r"[\x21-\x7e]+", text) else None
    except ValueError:
        return None


# ── errors ────────────────────────────────────────────────────────────────────────────────────────


def name_of(body: Any, mask: Mask = str) -> str:
    """What the service calls the error (`invalid_grant`), wherever it stands; empty: it names none."""
    error = body.get("error") if isinstance(body, dict) else None
    listed = body.get("errors") if isinstance(body, dict) else None
    if error is None and isinstance(listed, list) and listed:
        error = listed[0]
    if isinstance(error, dict):
        error = next((error[key] for key in ("errorType", "code", "type", "error") if error.get(key)), "")
    name = str(error) if isinstance(error, str | int) and not isinstance(error, bool) else ""
    return name if name in _KNOWN else re.sub(r"[^A-Za-z0-9_.-]+", "_", mask(name))[:60]


def _said(body: Any) -> str:
    for key in ("error_description", "message", "errorMessage", "error", "errors"):
        found = body.get(key) if isinstance(body, dict) else None
        while isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict):
            found = _said(found)
        if isinstance(found, str) and found.strip():
            return found
    return ""


def error_in(response: Response, mask: Mask = str, body: Any = MISSING) -> IntegrationError | None:
    """The error that the answer is; None: it is none."""
    body = _read(response, mask) if body is MISSING else body
    hidden = _hidden(response.request, mask)
    name = name_of(body, hidden)
    if response.status in GOOD and not name and not (isinstance(body, dict) and body.get("ok") is False):
        return None
    return refused(response.request, response.status, name, hidden(_said(body)), _wait(response))


def _wait(response: Response) -> float | None:
    told = response.headers.get("Retry-After", "")
    return float(told) if re.fullmatch(r"[0-9]{1,9}", told) else None


def refused(
    request: Request, status: int, name: str, said: str = "", wait: float | None = None, where: str = ""
) -> IntegrationError:
    """The error of that name, in the words of this package; `said`: those of the service, without secrets."""
    said = one_line(said).strip()[:QUOTED]
    words = ": ".join(dict.fromkeys(part for part in (name, said) if part)) or f"status {status}, without a reason"
    place = where or f"auth: {request.method} {request.url}"
    kind, hint = _kind(status, name)
    return kind(
        f"the sign-in was refused: {words}", where=place, hint=hint,
        code=f"oauth.{name if name in _KNOWN else 'refused'}",
        retryable=kind in (ServerError, RateLimitError), retry_after=wait,
        context={"status": status, "error": name},
    )  # fmt: skip


def _kind(status: int, name: str) -> tuple[type[IntegrationError], str]:
    """The exception, and what to do."""
    if status == MANY or name in ("slow_down", "rate_limited", "ratelimited"):
        return RateLimitError, "try again later"
    if status >= SERVER or name in ("temporarily_unavailable", "server_error"):
        return ServerError, "try again later"
    if name in _CLIENT or (not name and status == UNKNOWN):
        return AuthenticationError, "check client_id and client_secret, and auth.client_auth"
    if name == "invalid_scope":
        return AuthorizationError, "compare auth.scopes with what the service knows and the application may ask for"
    if name == "access_denied":
        return AuthorizationError, "whoever signs in has to agree"
    if name in GONE:
        return AuthenticationError, "check the credentials that were passed"
    if not name and status in (404, 405, 410):
        return ResponseError, "check the addresses of auth"
    return AuthenticationError, "compare auth with what the service describes"


def _unfit(response: Response, what: str, *, code: str, hint: str = "check auth.token_url") -> ResponseError:
    request = response.request
    return ResponseError(
        f"the sign-in {what} (status {response.status})", where=f"auth: {request.method} {request.url}", hint=hint,
        code=code, context={"status": response.status},
    )  # fmt: skip


def _hidden(request: Request, mask: Mask) -> Mask:
    """Takes what was sent out of a text, too: codes and verifiers are secrets that no account has."""
    sent = sorted(_sent(request), key=len, reverse=True)

    def hidden(text: str) -> str:
        for value in sent:
            text = text.replace(value, "***")
        return mask(text)

    return hidden


def _sent(request: Request) -> set[str]:
    """The credentials that the request holds."""
    body = request.body if request.encoding in ("form", "json") else ()
    pairs = [*request.query, *(body.items() if isinstance(body, dict) else body or ())]
    found = {str(value) for name, value in pairs if name in _SECRETS}
    if (basic := request.headers.get("Authorization", "")).startswith("Basic "):
        import base64

        joined = base64.b64decode(basic.removeprefix("Basic ")).decode()
        found |= {basic, basic.removeprefix("Basic "), joined, unquote_plus(joined.partition(":")[2])}
    return {value for value in found if len(value) >= 4}  # noqa: PLR2004 - less would hide half of every text
