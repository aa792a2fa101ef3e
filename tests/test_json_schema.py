from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from connector_core.json_schema import Unmatchable, check, judge, violations
from connector_core.json_schema.formats import FORMATS

NO_TYPE = "must be one of: array, boolean, integer, null, number, object, string, or a list of them"
NO_SCHEMA = "must be a JSON Schema, such as {type: string}"


@pytest.mark.parametrize(
    "schema, path, message",
    [
        (None, "", NO_SCHEMA),
        ("string", "", NO_SCHEMA),
        (True, "", NO_SCHEMA),
        ({"typ": "string"}, "typ", "unknown key 'typ', did you mean 'type'?"),
        ({"example": 1}, "example", "unknown key 'example', did you mean 'examples'?"),
        ({"type": "str"}, "type", "unknown type 'str', did you mean 'string'?"),
        ({"type": ["string", "int"]}, "type", "unknown type 'int', did you mean 'integer'?"),
        ({"type": ["string", None]}, "type", 'null stands in quotes here: "null"'),
        (
            {"type": []},
            "type",
            NO_TYPE,
        ),
        ({"format": "datetime"}, "format", "unknown format 'datetime', did you mean 'date-time'?"),
        ({"format": 5}, "format", "must be the name of a format, such as uri"),
        ({"$ref": "file:///x"}, "$ref", "references are refused: write the schema out where it is used"),
        ({"nullable": True}, "nullable", 'is not JSON Schema: write type: [string, "null"]'),
        (
            {"required": True},
            "required",
            "must be a list of property names; a named value is required unless it has a default or optional: true",
        ),
        ({"required": ["a", "a"]}, "required", "must be a list of different property names"),
        ({"optional": "yes"}, "optional", "must be true or false"),
        (
            {"properties": {"a": {"optional": True}}},
            "properties.a.optional",
            "belongs beside the keys of the named value, not inside; an object lists its keys under 'required'",
        ),
        ({"properties": ["a"]}, "properties", "must be a mapping of names to schemas"),
        ({"properties": {"a": {"items": None}}}, "properties.a.items", NO_SCHEMA),
        ({"items": [{}]}, "items", "must be one schema for all items; 'prefixItems' takes a list"),
        ({"anyOf": []}, "anyOf", "must be a list of schemas"),
        ({"anyOf": [{}, {"type": 5}]}, "anyOf.1.type", NO_TYPE),
        ({"enum": "a"}, "enum", "must be a list of the legal values"),
        ({"minLength": -1}, "minLength", "must be a whole number from 0 on"),
        ({"maxItems": True}, "maxItems", "must be a whole number from 0 on"),
        ({"minimum": "0"}, "minimum", "must be a number"),
        ({"multipleOf": 0}, "multipleOf", "must be greater than 0"),
        ({"uniqueItems": 1}, "uniqueItems", "must be true or false"),
        ({"title": 1}, "title", "must be text"),
        ({"pattern": "("}, "pattern", "is not a regular expression: missing ), unterminated subpattern at position 0"),
        ({"pattern": "[[a]"}, "pattern", "is not a regular expression: Possible nested set at position 1"),
        (
            {"pattern": "^(a+)+$"},
            "pattern",
            "has a repeat without bound inside of another: its ways double with each character",
        ),
        ({"pattern": "(?=a)"}, "pattern", "looks around, (?=…) or (?<=…), and nothing bounds the time of that"),
        ({"pattern": "a" * 501}, "pattern", "must be a regular expression of at most 500 characters"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_check(schema, path, message):
    """What is no schema is told at its place, with what was meant where that can be guessed."""
    expected = tuple(int(step) if step.isdigit() else step for step in path.split(".") if step)
    assert check(schema, ("config", "a")) == [(("config", "a", *expected), message)]


def test_check_tells_all():
    """Every mistake of a schema is told at once, in the order of the file."""
    schema = {"type": "objekt", "properties": {"a": {"min": 1}}, "optional": 1}
    assert [path for path, _ in check(schema)] == [("type",), ("properties", "a", "min"), ("optional",)]


@pytest.mark.parametrize("pattern, meant", [("(", True), ("(a+)+", True), ("a" * 501, False), (3, False)])
def test_what_is_no_matter_of_structure(pattern, meant):
    """Of a pattern, its type and length are judged by editors too; what it says, by the loader alone."""
    assert [isinstance(what, Unmatchable) for _, what in check({"pattern": pattern})] == [meant]


def test_check_accepts():
    """The whole dialect is legal, `optional` and x-… keys included."""
    schema: dict[str, Any] = {
        "type": ["object", "null"],
        "title": "A",
        "description": "An a.",
        "default": None,
        "examples": [{}],
        "deprecated": True,
        "readOnly": True,
        "writeOnly": False,
        "optional": True,
        "x-order": 1,
        "required": ["a"],
        "additionalProperties": False,
        "properties": {
            "a": {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a", "format": "uri"},
            "b": {"type": "number", "minimum": 0, "maximum": 9, "multipleOf": 0.5},
            "c": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9, "format": "int64"},
            "d": {
                "type": "array",
                "prefixItems": [{}],
                "items": True,
                "minItems": 0,
                "maxItems": 9,
                "uniqueItems": True,
            },
            "e": {"anyOf": [{"const": 1}], "oneOf": [{}], "allOf": [{}], "not": {"enum": [5]}},
        },
    }
    assert check(schema) == []


@pytest.mark.parametrize(
    "schema, value, found",
    [
        ({"type": "string"}, 5, ["must be text, not 5"]),
        ({"type": "string"}, {"a": 1}, ["must be text, not a mapping"]),
        ({"type": ["string", "null"]}, True, ["must be text or null, not true"]),
        ({"type": "integer"}, 1.5, ["must be a whole number, not 1.5"]),
        ({"type": "integer"}, "5", ['must be a whole number, not "5"']),
        ({"enum": ["a", 1]}, True, ['must be one of "a", 1, not true']),
        ({"const": "a"}, "b", ['must be "a", not "b"']),
        (
            {"type": "string", "format": "uri"},
            "shop",
            ['must be an http or https address such as https://shop.example, not "shop"'],
        ),
        (
            {"minLength": 3, "pattern": "^a"},
            "xx",
            ["must have at least 3 characters", 'must match the pattern ^a, not "xx"'],
        ),
        ({"pattern": "a"}, "b" * 70, ['must match the pattern a, not "' + "b" * 59 + "…"]),
        (
            {"pattern": "a"},
            "a" * 1001,
            ["must have at most 1000 characters, since it is matched with a pattern"],
        ),
        ({"minimum": 5, "multipleOf": 2}, 3, ["must be at least 5, not 3", "must be a multiple of 2, not 3"]),
        ({"multipleOf": 0.1}, 0.3, []),
        ({"multipleOf": 0.1}, 10**400, []),
        ({"multipleOf": 0.1}, float("inf"), ["must be a multiple of 0.1, not Infinity"]),
        (
            {"properties": {"a": {"type": "integer"}}, "required": ["a", "b"], "additionalProperties": False},
            {"a": "x", "c": 1},
            ['a: must be a whole number, not "x"', "lacks 'b'", "unknown key 'c' (one of: a)"],
        ),
        ({"items": {"type": "string"}}, ["a", 1], ["1: must be text, not 1"]),
        ({"prefixItems": [{}], "items": False}, [1, 2], ["must have at most 1 items"]),
        ({"uniqueItems": True}, [1, 1], ["must not hold the same item twice"]),
        ({"properties": {"a b": {"items": {"minimum": 5}}}}, {"a b": [3]}, ['"a b".0: must be at least 5, not 3']),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 5, ["must be text, or must be null, not 5"]),
        ({"anyOf": [{"items": {"type": "string"}}]}, [1], ["fits none of the 1 schemas under 'anyOf'"]),
        (
            {"oneOf": [{"type": "number"}, {"type": "integer"}]},
            5,
            ["fits more than one of the schemas under 'oneOf', and may fit only one"],
        ),
        ({"not": {"type": "null"}}, None, ["is what the schema's 'not' excludes"]),
        ({"properties": {"a": False}}, {"a": 1}, ["holds what the schema 'false' refuses"]),
        ({"type": "string", "description": "x", "default": "y", "optional": True, "x-y": 1}, "z", []),
        ({"type": "string", "format": "password"}, "z", []),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_violations(schema, value, found):
    """A value that does not fit is told in words that follow its name, with the place inside it."""
    assert check(schema) == []
    assert violations(schema, value) == found


FILE = {"type": "string", "format": "binary"}
NO_FILE = "must be a file: bytes, a pathlib.Path or a file opened in binary mode"


@pytest.mark.parametrize(
    "schema, value, found",
    [
        (FILE, b"", []),
        (FILE, Path("a.png"), []),
        (FILE, io.BytesIO(), []),
        ({**FILE, "maxLength": 3}, b"more than that", []),
        ({"format": "binary"}, bytearray(), []),
        ({"type": ["string", "null"], "format": "binary"}, memoryview(b""), []),
        ({"type": "array", "items": FILE}, [b"", Path("a")], []),
        ({"type": "object", "properties": {"f": FILE}}, {"f": b""}, []),
        ({"anyOf": [FILE, {"type": "integer"}]}, b"", []),
        (FILE, "a.png", [f'{NO_FILE}, not "a.png"']),
        ({**FILE, "maxLength": 9}, "a.png", [f'{NO_FILE}, not "a.png"']),
        ({"type": "array", "items": FILE}, ["a.png"], [f'0: {NO_FILE}, not "a.png"']),
        (FILE, 7, ["must be text, not 7"]),
        (FILE, io.StringIO(), ["must be text, not that StringIO"]),
        ({"type": "integer", "format": "binary"}, b"", ["must be a whole number, not a file or bytes"]),
        ({"type": "string"}, b"", ["must be text, not a file or bytes"]),
        ({"type": "string", "maxLength": 3}, Path("a"), ["must be text, not a file or bytes"]),
        ({"type": "array", "items": {"type": "string"}}, [b""], ["0: must be text, not a file or bytes"]),
        ({**FILE, "enum": [b"x"]}, b"", ["must be one of a file or bytes, not a file or bytes"]),
    ],
    ids=repr,
)
def test_files(schema, value, found):
    """Where files are allowed, text of the format binary is a file and nothing else is; no text is taken for a path."""
    assert violations(schema, value, files=True) == found


@pytest.mark.parametrize("schema", [FILE, {**FILE, "maxLength": 9}])
def test_no_files(schema):
    """Elsewhere the format only tells readers something: text is text, and a file is none."""
    assert violations(schema, "a") == []
    assert violations(schema, b"a") == ["must be text, not a file or bytes"]


def test_violations_end():
    """Of a list of thousands of wrong items, twenty are told."""
    assert len(violations({"items": {"type": "string"}}, list(range(5000)))) == 20


def test_items_are_not_compared_with_each_other():
    """Whether items are unique is looked up: no two of them are compared, of whatever types they are."""
    compared = 0

    class Counting(int):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return int(self) == other

        __hash__ = int.__hash__

    items = [item for number in range(200) for item in (Counting(number), f"a{number}")]
    assert violations({"type": "array", "uniqueItems": True}, items) == []
    assert violations({"uniqueItems": True}, [*items, Counting(7)]) == ["must not hold the same item twice"]
    assert compared == 0


def test_a_long_enum_is_not_told_whole():
    """Of the legal values the first fifty are told."""
    [found] = violations({"enum": list(range(1000))}, "x")
    assert found.endswith(', 48, 49, …, not "x"')


def test_violations_of_the_bottomless():
    """A value that is nested without end is refused, not a crash."""
    deep: list[object] = []
    deep.append(deep)
    schema: dict[str, object] = {}
    schema["items"] = schema
    assert violations(schema, deep) == ["is nested too deeply"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5, -2.0, 1e300]) | st.text(max_size=3)
)
TYPES = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
TEXTS = st.sampled_from(
    [
        "2020-01-31",
        "2020-02-31",
        "2020-01-31T00:00:00Z",
        "https://a.example",
        "ftp://a",
        "a@b",
        "10:00:00Z",
        "::1",
        "1.2.3.4",
    ]
)
SIMPLE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(SCALARS | TEXTS | st.just([]) | st.just({}), min_size=1, max_size=4),
        "const": SCALARS,
        "format": st.sampled_from([*FORMATS, "int64"]),
        "default": SCALARS,
        "description": st.text(max_size=3),
        "optional": st.booleans(),
    },
)
COUNT = st.integers(0, 3)
NUMBER = st.integers(-3, 3) | st.sampled_from([-1.5, 0.5])


