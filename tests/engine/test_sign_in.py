"""A person signs in: the way there, the way back, and what is not taken for one."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connector_core import Connector, Engine
from connector_core.auth import Token
from connector_core.config import SecretRef
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConfigError,
    ConnectionError,
    ReauthenticationError,
)
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, VirtualClock, effects, respond
from tests.secrets.store.stores import OLD, ring

AUTH: dict[str, Any] = {
    "type": "oauth2",
    "grant": "authorization_code",
    "authorize_url": "https://id.example/authorize",
    "token_url": "https://id.example/token",
    "client_id": "app",
    "client_auth": "none",
    "scopes": ["read"],
}
SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "auth": AUTH,
    "endpoints": {"thing": {"get": "/things", "records": "body"}},
}
DEVICE = SPEC | {
    "auth": {
        "type": "oauth2",
        "grant": "device_code",
        "device_url": "https://id.example/device",
        "token_url": "https://id.example/token",
        "client_id": "app",
        "client_auth": "none",
    }
}
BACK = "https://app.example/back"


class Service:
    """Gives a code to whoever was sent there, and a token for a code with its verifier."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.challenges: dict[str, str] = {}
        self.pending = 2

    def consents(self, url: str) -> dict[str, str]:
        """What a browser comes back with that was sent to the address."""
        query = dict(parse_qsl(urlsplit(url).query))
        assert url.startswith("https://id.example/authorize?")
        assert query["redirect_uri"] == BACK
        code = f"code{len(self.challenges)}"
        self.challenges[code] = query["code_challenge"]
        return {"code": code, "state": query["state"]}

    def __call__(self, request: Request) -> Response:
        if request.url == "https://id.example/device":
            found = {
                "device_code": "d",
                "user_code": "WXYZ",
                "verification_uri": "https://id.example/go",
                "interval": 1,
            }
            return respond(json=found)
        if request.url == "https://id.example/token":
            return self._token(dict(request.body))
        if request.headers.get("Authorization") != "Bearer the-token":
            return respond(401, json={})
        return respond(json=[{"id": 1}])

    def _token(self, form: dict[str, str]) -> Response:
        if "device_code" in form and self.pending:
            self.pending -= 1
            return respond(400, json={"error": "authorization_pending"})
        if "device_code" not in form:
            digest = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
            if self.challenges.pop(form["code"], None) != digest:
                return respond(400, json={"error": "invalid_grant"})
        return respond(json={"access_token": "the-token", "refresh_token": "r", "expires_in": 3600})


@pytest.fixture
def service() -> Service:
    return Service()


def world(service: Service) -> Any:
    return effects(FakeTransport(service), clock=service.clock)


async def test_there_and_back(service):
    """Nobody has signed in, which is told with the remedy; then somebody does, and requests are signed."""
    async with Connector.open(SPEC, effects=world(service)) as demo:
        with pytest.raises(ReauthenticationError, match="nobody has signed in — demo: auth — sign in: connector login"):
            await demo.call("thing")
        assert await demo.sign_in.status() is None
        begun = await demo.sign_in.begin(BACK)
        await demo.sign_in.finish(service.consents(begun.url), begun.cookie)
        assert (await demo.call("thing")).data == [{"id": 1}]
        status = await demo.sign_in.status()
        assert status is not None
        assert (status.expires, status.renewable) == (service.clock.now() + 3600, True)
        assert "cookie" not in repr(begun)
        await demo.sign_in.end()
        assert await demo.sign_in.status() is None
        with pytest.raises(ReauthenticationError):
            await demo.call("thing")


async def test_the_way_back_is_found_by_another_engine(service, tmp_path, monkeypatch):
    """Between there and back an app may be started again: the cookie and the file of tokens are all that it needs."""
    monkeypatch.setenv("CONNECTOR_STORE_KEY", ring(tmp_path, OLD))
    place = f"sqlite:///{tmp_path}/tokens.db"
    async with Engine(effects=world(service), tokens=place) as engine, engine.open(SPEC, id="a") as demo:
        begun = await demo.sign_in.begin(BACK)
    async with Engine(effects=world(service), tokens=place) as engine, engine.open(SPEC, id="a") as demo:
        query = service.consents(begun.url)
        await demo.sign_in.finish(f"{BACK}?code={query['code']}&state={query['state']}", begun.cookie)
    async with Engine(effects=world(service), tokens=place) as engine, engine.open(SPEC, id="a") as demo:
        assert (await demo.call("thing")).data == [{"id": 1}]


async def test_a_stranger_does_not_end_it(service):
    """Who comes back with another state is refused, and whoever was sent may still come, once."""
    async with Connector.open(SPEC, effects=world(service)) as demo:
        begun = await demo.sign_in.begin(BACK)
        query = service.consents(begun.url)
        for _ in range(3):
            with pytest.raises(AuthenticationError, match="who was not sent"):
                await demo.sign_in.finish({**query, "state": "guessed"}, begun.cookie)
        await demo.sign_in.finish(query, begun.cookie)
        with pytest.raises(AuthenticationError, match="has ended already"):
            await demo.sign_in.finish(query, begun.cookie)


