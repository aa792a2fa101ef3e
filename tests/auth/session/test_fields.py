"""What a spec may say about a login, and what is refused with its place and a remedy."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core.exceptions import SpecError
from connector_core.load import load
from tests.auth.session.kinds import USUAL

STEPS: list[dict[str, Any]] = [
    {"get": "/challenge", "as": "challenge"},
    {"post": "/login/{{ challenge.body.id }}", "body": {"form": {"code": "{{ challenge.body.code }}"}}},
]
LITERAL = "holds the credential itself: declare it under secrets, and read it: '{{ secrets.NAME }}'"
SECRETS_GO = "it can be read in headers, params, body and auth"
NOT_SOLE = (
    " itself made of requests or of other sign-ins "
    "(one of: api_key, aws_sigv4, basic, bearer, digest, hmac, jwt, none, oauth1)"
)


def document(**auth: Any) -> dict[str, Any]:
    given = {"type": "session", **USUAL, "token": {"access": "body.token"}, **auth}
    return {
        "connector": "1",
        "name": "shop",
        "secrets": {"user": {}, "password": {}},
        "base_url": "https://api.shop.example/v1",
        "auth": {name: value for name, value in given.items() if value is not None},
        "endpoints": {"orders": {"get": "/orders", "records": "body"}},
    }


def told(written: dict[str, Any]) -> list[str]:
    with pytest.raises(SpecError) as refused:
        load(written)
    return [f"{problem.path}: {problem.what}" for problem in refused.value.problems]


def test_a_login_and_steps_load():
    """One request, or several of which later ones read the answers of earlier ones."""
    assert load(document()).auth is not None
    auth: Any = load(document(login=None, steps=STEPS)).auth
    assert [step.as_ for step in auth.requests] == ["challenge", None]


@pytest.mark.parametrize(
    "auth, what",
    [
        ({"steps": STEPS}, "auth: must have exactly one of: login, steps"),
        ({"login": None}, "auth: must have exactly one of: login, steps"),
        ({"put": "cookie.sid", "cookies": ["sid"]}, "auth: puts the cookie sid twice: leave it out of 'cookies'"),
        ({"cookies": ["a", "a"]}, "auth.cookies: names a cookie twice"),
        (
            {"login": {"post": "/login", "safe": True}},
            "auth.login: must not say 'safe': whoever logs in twice is logged in",
        ),
        (
            {"login": {"post": "/login", "body": {"json": {"login": {"password": "hunter2"}}}}},
            ("auth.login.body.json.login.password: " + LITERAL),
        ),
        (
            {"login": {"post": "/login", "params": {"api_key": "hunter2"}}},
            ("auth.login.params.api_key: " + LITERAL),
        ),
        (
            {"login": None, "steps": [{**STEPS[0], "as": "a"}, {"post": "/b", "as": "a"}]},
            "auth: gives two answers one name: choose another for one of the steps",
        ),
        (
            {"login": None, "steps": [*reversed(STEPS)]},
            "auth.steps.0.post: unknown name 'challenge' (one of: config, connection, endpoint, now)",
        ),
        (
            {"login": None, "steps": [STEPS[0], {"post": "/b", "headers": {"X": "{{ challenge.bdy.id }}"}}]},
            "auth.steps.1.headers.X: challenge.bdy is not declared under challenge, did you mean 'body'?",
        ),
        (
            {"login": {"get": "/login", "params": {"p": "{{ page.number }}"}}},
            "auth.login.params.p: 'page' cannot be read here (auth); it can be read in the requests of a read",
        ),
        (
            {"login": {"get": "/login/{{ secrets.user }}"}},
            ("auth.login.get: 'secrets' cannot be read here (sign_in_url); " + SECRETS_GO),
        ),
        (
            {"login": {"get": "/login", "auth": {"type": "session"}}},
            "auth.login.auth.type: session cannot sign this request: it is" + NOT_SOLE,
        ),
        (
            {"token": {"access": "query.token"}},
            "auth.token.access: 'query.token' is not an address: unknown root 'query' (one of: body, cookie, header)",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(auth, what):
    """Each mistake is told where it stands, with what to do."""
    assert what in told(document(**auth))


def test_a_path_needs_an_address_that_is_known_before_the_login():
    """Without a base_url, or with one that only a login tells, the request has to say where it goes."""
    nowhere = document()
    nowhere["endpoints"]["orders"]["base_url"] = nowhere.pop("base_url")
    assert told(nowhere) == [
        "auth: asks for a path, and the connector has no base_url: give its request one",
    ]
    later = {
        **document(),
        "capture": {"home": "token.home"},
        "base_url": "{{ connection.home }}/v1",
    }
    asked = (
        "asks below the connector's base_url, which reads connection.home: that is known later; give its request one"
    )
    assert told(later)[0] == f"auth: {asked}"
    later["auth"]["login"] = {"base_url": "https://id.shop.example", **USUAL["login"]}
    load(later)
