"""An endpoint laid over the top level, an environment over both, and where each part of the outcome was written."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.load import load
from connector_core.overlay import expand
from connector_core.spec import INHERITED

CURSOR = {"type": "cursor", "take": "body.next", "put": "query.cursor", "size": {"put": "query.limit", "value": 100}}


def endpoint(own: dict[str, Any], **top: Any) -> dict[str, Any]:
    """What becomes of an endpoint under these keys of the top level."""
    expanded, _ = expand({**top, "endpoints": {"e": own}})
    found: dict[str, Any] = expanded["endpoints"]["e"]
    return found


# ── what is inherited ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", [key for key in INHERITED if key not in ("rate_limit", "body")])
def test_a_key_that_an_endpoint_lacks_is_the_top_levels(key):
    """Every key that the top level may hold for all endpoints reaches each of them."""
    assert endpoint({"get": "/e"}, **{key: ["anything"]})[key] == ["anything"]


def test_what_is_not_inherited():
    """Keys of the connector itself, and the bucket that stands beside the endpoint's, stay where they are."""
    assert endpoint({"get": "/e"}, name="shop", config={}, hosts=[], rate_limit={"concurrency": 2}) == {"get": "/e"}


@pytest.mark.parametrize(
    "method, records, body",
    [
        ("get", True, False),
        ("post", False, True),
        ("put", False, True),
        ("patch", False, True),
        ("delete", False, True),
    ],
)
def test_records_are_for_get_and_bodies_for_the_others(method, records, body):
    """A post is a search only where it says so itself, and get inherits no body."""
    found = endpoint({method: "/e"}, records="body.data", body={"json": {}})
    assert (("records" in found), ("body" in found)) == (records, body)
    assert endpoint({method: "/e", "records": "body.x"}, records="body.data")["records"] == "body.x"


