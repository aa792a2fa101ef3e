"""Values as a service writes them, for `write`: apart from the code that reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

__all__ = ["rows", "text", "text_of"]


def text_of(value: Any) -> str:
    """A single value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def text(value: Any) -> str:
    """Any value as text; an object or a list is JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else text_of(value)


def rows(body: Any, name: str) -> Sequence[Any]:
    """The body of a form that is a list of records; raises ValueError where it is something else."""
    if not isinstance(body, list):
        raise ValueError(f"decode: {name} is a list of records, and nothing stands beside them")  # noqa: TRY004 - see above
    return body
