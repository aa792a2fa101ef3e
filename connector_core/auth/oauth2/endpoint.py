"""What is sent to a token endpoint (RFC 6749), and how the application shows who it is."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from connector_core.auth.credentials import credential
from connector_core.auth.family import Session
from connector_core.http import Request
from connector_core.request.values import text
from connector_core.template import Template

if TYPE_CHECKING:
    from connector_core.auth.oauth2.fields import Fields, SignInUrl

__all__ = ["asked_scope", "assertion", "named", "posted"]

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2

Pairs = dict[str, str]


def named(templates: Mapping[str, Template], session: Session, where: str) -> Pairs:
    """The parameters by name; one whose whole value is missing is left out."""
    found = {name: text(template, session.scope, f"{where}.{name}") for name, template in templates.items()}
    return {name: value for name, value in found.items() if value is not None}


def asked_scope(kind: Fields, session: Session) -> Pairs:
    """The scopes that are asked for; none where there are none."""
    found = [text(scope, session.scope, f"auth.scopes.{at}") for at, scope in enumerate(kind.scopes)]
    scopes = [scope for scope in found if scope]
    return {"scope": kind.scope_separator.join(scopes)} if scopes else {}


def posted(
    kind: Fields, session: Session, url: SignInUrl, pairs: Pairs, now: float, extra: Mapping[str, Template] = {}
) -> Request:  # fmt: skip
    """The request with these parameters, and with what shows who asks; `extra`: the parameters that the spec adds."""
    headers = {"Accept": "application/json"}
    pairs = {**pairs, **_client(kind, session, url, now, headers), **named(extra, session, "auth.extra")}
    query, body = url.query, tuple(pairs.items())
    address = url.render(session.scope)
    match kind.token_body:
        case "query":
            return Request("POST", address, (*query, *body), headers)
        case "json":
            return Request("POST", address, query, headers, pairs, "json")
    return Request("POST", address, query, headers, body, "form")


def _client(kind: Fields, session: Session, url: SignInUrl, now: float, headers: Pairs) -> Pairs:
    """The parameters that show who the application is; what belongs into a header goes there."""
    if kind.client_id is None:
        return {}
    client_id = credential(kind.client_id, session, "auth.client_id")
    match kind.shows:
        case "none":
            return {"client_id": client_id}
        case "private_key_jwt":
            made = assertion(kind, session, url, now, {"iss": client_id, "sub": client_id})
            return {"client_id": client_id, "client_assertion_type": _JWT_BEARER, "client_assertion": made}
    assert kind.client_secret is not None  # noqa: S101 - the fields are checked together
    secret = credential(kind.client_secret, session, "auth.client_secret")
    if kind.shows == "post":
        return {"client_id": client_id, "client_secret": secret}
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"  # RFC 6749 §2.3.1: as in a form, before it is joined
    headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return {}


def assertion(kind: Fields, session: Session, url: SignInUrl, now: float, usual: Pairs) -> str:
    """A token that this side signs, for that address (RFC 7523)."""
    assert kind.jwt is not None  # noqa: S101 - the fields are checked together
    about = {**usual, "aud": url.render(session.scope), "jti": session.unique()}
    return kind.jwt.made(session, now, "auth.jwt", about)
