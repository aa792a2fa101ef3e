"""The service's side of OAuth 2.0, for the simulator: it gives tokens, renews them, and knows those that it gave.

What it has given is kept in the session, which is one for all requests of a service. Codes and refresh tokens serve
once; a token ends an hour after it was given.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlencode

from connector_core.address import AnswerPath
from connector_core.auth.credentials import compared, expected, fields, found_at
from connector_core.auth.family import Session
from connector_core.auth.jwt import out_of_time, verified
from connector_core.http import Headers, Request, Response
from connector_core.template import MissingError, TemplateError

if TYPE_CHECKING:
    from connector_core.auth.oauth2.fields import Fields

__all__ = ["refusal", "serve"]

LIVES = 3600
"""Seconds for which a token holds."""
MOST = 1000
"""Tokens that are remembered."""
_JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRANTS = {
    "urn:ietf:params:oauth:grant-type:device_code": "device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "jwt_bearer",
}


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    """What the client is told: the error's name and a sentence."""

    def __init__(self, name: str, said: str, status: int = 400) -> None:
        super().__init__(name)
        self.body, self.status = {"error": name, "error_description": said}, status


def refusal(kind: Fields, session: Session, request: Request) -> str | None:
    """Why the request is not let in; None: it is."""
    found = found_at(kind.put, request)
    if len(found) != 1:
        return compared(found, "", str(kind.put))
    for given in session.learnt.get("given", ()):
        try:
            right = kind.value.text({**session.scope, "token": given["names"], "redirect": {}})
        except (MissingError, TemplateError):
            continue
        if hmac.compare_digest(str(right).encode(), found[0].encode()):
            return None
    return "the token is unknown, or it has ended"


def serve(kind: Fields, session: Session, request: Request, now: float) -> Response | None:
    """The answer to what signs in; None: the request is for somebody else. Forgets what has ended, whoever asks."""
    given = session.learnt.setdefault("given", [])
    given[:] = [one for one in given if now < one["ends"]][-MOST:]
    asked = {name: value.render(session.scope) for name, value in _addresses(kind).items() if value is not None}
    if request.url == asked.get("authorize_url") and request.method == "GET":
        return _sent_back(kind, session, request)
    if request.method != "POST" or request.url not in asked.values():
        return None
    try:
        sent = _parameters(kind, request)
        _check_client(kind, session, request, sent)
        if request.url == asked.get("device_url"):
            return _answered(request, _device(session, request.url))
        if request.url == asked.get("revoke_url"):
            return _revoked(session, request, sent)
        return _token(kind, session, request, sent, now)
    except _Refused as refused:
        return _answered(request, refused.body, refused.status)


def _addresses(kind: Fields) -> dict[str, Any]:
    return {
        name: getattr(kind, name) for name in ("token_url", "refresh_url", "authorize_url", "device_url", "revoke_url")
    }


def _answered(request: Request, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    sent = {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})}
    return Response(status, Headers(sent), json.dumps(body).encode(), request)


def _parameters(kind: Fields, request: Request) -> dict[str, str]:
    """What was sent, where the service reads it."""
    form = request.encoding if kind.token_body != "query" else "query"  # noqa: S105 - no password
    if form != kind.token_body:
        raise _Refused("invalid_request", f"the parameters are not sent as {kind.token_body}")
    body = request.query if form == "query" else request.body
    return {name: str(value) for name, value in (body.items() if isinstance(body, dict) else body)}


# ── who asks ──────────────────────────────────────────────────────────────────────────────────────


def _check_client(kind: Fields, session: Session, request: Request, sent: Mapping[str, str]) -> None:
    """Raises unless the application is the one that the service knows."""
    if kind.client_id is None:
        return
    known = expected(kind.client_id, session)
    match kind.shows:
        case "basic":
            shown = _decoded(fields(request, "authorization"))
            right = shown == (known, expected(kind.client_secret, session)) if kind.client_secret else False
        case "post":
            shown = (sent.get("client_id", ""), sent.get("client_secret", ""))
            right = shown == (known, expected(kind.client_secret, session)) if kind.client_secret else False
        case "private_key_jwt":
            claims = _claims(kind, session, sent.get("client_assertion", ""), "invalid_client")
            right = sent.get("client_assertion_type") == _JWT and claims.get("sub") == known
        case _:
            right = sent.get("client_id") == known
    if not right:
        raise _Refused("invalid_client", "the client is unknown, or what it shows is wrong", 401)


