"""What a read is done for: entries, partitions, batches, and what a spec can get wrong about them."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

from typing import Any

import pytest

from connector_core.exceptions import ConfigError, SpecError
from connector_core.for_each import WHOLE, Batch, Distinct, ForEach
from connector_core.http import Request
from connector_core.load import load


def entry(**keys: Any) -> ForEach:
    return ForEach.model_validate(keys)


def document(for_each: Any, **endpoints: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "demo",
        "config": {"regions": {"type": "array", "default": ["eu"]}},
        "base_url": "https://api.example",
        "records": "body.data",
        "endpoints": {
            "teams": {"get": "/teams", "schema": {"id": {"type": "integer"}, "lead": {"type": "object"}}},
            "members": {"get": "/members", "for_each": for_each},
            "send": {"post": "/send", "input": {"a": {}}},
            **endpoints,
        },
    }


def mistakes(*given: Any, **more: Any) -> list[str]:
    with pytest.raises(SpecError) as error:
        load(document(*given, **more))
    return [f"{problem.path}: {problem.what}" for problem in error.value.problems]


# ── values ────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_is_its_own_value():
    """Without `take` the parent's whole record is what is read for."""
    assert entry(**{"endpoint": "teams", "as": "team"}).taken({"id": 1}) == [{"id": 1}]


@pytest.mark.parametrize(
    "record, taken",
    [({"ids": [1, 2, None]}, [1, 2]), ({"ids": 7}, [7]), ({"ids": None}, []), ({}, []), ({"ids": []}, [])],
)
def test_take(record, taken):
    """`take` spreads a list; null and missing are no values."""
    assert entry(**{"endpoint": "teams", "as": "id", "take": "ids"}).taken(record) == taken


def test_distinct_values():
    """A value comes once; 1, true and "1" are different ones, and so are objects that differ."""
    given = [1, "1", 1, True, {"a": 1}, {"a": 1}, {"a": 2}, "1", None]
    assert list(Distinct().of(given)) == [1, "1", True, {"a": 1}, {"a": 2}, None]


def test_values_stand_in_for_the_endpoint():
    """A list that is not empty is what is read for; an empty one leaves it to the endpoint, if there is one."""
    both = entry(**{"endpoint": "teams", "as": "id", "values": "{{ config.ids }}"})
    alone = entry(**{"as": "id", "values": "{{ config.ids }}"})
    assert both.given({"config": {"ids": [1]}}) == [1]
    assert both.given({"config": {"ids": []}}) is both.given({"config": {}}) is None
    assert alone.given({"config": {}}) == []


def test_values_that_are_no_list():
    """What is no list is refused, with what to do."""
    with pytest.raises(ConfigError, match=r"for_each\.values is not a list — \{\{ config\.ids \}\} — make it one"):
        entry(**{"as": "id", "values": "{{ config.ids }}"}).given({"config": {"ids": "a,b"}})


# ── batches ───────────────────────────────────────────────────────────────────────────────────────

PLAIN = Request("GET", "https://api.example/x", (("ids", "old"), ("page", "1")))


def test_a_batch_joined():
    """With `join` the values are one text."""
    batch = Batch.model_validate({"size": 2, "put": "query.ids", "join": ","})
    assert batch.placed(PLAIN, [1, "b"]).query == (("ids", "1,b"), ("page", "1"))


def test_a_batch_as_a_repeated_name():
    """Without `join` a query's name is repeated."""
    batch = Batch.model_validate({"size": 2, "put": "query.ids"})
    assert batch.placed(PLAIN, [1, True]).query == (("page", "1"), ("ids", "1"), ("ids", "true"))


def test_a_batch_in_the_body():
    """Without `join` a body gets the list."""
    batch = Batch.model_validate({"size": 2, "put": "body.filter.ids"})
    assert batch.placed(PLAIN, [1, 2]).body == {"filter": {"ids": [1, 2]}}


def test_names_add_up():
    """A partition inside of another has the names of both."""
    outer = entry(**{"endpoint": "teams", "as": "team"}).below(WHOLE, {"id": 1}, 1)
    inner = entry(**{"as": "state", "values": ["open"]}).below(outer, "open", "open")
    assert inner.names == {"team": {"id": 1}, "state": "open"}
    assert inner.key == {"team": 1, "state": "open"}


