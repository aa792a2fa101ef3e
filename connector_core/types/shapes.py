"""A JSON Schema as a Python type: objects become TypedDicts, enums Literals, formats what reading really gives.

JSON has no times and no decimals, so that text of any format is `str`; an input of the format `binary` is a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from connector_core.types.layout import alias, field, literal
from connector_core.types.names import WIDTH, Names, camel, docstring, is_field, quoted, width

__all__ = ["Field", "Shapes"]

Schema = Mapping[str, Any]

DEEPEST = 20
MOST_VALUES = 100
"""Values of an enum that are written out; of more, only their type is."""
MOST_TYPES = 100
"""Types of which a value may have one; of more, it may be anything: Python compiles no expression of thousands."""
LONGEST_VALUE = 38
LARGEST = 2**63
INLINE = 48
"""Columns of a Literal that has no name of its own."""

_TYPES = {"boolean": "bool", "integer": "int", "null": "None", "number": "float", "string": "str"}
_OF_TEXT = frozenset({"format", "maxLength", "minLength", "pattern"})


class Field(Struct, frozen=True):
    """A key of a TypedDict."""

    name: str
    types: list[str]
    """What it may be; of several, one."""
    required: bool
    description: str = ""


class Shapes:
    """The definitions of one module, each before what it is used in. `Any` swallows whatever it stands beside."""

    def __init__(self) -> None:
        self.names: Names = Names()
        self.lines: list[str] = []

    def declared(
        self, name: str, properties: Mapping[str, Schema], about: str, *, given: bool = False, besides: str = ""
    ) -> str:
        """The TypedDict of a record, or of what an app passes (`given`); gives its name.

        A declared field is there unless it is `optional`; what is given need not be where it has a default, and None
        stands for it as well. `besides`: what may be passed in place of each, such as a reference to it.
        """
        fields = []
        for key, schema in properties.items():
            required = not schema.get("optional") and not (given and "default" in schema)
            types = self._types(schema, f"{name}{camel(key)}", given=given)
            if besides:
                types = _union([*types, besides])
            if given:  # None is what was left out, whatever the schema says
                types = _union(types, without="None") if required else _union([*types, "None"])
            fields.append(Field(key, types, required, str(schema.get("description", ""))))
        return self.typed_dict(name, fields, about)

    def typed_dict(self, name: str, fields: Sequence[Field], about: str) -> str:
        """Defines a TypedDict; gives its name."""
        lines = [(known, self._short(name, known)) for known in fields]
        words = {word for _, annotation in lines for word in re.findall(r"\w+", annotation)} | {"NotRequired"}
        if all(is_field(known.name) and known.name not in words for known in fields):
            self._define([f"class {name}(TypedDict):", *docstring(about, "    "), *_class_body(lines)])
        else:
            self._define([f"{name} = TypedDict(", f'    "{name}",', "    {", *_entries(lines), "    },", ")"])
        return name

    def _short(self, owner: str, known: Field) -> str:
        """The field's type as it stands beside its key: under a name of its own where it would be too long."""
        annotation = " | ".join(known.types)
        key = known.name if is_field(known.name) else quoted(known.name)
        if width(key) + width(annotation) + len("        : NotRequired[],") <= WIDTH or annotation.isidentifier():
            return annotation
        return self._alias(f"{owner}{camel(known.name)}", known.types)

    def _alias(self, wanted: str, types: Sequence[str]) -> str:
        name = self.names.free(wanted, "Type")
        self.lines += [*alias(name, types), ""]
        return name

    def _define(self, lines: list[str]) -> None:
        after_alias = bool(self.lines) and self.lines[-2:] != ["", ""]
        blank = [""] if after_alias else []
        self.lines += [*blank, *lines, "", ""]

    # ── what a schema says ────────────────────────────────────────────────────────────────────────

    def _types(self, schema: Any, name: str, depth: int = 0, *, given: bool) -> list[str]:
        """The types of which a value that fits has one."""
        if not isinstance(schema, Mapping) or depth > DEEPEST:
            return ["Any"]
        schema = _merged(schema)
        if "const" in schema or "enum" in schema:
            return self._values(schema, name)
        kinds = _kinds(schema)
        if kinds:
            return _union(part for kind in kinds for part in self._of_kind(kind, schema, name, depth, given=given))
        options = schema.get("anyOf") or schema.get("oneOf") or [True]
        return _union(part for option in options for part in self._types(option, name, depth + 1, given=given))

    def _of_kind(self, kind: str, schema: Schema, name: str, depth: int, *, given: bool) -> list[str]:
        match kind:
            case "array":
                items = True if "prefixItems" in schema else schema.get("items")
                return [f"list[{self._inside(items, name, depth, given=given)}]"]
            case "object" if schema.get("properties") and "" not in schema["properties"]:
                return [self._object(schema, name, depth, given=given)]
            case "object":
                others = True if schema.get("properties") else schema.get("additionalProperties")
                return [f"dict[str, {self._inside(others, name, depth, given=given)}]"]
            case "string" if given and schema.get("format") == "binary":
                return ["Binary"]
        return [_TYPES[kind]]

    def _inside(self, schema: Any, name: str, depth: int, *, given: bool) -> str:
        """The type of what a list or a mapping has."""
        types = self._types(schema, name, depth + 1, given=given)
        line = " | ".join(types)
        return line if width(line) <= INLINE or line.isidentifier() else self._alias(name, types)

    def _object(self, schema: Schema, name: str, depth: int, *, given: bool) -> str:
        """An object inside a value: what it requires is there; where that says nothing, what is read."""
        properties, listed = schema["properties"], schema.get("required")
        named = self.names.free(name, "Object")
        fields = [
            Field(
                key,
                self._types(inner, f"{named}{camel(key)}", depth + 1, given=given),
                key in listed if listed is not None else not given,
                str(inner.get("description", "")) if isinstance(inner, Mapping) else "",
            )
            for key, inner in {**dict.fromkeys(filter(None, listed or ()), True), **properties}.items()
        ]
        return self.typed_dict(named, fields, str(schema.get("description") or "One of the objects inside."))

    def _values(self, schema: Schema, name: str) -> list[str]:
        """The values that are listed, where Python can write them; else their types."""
        listed = [schema["const"]] if "const" in schema else list(schema["enum"])
        kinds = _kinds(schema)
        values = [value for value in listed if not kinds or any(_is(value, kind) for kind in kinds)]
        plain = [value for value in values if _is_plain(value)]
        found: list[str] = []
        texts = list(dict.fromkeys(_written(value) for value in plain))
        if len(texts) > MOST_VALUES or any(width(text) > LONGEST_VALUE for text in texts):
            found = [_type_of(value) for value in plain]
        elif texts:
            found = [self._literal(texts, name)]
        return _union([*found, *(_type_of(value) for value in values if value is None or not _is_plain(value))])

    def _literal(self, texts: Sequence[str], name: str) -> str:
        line = f"Literal[{', '.join(texts)}]"
        if width(line) <= INLINE:
            return line
        named = self.names.free(name, "Values")
        first, *rest = literal(texts)
        self.lines += [f"{named}: TypeAlias = {first}", *rest, ""]
        return named


