"""An endpoint written out again: what it inherits, what is filled in, and that it loads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector_core.decode import Decode
from connector_core.document import plain, written
from connector_core.load import available, load
from connector_core.pagination import Pagination
from connector_core.source import read
from connector_core.spec import Spec
from tests.docs.reference import every_example
from tests.docs.test_docs import placed


def again(spec: Spec, name: str) -> Any:
    """The endpoint, loaded from what was written, alone in its spec."""
    kept = {"config": spec.config, "secrets": spec.secrets}
    document: dict[str, Any] = {"connector": "1", "name": spec.name, **kept}
    return load({**document, "endpoints": {name: written(spec.endpoints[name])}}).endpoints[name]


@pytest.mark.parametrize("spec", available())
def test_what_is_written_loads_as_the_same(spec):
    """The bundled specs' endpoints come back as they were, without their connectors."""
    loaded = load(spec)
    for name, endpoint in loaded.endpoints.items():
        assert written(again(loaded, name)) == written(endpoint)
        json.dumps(written(endpoint))


def test_what_is_required_is_there_though_it_is_empty():
    """An empty list that a key asks for says something: `value: []` is no record."""
    document = {"connector": "1", "name": "shop", "base_url": "https://api.shop.example"}
    endpoint = {"get": "/orders", "records": "body", "fallback": [{"type": "value", "value": []}]}
    spec = load({**document, "endpoints": {"orders": endpoint}})
    assert written(spec.endpoints["orders"])["fallback"] == [{"type": "value", "value": []}]


def test_defaults_are_filled_in_and_what_says_nothing_is_left_out():
    """A duration has its unit, a status is a status, and the method comes first."""
    spec = load(
        {
            "connector": "1",
            "name": "shop",
            "base_url": "https://a.example",
            "timeout": "90s",
            "errors": [{"status": ["5xx", 404], "then": "skip"}],
            "pagination": "page_number",
            "endpoints": {"orders": {"records": "body", "get": "/orders", "params": {"a": [1, "{{ now }}"]}}},
        }
    )
    assert list(written(spec.endpoints["orders"]).items()) == [
        ("get", "/orders"),
        ("params", {"a": [1, "{{ now }}"]}),
        ("records", "body"),
        ("base_url", "https://a.example"),
        ("timeout", "90s"),
        ("pagination", {"type": "page_number", "max_pages": 100000, "put": "query.page", "first": 1}),
        ("errors", [{"status": ["5xx", 404], "then": "skip"}]),
    ]


def test_what_is_empty_where_the_default_is_not_is_written():
    """Left out, it would be read again as the default."""
    assert plain(Decode.resolve({"type": "csv", "quote": None})) == {
        "type": "csv", "delimiter": ",", "quote": None, "header": True, "skip": 0, "encoding": "utf-8",
        "empty": "keep", "ragged": "fail",
    }  # fmt: skip
    assert plain(Pagination.resolve({"type": "page_number", "put": None}))["put"] is None


def test_quantities():
    """Rates and durations have the units that they are written with, however long they are."""
    limits = {"type": "exact_window", "rates": ["10/second", "5000/hour", "900/900s", "3/1209600s"]}
    document: dict[str, Any] = {"connector": "1", "name": "shop", "base_url": "https://a.example", "rate_limit": limits}
    keys = {"timeout": "1209600s", "rate_limit": {"type": "token_bucket", "capacity": 40, "refill": "2/minute"}}
    endpoints = {"orders": {"get": "/orders", "records": "body", **keys}}
    spec = load({**document, "endpoints": endpoints})
    assert {key: written(spec.endpoints["orders"])[key] for key in keys} == keys
    assert plain(spec.rate_limit) == limits
    assert load({**document, "rate_limit": plain(spec.rate_limit)}).rate_limit == spec.rate_limit


def test_a_declared_format():
    """The format of an address is its name."""
    rule = {"status": [429], "category": "rate_limit", "retry_after": {"take": "header.X-Reset", "format": "seconds"}}
    endpoints = {"orders": {"get": "/orders", "records": "body"}}
    spec = load(
        {"connector": "1", "name": "shop", "base_url": "https://a.example", "errors": [rule], "endpoints": endpoints}
    )
    assert json.loads(json.dumps(written(spec.endpoints["orders"])))["errors"] == [rule]


@pytest.mark.parametrize("name, text", every_example().items())
def test_every_kind_can_be_written(name, text):
    """Whatever kind a spec uses, its endpoints can be shown."""
    for endpoint in load(placed(read(text, f"{name}.yaml").data, "")).endpoints.values():
        json.dumps(written(endpoint))
