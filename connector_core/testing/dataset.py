"""Records as a schema describes them: the same ones for the same seed, in the order of their keys and times.

A value follows `const`, `enum`, `examples`, `type`, `format`, the bounds of numbers, texts and arrays, `properties` and
`items`. Where a schema says more than that (a `pattern`), give it `examples`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from connector_core.address import FieldPath

__all__ = ["Dataset", "example", "text_of"]

Schema = Mapping[str, Any]

START = datetime(2024, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=37)
WORDS = ("amber", "birch", "cedar", "délicat", "ember", "fjord", "größe", "harbour", "isle", "jade", "茶", "lotus")
EPOCHS = ("unix-time", "epoch_seconds", "timestamp")


class Dataset:
    """The records behind one path of a service; what is created there is added, with the next key."""

    def __init__(self, name: str, schema: Schema, keys: Sequence[FieldPath], *, count: int = 0, seed: int = 0) -> None:
        """`name` is where text keys begin; `keys`: the fields that tell a record from another."""
        self.schema = schema
        self.keys = tuple(keys)
        self._name, self._seed = name, seed
        self._made = 0
        self.records: list[dict[str, Any]] = [self.make({}) for _ in range(count)]

    def make(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The next record, with the given values in place of made up ones; it is not yet among the records."""
        index, self._made = self._made, self._made + 1
        dice = Random(f"{self._seed}:{self._name}:{index}")  # noqa: S311 - data that repeats, no secret
        record = {
            name: example(schema, name, dice, index=index, slot=slot)
            for slot, (name, schema) in enumerate(self.schema.items())
        }
        for path in self.keys:
            _set(record, path.keys, _key(self._schema_at(path), self._name, index))
        return {**record, **given}

    def add(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The new record, last of all."""
        record = self.make(given)
        self.records.append(record)
        return record

    def position(self, key: str) -> int | None:
        """Where the record stands whose key is written so; None: there is none."""
        return next((at for at, record in enumerate(self.records) if self.key_of(record) == key), None)

    def key_of(self, record: Mapping[str, Any]) -> str | None:
        """The record's key as it stands in a path; None where the dataset has no key."""
        return text_of(self.keys[0].take(record)) if self.keys else None

    def matching(self, pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """The records that equal every pair which names a property; of a repeated name, one value is enough."""
        wanted: dict[str, set[str]] = {}
        for name, value in pairs:
            if self._filters(name, value):
                wanted.setdefault(name, set()).add(value)
        return [
            record
            for record in self.records
            if all(not values.isdisjoint(_texts(record.get(name))) for name, values in wanted.items())
        ]

    def _filters(self, name: str, value: str) -> bool:
        """No query equals an object; a value that an enum lacks is a word of the service's own, such as `all`."""
        schema = self.schema.get(name)
        inner = schema.get("items", {}) if schema is not None and _type(schema) == "array" else schema
        if inner is None or _type(inner) == "object":
            return False
        known = inner.get("enum")
        return known is None or value in map(text_of, known)

    def _schema_at(self, path: FieldPath) -> Schema:
        schema: Schema = {"properties": self.schema}
        for key in path.keys:
            schema = schema.get("properties", {}).get(key, {})
        return schema


def text_of(value: Any) -> str:
    """A value as this service reads it in a query or a path."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _texts(value: Any) -> Iterator[str]:
    return map(text_of, value) if isinstance(value, list) else iter((text_of(value),))


def _set(record: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        record = record.setdefault(key, {})
    record[keys[-1]] = value


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


def _key(schema: Schema, name: str, index: int) -> Any:
    """Unique, and greater than the one before, as numbers and as text."""
    number = index + 1
    kind = _type(schema) if schema else "integer"
    if kind in ("integer", "number"):
        return index + max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
    match schema.get("format"):
        case "uuid":
            return f"{number:08x}-0000-4000-8000-000000000000"
        case "date-time" | "date":
            return example(schema, name, Random(0), index=index)  # noqa: S311 - times need no dice
        case "uri" | "url":
            return f"https://{_host(name)}/{number:06d}"
        case "email":
            return f"user{number:06d}@{_host(name)}"
    text = f"{name}-{number:06d}"
    longest = schema.get("maxLength", len(text))
    return text if len(text) <= longest else f"{number:0{longest}d}"


# ── values ────────────────────────────────────────────────────────────────────────────────────────


def example(schema: Schema, name: str, dice: Random, *, index: int = 0, slot: int = 0) -> Any:
    """A value that fits the schema; `index` counts records, `slot` the properties before this one."""
    schema = _merged(schema)
    if "const" in schema:
        return schema["const"]
    for key in ("enum", "examples"):
        if schema.get(key):
            return dice.choice(schema[key])
    if "null" in schema.get("type", ()) and schema["type"] != "null" and dice.random() < 0.1:  # noqa: PLR2004 - rare
        return None
    kind = _type(schema)
    if schema.get("format") in EPOCHS and kind in ("integer", "number"):
        return int(_moment(index, slot).timestamp())
    match kind:
        case "object":
            return {
                key: example(inner, key, dice, index=index, slot=at)
                for at, (key, inner) in enumerate(schema.get("properties", {}).items())
            }
        case "array":
            return _array(schema, name, dice)
        case "string":
            return _text(schema, name, dice, _moment(index, slot))
    return _SCALARS[kind](schema, dice)


def _merged(schema: Schema) -> Schema:
    """The schema with its `allOf`, and the first of its alternatives, laid over it."""
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())[:1], *schema.get("oneOf", ())[:1]):
        schema = {**schema, **_merged(part)}
    return schema


def _type(schema: Schema) -> str:
    """The first type that is not null; guessed from other keys where none is given."""
    given = schema.get("type")
    if isinstance(given, list):
        given = next((kind for kind in given if kind != "null"), "null")
    if given is not None:
        return str(given)
    guesses = {"properties": "object", "items": "array", "minimum": "number", "maximum": "number"}
    return next((kind for key, kind in guesses.items() if key in schema), "string")


def _moment(index: int, slot: int) -> datetime:
    return START + STEP * index + timedelta(minutes=slot % 37)


def _array(schema: Schema, name: str, dice: Random) -> list[Any]:
    least = schema.get("minItems", 0)
    length = dice.randint(least, max(least, min(schema.get("maxItems", 3), 3)))
    items = [example(schema.get("items", {}), name, dice) for _ in range(length)]
    if schema.get("uniqueItems"):
        return [item for at, item in enumerate(items) if item not in items[:at]]
    return items


def _integer(schema: Schema, dice: Random) -> int:
    step = schema.get("multipleOf", 1)
    least, most = _bounds(schema, 1)
    return int(dice.randint(-int(-least // step), int(most // step)) * step)


def _number(schema: Schema, dice: Random) -> float:
    least, most = _bounds(schema, 0.01)
    return float(min(max(round(dice.uniform(least, most), 2), least), most))


def _bounds(schema: Schema, gap: float) -> tuple[float, float]:
    """The least and the greatest number; a missing one is a thousand away from the other."""
    least = schema.get("minimum", schema["exclusiveMinimum"] + gap if "exclusiveMinimum" in schema else None)
    most = schema.get("maximum", schema["exclusiveMaximum"] - gap if "exclusiveMaximum" in schema else None)
    if least is None:
        least = 0 if most is None or most >= 0 else most - 1000
    return least, least + 1000 if most is None else most


_SCALARS: Mapping[str, Callable[[Schema, Random], Any]] = {
    "boolean": lambda _schema, dice: dice.random() < 0.5,  # noqa: PLR2004 - one of two
    "integer": _integer,
    "null": lambda _schema, _dice: None,
    "number": _number,
}


def _text(schema: Schema, name: str, dice: Random, moment: datetime) -> str:
    match schema.get("format"):
        case "date-time":
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "date":
            return moment.date().isoformat()
        case "time":
            return moment.strftime("%H:%M:%SZ")
        case "email":
            return f"user{dice.randint(1, 9999)}@{_host(name)}"
        case "uri" | "url" | "uri-reference":
            return f"https://{_host(name)}/{dice.randint(1, 9999)}"
        case "hostname":
            return _host(name)
        case "uuid":
            return f"{dice.getrandbits(32):08x}-0000-4000-8000-{dice.getrandbits(48):012x}"
        case "ipv4":
            return f"192.0.2.{dice.randint(1, 254)}"
        case "ipv6":
            return f"2001:db8::{dice.randint(1, 9999):x}"
    text = f"{dice.choice(WORDS)} {dice.choice(WORDS)} {dice.randint(1, 9999)}"
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


def _host(name: str) -> str:
    """A host that nobody has (RFC 2606)."""
    label = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower()).strip("-")
    return f"{label or 'service'}.example"