def _class_body(fields: Iterable[tuple[Field, str]]) -> Iterator[str]:
    yield ""
    for known, annotation in fields:
        yield from field(f"    {known.name}: ", annotation, required=known.required)
        if known.description.strip():
            yield from docstring(known.description, "    ")


def _entries(fields: Iterable[tuple[Field, str]]) -> Iterator[str]:
    for known, annotation in fields:
        yield from field(f"        {quoted(known.name)}: ", annotation, required=known.required, tail=",")


def _merged(schema: Schema) -> Schema:
    """The schema with what `allOf` adds to it."""
    if "allOf" not in schema:
        return schema
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        if isinstance(part, Mapping):
            part = _merged(part)  # noqa: PLW2901 - the same, with its own parts
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged = {**part, **merged}
            merged |= {"properties": properties} if properties else {}
            merged |= {"required": required} if required else {}
    return merged


def _kinds(schema: Schema) -> list[str]:
    """The types that a schema names, or speaks of; none where it leaves them open."""
    named = schema.get("type")
    if named is not None:
        return [named] if isinstance(named, str) else list(named)
    if schema.get("anyOf") or schema.get("oneOf"):
        return []
    if "properties" in schema or "additionalProperties" in schema:
        return ["object"]
    if "items" in schema or "prefixItems" in schema:
        return ["array"]
    return [] if _OF_TEXT.isdisjoint(schema) else ["string"]


def _union(types: Iterable[str], without: str = "") -> list[str]:
    """Each type once, None last; `without`: unless it is all there is."""
    found = list(dict.fromkeys(types))
    if "Any" in found or len(found) > MOST_TYPES:
        return ["Any"]
    kept = [name for name in found if name != "None"]
    if "None" in found and (not kept or without != "None"):
        kept.append("None")
    return kept or ["Any"]


def _is_plain(value: Any) -> bool:
    """Whether a Literal can hold it; None stands beside one."""
    return isinstance(value, str | bool) or (isinstance(value, int) and abs(value) < LARGEST)


def _written(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)


def _type_of(value: Any) -> str:
    match value:
        case None:
            return "None"
        case bool() | str() | int() | float():
            return type(value).__name__
        case list():
            return "list[Any]"
    return "dict[str, Any]"


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "integer":
            return isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
    return value is None
