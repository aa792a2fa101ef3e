"""What a spec takes from answers elsewhere is in them: captured facts, and what later steps read."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from connector_core import Connector
from connector_core.engine.effects import Effects
from connector_core.load import load
from connector_core.spec import Spec
from connector_core.testing import Simulator, simulated

CONTACTS: dict[str, Any] = {
    "get": "/{{ connection.fact }}/contacts",
    "params": {"fields": "{{ connection.fact }}"},
    "records": "body.data",
    "schema": {"id": {"type": "integer"}},
}


def spec(capture: dict[str, Any], facts: dict[str, Any], contacts: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "crm",
        "base_url": "https://crm.example",
        "capture": {"fact": {"call": "facts", **capture}},
        "endpoints": {"facts": facts, "contacts": contacts or CONTACTS},
    }


CALLED = {"get": "/me", "output": "body"}
GRAPHQL = {"graphql": "query { shop { id } }", "output": "body"}
RECORDS = {"get": "/tenants", "records": "body.data", "schema": {"id": {"type": "integer"}}}


@pytest.mark.parametrize(
    "take, facts, value",
    [
        ("body.0.tenantId", CALLED, "fact-000001"),
        ("body.data.tenant", {**CALLED, "output": "body.data"}, "fact-000001"),
        ("body.data.shop.id", GRAPHQL, "fact-000001"),
        ("header.X-Tenant", CALLED, "fact-000001"),
        ("body.meta.tenant", RECORDS, "fact-000001"),
        ("body.data.0.id", RECORDS, "1"),
        ("body.plan", {**CALLED, "schema": {"plan": {"type": "string", "const": "t7"}}}, "t7"),
        ("body.tenant", {**CALLED, "schema": {"name": {"type": "string"}}}, "fact-000001"),
        ("body", {**CALLED, "decode": "text"}, "fact-000001"),
        ("body.tenant", {"post": "/me", "output": "body"}, "fact-000001"),
    ],
)
async def test_a_captured_fact(take, facts, value):
    """The call that a fact is taken from is answered with it, wherever it stands."""
    loaded = load(spec({"take": take}, facts))
    async with Simulator(loaded, records=3) as service:
        await _read(service, loaded)
    assert [seen.path for seen in service.requests][1:] == [f"/{value}/contacts"]


async def _read(service: Simulator, loaded: Spec) -> None:
    effects = Effects(transport=service.transport)
    async with Connector.open(loaded, effects=effects) as connector:
        assert [record["id"] async for record in connector.read("contacts")] == [1, 2, 3]


@pytest.mark.parametrize("take", ["body.results.*.name", "body.results", "body"])
async def test_a_fact_that_is_a_list(take):
    """A fact that the spec reads as a list is one."""
    joined = {**CONTACTS, "get": "/contacts", "params": {"fields": "{{ connection.fact | join(',') }}"}}
    loaded = load(spec({"take": take}, CALLED, joined))
    async with Simulator(loaded, records=3) as service:
        await _read(service, loaded)
    assert service.requests[-1].query == (("fields", "fact-000001,fact-000002,fact-000003"),)


async def test_facts_to_read_for():
    """A fact whose values a read is done for is a list of them."""
    each = {**CONTACTS, "get": "/{{ one }}", "params": {}, "for_each": {"values": "{{ connection.fact }}", "as": "one"}}
    loaded = load(spec({"take": "body.ids"}, CALLED, each))
    async with (
        Simulator(loaded) as service,
        aiohttp.ClientSession() as client,
        client.get(f"{service.url}/me") as answer,
    ):
        assert await answer.json() == {"ids": ["fact-000001", "fact-000002", "fact-000003"]}


async def test_no_record_is_made_up_for_a_fact():
    """Where there are no records, none is added so that a fact could be taken from it."""
    async with simulated(spec({"take": "body.data.0.id"}, RECORDS), records=0) as crm:
        assert [record async for record in crm.read("facts")] == []


STEPS: dict[str, Any] = {
    "connector": "1",
    "name": "crm",
    "base_url": "https://crm.example",
    "endpoints": {
        "orders": {
            "get": "/orders",
            "records": "body.data",
            "schema": {"id": {"type": "integer"}},
            "primary_key": "id",
        },
        "create": {"post": "/orders", "output": "body.order"},
        "send": {"post": "/parcels", "input": {"to": {}}, "body": {"json": {"to": "{{ input.to }}"}}},
        "close": {"delete": "/orders/{{ input.id }}", "input": {"id": {}}},
        "move": {
            "steps": [
                {"call": "create", "as": "order"},
                {"call": "send", "input": {"to": "{{ order.address.city }}"}, "as": "parcel"},
                {"call": "close", "input": {"id": 1}, "as": "gone"},
                {"call": "close", "input": {"id": 99}, "when": "order.id is none"},
            ],
            "output": "{{ [order.id, parcel.to, parcel.number, gone.at] }}",
        },
    },
}


async def test_what_steps_read():
    """A call that is made of others finds in each answer what its later steps and its output read."""
    async with simulated(STEPS, records=1) as crm:
        done = await crm.call("move")
        left = [order["id"] async for order in crm.read("orders")]
    assert done.data == [2, "city-000001", "number-000001", "at-000001"]
    assert (done.attempts, left) == (3, [2])
