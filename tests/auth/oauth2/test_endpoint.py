"""What goes to a token endpoint, and how the application shows who it is."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.auth.oauth2.endpoint import posted
from connector_core.http import Request
from tests.auth.oauth2.kinds import NOW, SECRETS, kind, sent, session, talk, token


def asked(**keys: Any) -> Request:
    _, [request] = talk(kind(**keys).obtain(session(), None, NOW), token())
    return request


def test_the_client_in_the_header():
    """Both parts are form-encoded before they are joined (RFC 6749 §2.3.1), and do not stand in the body."""
    weird = session(id="m2m+weird", key="a:b c%/ü")
    _, [request] = talk(kind().obtain(weird, None, NOW), token())
    scheme, _, encoded = request.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(encoded)) == ("Basic", b"m2m%2Bweird:a%3Ab+c%25%2F%C3%BC")
    assert sent(request) == {"grant_type": "client_credentials"}


def test_the_client_in_the_body():
    """`post` puts both into the body; `none` only the name."""
    request = asked(client_auth="post")
    assert (sent(request)["client_id"], sent(request)["client_secret"]) == ("shop", SECRETS["key"])
    assert "Authorization" not in request.headers
    request = asked(client_secret=None)
    assert sent(request) == {"grant_type": "client_credentials", "client_id": "shop"}


def test_the_client_by_a_token_that_it_signs():
    """The assertion names the client twice and the token endpoint, and is another each time (RFC 7523)."""
    auth = kind(
        client_auth="private_key_jwt", client_secret=None, jwt={"algorithm": "HS256", "key": "{{ secrets.key }}"}
    )
    seen, same = set(), session()
    for _ in range(2):
        _, [request] = talk(auth.obtain(same, None, NOW), token())
        found = sent(request)
        assert found["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        part = found["client_assertion"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=="))
        seen.add(claims.pop("jti"))
        assert claims == {
            "iss": "shop", "sub": "shop", "aud": "https://id.example/token", "iat": int(NOW), "exp": int(NOW) + 300,
        }  # fmt: skip
        assert "client_secret" not in found
    assert len(seen) == 2


def test_jwt_bearer():
    """The grant's assertion says what its block says, and who the client is where the block leaves that out."""
    jwt = {"algorithm": "HS256", "key": "{{ secrets.key }}", "subject": "ann", "claims": {"scope": "x"}}
    auth = kind("jwt_bearer", client_secret=None, client_id=None, jwt={**jwt, "issuer": "me"})
    _, [request] = talk(auth.obtain(session(), None, NOW), token())
    found = sent(request)
    assert found.pop("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = json.loads(base64.urlsafe_b64decode(found.pop("assertion").split(".")[1] + "=="))
    assert found == {}
    assert {**claims, "jti": ""} == {
        "iss": "me", "sub": "ann", "aud": "https://id.example/token", "iat": int(NOW), "exp": int(NOW) + 300,
        "scope": "x", "jti": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "form, where",
    [
        ("form", sent),
        ("json", lambda request: json.loads(request.content)),
        ("query", lambda request: dict(request.query)),
    ],
)
def test_forms(form, where):
    """The parameters stand where the service reads them, beside what the address itself has in its query."""
    request = asked(
        token_body=form, token_url="https://id.example/token?tenant=a%20b", extra={"token": {"audience": "x"}}
    )
    assert where(request).items() >= {"grant_type": "client_credentials", "audience": "x"}.items()
    assert (request.url, dict(request.query)["tenant"]) == ("https://id.example/token", "a b")


def test_scopes():
    """Scopes are joined as the service wants them; one that has no value is left out, and no empty list is sent."""
    assert sent(asked(scopes=["a", "b.c"], scope_separator=","))["scope"] == "a,b.c"
    assert "scope" not in sent(asked(scopes=["{{ config.more }}"]))


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)


@given(TEXT, TEXT, TEXT)
def test_oauthlib_reads_what_is_sent(client_id, secret, word):
    """Oauthlib's server side finds the same grant, client and parameters in whatever is sent."""
    from oauthlib.common import Request as Read

    found = session(id=client_id, key=secret, password=word)
    auth = kind("password", client_auth="post", username="{{ secrets.id }}")
    _, [request] = talk(auth.obtain(found, None, NOW), token())
    assert request.content is not None
    read = Read(request.url, request.method, request.content.decode(), {"Content-Type": request.content_type})
    assert (read.grant_type, read.username, read.password) == ("password", client_id, word)
    assert (read.client_id, read.client_secret) == (client_id, secret)


@given(TEXT, st.lists(st.from_regex(r"[a-z.:/]{1,8}", fullmatch=True), max_size=4))
def test_oauthlib_sends_the_same(refresh, scopes):
    """Oauthlib's client sends the same parameters as we do, to renew a token and to ask for one."""
    from oauthlib.oauth2 import BackendApplicationClient

    client = BackendApplicationClient("shop", scope=scopes or None)
    theirs = dict(parse_qsl(client.prepare_request_body(scope=scopes or None), keep_blank_values=True))
    ours = sent(posted_first(scopes))
    assert ours == {name: value for name, value in theirs.items() if value}
    auth = kind("refresh_token", refresh_token="{{ secrets.token }}")
    _, [request] = talk(auth.obtain(session(token=refresh), None, NOW), token())
    assert sent(request) == dict(
        parse_qsl(BackendApplicationClient("shop").prepare_refresh_body(refresh_token=refresh), keep_blank_values=True)
    )


def posted_first(scopes: list[str]) -> Request:
    _, [request] = talk(kind(scopes=scopes).obtain(session(), None, NOW), token())
    return request


def test_a_request_shows_nothing():
    """The request's repr holds neither what it sends nor the query of its address."""
    auth = kind(token_body="query")
    request = posted(auth, session(), auth.token_url, {"refresh_token": "r3fr3sh"}, NOW)
    assert repr(request) == "Request(POST https://id.example/token)"
