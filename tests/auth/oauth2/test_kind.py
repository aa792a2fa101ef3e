"""What a token is asked for with, and what requests are signed with then."""

from __future__ import annotations

import pytest

from connector_core.auth import Session, Token
from connector_core.exceptions import (
    AuthenticationError,
    ConfigError,
    ReauthenticationError,
    ServerError,
)
from connector_core.http import Request
from tests.auth.oauth2.kinds import NOW, SECRETS, URL, kind, sent, session, talk, token


def held(refresh: str | None = "r1") -> Token:
    return Token("a0", refresh, NOW + 10, NOW - 3600, {"access_token": "a0", "instance": "eu"})


def test_client_credentials():
    """The application's own token: what is asked, and what is kept of the answer."""
    found, [asked] = talk(kind(scopes=["a", "b"]).obtain(session(), None, NOW), token(scope="a"))
    assert (asked.method, asked.url, asked.headers["Accept"]) == ("POST", URL, "application/json")
    assert sent(asked) == {"grant_type": "client_credentials", "scope": "a b"}
    assert (found.access, found.refresh, found.expires, found.obtained) == ("a1", None, NOW + 3600, NOW)
    assert found.answer["scope"] == "a"  # less than was asked for, as templates can see


def test_password():
    """Name and password are sent once, to the token endpoint."""
    _, [asked] = talk(kind("password", client_secret=None).obtain(session(), None, NOW), token())
    assert sent(asked) == {
        "grant_type": "password", "username": "ann", "password": SECRETS["password"], "client_id": "shop",
    }  # fmt: skip


@pytest.mark.parametrize("grant", ["client_credentials", "authorization_code", "device_code", "password"])
def test_a_refresh_token_that_is_held_is_used_first(grant):
    """Whatever the first token was asked for with, the next is asked for with its refresh token."""
    found, [asked] = talk(kind(grant).obtain(session(), held(), NOW), token("a1", refresh_token="r2"))
    assert sent(asked) == {"grant_type": "refresh_token", "refresh_token": "r1"}
    assert (found.access, found.refresh) == ("a1", "r2")


def test_refreshing_elsewhere():
    """A separate address and separate parameters for renewing are kept apart from those for the first token."""
    asked_for = kind("password", refresh_url="https://id.example/renew", extra={"token": {"a": "1"}, "refresh": {}})
    _, [first] = talk(asked_for.obtain(session(), None, NOW), token())
    _, [renewed] = talk(asked_for.obtain(session(), held(), NOW), token())
    assert (first.url, sent(first)["a"]) == (URL, "1")
    assert (renewed.url, "a" in sent(renewed)) == ("https://id.example/renew", False)


@pytest.mark.parametrize(
    "refusal", [({"error": "invalid_grant"}, 400), ({"error": "invalid_refresh_token"}, 200), ("", 401)]
)
def test_a_refresh_token_that_serves_no_more(refusal):
    """Where nobody is needed the grant begins anew; with the others a person has to."""
    found, asked = talk(kind("password").obtain(session(), held(), NOW), refusal, token("a9"))
    assert (found.access, [sent(one)["grant_type"] for one in asked]) == ("a9", ["refresh_token", "password"])
    with pytest.raises(ReauthenticationError) as caught:
        talk(kind("authorization_code").obtain(session(), held(), NOW), refusal)
    assert str(caught.value) == (
        "the sign-in has ended: its refresh token is not accepted any more — shop: auth"
        " — sign in: connector login shop"
    )  # fmt: skip


def test_nobody_has_signed_in():
    """Without a token, a grant that begins with a person asks nothing and says how to sign in."""
    for grant in ("authorization_code", "device_code"):
        with pytest.raises(ReauthenticationError) as caught:
            next(kind(grant).obtain(session(), None, NOW))
        assert str(caught.value) == "nobody has signed in — shop: auth — sign in: connector login shop"
        assert caught.value.code == "oauth.sign_in"
    with pytest.raises(ReauthenticationError, match="the sign-in has ended, and nothing can renew it"):
        next(kind("authorization_code").obtain(session(), held(None), NOW))


def test_a_refresh_token_that_the_user_brought():
    """It is used first; later the one that the service gave instead; and if that ends, the user's, which may be new."""
    flow = kind("refresh_token")
    found, [asked] = talk(flow.obtain(session(), None, NOW), token(refresh_token="r2"))
    assert (sent(asked)["refresh_token"], found.refresh) == ("brought-refresh", "r2")
    _, both = talk(flow.obtain(session(token="a-new-one"), found, NOW), ({"error": "invalid_grant"}, 400), token())
    assert [sent(one)["refresh_token"] for one in both] == ["r2", "a-new-one"]
    with pytest.raises(ReauthenticationError) as caught:
        talk(flow.obtain(session(), None, NOW), ({"error": "invalid_grant"}, 400))
    assert caught.value.hint == "bring a new one, as the secret that auth reads"


@pytest.mark.parametrize(
    "failure, kind_of_error",
    [
        (({"error": "invalid_client"}, 401), AuthenticationError),
        (({"error": "temporarily_unavailable"}, 400), ServerError),
        (("oops", 503), ServerError),
    ],
)
def test_what_says_nothing_about_the_refresh_token(failure, kind_of_error):
    """Another error than that the refresh token has ended neither begins anew nor sends for a person."""
    for grant in ("password", "authorization_code"):
        with pytest.raises(kind_of_error) as caught:
            talk(kind(grant).obtain(session(), held(), NOW), failure)
        assert type(caught.value) is kind_of_error


def test_the_token_put_where_it_belongs():
    """Requests carry the token as the spec writes it, which may read what else came; without one nothing is signed."""
    signed = kind(put="header.X-Auth", value="{{ token.instance }}:{{ token.access }}")
    with_token = Session(session().scope, {}, held())
    assert signed.sign(with_token, Request("GET", "https://a.example/"), NOW).headers == {"X-Auth": "eu:a0"}
    usual = kind().sign(with_token, Request("GET", "https://a.example/"), NOW)
    assert usual.headers == {"Authorization": "Bearer a0"}
    with pytest.raises(ConfigError, match="there is no token to sign with"):
        kind().sign(session(), Request("GET", "https://a.example/"), NOW)


def test_only_the_token_endpoints_are_homes():
    """Credentials may go to where tokens are asked for, and not to where browsers are sent."""
    auth = kind("authorization_code", refresh_url="https://renew.example/x")
    assert auth.homes(session()) == [URL, "https://renew.example/x"]