# ── how it is laid ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "key, own, top, outcome",
    [
        # mappings key by key, all the way down
        ("pagination", {"size": {"value": 25}}, CURSOR, {**CURSOR, "size": {"put": "query.limit", "value": 25}}),
        ("pagination", {"type": "cursor", "take": "body.n"}, CURSOR, {**CURSOR, "take": "body.n"}),
        ("params", {"b": 3, "c": 4}, {"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}),
        ("params", {"a": {"y": 2}}, {"a": {"x": 1}, "b": 1}, {"a": {"x": 1, "y": 2}, "b": 1}),
        # a param, a header or a body may be called `type`: it is no kind
        ("params", {"type": "b"}, {"type": "a", "x": 1}, {"type": "b", "x": 1}),
        ("body", {"json": {"type": "b"}}, {"json": {"type": "a", "x": 1}}, {"json": {"type": "b", "x": 1}}),
        # another type, and a bare name, replace
        ("pagination", {"type": "offset"}, CURSOR, {"type": "offset"}),
        ("pagination", "none", CURSOR, "none"),
        ("pagination", "offset", CURSOR, "offset"),
        ("auth", "none", {"type": "bearer", "token": "x"}, "none"),
        # a bare name can be completed
        ("pagination", {"size": {"value": 5}}, "page_number", {"type": "page_number", "size": {"value": 5}}),
        ("pagination", {"type": "offset"}, "page_number", {"type": "offset"}),
        # null removes a param or a header
        ("params", {"a": None}, {"a": 1, "b": 2}, {"a": None, "b": 2}),
        ("headers", {"X-A": None}, {"X-A": "1"}, {"X-A": None}),
        # headers ignore case
        ("headers", {"accept": "text/csv"}, {"Accept": "application/json", "X": "1"}, {"accept": "text/csv", "X": "1"}),
        # the other form of a body replaces
        ("body", {"form": {"b": 2}}, {"json": {"a": 1}}, {"form": {"b": 2}}),
        ("body", {"form": {}, "x-why": "b"}, {"json": {"a": 1}, "x-why": "a"}, {"form": {}, "x-why": "b"}),
        # errors and transform are joined, the endpoint's first
        ("errors", [{"status": 1}], [{"status": 2}, {"status": 3}], [{"status": 1}, {"status": 2}, {"status": 3}]),
        ("errors", [], [{"status": 2}], [{"status": 2}]),
        ("transform", ["prune"], [{"type": "hook", "name": "h"}], ["prune", {"type": "hook", "name": "h"}]),
        ("transform", [], ["prune"], ["prune"]),
        # other lists and plain values replace
        ("primary_key", ["a"], ["b", "c"], ["a"]),
        ("params", {"tag": ["a"]}, {"tag": ["b", "c"]}, {"tag": ["a"]}),
        ("records", "body.x", "body.data", "body.x"),
        ("safe", False, True, False),
        # what is of the wrong sort is left for validation to tell
        ("pagination", ["x"], CURSOR, ["x"]),
        ("pagination", {"size": 1}, ["x"], {"size": 1}),
        ("errors", {"status": 1}, [{"status": 2}], {"status": 1}),
        ("errors", None, [{"status": 2}], None),
        ("errors", [{"status": 1}], "x", [{"status": 1}]),
        ("headers", {"a": 1}, "x", {"a": 1}),
        ("body", "x", {"json": 1}, "x"),
    ],
)  # fmt: skip
def test_how_a_key_is_laid_over(key, own, top, outcome):
    """Each rule of the overlay, on the raw document."""
    assert endpoint({"post": "/e", key: own}, **{key: top})[key] == outcome


def test_a_rate_limit_of_its_own_is_kept():
    """An endpoint's rate_limit stands beside the connector's and takes nothing from it."""
    assert endpoint({"get": "/e", "rate_limit": {"x": 1}}, rate_limit={"concurrency": 2})["rate_limit"] == {"x": 1}


def test_a_part_of_a_component_is_enough():
    """`pagination: {size: {value: 25}}` on an endpoint changes that number alone, in the loaded spec too."""
    spec = load(
        {
            "connector": "1",
            "name": "shop",
            "base_url": "https://a.example",
            "pagination": CURSOR,
            "records": "body",
            "errors": [{"status": 404, "then": "skip"}],
            "endpoints": {
                "all": {"get": "/a"},
                "few": {"get": "/b", "pagination": {"size": {"value": 25}}, "errors": [{"status": 409, "then": "ok"}]},
                "one": {"get": "/c", "pagination": "none"},
            },
        }
    )
    pagination = {name: endpoint.pagination for name, endpoint in spec.endpoints.items()}
    assert pagination["all"] == spec.pagination
    assert pagination["few"].size.value == 25  # type: ignore[union-attr]  # cursor has a size
    assert str(pagination["few"].take) == "body.next"  # type: ignore[union-attr]  # and an address
    assert pagination["one"].kind() == "none"  # type: ignore[union-attr]  # it is a component
    assert [rule.then for rule in spec.endpoints["few"].errors] == ["ok", "skip"]


# ── environments ──────────────────────────────────────────────────────────────────────────────────

DOCUMENT: dict[str, Any] = {
    "base_url": "https://a.example",
    "hosts": ["cdn.example"],
    "auth": {"type": "api_key", "put": "header.X", "value": "{{ secrets.key }}"},
    "config": {"team": {"type": "string", "default": "a"}, "n": {"type": "integer"}},
    "endpoints": {"e": {"get": "/e", "auth": {"value": "v"}}, "own": {"get": "/o", "base_url": "https://o.example"}},
    "environments": {
        "sandbox": {"base_url": "https://s.example", "config": {"team": "s", "n": 1}, "auth": {"put": "query.k"}},
        "other": {"hosts": [], "auth": {"type": "bearer", "token": "t"}},
    },
}


def test_an_environment_changes_address_hosts_sign_in_and_defaults():
    """What it says replaces, its sign-in is laid over, its config values are defaults; endpoints inherit all that."""
    expanded, origins = expand(DOCUMENT, "sandbox")
    assert expanded["base_url"] == expanded["endpoints"]["e"]["base_url"] == "https://s.example"
    assert expanded["endpoints"]["own"]["base_url"] == "https://o.example"
    assert expanded["hosts"] == ["cdn.example"]
    assert expanded["auth"] == {"type": "api_key", "put": "query.k", "value": "{{ secrets.key }}"}
    assert expanded["endpoints"]["e"]["auth"] == {"type": "api_key", "put": "query.k", "value": "v"}
    assert expanded["config"] == {"team": {"type": "string", "default": "s"}, "n": {"type": "integer", "default": 1}}
    assert expand(DOCUMENT, "other")[0]["hosts"] == []
    assert expand(DOCUMENT, "other")[0]["endpoints"]["e"]["auth"] == {"value": "v"} | {"type": "bearer", "token": "t"}

    written = origins.written
    assert written(("endpoints", "e", "base_url")) == ("environments", "sandbox", "base_url")
    assert written(("endpoints", "own", "base_url")) == ("endpoints", "own", "base_url")
    assert written(("endpoints", "e", "auth", "put")) == ("environments", "sandbox", "auth", "put")
    assert written(("endpoints", "e", "auth", "value")) == ("endpoints", "e", "auth", "value")
    assert written(("endpoints", "e", "auth", "type")) == ("auth", "type")
    assert written(("endpoints", "own", "auth", "value")) == ("auth", "value")
    assert written(("config", "team", "default")) == ("environments", "sandbox", "config", "team")
    assert written(("config", "team", "type")) == ("config", "team", "type")


@pytest.mark.parametrize("environment", [None, "sandbox"])
def test_every_environment_is_complete(environment):
    """The sign-in of each environment is laid over the top level's, whichever is chosen, so that it can be checked."""
    expanded, origins = expand(DOCUMENT, environment)
    found = expanded["environments"]
    assert found["sandbox"]["auth"] == {"type": "api_key", "put": "query.k", "value": "{{ secrets.key }}"}
    assert found["other"]["auth"] == {"type": "bearer", "token": "t"}
    assert origins.written(("environments", "sandbox", "auth", "value")) == ("auth", "value")
    assert origins.written(("environments", "sandbox", "auth", "put")) == ("environments", "sandbox", "auth", "put")


# ── any document ──────────────────────────────────────────────────────────────────────────────────

leaves = st.integers(0, 99) | st.sampled_from(["cursor", "offset", "text", None, True])
keys = st.sampled_from(["type", "size", "a", "A", "put", "json", "form"])
anything = st.recursive(
    leaves, lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=2), max_leaves=5
)
inherited = st.dictionaries(st.sampled_from([*INHERITED]), anything, max_size=6)
endpoints = st.builds(
    lambda method, own: {**own, **method},
    st.dictionaries(st.sampled_from(["get", "post"]), st.just("/x"), max_size=1),
    inherited,
)
environments = (
    st.dictionaries(st.sampled_from(["base_url", "auth", "hosts", "config", "records"]), anything, max_size=4) | leaves
)
documents = st.builds(
    lambda top, config, each, homes: {**top, "config": config, "endpoints": each, "environments": {"it": {}, **homes}},
    inherited,
    st.dictionaries(keys, anything, max_size=3) | leaves,
    st.dictionaries(st.sampled_from(["e", "f"]), endpoints | leaves, max_size=2) | leaves,
    st.dictionaries(st.sampled_from(["it", "other"]), environments, max_size=2),
)


def every_leaf(value: Any, path: tuple[Any, ...] = ()) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from every_leaf(item, (*path, key))
    if not isinstance(value, (dict, list)):
        yield path, value


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        if isinstance(document, str) and key == "type":
            return document  # the bare name of a kind, under which another place has written keys
        document = document[key]
    return document


@given(documents, st.booleans())
def test_every_part_is_found_where_it_was_written(document, chosen):
    """For any document, each leaf of the outcome stands in the file where it is said to stand, unchanged."""
    before = copy.deepcopy(document)
    expanded, origins = expand(document, "it" if chosen else None)
    assert document == before
    for path, value in every_leaf(expanded):
        assert at(document, origins.written(path)) == value


@given(documents)
def test_what_an_endpoint_says_is_kept(document):
    """For any document, an endpoint's own leaves are in its outcome, unless they are lists that grew."""
    expanded, _ = expand(document)
    if isinstance(document["endpoints"], dict):
        for path, value in every_leaf(document["endpoints"]):
            assert at(expanded["endpoints"], path) == value
