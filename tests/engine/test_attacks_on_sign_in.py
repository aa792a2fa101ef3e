"""Attacks on signing in, each by its name: what comes back, what a token endpoint says, and who renews at once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import threading
import time
from base64 import urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import click
import pytest
from msgspec.structs import replace

from connector_core import Connector, Engine
from connector_core.auth import Session, Token
from connector_core.auth.oauth2.kind import OAuth2
from connector_core.cli.login import _listening as listening
from connector_core.cli.login import command as login
from connector_core.engine.signing import ask
from connector_core.events import Event
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConfigError,
    IntegrationError,
    ResponseError,
    SpecError,
)
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import FakeTransport, VirtualClock, effects, respond
from tests.secrets.store.stores import OLD, ring

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


# ── what comes back with a person ─────────────────────────────────────────────────────────────────

BACK = "https://app.example/back"
BY_CODE: dict[str, Any] = {
    **SPEC["auth"],
    "grant": "authorization_code",
    "authorize_url": "https://id.example/authorize",
    "issuer": "https://id.example",
}


class Provider:
    """Gives codes, each for one challenge, and a token for a code with its verifier; remembers what it was asked."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.challenges: dict[str, tuple[str, str]] = {}
        self.given = 0
        self.asked: list[dict[str, str]] = []
        self.identity: dict[str, str] = {}
        """What is given along with a token."""

    def consents(self, url: str) -> dict[str, str]:
        """What a browser comes back with that was sent to the address."""
        query = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
        self.given += 1
        code = f"code{self.given}"
        self.challenges[code] = (query["code_challenge"], query["redirect_uri"])
        return {"code": code, "state": query["state"], "iss": "https://id.example"}

    def __call__(self, request: Request) -> Response:
        if request.url != "https://id.example/token":
            return respond(json=[])
        form = dict(request.body)
        self.asked.append(form)
        digest = urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if self.challenges.pop(form["code"], None) != (digest, form["redirect_uri"]):
            return respond(400, json={"error": "invalid_grant"})
        return respond(json={"access_token": "the-token", "expires_in": 3600, **self.identity})


@pytest.fixture
def provider() -> Provider:
    return Provider()


def opened(provider: Provider, **auth: Any) -> Any:
    document = SPEC | {"auth": {**BY_CODE, **auth}}
    return Connector.open(document, secrets=SECRETS, effects=effects(FakeTransport(provider), clock=provider.clock))


@pytest.mark.parametrize(
    "changed, error, code",
    [
        ({"state": None}, AuthenticationError, "oauth.state"),
        ({"state": ""}, AuthenticationError, "oauth.state"),
        ({"state": "another"}, AuthenticationError, "oauth.state"),
        ({"state": None, "error": "access_denied"}, AuthenticationError, "oauth.state"),
        ({"iss": None}, AuthenticationError, "oauth.issuer"),
        ({"iss": "https://evil.example"}, AuthenticationError, "oauth.issuer"),
        ({"iss": "https://id.example/"}, AuthenticationError, "oauth.issuer"),
        ({"iss": "https://evil.example", "error": "access_denied"}, AuthenticationError, "oauth.issuer"),
        ({"code": None}, ResponseError, "oauth.no_code"),
        ({"error": "access_denied"}, AuthorizationError, "oauth.access_denied"),
        ({"error": "login_required"}, AuthenticationError, "oauth.login_required"),
    ],
)
async def test_attack_10_a_way_back_that_is_not_ours(provider, changed, error, code):
    """A wrong state, another issuer (mix-up, RFC 9207) or a refusal ends the sign-in before the code goes anywhere."""
    async with opened(provider) as demo:
        begun = await demo.sign_in.begin(BACK)
        back = {**provider.consents(begun.url), **changed}
        with pytest.raises(error) as caught:
            await demo.sign_in.finish({name: value for name, value in back.items() if value is not None}, begun.cookie)
        assert await demo.sign_in.status() is None
    assert (caught.value.code, provider.asked) == (code, [])


