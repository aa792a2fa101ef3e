"""Requests that carry a token which this side has signed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from connector_core.auth import Session
from connector_core.auth.jwt import Jwt
from connector_core.http import Request
from tests.auth.test_assertions import pem

NOW = 1_700_000_000.0
REQUEST = Request("GET", "https://a.example/x")
SECRET = "a secret that both sides know, long enough"


def kind(**keys: Any) -> Jwt:
    return Jwt.model_validate({"type": "jwt", "algorithm": "HS256", "key": "{{ secrets.key }}", **keys})


def session(key: str = SECRET) -> Session:
    return Session({"secrets": {"key": key}}, {})


@pytest.mark.parametrize(
    "algorithm, key",
    [("HS256", SECRET), ("HS512", SECRET), ("RS256", "RSA"), ("PS256", "RSA"), ("ES256", "P-256"), ("ES384", "P-384")],
)
def test_the_provider_tells_keys_apart(algorithm, key):
    """The provider accepts what is signed with the key, and nothing that is signed with another or altered."""
    secret = SECRET if key == SECRET else pem(key)
    auth = kind(algorithm=algorithm, issuer="shop")
    signed = auth.sign(session(secret), REQUEST, NOW)
    assert auth.refusal(session(secret), signed) is None
    head, body, signature = signed.headers["Authorization"].split(".")
    altered = f"{head}.{body}.{signature[:-8]}AAAAAAAA"
    assert auth.refusal(session(secret), signed.with_header("Authorization", altered)) == (
        "the token's signature is wrong"
    )
    if key == SECRET:
        assert auth.refusal(session("another"), signed) == "the token's signature is wrong"


@pytest.mark.parametrize(
    "encoding, secret", [("hex", "fbff00"), ("base64", "-_8A"), ("base64", "+/8A"), ("base64", "YQ")]
)
def test_encoded_secrets_on_both_sides(encoding, secret):
    """A secret in hex or base64 stands for the same bytes on both sides."""
    auth = kind(key_encoding=encoding)
    assert auth.refusal(session(secret), auth.sign(session(secret), REQUEST, NOW)) is None


@pytest.mark.parametrize(
    "put, value, place",
    [
        ("header.X-Token", "{{ token }}", lambda request: request.headers["X-Token"]),
        ("query.jwt", "{{ token }}", lambda request: dict(request.query)["jwt"]),
        ("header.Authorization", "Ghost {{ token }}", lambda request: request.headers["Authorization"][6:]),
    ],
)
def test_where_the_token_goes(put, value, place):
    """`put` and `value` place it, and the provider looks there."""
    auth = kind(put=put, value=value)
    signed = auth.sign(session(), REQUEST, NOW)
    assert place(signed).count(".") == 2
    assert auth.refusal(session(), signed) is None
    assert auth.refusal(session(), REQUEST) == f"{put} is missing"


def test_a_token_is_used_for_most_of_its_life():
    """One token signs until nine tenths of its life are over, or the secret or the clock has changed."""
    auth, here = kind(lifetime="100s", claims={"jti": "{{ uuid }}"}), session()

    def token(at: float, uuid: str) -> str:
        return auth.sign(Session({**here.scope, "uuid": uuid}, here.learnt), REQUEST, at).headers["Authorization"]

    first = token(NOW, "a")
    assert token(NOW + 89, "b") == first
    second = token(NOW + 90, "c")
    assert second != first
    assert token(NOW, "d") not in (first, second)
    here.scope = {"secrets": {"key": "another secret"}}
    assert token(NOW, "d") != second


@pytest.mark.parametrize(
    "sent, reason",
    [
        ("Bearer abc", "header.Authorization holds no token of three parts"),
        ("Basic abc", "header.Authorization holds no token in that form"),
        ("Bearer a.b.c", "header.Authorization holds a token that cannot be read"),
        ("Bearer W10.e30.", "header.Authorization holds a token that cannot be read"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", "the token is not signed with HS256"),
    ],
)
def test_the_provider_refuses_in_words(sent, reason):
    """Whatever stands there, the provider says what is wrong with it; an algorithm `none` is not the one declared."""
    assert kind().refusal(session(), replace(REQUEST, headers={"Authorization": sent})) == reason


def test_the_provider_knows_who_signs():
    """Another issuer is refused, and so is a token without an end."""
    signed = kind(issuer="shop").sign(session(), REQUEST, NOW)
    assert kind(issuer="other").refusal(session(), signed) == "the token's iss is wrong"
    endless = kind(claims={"exp": None}).sign(session(), REQUEST, NOW)
    assert kind().refusal(session(), endless) == "the token never ends"
