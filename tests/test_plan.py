"""One endpoint ready to run: what follows from its keys, decided once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.exceptions import ConfigError, ResponseError, SpecError
from connector_core.http import Headers
from connector_core.load import load
from connector_core.plan import Plan, base_urls, compile_plan
from connector_core.template import Condition
from tests.test_load import broken_documents

SPEC: dict[str, Any] = {"connector": "1", "name": "shop", "base_url": "https://a.example"}


def plan(endpoint: dict[str, Any] | None = None, **top: Any) -> Plan:
    return compile_plan(load({**SPEC, **top, "endpoints": {"e": endpoint or {"get": "/e"}}}), "e")


# ── what it is ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "keys, readable, idempotent",
    [
        ({"get": "/e", "records": "body"}, True, True),
        ({"post": "/e", "records": "body"}, True, True),
        ({"get": "/e"}, False, True),
        ({"get": "/e", "records": "body", "output": "body"}, False, True),
        ({"get": "/e", "records": "body", "input": {"a": {}}}, False, True),
        ({"post": "/e"}, False, False),
        ({"post": "/e", "records": "body", "input": {"a": {}}}, False, False),
        ({"post": "/e", "safe": True}, False, True),
        ({"put": "/e"}, False, False),
        ({"put": "/e", "safe": True}, False, True),
        ({"patch": "/e"}, False, False),
        ({"delete": "/e"}, False, False),
        ({"delete": "/e", "safe": True}, False, True),
    ],
)
def test_what_may_be_sent_twice(keys, readable, idempotent):
    """Reads, gets, and what the spec calls safe; nothing else, whatever HTTP says of the method."""
    found = plan(keys)
    assert (found.readable, found.idempotent) == (readable, idempotent)


@pytest.mark.parametrize(
    "errors, judges",
    [
        ([], False),
        ([{"status": 404, "then": "skip"}], False),
        ([{"status": ["4xx", "5xx"], "category": "server"}], False),
        ([{"status": 204, "then": "ok"}], True),
        ([{"status": "2xx", "when": "body.error", "category": "server"}], True),
        ([{"status": [404, 299], "then": "skip"}], True),
        ([{"when": "body.ok == false", "category": "server"}], True),
        ([{"header": {"X-Failed": "1"}, "category": "server"}], True),
        ([{"status": 404, "then": "skip"}, {"when": "body.a", "category": "server"}], True),
    ],
)
def test_when_a_success_needs_a_look(errors, judges):
    """Only a rule that may match a 2xx answer makes the engine decode and judge those."""
    assert plan({"get": "/e"}, errors=errors).judges_success is judges


@pytest.mark.parametrize(
    "keys, reads",
    [
        ({}, False),
        ({"params": {"a": "{{ config.c }}"}}, False),
        ({"params": {"a": "{{ page.number }}"}}, True),
        ({"params": {"a": ["x", "{{ page.offset }}"], "b": None}}, True),
        ({"headers": {"X": "p{{ page.size }}"}}, True),
        ({"get": "/e/{{ page.number }}"}, True),
        ({"base_url": "https://b.example"}, False),
    ],
)
def test_whether_pages_change_the_request(keys, reads):
    """A request whose templates read `page.…` is composed anew for each page; no other is."""
    top = {"config": {"c": {"default": "x"}}, "records": "body"}
    assert plan({"get": "/e", **keys}, **top).reads_page is reads


@pytest.mark.parametrize(
    "body, reads",
    [
        ({"json": {"a": [{"b": "{{ page.number }}"}]}}, True),
        ({"form": {"a": "{{ page.count }}"}}, True),
        ({"json": {}}, False),
        ({"text": "{{ page.number }}"}, True),
        ({"xml": {"a": {"b": ["{{ page.number }}"]}}}, True),
        ({"multipart": {"a": "{{ page.number }}"}}, True),
        ({"multipart": {"a": [{"text": "x", "filename": "{{ page.number }}.txt"}]}}, True),
        ({"multipart": {"a": [{"json": {}}], "b": "x"}}, False),
    ],
)
def test_whether_pages_change_the_body(body, reads):
    """So is one with such a body."""
    assert plan({"post": "/e", "records": "body", "body": body}).reads_page is reads


@pytest.mark.parametrize(
    "own, shared, side_by_side", [(None, None, 1), (None, 8, 8), (3, None, 3), (3, 8, 3), (8, 3, 3), (1, 8, 1)]
)
def test_how_many_pages_at_once(own, shared, side_by_side):
    """Numbered pages are read side by side up to the smaller of the endpoint's and the connector's limit."""
    keys = {"get": "/e", **({"rate_limit": {"concurrency": own}} if own else {})}
    found = plan(keys, **({"rate_limit": {"concurrency": shared}} if shared else {}))
    assert found.side_by_side == side_by_side


def test_the_limits_that_hold():
    """An endpoint's own limit is asked first, then the connector's; each has what it says of the pace."""
    found = plan({"get": "/e", "rate_limit": {"rates": ["1/minute"]}, "cost": 2}, rate_limit={"rates": ["9/second"]})
    assert [limit.terms().windows for limit in found.limits] == [((1, 60),), ((9, 1),)]
    assert found.cost is not None
    assert (found.cost.value({}), found.learns, plan().limits, plan().cost) == (2, False, (), None)


@pytest.mark.parametrize(
    "place, learns", [("header.X-Left", False), ("body.left", True), ("{{ body.left - 1 }}", True)]
)
def test_what_a_limit_learns_from_a_body(place, learns):
    """Where a body says what is left, every answer is decoded at once; else a success need not be."""
    found = plan(rate_limit={"rates": ["9/second"], "feedback": {"remaining": place}})
    assert (found.learns, found.judges_success) == (learns, learns)


def test_what_is_left_out():
    """Without further keys there is no sign-in, no paging, no filter and no output."""
    found = plan()
    assert (found.connector, found.endpoint) == ("shop", "e")
    assert (found.auth.kind(), found.signs, found.pagination.kind()) == ("none", False, "none")
    assert (found.keep, found.output, found.records, found.rules, dict(found.input)) == (None, None, None, (), {})
    assert found.rows({"data": []}) is None


def test_what_is_filled_in():
    """Sign-in, pagination and rules are the endpoint's complete ones; a call is not paged."""
    top = {
        "secrets": {"t": {}},
        "auth": {"type": "bearer", "token": "{{ secrets.t }}"},
        "pagination": "page_number",
        "errors": [{"status": 404, "then": "skip"}],
        "records": "body.data",
    }
    found = plan({"get": "/e", "errors": [{"status": 409, "then": "ok"}]}, **top)
    assert (found.auth.kind(), found.signs, found.pagination.kind()) == ("bearer", True, "page_number")
    assert [rule.outcome(409, {}, now=0).then for rule in found.rules] == ["ok", "skip"]
    assert found.rows({"data": [{"id": 1}]}) == [{"id": 1}]
    assert plan({"get": "/e", "auth": "none"}, **top).signs is False
    assert plan({"get": "/e", "output": "body"}, **top).pagination.kind() == "none"


