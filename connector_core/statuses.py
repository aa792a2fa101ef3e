"""Statuses of HTTP as specs write them: `404`, a class such as `5xx`, or a list of both (RFC 9110 §15)."""

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

__all__ = ["STATUS", "Statuses", "span"]

FIRST, LAST = 100, 599
STATUS: list[dict[str, Any]] = [
    {"type": "integer", "minimum": FIRST, "maximum": LAST},
    {"type": "string", "pattern": "^[1-5]xx$"},
]
"""What one may be, as JSON Schemas."""


def span(item: Any) -> range | None:
    """The statuses that `404` or `5xx` stands for; None where it is neither."""
    if isinstance(item, range):
        return item
    if isinstance(item, int) and not isinstance(item, bool) and FIRST <= item <= LAST:
        return range(item, item + 1)
    if isinstance(item, str) and len(item) == 3 and item[0] in "12345" and item[1:] == "xx":  # noqa: PLR2004 - as in 5xx
        return range(int(item[0]) * 100, int(item[0]) * 100 + 100)
    return None


def _spans(value: Any) -> list[range]:
    found = [span(item) for item in (value if isinstance(value, list) and value else [value])]
    if None in found:
        raise PydanticCustomError("status", "must be a status such as 404, a class such as 5xx, or a list of them")
    return [one for one in found if one is not None]


Statuses = Annotated[
    list[range],
    BeforeValidator(_spans),
    WithJsonSchema({"anyOf": [*STATUS, {"type": "array", "items": {"anyOf": STATUS}, "minItems": 1}]}),
]
"""One or several, as ranges."""
