"""Documents drawn from a JSON Schema: whole ones, and ones with a mistake put in where the schema tells what stands.

It walks the schema itself, over the keywords that ours uses: `$ref`, `anyOf`, `oneOf`, `const`, `enum`, the types with
their bounds, `pattern`, and of mappings `properties`, `required`, `patternProperties` and `additionalProperties`. A
keyword that it does not know is an error, so that a schema which grows is not drawn from by half.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from hypothesis import strategies as st

__all__ = ["MISTAKES", "documents"]

Json = dict[str, Any]

_KNOWN = {
    "$ref", "anyOf", "oneOf", "const", "enum", "type", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "exclusiveMinimum", "items", "minItems", "maxItems", "uniqueItems", "properties", "required", "patternProperties",
    "additionalProperties", "minProperties", "not",
    "title", "description", "default", "examples", "format", "$schema", "$defs",
}  # fmt: skip
_SAYS_NOTHING = {"title", "description", "default", "examples", "format"}
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_DEEPEST = 7
_WORDS = [
    "", "id", "orders", "a b", "é", "none", "cursor", "{{", "{{ config.id }}", "{{ secrets.id }}", "{{ input.id }}",
    "/orders", "https://a.example/v1", "body.data", "body.id", "header.X-Id", "query.id", "record.id", "30s", "id == 1",
    "%d.%m.%Y", "order.json", "{orders {id}}", "1.0.0", "404", "5xx", "a.example", 'body."a b"', "x: y", "# no", "a\nb",
]  # fmt: skip
"""Texts of which each means something somewhere."""


@dataclass
class Drawing:
    """One document while it is drawn, and what the schema says of each of its mappings and values."""

    draw: st.DrawFn
    root: Json
    always: Sequence[str] = ()
    """Keys that the outermost mapping has."""
    mappings: list[tuple[Json, Json]] = field(default_factory=list)
    """Each mapping with its schema."""
    values: list[tuple[Any, Any, Json]] = field(default_factory=list)
    """What holds a value, its key or index there, and its schema."""

    def value(self, schema: Any, depth: int = 0) -> Any:
        """A value that the schema accepts."""
        schema = _resolved(schema, self.root)
        if not schema.keys() - _SAYS_NOTHING or "not" in schema:
            return self._any(depth)
        if "properties" not in schema and (options := schema.get("anyOf") or schema.get("oneOf")):
            return self.value(self._one(options), depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._one(schema["enum"])
        types = schema["type"]
        return self._of_type(self._one(types) if isinstance(types, list) else types, schema, depth)

    def _of_type(self, name: str, schema: Json, depth: int) -> Any:
        match name:
            case "object":
                return self._mapping(schema, depth)
            case "array":
                return self._list(schema, depth)
            case "string":
                return self.draw(_text(schema.get("pattern"), tuple(schema.get("examples", ())), *_lengths(schema)))
            case "integer":
                return self.draw(_whole(schema.get("minimum"), schema.get("maximum")))
            case "number":
                least = schema.get("exclusiveMinimum", schema.get("minimum"))
                return self.draw(
                    _whole(None if least is None else least + 1, schema.get("maximum")) | _broken_number(least)
                )
            case "boolean":
                return self.draw(st.booleans())
        return None

    def standing(self) -> list[tuple[Any, Any, Json]]:
        """The values that no mistake has taken away yet."""
        return [
            (holder, key, schema)
            for holder, key, schema in self.values
            if (key in holder if isinstance(holder, dict) else key < len(holder))
        ]

    def _one(self, options: Sequence[Any]) -> Any:
        return options[self.draw(_below(len(options)))]

    def _mapping(self, schema: Json, depth: int) -> Json:
        made: Json = {}
        known = schema.get("properties", {})
        chosen, left_out = self._alternative(schema)
        keys = [*schema.get("required", ()), *chosen, *(self.always if not depth else ())]
        further = [key for key in known if key not in keys and key not in left_out]
        if further and depth < _DEEPEST:
            keys += self.draw(_some(tuple(further), (8, 5, 6)[depth] if depth < 3 else 3))
        for key in dict.fromkeys(keys):
            self._put(made, key, known[key], depth)
        names = [*schema.get("patternProperties", {}).items()]
        others = schema.get("additionalProperties", {} if not known else False)
        if others is not False:
            names.append(("", {} if others is True else others))
        fewest = schema.get("minProperties", 0)
        for pattern, inner in names:
            if pattern != "^x-":
                for name in self.draw(_names(pattern, fewest, 3 if depth < _DEEPEST else fewest)):
                    self._put(made, name, inner, depth)
            elif not self.draw(_below(12)):
                made["x-own"] = self._any(depth + 1)
        self.mappings.append((made, schema))
        return made

    def _alternative(self, schema: Json) -> tuple[list[str], set[str]]:
        """The keys of one of the alternatives that a mapping has, and those that belong to the others."""
        options = [option.get("required", []) for option in schema.get("oneOf", ())]
        if not options:
            return [], set()
        chosen = self._one(options)
        return chosen, {key for option in options for key in option} - {*chosen}

    def _put(self, holder: Any, key: Any, schema: Any, depth: int) -> None:
        value = self.value(schema, depth + 1)
        if isinstance(holder, list):
            holder.append(value)
        else:
            holder[key] = value
        self.values.append((holder, key, _resolved(schema, self.root)))

    def _list(self, schema: Json, depth: int) -> list[Any]:
        fewest = schema.get("minItems", 0)
        most = max(fewest, min(schema.get("maxItems", 3), 3 if depth < _DEEPEST else 0))
        made: list[Any] = []
        for _ in range(self.draw(st.integers(fewest, most))):
            item = self.value(schema.get("items", {}), depth + 1)
            if not (schema.get("uniqueItems") and item in made):
                made.append(item)
                self.values.append((made, len(made) - 1, _resolved(schema.get("items", {}), self.root)))
        return made

    def _any(self, depth: int) -> Any:
        if depth < _DEEPEST and not self.draw(_below(3)):
            inner = [self.draw(_ANYTHING) for _ in range(self.draw(_below(3)))]
            return inner if self.draw(st.booleans()) else dict(zip("ab", inner, strict=False))
        return self.draw(_ANYTHING)


# ── leaves ────────────────────────────────────────────────────────────────────────────────────────


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@cache
def _some(keys: tuple[str, ...], most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(keys), unique=True, max_size=min(most, len(keys)))


@cache
def _whole(least: int | None, most: int | None) -> st.SearchStrategy[int]:
    low = least if least is not None else -3
    near = st.integers(low, min(low + 9, most if most is not None else low + 9))
    return near | st.integers(least, most)


def _broken_number(least: float | None) -> st.SearchStrategy[float]:
    """Never a whole one: to JSON Schema 1.0 is 1, and to the language it is how a text was written."""
    return st.integers(0 if least is None else int(least), 10**6).map(lambda number: number + 0.5)


@cache
def _matching(pattern: str) -> st.SearchStrategy[str]:
    """Texts that the pattern fits as ECMAScript reads it, to which `$` is the very end."""
    return st.from_regex(re.compile(pattern.replace("$", r"\Z"), re.ASCII), alphabet=_CHARACTERS)


_CHARACTERS = st.characters(exclude_categories=("C", "Zl", "Zp"))
"""What can be seen: the others are refused when a file is read, before any of it is judged."""


@cache
def _text(pattern: str | None, examples: tuple[Any, ...], least: int, most: int) -> st.SearchStrategy[str]:
    expression = re.compile((pattern or "").replace("$", r"\Z"))
    words = [
        text
        for text in [*examples, *_WORDS]
        if isinstance(text, str) and expression.search(text) and least <= len(text) <= most
    ]
    free = _matching(pattern) if pattern else st.text(_CHARACTERS, min_size=least, max_size=min(most, 8))
    usual = [st.sampled_from(words[: len(examples) or 1]), st.sampled_from(words)] if words else []
    return st.one_of(*usual, free)


def _lengths(schema: Json) -> tuple[int, int]:
    return schema.get("minLength", 0), schema.get("maxLength", 1000)


@cache
def _names(pattern: str, fewest: int, most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(
        _text(pattern or None, ("id", "orders"), 0, 1000), unique=True, min_size=fewest, max_size=max(fewest, most)
    )


_ANYTHING = st.none() | st.booleans() | st.integers(-3, 10**18) | st.sampled_from(_WORDS) | st.floats(0.25, 0.75)


# ── what the schema accepts ───────────────────────────────────────────────────────────────────────


def _resolved(schema: Any, root: Json) -> Json:
    if schema is True:
        return {}
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if unknown := schema.keys() - _KNOWN:
        raise NotImplementedError(f"nothing is drawn for {', '.join(sorted(unknown))}")
    return schema  # type: ignore[no-any-return]  # the root is JSON


def _accepted(schema: Any, root: Json) -> set[str]:
    """The JSON types of which it accepts any value."""
    schema = _resolved(schema, root)
    if options := schema.get("anyOf") or ("properties" not in schema and schema.get("oneOf")):
        return set().union(*(_accepted(option, root) for option in options))
    if "const" in schema or "enum" in schema:
        return {_type_of(value) for value in schema.get("enum", [schema.get("const")])}
    types = schema.get("type", _TYPES)
    found = {types} if isinstance(types, str) else {*types}
    return found | {"integer"} if "number" in found else found


def _type_of(value: Any) -> str:
    kinds = {
        type(None): "null",
        bool: "boolean",
        int: "integer",
        float: "number",
        str: "string",
        list: "array",
        dict: "object",
    }
    return kinds[type(value)]


# ── mistakes ──────────────────────────────────────────────────────────────────────────────────────

_OF_TYPE: Json = {
    "null": None, "boolean": True, "integer": 7, "number": 1.5, "string": "text", "array": ["text"],
    "object": {"zzz": "text"},
}  # fmt: skip
_GONE = object()
Change = tuple[Any, Any, Any]
"""What holds a value, its key or index there, and what comes in its place: a value, nothing, or what is drawn then."""


def _unknown_keys(drawing: Drawing) -> Iterator[Change]:
    for made, schema in drawing.mappings:
        if schema.get("additionalProperties") is False:
            yield made, "zz zz", 1


def _missing_keys(drawing: Drawing) -> Iterator[Change]:
    for made, schema in drawing.mappings:
        for key in schema.get("required", ()):
            yield made, key, _GONE


def _wrong_types(drawing: Drawing) -> Iterator[Change]:
    for holder, key, schema in drawing.standing():
        for name in sorted({*_TYPES} - _accepted(schema, drawing.root)):
            yield holder, key, copy(_OF_TYPE[name])


def _two_kinds(drawing: Drawing) -> Iterator[Change]:
    for made, schema in drawing.mappings:
        for option in schema.get("oneOf", ()):
            for key in option.get("required", ()):
                yield made, key, partial(drawing.value, schema["properties"][key], _DEEPEST)


def _unknown_kinds(drawing: Drawing) -> Iterator[Change]:
    for made, schema in drawing.mappings:
        if "const" in schema.get("properties", {}).get("type", {}):
            yield made, "type", "nope"
    for holder, key, schema in drawing.standing():
        if isinstance(holder[key], str) and any("enum" in option for option in [schema, *schema.get("anyOf", ())]):
            yield holder, key, "nope"


def _out_of_bounds(drawing: Drawing) -> Iterator[Change]:
    for holder, key, schema in drawing.standing():
        for option in [schema, *schema.get("anyOf", ())]:
            for value in _outside(option, holder[key]):
                yield holder, key, value


def _outside(schema: Json, value: Any) -> Iterator[Any]:
    match value:
        case int() | float() if not isinstance(value, bool):
            for bound, step in (("minimum", -1), ("maximum", 1), ("exclusiveMinimum", 0)):
                if bound in schema:
                    yield schema[bound] + step
        case str() if "maxLength" in schema:
            yield "a" * (schema["maxLength"] + 1)
        case list():
            yield from _outside_list(schema, value)
        case dict() if schema.get("minProperties"):
            yield {}


def _outside_list(schema: Json, value: list[Any]) -> Iterator[list[Any]]:
    if schema.get("minItems"):
        yield []
    if value and "maxItems" in schema:
        yield (value * (schema["maxItems"] + 1))[: schema["maxItems"] + 1]  # not more: it may be multiplied again
    if value and schema.get("uniqueItems"):
        yield value * 2


def _misspelt(drawing: Drawing) -> Iterator[Change]:
    for holder, key, _ in drawing.standing():
        if isinstance(holder[key], str):
            yield holder, key, partial(drawing.draw, st.sampled_from(_WORDS))


MISTAKES: dict[str, Callable[[Drawing], Iterator[Change]]] = {
    "unknown key": _unknown_keys,
    "missing key": _missing_keys,
    "wrong type": _wrong_types,
    "two kinds": _two_kinds,
    "unknown kind": _unknown_kinds,
    "out of bounds": _out_of_bounds,
    "misspelt": _misspelt,
}
"""What may be wrong with a document, and every change that makes it so; what is misspelt may have a meaning."""


def documents(
    schema: Json, mistakes: Sequence[str] = (), most: int = 1, always: Sequence[str] = ()
) -> st.SearchStrategy[Any]:
    """Documents that the schema accepts, with up to so many mistakes of these sorts put in."""

    @st.composite  # inside, so that what hypothesis shows of it is not the whole schema
    def document(draw: st.DrawFn) -> Any:
        drawing = Drawing(draw, schema, always)
        drawn = drawing.value(schema)
        for _ in range(draw(st.integers(0, most)) if mistakes else 0):
            if changes := list(MISTAKES[draw(st.sampled_from(mistakes))](drawing)):
                _change(*changes[draw(_below(len(changes)))])
        return drawn

    return document()


def _change(holder: Any, key: Any, value: Any) -> None:
    if value is _GONE:
        holder.pop(key, None)
    else:
        holder[key] = value() if isinstance(value, partial) else value
