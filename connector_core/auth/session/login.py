"""The requests that log in, one after another, and from their answers to a token.

Cookies that an answer sets go with the later requests of the login to the same origin, as a browser sends them. A
status from 400 on ends it; a redirect is an answer like any other, and is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from connector_core.address import MISSING, Put
from connector_core.auth.family import Session
from connector_core.auth.token import Token
from connector_core.decode.family import UndecodableError
from connector_core.decode.json_body import decode_json
from connector_core.exceptions import (
    AuthenticationError,
    ConfigError,
    IntegrationError,
    RateLimitError,
    ResponseError,
    ServerError,
    one_line,
)
from connector_core.formats import Format, take_from
from connector_core.http import Request, Response, origin
from connector_core.request import compose
from connector_core.template import templates

if TYPE_CHECKING:
    from connector_core.auth.session.fields import Fields, LoginRequest

__all__ = ["logged_in"]

LARGEST = 1 << 20
"""Bytes of an answer that are read."""
QUOTED = 200
"""Characters of what a service says that are shown."""
WRONG, UNKNOWN, MANY, SERVER = 400, 401, 429, 500
NOWHERE = (404, 405, 410)
SECONDS = Format("seconds")

Cookies = dict[str, str]


def logged_in(kind: Fields, session: Session, now: float) -> Generator[Request, Response, Token]:
    """Yields the requests and returns the token; raises what keeps anybody from logging in."""
    _check_secrets(kind, session)
    names: dict[str, Any] = {}
    jars: dict[str, Cookies] = {}
    cookies: Cookies = {}
    for at, step in enumerate(kind.requests):
        where = "auth.login" if kind.login is not None else f"auth.steps.{at}"
        request = _request(step, session, names)
        jar = jars.setdefault(origin(request.url), {})
        answer = yield from _answered(step, session, _with_cookies(request, jar), now)
        body = _read(answer, where)
        if answer.status >= WRONG:
            raise _refused(answer, body, session, where)
        found = _cookies(answer, now)
        set_here = {name: value for name, value in found.items() if value}
        for kept in (jar, cookies):
            kept.update(set_here)
            for name in found.keys() - set_here:
                kept.pop(name, None)
        scope = {"body": body, "header": answer.headers, "cookie": cookies, "status": answer.status}
        if step.as_ is not None:
            names[step.as_] = {**scope, "cookie": set_here}
    return _token(kind, session, answer, scope, now)


def _check_secrets(kind: Fields, session: Session) -> None:
    """Raises where a secret is missing: what is left of a request without it is no login."""
    given = session.scope.get("secrets", {})
    for _, template in templates(kind):
        for root, *below in template.reads:
            if root == "secrets" and below and not str(given.get(below[0]) or "").strip():
                raise ConfigError(
                    "the credential is empty",
                    where=f"auth: {{{{ secrets.{below[0]} }}}}",
                    hint="pass the secret: nobody logs in without all that the login reads",
                )


def _request(step: LoginRequest, session: Session, names: Mapping[str, Any]) -> Request:
    keys = step.model_copy(update={"base_url": step.base_url or session.base_url})
    request = compose(keys, keys.method, keys.path, {**session.scope, **names})
    return replace(request, body=request.body.bounded(session.unique())) if request.encoding == "multipart" else request


def _with_cookies(request: Request, jar: Cookies) -> Request:
    for name, value in jar.items():
        request = Put(f'cookie."{name}"').put(request, value)
    return request


def _answered(
    step: LoginRequest, session: Session, request: Request, now: float
) -> Generator[Request, Response, Response]:
    """The answer to the request, which is signed where the step says how."""
    if step.auth is None:
        return (yield request)
    own = Session(session.scope, unique=session.unique)
    answer = yield (yield from step.auth.flow(own, request, now))
    if answer.status == UNKNOWN and step.auth.challenged(own, answer):
        answer = yield (yield from step.auth.flow(own, request, now))
    return answer


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def _read(answer: Response, where: str) -> Any:
    """The body: what it says in JSON, else its text."""
    if answer.size > LARGEST:
        raise ResponseError(
            f"the login was answered with {answer.size} bytes",
            where=_place(answer, where),
            hint="check the path: a login is answered shortly",
            code="session.too_large",
        )
    content = answer.content
    if not content.strip():
        return None
    try:
        return decode_json(content)[0]
    except UndecodableError:
        return content.decode(errors="replace").strip()


def _cookies(answer: Response, now: float) -> Cookies:
    """The cookies that it sets, by name; those that it takes away are empty."""
    found = {}
    for line in answer.headers.all("Set-Cookie"):
        pair, *attributes = line.split(";")
        name, _, value = (part.strip() for part in pair.partition("="))
        if re.fullmatch(r'[^\s"=;,\\]+', name):
            found[name] = "" if _over(attributes, now) else value
    return found


def _over(attributes: list[str], now: float) -> bool:
    """Whether a cookie has ended already, which is how a service takes one away (RFC 6265 §5.2)."""
    said = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in attributes)}
    if re.fullmatch(r"-?[0-9]+", age := said.get("max-age", "")):
        return age.startswith("-") or not age.strip("0")
    try:
        return parsedate_to_datetime(said["expires"]).timestamp() <= now
    except (KeyError, ValueError, OverflowError):
        return False


def _token(kind: Fields, session: Session, answer: Response, scope: Mapping[str, Any], now: float) -> Token:
    """The token that the last answer gives; raises AuthenticationError where it gives none."""
    access = kind.token.access.take(scope)
    missing = [f"cookie.{name}" for name in kind.cookies if name not in scope["cookie"]]
    if isinstance(access, bool) or not isinstance(access, str | int) or not str(access).strip():
        missing.insert(0, str(kind.token.access))
    if missing:
        said = _quoted(_said(scope["body"]), session)
        raise AuthenticationError(
            f"the login gave no {' and no '.join(missing)} (status {answer.status}){f': {said}' if said else ''}",
            where=_place(answer, "auth"),
            hint="check the secrets that it reads; if they are right, auth.token.access says where the session stands",
            code="session.no_token",
        )
    found = dict(scope["body"]) if isinstance(scope["body"], dict) else {}
    kept = {**found, "cookies": {name: scope["cookie"][name] for name in kind.cookies}}
    return Token(str(access), None, _end(kind, answer, scope, now), now, kept)


def _end(kind: Fields, answer: Response, scope: Mapping[str, Any], now: float) -> float | None:
    """When the session ends, in seconds since 1970; None: when the service says so."""
    otherwise = None if kind.token.lifetime is None else now + kind.token.lifetime
    if kind.token.expires is None:
        return otherwise
    try:
        read = take_from(kind.token.expires, scope, SECONDS)
    except ValueError as wrong:
        raise ResponseError(
            f"the login says when the session ends in another form: {wrong}",
            where=_place(answer, "auth"),
            hint="compare the format of auth.token.expires with what the service sends",
            code="session.expires",
        ) from None
    if isinstance(read, datetime):
        return read.timestamp()
    return now + read if read is not MISSING and read > 0 else otherwise


# ── errors ────────────────────────────────────────────────────────────────────────────────────────


def _place(answer: Response, where: str) -> str:
    return f"{where}: {answer.request.method} {answer.request.url}"


def _refused(answer: Response, body: Any, session: Session, where: str) -> IntegrationError:
    """The error that the answer is."""
    said = _quoted(_said(body), session)
    kind, hint = _kind(answer.status)
    told = answer.headers.get("Retry-After", "")
    return kind(
        f"the login was refused: {said or 'no reason given'} (status {answer.status})",
        where=_place(answer, where),
        hint=hint,
        code="session.refused",
        retryable=kind in (ServerError, RateLimitError),
        retry_after=float(told) if re.fullmatch(r"[0-9]{1,9}", told) else None,
        context={"status": answer.status},
    )


def _kind(status: int) -> tuple[type[IntegrationError], str]:
    """The exception, and what to do."""
    if status == MANY:
        return RateLimitError, "try again later"
    if status >= SERVER:
        return ServerError, "try again later"
    if status in NOWHERE:
        return ResponseError, "check the path and the method of the login"
    return AuthenticationError, "check the secrets that the login reads"


def _said(body: Any) -> str:
    """What the service gives as the reason, wherever it stands."""
    if isinstance(body, list):
        return _said(body[0]) if body else ""
    if isinstance(body, str):
        return "" if body.lstrip().startswith("<") else body
    if not isinstance(body, dict):
        return ""
    keys = ("message", "error_description", "error", "errors", "detail", "title", "reason", "value")
    return next((said for key in keys if (said := _said(body.get(key)))), "")


def _quoted(text: str, session: Session) -> str:
    """What a stranger wrote, as one short line without the account's secrets."""
    return one_line(session.mask(text)).strip()[:QUOTED]
