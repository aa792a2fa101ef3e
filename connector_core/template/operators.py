"""What the operators of an expression do to JSON values, within bounds."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from connector_core.address import MISSING
from connector_core.formats import moment
from connector_core.template.written import LONGEST, TemplateError, kind_of

__all__ = ["ARITHMETIC", "COMPARISONS", "at_most", "bounded", "finite", "key_of", "member", "number", "part_of"]

LARGEST = 4096
"""Bits of a whole number that arithmetic takes; a product has twice as many."""


def member(thing: Any, key: Any) -> Any:
    """`thing[key]`: of an object by text or number, of a list or text by position; MISSING for all else."""
    if isinstance(thing, Mapping):
        return thing.get(key, MISSING) if isinstance(key, (str, int)) and not isinstance(key, bool) else MISSING
    if isinstance(thing, (list, str)) and isinstance(key, int) and not isinstance(key, bool):
        return thing[key] if -len(thing) <= key < len(thing) else MISSING
    return MISSING


def part_of(thing: Any, ends: list[Any]) -> Any:
    """`thing[from:to:step]` of a list or text; MISSING of anything else, and where an end is."""
    if not isinstance(thing, (list, str)) or MISSING in ends:
        return MISSING
    if any(isinstance(end, bool) or not isinstance(end, (int, type(None))) for end in ends) or ends[2] == 0:
        raise TemplateError("a slice is written [from:to], with whole numbers")
    return thing[slice(*ends)]


def key_of(value: Any) -> str | int:
    """The key of an object's literal."""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return value
    raise TemplateError(f"an object's key is text, not {'missing' if value is MISSING else kind_of(value)}")


def number(symbol: str, value: Any) -> int | float:
    """The operand of an arithmetic operator; booleans are no numbers."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    hint = "; join text with ~" if symbol == "+" and isinstance(value, str) else ""
    raise TemplateError(f"{symbol} takes numbers, not {kind_of(value)}{hint}")


def finite(apply: Callable[[Any, Any], Any], one: float, other: float) -> Any:
    """The result of an arithmetic operator, within bounds."""
    if _large(one) or _large(other):
        raise TemplateError("the number is too large to compute with")
    try:
        result = apply(one, other)
    except ZeroDivisionError:
        raise TemplateError("division by zero") from None
    except OverflowError:
        raise TemplateError("the number is too large to compute with") from None
    if isinstance(result, float) and not math.isfinite(result):
        raise TemplateError("the result is not a finite number")
    return result


def _large(value: float) -> bool:
    return isinstance(value, int) and value.bit_length() > LARGEST


def at_most(size: int) -> int:
    """The number of characters, if a template may make so many."""
    if size > LONGEST:
        raise TemplateError(f"makes more than {LONGEST} characters")
    return size


def bounded(value: Any) -> Any:
    """The value, if it is not a text beyond what a template may make."""
    if isinstance(value, str):
        at_most(len(value))
    return value


def _ordered(compare: Callable[[Any, Any], bool], one: Any, other: Any) -> bool:
    kinds = {kind_of(one), kind_of(other)}
    if kinds == {"text"}:
        times = moment(one), moment(other)
        return compare(one, other) if None in times else compare(*times)
    if kinds == {"a number"}:
        return compare(one, other)
    raise TemplateError(f"{kind_of(one)} and {kind_of(other)} have no order")


def _within(one: Any, other: Any) -> bool:
    if isinstance(other, str):
        if isinstance(one, str):
            return one in other
        raise TemplateError(f"`in` looks for text in text, not for {kind_of(one)}")
    if isinstance(other, Mapping):
        return isinstance(one, (str, int)) and one in other
    if isinstance(other, list):
        return one in other
    raise TemplateError(f"`in` looks into a list, an object or text, not into {kind_of(other)}")


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": partial(_ordered, operator.lt),
    "lteq": partial(_ordered, operator.le),
    "gt": partial(_ordered, operator.gt),
    "gteq": partial(_ordered, operator.ge),
    "in": _within,
    "notin": lambda one, other: not _within(one, other),
}
