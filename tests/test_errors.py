"""What an answer means: the declared rules, and HTTP where none speaks."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector_core.errors import CATEGORIES, Category, ErrorRule, Outcome, classify
from connector_core.exceptions import ConnectionError, IntegrationError, SpecError
from connector_core.http import Headers

NOW = 1_700_000_000.0


def rule(**written: Any) -> ErrorRule:
    return ErrorRule.model_validate(written)


def scope(status: int = 400, body: Any = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    return {"status": status, "body": body, "header": Headers(headers or {}), "config": {}, "endpoint": {"name": "x"}}


def meant(*rules: ErrorRule, status: int = 400, body: Any = None, headers: dict[str, str] | None = None) -> Outcome:
    return classify(rules, status, scope(status, body, headers), now=NOW)


# ── what HTTP says ────────────────────────────────────────────────────────────────────────────────

NAMED = {
    400: "validation", 401: "authentication", 403: "authorization", 404: "not_found", 405: "validation",
    406: "validation", 407: "authorization", 408: "server", 409: "conflict", 410: "not_found", 411: "validation",
    412: "conflict", 413: "validation", 415: "validation", 418: "validation", 421: "server", 422: "validation",
    423: "conflict", 424: "validation", 425: "server", 428: "validation", 429: "rate_limit", 431: "validation",
    451: "validation", 499: "validation",
}  # fmt: skip


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_means_something(status):
    """Without rules, 2xx is fine, 4xx is the caller's or the thing's, and everything else the service's."""
    outcome = meant(status=status)
    if 200 <= status < 300:
        assert outcome == Outcome("ok")
        return
    category = NAMED.get(status, "validation") if 400 <= status < 500 else "server"
    retryable = status in (408, 425, 429, 500, 502, 503, 504)
    assert outcome == Outcome("fail", category, f"http.{status}", retryable=retryable)  # type: ignore[arg-type]


def test_every_category_is_an_exception():
    """What `category:` names is the category of an exception, and nothing is said twice."""
    known = {kind.category for kind in _below(IntegrationError)} - {SpecError.category, "config"}
    assert set(get_args(Category)) == known
    assert ConnectionError.category in known
    assert set(CATEGORIES.values()) <= known


def _below(kind: type[IntegrationError]) -> list[type[IntegrationError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _below(child))]


# ── which rule ────────────────────────────────────────────────────────────────────────────────────


def test_the_first_rule_that_matches_decides():
    """Order is meaning; what no rule matches follows the status."""
    rules = [
        rule(status=403, when="'rate limit' in body.message", category="rate_limit"),
        rule(status=403, category="authentication"),
        rule(status="4xx", category="conflict"),
    ]
    assert meant(*rules, status=403, body={"message": "rate limit exceeded"}).category == "rate_limit"
    assert meant(*rules, status=403, body={"message": "no"}).category == "authentication"
    assert meant(*rules, status=404).category == "conflict"
    assert meant(*rules, status=500) == meant(status=500)
    assert meant(*rules, status=200) == Outcome("ok")


@pytest.mark.parametrize(
    "written, matching",
    [
        (404, {404}),
        ("4xx", set(range(400, 500))),
        ("1xx", set(range(100, 200))),
        ([404, 410], {404, 410}),
        (["5xx", 429], {429, *range(500, 600)}),
        ([200], {200}),
    ],
)
def test_statuses(written, matching):
    """A number, a class, or a list of them; `looks_at` says it without an answer."""
    found = rule(status=written, category="server")
    assert {status for status in range(100, 600) if found.matches(status, scope(status))} == matching
    assert {status for status in range(100, 600) if found.looks_at(status)} == matching


def test_without_a_status_every_answer_is_looked_at():
    """A rule with only a condition may find an error in a 200."""
    found = rule(when="body.ok == false", category="validation")
    assert all(found.looks_at(status) for status in range(100, 600))
    assert meant(found, status=200, body={"ok": False}) == Outcome("fail", "validation")
    assert meant(found, status=200, body={"ok": True}) == Outcome("ok")
    assert meant(found, status=404, body={}) == meant(status=404)