# ── what a spec can get wrong ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "for_each, found",
    [
        ({"endpoint": "team", "as": "t"}, "endpoints.members.for_each.endpoint: there is no endpoint 'team', did you mean 'teams'?"),
        ({"endpoint": "send", "as": "t"}, "endpoints.members.for_each.endpoint: send is called, not read: a parent has records, and no input or output"),
        ({"endpoint": "members", "as": "t"}, "endpoints.members.for_each.endpoint: goes in a circle: this endpoint is read for itself"),
        ({"endpoint": "teams", "as": "config"}, "endpoints.members.for_each.as: hides the name 'config' that templates have already"),
        ({"endpoint": "teams", "as": "a-b"}, "endpoints.members.for_each.as: must be letters, digits and _, and not begin with a digit"),
        ({"as": "t"}, "endpoints.members.for_each: says nothing to read for: give it an 'endpoint' or 'values'"),
        ({"as": "t", "values": [1], "take": "id"}, "endpoints.members.for_each: 'take' is a part of a parent's record, and there is no 'endpoint'"),
        ({"endpoint": "teams"}, "endpoints.members.for_each: missing key 'as'"),
        ({"endpoint": "teams", "as": "t", "take": "idd"}, "endpoints.members.for_each.take: idd is not in the schema of teams, did you mean 'id'?"),
        ({"endpoint": "teams", "as": "t", "oly": "all"}, "endpoints.members.for_each.oly: unknown key 'oly', did you mean 'only'?"),
        ({"endpoint": "teams", "as": "t", "take": "id", "batch": {"size": 2, "put": "header.X"}}, "endpoints.members.for_each.batch: a header holds one text: say what stands between the values, join: ','"),
        ([{"endpoint": "teams", "as": "t"}, {"values": [1], "as": "t"}], "endpoints.members.for_each.1.as: hides the 't' of an ancestor: choose another name"),
        ([{"values": [1], "as": "t", "batch": {"size": 2, "put": "query.x"}}, {"values": [1], "as": "u"}], "endpoints.members.for_each.0.batch: is for the last entry of a product"),
        ([], "endpoints.members.for_each: is empty: give it at least one item, or leave the key out"),
        ("teams", "endpoints.members.for_each: must be a mapping, not text: {endpoint: teams, as: …}, where `as` is the name of each record"),
    ],
)  # fmt: skip
def test_mistakes(for_each, found):
    """Each mistake is told at its place, with what is near."""
    assert found in mistakes(for_each)


def test_a_circle_over_several():
    """Endpoints that wait for each other are told."""
    found = mistakes(
        {"endpoint": "tasks", "as": "task"}, tasks={"get": "/t", "for_each": {"endpoint": "members", "as": "member"}}
    )
    assert "endpoints.members.for_each.endpoint: goes in a circle: tasks is read for members" in found


def test_a_call_is_for_nothing():
    """Calls are made once; they have no partitions."""
    [found] = mistakes(
        {"endpoint": "teams", "as": "t"},
        close={"post": "/close", "input": {"a": {}}, "for_each": {"endpoint": "teams", "as": "t"}},
    )
    assert found == "endpoints.close.for_each: is for reads: an endpoint with records, and without input or output"


def test_names_of_the_parents_schema():
    """A field that the parent's schema lacks is told where a template reads it; one that it has is not."""
    child = {"get": "/t/{{ team.idd }}/{{ team.id }}", "for_each": {"endpoint": "teams", "as": "team"}}
    assert mistakes({"endpoint": "teams", "as": "t"}, tasks=child) == [
        "endpoints.tasks.get: team.idd is not declared under team, did you mean 'id'?"
    ]


def test_names_of_ancestors_at_any_depth():
    """A grandchild sees its grandparent's name; nobody else does."""
    deep = {"get": "/t/{{ team.id }}/{{ member.id }}", "for_each": {"endpoint": "members", "as": "member"}}
    load(document({"endpoint": "teams", "as": "team"}, tasks=deep))
    [found] = mistakes({"endpoint": "teams", "as": "team"}, other={"get": "/t/{{ team.id }}"})
    assert found.startswith("endpoints.other.get: unknown name 'team'")


def test_an_inherited_template_may_read_a_partitions_name():
    """The top level may say what only some endpoints can read; those that can't are told."""
    good = document({"endpoint": "teams", "as": "team"})
    [found] = _problems({**good, "params": {"team": "{{ team.id }}"}})
    assert (
        found
        == "params.team: unknown name 'team' (one of: config, connection, endpoint, now, page, secrets, uuid) (inherited by teams)"
    )


def _problems(spec: dict[str, Any]) -> list[str]:
    with pytest.raises(SpecError) as error:
        load({**spec, "endpoints": {key: value for key, value in spec["endpoints"].items() if key != "send"}})
    return [f"{problem.path}: {problem.what}" for problem in error.value.problems]
