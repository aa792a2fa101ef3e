"""Quantities with their unit written beside the number: `30s`, `1MiB`, `10/second`.

::

    timeout: 30s                      # ms s m h d w
    add('-1mo')                       # mo y too, and a sign, where a calendar is at hand
    max_size: 10MiB                   # B KB MB GB KiB MiB GiB
    rates: [10/second, 900/15m]       # second minute hour day, or a duration
    failure_rate: 50%                 # of what there is

Rule 1: a bare number is refused; the unit is said.
Rule 2: a duration has one length: months and years have none, so they are for spans, which move a time.
Rule 3: a field that may also hold a template is annotated `Annotated[Template | float, DURATION]`: text with `{{` is
        left to the other type, and what it gives later is read by `duration`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Annotated, Any, NamedTuple, get_args

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

__all__ = [
    "DURATION",
    "PERCENT",
    "RATE",
    "SIZE",
    "Duration",
    "Percent",
    "Rate",
    "Size",
    "Span",
    "Unit",
    "duration",
    "duration_text",
    "percent",
    "rate",
    "rate_text",
    "size",
    "size_text",
    "span",
]

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
MONTHS = {"mo": 1, "y": 12}
BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
PERIODS = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d"}
LONGEST_SHOWN = 50

_QUANTITY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-zA-Z]*)")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%")
_RATE = re.compile(r"([0-9]{1,12})/(\S+)")


def duration(text: str) -> float:
    """Seconds of `500ms`, `30s`, `5m`, `2h`, `7d`, `2w`; raises ValueError that says what to write."""
    number, unit = _parts(text, "duration", SECONDS, "30s")
    if unit in ("mo", "y"):
        raise ValueError(f"{text!r} has no fixed length, since months and years differ: count it in days, such as 30d")
    return float(number) * SECONDS[_known(text, unit, "duration", SECONDS)]


class Span(NamedTuple):
    """A way through the calendar: so many months, then so many seconds."""

    months: int
    seconds: float


def span(text: str) -> Span:
    """The way of `30d`, `1mo`, `1y` to a later time, or with a minus to an earlier one; raises ValueError."""
    units = (*SECONDS, *MONTHS)
    sign = -1 if str(text).startswith("-") else 1
    text = text[1:] if sign < 0 and isinstance(text, str) else text
    number, unit = _parts(text, "duration", units, "30d")
    if _known(text, unit, "duration", units) in SECONDS:
        return Span(0, sign * float(number) * SECONDS[unit])
    if "." in number:
        raise ValueError(f"{text!r} is not a whole number of months or years: count it in days")
    return Span(sign * int(number) * MONTHS[unit], 0.0)


def size(text: str) -> int:
    """Bytes of `512B`, `64KB` (1000 each), `1MiB` (1024 each); raises ValueError that says what to write."""
    number, unit = _parts(text, "size", BYTES, "1MiB")
    count = BYTES[_known(text, unit, "size", BYTES)]
    if "." in number:
        raise ValueError(f"{text!r} is not a whole number: take a smaller unit")
    return int(number) * count


def size_text(count: int) -> str:
    """A size for messages: `2 MiB` where that is exact, else the number of bytes."""
    return f"{count >> 20} MiB" if count and not count & 0xFFFFF else f"{count} bytes"


def rate(text: str) -> tuple[int, float]:
    """How many in how many seconds: `10/second` is (10, 1.0), `900/15m` is (900, 900.0); raises ValueError."""
    match = _RATE.fullmatch(str(text))
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{_shown(text)} is not a rate: write a number and a period, such as 10/second or 900/15m")
    count, period = int(match[1]), match[2]
    if period in PERIODS.values():
        word = next(word for word, length in PERIODS.items() if length == period)
        raise ValueError(f"{text!r} is written {count}/{word}")
    try:
        seconds = duration(PERIODS.get(period, period))
    except ValueError:
        raise ValueError(
            f"{text!r} has an unknown period {period!r}: one of {', '.join(PERIODS)}, or a duration such as 15m"
        ) from None
    if seconds == 0:
        raise ValueError(f"{text!r} has a period of no length")
    return count, seconds


def duration_text(seconds: float) -> str:
    """A duration as it may be written: `500ms`, `90s`."""
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{_plain(seconds)}s"


def rate_text(count: float, seconds: float) -> str:
    """A rate as it may be written: `10/second`, `900/900s`."""
    word = next((word for word, length in PERIODS.items() if duration(length) == seconds), None)
    return f"{_plain(count)}/{word or duration_text(seconds)}"


def _plain(number: float) -> str:
    """The number to six digits after the point, without an exponent."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def percent(text: object) -> float:
    """The part of 1 that `50%` is; raises ValueError that says what to write."""
    match = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if match is None or not 0 <= float(match[1]) <= 100:  # noqa: PLR2004 - what per cent means
        what = "this" if isinstance(text, bool) else _shown(str(text))
        raise ValueError(f"{what} is not a share: write a number from 0 to 100 and a percent sign, such as 50%")
    return float(match[1]) / 100


