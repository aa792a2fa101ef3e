"""Methods that only decide: the same answer to the same question, whenever it is asked, and nothing changed by it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from connector_core.exceptions import IntegrationError
from connector_core.testing.contracts.claim import refuse

__all__ = ["answer", "pure", "same"]


def answer(method: Callable[..., Any], *given: Any) -> tuple[str, Any]:
    """What a method gives, or the error of ours that it raises, so that two of them can be compared."""
    try:
        return "gives", method(*given)
    except IntegrationError as error:
        return "raises", str(error)
    except ValueError as error:  # `serve`, `read` and `write` say with one what they cannot do
        return "raises", f"{type(error).__name__}: {error}"


def pure(component: Any, method: str, *given: Any, of: Callable[[Any], Any] = lambda found: found) -> Any:
    """What the method gives, asked twice; raises AssertionError where that differs, or something was changed by it.

    `of` makes of an answer what can be compared, such as the list of what an iterator gives.
    """
    before, kept = copy.deepcopy(given), copy.deepcopy(component)
    first = answer(lambda *them: of(getattr(component, method)(*them)), *given)
    held = copy.deepcopy(first)
    again = answer(lambda *them: of(getattr(component, method)(*them)), *given)
    if not same(first, held):
        refuse(f"what `{method}` gave at first is changed by asking it again")
    if not same(first, again):
        refuse(f"`{method}` {_told(first)} at first, and {_told(again)} when it is asked the same again")
    if not same(given, before):
        refuse(f"`{method}` changes what it is given")
    if not same(component, kept) or vars(component) != vars(kept):
        refuse(f"`{method}` changes the kind itself, which is one for everybody who uses the spec")
    return first


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, and of the same types: 1 is not true, and not 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _told(found: tuple[str, Any]) -> str:
    text = f"{found[0]} {found[1]!r}"
    return text if len(text) < 200 else f"{text[:200]}…"  # noqa: PLR2004 - a line or two
