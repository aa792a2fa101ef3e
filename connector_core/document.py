"""A spec written out again as data: an endpoint with everything that holds for it, every default filled in.

What was inherited is there, and what says nothing is left out. It is what a plan is compiled from, in the spec
language, and it loads again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic.fields import FieldInfo

from connector_core.address import Address
from connector_core.component import Component, Model
from connector_core.formats import Format
from connector_core.request import BaseUrl
from connector_core.spec import VERBS, Endpoint
from connector_core.units import DURATION, PERCENT, RATE, Unit, duration_text, rate_text

__all__ = ["plain", "written"]

_SAYS_NOTHING: tuple[Any, ...] = (None, "", [], {}, ())


def written(endpoint: Endpoint) -> dict[str, Any]:
    """The endpoint as JSON data, in the spec language."""
    found: dict[str, Any] = plain(endpoint)
    first = [key for key in ("description", *VERBS, "for_each", "input", "params", "headers", "body") if key in found]
    found = {key: found[key] for key in (*first, *found)}
    if not endpoint.readable:
        for key in ("pagination", "records", "primary_key", "filter"):
            found.pop(key, None)
    return found


def plain(value: Any) -> Any:
    """A model, or any value of one, as JSON data in the spec language; what says nothing is left out."""
    match value:
        case Model():
            return _mapping(value)
        case Address():
            return value.text
        case BaseUrl():
            return value.source
        case Format():
            return value.name
        case range():
            return value.start if len(value) == 1 else f"{value.start // 100}xx"
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    return getattr(value, "raw", value)


def _mapping(model: Model) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(model, Component):
        found["type"] = model.kind()
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if _says_nothing(value, field):
            continue
        found[field.alias or name] = _quantity(value, field)
    return found


def _quantity(value: Any, field: FieldInfo) -> Any:
    """A value of a field, with its unit where it has one."""
    if isinstance(value, float) and _has(DURATION, field.annotation, field.metadata):
        return duration_text(value)
    if isinstance(value, float) and _has(PERCENT, field.annotation, field.metadata):
        return f"{value * 100:.3f}".rstrip("0").rstrip(".") + "%"
    if not _has(RATE, field.annotation, field.metadata):
        return plain(value)
    return [rate_text(*item) for item in value] if isinstance(value, list) else rate_text(*value)


def _says_nothing(value: Any, field: FieldInfo) -> bool:
    """Whether it may be left out; what is empty says something where it is required, or the default is not empty."""
    if field.is_required():
        return False
    if value is False:
        return field.default is False
    return value in _SAYS_NOTHING and not field.get_default(call_default_factory=True)


def _has(unit: Unit, annotation: Any, metadata: Sequence[Any]) -> bool:
    return unit in metadata or any(
        _has(unit, inner, getattr(inner, "__metadata__", ())) for inner in get_args(annotation)
    )
