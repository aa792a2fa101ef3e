"""Datasette's keyset tokens, next_url and Link header over 2,500 orders."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector_core import Connector
from connector_core.exceptions import AuthorizationError

pytestmark = pytest.mark.servers("datasette", 18001)

SPEC = Path(__file__).parent / "orders.yaml"


def orders(token: str = "s3cret-token"):
    return Connector.open(SPEC, secrets={"token": token}, network="loopback")


@pytest.mark.parametrize("endpoint", ["by_token", "by_next_url", "by_link"])
async def test_every_order_comes_once_in_order(endpoint):
    """All 2,500 rows come once, in the order of the key."""
    async with orders() as connector:
        ids = [order["id"] async for order in connector.read(endpoint)]
    assert ids == list(range(1, 2501))


async def test_the_services_own_filter():
    """What the service filters itself is asked for by a parameter."""
    async with orders() as connector:
        found = [order["total"] async for order in connector.read("large")]
        everything = [order["total"] async for order in connector.read("by_token")]
    assert found == [total for total in everything if total > 900]


async def test_an_error_page_in_html_is_told_as_what_it_is():
    """A 403 whose body is a web page becomes an error with the page's title, not a decoding error."""
    async with orders("wrong") as connector:
        with pytest.raises(AuthorizationError) as refused:
            await anext(connector.read("by_token"))
    assert str(refused.value).startswith("orders answered 403: ")
    assert "s3cret" not in str(refused.value)


async def test_children_two_levels_deep():
    """The events of every early order come once each, and each of them leads to itself; four requests at once."""
    async with orders() as connector:
        early = {order["id"] async for order in connector.read("early")}
        events = [event async for event in connector.read("events")]
        siblings = [event async for event in connector.read("siblings")]
    assert {event["order_id"] for event in events} <= early
    assert len({event["uuid"] for event in events}) == len(events) > 10
    assert sorted(event["uuid"] for event in siblings) == sorted(event["uuid"] for event in events)
