"""The filter that looks for a pattern; see `patterns` for why none can run long."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from connector_core.address import MISSING
from connector_core.component import suggestion
from connector_core.template.written import TemplateError, text_of

if TYPE_CHECKING:
    from connector_core.patterns import Pattern

__all__ = ["compiled", "group_of", "regex"]


def regex(value: Any, pattern: Any, group: Any = 0) -> Any:
    """The first match of a [pattern](#patterns), or what a group of it holds; missing where nothing matches."""
    try:
        found = compiled(pattern).find(text_of(value), group_of(pattern, group))
    except ValueError as error:
        raise TemplateError(str(error)) from None
    return MISSING if found is None else found


@lru_cache(256)
def compiled(text: Any) -> Pattern:
    """The pattern of that text; raises TemplateError, in words."""
    if not isinstance(text, str):
        raise TemplateError("a pattern is text")
    from connector_core.patterns import Pattern

    try:
        return Pattern(text)
    except ValueError as error:
        raise TemplateError(f"the pattern {error}") from None


def group_of(text: Any, group: Any) -> int:
    """The number of a group, by number or name."""
    groups = compiled(text).groups
    if isinstance(group, bool) or group not in groups:
        raise TemplateError(f"the pattern has no group {group!r}{suggestion(str(group), groups)}")
    return groups[group]