def _parts(text: object, what: str, units: Collection[str], example: str) -> tuple[str, str]:
    """The number and the unit as they are written, with nothing around or between them."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(f"say the unit: {text}{example.lstrip('0123456789')}")  # noqa: TRY004 - pydantic tells ValueErrors
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(
            f"{_shown(text)} is not a {what}: write a number and a unit ({', '.join(units)}), such as {example}"
        )
    if not match[2]:
        raise ValueError(f"say the unit: {match[1]}{example.lstrip('0123456789')}")
    if text != match[1] + match[2]:
        raise ValueError(f"{text!r} is written {match[1]}{match[2]}, without a space")
    return match[1], match[2]


def _known(text: str, unit: str, what: str, units: Collection[str]) -> str:
    if unit in units:
        return unit
    near = next((known for known in units if known.lower() == unit.lower()), None)
    hint = f"did you mean {near!r}?" if near else f"one of {', '.join(units)}"
    raise ValueError(f"{text!r} is not a {what}: unknown unit {unit!r}, {hint}")


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) and len(value) <= LONGEST_SHOWN else "this"


# ── fields ────────────────────────────────────────────────────────────────────────────────────────


class Unit(Struct, frozen=True):
    """In an annotation: the field is written as text with a unit, and holds what `parse` makes of it."""

    parse: Callable[[str], Any]
    examples: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Text with `{{` goes to the union's other type, where the annotated type is a union."""
        others = [option for option in get_args(source) if option not in (int, float)]
        if not others:
            return core_schema.no_info_plain_validator_function(self._parsed)
        return core_schema.no_info_wrap_validator_function(
            lambda value, other: other(value) if isinstance(value, str) and "{{" in value else self._parsed(value),
            handler.generate_schema(others[0]),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Text; the examples show editors how."""
        return {"type": "string", "examples": list(self.examples)}

    def _parsed(self, value: Any) -> Any:
        try:
            return self.parse(value)
        except ValueError as error:
            code = "unit" if isinstance(value, str) else "unit_type"
            raise PydanticCustomError(code, "{why}", {"why": str(error)}) from None


DURATION = Unit(duration, ("30s", "500ms", "5m", "2h", "7d"))
SIZE = Unit(size, ("1MiB", "64KB"))
PERCENT = Unit(percent, ("50%", "2.5%"))
RATE = Unit(rate, ("10/second", "5000/hour", "900/15m"))

Duration = Annotated[float, DURATION]
"""Seconds, written with a unit: `30s`."""
Size = Annotated[int, SIZE]
"""Bytes, written with a unit: `1MiB`."""
Percent = Annotated[float, PERCENT]
"""A part of 1, written as a percentage: `50%`."""
Rate = Annotated[tuple[int, float], RATE]
"""How many in how many seconds, written `10/second`."""
