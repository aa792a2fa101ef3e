"""The dialect as JSON Schemas of its own, so that an editor completes and checks the schemas in a spec."""

from __future__ import annotations

from typing import Any

from connector_core.json_schema.dialect import TYPES
from connector_core.json_schema.formats import ANNOTATION_FORMATS, FORMATS
from connector_core.patterns import LONGEST_PATTERN

__all__ = ["INNER", "NAMED", "SECRET", "meta_schemas"]

NAMED, SECRET, INNER = "NamedValue", "NamedSecret", "JsonSchema"
"""What the definitions are called: the schema of a value that the spec names, of a secret, and a schema inside one."""

_TYPE = {"enum": sorted(TYPES)}
_NAMES = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


def meta_schemas(prefix: str) -> dict[str, Any]:
    """The definitions by name; `prefix` is where they will stand, such as `#/$defs/`."""
    inner = {"$ref": prefix + INNER}
    keywords = _keywords(inner)
    optional = {"type": "boolean", "description": "True where the value may be left out."}
    rotation = {
        "type": "string",
        "examples": ["90d"],
        "description": "How long it may be used; then somebody is reminded to replace it where it is kept.",
    }
    return {
        NAMED: {
            "description": "The JSON Schema of one named value, required unless it has a default or optional: true.",
            **_object({**keywords, "optional": optional}),
        },
        SECRET: {
            "description": "The JSON Schema of one secret, required unless it is optional: true.",
            **_object({**keywords, "optional": optional, "rotate_every": rotation}),
        },
        INNER: {
            "description": "A JSON Schema; true fits anything, false nothing.",
            "anyOf": [{"type": "boolean"}, _object(keywords)],
        },
    }


def _object(keywords: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": keywords,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }


def _keywords(inner: dict[str, Any]) -> dict[str, Any]:
    """Every keyword of the dialect with the schema of its argument."""
    schemas = {"type": "array", "items": inner, "minItems": 1}
    count, number, flag = {"type": "integer", "minimum": 0}, {"type": "number"}, {"type": "boolean"}
    several = {"type": "array", "items": _TYPE, "minItems": 1, "uniqueItems": True}
    arguments: dict[str, tuple[dict[str, Any], str]] = {
        "type": ({"anyOf": [_TYPE, several]}, "The JSON type, or a list of them."),
        "title": ({"type": "string"}, "What the value is called."),
        "description": ({"type": "string"}, "What it is, for the person who fills it in."),
        "default": ({}, "What it is where it is left out."),
        "examples": ({"type": "array"}, "Values that fit; the simulator serves them."),
        "enum": ({"type": "array", "minItems": 1}, "The legal values."),
        "const": ({}, "The only legal value."),
        "format": ({"enum": sorted({*FORMATS, *ANNOTATION_FORMATS})}, "What a text has to look like."),
        "pattern": ({"type": "string", "maxLength": LONGEST_PATTERN}, "A regular expression that is in the text."),
        "minLength": (count, "The fewest characters of a text."),
        "maxLength": (count, "The most characters of a text."),
        "minimum": (number, "The least number."),
        "maximum": (number, "The greatest number."),
        "exclusiveMinimum": (number, "What a number has to be greater than."),
        "exclusiveMaximum": (number, "What a number has to be less than."),
        "multipleOf": ({"type": "number", "exclusiveMinimum": 0}, "What a number is counted in."),
        "properties": ({"type": "object", "additionalProperties": inner}, "An object's keys by name."),
        "required": (_NAMES, "The keys that an object has to have."),
        "additionalProperties": (inner, "What an object's other keys hold; false: there are none."),
        "items": (inner, "What each item of a list is."),
        "prefixItems": (schemas, "What the first items of a list are, one by one."),
        "minItems": (count, "The fewest items of a list."),
        "maxItems": (count, "The most items of a list."),
        "uniqueItems": (flag, "True where no item comes twice."),
        "allOf": (schemas, "Schemas that all have to fit."),
        "anyOf": (schemas, "Schemas of which at least one has to fit."),
        "oneOf": (schemas, "Schemas of which exactly one has to fit."),
        "not": (inner, "A schema that must not fit."),
        "deprecated": (flag, "True where it should no longer be used."),
        "readOnly": (flag, "True where only the service sets it."),
        "writeOnly": (flag, "True where the service never shows it."),
    }
    return {keyword: {**schema, "description": told} for keyword, (schema, told) in arguments.items()}