def grown(inner):
    """Schemas with every keyword of the dialect; `inner` draws those inside."""
    schemas = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(JSON, min_size=1, max_size=3),
            "format": st.sampled_from([*FORMATS, "int64"]),
            **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), COUNT),
            **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBER),
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "pattern": st.sampled_from(["a", "^[0-9]+$", "."]),
            "uniqueItems": st.booleans(),
            "required": st.lists(st.text(max_size=2), max_size=2, unique=True),
            "properties": st.dictionaries(st.text(max_size=2), inner, max_size=2),
            "additionalProperties": inner,
            "items": inner,
            "not": inner,
            **dict.fromkeys(("prefixItems", "anyOf", "oneOf", "allOf"), schemas),
        },
    )


SCHEMAS = st.recursive(
    SIMPLE.map(lambda s: {k: v for k, v in s.items() if k != "optional"}) | st.booleans(), grown, max_leaves=6
)


def oracle() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, format_ in FORMATS.items():
        checker.checks(name)(lambda value, holds=format_.holds: not isinstance(value, str) or holds(value))
    return checker


ORACLE = oracle()


@given(SIMPLE, SCALARS | TEXTS)
def test_simple_schemas_are_judged_as_jsonschema_does(schema, value):
    """What is judged without jsonschema fits exactly if jsonschema says so, and breaks as many keywords."""
    errors = list(Draft202012Validator(schema, format_checker=ORACLE).iter_errors(value))
    assert len(violations(schema, value)) == len(errors)


