"""Filters of text; they take numbers and booleans too, as the text that those have inside a template."""

from __future__ import annotations

import re
from typing import Any

from connector_core.template.filters.arguments import a_list, bounded_length, bounded_text
from connector_core.template.written import TemplateError, text_of

__all__ = ["join", "lower", "replace", "snake", "split", "trim", "upper"]

LONGEST_LIST = 100_000
"""Items that a filter may make of one text."""
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def lower(value: Any) -> str:
    """In small letters."""
    return bounded_text(value).lower()


def upper(value: Any) -> str:
    """In capital letters."""
    return bounded_text(value).upper()


def trim(value: Any, characters: Any = None) -> str:
    """Without the spaces around it, or without those characters."""
    text = bounded_text(value)
    if characters is None:
        return text.strip()
    unwanted = set(bounded_text(characters))  # str.strip would look through all of them for each character
    start = next((at for at, character in enumerate(text) if character not in unwanted), len(text))
    end = next((at for at in range(len(text), start, -1) if text[at - 1] not in unwanted), start)
    return text[start:end]


def replace(value: Any, old: Any, new: Any) -> str:
    """With every `old` replaced by `new`."""
    text, old, new = text_of(value), text_of(old), text_of(new)
    if not old:
        raise TemplateError("needs a text to look for, and got an empty one")
    bounded_length(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def split(value: Any, separator: Any) -> list[str]:
    """The list of the texts between the separators."""
    text, separator = text_of(value), text_of(separator)
    if not separator:
        raise TemplateError("needs a separator, and got an empty one")
    if text.count(separator) >= LONGEST_LIST:
        raise TemplateError(f"makes more than {LONGEST_LIST} items")
    return text.split(separator)


def join(value: Any, separator: Any = "") -> str:
    """One text of a list's items."""
    items, between = [text_of(item) for item in a_list(value)], text_of(separator)
    bounded_length(sum(map(len, items)) + len(between) * max(len(items) - 1, 0))
    return between.join(items)


def snake(value: Any) -> str:
    """`CustomerID` and `customer id` as `customer_id`."""
    return re.sub(r"[\W_]+", "_", _HUMPS.sub("_", bounded_text(value))).strip("_").lower()
