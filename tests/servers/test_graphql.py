"""A strawberry service: Relay connections to their end, and errors inside answers of status 200."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector_core import Connector
from connector_core.exceptions import ValidationError

pytestmark = pytest.mark.servers("graphql", 18042)

SPEC = Path(__file__).parent / "graphql.yaml"


def service() -> Any:
    return Connector.open(SPEC, network="loopback")


async def test_every_node_comes_once():
    """All 500 orders come, each once, in order."""
    async with service() as connector:
        assert [order["n"] async for order in connector.read("orders")] == list(range(500))


async def test_a_query_for_each_value():
    """Both halves come by variable, read side by side."""
    async with service() as connector:
        found = [order async for order in connector.read("by_status")]
    assert sorted(order["n"] for order in found) == list(range(500))
    assert {order["status"] for order in found if order["n"] % 2 == 0} == {"open"}


@pytest.mark.parametrize("endpoint", ["too_many", "boom"])
async def test_errors_inside_a_200(endpoint):
    """What the service refuses inside a successful answer is an error with the service's words."""
    async with service() as connector:
        with pytest.raises(ValidationError, match="graphql answered 200: "):
            await connector.call(endpoint)


async def test_errors_that_a_rule_keeps():
    """A rule keeps what there is."""
    async with service() as connector:
        assert (await connector.call("boom_kept")).data is None