@given(SCHEMAS, JSON)
def test_schemas_are_judged_as_jsonschema_does(schema, value):
    """Every schema of the dialect is one to jsonschema, gives the same verdict, and has words for every refusal."""
    assume(isinstance(schema, dict))
    assert check(schema) == []
    Draft202012Validator.check_schema(schema)
    fits = Draft202012Validator(schema, format_checker=ORACLE).is_valid(value)
    assert (violations(schema, value) == []) is fits
    assert (violations(schema, value, secret=True) == []) is fits


@given(
    st.dictionaries(
        st.sampled_from(["type", "enum", "items", "pattern", "minimum", "required", "anyOf", "title"]), JSON
    )
)
def test_what_is_accepted_is_json_schema(schema):
    """Whatever is written, what `check` lets through is a schema to jsonschema's own judge."""
    if not check(schema):
        Draft202012Validator.check_schema(schema)


@given(SCHEMAS)
def test_a_secret_is_never_told(schema):
    """No message about a secret holds any of it, neither its text nor its keys."""
    assume(isinstance(schema, dict))
    for value in ("c4n4ry", {"c4n4ry": "c4n4ry"}, ["c4n4ry", {"a": "c4n4ry"}]):
        assert "c4n4ry" not in "".join(violations(schema, value, secret=True))


