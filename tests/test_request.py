"""Requests composed from a spec's keys: where they go, what they carry, and every address that is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.request import RequestKeys, compose
from connector_core.template import PathText, TemplateError

SCOPE = {
    "config": {
        "url": "https://a.example/v2/",
        "team": "acme",
        "n": 7,
        "yes": True,
        "tags": ["x", None, "y"],
        "null": None,
        "object": {"a": 1},
        "crlf": "a\r\nSet-Cookie: b=c",
    },
    "input": {"id": 12, "name": "Zoë/../", "items": [{"sku": "a"}], "flag": False, "nothing": None},
}


NOT_ABSOLUTE = "must be an absolute URL that begins with https:// or http://"
PASSWORD = "must not hold a user name or password; sign in with `auth`"


def composed(path: str = "/orders", method: Any = "get", scope: Any = None, **keys: Any) -> Request:
    given_keys = RequestKeys.model_validate({"base_url": "https://api.example/v1", **keys})
    return compose(given_keys, method, PathText(path), SCOPE if scope is None else scope)


def refused(**about: Any) -> str:
    with pytest.raises(ConfigError) as wrong:
        composed(**about)
    return str(wrong.value)


# ── the path ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path, url",
    [
        ("/orders", "https://api.example/v1/orders"),
        ("/orders/{{ input.id }}", "https://api.example/v1/orders/12"),
        ("/orders/{{ input.flag }}.json", "https://api.example/v1/orders/false.json"),
        ("/{{ config.team }}/caf\u00e9", "https://api.example/v1/acme/caf%C3%A9"),
        ("/a%20b/~x;y=1,2", "https://api.example/v1/a%20b/~x;y=1,2"),
        ("/files/{{ 'a b/c' | path }}", "https://api.example/v1/files/a%20b/c"),
        ("{{ 'https://Other.example/x/' }}", "https://other.example/x/"),
        ("{{ '/x/y' }}", "https://api.example/v1/x/y"),
    ],
)
def test_a_path_follows_the_address(path, url):
    """Values are encoded as segments; a path that is one whole template is a URL, or begins with a slash."""
    assert composed(path).url == url


def test_a_link_keeps_its_query():
    """A path that is a link brings its query along as written; params follow it."""
    request = composed(
        "{{ input.link }}", scope={"input": {"link": "https://b.example/x?sig=a%2Bb&n=1#top"}}, params={"n": 2}
    )
    assert (request.url, request.link, request.query) == ("https://b.example/x", "sig=a%2Bb&n=1", (("n", "2"),))
    assert composed("{{ '/x?a=b' }}").target == "https://api.example/v1/x?a=b"


NULL = "null has no form as text; say what it means: | default('', true)"
LIST = "a list has no form as text; write it as JSON: | json"
HINT = "it must have a value that can stand in a path"


@pytest.mark.parametrize(
    "path, what",
    [
        ("/{{ input.missing }}/x", f"input.missing is missing — the path /{{{{ input.missing }}}}/x — {HINT}"),
        (
            "/{{ input.nothing }}/x",
            f"input.nothing: {NULL} — the path /{{{{ input.nothing }}}}/x — {HINT}",
        ),
        ("/{{ '' }}/x", f"'': empty in a path — the path /{{{{ '' }}}}/x — {HINT}"),
        (
            "/{{ '..' }}/x",
            f"'..': a segment that is . or .. would make it another path — the path /{{{{ '..' }}}}/x — {HINT}",
        ),
        (
            "/{{ input.items }}",
            f"input.items: {LIST} — the path /{{{{ input.items }}}} — {HINT}",
        ),
        (
            "{{ config.team }}",
            f"a path that is one template {NOT_ABSOLUTE} — {{{{ config.team }}}} — or it begins with a slash",
        ),
        (
            "{{ 'https://ann@a.example' }}",
            f"a path that is one template {PASSWORD} — {{{{ 'https://ann@a.example' }}}} — or it begins with a slash",
        ),
    ],
)
def test_a_path_that_goes_astray_is_refused(path, what):
    """Missing, empty and climbing values, and links that are none, never become a request."""
    assert refused(path=path) == what


def test_a_path_needs_an_address():
    """Without base_url only whole links can be called."""
    assert refused(base_url=None) == "there is no base_url to append the path to — /orders"
    assert composed("{{ 'https://a.example/x' }}", base_url=None).url == "https://a.example/x"


@given(st.text())
def test_no_text_escapes_its_segment(value):
    """Whatever the text, it is one segment of the path that decodes to it, or nothing is sent."""
    try:
        url = composed("/a/{{ input.v }}/b", scope={"input": {"v": value}}).url
    except ConfigError:
        return
    segments = url.removeprefix("https://api.example/v1/").split("/")
    assert (segments[0], unquote(segments[1]), segments[2:]) == ("a", value, ["b"])
    assert url.isascii()


# ── params, headers, form ─────────────────────────────────────────────────────────────────────────


def test_parameters_are_text():
    """A list repeats its name, null and missing are left out, numbers and booleans are written as JSON does."""
    request = composed(
        params={
            "status": "open",
            "tag": ["a", "{{ config.team }}", None, "{{ config.missing }}"],
            "tags": "{{ config.tags }}",
            "n": 7,
            "half": 0.5,
            "yes": True,
            "flag": "{{ input.flag }}",
            "text": "n={{ config.n }}",
            "empty": "",
            "gone": None,
            "null": "{{ config.null }}",
            "missing": "{{ config.missing }}",
            "none": [],
            "since": "NO",
        }
    )
    assert request.query == (
        ("status", "open"), ("tag", "a"), ("tag", "acme"), ("tags", "x"), ("tags", "y"), ("n", "7"), ("half", "0.5"),
        ("yes", "true"), ("flag", "false"), ("text", "n=7"), ("empty", ""), ("since", "NO"),
    )  # fmt: skip


@pytest.mark.parametrize("value", [{"a": 1}, "{{ config.object }}", ["a", {"b": 1}], [["a"]], {}])
@pytest.mark.parametrize("where, keys", [("params", "params"), ("headers", "headers"), ("body.form", "form")])
def test_an_object_is_no_parameter(where, keys, value):
    """Params, headers and form fields are text; what to write instead is said."""
    given_keys = {"body": {"form": {"filter": value}}} if keys == "form" else {keys: {"filter": value}}
    assert refused(**given_keys) == (
        f"{where}.filter is an object or a list of lists, and only text and numbers can be sent there "
        "— name its parts one by one: filter[key]: …, or write it as JSON: | json"
    )


def test_what_can_not_be_rendered_is_told_with_its_place():
    """Missing inside text, and a wrong operand, are errors that say where in the spec they stand."""
    assert refused(params={"q": "since {{ config.missing }}"}) == (
        "config.missing is missing — params.q — the spec reads it in 'since {{ config.missing }}'"
    )
    assert refused(headers={"X-Q": "{{ config.team + 1 }}"}).endswith(
        " — headers.X-Q — the spec reads it in '{{ config.team + 1 }}'"
    )


def test_headers():
    """JSON is asked for unless the spec asks for something else; a list is joined, null leaves a field out."""
    assert composed().headers == {"Accept": "application/json"}
    assert composed(
        headers={"accept": "text/csv", "X-Team": "{{ config.team }}", "X-No": None, "X-L": ["a", 1]}
    ).headers == {
        "accept": "text/csv",
        "X-Team": "acme",
        "X-L": "a, 1",
    }
    assert composed(headers={"Accept": None}).headers == {}


def test_line_breaks_in_a_header_are_left_to_the_transport():
    """Nothing crashes here; the transport refuses to send such a header."""
    assert composed(headers={"X-Team": "{{ config.crlf }}"}).headers["X-Team"] == "a\r\nSet-Cookie: b=c"


@pytest.mark.parametrize(
    "where, keys",
    [
        ("params.q", {"params": {"q": "{{ input.v }}"}}),
        ("headers.X-Q", {"headers": {"X-Q": "{{ input.v }}"}}),
        ("body.form.q", {"body": {"form": {"q": "{{ input.v }}"}}}),
        ("body.json", {"body": {"json": {"q": "{{ input.v }}"}}}),
    ],
)
def test_half_a_character_is_refused(where, keys):
    """Text from an argument that was no UTF-8 is refused here instead of crashing where it is encoded."""
    assert refused(scope={"input": {"v": "\udcff"}}, **keys) == (
        f"{where} holds half a character (a lone surrogate), which UTF-8 has no form for — pass whole text"
    )


# ── the body ──────────────────────────────────────────────────────────────────────────────────────


def test_a_json_body_keeps_types():
    """A template that is a whole value keeps its type; missing drops the key, null is sent."""
    request = composed(
        method="post",
        body={
            "json": {
                "id": "{{ input.id }}",
                "text": "id {{ input.id }}",
                "items": "{{ input.items }}",
                "deep": {"flag": "{{ input.flag }}", "gone": "{{ input.missing }}", "null": "{{ input.nothing }}"},
                "list": ["{{ input.missing }}", 1, None],
                "fixed": None,
            }
        },
    )
    assert request.method == "POST"
    assert request.encoding == "json"
    assert json.loads(request.content or b"") == {
        "id": 12,
        "text": "id 12",
        "items": [{"sku": "a"}],
        "deep": {"flag": False, "null": None},
        "list": [1, None],
        "fixed": None,
    }


@pytest.mark.parametrize(
    "body, content",
    [
        (None, None),
        ({"json": None}, b"null"),
        ({"json": "{{ input.missing }}"}, None),
        ({"json": "{{ input.items }}"}, b'[{"sku":"a"}]'),
        ({"json": []}, b"[]"),
        ({"json": "caf\u00e9"}, '"café"'.encode()),
        ({"form": {}}, b""),
        (
            {"form": {"a": ["x", 1], "b": None, "c": "{{ input.missing }}", "d e": "f&g", "h": True}},
            b"a=x&a=1&d%20e=f%26g&h=true",
        ),
    ],
)
def test_bodies(body, content):
    """The body is JSON or a form, and there is none where its one template has no value."""
    assert composed(method="post", body=body).content == content


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), datetime(2020, 1, 1, tzinfo=UTC), {1, 2}, b"x", object()]
)
def test_what_json_has_no_form_for_is_refused(value):
    """Python's own values that JSON can't write are refused before anything is sent."""
    assert refused(method="post", body={"json": {"v": "{{ input.v }}"}}, scope={"input": {"v": value}}) == (
        "body.json holds what JSON has no form for — pass text, finite numbers, true, false, None, lists and dicts"
    )


# ── the rest ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "timeout, seconds",
    [
        (None, None),
        ("30s", 30.0),
        ("500ms", 0.5),
        ("{{ config.t }}", 120.0),
        ("{{ config.n }}s", 7.0),
        ("{{ config.missing }}", None),
        ("{{ config.null }}", None),
    ],
)
def test_timeouts(timeout, seconds):
    """A timeout has its unit, may come from config, and is left to the transport where it has no value."""
    assert composed(timeout=timeout, scope={"config": {"t": "2m", "n": 7, "null": None}}).timeout == seconds


def test_a_timeout_from_config_that_is_none():
    """A value without a unit is refused with its place in the spec."""
    assert refused(timeout="{{ config.n }}") == "say the unit: 7s — timeout: {{ config.n }}"
    assert refused(timeout="{{ config.team }}").endswith(" — timeout: {{ config.team }}")


def test_every_method():
    """The method is sent in capitals."""
    assert [composed(method=method).method for method in ("get", "post", "put", "patch", "delete")] == [
        "GET", "POST", "PUT", "PATCH", "DELETE",
    ]  # fmt: skip


def test_a_request_shows_no_secrets():
    """Neither query, headers nor body stand in a request's repr."""
    request = composed(method="post", params={"key": "s3cr3t"}, headers={"X": "s3cr3t"}, body={"json": "s3cr3t"})
    assert repr(request) == "Request(POST https://api.example/v1/orders)"


def test_an_expression_is_checked_before_its_value_is_known():
    """A path with a statement or a mistake in it does not load."""
    with pytest.raises(TemplateError):
        PathText("/{% for x in y %}")
