from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from connector_core.address import FieldPath
from connector_core.testing.dataset import Dataset

RICH: dict[str, Any] = {
    "id": {"type": "integer", "minimum": 1000},
    "name": {"type": "string", "minLength": 30, "maxLength": 40},
    "kind": {"enum": ["a", 1, None]},
    "fixed": {"const": 7},
    "iso": {"type": "string", "pattern": "^[A-Z]{2}$", "examples": ["DE", "IS"]},
    "mail": {"type": "string", "format": "email"},
    "page": {"type": "string", "format": "uri"},
    "token": {"type": "string", "format": "uuid"},
    "address": {"type": "string", "format": "ipv4"},
    "price": {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
    "dozen": {"type": "integer", "multipleOf": 12, "minimum": 100, "maximum": 200},
    "debt": {"type": "integer", "maximum": -5},
    "note": {"type": ["string", "null"]},
    "day": {"type": "string", "format": "date"},
    "created_at": {"type": "string", "format": "date-time"},
    "lines": {
        "type": "array",
        "minItems": 1,
        "maxItems": 2,
        "items": {"properties": {"sku": {"type": "string"}, "count": {"type": "integer", "minimum": 1}}},
    },
    "owner": {"anyOf": [{"type": "object", "properties": {"id": {"type": "integer"}}}, {"type": "null"}]},
}


def made(schema: dict[str, Any], *keys: str, count: int = 60, seed: int = 0) -> list[dict[str, Any]]:
    return Dataset("orders", schema, [FieldPath(key) for key in keys or ("id",)], count=count, seed=seed).records


def test_records_fit_their_schema():
    """Every record has every property and is valid against the schema it was made from."""
    check = jsonschema.Draft202012Validator(
        {"properties": RICH, "required": list(RICH)}, format_checker=jsonschema.FormatChecker()
    )
    for record in made(RICH):
        check.validate(record)


def test_same_seed_same_records():
    """The same seed makes the same records, a larger dataset begins with the smaller, and another seed differs."""
    assert made(RICH, count=60)[:10] == made(RICH, count=10)
    assert made(RICH, seed=1) != made(RICH, seed=2)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"id": {"type": "integer"}},
        {"id": {"type": "string"}},
        {"id": {"type": "string", "maxLength": 5}},
        {"id": {"type": "string", "format": "uuid"}},
        {"id": {"type": "string", "format": "date-time"}},
        {"id": {"type": "string", "format": "uri"}},
        {"id": {"type": "string", "format": "email"}},
        {"id": {"type": "number"}},
    ],
)
def test_keys_increase(schema):
    """The primary key is unique and increasing, whatever its type."""
    ids = [record["id"] for record in made(schema, count=300)]
    assert ids == sorted(set(ids))


def test_nested_key():
    """A primary key may lie inside the record."""
    schema = {"customer": {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}}
    records = made(schema, "customer.id", count=3)
    assert [record["customer"]["id"] for record in records] == [1, 2, 3]
    assert all(record["customer"]["name"] for record in records)


@pytest.mark.parametrize(
    "schema", [{"type": "string", "format": "date-time"}, {"type": "integer", "format": "unix-time"}]
)
def test_times_increase(schema):
    """Timestamps never fall from one record to the next."""
    times = [record["at"] for record in made({"id": {"type": "integer"}, "at": schema}, count=2000)]
    assert times == sorted(times)
    assert times[0] < times[-1]


@pytest.mark.parametrize(
    "pairs, holds",
    [
        ([("status", "open")], lambda r: r["status"] == "open"),
        ([("status", "open"), ("status", "paid")], lambda r: r["status"] in ("open", "paid")),
        ([("urgent", "true"), ("status", "open")], lambda r: r["urgent"] and r["status"] == "open"),
        ([("id", "7")], lambda r: r["id"] == 7),
        ([("tags", "b")], lambda r: "b" in r["tags"]),
        ([("status", "all")], lambda r: r),
        ([("address", "x"), ("page", "2")], lambda r: r),
    ],
)
def test_matching(pairs, holds):
    """Records are filtered by equality with properties; words that a property cannot have, and other names, pass."""
    from tests.testing.specs import ORDER

    data = Dataset("orders", ORDER, [FieldPath("id")], count=200)
    expected = [record for record in data.records if holds(record)]
    assert data.matching(pairs) == expected
    assert expected


