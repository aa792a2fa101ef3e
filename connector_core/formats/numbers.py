"""Numbers as services send them: JSON numbers, or the same in text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

__all__ = ["exactly", "integer", "is_number", "plain", "sort_of"]

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}", re.ASCII)


def sort_of(value: Any) -> str:
    """What sort of value it is, to begin a message with."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "the number"
        case str():
            return "the text"
        case list() | tuple():
            return "a list"
    return "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}"


def is_number(value: Any) -> bool:
    """Whether it is a number of JSON's."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def exactly(value: Any, units: int) -> int:
    """A number, times so many units, as a whole number; what is finer is cut off downwards. Raises ValueError."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return math.floor(Fraction(value.strip()) * units)
    if not is_number(value) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"{sort_of(value)} is not a finite number")
    if isinstance(value, int):
        return value * units
    return math.floor(Fraction(repr(value)) * units)  # as it is written: 0.1 is a tenth


def integer(value: Any) -> int:
    """A whole number, or the text or the fraction `.0` of one; raises ValueError."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    if is_number(value) and (isinstance(value, int) or value.is_integer()):
        return int(value)
    raise ValueError(f"{sort_of(value)} is not a whole number")


def plain(count: int, units: int) -> int | float:
    """`count / units`, whole where it is."""
    return count / units if count % units else count // units
