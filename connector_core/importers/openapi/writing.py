"""A spec as YAML that a person goes on with: short mappings on one line, a comment above what was guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from connector_core.importers.openapi.notes import Notes, cleaned
from connector_core.source import MAX_BYTES

__all__ = ["written"]

WIDTH = 120
_PLAIN = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+|[A-Za-z_/$][\w/$.-]*(?: [\w/$.(-][\w/$.()-]*)*", re.ASCII)
_TAKEN = frozenset({"null", "true", "false"})
_ESCAPED = re.compile("[\x7f-\xa0\xad\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")
Path = tuple[str, ...]


def written(spec: Mapping[str, Any], notes: Notes) -> str | None:
    """The spec's text, with its guesses as comments, and what is left out at the end; None where it is too large."""
    lines: list[str] = []
    left = MAX_BYTES
    for line in _lines(spec, notes):
        left -= len(line.encode()) + 1
        if left < 0:
            return None
        lines.append(line)
    return "\n".join(lines) + "\n"


def _lines(spec: Mapping[str, Any], notes: Notes) -> Iterator[str]:
    yield "# yaml-language-server: $schema=connector.schema.json"
    yield "# From an OpenAPI document. Look at what is marked as guessed, and at what is left out (at the end)."
    for key, value in spec.items():
        if key in ("config", "base_url", "endpoints", "docs"):
            yield ""
        yield from _entry(key, value, (key,), notes, 0)
    left = notes.left_out()
    if left:
        yield from ("", "# Left out:")
        yield from (f"# * {cleaned(line)}" for line in left)


def _entry(key: str, value: Any, path: Path, notes: Notes, indent: int) -> Iterator[str]:
    space = " " * indent
    if comment := notes.comment(path):
        yield f"{space}# {comment}"
    head = f"{space}{_scalar(key)}:"
    whole = not isinstance(value, (dict, list)) or not value
    block = path == ("endpoints",) or path[:-1] == ("endpoints",)
    noted = isinstance(value, dict) and any(notes.comment((*path, inner)) for inner in value)
    flat = _flow(value) if whole or not (block or noted or _is_long(value)) else None
    if flat is not None and (whole or len(head) + len(flat) < WIDTH):
        yield f"{head} {flat}"
    elif isinstance(value, dict):
        yield head
        for number, (inner, item) in enumerate(value.items()):
            if path == ("endpoints",) and number:
                yield ""
            yield from _entry(inner, item, (*path, inner), notes, indent + 2)
    else:
        yield head
        for item in value:
            yield from _item(item, indent + 2)


def _is_long(value: Any) -> bool:
    """Whether the value cannot stand on one line, as far as can be seen at a glance."""
    left, inside = WIDTH // 3, [value]
    while inside and left > 0:
        left -= 1
        match inside.pop():
            case dict() as found:
                left -= len(found)
                inside += found.values()
            case list() as found:
                inside += found
    return left <= 0


def _item(value: Any, indent: int) -> Iterator[str]:
    flat = "" if isinstance(value, dict) and _is_long(value) else _flow(value)
    if not isinstance(value, dict) or (flat and indent + len(flat) < WIDTH):
        yield f"{' ' * indent}- {flat}"
        return
    for number, (key, inner) in enumerate(value.items()):
        lines = list(_entry(key, inner, (), Notes(), indent + 2))
        yield f"{' ' * indent}- {lines[0].lstrip()}" if number == 0 else lines[0]
        yield from lines[1:]


def _flow(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case str():
            return _scalar(value)
    return json.dumps(value)


@lru_cache(10_000)
def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _TAKEN:
        return text
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
