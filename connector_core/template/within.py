"""Finding what reads names, anywhere in a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connector_core.component import Model

__all__ = ["templates"]


def templates(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Everything in a spec, or a part of one, that reads names, with its path in the expanded document."""
    if isinstance(value, Model):
        fields = type(value).model_fields
        given = value.model_fields_set - type(value).prose
        for name in (name for name in fields if name in given):
            yield from templates(getattr(value, name), (*path, fields[name].alias or name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from templates(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from templates(item, (*path, index))
    elif getattr(value, "place", None) and value.reads:
        yield path, value
