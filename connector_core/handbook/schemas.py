"""JSON Schemas as rows of a table, and parts of a spec as they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from connector_core.config import is_required
from connector_core.handbook.content import Words, code, said

__all__ = ["flow", "lines", "properties", "required", "takes"]

Schema = Mapping[str, Any] | bool
DEEPEST = 5
"""How many levels of a nested schema have rows of their own."""
_TOLD = frozenset(
    {
        "type",
        "format",
        "description",
        "title",
        "default",
        "optional",
        "rotate_every",
        "properties",
        "required",
        "items",
        "enum",
        "const",
    }
)
"""Keywords that stand in other words, or in another column."""
_OF_SECRETS = ("minLength", "maxLength")
"""Keywords that tell nothing of what a secret is."""
_MOST_CHOICES = 20


class _Written(yaml.SafeDumper):
    """YAML without anchors, which the spec language does not have."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _other(dumper: yaml.SafeDumper, value: Any) -> yaml.ScalarNode:
    """What a plug-in's field may hold besides, as text."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value))


_Written.add_multi_representer(object, _other)


def lines(value: Any) -> str:
    """A part of a spec as YAML."""
    return yaml.dump(value, Dumper=_Written, sort_keys=False, allow_unicode=True, width=100).rstrip()


def flow(value: Any) -> str:
    """A value on one line, as a spec holds it: `{type: cursor, take: body.next}`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        return yaml.dump(
            value, Dumper=_Written, sort_keys=False, allow_unicode=True, default_flow_style=True, width=float("inf")
        ).rstrip()
    return json.dumps(value, ensure_ascii=False, default=str)


def takes(schema: Schema, *, secret: bool = False) -> Words:
    """What a value has to be, such as `string`, format `uri`; of a secret no value is told."""
    if isinstance(schema, bool):
        return said("anything" if schema else "nothing")
    kinds = schema.get("type", "string" if secret else None)
    found = [said(" or ".join(map(_word, [kinds] if isinstance(kinds, str) else kinds or ["any value"])))]
    if "format" in schema:
        found.append(said("format ", code(str(schema["format"]))))
    if not secret:
        found += _choices(schema)
    limits = {key: value for key, value in schema.items() if (key in _OF_SECRETS if secret else _limits(key, value))}
    found += [said(code(f"{key}: {flow(value)}")) for key, value in limits.items()]
    return tuple(span for number, words in enumerate(found) for span in (*(said(", ") if number else ()), *words))


def _word(kind: str) -> str:
    return {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list"}.get(kind, kind)


def _choices(schema: Mapping[str, Any]) -> Iterator[Words]:
    choices = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else []
    if choices:
        shown = [code(flow(choice)) for choice in choices[:_MOST_CHOICES]]
        commas = [part for number, choice in enumerate(shown) for part in ((", ", choice) if number else (choice,))]
        yield said("one of " if len(choices) > 1 else "always ", *commas, " …" if len(choices) > _MOST_CHOICES else "")


def _limits(key: str, value: Any) -> bool:
    return key not in _TOLD and key != "examples" and not key.startswith(("x-", "$")) and not isinstance(value, dict)


def required(schema: Schema) -> bool:
    """Whether a declared value has to be given."""
    return isinstance(schema, bool) or is_required(schema)


def properties(declared: Mapping[str, Schema], path: str = "", depth: int = 1) -> Iterator[tuple[str, Schema]]:
    """Every property by its path, an object's below it; `items.*.sku` is one of each item."""
    for name, schema in declared.items():
        yield (here := f"{path}{name}"), schema
        if depth < DEEPEST:
            yield from _below(schema, here, depth)


def _below(schema: Any, path: str, depth: int) -> Iterator[tuple[str, Schema]]:
    if isinstance(schema, Mapping):
        if isinstance(inner := schema.get("properties"), Mapping):
            yield from properties(inner, f"{path}.", depth + 1)
        if isinstance(items := schema.get("items"), Mapping):
            yield from _below(items, f"{path}.*", depth + 1)
