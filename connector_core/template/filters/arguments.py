"""What filters make sure of before they begin."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from connector_core.template.written import LONGEST, TemplateError, kind_of, text_of

__all__ = ["a_list", "a_number", "bounded_length", "bounded_text", "bounded_value", "encoded", "refused_as"]


def refused_as(value: Any) -> str:
    """What a message says of a value that is not what is wanted."""
    return "the text is not" if isinstance(value, str) else f"{kind_of(value)} is not"


def a_number(value: Any) -> int | float:
    """The value, if it is a number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise TemplateError(f"takes numbers, not {kind_of(value)}; convert with | int or | float")


def a_list(value: Any) -> list[Any]:
    """The value, if it is a list."""
    if isinstance(value, list):
        return value
    raise TemplateError(f"takes a list, not {kind_of(value)}")


def bounded_length(size: int) -> None:
    """Raises where a text of that length would be beyond what a template may make."""
    if size > LONGEST:
        raise TemplateError(f"makes more than {LONGEST} characters")


def bounded_text(value: Any) -> str:
    """The value as text of a bounded length."""
    bounded_length(len(text := text_of(value)))
    return text


def bounded_value(value: Any) -> None:
    """Counts the least that the value takes as text before any of it is written, and no further than the bound."""
    size, waiting = 0, [value]
    for item in waiting:  # which grows meanwhile
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, list):
            bounded_length(size := size + len(item))
            waiting += item
        elif not isinstance(item, (int, float, NoneType)) and isinstance(item, Mapping):
            bounded_length(size := size + len(item) + sum([len(key) for key in item if isinstance(key, str)]))
            waiting += item.values()
    bounded_length(size)


def encoded(value: Any) -> bytes:
    """The value as text, in UTF-8; bytes as they are."""
    if isinstance(value, bytes | bytearray | memoryview):
        bounded_length(memoryview(value).nbytes)
        return bytes(value)
    try:
        return bounded_text(value).encode()
    except UnicodeEncodeError:
        raise TemplateError("the text holds half a character (a lone surrogate), which has no UTF-8") from None
