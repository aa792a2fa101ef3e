"""The service's side: each grant over a socket, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from connector_core import Connector
from connector_core.auth.oauth2.answers import token_in
from connector_core.engine.effects import Effects
from connector_core.events import Event, TokenRefreshed
from connector_core.exceptions import AuthenticationError, ReauthenticationError
from connector_core.http import Headers, Request, Response
from connector_core.load import load
from connector_core.testing import Simulator, simulated
from connector_core.testing.fakes import PassingClock
from tests.auth.oauth2.kinds import NOW, kind, sent, session

URLS = {"token_url": "https://id.shop.example/o/token/"}
CLIENT = {"client_id": "{{ secrets.id }}", "client_secret": "{{ secrets.key }}"}
ASSERTION = {"algorithm": "HS256", "key": "{{ secrets.key }}"}
WAYS: dict[str, dict[str, Any]] = {
    "client_credentials": {"grant": "client_credentials", **CLIENT, "scopes": ["a"]},
    "in the body": {"grant": "client_credentials", **CLIENT, "client_auth": "post", "token_body": "json"},
    "in the query": {"grant": "client_credentials", **CLIENT, "client_auth": "post", "token_body": "query"},
    "private_key_jwt": {
        "grant": "client_credentials", "client_id": "{{ secrets.id }}", "client_auth": "private_key_jwt",
        "jwt": ASSERTION,
    },
    "password": {"grant": "password", "username": "{{ secrets.id }}", "password": "{{ secrets.key }}"},
    "refresh_token": {"grant": "refresh_token", "refresh_token": "{{ secrets.key }}", "client_id": "{{ secrets.id }}"},
    "jwt_bearer": {"grant": "jwt_bearer", "jwt": {**ASSERTION, "issuer": "{{ secrets.id }}"}},
    "authorization_code": {
        "grant": "authorization_code", "authorize_url": "https://login.shop.example/authorize", **CLIENT,
        "scopes": ["openid"], "issuer": "https://login.shop.example",
    },
    "without PKCE": {
        "grant": "authorization_code", "authorize_url": "https://login.shop.example/authorize", **CLIENT, "pkce": False,
    },
    "device_code": {
        "grant": "device_code", "device_url": "https://id.shop.example/device", "client_id": "{{ secrets.id }}",
    },
    "elsewhere in the answer": {
        "grant": "client_credentials", **CLIENT, "put": "query.token", "value": "{{ token.kind }} {{ token.access }}",
        "token": {"access": "body.data.token", "refresh": "header.X-Refresh",
                  "expires": {"take": "body.data.ends", "format": "epoch_milliseconds"}},
    },
}  # fmt: skip


def document(way: str) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "shop",
        "secrets": {"id": {}, "key": {}},
        "base_url": "https://api.shop.example",
        "auth": {"type": "oauth2", **URLS, **WAYS[way]},
        "endpoints": {"orders": {"get": "/orders", "records": "body", "schema": {"id": {"type": "integer"}}}},
    }


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_in_is_simulated(way):
    """The connector signs in, nobody having to be there, and reads."""
    async with simulated(document(way), records=20) as shop:
        assert len([order async for order in shop.read("orders")]) == 20


@pytest.mark.parametrize("way", [way for way in WAYS if way != "in the query"])
async def test_a_token_is_renewed_when_it_has_ended(way):
    """An hour later the token has ended on both sides, and another is asked for; nothing fails."""
    spec, clock, heard = load(document(way)), PassingClock(), []

    def hear(event: Event) -> None:
        heard.extend([event] if isinstance(event, TokenRefreshed) else [])

    async with Simulator(spec, clock=clock.monotonic, now=clock.now) as service:
        effects = Effects(
            transport=service.transport, monotonic=clock.monotonic, now=clock.now, sleep=clock.sleep, listeners=[hear]
        )
        await service.sign_in(effects.tokens_kept())
        async with Connector.open(spec, config=service.config, secrets=service.secrets, effects=effects) as shop:
            await shop.call("orders")
            before = len(heard)
            await clock.sleep(4000)
            await shop.call("orders")
            assert (len(heard) - before, [seen.status for seen in service.requests if seen.path == "/orders"]) == (
                1, [200, 200],
            )  # fmt: skip


async def test_nobody_has_signed_in():
    """Without the person whom the simulator plays, the connector says what to do and asks nothing."""
    spec = load(document("authorization_code"))
    async with Simulator(spec) as service:
        effects = Effects(transport=service.transport)
        async with Connector.open(spec, config=service.config, secrets=service.secrets, effects=effects) as shop:
            with pytest.raises(ReauthenticationError, match=r"nobody has signed in .* connector login shop"):
                await shop.call("orders")
        assert service.requests == []


@pytest.mark.parametrize(
    "way", ["client_credentials", "in the body", "private_key_jwt", "password", "refresh_token", "jwt_bearer"]
)
async def test_another_secret_does_not_get_in(way):
    """A client that has another secret is refused, and neither secret is shown."""
    spec = load(document(way))
    async with Simulator(spec) as service:
        effects = Effects(transport=service.transport)
        wrong = {**service.secrets, "key": "another-s3cret-that-is-long-enough"}
        async with Connector.open(spec, config=service.config, secrets=wrong, effects=effects) as shop:
            with pytest.raises(AuthenticationError) as refused:
                await shop.call("orders")
    assert wrong["key"] not in str(refused.value)
    assert service.secrets["key"] not in str(refused.value)


# ── what serves once ──────────────────────────────────────────────────────────────────────────────


def test_a_refresh_token_serves_once():
    """The second use of a refresh token is refused."""
    auth, theirs = kind("password"), session()

    def renew(refresh: str) -> Response:
        pairs = (("grant_type", "refresh_token"), ("refresh_token", refresh))
        first = next(auth.obtain(session(), None, NOW))
        request = Request("POST", first.url, (), first.headers, pairs, "form")
        answer = auth.serve(theirs, request, NOW)
        assert answer is not None
        return answer

    given = auth.serve(theirs, next(auth.obtain(session(), None, NOW)), NOW)
    assert given is not None
    assert [renew("simulated-refresh-000001").status for _ in range(2)] == [200, 400]
    assert renew("made-up").status == 400


def test_a_token_that_ended_or_is_made_up():
    """Requests with a token that was never given, or has ended, are not let in; nor are those without one."""
    auth, theirs = kind(), session()
    auth.serve(theirs, next(auth.obtain(session(), None, NOW)), NOW)
    request = Request("GET", "https://api.example/")
    right = request.with_header("Authorization", "Bearer simulated-token-000001")
    assert auth.refusal(theirs, right) is None
    assert auth.refusal(theirs, request) == "header.Authorization is missing"
    wrong = request.with_header("Authorization", "Bearer simulated-token-000002")
    assert auth.refusal(theirs, wrong) == "the token is unknown, or it has ended"
    assert auth.serve(theirs, right, NOW + 3601) is None  # it is for somebody else, and time has passed
    assert auth.refusal(theirs, right) == "the token is unknown, or it has ended"
    assert "grant_type" in sent(next(auth.obtain(session(), None, NOW)))


def test_a_token_that_was_given_back():
    """What was taken back opens nothing and renews nothing, nor does what came with it; an unknown one is none."""
    auth, mine, theirs = kind("password", revoke_url="https://id.example/revoke"), session(), session()
    for given_back in ("access", "refresh"):
        answer = auth.serve(theirs, next(auth.obtain(mine, None, NOW)), NOW)
        assert answer is not None
        found = token_in(answer, auth.token, NOW)
        request = Request("GET", "https://api.example/").with_header("Authorization", f"Bearer {found.access}")
        assert auth.refusal(theirs, request) is None
        flow = auth.revoke(mine, found if given_back == "access" else replace(found, access="unknown"), NOW)
        for asked in (next(flow), flow.send(Response(200, Headers({}), b"", request))):
            told = auth.serve(theirs, asked, NOW)
            assert told is not None
            assert told.status == 200
        assert auth.refusal(theirs, request) == "the token is unknown, or it has ended"
        renewed = auth.serve(theirs, next(auth.obtain(mine, found, NOW)), NOW)
        assert renewed is not None
        assert renewed.status == 400
