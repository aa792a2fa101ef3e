"""A person signs in: there and back by a browser, and with a code on another device."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.auth.oauth2.people import DeviceCode, Wait
from connector_core.exceptions import AuthenticationError, AuthorizationError, ResponseError
from connector_core.http import Request
from tests.auth.oauth2.kinds import NOW, SECRETS, answer, kind, sent, session, talk, token

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
BACK = "http://127.0.0.1:8000/back"


def address(**keys: Any) -> tuple[str, dict[str, str]]:
    url = kind("authorization_code", **keys).authorize(
        session(), redirect_uri=BACK, state="st", verifier=VERIFIER, nonce="no"
    )
    return url.partition("?")[0], dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


def begun(redirect: dict[str, str], **keys: Any) -> Any:
    return kind("authorization_code", **keys).exchange(
        session(), redirect=redirect, redirect_uri=BACK, verifier=VERIFIER, state="st", nonce="no", now=NOW
    )


def identity(claims: Any) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


# ── there ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_address():
    """The person is sent with who asks, for what, where to come back, and RFC 7636's challenge of the verifier."""
    url, query = address(scopes=["a", "b"], extra={"authorize": {"prompt": "consent"}})
    assert url == "https://id.example/authorize"
    assert query == {
        "response_type": "code",
        "client_id": "shop",
        "redirect_uri": BACK,
        "scope": "a b",
        "state": "st",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "prompt": "consent",
    }


def test_openid_and_no_pkce():
    """An identity is asked for with a nonce; without PKCE no challenge is sent; the address keeps its own query."""
    _, query = address(
        scopes=["openid", "a"], pkce=False, scope_separator=",", authorize_url="https://id.example/authorize?tenant=x"
    )
    assert (query["nonce"], query["scope"], query["tenant"]) == ("no", "openid,a", "x")
    assert "code_challenge" not in query


@given(
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=12).filter(str.strip),
    st.lists(st.from_regex(r"[a-z.:/]{1,8}", fullmatch=True), max_size=3),
    st.from_regex(r"[A-Za-z0-9~._-]{43,60}", fullmatch=True),
)
def test_oauthlib_sends_people_to_the_same_address(client_id, scopes, verifier):
    """Oauthlib makes the same address of the same parameters."""
    from oauthlib.oauth2 import WebApplicationClient

    client = WebApplicationClient(client_id)
    challenge = client.create_code_challenge(verifier, "S256")
    theirs = client.prepare_request_uri(
        "https://id.example/authorize",
        redirect_uri=BACK, scope=scopes or None, state="st", code_challenge=challenge, code_challenge_method="S256",
    )  # fmt: skip
    ours = kind("authorization_code", scopes=scopes).authorize(
        session(id=client_id), redirect_uri=BACK, state="st", verifier=verifier, nonce="no"
    )
    assert sorted(parse_qsl(urlsplit(ours).query)) == sorted(parse_qsl(urlsplit(theirs).query))


# ── and back ──────────────────────────────────────────────────────────────────────────────────────


def test_the_code():
    """The code is sent with the verifier and where it was asked from; what else came back is kept with the token."""
    redirect = {"code": "c0de", "state": "st", "realmId": "42"}
    found, [asked] = talk(begun(redirect), token(refresh_token="r1"))
    assert sent(asked) == {
        "grant_type": "authorization_code", "code": "c0de", "redirect_uri": BACK, "code_verifier": VERIFIER,
    }  # fmt: skip
    assert (found.access, found.refresh, found.redirect) == ("a1", "r1", {"realmId": "42"})
    assert "code_verifier" not in sent(talk(begun(redirect, pkce=False), token())[1][0])


def test_no_state_at_all():
    """An empty state never matches, whoever left it out."""
    flow = kind("authorization_code").exchange(
        session(),
        redirect={"code": "c", "state": ""},
        redirect_uri=BACK,
        verifier=VERIFIER,
        state="",
        nonce="",
        now=NOW,
    )
    with pytest.raises(AuthenticationError, match="the state is another one"):
        next(flow)


def test_the_issuer():
    """The declared issuer's answer goes on."""
    redirect = {"state": "st", "code": "c", "iss": "https://id.example"}
    assert talk(begun(redirect, issuer="https://id.example"), token())[0].redirect == {}


@pytest.mark.parametrize("id_token, scopes", [(identity({"nonce": "no"}), ["openid"]), (identity({}), [])])
def test_the_identity(id_token, scopes):
    """An identity has the nonce of this sign-in, or none where nobody asked for an identity."""
    flow = begun({"code": "c", "state": "st"}, scopes=scopes)
    assert talk(flow, token(id_token=id_token))[0].access == "a1"


def test_a_code_that_was_used():
    """A code that the service takes no more is an error that shows neither the code nor the verifier."""
    with pytest.raises(AuthenticationError) as caught:
        talk(
            begun({"code": "c0de-1234", "state": "st"}),
            ({"error": "invalid_grant", "error_description": f"c0de-1234 {VERIFIER}"}, 400),
        )
    assert caught.value.code == "oauth.invalid_grant"
    assert str(caught.value).startswith("the sign-in was refused: invalid_grant: *** *** — ")