def _decoded(headers: list[str]) -> tuple[str, ...]:
    try:
        [shown] = headers
        scheme, _, encoded = shown.partition(" ")
        pair = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return ()
    return tuple(map(unquote_plus, pair.split(":"))) if scheme == "Basic" else ()


def _claims(kind: Fields, session: Session, token: str, wrong: str) -> dict[str, Any]:
    """What a token says that the client has signed; it serves once."""
    head, _, signature = token.rpartition(".")
    seen = session.learnt.setdefault("assertions", set())
    try:
        raw = base64.urlsafe_b64decode(signature + "==")
        right = kind.jwt is not None and verified(kind.jwt, expected(kind.jwt.key_, session), head.encode(), raw)
        claims = json.loads(base64.urlsafe_b64decode(head.partition(".")[2] + "=="))
    except ValueError:
        right, claims = False, {}
    if not right or token in seen or not isinstance(claims, dict):
        raise _Refused(wrong, "the assertion is not signed as it should be, or has served already", 401)
    if (late := out_of_time(session, claims)) is not None:
        raise _Refused(wrong, late, 401)
    seen.add(token)
    return claims


# ── what is given ─────────────────────────────────────────────────────────────────────────────────


def _token(kind: Fields, session: Session, request: Request, sent: Mapping[str, str], now: float) -> Response:
    """A token for what the client asks with."""
    grant = _GRANTS.get(sent.get("grant_type", ""), sent.get("grant_type"))
    waiting = session.learnt.setdefault("refresh", set())
    if grant == "refresh_token":
        brought = expected(kind.refresh_token, session) if kind.refresh_token is not None else None
        if sent.get("refresh_token") not in (waiting | {brought}) - session.learnt.get("revoked", set()):
            raise _Refused("invalid_grant", "the refresh token is unknown, or has served already")
        waiting.discard(sent["refresh_token"])
        return _given(kind, session, request, now, renewable=True)
    if grant != kind.grant:
        raise _Refused("unsupported_grant_type", f"this client signs in by {kind.grant}")
    if grant == "password":
        assert kind.username is not None and kind.password is not None  # noqa: S101, PT018 - the fields are checked
        right = (expected(kind.username, session), expected(kind.password, session))
        if (sent.get("username"), sent.get("password")) != right:
            raise _Refused("invalid_grant", "the name or the password is wrong")
    elif grant == "jwt_bearer":
        _claims(kind, session, sent.get("assertion", ""), "invalid_grant")
    elif grant == "authorization_code":
        _take_code(kind, session, sent)
    elif grant == "device_code":
        _take_device(session, sent)
    return _given(kind, session, request, now, renewable=grant not in ("client_credentials", "jwt_bearer"))


def _revoked(session: Session, request: Request, sent: Mapping[str, str]) -> Response:
    """Takes a token back, and those that came with it; one that nobody knows is none already (RFC 7009 §2.2)."""
    if not (token := sent.get("token", "")):
        raise _Refused("invalid_request", "the token is missing")
    given = session.learnt["given"]
    given[:] = [one for one in given if token not in (one["names"]["access"], one["refresh"])]
    session.learnt.setdefault("refresh", set()).discard(token)
    session.learnt.setdefault("revoked", set()).add(token)
    return _answered(request, {})


