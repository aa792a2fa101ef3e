"""Partitions of a read: the simulated service gives each its own records, wherever the spec says which one it is."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from connector_core.load import load
from connector_core.testing import Simulator, simulated

MEMBER: dict[str, Any] = {"id": {"type": "integer"}, "role": {"type": "string", "enum": ["guest", "owner"]}}
PARENT = {"endpoint": "teams", "as": "team"}


def spec(members: dict[str, Any], teams: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "club",
        "base_url": "https://club.example",
        "records": "body.data",
        "primary_key": "id",
        "endpoints": {
            "teams": {
                "get": "/teams",
                "schema": {"id": {"type": "integer"}, "name": {"type": "string"}},
                **(teams or {}),
            },
            "members": {"schema": MEMBER, "for_each": PARENT, **members},
        },
    }


async def partitions(document: dict[str, Any], records: int = 7) -> list[list[int]]:
    """The ids that each partition's pages have."""
    async with simulated(document, records=records) as club:
        return [[record["id"] for record in page.records] async for page in club.pages("members")]


SEARCH = {"post": "/members/search", "records": "body.data"}


@pytest.mark.parametrize(
    "members",
    [
        {"get": "/teams/{{ team.id }}/members"},
        {"get": "/teams/{{ team.name | lower }}-{{ team.id }}/members"},
        {"get": "/members", "params": {"team": "{{ team.id }}"}},
        {"get": "/members", "params": {"q": "team:{{ team.id }} and {{ team.name }}"}},
        {"get": "/members", "headers": {"X-Team": "{{ team.id }}"}},
        {**SEARCH, "body": {"json": {"filter": {"all": [{"team": "{{ team.id }}"}]}}}},
        {**SEARCH, "body": {"form": {"team": "{{ team.id }}"}}},
        {"graphql": "query ($team: Int) { members }", "variables": {"team": "{{ team.id }}"}},
        {"get": "/teams/{{ id }}/members", "for_each": {**PARENT, "as": "id", "take": "id"}},
        {"get": "/teams/{{ one }}/members", "for_each": {"values": ["a", "b", "c"], "as": "one"}},
    ],
)
async def test_each_partition_has_its_own(members):
    """Records are dealt out among the parents, so that reading all partitions gives each record once."""
    found = await partitions(spec(members))
    assert len(found) == (3 if "values" in members.get("for_each", {}) else 7)
    assert sorted(record for ids in found for record in ids) == list(range(1, 8))
    assert all(found)


BATCHED = {**PARENT, "as": "ids", "take": "id"}


@pytest.mark.parametrize(
    "members, batch",
    [
        ({"get": "/members"}, {"size": 3, "put": "query.teams"}),
        ({"get": "/members"}, {"size": 3, "put": "query.teams", "join": ","}),
        ({"get": "/members"}, {"size": 3, "put": "header.X-Teams", "join": " "}),
        (SEARCH, {"size": 3, "put": "body.filter.teams"}),
    ],
)
async def test_batches_of_parents(members, batch):
    """A request for several parents gives the records of all of them."""
    found = await partitions(spec({**members, "for_each": {**BATCHED, "batch": batch}}))
    assert [sorted(ids) for ids in found] == [[1, 2, 3], [4, 5, 6], [7]]


async def test_a_property_is_compared():
    """A parameter that names a property is compared with it, as it is without partitions."""
    roles = {"values": ["guest", "owner"], "as": "role"}
    found = await partitions(spec({"get": "/members", "params": {"role": "{{ role }}"}, "for_each": roles}), 40)
    assert sorted(record for ids in found for record in ids) == list(range(1, 41))
    by_id = {**BATCHED, "batch": {"size": 3, "put": "query.id"}}
    found = await partitions(spec({"get": "/members", "for_each": by_id}))
    assert [sorted(ids) for ids in found] == [[1, 2, 3], [4, 5, 6], [7]]


async def test_asked_without_a_partition():
    """Whoever asks without saying which partition is meant gets the records of all."""
    document = load(spec({"get": "/members", "params": {"team": "{{ team.id }}"}}))
    async with (
        Simulator(document, records=3) as service,
        aiohttp.ClientSession() as client,
        client.get(f"{service.url}/members") as answer,
    ):
        assert [record["id"] for record in (await answer.json())["data"]] == [1, 2, 3]


async def test_a_field_that_several_parents_share():
    """Parents of one name are one to the service, so that each of them is given the same records."""
    named = {"schema": {"id": {"type": "integer"}, "name": {"const": "all"}}}
    found = await partitions(spec({"get": "/{{ team.name }}/members"}, named), 3)
    assert found == [[1, 2, 3]] * 3


async def test_both_entries_of_a_product():
    """Each pair of a product has its own records."""
    both = [PARENT, {"values": ["a", "b"], "as": "shift"}]
    found = await partitions(spec({"get": "/teams/{{ team.id }}/{{ shift }}", "for_each": both}), 8)
    assert len(found) == 16
    assert sorted(record for ids in found for record in ids) == list(range(1, 9))
