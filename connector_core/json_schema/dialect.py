"""Which JSON Schemas a spec may write: the closed set of keywords, and what each of them takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from connector_core.component import suggestion
from connector_core.json_schema.formats import ANNOTATION_FORMATS, FORMATS
from connector_core.source import Path

if TYPE_CHECKING:
    from connector_core.patterns import Pattern

__all__ = ["ANNOTATIONS", "LONGEST_MATCHED", "TYPES", "Unmatchable", "check", "compiled"]

LONGEST_MATCHED = 1000
"""Characters of a value that a pattern is tried on; longer ones are refused."""

TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
"""The legal types, and what each is called in messages."""


def check(schema: Any, path: Path = ()) -> list[tuple[Path, str]]:
    """What is wrong with the schema of one named value, each with its path below `path`; empty where nothing is."""
    if not isinstance(schema, dict):
        return [(path, _NO_SCHEMA)]
    mistakes = list(_checked({key: value for key, value in schema.items() if key != "optional"}, path))
    if not isinstance(schema.get("optional", False), bool):
        mistakes.append(((*path, "optional"), "must be true or false"))
    return mistakes


_NO_SCHEMA = "must be a JSON Schema, such as {type: string}"


def _checked(schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield path, _NO_SCHEMA
        return
    for keyword, argument in schema.items():
        here = (*path, keyword)
        if keyword in _PARTS:
            yield from _PARTS[keyword](argument, here)
        elif keyword in _ARGUMENTS:
            if wrong := _ARGUMENTS[keyword](argument):
                yield here, wrong
        elif not str(keyword).startswith("x-"):
            yield here, _UNKNOWN.get(keyword) or f"unknown key {keyword!r}{suggestion(keyword, _KNOWN)}"


def _list_of_schemas(argument: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(argument, list) or not argument:
        yield path, "must be a list of schemas"
        return
    for index, schema in enumerate(argument):
        yield from _checked(schema, (*path, index))


def _items(argument: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(argument, list):
        yield path, "must be one schema for all items; 'prefixItems' takes a list"
    else:
        yield from _checked(argument, path)


def _properties(argument: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(argument, dict):
        yield path, "must be a mapping of names to schemas"
        return
    for name, schema in argument.items():
        yield from _checked(schema, (*path, name))


_PARTS: Mapping[str, Callable[[Any, Path], Iterator[tuple[Path, str]]]] = {
    "additionalProperties": _checked,
    "allOf": _list_of_schemas,
    "anyOf": _list_of_schemas,
    "items": _items,
    "not": _checked,
    "oneOf": _list_of_schemas,
    "prefixItems": _list_of_schemas,
    "properties": _properties,
}


def _type(argument: Any) -> str:
    names = argument if isinstance(argument, list) else [argument]
    if None in names:
        return 'null stands in quotes here: "null"'
    if not names or any(not isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return f"must be one of: {', '.join(TYPES)}, or a list of them"
    unknown = next((name for name in names if name not in TYPES), None)
    return f"unknown type {unknown!r}{suggestion(unknown, TYPES)}" if unknown is not None else ""


def _format(argument: Any) -> str:
    known = {*FORMATS, *ANNOTATION_FORMATS}
    if not isinstance(argument, str):
        return "must be the name of a format, such as uri"
    return "" if argument in known else f"unknown format {argument!r}{suggestion(argument, known)}"


class Unmatchable(str):
    """Words for a text that is no pattern: of all that `check` tells, the one thing that is no matter of structure."""

    __slots__ = ()


def _pattern(argument: Any) -> str:
    from connector_core.patterns import LONGEST_PATTERN

    if not isinstance(argument, str):
        return "must be text, a regular expression"
    try:
        compiled(argument)
    except ValueError as error:
        return Unmatchable(error) if len(argument) <= LONGEST_PATTERN else str(error)
    return ""


@lru_cache(256)
def compiled(pattern: str) -> Pattern:
    """The pattern of a schema; raises ValueError, in words, where it is none."""
    from connector_core.patterns import Pattern

    return Pattern(pattern, LONGEST_MATCHED)


def _required(argument: Any) -> str:
    if isinstance(argument, bool):
        return "must be a list of property names; a named value is required unless it has a default or optional: true"
    ok = isinstance(argument, list) and all(isinstance(name, str) for name in argument)
    return "" if ok and len(set(argument)) == len(argument) else "must be a list of different property names"


def _a(kind: type, words: str) -> Callable[[Any], str]:
    return lambda argument: "" if isinstance(argument, kind) else f"must be {words}"


def _enum(argument: Any) -> str:
    return "" if isinstance(argument, list) and argument else "must be a list of the legal values"


def _count(argument: Any) -> str:
    whole = isinstance(argument, int) and not isinstance(argument, bool)
    return "" if whole and argument >= 0 else "must be a whole number from 0 on"


def _number(argument: Any) -> str:
    return "" if isinstance(argument, int | float) and not isinstance(argument, bool) else "must be a number"


def _step(argument: Any) -> str:
    return _number(argument) or ("" if argument > 0 else "must be greater than 0")


def _anything(argument: Any) -> str:  # noqa: ARG001 - the table's shape
    return ""


ANNOTATIONS: Mapping[str, Callable[[Any], str]] = {
    "default": _anything,
    "deprecated": _a(bool, "true or false"),
    "description": _a(str, "text"),
    "examples": _a(list, "a list"),
    "readOnly": _a(bool, "true or false"),
    "title": _a(str, "text"),
    "writeOnly": _a(bool, "true or false"),
}
"""The keywords that say nothing about a value."""
_ARGUMENTS: Mapping[str, Callable[[Any], str]] = {
    **ANNOTATIONS,
    **dict.fromkeys(("maxItems", "maxLength", "minItems", "minLength"), _count),
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"), _number),
    "const": _anything,
    "enum": _enum,
    "format": _format,
    "multipleOf": _step,
    "pattern": _pattern,
    "required": _required,
    "type": _type,
    "uniqueItems": _a(bool, "true or false"),
}
_KNOWN = {*_PARTS, *_ARGUMENTS}
_UNKNOWN = {
    **dict.fromkeys(("$defs", "$ref", "definitions"), "references are refused: write the schema out where it is used"),
    "nullable": 'is not JSON Schema: write type: [string, "null"]',
    "rotate_every": "is for secrets",
    "optional": "belongs beside the keys of the named value, not inside; an object lists its keys under 'required'",
}
