"""Attacks on signing in, each by its name: what comes back, what a token endpoint says, and who renews at once."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core import Connector
from connector_core.auth import Session, Token
from connector_core.auth.oauth2.kind import OAuth2
from connector_core.events import Event
from connector_core.exceptions import ConfigError, IntegrationError
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

ID, KEY, OTHER = "the-id-of-the-app", "s3cr3t/k3y+of=the&app", "Zq7-an0ther-phr4se\nof-tw0-l1nes"
SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "secrets": {"id": {}, "key": {}, "other": {}},
    "retry": {"attempts": 1},
    "auth": {
        "type": "oauth2",
        "grant": "client_credentials",
        "token_url": "https://id.example/token",
        "client_id": "{{ secrets.id }}",
        "client_secret": "{{ secrets.key }}",
    },
    "endpoints": {
        "thing": {"get": "/things", "records": "body", "params": {"q": "{{ secrets.other | default('') }}"}},
    },
}
SECRETS = {"id": ID, "key": KEY, "other": OTHER}


# ── what a token endpoint says ────────────────────────────────────────────────────────────────────


def _tells(secret: str, text: str) -> bool:
    """Whether the text gives six characters in a row of the secret away."""
    return any(secret[at : at + 6] in text for at in range(len(secret) - 5))


def _quoting(request: Request) -> str:
    return f"no {KEY}, {OTHER} and {request.headers['Authorization']} {request.content!r}"


@pytest.mark.parametrize(
    "answer, code",
    [
        (lambda asked: respond(401, json={"error": "invalid_client", "error_description": _quoting(asked)}),
         "oauth.invalid_client"),
        (lambda asked: respond(200, json={"ok": False, "error": _quoting(asked)}), "oauth.refused"),
        (lambda _: respond(200, json={"error": KEY, "error_description": "x" * 190 + OTHER}), "oauth.refused"),
        (lambda _: respond(400, json={"errors": [{"errorType": OTHER, "message": KEY}]}), "oauth.refused"),
        (lambda _: respond(200, content=f"<html><title>{'x' * 80} {OTHER} {KEY}".encode()), "oauth.undecodable"),
        (lambda _: respond(502, content=f"<html><title>{OTHER} {KEY}</title>".encode()), "oauth.refused"),
        (lambda _: respond(200, content=KEY.encode() * 100_000), "oauth.too_large"),
        (lambda _: respond(200, json={"access_token": "a" * 9, "expires_in": f"{KEY} {OTHER}"}), "oauth.expires"),
    ],
    ids=["quotes all", "200 with an error", "cut in two", "in its name", "web page", "502", "huge", "its end"],
)  # fmt: skip
async def test_attack_10_a_token_endpoint_that_quotes_secrets(answer, code):
    """Whatever it answers, an error tells what happened, in one bounded line and without a piece of any secret."""
    heard: list[Event] = []

    def serve(request: Request) -> Response:
        assert request.url == "https://id.example/token"
        found: Response = answer(request)
        return found

    world = effects(FakeTransport(serve), clock=VirtualClock(), listeners=[heard.append])
    async with Connector.open(SPEC, secrets=SECRETS, effects=world) as demo:
        with pytest.raises(IntegrationError) as caught:
            await demo.call("thing")
    shown = f"{caught.value} {caught.value!r} {caught.value.what} {caught.value.context} {heard!r}"
    assert not [secret for secret in (KEY, OTHER, *OTHER.split("\n")) if _tells(secret, shown)]
    assert caught.value.code == code
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


async def test_attack_10_a_kind_that_quotes_secrets(monkeypatch):
    """A kind's own error, here one that shows what it cannot read, is told without the secret and what it came from."""

    def obtain(self: OAuth2, session: Session, held: Token | None, now: float) -> Any:
        answer = yield Request("POST", "https://id.example/token")
        try:
            raise ValueError(answer.content)
        except ValueError as error:
            raise ConfigError(f"no number: {KEY}", where=KEY, hint=KEY, context={"said": str(error)}) from None

    monkeypatch.setattr(OAuth2, "obtain", obtain)
    world = effects(FakeTransport(lambda _: respond(200, content=KEY.encode())), clock=VirtualClock())
    async with Connector.open(SPEC, secrets=SECRETS, effects=world) as demo:
        with pytest.raises(ConfigError) as caught:
            await demo.call("thing")
    assert str(caught.value) == "no number: *** — *** — ***"
    assert caught.value.__context__ is None
    assert not _tells(KEY, f"{caught.value.what}{caught.value.where}{caught.value.hint}{caught.value.context}")