async def test_a_person_may_say_no(service):
    """What the service says instead of a code is told, and nothing is kept."""
    async with Connector.open(SPEC, effects=world(service)) as demo:
        begun = await demo.sign_in.begin(BACK)
        state = service.consents(begun.url)["state"]
        with pytest.raises((AuthorizationError, AuthenticationError), match=r"access_denied|does not want"):
            await demo.sign_in.finish({"error": "access_denied", "state": state}, begun.cookie)
        assert await demo.sign_in.status() is None


async def test_on_another_device(service):
    """A code is shown, and asked about until the person has typed it somewhere."""
    shown: list[Any] = []
    async with Connector.open(DEVICE, effects=world(service)) as demo:
        await demo.sign_in.on_device(shown.append)
        assert (await demo.call("thing")).data == [{"id": 1}]
        with pytest.raises(
            ConfigError, match="nobody signs in to demo by browser — auth — there is another way: device"
        ):
            await demo.sign_in.begin(BACK)
    assert [(code.code, code.address) for code in shown] == [("WXYZ", "https://id.example/go")]
    assert service.clock.slept == [1.0, 1.0, 1.0]


async def test_where_nobody_signs_in(service):
    """A spec without such an `auth` says so."""
    plain = SPEC | {"auth": "none"}
    async with Connector.open(plain, effects=world(service)) as demo:
        assert demo.sign_in.ways == ()
        with pytest.raises(ConfigError, match="nobody signs in to demo: its auth has no tokens"):
            await demo.sign_in.begin(BACK)


# ── signing out ───────────────────────────────────────────────────────────────────────────────────

REVOKED = "https://id.example/revoke"


@pytest.mark.parametrize(
    "answers, problem",
    [
        ([respond(200), respond(200)], None),
        ([respond(200, content=b"<html>gone</html>"), respond(204)], None),
        ([respond(200), respond(400, json={"error": "unsupported_token_type"})], None),
        ([respond(401, json={"error": "invalid_client", "error_description": "no r-token"}), respond(200)],
         "the sign-in was refused: invalid_client: no *** — auth: POST https://id.example/revoke"),
        ([respond(503)] * 6, "the sign-in was refused: status 503"),
        ([ConnectionError("nobody there", phase="unsent", retryable=True)] * 6, "nobody there"),
    ],
)  # fmt: skip
async def test_a_token_is_given_back(service, caplog, answers, problem):
    """What renews it goes first; whatever the service says, the token is forgotten by then, and a failure is told."""
    asked: list[dict[str, str]] = []
    waiting: list[Response | Exception] = list(answers)

    def serve(request: Request) -> Response:
        if request.url != REVOKED:
            found: Response = service(request)
            return found
        asked.append(dict(request.body))
        said = waiting.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    world = effects(FakeTransport(serve), clock=service.clock)
    async with Connector.open(SPEC | {"auth": {**AUTH, "revoke_url": REVOKED}}, effects=world) as demo:
        tokens = demo._connection.effects.tokens_kept()
        await tokens.put('["demo","","demo","auth"]', Token("a-token", "r-token"), None)
        assert (await demo.sign_in.status()) is not None
        found = await demo.sign_in.end()
        assert await tokens.names() == []
        assert await demo.sign_in.end() is None
    assert asked[0] == {"token": "r-token", "token_type_hint": "refresh_token", "client_id": "app"}
    assert (found is None) is (problem is None) is ("the service does not know" not in caplog.text)
    if problem is None:
        assert asked[1:] == [{"token": "a-token", "token_type_hint": "access_token", "client_id": "app"}]
    else:
        assert str(found).startswith(problem)


async def test_where_nothing_takes_a_token_back(service):
    """Without a revoke_url nobody is asked."""
    async with Connector.open(SPEC, effects=world(service)) as demo:
        begun = await demo.sign_in.begin(BACK)
        await demo.sign_in.finish(service.consents(begun.url), begun.cookie)
        assert await demo.sign_in.end() is None
        assert await demo.sign_in.status() is None


async def test_a_client_id_by_reference(service, monkeypatch):
    """Where the application's name is given by reference, it is looked up before anybody is sent anywhere."""
    monkeypatch.setenv("APP_ID", "an-app-of-ours")
    document = SPEC | {"secrets": {"id": {}}, "auth": {**AUTH, "client_id": "{{ secrets.id }}"}}
    given = {"id": SecretRef("env:APP_ID")}
    async with Connector.open(document, secrets=given, effects=world(service)) as demo:
        begun = await demo.sign_in.begin(BACK)
        assert dict(parse_qsl(urlsplit(begun.url).query))["client_id"] == "an-app-of-ours"
        await demo.sign_in.finish(service.consents(begun.url), begun.cookie)
        assert (await demo.call("thing")).data == [{"id": 1}]
    async with Connector.open(document, secrets=given, effects=world(service)) as demo:
        monkeypatch.delenv("APP_ID")
        with pytest.raises(ConfigError, match="secret id: "):
            await demo.sign_in.begin(BACK)