@pytest.mark.parametrize(
    "name, what",
    [
        ("orderz", "shop has no endpoint 'orderz', did you mean 'orders'?"),
        ("x", "shop has no endpoint 'x' (one of: lines, orders)"),
        ("", "shop has no endpoint '' (one of: lines, orders)"),
    ],
)
def test_an_endpoint_that_is_not_there(name, what):
    """An unknown endpoint is told with the nearest, or all of them."""
    spec = load({**SPEC, "endpoints": {"orders": {"get": "/o"}, "lines": {"get": "/l"}}})
    with pytest.raises(ConfigError) as wrong:
        compile_plan(spec, name)
    assert (str(wrong.value), wrong.value.code) == (what, "endpoint.unknown")


def test_a_spec_without_endpoints():
    """There is nothing to suggest then."""
    with pytest.raises(ConfigError, match=r"^shop has no endpoint 'x'$"):
        compile_plan(load(SPEC), "x")


# ── what it does ──────────────────────────────────────────────────────────────────────────────────


def test_it_composes_requests():
    """The endpoint's request under a scope's names."""
    found = plan(
        {"get": "/e/{{ config.a }}", "params": {"n": "{{ page.number }}"}, "records": "body"}, config={"a": {}}
    )
    request = found.compose({"config": {"a": "x y"}, "page": {"number": 2}})
    assert (request.method, request.target) == ("GET", "https://a.example/e/x%20y?n=2")


