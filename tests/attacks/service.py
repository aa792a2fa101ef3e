"""The service that is attacked: a spec for each way to carry a secret, and what arrived where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector_core import Connector
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, effects, respond

HOME = "https://api.example"
SECRETS = {
    "token": "t0ken-canary",
    "user": "user-canary",
    "key": "a2V5LWNhbmFyeS1vZi1zaXh0ZWVu",
    "id": "id-canary",
}
SIGNED = "{{ method }}{{ url }}{{ body }}"
OAUTH1 = {"type": "oauth1", "consumer_key": "{{ secrets.id }}", "consumer_secret": "{{ secrets.key }}"}
AWS = {"type": "aws_sigv4", "service": "s3", "access_key": "{{ secrets.id }}", "secret_key": "{{ secrets.key }}"}

PLACEMENTS: dict[str, dict[str, Any]] = {
    "bearer": {"auth": {"type": "bearer", "token": "{{ secrets.token }}"}},
    "header": {"auth": {"type": "api_key", "put": "header.X-Api-Key", "value": "{{ secrets.token }}"}},
    "query": {"auth": {"type": "api_key", "put": "query.key", "value": "{{ secrets.token }}"}},
    "cookie": {"auth": {"type": "api_key", "put": "cookie.sid", "value": "{{ secrets.token }}"}},
    "basic": {"auth": {"type": "basic", "username": "{{ secrets.user }}", "password": "{{ secrets.token }}"}},
    "digest": {"auth": {"type": "digest", "username": "{{ secrets.user }}", "password": "{{ secrets.token }}"}},
    "jwt": {"auth": {"type": "jwt", "algorithm": "HS256", "key": "{{ secrets.key }}"}},
    "signed header": {"auth": {"type": "hmac", "secret": "{{ secrets.key }}", "put": "header.X-Sign", "sign": SIGNED}},
    "signed query": {"auth": {"type": "hmac", "secret": "{{ secrets.key }}", "put": "query.sign", "sign": SIGNED}},
    "oauth1 header": {"auth": OAUTH1},
    "oauth1 query": {"auth": {**OAUTH1, "parameters": "query"}},
    "aws header": {"auth": {**AWS, "region": "eu-west-1"}},
    "aws query": {"auth": {**AWS, "region": "eu-west-1", "query": True}},
    "oauth2": {
        "auth": {
            "type": "oauth2",
            "grant": "client_credentials",
            "token_url": f"{HOME}/token",
            "client_id": "{{ secrets.id }}",
            "client_secret": "{{ secrets.key }}",
        }
    },
    "a header of the spec": {"headers": {"X-Team": "{{ secrets.token }}"}},
    "Authorization of the spec": {"headers": {"authorization": "Token {{ secrets.token }}"}},
    "Cookie of the spec": {"headers": {"cookie": "sid={{ secrets.token }}"}},
    "a parameter of the spec": {"params": {"key": "{{ secrets.token }}"}},
}
"""The ways in which a read carries a secret, each as keys of a spec."""


def document(endpoint: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A spec with one endpoint, `thing`, which is a call that gives the answer's body."""
    thing = {"output": "body", **(endpoint or {})}
    if not thing.keys() & {"get", "post", "put", "patch", "delete"}:
        thing["get"] = "/thing"
    return {
        "connector": "1",
        "name": "demo",
        "secrets": {name: {} for name in SECRETS},
        "base_url": HOME,
        "endpoints": {"thing": {name: value for name, value in thing.items() if value is not None}},
        **more,
    }


def opened(document: dict[str, Any], transport: FakeTransport | Callable[[Request], Response], **more: Any) -> Any:
    """A connection that has every secret."""
    return Connector.open(document, secrets=SECRETS, effects=effects(transport), **more)


def leading(to: str, status: int = 302, *, asks: str = "") -> FakeTransport:
    """A service whose `/thing` leads there; `asks`: how it asks for a digest first, by that placement's name."""

    def answer(request: Request) -> Response:
        if request.url == f"{HOME}/token":
            return respond(json={"access_token": "issued-canary", "token_type": "Bearer"})
        if asks == "digest" and "Authorization" not in request.headers and request.url.startswith(HOME):
            return respond(401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}, content=b"")
        if request.url == f"{HOME}/thing":
            return respond(status, headers={"Location": to}, content=b"")
        return respond(json={"id": 1})

    return FakeTransport(answer)


def abroad(transport: FakeTransport) -> list[Request]:
    """What arrived anywhere but at the service's own origin."""
    return [request for request in transport.requests if not request.url.startswith(f"{HOME}/")]
