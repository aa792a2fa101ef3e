"""Filters of lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connector_core.address import MISSING
from connector_core.formats import moment
from connector_core.identity import identity
from connector_core.template.filters.arguments import a_list, a_number
from connector_core.template.written import TemplateError, kind_of

__all__ = ["first", "last", "length", "max_", "min_", "pluck", "sort", "sum_", "unique", "where"]


def first(value: Any) -> Any:
    """The first item; missing where there is none."""
    return next(iter(a_list(value)), MISSING)


def last(value: Any) -> Any:
    """The last item; missing where there is none."""
    return next(reversed(a_list(value)), MISSING)


def length(value: Any) -> int:
    """How many items, keys or characters."""
    if isinstance(value, (str, list, Mapping)):
        return len(value)
    raise TemplateError(f"takes a list, an object or text, not {kind_of(value)}")


def sort(value: Any, by: Any = None, descending: Any = False) -> list[Any]:
    """In ascending order, of the items themselves or of what they have under `by`; items without it come last."""
    if by is None:
        return sorted(items := a_list(value), key=_order(items), reverse=bool(descending))
    rows = [(_below(item, by), item) for item in a_list(value)]
    having = [row for row in rows if row[0] is not MISSING and row[0] is not None]
    order = _order([found for found, _ in having])
    ordered = sorted(having, key=lambda row: order(row[0]), reverse=bool(descending))
    return [item for _, item in [*ordered, *(row for row in rows if row[0] is MISSING or row[0] is None)]]


def unique(value: Any) -> list[Any]:
    """Without items that came before."""
    seen: dict[Any, Any] = {}
    for item in a_list(value):
        seen.setdefault(identity(item), item)
    return list(seen.values())


def min_(value: Any) -> Any:
    """The smallest item; missing where there is none."""
    return min(items := a_list(value), key=_order(items), default=MISSING)


def max_(value: Any) -> Any:
    """The largest item; missing where there is none."""
    return max(items := a_list(value), key=_order(items), default=MISSING)


def sum_(value: Any) -> int | float:
    """The sum of numbers; 0 for none."""
    return sum(a_number(item) for item in a_list(value))


def pluck(value: Any, key: Any) -> list[Any]:
    """What each item has under the key; items without it are left out."""
    return [found for item in a_list(value) if (found := _below(item, key)) is not MISSING]


def where(value: Any, key: Any, equals: Any = True) -> list[Any]:
    """The items that have that value under the key."""
    return [item for item in a_list(value) if _below(item, key) == equals]


def _order(items: list[Any]) -> Callable[[Any], Any]:
    """What to order the items by, if they have an order: all text or all numbers, and times as `<` orders them."""
    kinds = {kind_of(item) for item in items}
    if kinds == {"text"} and all(moment(item) for item in items):
        return moment
    if kinds <= {"text"} or kinds <= {"a number"}:
        return _itself
    raise TemplateError("takes items that are all numbers or all text")


def _itself(item: Any) -> Any:
    return item


def _below(item: Any, key: Any) -> Any:
    return item.get(key, MISSING) if isinstance(item, Mapping) and isinstance(key, str) else MISSING