# ── on another device ─────────────────────────────────────────────────────────────────────────────

CODE: dict[str, Any] = {
    "device_code": "d3v1ce-code", "user_code": "WDJB-MJHT", "verification_uri": "https://id.example/device",
    "verification_uri_complete": "https://id.example/device?c=WDJB-MJHT", "expires_in": 600, "interval": 2,
}  # fmt: skip


def driven(bodies: list[Any], code: Any = CODE, **keys: Any) -> tuple[Any, list[Any], list[Request]]:
    """What the flow returns, what it told, and what it asked, on a clock that its waiting moves."""
    flow, now = kind("device_code", **keys).device(session(), NOW), NOW
    told: list[Any] = []
    asked: list[Request] = []
    answers = iter([code, *bodies])
    try:
        step = next(flow)
        while True:
            if isinstance(step, Request):
                asked.append(step)
                found = next(answers)
                body, status = found if isinstance(found, tuple) else (found, 200)
                step = flow.send(answer(step, body, status))
            elif isinstance(step, Wait):
                told.append(step.seconds)
                now += step.seconds
                step = flow.send(now)
            else:
                told.append(step)
                step = flow.send(None)
    except StopIteration as done:
        return done.value, told, asked


PENDING = ({"error": "authorization_pending"}, 400)


def test_the_code_for_another_device():
    """The code is shown, and the service is asked at the pace that it wants, until the person has signed in."""
    found, told, asked = driven([PENDING, ({"error": "slow_down"}, 400), PENDING, token()], scopes=["a"])
    assert told == [
        DeviceCode("WDJB-MJHT", "https://id.example/device", CODE["verification_uri_complete"], NOW + 600),
        2, 2, 7, 7,
    ]  # fmt: skip
    assert found.access == "a1"
    assert (asked[0].url, sent(asked[0])) == ("https://id.example/device", {"scope": "a"})
    assert sent(asked[1]) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "d3v1ce-code",
    }  # fmt: skip


@pytest.mark.parametrize(
    "bodies, error, code",
    [
        ([({"error": "expired_token"}, 400)], AuthenticationError, "oauth.expired_token"),
        ([({"error": "access_denied"}, 400)], AuthorizationError, "oauth.access_denied"),
        ([PENDING] * 400, AuthenticationError, "oauth.expired_token"),
        ([({"error": "invalid_client"}, 401)], AuthenticationError, "oauth.invalid_client"),
        (["<html>"], ResponseError, "oauth.undecodable"),
    ],
)
def test_how_it_ends_otherwise(bodies, error, code):
    """A refusal ends it, and so does the end of the code, whether the service says so or not."""
    with pytest.raises(error) as caught:
        driven(bodies)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "code",
    [
        {},
        {**CODE, "user_code": None},
        {**CODE, "verification_uri": "javascript:alert(1)"},
        {**CODE, "user_code": "WX\x1b[2J"},
        {**CODE, "verification_uri": "https://id.example/\x1b]0;x\x07"},
    ],
)
def test_no_code(code):
    """An answer without a code, or whose address is none for a browser, is told as that; a terminal obeys nothing."""
    with pytest.raises(ResponseError) as caught:
        driven([], code)
    assert caught.value.code == "oauth.device"


def test_an_older_name():
    """`verification_url`, as Google writes it, is read; without a pace it is that of the RFC."""
    code = {"device_code": "d", "user_code": "u", "verification_url": "https://id.example/x"}
    _, told, _ = driven([token()], code)
    assert told == [DeviceCode("u", "https://id.example/x", None, NOW + 1800), 5]


@pytest.mark.parametrize("direct", ["javascript:alert(1)", 7, "https://id.example/\u202e"])
def test_an_address_with_the_code_that_cannot_be_shown(direct):
    """It is left out: the one without the code does."""
    _, told, _ = driven([token()], {**CODE, "verification_uri_complete": direct})
    assert told[0].direct is None


def test_a_service_that_never_comes_to_an_end():
    """Neither a pace of months nor a code that lives for ever keeps anybody waiting for longer than a day."""
    with pytest.raises(AuthenticationError) as caught:
        driven([PENDING] * 1000, {**CODE, "interval": 1e9, "expires_in": 1e300})
    assert caught.value.code == "oauth.expired_token"
    _, told, _ = driven(
        [({"error": "slow_down"}, 400)] * 80 + [token()], {**CODE, "interval": 1e9, "expires_in": 1e300}
    )
    assert max(told[1:]) == 300


def test_nothing_is_shown():
    """The repr of what is shown to the person does not hold the code."""
    assert repr(DeviceCode("WDJB", "https://id.example/x", None, NOW)) == "DeviceCode(https://id.example/x)"
    assert SECRETS["key"] not in address()[0]
