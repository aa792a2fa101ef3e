"""OpenAPI's schemas in the language's own: references put in, cycles cut, `allOf` merged, `nullable` said as a type.

What is only for people and tools (titles, examples, `xml`, discriminators) stays behind. A keyword that says something
of values and that the language lacks is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector_core import json_schema
from connector_core.importers.openapi.document import Document
from connector_core.importers.openapi.notes import Notes, sentence
from connector_core.json_schema.dialect import TYPES
from connector_core.json_schema.formats import ANNOTATION_FORMATS, FORMATS

__all__ = ["Schemas", "TooManyError"]

LONGEST_NAME = 100
MOST_ENUM = 60
MOST_ALTERNATIVES = 6
MOST_MERGED = 64
MOST_NODES = 60
"""Schemas inside of one property; deeper ones say their type alone."""
MOST_PROPERTIES = 300
MOST_VALUES = 60_000
"""Schemas in all: hardly one of them takes less than 18 bytes of the 1 MiB that a spec may have."""

_TAKEN_OVER = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
]
_UNKNOWN = [
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "propertyNames",
    "dependentSchemas",
    "dependentRequired",
    "contains",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
    "prefixItems",
    "unevaluatedProperties",
    "unevaluatedItems",
]


class TooManyError(Exception):
    """There are more schemas, described so deeply, than a spec can hold."""


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: Document, notes: Notes, depth: int) -> None:
        """`depth`: how many objects inside of each other are described."""
        self._document, self._notes, self._depth = document, notes, depth
        self._left = MOST_VALUES
        self._flattened: dict[int, dict[str, Any]] = {}  # by identity: the document's values live as long as it does
        self._made: dict[tuple[int | str, bool], dict[str, Any]] = {}

    def flat(self, schema: Any) -> Mapping[str, Any]:
        """The schema without its references and `allOf`, whose parts are laid together; its parts are as they were."""
        if (found := self._flattened.get(id(schema))) is None:
            found = self._flat(schema, [MOST_MERGED])
            if isinstance(schema, dict):
                self._flattened[id(schema)] = found
        return found

    def _flat(self, schema: Any, left: list[int]) -> dict[str, Any]:
        found, _ = self._document.followed(schema)
        left[0] -= 1
        if not isinstance(found, dict) or left[0] < 0:
            return {}
        parts = self._document.list(found.get("allOf"))
        own = {key: value for key, value in found.items() if key not in ("allOf", "$ref")}
        beside = schema if isinstance(schema, dict) and "$ref" in schema else {}
        own |= {key: value for key, value in beside.items() if key in ("description", "nullable", "default")}
        if not parts:
            return own
        merged: dict[str, Any] = {}
        for part in [*(self._flat(part, left) for part in parts), own]:
            _lay(merged, part)
        return merged

    def properties(self, schema: Any) -> dict[str, Any]:
        """The properties of an object, each as the document has it; of alternatives, those of the first object."""
        flat = self.flat(schema)
        found = flat.get("properties")
        if not isinstance(found, dict):
            for alternative in [*_list(flat.get("oneOf")), *_list(flat.get("anyOf"))][:MOST_ALTERNATIVES]:
                found = self.flat(alternative).get("properties")
                if isinstance(found, dict):
                    break
        return found if isinstance(found, dict) else {}

    def kind(self, schema: Any) -> str:
        """The JSON type, null aside; empty where it is not said."""
        flat = self.flat(schema)
        given = flat.get("type")
        kinds = [kind for kind in (given if isinstance(given, list) else [given]) if _is_type(kind) and kind != "null"]
        if kinds:
            return str(kinds[0])
        alternatives = [*_list(flat.get("oneOf")), *_list(flat.get("anyOf"))][:MOST_ALTERNATIVES]
        if alternatives:
            return next((kind for one in alternatives if (kind := self._plain_kind(one))), "")
        return "object" if isinstance(flat.get("properties"), dict) else "array" if "items" in flat else ""

    def _plain_kind(self, schema: Any) -> str:
        flat = self.flat(schema)
        given = flat.get("type")
        kind = given if isinstance(given, str) else "object" if isinstance(flat.get("properties"), dict) else ""
        return kind if kind in TYPES and kind != "null" else ""

    def record(self, schema: Any, where: str) -> dict[str, Any]:
        """The schema of a record, by the names of its properties."""
        found: dict[str, Any] = {}
        properties = self.properties(schema)
        for name, inner in list(properties.items())[:MOST_PROPERTIES]:
            carried = 0 < len(name) <= LONGEST_NAME and not name.startswith("x-")
            if carried and self.flat(inner).get("writeOnly") is not True:
                found[name] = self.value(inner, f"{where}.{name}", records=True)
        if len(found) < len(properties):
            names = [name for name in properties if name not in found][:3]
            self._notes.left(where, f"some properties of the schema, such as {', '.join(map(sentence, names))}")
        return found

    def value(self, schema: Any, where: str, *, records: bool = False) -> dict[str, Any]:
        """The schema of one named value, whatever it is made from; raises TooManyError where there were too many."""
        if not isinstance(schema, dict):
            return {}
        key = (str(schema["$ref"]) if schema.keys() == {"$ref"} else id(schema), records)
        if key not in self._made:
            self._made[key] = self._checked(schema, where, records=records)
        return dict(self._made[key])

    def _checked(self, schema: Any, where: str, *, records: bool) -> dict[str, Any]:
        found = self._value(schema, where, (), [MOST_NODES], records=records)
        for _ in range(MOST_NODES):
            wrong = json_schema.check(found)
            if not wrong:
                return found
            path, what = wrong[0]
            self._notes.left(where, what)
            if not path:
                return {}
            _without(found, path)
        return {}

    def _value(
        self, schema: Any, where: str, way: tuple[str, ...], left: list[int], *, records: bool
    ) -> dict[str, Any]:
        target, references = self._document.followed(schema)
        outside = [reference for reference in references if not reference.startswith("#")]
        if outside or (references and target is None):
            self._notes.left(where, f"what {sentence(references[-1], 80)} refers to: it is not in this document")
            return {}
        flat = self.flat(schema)
        left[0] -= 1
        self._left -= 1
        if self._left < 0:
            raise TooManyError
        found = self._alone(flat, where, records=records)
        if set(references) & set(way) or len(way) > self._depth or left[0] <= 0:
            return found  # a cycle, or deep enough
        inside = (*way, *(references or ("",)))
        self._parts(flat, found, where, inside, left, records=records)
        if alternatives := self._alternatives(flat, where, inside, left, records=records):
            return {**found, **alternatives}
        return found

    def _parts(
        self,
        flat: Mapping[str, Any],
        found: dict[str, Any],
        where: str,
        way: tuple[str, ...],
        left: list[int],
        *,
        records: bool,
    ) -> None:
        """Puts what the value is made of into `found`."""
        properties = flat.get("properties")
        if isinstance(properties, dict):
            found["properties"] = {
                name: self._value(inner, where, way, left, records=records)
                for name, inner in properties.items()
                if left[0] > 0 and len(name) <= LONGEST_NAME and name
            }
            required = [
                name for name in _list(flat.get("required")) if isinstance(name, str) and name in found["properties"]
            ]
            if required:
                found["required"] = list(dict.fromkeys(required))
        further = flat.get("additionalProperties")
        if isinstance(further, dict) and further and left[0] > 0:
            found["additionalProperties"] = self._value(further, where, way, left, records=records)
        if isinstance(flat.get("items"), dict):
            found["items"] = self._value(flat["items"], where, way, left, records=records)

    def _alternatives(
        self, flat: Mapping[str, Any], where: str, way: tuple[str, ...], left: list[int], *, records: bool
    ) -> dict[str, Any]:
        for keyword in ("oneOf", "anyOf"):
            given = _list(flat.get(keyword))
            others = [one for one in given if self.flat(one).get("type") != "null"]
            if not others:
                continue
            if len(others) > MOST_ALTERNATIVES:
                self._notes.left(where, f"all but the first {MOST_ALTERNATIVES} alternatives of its {keyword}")
            made = [
                self._value(one, where, way, left, records=records) for one in others[:MOST_ALTERNATIVES] if left[0] > 0
            ]
            null = len(others) < len(given)
            if len(made) == 1:
                return _nullable(made[0]) if null else made[0]
            return {keyword: [*made, {"type": "null"}] if null else made} if made else {}
        return {}

    def _alone(self, flat: Mapping[str, Any], where: str, *, records: bool) -> dict[str, Any]:
        """What a schema says without its parts."""
        found = _typed(flat)
        if isinstance(flat.get("enum"), list):
            values = [value for value in flat["enum"] if not isinstance(value, dict | list)]
            if values and len(values) == len(flat["enum"]) <= MOST_ENUM:
                found["enum"] = values
            else:
                self._notes.left(where, f"an enum of {len(flat['enum'])} values")
        if "const" in flat and not isinstance(flat["const"], dict | list):
            found["const"] = flat["const"]
        if not records:
            found |= _bounds(flat) | _told(flat, found)
        if unknown := [key for key in _UNKNOWN if key in flat]:
            self._notes.left(where, f"{', '.join(unknown)} of its schema")
        return _nullable(found) if flat.get("nullable") is True else found


def _typed(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Type and format."""
    given = flat.get("type")
    kinds = list(dict.fromkeys(kind for kind in (given if isinstance(given, list) else [given]) if _is_type(kind)))
    found: dict[str, Any] = {}
    if kinds:
        found["type"] = kinds[0] if len(kinds) == 1 else kinds
    elif isinstance(flat.get("properties"), dict):
        found["type"] = "object"
    kind = flat.get("format")
    if isinstance(kind, str) and (kind in FORMATS or kind in ANNOTATION_FORMATS):
        found["format"] = kind
    if flat.get("contentMediaType") == "application/octet-stream" and "contentEncoding" not in flat:
        found |= {"type": "string", "format": "binary"}
    return found


