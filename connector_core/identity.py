"""What two JSON values have to have in common to be the same: 1 is 1.0, true is not 1, keys have no order.

It is text, whose hash nobody outside can foresee: numbers that were chosen to collide in a dict do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["identity"]


def identity(value: Any) -> str:
    """A text that is the same for the same JSON values only; what is no JSON is the same as itself."""
    if isinstance(value, str):
        return f'"{value}'
    pieces: list[str] = []
    _write(value, pieces)
    return "".join(pieces)


def _write(value: Any, pieces: list[str]) -> None:
    match value:
        case str():
            pieces.append(f'{len(value)}"{value}')
        case int() | float():
            pieces.append(f"{_scalar(value)},")
        case Mapping():
            pieces.append("{")
            for key in sorted(value):
                _write(key, pieces)
                _write(value[key], pieces)
            pieces.append("}")
        case list() | tuple():
            pieces.append("[")
            for item in value:
                _write(item, pieces)
            pieces.append("]")
        case _:
            pieces.append(f"{_scalar(value)},")


def _scalar(value: Any) -> str:
    match value:
        case None | bool():
            return str(value)
        case float() if not value.is_integer():
            return repr(value)
        case int() | float():
            return f"{int(value):x}"  # in base 16 the time is linear, and there is no longest number
        case bytes():
            return f"b{value.hex()}"
    return f"<{id(value)}>"
