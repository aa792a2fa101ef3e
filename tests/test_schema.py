from __future__ import annotations

import copy
import inspect
import json
import subprocess
import sys
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from connector_core.component import families
from connector_core.exceptions import SpecError
from connector_core.json_schema import check
from connector_core.load import available, bundled, load
from connector_core.pagination import Pagination
from connector_core.schema import json_schema
from connector_core.source import read
from tests.misshapen import misshapen

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "shop",
    "x-team": "orders",
    "config": {"url": {"type": "string", "format": "uri"}, "size": {"type": "integer", "default": 5}},
    "secrets": {"token": {"description": "Token"}},
    "base_url": "{{ config.url }}/v1",
    "hosts": ["cdn.shop.example", {"host": "files.shop.example", "credentials": True}],
    "environments": {"sandbox": {"base_url": "https://sandbox.shop.example", "config": {"size": 3}}},
    "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
    "rate_limit": {"concurrency": 8},
    "timeout": "30s",
    "headers": {"Accept": "application/json", "X-None": None},
    "pagination": {
        "type": "cursor", "take": "body.next", "put": "query.cursor", "size": {"put": "query.limit", "value": 100},
    },
    "errors": [
        {"status": [404, "5xx"], "then": "skip", "x-why": "gone"},
        {"when": "body.ok == false", "category": "validation", "code": "body.code", "message": "{{ body.error }}"},
    ],
    "records": "body.data",
    "primary_key": "id",
    "endpoints": {
        "orders": {
            "get": "/orders",
            "pagination": {"size": {"value": 25}, "max_pages": 9},
            "params": {"status": "open", "tag": ["a", "b"], "none": None},
            "filter": "record.id > 3",
            "schema": {
                "id": {"type": "integer"},
                "items": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
            },
        },
        "events": {"get": "/events", "pagination": "none", "auth": "none", "primary_key": ["id", "at"]},
        "create": {
            "post": "/orders",
            "input": {"customer": {"type": "integer"}},
            "body": {"json": {"customer": "{{ input.customer }}"}},
            "output": "body.order",
            "safe": True,
        },
        "log_in": {"post": "/login", "body": {"form": {"name": "{{ config.size }}"}}, "rate_limit": {"concurrency": 1}},
    },
    "docs": {"purpose": "To try.", "scopes": ["read"], "troubleshooting": [{"problem": 401, "answer": "New token."}]},
}  # fmt: skip


def changed(path: str, value: Any) -> dict[str, Any]:
    """The spec with another value at a dotted path."""
    document = copy.deepcopy(SPEC)
    *above, key = path.split(".")
    at: Any = document
    for step in above:
        at = at[int(step) if isinstance(at, list) else step]
    at[int(key) if isinstance(at, list) else key] = value
    return document