async def test_attack_10_a_state_that_comes_again(provider):
    """A way back serves once, for its browser and its connection, and ten minutes long; no token comes otherwise."""
    world = effects(FakeTransport(provider), clock=provider.clock)
    document = SPEC | {"auth": BY_CODE}
    async with Engine(effects=world) as engine, engine.open(document, secrets=SECRETS, id="a") as demo:
        begun, other = await demo.sign_in.begin(BACK), await demo.sign_in.begin(BACK)
        query = provider.consents(begun.url)
        for cookie in ("", "e30=", "🍪", "AAAA"):
            with pytest.raises(AuthenticationError, match=r"this browser did not begin the sign-in — .* — begin again"):
                await demo.sign_in.finish(query, cookie)
        with pytest.raises(AuthenticationError, match="the state is another one"):
            await demo.sign_in.finish(query, other.cookie)
        async with engine.open(document, secrets=SECRETS, id="b") as second:
            with pytest.raises(AuthenticationError, match="begun for another connection"):
                await second.sign_in.finish(query, begun.cookie)
        assert provider.asked == []
        await demo.sign_in.finish(query, begun.cookie)
        with pytest.raises(AuthenticationError, match="has ended already"):
            await demo.sign_in.finish(query, begun.cookie)
        with pytest.raises(AuthenticationError, match="has ended already"):
            await demo.sign_in.finish(provider.consents(begun.url), begun.cookie)
        late = await demo.sign_in.begin(BACK)
        await provider.clock.sleep(601)
        with pytest.raises(AuthenticationError, match="longer than ten minutes"):
            await demo.sign_in.finish(provider.consents(late.url), late.cookie)
    assert len(provider.asked) == 1


def identity(claims: Any) -> str:
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize(
    "id_token, code",
    [
        (identity({}), "oauth.nonce"),
        (identity({"nonce": "another"}), "oauth.nonce"),
        (identity({"nonce": 1}), "oauth.nonce"),
        ("not.a-token", "oauth.id_token"),
        (identity(["nonce"]), "oauth.id_token"),
    ],
)
async def test_attack_10_another_identity(provider, id_token, code):
    """An identity that came with the token has the nonce that this sign-in was begun with, or no token is kept."""
    provider.identity = {"id_token": id_token}
    async with opened(provider, scopes=["openid"]) as demo:
        begun = await demo.sign_in.begin(BACK)
        with pytest.raises(IntegrationError) as caught:
            await demo.sign_in.finish(provider.consents(begun.url), begun.cookie)
        assert caught.value.code == code
        assert await demo.sign_in.status() is None


@pytest.mark.parametrize("name", ["redirect_uri", "state", "code_challenge", "code_challenge_method", "nonce"])
def test_attack_10_an_open_redirect(name):
    """No spec says where the person comes back to, nor what binds the way back: as a parameter or in the query."""
    url = f"https://id.example/authorize?{name}=https://evil.example"
    for auth in ({"extra": {"authorize": {name: "https://evil.example"}}}, {"authorize_url": url}):
        with pytest.raises(SpecError, match=f"{name} is decided for each sign-in, by no spec"):
            load(SPEC | {"auth": {**BY_CODE, **auth}})
    with pytest.raises(SpecError, match="redirect_uri is decided for each sign-in, by no spec"):
        load(SPEC | {"auth": {**BY_CODE, "extra": {"token": {"redirect_uri": "https://evil.example"}}}})


async def test_attack_10_an_app_alone_says_where_the_way_back_leads(provider):
    """The address that the app gave is the one that the service is told, once on the way and once with the code."""
    async with opened(provider, extra={"authorize": {"prompt": "consent"}}) as demo:
        begun = await demo.sign_in.begin(BACK)
        there = parse_qsl(urlsplit(begun.url).query, strict_parsing=True)
        assert [value for name, value in there if name == "redirect_uri"] == [BACK]
        hostile = {**provider.consents(begun.url), "redirect_uri": "https://evil.example"}
        await demo.sign_in.finish(hostile, begun.cookie)
    assert [form["redirect_uri"] for form in provider.asked] == [BACK]


