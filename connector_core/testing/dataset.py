"""Records as a schema describes them: the same ones for the same seed, in the order of their keys and times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor
from random import Random
from typing import Any

from connector_core.address import FieldPath
from connector_core.decode.provider import text_of
from connector_core.testing.examples import check_makeable, example, host, kind_of, merged

__all__ = ["Dataset", "text_of"]


class Dataset:
    """The records behind one path of a service; what is created there is added, with the next key."""

    def __init__(
        self,
        name: str,
        schema: Mapping[str, Mapping[str, Any]],
        keys: Sequence[FieldPath],
        *,
        count: int = 0,
        seed: int = 0,
    ) -> None:
        """`name` is where text keys begin; `keys`: the fields that tell a record from another.

        Raises ValueError, in words, where no record fits the schema.
        """
        check_makeable({"type": "object", "properties": schema}, "schema")
        self.schema = schema
        self.keys: tuple[FieldPath, ...] = tuple(keys)
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
            if self.filters(name, value):
                wanted.setdefault(name, set()).add(value)
        return [
            record
            for record in self.records
            if all(not values.isdisjoint(_texts(record.get(name))) for name, values in wanted.items())
        ]

    def filters(self, name: str, value: str) -> bool:
        """Whether the pair names a property that it is compared with.

        No query equals an object; a value that an enum lacks is a word of the service's own, such as `all`.
        """
        schema = self.schema.get(name)
        if schema is None:
            return False
        inner = merged(schema)
        if kind_of(inner) == "array":
            inner = merged(inner.get("items") or {})
        if kind_of(inner) == "object":
            return False
        known = inner.get("enum")
        return known is None or value in map(text_of, known)

    def _schema_at(self, path: FieldPath) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = {"properties": self.schema}
        for key in path.keys:
            schema = merged(schema.get("properties", {}).get(key) or {})
        return schema


def _texts(value: Any) -> Iterator[str]:
    return map(text_of, value) if isinstance(value, list) else iter((text_of(value),))


def _set(record: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    """Puts the value there; what stands in its way and holds no field makes room, such as a null."""
    for key in keys[:-1]:
        if not isinstance(record.get(key), dict):
            record[key] = {}
        record = record[key]
    record[keys[-1]] = value


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


def _key(schema: Mapping[str, Any], name: str, index: int) -> Any:
    """Unique, and greater than the one before, as numbers and as text."""
    number = index + 1
    kind = kind_of(schema) if schema else "integer"
    if kind in ("integer", "number"):
        return index + max(ceil(schema.get("minimum", 1)), floor(schema.get("exclusiveMinimum", 0)) + 1)
    match schema.get("format"):
        case "uuid":
            return f"{number:08x}-0000-4000-8000-000000000000"
        case "date-time" | "date":
            return example(schema, name, Random(0), index=index)  # noqa: S311 - times need no dice
        case "uri" | "url":
            return f"https://{host(name)}/{number:06d}"
        case "email":
            return f"user{number:06d}@{host(name)}"
    text = f"{name}-{number:06d}"
    longest = schema.get("maxLength", len(text))
    return text if len(text) <= longest else f"{number:0{longest}d}"