@pytest.mark.parametrize("body", [None, "", "<html>", 3, [], ["ok"], {"ok": None}, {"ok": {"ok": 1}}])
def test_a_condition_over_another_body_does_not_hold(body):
    """A service that answers something else than the rule expects breaks nothing."""
    assert meant(rule(when="body.ok.value > 3", category="conflict"), status=500, body=body) == meant(status=500)


def test_headers_match_whatever_their_case():
    """All the named fields must have the named values; names ignore case, values do not."""
    found = rule(header={"X-Reason": "quota", "x-kind": "soft"}, category="rate_limit")
    assert meant(found, headers={"x-reason": "quota", "X-KIND": "soft"}).category == "rate_limit"
    assert meant(found, headers={"x-reason": "Quota", "X-KIND": "soft"}).category == "validation"
    assert meant(found, headers={"x-reason": "quota"}).category == "validation"


def test_every_part_of_a_rule_must_match():
    """`status`, `header` and `when` together are one condition."""
    found = rule(status=400, header={"X-A": "1"}, when="body.b", category="conflict")
    assert meant(found, headers={"X-A": "1"}, body={"b": 1}).category == "conflict"
    for other in (meant(found, headers={"X-A": "1"}), meant(found, body={"b": 1}),
                  meant(found, status=422, headers={"X-A": "1"}, body={"b": 1})):  # fmt: skip
        assert other.category == "validation"


def test_conditions_see_status_header_and_body():
    """The names of the answer are there, headers ignoring case."""
    found = rule(when="status == 400 and header['x-code'] == 'E7' and body.code", category="conflict")
    assert meant(found, headers={"X-Code": "E7"}, body={"code": 1}).category == "conflict"


# ── what it means ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("then", ["fail", "ok", "skip", "stop", "retry", "reauthenticate"])
def test_then(then):
    """`then` alone is enough; the category is what the status says."""
    outcome = meant(rule(status=404, then=then), status=404)
    assert (outcome.then, outcome.category, outcome.retryable) == (then, "not_found", then == "retry")


@pytest.mark.parametrize(
    "category, status, retryable",
    [
        ("rate_limit", 403, True),
        ("server", 503, True),
        ("server", 501, False),
        ("server", 200, False),
        ("validation", 503, False),
        ("conflict", 429, False),
    ],
)
def test_what_may_be_tried_again(category, status, retryable):
    """Too many requests always, a server's failure where the status says that it may pass."""
    assert meant(rule(status=status, category=category), status=status).retryable is retryable


@pytest.mark.parametrize(
    "code, body, headers, expected",
    [
        ("quota", {}, {}, "quota"),
        ("http.teapot", {}, {}, "http.teapot"),
        ("body.error.code", {"error": {"code": "E1"}}, {}, "E1"),
        ("body.error.code", {"error": {"code": 42}}, {}, "42"),
        ("body.errors.0.code", {"errors": [{"code": "first"}, {"code": "second"}]}, {}, "first"),
        ("header.X-Code", {}, {"x-code": "E2"}, "E2"),
        ("body.error.code", {"error": "text"}, {}, ""),
        ("body.error", {"error": None}, {}, ""),
        ("body.error", {"error": True}, {}, ""),
        ("body.error", {"error": {"code": 1}}, {}, ""),
        ("body.error", {"error": ["x"]}, {}, ""),
        ("header.X-Code", {}, {}, ""),
        ("body.error", None, {}, ""),
    ],
)
def test_codes(code, body, headers, expected):
    """A code is a name, or an address in the answer; what is no name there is none."""
    assert meant(rule(status=400, category="validation", code=code), body=body, headers=headers).code == expected


