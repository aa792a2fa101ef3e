"""What the tests of OAuth 2.0 share: kinds, a session, and the answers of a token endpoint."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qsl

from connector_core.auth import Session, Token
from connector_core.auth.oauth2.kind import OAuth2
from connector_core.http import Headers, Request, Response

NOW = 1_700_000_000.0
URL = "https://id.example/token"
SECRETS = {"id": "shop", "key": "s3cr3t-key", "token": "brought-refresh", "password": "s3cr3t-word"}
GRANTS: dict[str, dict[str, Any]] = {
    "client_credentials": {},
    "authorization_code": {"authorize_url": "https://id.example/authorize"},
    "device_code": {"device_url": "https://id.example/device"},
    "password": {"username": "ann", "password": "{{ secrets.password }}"},
    "refresh_token": {"refresh_token": "{{ secrets.token }}"},
}
"""What each grant needs besides the client."""


def kind(grant: str = "client_credentials", **keys: Any) -> OAuth2:
    client = {"client_id": "{{ secrets.id }}", "client_secret": "{{ secrets.key }}"}
    given = {"type": "oauth2", "grant": grant, "token_url": URL, **client, **GRANTS.get(grant, {}), **keys}
    return OAuth2.model_validate({name: value for name, value in given.items() if value is not None})


def session(**secrets: str) -> Session:
    numbers = iter(range(1000))
    scope = {"config": {}, "secrets": {**SECRETS, **secrets}, "connection": {"id": "shop"}}
    return Session(scope, {}, None, lambda: f"unique-{next(numbers)}")


def answer(request: Request, body: Any = None, status: int = 200, headers: Any = None) -> Response:
    """What the endpoint answers; text and bytes go out as they are."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Response(status, Headers(headers or {}), content, request)


def token(access: str = "a1", **more: Any) -> dict[str, Any]:
    return {"access_token": access, "token_type": "Bearer", "expires_in": 3600, **more}


def talk(flow: Generator[Request, Response, Token], *bodies: Any) -> tuple[Token, list[Request]]:
    """The token after those answers (a body, or a body with its status), and what was asked."""
    asked = [next(flow)]
    try:
        for body in bodies:
            found, status = body if isinstance(body, tuple) else (body, 200)
            asked.append(flow.send(answer(asked[-1], found, status)))
    except StopIteration as done:
        return done.value, asked
    raise AssertionError(f"it asks further: {asked[-1]}")


def sent(request: Request) -> dict[str, str]:
    """The parameters as they go out."""
    assert request.content is not None
    return dict(parse_qsl(request.content.decode(), strict_parsing=True, keep_blank_values=True))
