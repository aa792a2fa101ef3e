"""Patterns with %, in the directives that mean the same everywhere: English names, no locale, both ways.

::

    %d.%m.%Y %H:%M        31.01.2024 09:30

A directive reads what it writes; without a digit beside it, `%d`, `%m`, `%H`, `%I`, `%M` and `%S` also take one digit.
What a pattern does not say is the least: the first of the month, midnight. The name of a weekday is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from connector_core.component import suggestion
from connector_core.formats.numbers import sort_of
from connector_core.formats.times import DAYS, MONTHS, at, century

__all__ = ["DIRECTIVES", "Pattern"]

LONGEST = 100
LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONG_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
NOON = 12


class Directive(NamedTuple):
    """What one letter stands for."""

    says: str
    """The part of the time that it says; none of a pattern's may be said twice."""
    reads: str
    """The texts that it takes, as a regular expression."""
    writes: Callable[[datetime], str]


def _names(names: tuple[str, ...]) -> str:
    return "|".join(names)


DIRECTIVES: Mapping[str, Directive] = {
    "Y": Directive("year", "[0-9]{4}", lambda at: f"{at.year:04}"),
    "y": Directive("year", "[0-9]{2}", lambda at: f"{at.year % 100:02}"),
    "m": Directive("month", "[0-9]{2}", lambda at: f"{at.month:02}"),
    "b": Directive("month", _names(MONTHS), lambda at: MONTHS[at.month - 1]),
    "B": Directive("month", _names(LONG_MONTHS), lambda at: LONG_MONTHS[at.month - 1]),
    "d": Directive("day", "[0-9]{2}", lambda at: f"{at.day:02}"),
    "j": Directive("day of the year", "[0-9]{3}", lambda at: f"{at.timetuple().tm_yday:03}"),
    "a": Directive("weekday", _names(DAYS), lambda at: DAYS[at.weekday()]),
    "A": Directive("weekday", _names(LONG_DAYS), lambda at: LONG_DAYS[at.weekday()]),
    "H": Directive("hour", "[0-9]{2}", lambda at: f"{at.hour:02}"),
    "I": Directive("hour", "[0-9]{2}", lambda at: f"{at.hour % NOON or NOON:02}"),
    "p": Directive("half of the day", "AM|PM", lambda at: "PM" if at.hour >= NOON else "AM"),
    "M": Directive("minute", "[0-9]{2}", lambda at: f"{at.minute:02}"),
    "S": Directive("second", "[0-9]{2}", lambda at: f"{at.second:02}"),
    "f": Directive("fraction", "[0-9]{1,9}", lambda at: f"{at.microsecond:06}"),
    "z": Directive("offset", "Z|[+-][0-9]{2}:?[0-9]{2}", lambda _at: "+0000"),
}
"""Every directive; `%%` is the sign itself."""
_INSTEAD = {
    "D": "%m/%d/%y", "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "e": "%d", "h": "%b", "k": "%H", "l": "%I",
    "Z": "%z", "s": "the format epoch_seconds",
}  # fmt: skip
_PIECE = re.compile(r"%(.?)|[^%]+", re.DOTALL)


class Pattern:
    """A strftime pattern, compiled to a reader and a writer; raises ValueError where it is none."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"a pattern of more than {LONGEST} characters")
        pieces = [_piece(found) for found in _PIECE.finditer(text)]
        self._said: dict[str, str] = {}
        for letter, _literal in pieces:
            if letter:
                _say(self._said, letter)
        _check(text, self._said)
        self._reads = re.compile(
            "".join(_reader(pieces, index) for index in range(len(pieces))), re.IGNORECASE | re.ASCII
        )
        self._writes = [DIRECTIVES[letter].writes if letter else literal for letter, literal in pieces]

    def read(self, value: Any) -> datetime:
        """The time that the text, or a whole number, writes; raises ValueError."""
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        found = self._reads.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f"{sort_of(value)} is not a time of that pattern")
        return _moment({name: found[letter] for name, letter in self._said.items()}, self._said)

    def write(self, moment: datetime) -> str:
        """The time as the pattern says, in UTC."""
        return "".join(piece if isinstance(piece, str) else piece(moment) for piece in self._writes)


def _piece(found: re.Match[str]) -> tuple[str, str]:
    """A directive's letter, or a literal text."""
    letter = found[1]
    if letter is None:
        return "", found[0]
    if letter == "%":
        return "", "%"
    if letter in DIRECTIVES:
        return letter, ""
    hint = f"; write {_INSTEAD[letter]}" if letter in _INSTEAD else suggestion(letter, DIRECTIVES)
    raise ValueError(f"unknown directive '%{letter}'{hint}")


def _say(said: dict[str, str], letter: str) -> None:
    part = DIRECTIVES[letter].says
    if part in said:
        raise ValueError(f"it says the {part} twice, with '%{said[part]}' and '%{letter}'")
    said[part] = letter


def _check(text: str, said: Mapping[str, str]) -> None:
    if "year" not in said:
        raise ValueError(f"the pattern {text!r} has no year: %Y")
    if "day of the year" in said and ("day" in said or "month" in said):
        raise ValueError("%j says the month and the day already")
    if "day" in said and "month" not in said:
        raise ValueError(f"the pattern {text!r} has a day and no month: %m")
    for half, whole in (("hour", "minute"), ("minute", "second"), ("second", "fraction")):
        if whole in said and half not in said:
            raise ValueError(f"the pattern {text!r} has a {whole} and no {half}")
    if (said.get("hour") == "I") != ("half of the day" in said):
        raise ValueError("%I and %p belong together; without AM and PM the hour is %H")


def _reader(pieces: list[tuple[str, str]], index: int) -> str:
    letter, literal = pieces[index]
    if not letter:
        return re.escape(literal)
    reads = DIRECTIVES[letter].reads
    beside = [pieces[index - 1] if index else ("", ""), *pieces[index + 1 : index + 2]]
    alone = not (beside[0][0] or beside[0][1][-1:].isdigit()) and not any(
        near or text[:1].isdigit() for near, text in beside[1:]
    )
    if reads == "[0-9]{2}" and letter != "y" and alone:
        reads = "[0-9]{1,2}"
    return f"(?P<{letter}>{reads})"


def _moment(found: Mapping[str, str], said: Mapping[str, str]) -> datetime:
    year = int(found["year"]) if said["year"] == "Y" else century(int(found["year"]))
    hour = int(found.get("hour", 0))
    if half := found.get("half of the day"):
        if not 1 <= hour <= NOON:
            raise ValueError("has a time of day that no clock shows")
        hour = hour % NOON + (NOON if half.upper() == "PM" else 0)
    return at(
        _day(year, found, said), hour, int(found.get("minute", 0)), int(found.get("second", 0)),
        fraction=found.get("fraction", ""), zone=found.get("offset"),
    )  # fmt: skip


def _day(year: int, found: Mapping[str, str], said: Mapping[str, str]) -> date:
    try:
        if "day of the year" in found:
            day = date(year, 1, 1) + timedelta(days=int(found["day of the year"]) - 1)
            if day.year != year:
                raise ValueError
            return day
        return date(year, _month(found, said), int(found.get("day", 1)))
    except (ValueError, OverflowError):
        raise ValueError("has a day that no calendar shows") from None


def _month(found: Mapping[str, str], said: Mapping[str, str]) -> int:
    if "month" not in found:
        return 1
    if said["month"] == "m":
        return int(found["month"])
    return MONTHS.index(found["month"][:3].capitalize()) + 1
