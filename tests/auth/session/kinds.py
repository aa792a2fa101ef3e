"""What the tests of logins share: kinds, a session, and the answers of a service."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from connector_core.auth import Session, Token
from connector_core.auth.session.kind import Session as Login
from connector_core.engine.masks import Masks
from connector_core.http import Headers, Request, Response
from connector_core.request import BaseUrl

NOW = 1_700_000_000.0
SECRETS = {"user": "ann", "password": "s3cr3t-word"}
BODY = {"user": "{{ secrets.user }}", "password": "{{ secrets.password }}"}
USUAL: dict[str, Any] = {"login": {"post": "/login", "body": {"json": BODY}}, "put": "header.X-Session"}


def kind(**keys: Any) -> Login:
    given = {"type": "session", **USUAL, "token": {"access": "body.token"}, **keys}
    return Login.model_validate({name: value for name, value in given.items() if value is not None})


def session(**secrets: str) -> Session:
    scope = {"config": {}, "secrets": {**SECRETS, **secrets}, "connection": {"id": "shop"}}
    mask = Masks(scope["secrets"]).masked
    return Session(scope, {}, None, lambda: "unique", mask, base_url=BaseUrl("https://api.shop.example/v1"))


def answer(request: Request, body: Any = None, status: int = 200, headers: Any = ()) -> Response:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Response(status, Headers(headers), content, request)


def talk(flow: Generator[Request, Response, Token], *answers: Any) -> tuple[Token, list[Request]]:
    """The token after those answers (a body, or body, status and headers), and what was asked."""
    asked = [next(flow)]
    try:
        for one in answers:
            asked.append(flow.send(answer(asked[-1], *(one if isinstance(one, tuple) else (one,)))))
    except StopIteration as done:
        return done.value, asked
    raise AssertionError(f"it asks further: {asked[-1]}")
