"""Where an answer is taken from while the service can't give one: what a spec says, and what it can't say."""

# ruff: noqa: E501 - a case is a line

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from connector_core.exceptions import SpecError
from connector_core.fallback import Failure, Fallback, FromCache, FromEndpoint, FromValue
from connector_core.load import load
from connector_core.plan import compile_plan

FAILURE = Failure("server", "server")


def shop(**endpoints: Any) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "orders": {"get": "/orders", "records": "body"},
        "mirrored": {"get": "/mirror/orders", "records": "body"},
        "product": {"get": "/products/{{ input.sku }}", "records": None, "input": {"sku": {"type": "string"}}},
        "create": {"post": "/orders", "records": None, "input": {}},
    }
    laid = {name: {**known.get(name, {}), **endpoint} for name, endpoint in endpoints.items()}
    return {"connector": "1", "name": "shop", "base_url": "https://api.shop.example", "endpoints": {**known, **laid}}


def mistakes(document: dict[str, Any]) -> list[str]:
    with pytest.raises(SpecError) as found:
        load(document)
    return [f"{problem.path}: {problem.what}" for problem in found.value.problems]


@pytest.mark.parametrize(
    "written, source",
    [
        ({"type": "cache", "max_age": "1h"}, FromCache(3600.0)),
        ({"type": "endpoint", "endpoint": "mirrored"}, FromEndpoint("mirrored")),
        ({"type": "value", "value": {"stock": 0}}, FromValue({"stock": 0})),
        ({"type": "value", "value": None}, FromValue(None)),
    ],
)
def test_what_the_kinds_name(written: dict[str, Any], source: Any):
    """Each kind names its source, whatever the failure is."""
    assert Fallback.resolve(written).source(FAILURE) == source


@pytest.mark.parametrize(
    "written", [{"type": "cache"}, {"type": "endpoint"}, {"type": "value"}, "cache", {"max_age": "1h"}]
)
def test_nothing_is_guessed(written: Any):
    """How old, which endpoint, which value, and the kind itself are all said."""
    with pytest.raises((ValidationError, PydanticCustomError)):
        Fallback.resolve(written)


@pytest.mark.parametrize("value", ["{{ input.sku }}", {"a": [{"b": "x {{ now }}"}]}])
def test_a_value_is_fixed(value: Any):
    """A template would not be filled in, so that it is refused."""
    found = mistakes(shop(product={"fallback": [{"type": "value", "value": value}]}))
    assert found == ["endpoints.product.fallback.0.value: is a fixed value: there are no templates in it"]


@pytest.mark.parametrize(
    "endpoints, found",
    [
        (
            {"orders": {"fallback": [{"type": "endpoint", "endpoint": "miror"}]}},
            "endpoints.orders.fallback.0.endpoint: there is no endpoint 'miror', did you mean 'mirrored'?",
        ),
        (
            {"orders": {"fallback": [{"type": "endpoint", "endpoint": "orders"}]}},
            "endpoints.orders.fallback.0.endpoint: is the endpoint itself, which has just failed",
        ),
        (
            {"orders": {"fallback": [{"type": "endpoint", "endpoint": "product"}]}},
            "endpoints.orders.fallback.0.endpoint: product is called, and orders is read: their answers do not look alike",
        ),
        (
            {"product": {"fallback": [{"type": "endpoint", "endpoint": "orders"}]}},
            "endpoints.product.fallback.0.endpoint: orders is read, and product is called: their answers do not look alike",
        ),
        (
            {"product": {"fallback": [{"type": "endpoint", "endpoint": "create"}]}},
            "endpoints.product.fallback.0.endpoint: create changes something: what stands in for an answer may only ask",
        ),
        (
            {"status": {"get": "/status", "records": None, "input": {}, "fallback": [{"type": "endpoint", "endpoint": "product"}]}},
            "endpoints.status.fallback.0.endpoint: product needs the input 'sku', which status does not take",
        ),
        (
            {"orders": {"fallback": [{"type": "value", "value": {"id": 1}}]}},
            "endpoints.orders.fallback.0.value: must be a list of records here, each a mapping; [] is none at all",
        ),
        (
            {"orders": {"fallback": [{"type": "value", "value": None}]}},
            "endpoints.orders.fallback.0.value: must be a list of records here, each a mapping; [] is none at all",
        ),
        (
            {"create": {"fallback": [{"type": "value", "value": None}]}},
            "endpoints.create.fallback: is for what changes nothing: a read, a get, or a call that says safe: true",
        ),
        (
            {"create": {"cache": {"ttl": "5m"}}},
            "endpoints.create.cache: is for what changes nothing: a read, a get, or a call that says safe: true",
        ),
        (
            {"all": {"safe": True, "steps": [{"call": "product", "input": {"sku": "1"}}], "records": None, "cache": {"ttl": "5m"}}},
            "endpoints.all.cache: the answers to several calls are not kept: leave it out, or write none",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_stand_in(endpoints: dict[str, Any], found: str):
    """What stands in is there, asks only, needs no more than is known, and looks like what it stands in for."""
    assert mistakes(shop(**endpoints)) == [found]


def test_what_is_inherited_is_for_those_that_can_have_it():
    """A write, and the endpoint that the connector's fallback names, inherit it in vain."""
    mirrored = {"type": "endpoint", "endpoint": "mirrored"}
    document = shop(product={"fallback": []}) | {"cache": {"ttl": "5m"}, "fallback": [mirrored]}
    spec = load(document)
    plans = {name: compile_plan(spec, name) for name in spec.endpoints}
    assert [name for name, plan in plans.items() if plan.fallback] == ["orders"]
    assert [name for name, plan in plans.items() if plan.cache] == ["orders", "mirrored", "product"]
    assert [name for name, plan in plans.items() if plan.forgets] == ["create"]


def test_a_list_replaces_the_connectors_and_none_takes_a_cache_away():
    """An endpoint's `fallback` replaces the inherited one, `cache` is laid over it, and `cache: none` removes it."""
    document = shop(orders={"cache": "none", "fallback": []}, mirrored={"cache": {"stale_if_error": "1h"}})
    spec = load(document | {"cache": {"ttl": "5m"}, "fallback": [{"type": "cache", "max_age": "1d"}]})
    orders, mirrored = compile_plan(spec, "orders"), compile_plan(spec, "mirrored")
    assert (orders.cache, orders.keeps, orders.fallback) == (None, False, ())
    assert mirrored.cache is not None
    assert (mirrored.cache.ttl, mirrored.cache.stale_if_error, mirrored.keeps) == (300.0, 3600.0, True)


def test_nothing_declared_is_nothing_kept():
    """Without `cache` and `fallback` no endpoint keeps, or has anything to forget."""
    spec = load(shop())
    plans = [compile_plan(spec, name) for name in spec.endpoints]
    assert not any(plan.keeps or plan.forgets or plan.fallback or plan.cache for plan in plans)