def _given(kind: Fields, session: Session, request: Request, now: float, *, renewable: bool) -> Response:
    """The answer with a new token, its parts where the client looks for them."""
    number = session.learnt["number"] = session.learnt.get("number", 0) + 1
    access, refresh = f"simulated-token-{number:06d}", f"simulated-refresh-{number:06d}"
    body: dict[str, Any] = {"token_type": "Bearer", **copy.deepcopy(session.learnt.get("facts", {}))}
    headers: dict[str, str] = {}
    for root, *below in sorted(kind.value.reads):
        if root == "token" and below and below[0] != "access":
            body.setdefault(below[0], f"simulated-{below[0]}")
    parts = {kind.token.access: access, **({kind.token.refresh: refresh} if renewable else {})}
    for place, value in [*parts.items(), _end(kind, now)]:
        _put(body, headers, place, value)
    names = {**body, "access": access}
    session.learnt["given"].append({"names": names, "ends": now + LIVES, "refresh": refresh if renewable else None})
    if renewable:
        session.learnt["refresh"].add(refresh)
    return _answered(request, body, headers=headers)


def _end(kind: Fields, now: float) -> tuple[AnswerPath, Any]:
    """When the token ends, as the client reads it."""
    declared = kind.token.expires
    if declared is None:
        return AnswerPath("body.expires_in"), LIVES
    duration = declared.format.kind == "duration"
    return declared.take, declared.format.write(LIVES if duration else datetime.fromtimestamp(now + LIVES, UTC))


def _put(body: dict[str, Any], headers: dict[str, str], place: AnswerPath, value: Any) -> None:
    if place.root == "header":
        headers[place.keys[0]] = str(value)
        return
    *above, last = place.keys
    for key in above:
        body = body.setdefault(key, {})
    body[last] = value


# ── people ────────────────────────────────────────────────────────────────────────────────────────


def _sent_back(kind: Fields, session: Session, request: Request) -> Response:
    """Whoever comes with a browser has signed in, and goes back with a code."""
    asked = dict(request.query)
    if kind.client_id is None or asked.get("client_id") != expected(kind.client_id, session):
        return _answered(request, {"error": "invalid_client"}, 400)
    challenge = asked.get("code_challenge") if asked.get("code_challenge_method") == "S256" else None
    if kind.pkce and challenge is None:
        return _answered(request, {"error": "invalid_request", "error_description": "a code_challenge is missing"}, 400)
    codes = session.learnt.setdefault("codes", {})
    code = f"simulated-code-{session.learnt.setdefault('codes_given', 0) + 1:06d}"
    session.learnt["codes_given"] += 1
    codes[code] = (asked.get("redirect_uri"), challenge)
    issuer = {"iss": expected(kind.issuer, session)} if kind.issuer is not None else {}
    back = {"code": code, "state": asked.get("state", ""), **issuer, **session.learnt.get("redirect", {})}
    return _answered(request, {}, 302, {"Location": f"{asked.get('redirect_uri')}?{urlencode(back)}"})


def _take_code(kind: Fields, session: Session, sent: Mapping[str, str]) -> None:
    redirect_uri, challenge = session.learnt.get("codes", {}).pop(sent.get("code"), (None, None))
    if redirect_uri is None or redirect_uri != sent.get("redirect_uri"):
        raise _Refused("invalid_grant", "the code is unknown, has served already, or belongs to another redirect_uri")
    digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
    if kind.pkce and base64.urlsafe_b64encode(digest).decode().rstrip("=") != challenge:
        raise _Refused("invalid_grant", "the code_verifier is not that of the code")


def _device(session: Session, address: str) -> dict[str, Any]:
    devices = session.learnt.setdefault("devices", {})
    code = f"simulated-device-{len(devices) + 1:06d}"
    devices[code] = False
    return {
        "device_code": code, "user_code": "SIMU-LATE", "verification_uri": address, "expires_in": 600, "interval": 1,
    }  # fmt: skip


def _take_device(session: Session, sent: Mapping[str, str]) -> None:
    """The person signs in after the first time that the client asks."""
    devices = session.learnt.get("devices", {})
    code = sent.get("device_code")
    if code not in devices:
        raise _Refused("invalid_grant", "the device code is unknown, or has served already")
    if not devices[code]:
        devices[code] = True
        raise _Refused("authorization_pending", "nobody has signed in yet")
    del devices[code]
