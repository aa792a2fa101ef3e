"""Several ways of signing in: which an account takes, what it needs then, and that accounts do not disturb others."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from connector_core import Connector, Engine
from connector_core.auth import Session
from connector_core.auth.any_of import AnyOf
from connector_core.config import SecretRef
from connector_core.connections import Connections
from connector_core.exceptions import ConfigError, SpecError
from connector_core.http import Request
from connector_core.lint import findings
from connector_core.load import load
from connector_core.plan import choose, optional_secrets, with_choice
from connector_core.secret import Secret
from connector_core.testing import FakeTransport, Simulator, effects, respond, simulated

TOKEN = {"type": "bearer", "token": "{{ secrets.token }}"}
PASSWORD = {"type": "basic", "username": "{{ secrets.user }}", "password": "{{ secrets.password }}"}
LOGIN = {
    "type": "session",
    "login": None,
    "steps": [
        {"get": "/challenge", "as": "challenge"},
        {
            "post": "/login",
            "params": {"n": "{{ challenge.body.n }}"},
            "body": {"json": {"p": "{{ secrets.password }}"}},
        },
    ],
    "token": {"access": "body.token"},
    "put": "header.X-Session",
}
CODE = {
    "type": "oauth2",
    "grant": "authorization_code",
    "authorize_url": "https://id.shop.example/authorize",
    "token_url": "https://id.shop.example/token",
    "client_id": "{{ secrets.user }}",
}
OPTIONS: dict[str, Any] = {
    "token": TOKEN,
    "password": PASSWORD,
    "login": {key: value for key, value in LOGIN.items() if value is not None},
    "person": CODE,
}
GET = Request("GET", "https://api.shop.example/v1/orders")


def document(options: dict[str, Any] = OPTIONS, **more: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "desk",
        "secrets": {"token": {}, "user": {}, "password": {}},
        "base_url": "https://api.shop.example/v1",
        "auth": {"type": "any_of", "options": options},
        "endpoints": {"orders": {"get": "/orders", "records": "body"}},
        **more,
    }


class Service:
    """Tells how each request is signed, and gives tokens."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, request: Request) -> Any:
        self.seen.append(request.headers.get("Authorization") or request.headers.get("X-Session") or "")
        return respond(json=[{"id": 1}])


# ── which one is taken ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wanted, given, taken",
    [
        (None, {"token": "t", "user": "u", "password": "p"}, "token"),
        (None, {"user": "u", "password": "p"}, "password"),
        (None, {"token": "", "user": "u", "password": "p"}, "password"),
        (None, {"token": Secret(""), "user": Secret("u"), "password": Secret("p")}, "password"),
        (None, {"user": SecretRef("env:A"), "password": SecretRef("env:B")}, "password"),
        (None, {"user": "u"}, "person"),
        ("login", {"token": "t", "user": "u", "password": "p"}, "login"),
        ("login", {}, "login"),
    ],
)
def test_the_users_choice_else_the_first_whose_secrets_are_given(wanted, given, taken):
    """A secret that is empty is not given, and one that is kept elsewhere is."""
    assert choose(load(document()), wanted, given) == {"auth": taken}


def test_nobodys_secrets_are_given():
    """The error names each option with what is missing, and shows no secret."""
    with pytest.raises(ConfigError) as refused:
        choose(load(document({"token": TOKEN, "password": PASSWORD})), None, {"password": "p" * 9})
    ways = "token needs token; password needs user"
    remedy = "desk: auth — pass those of one of them"
    assert str(refused.value) == f"no sign-in has all its secrets: {ways} — {remedy}"


@pytest.mark.parametrize(
    "written, what",
    [
        (document(), "desk has no sign-in 'pasword', did you mean 'password'?"),
        (
            document(auth=TOKEN),
            "desk has no sign-in 'pasword' — sign_in — there is one way alone: leave the choice out",
        ),
    ],
)
def test_a_choice_that_is_not_offered_is_told(written, what):
    """With what there is, or that there is nothing to choose."""
    spec = load(written)
    with pytest.raises(ConfigError) as refused:
        choose(spec, "pasword", {})
    assert what in str(refused.value)