def test_a_filter_keeps_records():
    """Records for which the condition holds are kept, in order; a missing field and a wrong type do not hold."""
    found = plan(
        {"get": "/e", "records": "body", "filter": "record.n > config.least"}, config={"least": {"default": 2}}
    )
    assert found.keep is not None
    records: list[dict[str, Any]] = [{"n": 3}, {"n": 1}, {}, {"n": "5"}, {"n": None}, {"n": 9}]
    scope = {"config": {"least": 2}}
    assert found.keep(records, scope) == [{"n": 3}, {"n": 9}]
    assert scope == {"config": {"least": 2}}
    assert found.keep([], scope) == []


def test_it_transforms_and_judges_what_is_read():
    """A read has its transforms as one function, and a judge where it says on_invalid; a call has neither."""
    keys = {
        "get": "/e",
        "records": "body",
        "schema": {"n": {"type": "integer"}},
        "on_invalid": "keep",
        "transform": [{"type": "rename", "fields": {"a": "n"}}, {"type": "hook", "name": "h"}],
    }
    spec = load({**SPEC, "endpoints": {"e": keys, "call": {**keys, "input": {}}}})
    found = compile_plan(spec, "e", {"h": lambda record: {**record, "h": 1}})
    assert found.transform is not None
    assert found.judge is not None
    assert found.transform([{"a": 1}], {}) == [{"n": 1, "h": 1}]
    assert (found.judge({"n": 1}), found.judge({"n": "x"})) == (None, "n: must be a whole number")
    with pytest.raises(ConfigError, match="no plug-in provides the hook 'h'"):
        compile_plan(spec, "e")
    call = compile_plan(spec, "call")
    assert (call.transform, call.judge) == (None, None)


SCOPE = {
    "body": {"order": {"id": 7, "tags": ["a"]}, "null": None},
    "status": 201,
    "header": Headers({"Location": "/orders/7"}),
    "config": {"c": "x"},
}


@pytest.mark.parametrize(
    "output, given",
    [
        ("body", SCOPE["body"]),
        ("body.order", {"id": 7, "tags": ["a"]}),
        ("body.order.tags.0", "a"),
        ("body.missing", None),
        ("body.null", None),
        ("status", 201),
        ("header.location", "/orders/7"),
        ("{{ body.order.id }}", 7),
        ("{{ body.missing }}", None),
        ("{{ config.c }}-{{ body.order.id }}", "x-7"),
        ({"id": "{{ body.order.id }}", "gone": "{{ body.missing }}", "kept": "body"}, {"id": 7, "kept": "body"}),
        ({"fixed": 1}, {"fixed": 1}),
        (["{{ status }}"], [201]),
        (True, True),
        (3, 3),
    ],
)
def test_an_output_is_an_address_or_a_template(output, given):
    """Plain text is an address in the answer; templates and structures are rendered; what is not there is None."""
    found = plan({"post": "/e", "output": output}, config={"c": {}})
    assert found.output is not None
    assert found.output(SCOPE) == given


def test_an_output_that_the_answer_lacks():
    """Text with a value that the answer does not have says so, and that the request was answered."""
    found = plan({"post": "/e", "output": "order {{ body.order.number }}"})
    assert found.output is not None
    with pytest.raises(ResponseError) as wrong:
        found.output(SCOPE)
    assert str(wrong.value) == (
        "the output cannot be made: body.order.number is missing — output: order {{ body.order.number }} "
        "— the request was answered; compare the answer with the spec"
    )


def test_every_address_is_a_home():
    """The connector's base_url and those of endpoints, each once, the connector's first."""
    spec = load(
        {
            **SPEC,
            "endpoints": {
                "a": {"get": "/a"},
                "b": {"get": "/b", "base_url": "https://b.example"},
                "c": {"get": "/c", "base_url": "https://b.example"},
            },
        }
    )
    assert [url.source for url in base_urls(spec)] == ["https://a.example", "https://b.example"]


@given(broken_documents(), st.sampled_from([None, "sandbox"]))
def test_what_loads_can_be_planned(document, environment):
    """Whatever is changed in a spec, each endpoint of what still loads becomes a plan without any error."""
    try:
        spec = load(document, environment=environment)
    except (ConfigError, SpecError):
        return
    for name in spec.endpoints:
        found = compile_plan(spec, name)
        assert found.endpoint == name
        assert found.keep is None or isinstance(spec.endpoints[name].filter, Condition)
