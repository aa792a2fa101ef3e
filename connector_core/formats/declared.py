"""The formats by name, and the type of the fields that hold one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from math import isfinite
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.component import suggestion
from connector_core.formats import durations, times
from connector_core.formats.numbers import integer, is_number, plain, sort_of

__all__ = ["FORMATS", "Format", "Kind"]

Kind = Literal["time", "duration", "number", "text"]
Read = Callable[[Any], Any]


class Declared(NamedTuple):
    """One format: what it reads to, and both ways."""

    kind: Kind
    read: Read
    write: Callable[[Any], str | int | float]
    example: str
    """As JSON."""
    words: str


def _epoch(micros: int) -> tuple[Read, Callable[[datetime], int | float]]:
    return partial(times.since_epoch, micros=micros), lambda moment: plain(times.micros_of(moment), micros)


def _relative(micros: int) -> tuple[Read, Callable[[float], int | float]]:
    return partial(durations.relative, micros=micros), lambda seconds: plain(round(seconds * 1_000_000), micros)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if is_number(value) and (isinstance(value, int) or isfinite(value)):
        return repr(value)
    raise ValueError(f"{sort_of(value)} is not text")


FORMATS: Final[Mapping[str, Declared]] = {
    "rfc3339": Declared(
        "time", times.rfc3339, times.written, '"2024-01-31T09:30:00Z"',
        "Any ISO 8601 time, with or without offset, or a date; written as RFC 3339 in UTC.",
    ),
    "date": Declared(
        "time", times.iso_date, lambda moment: f"{moment.date().isoformat()}", '"2024-01-31"',
        "An ISO 8601 date: its midnight in UTC.",
    ),
    "http_date": Declared(
        "time", times.http_date, times.http_text, '"Wed, 31 Jan 2024 09:30:00 GMT"',
        "The three forms of RFC 9110 §5.6.7, and that of mail.",
    ),
    "epoch_seconds": Declared("time", *_epoch(1_000_000), "1706693400", "Seconds since 1970."),
    "epoch_milliseconds": Declared("time", *_epoch(1_000), "1706693400000", "Milliseconds since 1970."),
    "seconds": Declared("duration", *_relative(1_000_000), "90", "A number of seconds."),
    "milliseconds": Declared("duration", *_relative(1_000), "90000", "A number of milliseconds."),
    "minutes": Declared("duration", *_relative(60_000_000), "1.5", "A number of minutes."),
    "duration": Declared(
        "duration", durations.length, durations.length_text, '"90s"',
        "Text with units: `30s`, `1h30m`, `PT5M`; written in seconds.",
    ),
    "integer": Declared("number", integer, integer, "42", "A whole number, or text of one."),
    "text": Declared("text", _text, _text, '"a7"', "Text as it is; a number as JSON writes it."),
}  # fmt: skip
"""Every format by name; any other text with a % in it is a strftime pattern."""


class Format:
    """A declared format: a name of FORMATS, or a strftime pattern such as `%d.%m.%Y`.

    ========  ==========================================  ===================================================
    `kind`    `read(value)` gives                         `write(value)` takes the same, and gives
    ========  ==========================================  ===================================================
    time      a datetime in UTC, of the years 1 to 9999   text; a number for `epoch_…`, whole where it is
    duration  seconds, a finite float up to ±9e9          a number in the unit, whole where it is; `90s`
    number    an int                                      an int
    text      a str                                       a str
    ========  ==========================================  ===================================================
    """

    __slots__ = ("_declared", "kind", "name")

    name: str
    """As it is written in the spec."""
    kind: Kind

    def __init__(self, name: str) -> None:
        """Raises ValueError, in words, where there is no such format."""
        self.name = name
        self._declared = _declared(name)
        self.kind = self._declared.kind

    def read(self, value: Any) -> Any:
        """What a service sent, as a datetime, float, int or str; raises ValueError."""
        return self._declared.read(value)

    def write(self, value: Any) -> str | int | float:
        """What a service takes; raises ValueError where the value is not of the format's kind."""
        return self._declared.write(self._checked(value))

    def _checked(self, value: Any) -> Any:
        match self.kind:
            case "time" if isinstance(value, datetime):
                try:
                    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
                except OverflowError:
                    raise ValueError(f"the time {times.OUTSIDE}") from None
            case "duration" if is_number(value):
                return durations.relative(value, 1_000_000)
            case "number" | "text":
                return value
        raise ValueError(f"{sort_of(value)} is not a {self.kind}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Format({self.name!r})"

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[type[Format], tuple[str]]:
        return Format, (self.name,)

    @classmethod
    def parse(cls, value: Any) -> Self:
        """The format that a spec's value names; raises pydantic's error where it is none."""
        if isinstance(value, cls):
            return value
        try:
            return cls(value)
        except ValueError as error:
            code = "format_type" if not isinstance(value, str) else "format" if "%" in value else "format_name"
            raise PydanticCustomError(code, "{why}", {"why": str(error)}) from None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"enum": list(FORMATS)}, {"type": "string", "pattern": "%", "examples": ["%d.%m.%Y"]}]}


def _declared(name: Any) -> Declared:
    if not isinstance(name, str):
        raise ValueError("must be the name of a format, such as rfc3339, or a pattern such as %d.%m.%Y")  # noqa: TRY004 - pydantic tells ValueErrors
    if name in FORMATS:
        return FORMATS[name]
    if "%" not in name:
        raise ValueError(f"unknown format {name!r}{suggestion(name, FORMATS)}")
    from connector_core.formats.strftime import Pattern  # few formats are patterns

    pattern = Pattern(name)
    return Declared("time", pattern.read, pattern.write, name, "")
