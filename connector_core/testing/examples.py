"""Values as a schema describes them, made with dice.

A value follows `const`, `enum`, `examples`, `type`, `format`, the bounds of numbers, texts and arrays, `properties` and
`items`. Where a schema says more than that (a `pattern`), give it `examples`. A schema that nothing fits, or only what
is too large to be made by the hundred, is found by `check_makeable`; `example` relies on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from random import Random
from typing import Any

__all__ = ["Schema", "check_makeable", "example", "host", "kind_of", "merged"]

Schema = Mapping[str, Any] | bool

LARGEST = 100_000
"""Characters and values that one value is made of at most."""
START = datetime(2024, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=37)
WORDS = ("amber", "birch", "cedar", "délicat", "ember", "fjord", "größe", "harbour", "isle", "jade", "茶", "lotus")
EPOCHS = ("unix-time", "epoch_seconds", "timestamp")


def example(schema: Schema, name: str, dice: Random, *, index: int = 0, slot: int = 0, listed: bool = False) -> Any:
    """A value that fits the schema; `index` counts records, `slot` the properties before this one.

    `listed`: it lies in a list, so that lists within it are kept short, or each level would multiply.
    """
    schema = merged(schema)
    if "const" in schema:
        return schema["const"]
    for key in ("enum", "examples"):
        if schema.get(key):
            return dice.choice(schema[key])
    if "null" in schema.get("type", ()) and schema["type"] != "null" and dice.random() < 0.1:  # noqa: PLR2004 - rare
        return None
    kind = kind_of(schema)
    if schema.get("format") in EPOCHS and kind in ("integer", "number"):
        return int(_moment(index, slot).timestamp())
    match kind:
        case "object":
            return {
                key: example(inner, key, dice, index=index, slot=at, listed=listed)
                for at, (key, inner) in enumerate(_parts(schema))
            }
        case "array":
            return _array(schema, name, dice, 1 if listed else 3)
        case "string":
            return _text(schema, name, dice, _moment(index, slot))
    return _SCALARS[kind](schema, dice)


def merged(schema: Schema) -> Mapping[str, Any]:
    """The schema with its `allOf`, and the first of its alternatives, laid over it; raises ValueError for `false`."""
    if isinstance(schema, bool):
        if not schema:
            raise ValueError("nothing fits the schema 'false'")
        return {}
    for part in (*schema.get("allOf", ()), *_first(schema.get("anyOf", ())), *_first(schema.get("oneOf", ()))):
        schema = {**schema, **merged(part)}
    return schema


def _first(alternatives: Sequence[Schema]) -> Sequence[Schema]:
    """The first alternative that is more than `false`, unless there is none."""
    possible: Sequence[Schema] = [part for part in alternatives if part is not False]
    return (possible or alternatives)[:1]


def kind_of(schema: Mapping[str, Any]) -> str:
    """The first type that is not null; guessed from other keys where none is given."""
    given = schema.get("type")
    if isinstance(given, list):
        given = next((kind for kind in given if kind != "null"), "null")
    if given is not None:
        return str(given)
    return next((kind for key, kind in _GUESSES.items() if key in schema), "string")


_GUESSES = {
    "properties": "object",
    "items": "array",
    "minItems": "array",
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}


def _parts(schema: Mapping[str, Any]) -> list[tuple[str, Schema]]:
    """The properties that an object may have."""
    return [(name, inner) for name, inner in schema.get("properties", {}).items() if inner is not False]


def _moment(index: int, slot: int) -> datetime:
    return START + STEP * index + timedelta(minutes=slot % 37)


# ── what can be made ──────────────────────────────────────────────────────────────────────────────


def check_makeable(schema: Schema, path: str) -> None:
    """Raises ValueError, with the place, where nothing fits the schema, or what fits is too large."""
    _size(schema, path)


def _size(schema: Schema, path: str) -> int:
    """Of how many characters and values the smallest one is made."""
    try:
        schema = merged(schema)
        size = 1 + _own_size(schema)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    kind = kind_of(schema)
    if kind == "object" and not _is_given(schema):
        size += sum(_size(inner, f"{path}.{name}") for name, inner in _parts(schema))
    elif kind == "array" and size > 1:
        size = 1 + (size - 1) * _size(schema.get("items", True), f"{path}.items")
    if size > LARGEST:
        raise ValueError(f"{path}: the least that fits is too large to be made up ({size:,}; at most {LARGEST:,})")
    return size


def _own_size(schema: Mapping[str, Any]) -> int:
    """How long a text or a list is at least; raises ValueError where the bounds leave nothing."""
    if _is_given(schema):
        return 0
    match kind_of(schema):
        case "string":
            return _length(schema, "Length")[0]
        case "array":
            return _items(schema, 0)[0]
        case "integer" | "number" as kind:
            _numbers(schema, kind)
    return 0


def _is_given(schema: Mapping[str, Any]) -> bool:
    """Whether the schema itself holds the values to take."""
    return "const" in schema or bool(schema.get("enum") or schema.get("examples"))


def _length(schema: Mapping[str, Any], word: str) -> tuple[int, int | None]:
    """The bounds of a text or a list; raises ValueError where they exclude each other."""
    least, most = schema.get(f"min{word}", 0), schema.get(f"max{word}")
    if most is not None and least > most:
        raise ValueError(f"min{word} {least} is beyond max{word} {most}, so nothing fits")
    return least, most


# ── values ────────────────────────────────────────────────────────────────────────────────────────


def _items(schema: Mapping[str, Any], wanted: int) -> tuple[int, int]:
    """How many items a list gets at least and at most, where that many are wanted."""
    none = schema.get("items", True) is False
    least, most = _length({**schema, "maxItems": 0} if none else schema, "Items")
    return least, max(least, wanted if most is None else min(most, wanted))


def _array(schema: Mapping[str, Any], name: str, dice: Random, wanted: int) -> list[Any]:
    length = dice.randint(*_items(schema, wanted))
    items = [example(schema.get("items", True), name, dice, listed=True) for _ in range(length)]
    if schema.get("uniqueItems"):
        return [item for at, item in enumerate(items) if item not in items[:at]]
    return items


def _integer(schema: Mapping[str, Any], dice: Random) -> int:
    first, last, step = _numbers(schema, "integer")
    return int(dice.randint(first, last) * step)


def _number(schema: Mapping[str, Any], dice: Random) -> float:
    first, last, step = _numbers(schema, "number")
    value = dice.randint(first, last) * step
    try:
        return float(value)
    except OverflowError:  # beyond what a float holds, as the schema asks
        return int(value)


def _numbers(schema: Mapping[str, Any], kind: str) -> tuple[int, int, Fraction]:
    """The numbers that fit, as `step` times what lies from first to last; raises ValueError where there is none."""
    least, most = _bounds(schema)
    for step in _steps(schema, kind, least, most - least):
        first, last = ceil(least / step), floor(most / step)
        first += first * step == least == _exact(schema.get("exclusiveMinimum"))
        last -= last * step == most == _exact(schema.get("exclusiveMaximum"))
        if first <= last:
            return first, last, step
    raise ValueError(f"no {kind} fits {', '.join(f'{key} {schema[key]}' for key in _NUMERIC if key in schema)}")


_NUMERIC = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")


def _steps(schema: Mapping[str, Any], kind: str, least: Fraction, room: Fraction) -> Iterator[Fraction]:
    """The distances between numbers to choose from: cents at best."""
    step = _exact(schema.get("multipleOf"))
    if step is not None:
        yield Fraction(step.numerator) if kind == "integer" else step
    elif kind == "integer":
        yield Fraction(1)
    else:
        yield Fraction(1, 100)
        yield abs(room / 8 or least) or Fraction(1)  # as fine as the bounds ask


def _bounds(schema: Mapping[str, Any]) -> tuple[Fraction, Fraction]:
    """The least and the greatest number; a missing one is a thousand away from the other."""
    lower = [bound for key in _NUMERIC[:2] if (bound := _exact(schema.get(key))) is not None]
    upper = [bound for key in _NUMERIC[2:4] if (bound := _exact(schema.get(key))) is not None]
    most = min(upper, default=None)
    least = max(lower) if lower else Fraction(0) if most is None or most >= 0 else most - 1000
    return least, least + 1000 if most is None else most


def _exact(number: float | None) -> Fraction | None:
    """The number as it is written, so that 0.1 is a tenth; None for an infinite one, which bounds nothing."""
    try:
        return None if number is None else Fraction(str(number))
    except ValueError:
        return None


_SCALARS: Mapping[str, Callable[[Mapping[str, Any], Random], Any]] = {
    "boolean": lambda _schema, dice: dice.random() < 0.5,  # noqa: PLR2004 - one of two
    "integer": _integer,
    "null": lambda _schema, _dice: None,
    "number": _number,
}


def _text(schema: Mapping[str, Any], name: str, dice: Random, moment: datetime) -> str:
    match schema.get("format"):
        case "date-time":
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "date":
            return moment.date().isoformat()
        case "time":
            return moment.strftime("%H:%M:%SZ")
        case "email":
            return f"user{dice.randint(1, 9999)}@{host(name)}"
        case "uri" | "url" | "uri-reference":
            return f"https://{host(name)}/{dice.randint(1, 9999)}"
        case "hostname":
            return host(name)
        case "uuid":
            return f"{dice.getrandbits(32):08x}-0000-4000-8000-{dice.getrandbits(48):012x}"
        case "ipv4":
            return f"192.0.2.{dice.randint(1, 254)}"
        case "ipv6":
            return f"2001:db8::{dice.randint(1, 9999):x}"
    text = f"{dice.choice(WORDS)} {dice.choice(WORDS)} {dice.randint(1, 9999)}"
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


def host(name: str) -> str:
    """A host that nobody has (RFC 2606)."""
    label = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower()).strip("-")
    return f"{label or 'service'}.example"