@pytest.mark.parametrize(
    "message, body, expected",
    [
        ("Shop says: {{ body.error }}", {"error": "no"}, "Shop says: no"),
        ("Shop says: {{ body.error }}", {}, "Shop says: "),
        ("Shop says: {{ body.error.text }}", {"error": "text"}, "Shop says: "),
        ("{{ body.errors | length }} errors", {"errors": [1, 2]}, "2 errors"),
        ("{{ body.errors | length }} errors", {"errors": 3}, " errors"),
        ("{{ body.error }}", {"error": None}, ""),
        ("{{ body.errors }}", {"errors": [{"a": 1}]}, '[{"a":1}]'),
        ("{{ body.n }}", {"n": 3}, "3"),
        ("{{ status }}", {}, "400"),
        ("plain words", None, "plain words"),
        ("{{ body.error }}", {"error": "{{ config.x }}"}, "{{ config.x }}"),
    ],
)
def test_messages(message, body, expected):
    """What the user is told; what is missing is left empty, and what the service sent is never a template."""
    assert meant(rule(status=400, category="validation", message=message), body=body).message == expected


@pytest.mark.parametrize(
    "value, seconds",
    [
        (0, 0.0), (30, 30.0), (1.5, 1.5), ("30", 30.0), ("1.5", 1.5), (" 7 ", 7.0), (999_999_999, 999_999_999.0),
        (None, None), ("", None), ("soon", None), (-1, None), ("-1", None), (True, None), (False, None), ([5], None),
        ({"s": 5}, None), (1e9, None), (10**400, None), (float("nan"), None), (float("inf"), None), ("1e3", None),
        ("nan", None), ("inf", None), ("1_0", None), ("\u0663", None), ("9" * 99, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    ],
    ids=ascii,
)  # fmt: skip
def test_waits_that_the_answer_names(value, seconds):
    """Seconds as a number or as text; whatever else stands there says nothing."""
    found = rule(status=400, category="rate_limit", retry_after="body.wait")
    assert meant(found, body={"wait": value}).retry_after == seconds


def test_a_wait_may_stand_in_a_header():
    """Any address of the answer may name it; where nothing is there, nothing is said."""
    found = rule(status=400, category="rate_limit", retry_after="header.X-Wait")
    assert meant(found, headers={"x-wait": "12"}).retry_after == 12.0
    assert meant(found).retry_after is None


@pytest.mark.parametrize(
    "written, seconds",
    [
        ("30s", 30.0),
        ("500ms", 0.5),
        ({"take": "header.X", "format": "epoch_seconds"}, 90.0),
        ({"take": "body.at", "format": "http_date"}, 40.0),
        ({"take": "body.past", "format": "rfc3339"}, 0.0),
        ({"take": "body.ms", "format": "milliseconds"}, 1.5),
        ({"take": "body.text", "format": "duration"}, 360.0),
        ({"take": "body.at", "format": "epoch_seconds"}, None),
        ({"take": "body.none", "format": "epoch_seconds"}, None),
        ("{{ body.ms / 1000 }}", 1.5),
        ("{{ body.text | parse('duration') }}", 360.0),
        ("{{ '2' ~ 'm' }}", 120.0),
        ("{{ body.none }}", None),
        ("{{ body.at }}", None),
        ("{{ body.ms ~ body.none }}", None),
    ],
)
def test_waits_in_every_form(written, seconds):
    """A duration, an address with a format, or a template; a time is waited for, and nonsense says nothing."""
    found = rule(status=429, category="rate_limit", retry_after=written)
    body = {"at": "Tue, 14 Nov 2023 22:14:00 GMT", "past": "2020-01-01", "ms": 1500, "text": "6m0s"}
    assert meant(found, status=429, body=body, headers={"X": "1700000090"}).retry_after == seconds


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["error", "wait", "code"]), inner),
    max_leaves=8,
)


@given(st.integers(100, 599), json_values, st.dictionaries(st.sampled_from(["x-code", "x-wait"]), st.text()))
def test_no_answer_breaks_a_rule(status, body, headers):
    """Whatever a service sends, a rule makes something of it that can be shown."""
    found = rule(
        when="body.error or status >= 100", category="server", code="body.error.code",
        message="{{ body.error }} and {{ header['x-code'] }}", retry_after="body.wait",
    )  # fmt: skip
    outcome = meant(found, status=status, body=body, headers=headers)
    if outcome.then == "fail":
        assert isinstance(outcome.message, str)
        assert outcome.retry_after is None or 0 <= outcome.retry_after < 1e9


