"""How requests carry a session: where it is put, with which cookies, and when it is asked for anew."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core import Connector
from connector_core.auth import Session, Token
from connector_core.exceptions import AuthenticationError, ConfigError
from connector_core.http import Request
from connector_core.testing import FakeTransport, VirtualClock, effects, respond
from tests.auth.session.kinds import NOW, SECRETS, kind, session
from tests.auth.session.test_fields import document

GET = Request("GET", "https://api.shop.example/v1/orders")
TOKEN = Token("t1", obtained=NOW, answer={"user": "u7", "cookies": {"sid": "s1", "node": "n1"}})


def signed(request: Request = GET, **keys: Any) -> Request:
    held = session()
    return kind(**keys).sign(Session(held.scope, {}, TOKEN), request, NOW)


def test_a_session_is_put_where_the_spec_says():
    """In a header, the query, a cookie or the body, with what belongs around it, and what else the answer held."""
    assert signed().headers["X-Session"] == "t1"
    assert signed(put="query.sid").query == (("sid", "t1"),)
    assert signed(put="cookie.sid", cookies=["node"]).headers["Cookie"] == "sid=t1; node=n1"
    assert signed(value="{{ token.user }}:{{ token.access }}").headers["X-Session"] == "u7:t1"
    post = Request("POST", GET.url, body={"a": 1}, encoding="json")
    assert signed(post, put="body.session").body == {"a": 1, "session": "t1"}


def test_nothing_is_signed_before_the_login():
    """A program that signs without having asked is told."""
    with pytest.raises(ConfigError, match="nobody has logged in"):
        kind().sign(session(), GET, NOW)


def test_a_login_is_asked_at_its_own_address():
    """Its own base_url, else the connector's; credentials go to these alone."""
    own = {"post": "/login", "base_url": "https://id.shop.example"}
    assert kind().homes(session()) == ["https://api.shop.example/v1"]
    assert kind(login=own).homes(session()) == ["https://id.shop.example"]
    assert (kind().asks_by_path, kind(login=own).asks_by_path) == (True, False)


class Service:
    """Gives sessions and takes the last one alone."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.logins: list[Any] = []
        self.given = 0
        self.seen: list[str | None] = []

    async def __call__(self, request: Request) -> Any:
        if request.url.endswith("/login"):
            self.logins.append(request.body)
            if request.body != SECRETS:
                return respond(401, json={"message": f"no {request.body['password']}"})
            self.given += 1
            return respond(json={"token": f"session-{self.given}"})
        self.seen.append(request.headers.get("X-Session"))
        if request.headers.get("X-Session") != f"session-{self.given}":
            return respond(401, json={"message": f"unknown {request.headers.get('X-Session')}"})
        return respond(json=[{"id": 1}])

    def opened(self, **auth: Any) -> Any:
        world = effects(FakeTransport(self), clock=self.clock)
        return Connector.open(document(**auth), secrets=SECRETS, effects=world)


async def test_a_session_is_kept_and_begun_anew():
    """One login serves all requests, until the service refuses the session; then one more does."""
    service = Service()
    async with service.opened() as shop:
        for _ in range(3):
            await shop.call("orders")
        assert len(service.logins) == 1
        service.given += 1  # the service has ended it
        await shop.call("orders")
    assert service.logins == [SECRETS] * 2
    assert service.seen == ["session-1"] * 4 + ["session-3"]


async def test_a_session_ends_with_its_lifetime():
    """A login comes before the end, without a request being refused."""
    service = Service()
    async with service.opened(token={"access": "body.token", "lifetime": "30m"}) as shop:
        await shop.call("orders")
        await service.clock.sleep(1790)
        await shop.call("orders")
    assert service.seen == ["session-1", "session-2"]


async def test_a_wrong_password_is_told_once_and_never_shown():
    """The endpoint is not asked, and the message does not show what the service sent back."""
    service = Service()
    world = effects(FakeTransport(service), clock=service.clock)
    wrong = {**SECRETS, "password": "wr0ng-w0rd"}
    async with Connector.open(document(), secrets=wrong, effects=world) as shop:
        with pytest.raises(AuthenticationError, match=r"the login was refused: no \*\*\*") as refused:
            await shop.call("orders")
    assert "wr0ng-w0rd" not in f"{refused.value} {refused.value!r}"
    assert (service.seen, len(service.logins)) == ([], 1)


async def test_what_came_with_the_login_is_a_fact_and_cookies_are_secrets():
    """`capture` reads the answer; a service that echoes a cookie does not get it into a message."""

    async def service(request: Request) -> Any:
        if request.url.endswith("/login"):
            return respond(json={"token": "t-1234", "tenant": "acme"}, headers={"Set-Cookie": "node=n0de-1234; Path=/"})
        return respond(422, json={"message": f"{request.headers['Cookie']} {request.url.rpartition('/')[2]}"})

    written = document(cookies=["node"])
    written["capture"] = {"tenant": "token.tenant"}
    written["errors"] = [{"status": 422, "category": "validation", "message": "{{ body.message }}"}]
    written["endpoints"] = {"orders": {"get": "/{{ connection.tenant }}", "records": "body"}}
    async with Connector.open(written, secrets=SECRETS, effects=effects(FakeTransport(service))) as shop:
        with pytest.raises(Exception, match=r"node=\*\*\*") as refused:
            await shop.call("orders")
    assert "acme" in str(refused.value)
    assert "n0de-1234" not in str(refused.value)