def test_only_what_the_chosen_one_reads_is_needed():
    """Secrets of the others are optional, unless something else reads them."""
    spec = load(document())
    taken = with_choice(spec, {"auth": "token"})
    assert {name for name, schema in taken.secrets.items() if schema.get("optional")} == {"user", "password"}
    both = load(document(headers={"X-User": "{{ secrets.user }}"}))
    taken = with_choice(both, {"auth": "token"})
    assert {name for name, schema in taken.secrets.items() if schema.get("optional")} == {"password"}
    assert {name for name, schema in optional_secrets(both).items() if schema.get("optional")} == {"token", "password"}


async def test_a_secret_of_the_chosen_one_is_missing():
    """It is told as where there is one way alone."""
    with pytest.raises(ConfigError, match="secret user is missing"):
        async with Connector.open(document(), sign_in="password", secrets={"password": "p", "token": "t"}):
            pass


# ── what runs ─────────────────────────────────────────────────────────────────────────────────────


async def test_connections_of_one_engine_take_what_each_has():
    """Two that share an engine, its plans and the spec sign in as each chose, side by side."""
    service = Service()
    spec = load(document())
    async with (
        Engine(effects=effects(FakeTransport(service))) as engine,
        engine.open(spec, id="a", secrets={"token": "t-1"}) as a,
        engine.open(spec, id="b", secrets={"user": "u", "password": "p"}) as b,
        engine.open(spec, id="c", secrets={"token": "t-3", "user": "u", "password": "p"}, sign_in="password") as c,
        engine.open(spec, id="d", secrets={"token": "t-4"}) as d,
    ):
        for _ in range(2):
            await asyncio.gather(*(one.call("orders") for one in (a, b, c, d)))
        assert a.spec is d.spec  # and with it their plans
        assert a.spec is not b.spec
        assert a.spec.auth != b.spec.auth == c.spec.auth
    assert sorted(service.seen) == sorted(2 * ["Bearer t-1", "Basic dTpw", "Basic dTpw", "Bearer t-4"])
    assert isinstance(spec.auth, AnyOf)


async def test_an_endpoints_own_ways():
    """One name is taken wherever it is offered; elsewhere the first that can be."""
    service = Service()
    own = {"type": "any_of", "options": {"key": {"type": "api_key", "put": "header.Authorization", "value": "k"}}}
    own["options"]["password"] = PASSWORD  # type: ignore[index]  # a test writes what it likes
    endpoints = {"orders": {"get": "/orders", "records": "body"}, "keys": {"get": "/k", "records": "body", "auth": own}}
    written = document({"token": TOKEN, "password": PASSWORD}, endpoints=endpoints)
    given = {"token": "t", "user": "u", "password": "p"}
    async with Engine(effects=effects(FakeTransport(service))) as engine:
        for way in (None, "key", "password"):
            async with engine.open(written, secrets=given, sign_in=way) as desk:
                await desk.call("orders")
                await desk.call("keys")
    assert service.seen == ["Bearer t", "k", "Bearer t", "k", "Basic dTpw", "Basic dTpw"]


async def test_tokens_of_different_ways_are_kept_apart():
    """An account that signs in another way the next time does not find the token of before."""
    tokens: list[str] = []

    async def service(request: Request) -> Any:
        if request.url.endswith("/login"):
            tokens.append(request.body["p"])
            return respond(json={"token": f"session-{request.body['p']}"})
        return respond(json=[{"id": request.headers["X-Session"]}])

    login = {"type": "session", "token": {"access": "body.token"}, "put": "header.X-Session"}
    one = {**login, "login": {"post": "/login", "body": {"json": {"p": "{{ secrets.token }}"}}}}
    other = {**login, "login": {"post": "/login", "body": {"json": {"p": "{{ secrets.password }}"}}}}
    written = load(document({"one": one, "other": other}))
    seen = []
    async with Engine(effects=effects(FakeTransport(service))) as engine:
        for way in ("one", "other", "one"):
            async with engine.open(written, secrets={"token": "t", "password": "p", "user": "u"}, sign_in=way) as desk:
                seen += (await desk.call("orders")).data
    assert seen == [{"id": "session-t"}, {"id": "session-p"}, {"id": "session-t"}]
    assert tokens == ["t", "p"]


