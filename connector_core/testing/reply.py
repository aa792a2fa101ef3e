"""An answer, built from values and the addresses where a client looks for them: `body.meta.next`, `header.Link`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from connector_core.address import AnswerPath
from connector_core.testing.dataset import text_of

__all__ = ["Reply", "headers_of", "placed", "refused"]

_INDEX = re.compile(r"-?\d+")
LONGEST = 100
"""No list is padded beyond that many items for the sake of an address."""


class Reply(Struct, frozen=True):
    """An answer before it becomes bytes; a body of None sends none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}
    content: bytes | None = None
    """The body as bytes, where it is written in another form than JSON."""
    cookies: Sequence[str] = ()
    """The cookies that it sets: each is a field `Set-Cookie` of its own."""


def refused(status: int, message: str) -> Reply:
    """An answer that says why there is no other."""
    return Reply(status, {"message": message})


def placed(body: Any, path: AnswerPath, value: Any) -> Any:
    """The body with the value at the address; raises ValueError where something else stands in its way."""
    return _below(body, path.keys, value, path)


def headers_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The header fields among values by address; null is left out, false is an empty field, which reads as false."""
    found = {}
    for address, value in values.items():
        path = AnswerPath(address)
        if path.root == "header" and value is not None:
            found[path.keys[0]] = "" if value is False else text_of(value)
    return found


def _below(body: Any, keys: Sequence[str], value: Any, path: AnswerPath) -> Any:
    if not keys:
        if body not in (None, {}, [], value) and not (isinstance(body, dict) and isinstance(value, dict)):
            raise ValueError(f"something else stands at {path} already")
        return {**body, **value} if isinstance(body, dict) and isinstance(value, dict) else value
    key, *rest = keys
    if key == "*":
        return _each(body, rest, value, path)
    if _INDEX.fullmatch(key):
        return _item(body, int(key), rest, value, path)
    if body is not None and not isinstance(body, dict):
        raise ValueError(f"{path} has no room, since a list or a single value stands above it")
    return {**(body or {}), key: _below((body or {}).get(key), rest, value, path)}


def _each(body: Any, rest: Sequence[str], value: Any, path: AnswerPath) -> list[Any]:
    """The list with each of the values in its item; the items may be there already, as the records of a page are."""
    if not isinstance(value, list | tuple) or not isinstance(body, list | None) or (body and len(body) != len(value)):
        raise ValueError(f"{path} runs over a list which something else fills")
    return [_below(item, rest, one, path) for item, one in zip(body or [None] * len(value), value, strict=True)]


def _item(body: Any, index: int, rest: Sequence[str], value: Any, path: AnswerPath) -> list[Any]:
    if not isinstance(body, list | None) or not -1 <= index < LONGEST:
        raise ValueError(f"{path} has no room: there is no list that long")
    items = list(body or ())
    items += [{} for _ in range(max(index, 0) + 1 - len(items))]
    items[index] = _below(items[index] or None, rest, value, path)
    return items
