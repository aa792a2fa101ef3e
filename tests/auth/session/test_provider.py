"""The service's side of a login: over a socket, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core import Connector
from connector_core.auth.session.kind import Session as Login
from connector_core.engine.effects import Effects
from connector_core.exceptions import AuthenticationError
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import Simulator, simulated
from tests.auth.session.kinds import BODY, NOW, SECRETS, USUAL, kind, session
from tests.auth.session.test_fields import document

BY_NAME = {"type": "basic", "username": "{{ secrets.user }}", "password": "{{ secrets.password }}"}
WAYS: dict[str, dict[str, Any]] = {
    "JSON": {},
    "a form": {"login": {"post": "/login", "body": {"form": {**BODY, "remember": True}}}},
    "parts": {"login": {"post": "/login", "body": {"multipart": BODY}}},
    "XML": {"login": {"post": "/login", "body": {"xml": {"login": BODY}}}},
    "text": {"login": {"post": "/login", "body": {"text": "{{ secrets.user }}:{{ secrets.password }}"}}},
    "headers and params": {
        "login": {
            "get": "/login", "headers": {"X-User": "{{ secrets.user }}"}, "params": {"p": "{{ secrets.password }}"},
        }
    },
    "elsewhere": {"login": {"post": "/login", "base_url": "https://id.shop.example", "body": {"json": BODY}}},
    "signed": {"login": {"get": "/token", "auth": BY_NAME}},
    "signed by a digest": {"login": {"get": "/token", "auth": {**BY_NAME, "type": "digest"}}},
    "where reads go": {"login": {"get": "/orders", "auth": BY_NAME}},
    "a cookie": {"token": {"access": "cookie.sid"}, "put": "cookie.sid", "cookies": ["node"]},
    "a token in a cookie": {"token": {"access": "cookie.XSRF"}, "put": "header.X-XSRF", "cookies": ["XSRF", "sid"]},
    "a header": {"token": {"access": "header.X-Subject-Token"}, "put": "header.X-Auth-Token"},
    "in the query": {"put": "query.session", "value": "{{ token.kind }}-{{ token.access }}"},
    "with an end": {"token": {"access": "body.data.id", "expires": {"take": "body.data.end", "format": "rfc3339"}}},
    "with what is left": {"token": {"access": "body.id", "expires": {"take": "header.X-Left", "format": "minutes"}}},
    "steps": {
        "login": None,
        "steps": [
            {"get": "/challenge", "as": "challenge"},
            {
                "post": "/login/{{ challenge.body.id }}",
                "headers": {"X-CSRF": "{{ challenge.header['X-CSRF'] }}"},
                "params": {"state": "{{ challenge.cookie.state }}"},
                "body": {"json": {**BODY, "answer": "{{ challenge.body.salt.value | upper }}"}},
            },
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_in_is_simulated(way):
    """The connector logs in and reads."""
    async with simulated(document(**WAYS[way]), records=20) as shop:
        assert len([order async for order in shop.read("orders")]) == 20


@pytest.mark.parametrize("way", WAYS)
async def test_another_secret_does_not_get_in(way):
    """A client with another password is refused, and nobody is shown either."""
    spec = load(document(**WAYS[way]))
    async with Simulator(spec) as service:
        wrong = {**service.secrets, "password": "wr0ng-w0rd"}
        effects = Effects(transport=service.transport)
        async with Connector.open(spec, config=service.config, secrets=wrong, effects=effects) as shop:
            with pytest.raises(AuthenticationError) as refused:
                await shop.call("orders")
    assert "wrong" in str(refused.value).replace("wr0ng-w0rd", "") or "nonce" in str(refused.value)
    assert "wr0ng-w0rd" not in str(refused.value)
    assert service.secrets["password"] not in str(refused.value)


async def test_a_login_shows_the_certificate_that_is_below_it():
    """A session may come on top of a client certificate; its steps are read there as anywhere."""
    written = document()
    written["secrets"] |= {"certificate": {}, "key": {}}
    below = {"type": "mtls", "certificate": "{{ secrets.certificate }}", "key": "{{ secrets.key }}"}
    written["auth"] = {
        **below,
        "auth": {"type": "session", **USUAL, "token": {"access": "body.token"}, **WAYS["steps"]},
    }
    del written["auth"]["auth"]["login"]
    async with simulated(written, records=20) as shop:
        assert len([order async for order in shop.read("orders")]) == 20


LOGIN = Request("POST", "https://api.shop.example/v1/login", body=SECRETS, encoding="json")


def served(request: Request, now: float = NOW, auth: Login | None = None, here: Any = None) -> Response | None:
    return (auth or kind()).serve(here or session(), request, now)


def test_what_is_not_the_login_is_for_somebody_else():
    """Another path, another method; and what differs from what the spec says outright."""
    fixed = kind(login={"post": "/rpc", "body": {"json": {"method": "login", "params": BODY}}})
    rpc = "https://api.shop.example/v1/rpc"
    assert (
        served(Request("POST", rpc, body={"method": "orders", "params": SECRETS}, encoding="json"), auth=fixed) is None
    )
    assert served(Request("GET", LOGIN.url)) is None
    assert served(Request("POST", "https://api.shop.example/v1/orders", body=SECRETS, encoding="json")) is None
    right = served(Request("POST", rpc, body={"method": "login", "params": SECRETS}, encoding="json"), auth=fixed)
    assert right is not None
    assert right.status == 200


@pytest.mark.parametrize("body", [{}, {**SECRETS, "password": ""}, {**SECRETS, "user": "bob"}, None, [1]])
def test_a_wrong_login_is_refused(body):
    """Whatever is missing or different in it."""
    found = served(Request("POST", LOGIN.url, body=body, encoding="json"))
    assert found is not None
    assert found.status == 401


def test_a_service_without_secrets_lets_nobody_in():
    """An empty secret is never the right one."""
    empty = session(password="")
    found = served(Request("POST", LOGIN.url, body={**SECRETS, "password": ""}, encoding="json"), here=empty)
    assert found is not None
    assert found.status == 401


def test_a_session_is_known_until_it_ends():
    """Each is another; one that was never given, or has ended, is refused."""
    here, auth = session(), kind(token={"access": "body.token", "lifetime": "10m"})
    for _ in range(2):
        served(LOGIN, auth=auth, here=here)
    get = Request("GET", "https://api.shop.example/v1/orders")
    first, second = (get.with_header("X-Session", f"simulated-session-00000{n}") for n in (1, 2))
    assert (auth.refusal(here, first), auth.refusal(here, second)) == (None, None)
    assert auth.refusal(here, get) == "header.X-Session is missing"
    unknown = "the session is unknown, or it has ended"
    assert auth.refusal(here, get.with_header("X-Session", "simulated-session-000003")) == unknown
    assert served(get, NOW + 600, auth, here) is None
    assert auth.refusal(here, second) == unknown


def test_a_session_without_its_cookies_is_refused():
    """All that the login set has to come along."""
    here, auth = session(), kind(cookies=["node"])
    served(LOGIN, auth=auth, here=here)
    got = Request("GET", "https://api.shop.example/v1/orders").with_header("X-Session", "simulated-session-000001")
    assert auth.refusal(here, got) == "cookie.node is wrong"
    assert auth.refusal(here, got.with_header("Cookie", "node=simulated-000001-0")) is None
