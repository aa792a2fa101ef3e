"""From the requests of a login and their answers to a token, or to the error that it is."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core.auth.session.login import logged_in
from connector_core.exceptions import (
    AuthenticationError,
    ConfigError,
    IntegrationError,
    RateLimitError,
    ResponseError,
    ServerError,
)
from connector_core.http import Headers
from tests.auth.session.kinds import NOW, SECRETS, kind, session, talk


def token(*answers: Any, **keys: Any) -> Any:
    return talk(logged_in(kind(**keys), session(), NOW), *answers)


def refusal(*answers: Any, **keys: Any) -> IntegrationError:
    with pytest.raises(IntegrationError) as refused:
        token(*answers, **keys)
    return refused.value


def test_one_request_logs_in():
    """It goes to a path below the connector's base_url, and its answer gives the token."""
    found, [asked] = token({"token": "t1", "user": {"id": 7}})
    assert (asked.method, asked.url, asked.body) == ("POST", "https://api.shop.example/v1/login", SECRETS)
    assert (found.access, found.refresh, found.expires, found.obtained) == ("t1", None, None, NOW)
    assert found.names["user"] == {"id": 7}


@pytest.mark.parametrize(
    "access, answered",
    [
        ("body.data.id", ({"data": {"id": 12}},)),
        ("body", ('"t1"',)),
        ("body", ("t1\n",)),
        ("header.x-token", ("", 204, {"X-Token": "t1"})),
        ("cookie.sid", ("<html>", 302, [("Set-Cookie", "a=b"), ("Set-Cookie", "sid=t1; Path=/; HttpOnly")])),
    ],
)
def test_a_token_stands_where_the_spec_says(access, answered):
    """In JSON, in a body that is nothing else, in a header, or in a cookie of an answer that redirects."""
    assert token(answered, token={"access": access})[0].access in ("t1", "12")


def test_later_steps_read_the_answers_of_earlier_ones():
    """Their bodies, headers and cookies; cookies go along by themselves, to the same origin alone."""
    steps = [
        {"get": "/csrf", "as": "form"},
        {"get": "/other", "base_url": "https://id.shop.example"},
        {
            "post": "/login",
            "headers": {"X-CSRF": "{{ form.header['X-Csrf'] }}"},
            "params": {"state": "{{ form.cookie.state }}", "at": "{{ form.status }}"},
            "body": {"form": {"n": "{{ form.body | replace('<input ', '') }}", "p": "{{ secrets.password }}"}},
        },
    ]
    page = ("<input abc", 200, [("x-csrf", "c1"), ("Set-Cookie", "state=s1"), ("Set-Cookie", "gone=")])
    _, asked = token(page, "{}", {"token": "t1"}, login=None, steps=steps)
    assert [request.headers.get("Cookie") for request in asked] == [None, None, "state=s1"]
    last = asked[-1]
    assert (last.headers["X-CSRF"], last.query) == ("c1", (("state", "s1"), ("at", "200")))
    assert last.body == (("n", "abc"), ("p", "s3cr3t-word"))


