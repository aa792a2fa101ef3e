"""Credentials as the client renders them, and as the provider expects them; the two sides share no code."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from connector_core.address import MISSING, Put
from connector_core.auth.family import SecretForm, Session
from connector_core.exceptions import ConfigError
from connector_core.http import Multipart, Request
from connector_core.template import MissingError, Template, TemplateError

__all__ = [
    "compared",
    "credential",
    "expected",
    "fields",
    "found_at",
    "optional",
    "secret_form",
    "sent_body",
    "untimely",
]


def credential(template: Template, session: Session, where: str) -> str:
    """The rendered credential; an empty one is an error here rather than a puzzling 401 there."""
    try:
        rendered = template.text(session.scope)
    except MissingError:
        rendered = MISSING
    except TemplateError as wrong:
        raise ConfigError(f"the credential cannot be made: {wrong}", where=f"{where}: {template.source}") from None
    if isinstance(rendered, str) and not _is_text(rendered):
        raise ConfigError(
            "the credential holds bytes that are no text",
            where=f"{where}: {template.source}",
            hint="it was read from something that is not UTF-8; check where the secret comes from",
        )
    if not isinstance(rendered, str) or not rendered.strip() or _reads_nothing(template, session):
        raise ConfigError(
            "the credential is empty", where=f"{where}: {template.source}", hint="pass the secret it reads"
        )
    return rendered


def optional(template: Template | None, session: Session, where: str) -> str | None:
    """The rendered credential; None where there is none, or what it reads has no value."""
    if template is None:
        return None
    with suppress(MissingError, TemplateError):  # told below
        if template.whole and template.value(session.scope) in (MISSING, None, ""):
            return None
    return credential(template, session, where)


def secret_form(template: Template | None, form: SecretForm) -> Mapping[str, SecretForm]:
    """The form of the secret that is the template's whole value; nothing where there is none."""
    paths = () if template is None or not template.whole else tuple(template.reads)
    return {paths[0][1]: form} if len(paths) == 1 and paths[0][0] == "secrets" and len(paths[0]) > 1 else {}


def sent_body(request: Request) -> bytes:
    """The body as it goes out, to be signed; raises ConfigError for a file, which is read only while it is sent."""
    if request.streamed:
        raise ConfigError(
            "a file in the body cannot be signed",
            where=f"{request.method} {request.url}",
            hint="pass bytes; or, where the service takes bodies that are not signed, say so in `auth`",
            code="auth.body",
        )
    try:
        return request.content or b""
    except (ValueError, TypeError, RecursionError) as error:  # what was put into it later
        raise ConfigError(f"the body cannot be made: {error}", code="body.invalid") from None


def _is_text(rendered: str) -> bool:
    try:
        return rendered.isascii() or bool(rendered.encode())
    except UnicodeEncodeError:
        return False


def _reads_nothing(template: Template, session: Session) -> bool:
    """Whether all the secrets inside a text are empty: what is around them is no credential."""
    if template.whole or template.literal:
        return False
    secrets = session.scope.get("secrets", {})
    read = [secrets.get(path[1]) for path in template.reads if path[0] == "secrets" and len(path) > 1]
    return bool(read) and not any(str(secret or "").strip() for secret in read)


# ── the provider's side ───────────────────────────────────────────────────────────────────────────


def expected(template: Template, session: Session) -> str:
    """What the client should send; raises MissingError where there is nothing, which must never match."""
    rendered = template.text(session.scope)
    if not isinstance(rendered, str) or not rendered.strip():
        raise MissingError(template.source)
    return rendered


def fields(request: Request, name: str) -> list[str]:
    """The values of every header of that name."""
    return [value for key, value in request.headers.items() if key.lower() == name.lower()]


def found_at(put: Put, request: Request) -> list[str]:
    """What stands at a place of the request, each time that it is there."""
    name = put.keys[0]
    match put.root:
        case "query":
            return [value for key, value in request.query if key == name]
        case "header":
            return fields(request, name)
        case "cookie":
            pairs = [pair.partition("=") for jar in fields(request, "cookie") for pair in jar.split("; ")]
            return [value for key, _, value in pairs if key == name]
    return _in_body(request.body, put.keys)


def _in_body(body: Any, keys: Sequence[str]) -> list[str]:
    if isinstance(body, Multipart):
        return [part.value for part in body.parts if part.name == keys[0] and isinstance(part.value, str)]
    if isinstance(body, (tuple, list)):  # a form: pairs
        return [value for key, value in body if key == keys[0]]
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return [] if body is None else [str(body)]


def compared(found: list[str], expected: str, where: str) -> str | None:
    """Why what was found is not what is expected, in words; None: it is."""
    if not found:
        return f"{where} is missing"
    if len(found) > 1:
        return f"{where} is there {len(found)} times"
    return None if hmac.compare_digest(found[0].encode(), expected.encode()) else f"{where} is wrong"


OLDEST = 300.0
"""Seconds between signing and looking that a provider bears, and for which it remembers nonces twice over."""


def untimely(session: Session, signed: float | None, nonce: str = "") -> str | None:
    """Why what was rightly signed then (None: nobody says when), with that nonce, is not taken; None: it is."""
    if (now := session.now) is None:
        return None
    if signed is not None and abs(now - signed) > OLDEST:
        return f"the request was signed {abs(now - signed):.0f} s {'ago' if signed < now else 'from now'}"
    if nonce:
        seen: dict[str, float] = session.learnt.setdefault("nonces", {})
        for known in [known for known, since in seen.items() if now - since > 2 * OLDEST]:
            del seen[known]
        if nonce in seen:
            return "the nonce has served already"
        seen[nonce] = now
    return None
