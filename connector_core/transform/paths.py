"""The places in a record that a transform speaks of: `customer.id`, `items.*.price`, `"@odata.etag"`.

`*` runs over a list, or over an object's values. Found in two ways: `changed` gives a copy of what lies around a place,
`holders` what has to be changed in place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from connector_core.address import MISSING, FieldPath

__all__ = [
    "FieldName",
    "FieldsPath",
    "changed",
    "copied",
    "covers",
    "holders",
    "keys_of",
    "meet",
    "names_in",
    "reached",
]

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_POSITION = re.compile(r"(?:^|\.)-?[0-9]+(?:\.|$)")


class FieldsPath(FieldPath):
    """The places inside a record that a transform changes; a position in a list is not one of them."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        super().__init__(text)
        if _POSITION.search(_QUOTED.sub("_", text)):
            raise PydanticCustomError(
                "address",
                "{text} names a position in a list; here * runs over all items, and a key of digits is quoted",
                {"text": repr(text)},
            )


def keys_of(text: str) -> tuple[str, ...]:
    """The keys of such a path."""
    return FieldsPath(text).keys


def _checked(text: str) -> str:
    keys_of(text)
    return text


FieldName = Annotated[str, AfterValidator(_checked)]
"""Such a path as the key of a mapping."""


def covers(path: Sequence[str], field: Sequence[str]) -> bool:
    """Whether the field is at the path or below it."""
    return len(path) <= len(field) and meet(path, field)


def meet(path: Sequence[str], field: Sequence[str]) -> bool:
    """Whether one of the two is at the other or below it."""
    return all(step in ("*", key) for step, key in zip(path, field, strict=False))


def names_in(value: Any, key: str) -> Sequence[Any]:
    """The keys or positions that a key of a path means in a value; none where there is nothing of that name."""
    if value.__class__ is dict:
        return list(value) if key == "*" else (key,) if key in value else ()
    return range(len(value)) if value.__class__ is list and key == "*" else ()


def changed(value: Any, keys: Sequence[str], change: Callable[[Any], Any]) -> Any:
    """A copy in which `change` has answered for what is at the path; what it answers MISSING for is left out."""
    if not keys:
        return change(value)
    names = names_in(value, keys[0])
    found = {name: changed(value[name], keys[1:], change) for name in names}
    if isinstance(value, list):
        return [item for at, old in enumerate(value) if (item := found.get(at, old)) is not MISSING]
    if isinstance(value, dict):
        return {name: item for name, old in value.items() if (item := found.get(name, old)) is not MISSING}
    return value


def reached(values: Iterable[Any], keys: Sequence[str]) -> Iterable[Any]:
    """What is at the path below each of the values."""
    for key in keys:
        values = [value[name] for value in values for name in names_in(value, key)]
    return values


def holders(record: dict[str, Any], keys: Sequence[str]) -> Iterator[tuple[Any, Sequence[Any]]]:
    """The objects and lists that hold what is at the path, each with the keys or positions there."""
    for value in reached((record,), keys[:-1]):
        yield value, names_in(value, keys[-1])


def copied(value: Any) -> Any:
    """The value with objects and lists of its own."""
    if value.__class__ is dict:
        return {key: copied(item) for key, item in value.items()}
    if value.__class__ is list:
        return [copied(item) for item in value]
    return value