def properties(schema: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every property of a definition and of the mappings inside it, by its path."""
    found = []
    for name, inner in schema.get("properties", {}).items():
        found += [(f"{path}.{name}", inner), *properties(inner, f"{path}.{name}")]
    return found


# ── what is written ───────────────────────────────────────────────────────────────────────────────


def test_current():
    """The file that editors read is what the command writes today."""
    command = [sys.executable, "-m", "connector_core", "schema"]
    written = subprocess.run(command, capture_output=True, check=True, cwd=bundled().parent).stdout
    assert (bundled() / "connector.schema.json").read_bytes() == written, (
        "specs/connector.schema.json is not current: connector schema > specs/connector.schema.json"
    )


def test_it_is_a_schema():
    """It is a valid schema of its draft, and editors that only know draft-07 read it the same way."""
    Draft202012Validator.check_schema(SCHEMA)
    Draft7Validator.check_schema(SCHEMA)
    assert list(Draft7Validator(SCHEMA).iter_errors(SPEC)) == []
    assert list(Draft7Validator(SCHEMA).iter_errors(changed("docs.purpos", ""))) != []


def test_every_kind():
    """Each kind of each family is a definition with its docstring, its `type`, and a docstring for every field."""
    for family in families().values():
        for name, kind in family.kinds.items():
            if kind.__module__.startswith("connector_core."):
                definitions = SCHEMA["$defs"]  # kinds of one name in two families are told apart by the key
                written = definitions.get(kind.__name__) or definitions[f"{kind.key.title()}{kind.__name__}"]
                assert written["description"] == inspect.getdoc(kind)
                assert written["properties"]["type"]["const"] == name
                assert next(iter(written["properties"])) == "type"
                assert ("type" in written.get("required", [])) == (name != family.default)
                assert set(written["properties"]) == {field.alias or key for key, field in kind.model_fields.items()}


@pytest.mark.parametrize("name", [name for name in SCHEMA["$defs"] if name not in ("NamedValue", "JsonSchema")])
def test_everything_is_described(name):
    """An editor has a sentence for every key."""
    assert [path for path, inner in properties(SCHEMA["$defs"][name]) if not inner.get("description")] == []
    assert [path for path, inner in properties(SCHEMA) if not inner.get("description")] == []


def test_nothing_but_what_editors_need():
    """Titles made from Python's names and defaults of null are not written."""
    text = json.dumps({**SCHEMA, "title": ""})
    assert '"default": null' not in text
    assert '"title": "' not in text.replace('"title": ""', "").replace('"title": {', "")


def test_a_plug_ins_kind():
    """A kind that is defined later is in the schema that is written next."""

    class Relay(Pagination):
        """Pages by edges."""

        type: Literal["relay_for_this_test"] = "relay_for_this_test"
        first: int
        """How many."""

    try:
        later = Draft202012Validator(json_schema())
        assert later.is_valid(changed("pagination", {"type": "relay_for_this_test", "first": 3}))
        assert not later.is_valid(changed("pagination", {"type": "relay_for_this_test"}))
        assert later.is_valid(changed("endpoints.orders.pagination", {"type": "relay_for_this_test"}))
        assert not VALIDATOR.is_valid(changed("pagination", {"type": "relay_for_this_test", "first": 3}))
    finally:
        del Pagination.kinds["relay_for_this_test"]
    assert Relay.kind() not in Pagination.kinds


# ── agreement with the loader ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", sorted(available()))
def test_bundled_specs(name):
    """Every bundled spec is valid."""
    path = available()[name]
    errors = VALIDATOR.iter_errors(read(path.read_bytes(), path.name).data)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_the_example():
    """The example of this file loads and is valid, so that what changes it is what is refused."""
    assert list(VALIDATOR.iter_errors(SPEC)) == []
    assert load(SPEC).name == "shop"


@pytest.mark.parametrize(
    "path, value",
    [
        ("nmae", "shop"),
        ("endpoints.orders.recods", "body.data"),
        ("pagination.tke", "body.next"),
        ("pagination.size.vale", 3),
        ("errors.0.stat", 404),
        ("docs.purpos", ""),
        ("config.url.typ", "string"),
        ("endpoints.orders.schema.items.items.typ", "string"),
        ("hosts.1.credential", True),
        ("environments.sandbox.headers", {}),
        ("connector", "2"),
        ("connector", 1),
        ("name", "My Shop"),
        ("version", "1"),
        ("pagination", "cursor"),
        ("pagination", "curser"),
        ("pagination.type", "curser"),
        ("pagination", {"take": "body.next"}),
        ("pagination", {"type": "cursor"}),
        ("pagination", None),
        ("endpoints.orders.pagination", None),
        ("environments.sandbox.auth", None),
        ("endpoints.orders.pagination.type", "curser"),
        ("endpoints.orders.pagination.size", 25),
        ("auth", {"type": "bearer"}),
        ("rate_limit", {"type": "exact_windw"}),
        ("rate_limit.concurrency", 0),
        ("rate_limit.concurrency", "8"),
        ("timeout", 30),
        ("errors", {"status": 404, "then": "skip"}),
        ("errors.0.status", 99),
        ("errors.0.then", "ignore"),
        ("errors.1.category", "gone"),
        ("records", ["body.data"]),
        ("records", "data"),
        ("pagination.take", "query.next"),
        ("pagination.put", "body"),
        ("primary_key", 3),
        ("endpoints", ["orders"]),
        ("endpoints.order-lines", {"get": "/lines"}),
        ("endpoints.orders.get", 3),
        ("endpoints.orders.safe", "yes"),
        ("endpoints.orders.errors", None),
        ("endpoints.orders.params", ["status"]),
        ("endpoints.create.input", ["customer"]),
        ("endpoints.create.body", "text"),
        ("hosts.0", "https://cdn.shop.example"),
        ("environments.Sand Box", {}),
        ("config.url.optional", "yes"),
        ("config.url", "string"),
        ("config.url.type", "text"),
        ("config.url.format", "web"),
        ("hosts.1.host", "https://cdn.shop.example"),
        ("hosts.1.host", 3),
        ("endpoints.create.body.form", {}),
        ("endpoints.create.body", {"text": None}),
        ("endpoints.create.body", {"multipart": {"a": {"text": "a", "json": 1}}}),
        ("endpoints.orders.schema", "an order.json"),
        ("endpoints.orders.for_each", {"values": [1], "as": "a-b"}),
        ("decode", []),
        ("decode", {"type": "csv", "delimiter": "\n"}),
        ("transform", [{"type": "drop", "fields": []}]),
        ("transform", [{"type": "set", "fields": {}}]),
        ("errors.0.retry_after", {"take": "body.a", "format": ["date"]}),
    ],
)
def test_both_refuse(path, value):
    """A mistake of structure is refused by the loader and marked by editors."""
    document = changed(path, value)
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(SpecError):
        load(document)


@pytest.mark.parametrize(
    "path, value",
    [
        ("x-anything", {"at": ["all"]}),
        ("pagination.x-note", "asked them in May"),
        ("docs.x-page", 3),
        ("config.url.x-order", 1),
        ("$schema", "connector.schema.json"),
        ("endpoints.orders.pagination", {"size": {"put": "query.per_page"}}),
        ("endpoints.orders.pagination", {"type": "offset", "put": "query.skip"}),
        ("endpoints.x-moved", "to another file"),
        ("environments.x-later", ["staging"]),
        ("environments.sandbox.auth", {"token": "{{ secrets.token }}2"}),
        ("endpoints.orders.auth", {"token": "{{ config.url }}"}),
        ("endpoints.orders.headers", {"Accept": None}),
        ("endpoints.create.records", None),
        ("endpoints.orders.timeout", "{{ config.size }}s"),
        ("endpoints.orders.filter", True),
        ("auth", "none"),
        ("rate_limit", "exact_window"),
        ("config.url", {}),
        ("config.size.anyOf", [{"type": "integer"}, True]),
    ],
)
def test_both_accept(path, value):
    """What is legal is legal for both: extensions, partial mappings in endpoints, null that takes a header away."""
    document = changed(path, value)
    assert list(VALIDATOR.iter_errors(document)) == []
    load(document)


VALUES = st.sampled_from([None, True, 7, "text", [], {}, ["text"], {"text": 7}, {"type": "cursor"}]).map(copy.deepcopy)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a document."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in below for found in places(inner, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """The example with one to three places replaced, removed, or given a key that nobody knows."""
    document = copy.deepcopy(SPEC)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from([path for path in places(document) if path]))
        at: Any = document
        for key in above:
            at = at[key]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                at[last] = draw(VALUES)
            case "remove":
                del at[last]
            case _ if isinstance(at, dict):
                at[draw(st.sampled_from(["zzz", "x-zzz", "type", "size"]))] = draw(VALUES)
    return document


@given(mutated())
def test_agreement(document):
    """Whatever is done to a spec: what loads is valid, and what the loader refuses for its structure is not."""
    if VALIDATOR.is_valid(document):
        assert misshapen(document) == []
    else:
        with pytest.raises(SpecError):
            load(document)


# ── the schemas in a spec ─────────────────────────────────────────────────────────────────────────

ARGUMENTS = [
    None, True, 0, 1, -1, 1.5, "", "text", "string", "uri", [], ["string"], ["string", "null"], ["a", "a"], [1],
    [True], [{"type": "string"}], {}, {"a": 1}, {"a": True}, {"type": "string"}, {"a": {"type": "string"}},
]  # fmt: skip


@pytest.mark.parametrize("keyword", [*SCHEMA["$defs"]["NamedValue"]["properties"], "$ref", "nullable", "x-mine", "typ"])
def test_schemas_in_a_spec(keyword):
    """Editors and the loader agree on every keyword of JSON Schema and on what it takes."""
    for argument in ARGUMENTS:
        document = changed("config.url", {keyword: argument})
        assert VALIDATOR.is_valid(document) == (check({keyword: argument}) == []), argument
        nested = changed("config.url", {"items": {keyword: argument}})
        assert VALIDATOR.is_valid(nested) == (check({"items": {keyword: argument}}) == []), argument


def test_every_keyword():
    """Every keyword that the dialect knows is offered by editors."""
    told = check({"zzz": 1})[0][1]
    known = told.partition("one of: ")[2].rstrip(")").split(", ")
    assert set(SCHEMA["$defs"]["NamedValue"]["properties"]) == {*known, "optional"}
