"""Lists that are sent in several requests: parts, results, and items that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core import Connector
from connector_core.batch import BatchWrite
from connector_core.exceptions import BatchError, ConfigError, ResponseError, ServerError, SpecError
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import FakeTransport, effects, respond

BATCH = {
    "of": "{{ input.items }}",
    "size": 2,
    "put": "body.inputs",
    "results": "body.results",
    "failed": "result.error",
}


def spec(**batch: Any) -> dict[str, Any]:
    add = {"post": "/items", "input": {"items": {}, "tag": {"optional": True}}, "batch": {**BATCH, **batch}}
    add["body"] = {"json": {"tag": "{{ input.tag }}"}}
    return {"connector": "1", "name": "shop", "base_url": "https://api.example", "endpoints": {"add": add}}


def service(request: Request) -> Response:
    """Accepts even numbers."""
    return respond(json={"results": [{"id": n} if n % 2 == 0 else {"error": "odd"} for n in request.body["inputs"]]})


@given(st.lists(st.integers(), max_size=30), st.integers(1, 7))
def test_parts(items, size):
    """The parts are the list, in order, none larger than the size and none empty."""
    parts = list(BatchWrite.model_validate({**BATCH, "size": size}).parts({"input": {"items": items}}))
    assert [item for part in parts for item in part] == items
    assert all(0 < len(part) <= size for part in parts)


async def test_a_list_goes_in_several_requests():
    """The results come in the order of the items; what else the body holds goes with each part."""
    transport = FakeTransport(service)
    async with Connector.open(spec(), effects=effects(transport)) as shop:
        result = await shop.call("add", {"items": [2, 4, 6], "tag": "x"})
    assert (result.data, result.attempts) == ([{"id": 2}, {"id": 4}, {"id": 6}], 2)
    assert [request.body for request in transport.requests] == [
        {"tag": "x", "inputs": [2, 4]},
        {"tag": "x", "inputs": [6]},
    ]


async def test_an_empty_list_sends_nothing():
    """There is nothing to do, and nothing is done."""
    transport = FakeTransport(service)
    async with Connector.open(spec(), effects=effects(transport)) as shop:
        assert (await shop.call("add", {"items": []})).data == []
    assert transport.requests == []


async def test_refused_items_raise_with_all_results():
    """Every part is sent; then the error says which items were refused, and holds every result."""
    async with Connector.open(spec(), effects=effects(service)) as shop:
        with pytest.raises(BatchError, match="shop refused 2 of 5 items: number 1, number 4") as error:
            await shop.call("add", {"items": [2, 3, 4, 6, 7]})
    assert error.value.failed == [1, 4]
    assert error.value.results[0] == {"id": 2}
    assert error.value.results[4] == {"error": "odd"}


@pytest.mark.parametrize("answer, what", [({"results": [{}]}, "there is 1 results"), ({}, "there is no list")])
async def test_results_that_do_not_fit(answer, what):
    """An answer with another number of results than items is told, with how many items are done."""
    async with Connector.open(spec(), effects=effects(lambda _request: respond(json=answer))) as shop:
        with pytest.raises(ResponseError, match=rf"{what} at body\.results for 2 items") as error:
            await shop.call("add", {"items": [2, 4]})
    assert error.value.context["items_done"] == 0


async def test_a_part_that_fails_says_how_many_are_done():
    """An error in a later part tells how many items came before it."""
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return service(request) if len(seen) < 3 else respond(501, json={})

    async with Connector.open(spec(), effects=effects(answer)) as shop:
        with pytest.raises(ServerError) as error:
            await shop.call("add", {"items": [2, 4, 6, 8, 10, 12]})
    assert error.value.context["items_done"] == 4


async def test_a_part_that_fails_says_which_were_refused_before():
    """An item that an earlier part's answer refuses is told, though a later part fails altogether."""
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return service(request) if len(seen) < 3 else respond(501, json={})

    async with Connector.open(spec(), effects=effects(answer)) as shop:
        with pytest.raises(ServerError) as error:
            await shop.call("add", {"items": [2, 3, 4, 6, 8]})
    assert (error.value.context["items_done"], error.value.context["items_refused"]) == (4, [1])


async def test_what_is_no_list():
    """A value that is no list is refused before anything is sent."""
    async with Connector.open(spec(), effects=effects(service)) as shop:
        with pytest.raises(ConfigError, match=r"batch\.of is not a list"):
            await shop.call("add", {"items": "2,4"})


def test_batches_are_for_calls():
    """A read has nothing to send in parts."""
    document = spec()
    document["endpoints"]["add"] = {
        "get": "/a",
        "records": "body",
        "batch": {"of": "{{ now }}", "size": 1, "put": "body.a"},
    }
    with pytest.raises(SpecError, match=r"endpoints\.add\.batch: is for calls that send a list"):
        load(document)