@pytest.mark.parametrize(
    "address", ["https://evil.example/cb", "http://192.0.2.1/cb", "http://localhost.evil.example/"]
)
def test_attack_10_a_way_back_that_leads_elsewhere(address):
    """The command waits at an address of this machine and at no other."""
    with pytest.raises(click.UsageError, match="nothing on this machine can listen at"), click.Context(login):
        listening(address)
    assert listening(None)[0] == "127.0.0.1"


# ── codes and PKCE ────────────────────────────────────────────────────────────────────────────────


async def test_attack_10_a_code_that_comes_again(provider):
    """A code that has served is refused, in an error that shows neither it nor the verifier, and the token stays."""
    async with opened(provider) as demo:
        first, second = await demo.sign_in.begin(BACK), await demo.sign_in.begin(BACK)
        stolen = provider.consents(first.url)
        await demo.sign_in.finish(stolen, first.cookie)
        again = {**provider.consents(second.url), "code": stolen["code"]}
        with pytest.raises(AuthenticationError) as caught:
            await demo.sign_in.finish(again, second.cookie)
        assert await demo.sign_in.status() is not None
    assert caught.value.code == "oauth.invalid_grant"
    assert provider.asked[-1]["code_verifier"] not in str(caught.value)


async def test_attack_10_a_code_of_somebody_else(provider):
    """A code that was given for another browser's challenge is of no use: each way has a verifier of its own."""
    async with opened(provider) as demo:
        mine, theirs = await demo.sign_in.begin(BACK), await demo.sign_in.begin(BACK)
        injected = {**provider.consents(mine.url), "code": provider.consents(theirs.url)["code"]}
        with pytest.raises(AuthenticationError, match="invalid_grant"):
            await demo.sign_in.finish(injected, mine.cookie)
    [asked] = provider.asked
    assert len(asked["code_verifier"]) >= 43


async def test_attack_10_a_pkce_downgrade():
    """The simulated service gives no code without a challenge of S256, nor a token without its verifier."""
    spec = load(SPEC | {"auth": BY_CODE})
    auth: Any = spec.auth
    theirs = Session({"secrets": SECRETS, "config": {}, "connection": {"id": "demo"}})
    ours = replace(theirs, learnt={})
    begun = {"redirect_uri": BACK, "state": "st", "verifier": "v" * 43, "nonce": "n"}
    url, _, query = auth.authorize(ours, **begun).partition("?")
    asked = dict(parse_qsl(query))

    def goes(**changed: str | None) -> Response:
        pairs = tuple((name, value) for name, value in {**asked, **changed}.items() if value is not None)
        return auth.serve(theirs, Request("GET", url, pairs), 0.0)  # type: ignore[no-any-return]

    assert goes(code_challenge=None).status == 400
    assert goes(code_challenge_method=None).status == 400
    assert goes(code_challenge_method="plain", code_challenge="v" * 43).status == 400
    for verifier, status in ((None, 400), ("w" * 43, 400), ("v" * 43, 200)):
        back = dict(parse_qsl(urlsplit(goes().headers["Location"]).query))
        first = next(auth.exchange(ours, redirect=back, now=0.0, **begun))
        form = tuple((name, value) for name, value in first.body if name != "code_verifier")
        first = replace(first, body=(*form, ("code_verifier", verifier)) if verifier else form)
        assert auth.serve(theirs, first, 0.0).status == status
    assert auth.serve(theirs, first, 0.0).status == 400  # once


# ── who renews at the same time ───────────────────────────────────────────────────────────────────

WORKER = """
import asyncio, json, sys
from connector_core import Engine

async def main():
    document, place = json.loads(sys.argv[1]), sys.argv[2]
    async with Engine(network="loopback", tokens=place) as engine:
        async with engine.open(document, secrets=json.loads(sys.argv[3])) as demo:
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            found = await asyncio.gather(*(demo.call("thing") for _ in range(5)))
            print(json.dumps([result.data for result in found]), flush=True)

asyncio.run(main())
"""


