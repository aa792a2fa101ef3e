"""How a value is written as text, and the two errors that an expression can raise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["LONGEST", "MissingError", "TemplateError", "kind_of", "text_of"]

LONGEST = 1_000_000
"""Characters that a template or a filter may produce."""


class TemplateError(ValueError):
    """An expression that is not one, or values that it can't be applied to; the text never holds a value."""


class MissingError(LookupError):
    """Something that an expression needs is not there; `path` is its dotted name."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is missing")
        self.path = path


def kind_of(value: Any) -> str:
    """What sort of value it is, in the words of messages."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
        case bytes() | bytearray() | memoryview():
            return "bytes"
    return f"a {type(value).__name__}"


def text_of(value: Any) -> str:
    """The value inside text: text as it is, numbers as JSON writes them, `true`, `false`; nothing else has a form."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    if value is None:
        raise TemplateError("null has no form as text; say what it means: | default('', true)")
    raise TemplateError(f"{kind_of(value)} has no form as text; write it as JSON: | json")


def _number(value: int | float) -> str:  # noqa: PYI041 - both are meant
    if isinstance(value, float) and not math.isfinite(value):
        raise TemplateError("an infinite number or NaN has no form as text")
    try:
        return repr(value)
    except ValueError:  # Python's own bound on the digits of an integer
        raise TemplateError("a number of thousands of digits has no form as text") from None
