"""The simulator's ETags, and a cache at work against it."""

from __future__ import annotations

from typing import Any

from connector_core.http import Request
from connector_core.load import load
from connector_core.testing import simulated
from connector_core.testing.reply import Reply
from connector_core.testing.validators import validated


def shop(**cache: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "shop",
        "base_url": "https://api.shop.example",
        "endpoints": {
            "orders": {
                "get": "/orders",
                "records": "body.data",
                "pagination": {"type": "page_number", "put": "query.page", "pages": "body.pages", "size": {"put": "query.n", "value": 100}},  # noqa: E501
                "schema": {"id": {"type": "integer"}},
            }
        },
    } | cache  # fmt: skip


async def test_a_cache_works_against_the_simulator():
    """A second reading asks by ETag for every page and is told that nothing has changed."""
    heard: list[Any] = []
    async with simulated(shop(cache={}), records=250, listeners=[heard.append]) as connector:
        first = [record async for record in connector.read("orders")]
        again = [record async for record in connector.read("orders")]
    assert first == again
    assert len(first) == 250
    assert [event.status for event in heard if type(event).__name__ == "RequestFinished"] == [200] * 3 + [304] * 3


def test_what_is_known_is_not_sent():
    """304 for the ETag among those that the client has, weak or not, and for any; 200 for others."""
    endpoint = load(shop(cache={"ttl": "1m"})).endpoints["orders"]
    reply = Reply(200, {"data": []}, {})
    tag = validated(endpoint, Request("GET", "u"), reply).headers["ETag"]
    told = [
        validated(endpoint, Request("GET", "u", (), {"if-none-match": asked}), reply).status
        for asked in (tag, f'"x", W/{tag}', "*", '"x"')
    ]
    assert told == [304, 304, 304, 200]


def test_others_are_answered_as_ever():
    """An endpoint without a cache has no ETag, and an error none either."""
    reply = Reply(200, {"data": []}, {})
    for document in (shop(), shop(cache="none")):
        assert validated(load(document).endpoints["orders"], Request("GET", "u"), reply) is reply
    endpoint = load(shop(cache={"ttl": "1m"})).endpoints["orders"]
    assert validated(endpoint, Request("GET", "u"), Reply(404, None, {})).headers == {}