def test_a_request_that_logs_in_may_be_signed_itself():
    """By name and password; or by a digest, once the service has said what it asks for."""
    sole = {"username": "{{ secrets.user }}", "password": "{{ secrets.password }}"}
    _, [asked] = token({"token": "t1"}, login={"get": "/login", "auth": {"type": "basic", **sole}})
    assert asked.headers["Authorization"].startswith("Basic ")
    told = ("", 401, {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'})
    _, asked = token(told, {"token": "t1"}, login={"get": "/login", "auth": {"type": "digest", **sole}})
    assert [request.headers.get("Authorization", "")[:6] for request in asked] == ["", "Digest"]


@pytest.mark.parametrize(
    "parts, said, expires",
    [
        ({}, {}, None),
        ({"lifetime": "30m"}, {}, NOW + 1800),
        ({"expires": {"take": "body.left", "format": "seconds"}}, {"left": 60}, NOW + 60),
        ({"expires": {"take": "body.left", "format": "seconds"}, "lifetime": "5m"}, {"left": 0}, NOW + 300),
        ({"expires": {"take": "body.left", "format": "seconds"}, "lifetime": "5m"}, {}, NOW + 300),
        ({"expires": {"take": "body.end", "format": "rfc3339"}}, {"end": "2023-11-14T22:14:20Z"}, NOW + 60),
    ],
)
def test_a_session_ends(parts, said, expires):
    """As the answer says, else after its lifetime, else when the service refuses it."""
    assert token({"token": "t1", **said}, token={"access": "body.token", **parts})[0].expires == expires


def test_an_end_in_another_form_is_told():
    """The format is the spec's, and what came is shown."""
    wrong = refusal(
        {"token": "t1", "end": "soon"},
        token={"access": "body.token", "expires": {"take": "body.end", "format": "seconds"}},
    )
    assert (type(wrong), wrong.code) == (ResponseError, "session.expires")
    assert "the login says when the session ends in another form" in str(wrong)


@pytest.mark.parametrize(
    "answered, error, hint",
    [
        (({"message": "No such user"}, 401), AuthenticationError, "check the secrets that the login reads"),
        (({"errors": [{"detail": "No such user"}]}, 400), AuthenticationError, "check the secrets"),
        (("No such user", 403), AuthenticationError, "check the secrets"),
        (({"error": "No such user"}, 404), ResponseError, "check the path and the method of the login"),
        (({"error": "No such user"}, 429, {"Retry-After": "7"}), RateLimitError, "try again later"),
        (({"error": "No such user"}, 503), ServerError, "try again later"),
    ],
)
def test_a_refusal_is_told_in_the_services_words(answered, error, hint):
    """With its status, where it was asked, and what to do."""
    wrong = refusal(answered)
    assert type(wrong) is error
    told = f"the login was refused: No such user (status {answered[1]}) — auth.login: POST https://api.shop.example/v1/login"
    assert str(wrong).startswith(told)
    assert hint in str(wrong)
    assert (wrong.code, wrong.retryable) == ("session.refused", error in (ServerError, RateLimitError))
    assert wrong.retry_after == (7.0 if error is RateLimitError else None)


def test_a_refusal_shows_no_secret():
    """A service that sends back what it was sent is quoted without that, on one line, and shortly."""
    wrong = refusal(({"message": f"{SECRETS['password']} is\n\x1b[31m wrong" + "!" * 900}, 401))
    assert "*** is  [31m wrong" in str(wrong) or "*** is" in str(wrong)
    assert SECRETS["password"] not in f"{wrong} {wrong!r}"
    assert "\n" not in str(wrong)
    assert "\x1b" not in str(wrong)
    assert len(str(wrong)) < 500


def test_an_answer_without_a_token_is_told():
    """With what is missing: many services answer a wrong password with 200, and say so in the body."""
    wrong = refusal({"error": "Wrong password", "token": None}, cookies=["sid"])
    assert (type(wrong), wrong.code) == (AuthenticationError, "session.no_token")
    assert "the login gave no body.token and no cookie.sid (status 200): Wrong password" in str(wrong)
    huge = refusal("x" * (1 << 21))
    assert (type(huge), huge.code) == (ResponseError, "session.too_large")


def test_a_step_that_fails_is_named():
    """And no later one is sent."""
    steps = [{"get": "/a"}, {"post": "/b"}]
    assert "auth.steps.0: GET https://api.shop.example/v1/a" in str(refusal(("", 400), login=None, steps=steps))


@pytest.mark.parametrize("missing", ["", "  "])
def test_nobody_logs_in_without_a_secret(missing):
    """A template that is missing leaves its key out elsewhere; here that would log in as nobody."""
    flow = logged_in(kind(), session(password=missing), NOW)
    with pytest.raises(ConfigError, match=r"the credential is empty — auth: {{ secrets.password }}"):
        next(flow)


def test_names_of_headers_ignore_case():
    """What a later step reads of a header is found however the service writes it."""
    steps = [{"get": "/a", "as": "a"}, {"post": "/b", "headers": {"X": "{{ a.header['x-one'] }}"}}]
    _, asked = token(("", 200, Headers({"X-ONE": "1"})), {"token": "t"}, login=None, steps=steps)
    assert asked[-1].headers["X"] == "1"


@pytest.mark.parametrize(
    "attributes",
    [
        "; Max-Age=0",
        "; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0; path=/",
        "; Max-Age=-1",
        "; EXPIRES=Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)
def test_a_cookie_that_is_taken_away_is_no_session(attributes):
    """PHP sends `deleted` with an end in the past, where somebody was not let in: that is no token."""
    wrong = refusal(
        ("<html>wrong password", 200, [("Set-Cookie", f"sid=deleted{attributes}")]), token={"access": "cookie.sid"}
    )
    assert (type(wrong), wrong.code) == (AuthenticationError, "session.no_token")
    steps = [{"get": "/form"}, {"post": "/login"}, {"post": "/last"}]
    first = ("", 200, [("Set-Cookie", "sid=anonymous"), ("Set-Cookie", "lang=en")])
    second = ("", 200, [("Set-Cookie", f"sid=deleted{attributes}")])
    _, asked = token(first, second, {"token": "t1"}, login=None, steps=steps)
    assert [request.headers.get("Cookie") for request in asked] == [None, "sid=anonymous; lang=en", "lang=en"]


@pytest.mark.parametrize(
    "attributes", ["", "; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "; Expires=soon", "; Max-Age=x"]
)
def test_a_cookie_that_holds(attributes):
    """Max-Age counts before Expires, and what cannot be read says nothing."""
    answered = ("", 204, [("Set-Cookie", f"sid=t1{attributes}")])
    assert token(answered, token={"access": "cookie.sid"})[0].access == "t1"
