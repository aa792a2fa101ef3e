"""Batches that the simulated service takes: each item has its result, and reads see what was done."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from connector_core.exceptions import BatchError, IntegrationError
from connector_core.load import load
from connector_core.testing import Simulator, simulated

CONTACT: dict[str, Any] = {
    "id": {"type": "integer"},
    "email": {"type": "string"},
    "state": {"type": "string", "enum": ["new", "old"]},
}
BATCH: dict[str, Any] = {"of": "{{ input.contacts }}", "size": 2, "put": "body.inputs", "results": "body.results"}
ITEMS = {"type": "array", "items": {"type": "object", "required": ["email"]}}


def spec(batch: dict[str, Any] | None = None, contacts: Any = None, **more: Any) -> dict[str, Any]:
    writes = more or {"post": "/contacts/batch"}
    return {
        "connector": "1",
        "name": "crm",
        "base_url": "https://crm.example",
        "primary_key": "id",
        "endpoints": {
            "contacts": {"get": "/contacts", "records": "body.data", "schema": CONTACT},
            "write": {"input": {"contacts": contacts or ITEMS}, "batch": {**BATCH, **(batch or {})}, **writes},
        },
    }


PEOPLE = [{"email": f"{name}@crm.example"} for name in ("a", "b", "c")]


@pytest.mark.parametrize(
    "failed",
    [
        None,
        "result.error",
        "result.status != 'created'",
        "not result.success",
        "result.code >= 400",
        "result.state == 'old' or result.state == 'new'",
    ],
)
async def test_created_items_are_read(failed):
    """Items are created in their order, each with its result, in as many requests as it takes."""
    document = spec({"failed": failed} if failed else {})
    async with simulated(document, records=2) as crm:
        done = await crm.call("write", {"contacts": PEOPLE})
        contacts = [contact async for contact in crm.read("contacts")]
    assert done.attempts == 2
    assert [result["id"] for result in done.data] == [3, 4, 5]
    assert [contact["email"] for contact in contacts[2:]] == [person["email"] for person in PEOPLE]


@pytest.mark.parametrize("results", ["body", "body.results", "body.data.write.items", "body.results.*.contact"])
async def test_where_results_stand(results):
    """Results stand where the spec takes them from."""
    async with simulated(spec({"results": results}), records=0) as crm:
        assert [result["id"] for result in (await crm.call("write", {"contacts": PEOPLE})).data] == [1, 2, 3]


@pytest.mark.parametrize("put", ["body.inputs", "body.data.items", "query.items", "header.X-Items"])
async def test_where_items_stand(put):
    """Items are found where the spec puts them, and a batch without results is taken as well."""
    document = spec({"put": put})
    del document["endpoints"]["write"]["batch"]["results"]
    async with simulated(document, records=0) as crm:
        assert (await crm.call("write", {"contacts": PEOPLE})).data == [None, None, None]
        assert len([contact async for contact in crm.read("contacts")]) == 3


@pytest.mark.parametrize("failed", ["result.error", "result.status == 'error'", "result.ok == false"])
async def test_unknown_items_are_refused(failed):
    """An item that is to be changed and is not there is refused; the others are done."""
    document = spec({"failed": failed}, {"type": "array"}, patch="/contacts")
    async with simulated(document, records=2) as crm:
        with pytest.raises(BatchError) as caught:
            await crm.call("write", {"contacts": [{"id": 9, "email": "x"}, {"id": 2, "email": "y"}, {"email": "z"}]})
        contacts = [contact async for contact in crm.read("contacts")]
    assert caught.value.failed == [0, 2]
    assert [result["message"] for result in caught.value.results if "message" in result] == [
        "there is no record '9'",
        "the item has no key",
    ]
    assert contacts[1]["email"] == "y"


async def test_reasons_stand_where_the_spec_looks():
    """What `failed` looks at holds the reason, where a text does."""
    document = spec({"failed": "result.error"}, {"type": "array"}, delete="/contacts")
    async with simulated(document, records=2) as crm:
        with pytest.raises(BatchError) as caught:
            await crm.call("write", {"contacts": [1, 7]})
        assert [contact["id"] async for contact in crm.read("contacts")] == [2]
    assert caught.value.results[1]["error"] == "there is no record '7'"


async def test_items_with_a_key_are_changed():
    """A created item whose key is there already changes that record."""
    async with simulated(spec(), records=2) as crm:
        await crm.call("write", {"contacts": [{"id": 2, "email": "new"}]})
        assert [contact["email"] async for contact in crm.read("contacts")][1:] == ["new"]


@pytest.mark.parametrize(
    "sent, status, told",
    [
        ({"inputs": [{"email": "a"}, {}]}, 200, "lacks 'email'"),
        ({"inputs": [{}, {}, {}]}, 422, "3 items at body.inputs; send at most 2"),
        ({"inputs": "a"}, 422, "there is no list at body.inputs"),
        ({}, 422, "there is no list at body.inputs"),
    ],
)
async def test_the_service_checks_on_its_own(sent, status, told):
    """Items that do not fit, and lists that are too long or none, are refused whatever a client lets pass."""
    async with (
        Simulator(load(spec({"failed": "result.error"}))) as service,
        aiohttp.ClientSession() as client,
        client.post(f"{service.url}/contacts/batch", json=sent) as answer,
    ):
        assert answer.status == status
        assert told in await answer.text()


async def test_a_condition_that_nothing_fits():
    """A result that cannot be made up is answered with 501 and the condition."""
    async with simulated(spec({"failed": "result.a == 3 or true"})) as crm:
        with pytest.raises(IntegrationError) as caught:
            await crm.call("write", {"contacts": PEOPLE[:1]})
    assert "501: endpoints.write cannot be simulated: no result was found that makes batch.failed not hold" in str(
        caught.value
    )