async def test_a_person_signs_in_where_that_is_the_way_taken():
    """Who took another way is told that nobody has to."""
    given = {"token": "t", "user": "u", "password": "p"}
    async with Engine(effects=effects(FakeTransport(Service()))) as engine:
        async with engine.open(document(), secrets=given, sign_in="person") as desk:
            assert tuple(desk.sign_in.ways) == ("browser",)
            begun = await desk.sign_in.begin("http://127.0.0.1/back")
            assert begun.url.startswith("https://id.shop.example/authorize?")
        async with engine.open(document(), secrets=given) as desk:
            assert not desk.sign_in.ways


async def test_a_connection_that_was_set_up_says_how_it_signs_in(tmp_path, monkeypatch):
    """`sign_in` in connections.yaml, and what an app says wins."""
    (tmp_path / "desk.json").write_text(json.dumps(document()), "utf-8")
    for name in "ABC":
        monkeypatch.setenv(name, "s3cr3t")
    file = tmp_path / "connections.yaml"
    file.write_text(
        "connections:\n  acme:\n    connector: desk.json\n    sign_in: password\n"
        "    secrets: {token: 'env:A', user: 'env:B', password: 'env:C'}\n",
        "utf-8",
    )
    async with Engine(connections=Connections(file), effects=effects(FakeTransport(Service()))) as engine:
        async with engine.open("acme") as desk:
            assert desk.spec.choice == {"auth": "password"}
        async with engine.open("acme", sign_in="token") as desk:
            assert desk.spec.choice == {"auth": "token"}


# ── the spec ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "options, what",
    [
        ({"a": {"type": "any_of", "options": {"b": TOKEN}}}, "any_of cannot be one of several: name its ways here"),
        ({}, "auth.options"),
        ({"a b": TOKEN}, "must be letters, digits, _ and -, and begin with a letter"),
        (
            {"a": {"type": "bearer", "token": "{{ secrets.tken }}"}},
            "auth.options.a.token: secrets.tken is not declared",
        ),
        ({"a": {**OPTIONS["login"], "steps": [OPTIONS["login"]["steps"][1]]}}, "unknown name 'challenge'"),
    ],
)
def test_what_cannot_be_offered_is_refused(options, what):
    """With its place in the spec."""
    with pytest.raises(SpecError) as refused:
        load(document(options))
    assert what in str(refused.value)


def test_lint_looks_into_options():
    """A secret in the query is one in every way that puts it there; one that an option reads is not unused."""
    query = {"type": "api_key", "put": "query.key", "value": "{{ secrets.token }}"}
    written = json.dumps(document({"password": PASSWORD, "query": query}))
    found = [str(finding) for finding in findings(written, "desk.json")]
    assert len([told for told in found if "auth" in told and "the secret goes into the query" in told]) == 1
    assert not [told for told in found if "nothing reads" in told]


# ── the service's side ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", OPTIONS)
async def test_every_way_is_simulated(way):
    """The simulator takes whatever was signed in any of the ways."""
    async with simulated(document(), records=20, sign_in=way) as desk:
        assert len([order async for order in desk.read("orders")]) == 20
        assert desk.spec.choice == {"auth": way}


async def test_the_simulator_refuses_what_is_signed_in_none_of_them():
    """And says what each of them misses."""
    import aiohttp

    async with (
        Simulator(load(document({"token": TOKEN, "password": PASSWORD}))) as service,
        aiohttp.ClientSession() as client,
        client.get(f"{service.url}/v1/orders") as answer,
    ):
        assert answer.status == 401
        said = (await answer.json())["message"]
        asked = answer.headers["WWW-Authenticate"]
    assert said == "token: the Authorization header is missing; or password: the Authorization header is missing"
    assert asked.startswith("Bearer ")
    assert "Basic " in asked


def test_nothing_is_signed_without_the_secrets_of_one():
    """A kind that is used without an engine takes the first that can be, too."""
    kind = AnyOf.model_validate({"type": "any_of", "options": {"token": TOKEN, "password": PASSWORD}})

    def signed(**secrets: str) -> Any:
        flow = kind.flow(Session({"secrets": secrets}), GET, 0.0)
        with pytest.raises(StopIteration) as done:
            next(flow)
        return done.value.value.headers["Authorization"]

    assert signed(user="u", password="p") == "Basic dTpw"
    assert signed(token="t", user="u", password="p") == "Bearer t"
    with pytest.raises(ConfigError, match="nobody can sign in: token needs token; password needs user, password"):
        next(kind.flow(Session({"secrets": {}}), GET, 0.0))
