"""The JSON Schema of the spec language, for editors: completion, hover texts, and mistakes marked while one types.

It is written from the models and from the kinds that are registered when it is asked for, so that a plug-in's kinds are
in it. It knows the structure: keys, kinds, types of values. What needs the whole spec (names in templates, references)
is checked at load.

Rule 1: it refuses nothing that loads.
Rule 2: what is laid over the connector's own may be partial: in an endpoint, the mappings of inherited keys require
        nothing, nor does an environment's sign-in.
Rule 3: it is draft 2020-12 without anything that draft-07 lacks but `$defs`, since editors are of many ages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from connector_core.component import families
from connector_core.json_schema.meta_schema import NAMED, SECRET, meta_schemas
from connector_core.plugins import installed
from connector_core.spec import INHERITED, Spec

__all__ = ["json_schema"]

Json = dict[str, Any]

_DEFS = "#/$defs/"
_PARTIAL = "Partial"
_WHOLE = "rate_limit"
"""The inherited key that is not laid over the connector's: it stands beside it."""


def json_schema() -> Json:
    """The schema, as JSON data; reads docstrings from source, which takes a moment."""
    installed()  # importing plug-ins defines their kinds
    written = _named(Spec.model_json_schema(schema_generator=_Plain))
    definitions = written.pop("$defs") | meta_schemas(_DEFS)
    endpoint, environment = (definitions[name]["properties"] for name in ("Endpoint", "Environment"))
    for keys in (endpoint, environment):
        for key in set(INHERITED) & keys.keys() - {_WHOLE}:
            keys[key] = _partial(keys[key], definitions)
    environment = definitions["Environment"]["properties"]
    environment["auth"] = _partial(environment["auth"], definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "connector spec",
        **_referring(written),
        "$defs": {name: _referring(definitions[name]) for name in sorted(definitions)},
    }


def _named(written: Json) -> Json:
    """The schema with kinds of one name in two families told apart by their key: `DecodeZip`, `TransformZip`."""
    kinds = [kind for family in families().values() for kind in family.kinds.values()]
    names = {
        long: f"{kind.key.title().replace('_', '')}{kind.__name__}"
        for kind in kinds
        if (long := f"{kind.__module__}__{kind.__qualname__}".replace(".", "__")) in written["$defs"]
    }
    return cast("Json", _renamed(written, names)) if names else written


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, str) and value.startswith(_DEFS):
        name = value.removeprefix(_DEFS)
        return _DEFS + names.get(name, name)
    return value


class _Plain(GenerateJsonSchema):
    """pydantic's writer without what only clutters an editor: titles, null defaults, alternatives of one type."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return {key: value for key, value in super().model_schema(schema).items() if key != "title"}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        written = super().default_schema(schema)
        return {key: value for key, value in written.items() if (key, value) != ("default", None)}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        if not inner:
            return inner
        if "type" in inner and "enum" not in inner:
            types = inner["type"] if isinstance(inner["type"], list) else [inner["type"]]
            return {**inner, "type": [*types, "null"]}
        options = inner["anyOf"] if list(inner) == ["anyOf"] else [inner]
        return {"anyOf": [*options, {"type": "null"}]}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        written = super().dict_schema(schema)
        if "patternProperties" in written:  # names that the spec makes up, and the author's own keys
            [(pattern, value)] = written["patternProperties"].items()
            written["patternProperties"] = {f"^(?!x-){pattern.removeprefix('^')}": value, "^x-": {}}
            written["additionalProperties"] = False
        return written


def _partial(schema: Any, definitions: Json) -> Any:
    """The schema of a mapping that is laid over a whole one, down to the next list: nothing in it is required."""
    if not isinstance(schema, dict):
        return schema
    written = _inside(schema, lambda inner: _partial(inner, definitions))
    written.pop("required", None)
    if "$ref" in written:
        written["$ref"] = _DEFS + _partial_definition(written["$ref"].removeprefix(_DEFS), definitions)
    return written


def _partial_definition(name: str, definitions: Json) -> str:
    """The name of the definition's partial form, which is itself where it requires nothing."""
    partial = _PARTIAL + name
    if partial not in definitions:
        definitions[partial] = {}  # for those that refer to themselves
        definitions[partial] = _partial(definitions[name], definitions)
        if definitions[partial] == definitions[name]:
            del definitions[partial]
            return name
    return partial


def _inside(schema: Json, change: Callable[[Any], Any]) -> Json:
    """The schema with the schemas of its alternatives and properties changed."""
    written = dict(schema)
    if "anyOf" in written:
        written["anyOf"] = [change(option) for option in written["anyOf"]]
    for key in ("properties", "patternProperties"):
        if key in written:
            written[key] = {name: change(inner) for name, inner in written[key].items()}
    if "additionalProperties" in written:
        written["additionalProperties"] = change(written["additionalProperties"])
    return written


def _referring(schema: Any) -> Any:
    """Puts a reference to the schema of schemas where a value is one."""
    if isinstance(schema, list):
        return [_referring(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "json-schema":
        return {"$ref": _DEFS + NAMED}
    if schema.get("format") == "json-schema-of-a-secret":
        return {"$ref": _DEFS + SECRET}
    return {key: _referring(value) for key, value in schema.items()}