def _is_type(kind: Any) -> bool:
    return isinstance(kind, str) and kind in TYPES


def _told(flat: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Description, and the default where it fits."""
    told: dict[str, Any] = {}
    if text := sentence(flat.get("description")):
        told["description"] = text
    default = flat.get("default")
    plain = default is not None and not isinstance(default, dict | list)
    if plain and not json_schema.check(found) and not json_schema.violations(found, default):
        told["default"] = default
    return told


def _bounds(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Bounds of numbers, texts and lists; those of OpenAPI 3.0 say with true that the bound itself is out."""
    found = {key: flat[key] for key in _TAKEN_OVER if key in flat}
    for key, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(key), bool):
            out = found.pop(key)
            if out and bound in found:
                found[key] = found.pop(bound)
    return {key: value for key, value in found.items() if not json_schema.check({key: value})}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    if kinds is None or kinds == "null" or "null" in _list(kinds):
        return schema
    found = {**schema, "type": [*(kinds if isinstance(kinds, list) else [kinds]), "null"]}
    if "enum" in found and None not in found["enum"]:
        found["enum"] = [*found["enum"], None]
    return found


def _lay(merged: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Lays a part of `allOf` over those before it."""
    for key, value in part.items():
        before = merged.get(key)
        if key == "properties" and isinstance(before, dict) and isinstance(value, dict):
            merged[key] = {**before, **value}
        elif key == "required" and isinstance(before, list) and isinstance(value, list):
            merged[key] = [*before, *value]
        else:
            merged[key] = value


def _without(schema: Any, path: tuple[str | int, ...]) -> None:
    """Takes the keyword at the path, or the one that holds it, out."""
    *way, last = path
    for key in way:
        schema = schema[key]
    if isinstance(schema, dict):
        schema.pop(last, None)
    else:
        schema[last] = {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