# ── what a spec may not say ───────────────────────────────────────────────────────────────────────

STATUS = "must be a status such as 404, a class such as 5xx, or a list of them"
ALL = "authentication, authorization, conflict, connection, not_found, rate_limit, server, validation"
EVERY = "matches every answer: give it a 'status', a 'header' or a 'when'"
NOTHING = "says nothing: give it a 'category', or a 'then'"


@pytest.mark.parametrize(
    "written, path, message",
    [
        ({"category": "server"}, (), EVERY),
        ({"header": {}, "category": "server"}, (), EVERY),
        ({"status": 404}, (), NOTHING),
        ({"status": 404, "message": "gone"}, (), NOTHING),
        ({"status": 4, "category": "server"}, ("status",), STATUS),
        ({"status": 404, "category": "notfound"}, ("category",),
         "unknown category 'notfound', did you mean 'not_found'?"),
        ({"status": 404, "category": "zzz"}, ("category",), f"unknown category 'zzz' (one of: {ALL})"),
        ({"status": 404, "category": ["x"]}, ("category",), f"unknown category ['x'] (one of: {ALL})"),
        ({"status": 99, "category": "server"}, ("status",), STATUS),
        ({"status": 600, "category": "server"}, ("status",), STATUS),
        ({"status": "404", "category": "server"}, ("status",), STATUS),
        ({"status": "5XX", "category": "server"}, ("status",), STATUS),
        ({"status": "6xx", "category": "server"}, ("status",), STATUS),
        ({"status": True, "category": "server"}, ("status",), STATUS),
        ({"status": 404.0, "category": "server"}, ("status",), STATUS),
        ({"status": [], "category": "server"}, ("status",), STATUS),
        ({"status": [404, "no"], "category": "server"}, ("status",), STATUS),
        ({"status": {"is": 404}, "category": "server"}, ("status",), STATUS),
        ({"status": 404, "then": "ignore"}, ("then",),
         "Input should be 'fail', 'ok', 'skip', 'stop', 'restart', 'retry' or 'reauthenticate'"),
        ({"status": 429, "category": "rate_limit", "retry_after": "30"}, ("retry_after",),
         "say the unit: 30s"),
        ({"status": 429, "category": "rate_limit", "retry_after": 30}, ("retry_after",), "say the unit: 30s"),
        ({"status": 429, "category": "rate_limit", "retry_after": "3mo"}, ("retry_after",),
         "'3mo' has no fixed length, since months and years differ: count it in days, such as 30d"),
        ({"status": 429, "category": "rate_limit", "retry_after": "heder.X"}, ("retry_after",),
         "'heder.X' is not an address: unknown root 'heder', did you mean 'header'?"),
        ({"status": 429, "category": "rate_limit", "retry_after": {"take": "header.X", "format": "rfc339"}},
         ("retry_after", "format"), "unknown format 'rfc339', did you mean 'rfc3339'?"),
        ({"status": 429, "category": "rate_limit", "retry_after": {"take": "header.X"}},
         ("retry_after", "format"), "Field required"),
        ({"status": 404, "category": "server", "code": "body."}, ("code",),
         "'body.' is not an address: a key is missing"),
        ({"status": 404, "category": "server", "cod": "x"}, ("cod",), "Extra inputs are not permitted"),
        ({"header": {"X-A": 1}, "category": "server"}, ("header", "X-A"), "Input should be a valid string"),
    ],
)  # fmt: skip
def test_mistakes_are_found_at_load(written, path, message):
    """What a rule cannot mean is refused in words, at its place."""
    with pytest.raises(ValidationError) as wrong:
        ErrorRule.model_validate(written)
    found = [(error["loc"], error["msg"].removeprefix("Value error, ")) for error in wrong.value.errors()]
    assert found == [(path, message)]
