"""What a token endpoint answers: tokens in many forms, and errors that never show what was sent."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.auth.oauth2.answers import LARGEST, error_in, token_in
from connector_core.auth.oauth2.fields import TokenParts
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    IntegrationError,
    RateLimitError,
    ReauthenticationError,
    ResponseError,
    ServerError,
)
from connector_core.http import Request
from tests.auth.oauth2.kinds import NOW, SECRETS, URL, answer, kind, session, talk

ASKED = Request("POST", URL)


def parts(**keys: Any) -> TokenParts:
    return TokenParts.model_validate(keys)


# ── tokens ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "expires_in, lifetime, expires",
    [
        (3600, None, 3600),
        ("3600", None, 3600),
        (0, None, None),
        ("0", None, None),
        (None, None, None),
        ("", None, None),
        (-1, None, None),
        (0, "2h", 7200),
        (None, "2h", 7200),
        (60, "2h", 60),
    ],
    ids=repr,
)
def test_when_a_token_ends(expires_in, lifetime, expires):
    """What says nothing (0, null, an empty text, nothing) means until it is refused, or the declared lifetime."""
    found = token_in(
        answer(ASKED, {"access_token": "a", "expires_in": expires_in}),
        parts(lifetime=lifetime) if lifetime else parts(),
        NOW,
    )
    assert found.expires == (None if expires is None else NOW + expires)


@pytest.mark.parametrize(
    "form, written, expires",
    [
        ("milliseconds", 90_000, NOW + 90),
        ("epoch_seconds", NOW + 90, NOW + 90),
        ("epoch_milliseconds", (NOW + 90) * 1000, NOW + 90),
        ("rfc3339", "2023-11-14T22:14:50Z", NOW + 90),
        ("http_date", "Tue, 14 Nov 2023 22:14:50 GMT", NOW + 90),
        ("duration", "1m30s", NOW + 90),
    ],
)
def test_declared_formats(form, written, expires):
    """The end of a token is read in the format that the spec declares, wherever it stands."""
    declared = parts(
        access="body.data.token", refresh="body.data.again", expires={"take": "body.data.end", "format": form}
    )
    found = token_in(answer(ASKED, {"data": {"token": "a", "again": "r", "end": written}}), declared, NOW)
    assert (found.access, found.refresh, found.expires) == ("a", "r", expires)


@pytest.mark.parametrize(
    "body, access, refresh",
    [
        ("access_token=a%2B1&refresh_token=r&expires_in=60&token_type=bearer", "a+1", "r"),
        ('{"access_token": "a", "refresh_token": ""}', "a", None),
        ('\ufeff{"access_token": "a", "refresh_token": null, "scope": null}', "a", None),
    ],
)
def test_other_forms(body, access, refresh):
    """A form, JSON with a byte order mark, and empty refresh tokens are read as they are meant."""
    found = token_in(answer(ASKED, body, headers={"Content-Type": "text/plain"}), parts(), NOW)
    assert (found.access, found.refresh) == (access, refresh)


def test_a_token_in_a_header():
    """A token may stand in a header of the answer, whose body then need not be there."""
    found = token_in(answer(ASKED, "", headers={"X-Subject-Token": "a"}), parts(access="header.X-Subject-Token"), NOW)
    assert (found.access, found.answer) == ("a", {})


# ── what is none ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body, code, text",
    [
        (
            "<!DOCTYPE html><html><title>Sign in</title>",
            "oauth.undecodable",
            "the sign-in sent an HTML page (its title: Sign in), where a token is expected (status 200) — auth: POST https://id.example/token — check auth.token_url",
        ),
        (
            "oops",
            "oauth.undecodable",
            "the sign-in sent neither JSON nor a form, where a token is expected (status 200) — auth: POST https://id.example/token — check auth.token_url",
        ),
        (
            "[1]",
            "oauth.undecodable",
            "the sign-in sent a list, where a token is expected (status 200) — auth: POST https://id.example/token — check auth.token_url",
        ),
        (
            b"\xff\x00",
            "oauth.undecodable",
            "the sign-in sent neither JSON nor a form, where a token is expected (status 200) — auth: POST https://id.example/token — check auth.token_url",
        ),
        (
            {"token": "a"},
            "oauth.no_token",
            "the sign-in has no token at body.access_token (status 200) — auth: POST https://id.example/token — say with auth.token.access where it stands",
        ),
        (
            "",
            "oauth.no_token",
            "the sign-in has no token at body.access_token (status 200) — auth: POST https://id.example/token — say with auth.token.access where it stands",
        ),
        (
            {"access_token": {"a": 1}},
            "oauth.no_token",
            "the sign-in has no token at body.access_token (status 200) — auth: POST https://id.example/token — say with auth.token.access where it stands",
        ),
        (
            {"access_token": "a", "expires_in": "soon"},
            "oauth.expires",
            "the sign-in says when the token ends in another form: the text is not a finite number (status 200) — auth: POST https://id.example/token — say with auth.token.expires where that stands, and in what format",
        ),
        (
            b" " * (LARGEST + 1),
            "oauth.too_large",
            f"the sign-in sent {LARGEST + 1} bytes, where a token is expected (status 200) — auth: POST https://id.example/token — check auth.token_url",
        ),
    ],
)
def test_answers_that_are_no_token(body, code, text):
    """A 200 that gives no token is told as what it is, and where it came from."""
    with pytest.raises(ResponseError) as caught:
        token_in(answer(ASKED, body), parts(), NOW)
    assert (caught.value.code, str(caught.value)) == (code, text)


@pytest.mark.parametrize(
    "body, status, error, code",
    [
        ({"error": "invalid_client", "error_description": "unknown"}, 401, AuthenticationError, "oauth.invalid_client"),
        ({"error": "unauthorized_client"}, 400, AuthenticationError, "oauth.unauthorized_client"),
        ({"error": "invalid_scope"}, 400, AuthorizationError, "oauth.invalid_scope"),
        ({"error": "access_denied"}, 400, AuthorizationError, "oauth.access_denied"),
        ({"error": "invalid_grant"}, 400, AuthenticationError, "oauth.invalid_grant"),
        ({"error": "invalid_request"}, 400, AuthenticationError, "oauth.invalid_request"),
        ({"error": "temporarily_unavailable"}, 400, ServerError, "oauth.temporarily_unavailable"),
        ({"error": "something_of_theirs"}, 400, AuthenticationError, "oauth.refused"),
        ({"ok": False, "error": "invalid_refresh_token"}, 200, AuthenticationError, "oauth.invalid_refresh_token"),
        ({"error": "bad_verification_code"}, 200, AuthenticationError, "oauth.refused"),
        ("error=invalid_client&error_description=no", 200, AuthenticationError, "oauth.invalid_client"),
        (
            {"error": {"type": "OAuthException", "code": 190, "message": "gone"}},
            400,
            AuthenticationError,
            "oauth.refused",
        ),
        (
            {"errors": [{"errorType": "invalid_client", "message": "no"}]},
            401,
            AuthenticationError,
            "oauth.invalid_client",
        ),
        ("<html>", 401, AuthenticationError, "oauth.refused"),
        ("", 404, ResponseError, "oauth.refused"),
        ("<html>", 503, ServerError, "oauth.refused"),
        ("", 500, ServerError, "oauth.refused"),
        ("slow down", 429, RateLimitError, "oauth.refused"),
    ],
)
def test_errors(body, status, error, code):
    """Errors of whatever form are the exception that says who can do something about them."""
    with pytest.raises(IntegrationError) as caught:
        token_in(answer(ASKED, body, status), parts(), NOW)
    assert (type(caught.value), caught.value.code) == (error, code)
    assert caught.value.retryable is (error in (ServerError, RateLimitError))
    assert not isinstance(caught.value, ReauthenticationError)


def test_the_words_of_an_error():
    """The service's words are quoted after its name for the error, on one line, and when to come back is kept."""
    said = {"error": "temporarily_unavailable", "error_description": "back\n\x1b[31min an hour\u202e" + "x" * 500}
    found = error_in(answer(ASKED, said, 503, headers={"Retry-After": "120"}))
    assert found is not None
    assert str(found) == (
        f"the sign-in was refused: temporarily_unavailable: {'back [31min an hour ' + 'x' * 180} — auth: POST {URL} — try again later"
    )
    assert (found.retry_after, found.context) == (120.0, {"status": 503, "error": "temporarily_unavailable"})


