"""Filters of values: what stands in for them, and their types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connector_core.address import MISSING
from connector_core.template.filters.arguments import a_number, refused_as
from connector_core.template.written import TemplateError, kind_of, text_of

__all__ = ["default", "float_", "get", "int_", "round_", "string"]

_INTEGER = r"\s*[+-]?[0-9]{1,1000}\s*"
_NUMBER = r"\s*[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?\s*"


def default(value: Any, instead: Any, empty: Any = False) -> Any:
    """`instead` where the value is missing; with `true`, also where it is null, false, empty or 0."""
    return instead if value is MISSING or (empty and not value) else value


def get(value: Any, key: Any, instead: Any = MISSING) -> Any:
    """The value under a computed key, or at a position of a list."""
    if isinstance(value, Mapping) and isinstance(key, str):
        return value.get(key, instead)
    if isinstance(value, list) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if -len(value) <= key < len(value) else instead
    raise TemplateError(f"takes an object and a key, or a list and a position, not {kind_of(value)} and {kind_of(key)}")


def int_(value: Any) -> int:
    """A whole number; the part after the point is cut off."""
    if isinstance(value, (int, float)):
        return int(value)
    if isinstance(value, str) and re.fullmatch(_INTEGER, value, re.ASCII):
        return int(value)
    if isinstance(value, str) and re.fullmatch(_NUMBER, value, re.ASCII):
        return int(float(value))
    raise TemplateError(f"{refused_as(value)} a number")


def float_(value: Any) -> float:
    """A number with a fraction."""
    if isinstance(value, (int, float)) or (isinstance(value, str) and re.fullmatch(_NUMBER, value, re.ASCII)):
        return float(value)
    raise TemplateError(f"{refused_as(value)} a number")


def string(value: Any) -> str:
    """The value as it stands inside text."""
    return text_of(value)


def round_(value: Any, digits: Any = 0) -> int | float:
    """Rounded to so many digits after the point, halves to the even neighbour; without digits a whole number."""
    if not isinstance(digits, int) or not -15 <= digits <= 15:  # noqa: PLR2004 - a float has no more
        raise TemplateError("takes a number of digits from -15 to 15")
    return round(a_number(value), digits) if digits else round(a_number(value))
