"""What the user of a spec fills in: defaults, what is missing or too much, told at once and without secrets."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from connector_core.config import Property, SecretRef, settle, settled_account, settled_secrets, typed
from connector_core.exceptions import ConfigError

DECLARED: dict[str, dict[str, Any]] = {
    "shop_url": {"type": "string", "format": "uri", "description": "Address of the shop"},
    "start": {"type": "string", "format": "date", "default": "2020-01-01"},
    "count": {"type": "integer", "optional": True},
    "tags": {"type": "array", "items": {"type": "string"}, "default": []},
}
URL = "https://shop.example"


def refused(given: dict[str, Any], what: str = "config") -> ConfigError:
    with pytest.raises(ConfigError) as wrong:
        settle(DECLARED, given, what=what)
    return wrong.value


@pytest.mark.parametrize(
    "given, values",
    [
        ({"shop_url": URL}, {"shop_url": URL, "start": "2020-01-01", "tags": []}),
        ({"shop_url": URL, "start": "2024-05-01", "count": 3, "tags": ["a"]}, {"shop_url": URL, "start": "2024-05-01", "count": 3, "tags": ["a"]}),
        ({"shop_url": URL, "count": None, "start": None}, {"shop_url": URL, "start": "2020-01-01", "tags": []}),
    ],
)  # fmt: skip
def test_values_are_given_or_default(given, values):
    """What is given is kept, a default fills in, an optional value may be absent, and null is not given."""
    assert settle(DECLARED, given, what="config") == values


@pytest.mark.parametrize(
    "given, what",
    [
        ({}, "config shop_url is missing (Address of the shop)"),
        ({"shop_url": None}, "config shop_url is missing (Address of the shop)"),
        ({"shop_url": "shop"}, 'config shop_url: must be an http or https address such as https://shop.example, not "shop"'),
        ({"shop_url": URL, "count": "3"}, 'config count: must be a whole number, not "3"'),
        ({"shop_url": URL, "tags": ["a", 1]}, "config tags: 1: must be text, not 1"),
        ({"shop_ulr": URL}, "'shop_ulr' is not a declared config, did you mean 'shop_url'?; config shop_url is missing (Address of the shop)"),
        ({"x": 1, "shop_url": 3, "start": "soon"}, "'x' is not a declared config (one of: count, shop_url, start, tags); config shop_url: must be text, not 3; config start: must be a date such as 2020-01-31, not \"soon\""),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_told_at_once(given, what):
    """Missing, unknown and ill-typed values stand in one message."""
    assert str(refused(given)) == what


def test_what_is_wrong_with_either_is_told_at_once():
    """Missing config does not hide that a secret is missing too."""
    secrets: dict[str, dict[str, Any]] = {"token": {}}
    with pytest.raises(ConfigError) as both:
        settled_account(DECLARED, secrets, ({}, {}))
    assert str(both.value) == "config shop_url is missing (Address of the shop); secret token is missing"
    with pytest.raises(ConfigError) as one:
        settled_account(DECLARED, secrets, ({"shop_url": URL}, {}))
    assert (str(one.value), one.value.code) == ("secret token is missing", "secret.invalid")


def test_the_word_and_the_code_say_what_it_was():
    """The message and the code name config, secret or input."""
    assert str(refused({}, "input")) == "input shop_url is missing (Address of the shop)"
    assert refused({}, "input").code == "input.invalid"
    assert refused({}).category == "config"


def test_a_secret_never_stands_in_a_message():
    """A secret of the wrong sort, length or pattern is told without its value; one without a type is text."""
    declared: dict[str, dict[str, Any]] = {
        "token": {},
        "pin": {"type": "string", "pattern": "^[0-9]{4}$"},
        "key": {"type": "object", "required": ["kid"]},
    }
    with pytest.raises(ConfigError) as wrong:
        settled_secrets(declared, {"token": 31337, "pin": "hunter2", "key": {"hunter2": "hunter2"}})
    assert str(wrong.value) == (
        "secret token: must be text; secret pin: must match the pattern ^[0-9]{4}$; secret key: lacks 'kid'"
    )
    assert settled_secrets(declared, {"token": "t", "pin": "1234", "key": {"kid": 1}})["token"] == "t"


def test_every_mistake_of_a_schema_has_its_place():
    """A JSON Schema with several mistakes is refused with all of them, each with its path."""
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(Property).validate_python({"tipe": "string", "properties": {"a": {"type": "strng"}}, "enum": []})
    assert [(error["loc"], error["msg"]) for error in wrong.value.errors()] == [
        (("tipe",), "unknown key 'tipe', did you mean 'type'?"),
        (("properties", "a", "type"), "unknown type 'strng', did you mean 'string'?"),
        (("enum",), "must be a list of the legal values"),
    ]


@pytest.mark.parametrize("given", [[], "x", {1: "a"}])
def test_values_are_given_by_name(given):
    """Anything but a mapping with names is told as such."""
    with pytest.raises(ConfigError, match="config values are given by name"):
        settle({}, given, what="config")


def test_an_input_may_be_a_file():
    """An input of the format binary is bytes, a path or an open file; a config value of that format is text."""
    declared = {"photo": {"type": "string", "format": "binary"}}
    for given in (b"x", Path("a.png"), io.BytesIO(b"x")):
        assert settle(declared, {"photo": given}, what="input") == {"photo": given}
    assert settle(declared, {"photo": "text"}, what="config") == {"photo": "text"}
    with pytest.raises(ConfigError) as wrong:
        settle(declared, {"photo": "a.png"}, what="input")
    assert str(wrong.value) == (
        'input photo: must be a file: bytes, a pathlib.Path or a file opened in binary mode, not "a.png"'
    )


@pytest.mark.parametrize(
    "schema, text, value",
    [
        ({}, "12", 12),
        ({}, "[1]", [1]),
        ({}, "twelve", "twelve"),
        ({"enum": ["12", "13"]}, "12", "12"),
        ({"enum": [12, "13"]}, "12", 12),
        ({"const": "12"}, "12", "12"),
        ({"pattern": "^[0-9]+$"}, "12", "12"),
        ({"format": "uri"}, "12", "12"),
        ({"type": "string"}, "12", "12"),
        ({"type": ["string", "null"]}, "null", "null"),
        ({"type": "integer"}, "12", 12),
        ({"type": "integer"}, "12345678901234567890123", 12345678901234567890123),
        ({"type": "integer"}, "twelve", "twelve"),
        ({"type": ["integer", "null"]}, "null", None),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "number"}, "NaN", "NaN"),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "yes", "yes"),
        ({"type": "array"}, "[1, 2]", [1, 2]),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
    ],
)
def test_typed(schema, text, value):
    """A value is text where text is declared, else JSON; what is not JSON stays text, for the spec to judge."""
    assert typed(schema, text) == value
    assert type(typed(schema, text)) is type(value)


# ── references ────────────────────────────────────────────────────────────────────────────────────


def test_a_reference_has_two_parts():
    """What stands before the first colon names the backend, and all of the rest the secret."""
    reference = SecretRef("vault:secret/shop#to:ken")
    assert (reference.scheme, reference.rest) == ("vault", "secret/shop#to:ken")


@pytest.mark.parametrize("text", ["s3cr3t", "env:", ":VARIABLE", "S3CR3T:x", "", "s3 cr3t:x", None, 12345])
def test_no_reference(text):
    """Text that is none is refused without being repeated: it may be the secret itself."""
    with pytest.raises(ConfigError) as refused:
        SecretRef(text)
    assert str(refused.value) == (
        "a reference to a secret is written scheme:rest — such as env:SHOP_TOKEN; "
        "the secret itself is passed as it is, without SecretRef"
    )


def test_a_reference_is_not_shown():
    """Not even what may be a secret by mistake stands in a log: `SecretRef("key:s3cr3t")`."""
    assert repr(SecretRef("key:s3cr3t")) == "SecretRef(key:…)"
    assert "s3cr3t" not in f"{SecretRef('key:s3cr3t')}"


def test_references_are_settled_as_they_are():
    """One stands for a secret that is not known yet, whatever its schema; it stands for no config."""
    token, declared = SecretRef("env:TOKEN"), {"token": {"pattern": "^[a-z]{40}$"}}
    assert settled_secrets(declared, {"token": token}) == {"token": token}
    with pytest.raises(ConfigError, match="config shop_url: must be text"):
        settle({"shop_url": {"type": "string"}}, {"shop_url": token}, what="config")
    assert settled_secrets(declared | {"token": {}}, {"token": "env:TOKEN"}) == {"token": "env:TOKEN"}


def test_references_to_what_is_not_declared():
    """A misspelt name is told, as it is with a value."""
    with pytest.raises(ConfigError, match="'tokn' is not a declared secret, did you mean 'token'"):
        settled_secrets({"token": {}}, {"tokn": SecretRef("env:TOKEN")})