@pytest.mark.parametrize(
    "schema",
    [
        {"items": True, "minItems": 1},
        {"type": "array", "items": False},
        {"properties": {"b": True, "c": False}},
        {"anyOf": [True]},
        {"oneOf": [False, {"type": "integer"}]},
        {"allOf": [True, {"type": "boolean"}]},
        {"minimum": 0.2, "maximum": 0.5},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.005},
        {"type": "number", "minimum": 0.125, "maximum": 0.125},
        {"type": "number", "multipleOf": 0.25, "minimum": 1, "maximum": 2},
        {"type": "number", "minimum": -1.7e308, "maximum": 1.7e308},
        {"type": "number", "minimum": 10**400},
        {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
        {"type": "integer", "minimum": 5, "exclusiveMinimum": 6, "maximum": 9, "exclusiveMaximum": 8},
        {"type": "integer", "multipleOf": 0.1},
        {"type": "integer", "multipleOf": 1e-320, "minimum": 1},
    ],
)
def test_unusual_schemas(schema):
    """Whatever a spec may write, and something fits, is made; `false` is left out."""
    plain = {key: value for key, value in schema.items() if key != "multipleOf"}  # jsonschema counts in floats
    check = jsonschema.Draft202012Validator({"required": ["a"], "properties": {"a": plain}})
    for record in made({"a": schema}, "none"):
        check.validate(record)
        if "multipleOf" in schema:
            assert Fraction(record["a"]) % Fraction(str(schema["multipleOf"])) == 0


@pytest.mark.parametrize(
    "schema, why",
    [
        ({"type": "integer", "minimum": 10, "maximum": 1}, "a: no integer fits minimum 10, maximum 1"),
        ({"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 6}, "a: no integer fits exclusiveMinimum 5, "),
        ({"type": "integer", "minimum": 0.2, "maximum": 0.5}, "a: no integer fits minimum 0.2, maximum 0.5"),
        ({"type": "number", "minimum": -5, "maximum": -10}, "a: no number fits minimum -5, maximum -10"),
        ({"type": "integer", "minimum": 1, "maximum": 6, "multipleOf": 7}, "a: no integer fits "),
        ({"minLength": 5, "maxLength": 2}, "a: minLength 5 is beyond maxLength 2, so nothing fits"),
        ({"type": "array", "items": False, "minItems": 1}, "a: minItems 1 is beyond maxItems 0, so nothing fits"),
        ({"properties": {"b": {"allOf": [False]}}}, "a.b: nothing fits the schema 'false'"),
        ({"anyOf": [False]}, "a: nothing fits the schema 'false'"),
        ({"minLength": 4_000_000_000}, "a: the least that fits is too large to be made up (4,000,000,001; at most"),
        ({"type": "array", "minItems": 100_000_000}, "a: the least that fits is too large to be made up"),
        (
            {"type": "array", "minItems": 1000, "items": {"type": "array", "minItems": 1000}},
            "a: the least that fits is too large to be made up (1,001,001; at most 100,000)",
        ),
    ],
)
def test_schemas_that_nothing_fits(schema, why):
    """Where nothing fits, or only what is too large, it is said with its place, before anything is made."""
    with pytest.raises(ValueError, match=f"^{re.escape(f'schema.{why}')}"):
        made({"id": {"type": "integer"}, "a": schema})


def test_nested_lists_do_not_multiply():
    """Lists within lists are kept short, so that a deep schema makes small records."""
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(40):
        schema = {"type": "array", "items": schema, "maxItems": 9}
    assert max(len(str(record)) for record in made({"a": schema})) < 10_000


def test_key_makes_room():
    """A key that lies inside what may be null, or what the schema says nothing about, is there in every record."""
    schema = {
        "owner": {"type": ["object", "null"], "properties": {"id": {"type": "integer"}}},
        "at": {"type": "string"},
    }
    assert [record["owner"]["id"] for record in made(schema, "owner.id")] == list(range(1, 61))
    assert made(schema, "at.id", count=1)[0]["at"] == {"id": 1}