@pytest.mark.parametrize(
    "name, good, bad",
    [
        ("date", ["2020-02-29"], ["2021-02-29", "20200229", "2020-2-9", "٢٠٢٠-01-01", ""]),
        (
            "date-time",
            ["2020-01-31T23:59:60Z", "2020-01-31t00:00:00.123456789+05:30"],
            [
                "2020-01-31",
                "2020-01-31T00:00:00",
                "2020-01-31 00:00:00Z",
                "2020-01-31T24:00:00Z",
                "2020-01-32T00:00:00Z",
            ],
        ),
        ("email", ["a@b", "a.b+c@d.example"], ["a", "@b", "a@", "a b@c", "a@b@c"]),
        ("hostname", ["localhost", "api.shop.example"], ["", "-a", "a_b", "a..b", "a" * 64, "a." * 130 + "a"]),
        ("ipv4", ["127.0.0.1"], ["127.1", "::1", "1.2.3.256", ""]),
        ("ipv6", ["::1", "2001:db8::1"], ["1.2.3.4", "fe80::1%eth0", ":::", ""]),
        ("time", ["12:30:00Z", "12:30:00+01:00"], ["12:30", "12:30:00", "25:00:00Z"]),
        (
            "uri",
            ["https://shop.example", "http://127.0.0.1:8000/a?b#c", "https://[::1]/", "https://müller.example/ä"],
            [
                "shop.example",
                "/a",
                "ftp://a",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "https://",
                "https:///a",
                "https://a:99999",
                "https://a b",
                " https://a",
                "https://a\n",
                "https://[::1",
                "http:a",
                "//a",
                "",
                "{{ config.a }}",
                "https://{{ config.a }}",
            ],
        ),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000", ""]),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_formats(name, good, bad):
    """Each format accepts what it names and nothing near it."""
    assert [text for text in good if not FORMATS[name].holds(text)] == []
    assert [text for text in bad if FORMATS[name].holds(text)] == []


def test_every_format_is_tested():
    """The table above has a row for each format, and each has words."""
    [mark] = [mark for mark in test_formats.pytestmark if mark.name == "parametrize"]
    assert {row[0] for row in mark.args[1]} == set(FORMATS)
    assert all(format_.words for format_ in FORMATS.values())


def test_simple_schemas_import_nothing():
    """Checking schemas and judging scalars does not import jsonschema, which costs more than the rest of a load."""
    code = (
        "import sys; from connector_core.json_schema import check, violations;"
        "schema = {'type': 'string', 'format': 'uri'}; check(schema); violations(schema, 'x');"
        "sys.exit('jsonschema' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ── whole records ─────────────────────────────────────────────────────────────────────────────────

RECORD: dict[str, Any] = {
    "id": {"type": "integer", "minimum": 1},
    "email": {"type": "string", "format": "email"},
    "state": {"enum": ["open", "paid"]},
    "items": {
        "type": "array",
        "items": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}},
    },
    "prices": {"type": "object", "additionalProperties": {"type": "number"}},
    "ref": {"anyOf": [{"type": "string"}, {"type": "null"}], "optional": True, "x-note": 1},
}


@pytest.mark.parametrize(
    "record, what",
    [
        ({}, None),
        ({"id": 1, "email": "a@b", "more": "x", "ref": None}, None),
        ({"id": 1.0, "items": [{"sku": "a", "more": 1}], "prices": {"EUR": 1}}, None),
        ({"id": "hunter2"}, "id: must be a whole number"),
        ({"id": None}, "id: must be a whole number"),
        ({"id": 0}, "id: must be at least 1"),
        ({"email": "hunter2"}, "email: must be an e-mail address"),
        ({"state": "hunter2"}, 'state: must be one of "open", "paid"'),
        ({"items": [{"sku": "a"}, {"sku": 1}]}, "items.*.sku: must be text"),
        ({"items": [{"hunter2": 1}]}, "items.*: lacks 'sku'"),
        ({"prices": {"hunter2": "x"}}, "prices.*: must be a number"),
        ({"ref": 1}, "ref: must be text, or must be null"),
        ({"id": float("inf")}, "id: must be a whole number"),
    ],
)
def test_judge(record, what):
    """A record is judged by the schemas of its fields, none required; the words name declared fields and no values."""
    assert judge(RECORD)(record) == what


def test_judge_of_what_is_nested_too_deeply():
    """Depth that nobody can follow is a verdict, not a crash."""
    schema: dict[str, Any] = {"type": "array"}
    value: Any = []
    for _ in range(60):
        schema = {"type": "array", "items": schema}
    for _ in range(20_000):
        value = [value]
    assert judge({"a": {"uniqueItems": True}})({"a": [value, value]}) is not None
    assert judge({"a": schema})({"a": []}) is None


def test_judge_imports_nothing_until_it_has_to():
    """Making a judge imports no validator, or only the fast one."""
    code = (
        "import sys; from connector_core.json_schema import judge; judge({'id': {'type': 'integer'}});"
        "sys.exit('jsonschema' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([1.0, 0.5, 10**30, "", "a", "abc", "2020-01-31", "a@b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip
SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"]),
            "enum": st.lists(ANY, min_size=1, max_size=3),
            "const": ANY,
            "format": st.sampled_from([*FORMATS, "int32", "uri-reference"]),
            "minimum": st.integers(-2, 2),
            "maxLength": st.integers(0, 2),
            "minItems": st.integers(0, 2),
            "uniqueItems": st.booleans(),
            "multipleOf": st.sampled_from([1, 0.5]),
            "pattern": st.sampled_from(["^a", "b$"]),
            "required": st.lists(st.sampled_from("ab"), unique=True),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "additionalProperties": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
        },
    ),
    max_leaves=4,
)  # fmt: skip


@given(SCHEMAS, ANY)
def test_judge_agrees_with_violations(schema, value):
    """A record's verdict is that of its field's schema, whichever validator is installed."""
    assert (judge({"a": schema})({"a": value}) is None) == (violations(schema, value) == [])