class Rotating(BaseHTTPRequestHandler):
    """Takes each refresh token once, and takes its time; one that comes again ends the sign-in."""

    renewed: ClassVar[list[str]] = []
    valid: ClassVar[set[str]] = set()
    one: ClassVar[threading.Lock] = threading.Lock()

    def do_POST(self) -> None:
        refresh = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))["refresh_token"]
        with self.one:
            self.renewed.append(refresh)
            replayed = self.renewed.count(refresh) > 1
            self.valid.clear()
            if not replayed:
                self.valid.add(f"Bearer access-{len(self.renewed)}")
        time.sleep(0.5)
        given = {"access_token": f"access-{len(self.renewed)}", "refresh_token": f"{refresh}+", "expires_in": 3600}
        self._json(400, {"error": "invalid_grant"}) if replayed else self._json(200, given)

    def do_GET(self) -> None:
        known = self.headers["Authorization"] in self.valid
        self._json(200, [{"id": 1}]) if known else self._json(401, {})

    def _json(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


async def test_attack_10_a_refresh_race_across_processes(tmp_path, monkeypatch):
    """Two processes whose token ended while they slept renew it once; the refresh token comes to the service once."""
    monkeypatch.setenv("CONNECTOR_STORE_KEY", ring(tmp_path, OLD))
    Rotating.renewed, Rotating.valid = [], set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rotating)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}"
    document = SPEC | {"base_url": home, "auth": {**BY_CODE, "token_url": f"{home}/token"}}
    place = f"sqlite:///{tmp_path}/tokens.db"
    async with Engine(tokens=place) as engine, engine.open(document, secrets=SECRETS) as demo:
        [name] = [demo._connection.credential(demo._connection.plan("thing"), ask).name]
        await engine._effects.tokens_kept().put(name, Token("ended", "first", time.time() - 5), None)
    given = [json.dumps(document), place, json.dumps(SECRETS)]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    workers = [await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, *given, **pipes) for _ in range(2)]
    try:
        async with asyncio.timeout(60):
            for worker in workers:
                assert worker.stdout is not None
                assert await worker.stdout.readline() == b"ready\n"
            told = await asyncio.gather(*(worker.communicate(b"go\n") for worker in workers))
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
        server.shutdown()
        server.server_close()
    assert [json.loads(out) for out, _ in told] == [[[{"id": 1}]] * 5] * 2, told
    assert Rotating.renewed == ["first"]


# ── clocks that differ ────────────────────────────────────────────────────────────────────────────

ENDS = {"expires": {"take": "body.ends", "format": "epoch_seconds"}}


class Clocked:
    """Gives tokens of five minutes whose end it writes by its own clock, and takes the last one until it ends."""

    def __init__(self, ahead: float) -> None:
        self.clock, self.ahead = VirtualClock(), ahead
        self.given, self.asked, self.ends = 0, 0, 0.0

    def __call__(self, request: Request) -> Response:
        now = self.clock.now() + self.ahead
        if request.url == "https://id.example/token":
            self.given, self.ends = self.given + 1, now + 300
            assert self.given < 10, "it asks without end"
            return respond(json={"access_token": f"token-{self.given}", "ends": int(self.ends)})
        self.asked += 1
        known = request.headers["Authorization"] == f"Bearer token-{self.given}" and now < self.ends
        return respond(json=[{"id": 1}]) if known else respond(401, json={})


@pytest.mark.parametrize("ahead, asked", [(600, 8), (0, 7), (-600, 8)])
async def test_attack_10_clocks_that_differ(ahead, asked):
    """Ten minutes of difference cost one refused request for each token at most, and never a second token."""
    service = Clocked(ahead)
    document = SPEC | {"auth": {**SPEC["auth"], "token": ENDS}}
    world = effects(FakeTransport(service), clock=service.clock)
    async with Connector.open(document, secrets=SECRETS, effects=world) as demo:
        for _ in range(7):
            assert (await demo.call("thing")).data == [{"id": 1}]
            await service.clock.sleep(60)
    assert (service.given, service.asked) == (2, asked)