@pytest.mark.parametrize("form", ["form", "json", "query"])
@pytest.mark.parametrize("client_auth", ["basic", "post"])
def test_what_was_sent_is_never_shown(form, client_auth):
    """A service that quotes what it was sent gives nothing away: neither secrets nor what is made of them."""
    auth = kind("password", token_body=form, client_auth=client_auth)
    flow = auth.obtain(session(), None, NOW)
    asked = next(flow)
    everything = f"{asked.body} {asked.query} {asked.headers} {SECRETS['key']} {SECRETS['password']}"
    with pytest.raises(AuthenticationError) as caught:
        flow.send(answer(asked, {"error": "invalid_grant", "error_description": everything}, 400))
    for hidden in (SECRETS["key"], SECRETS["password"], asked.headers.get("Authorization", "–")):
        assert hidden not in f"{caught.value!r} {caught.value.context}"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "errors", "ok", "access_token", "expires_in", "refresh_token", "message", "code"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    JSON | st.binary(max_size=40) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from([200, 201, 204, 302, 400, 401, 404, 429, 500, 503]),
)
def test_any_answer_at_all(body, status):
    """Whatever comes is a token or an exception of ours, and the token is text."""
    for flow in (kind("password"), kind("refresh_token")):
        try:
            found, _ = talk(flow.obtain(session(), None, NOW), (body, status))
        except IntegrationError:
            continue
        assert isinstance(found.access, str)
        assert found.access.strip()
