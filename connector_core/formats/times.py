"""Points in time: read from the text and numbers that services send, and written again.

All are datetimes in UTC, exact to the microsecond, of the years 1 to 9999. A leap second (`:60`) is the first moment of
the next minute, as in POSIX; `24:00` is the midnight that ends the day.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connector_core.formats.numbers import exactly, is_number, sort_of

__all__ = [
    "EPOCH",
    "OUTSIDE",
    "at",
    "http_date",
    "http_text",
    "instant",
    "iso_date",
    "micros_of",
    "moment",
    "rfc3339",
    "written",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OUTSIDE = "is outside of the years 1 to 9999"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FIRST_OF_1900 = 70
"""Years of two digits are 1970 to 2069."""
_MICROSECOND = timedelta(microseconds=1)

# patterns are compiled when a first text is read: most specs read no times
_DATE = (
    r"(?P<year>[0-9]{4})(?:"
    r"-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})|(?P<month_>[0-9]{2})(?P<day_>[0-9]{2})"
    r"|-?W(?P<week>[0-9]{2})(?:-?(?P<weekday>[1-7]))?|-?(?P<ordinal>[0-9]{3}))"
)
_TIME = (
    r"(?P<hour>[0-9]{2})(?::?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
    r"(?: ?(?P<zone>[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?"
)
_ISO = f"{_DATE}(?:[Tt ]{_TIME})?"
_WHOLE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
"""RFC 3339 §5.6: with a time of day and an offset."""
_DAY, _MONTH = "|".join(DAYS), "|".join(MONTHS)
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_HTTP = (
    rf"(?:(?:{_DAY}), )?(?P<day>[0-9]{{1,2}}) (?P<month>{_MONTH}) (?P<year>[0-9]{{4}}) {_CLOCK} "
    r"(?P<zone>GMT|UTC|[+-][0-9]{4})"
    rf"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day2>[0-9]{{2}})-(?P<month2>{_MONTH})-(?P<year2>[0-9]{{2}}) "
    rf"{_CLOCK.replace('>', '2>')} GMT"
    rf"|(?:{_DAY}) (?P<month3>{_MONTH}) (?P<day3>[0-9 ][0-9]) {_CLOCK.replace('>', '3>')} (?P<year3>[0-9]{{4}})"
)


# ── from parts ────────────────────────────────────────────────────────────────────────────────────


def at(
    day: date, hour: int = 0, minute: int = 0, second: int = 0, *, fraction: str = "", zone: str | None = None
) -> datetime:
    """The moment of that day; raises ValueError where a clock does not show it."""
    ends_the_day = (hour, minute, second) == (24, 0, 0) and not fraction.strip("0")
    if not (hour < 24 or ends_the_day) or minute > 59 or second > 60:  # noqa: PLR2004 - what a clock shows
        raise ValueError("has a time of day that no clock shows")
    micros = int(fraction[:6].ljust(6, "0"))
    clock = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micros)
    try:
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + clock - _offset(zone)
    except OverflowError:
        raise ValueError(OUTSIDE) from None


def _offset(zone: str | None) -> timedelta:
    if not zone or zone[0] not in "+-":
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - RFC 3339 §5.6
        raise ValueError("has an offset that is not of this world")
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)


def century(two_digits: int) -> int:
    """The whole year of two digits."""
    return two_digits + (1900 if two_digits >= FIRST_OF_1900 else 2000)


def _day(found: dict[str, Any]) -> date:
    year = int(found["year"])
    try:
        if found["week"]:
            return date.fromisocalendar(year, int(found["week"]), int(found["weekday"] or 1))
        if found["ordinal"]:
            day = date(year, 1, 1) + timedelta(days=int(found["ordinal"]) - 1)
            if day.year != year:
                raise ValueError
            return day
        return date(year, int(found["month"] or found["month_"]), int(found["day"] or found["day_"]))
    except (ValueError, OverflowError):
        raise ValueError("has a day that no calendar shows") from None


# ── text ──────────────────────────────────────────────────────────────────────────────────────────


def rfc3339(value: Any) -> datetime:
    """The time of an RFC 3339 text, or of any ISO 8601 form in its neighbourhood; raises ValueError."""
    found = re.fullmatch(_ISO, value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{sort_of(value)} is not a time such as 2024-01-31T09:30:00Z")
    parts = found.groupdict()
    clock = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    return at(_day(parts), *clock, fraction=parts["fraction"] or "", zone=parts["zone"])


def moment(text: str) -> datetime | None:
    """The time of text that is one beyond doubt, with a time of day and an offset; None for any other."""
    if text[4:5] != "-" or re.fullmatch(_WHOLE, text) is None:  # most text shows at once that it is none
        return None
    try:
        return datetime.fromisoformat(text)  # much faster, and knows neither leap seconds nor small letters
    except ValueError:
        pass
    try:
        return rfc3339(text)
    except ValueError:
        return None


def iso_date(value: Any) -> datetime:
    """Midnight, in UTC, of an ISO 8601 date; raises ValueError."""
    found = re.fullmatch(_DATE, value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{sort_of(value)} is not a date such as 2024-01-31")
    return at(_day(found.groupdict()))


def http_date(value: Any) -> datetime:
    """The time of a date in the forms of RFC 9110 §5.6.7, also with another zone as in mail; raises ValueError."""
    found = re.fullmatch(_HTTP, value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{sort_of(value)} is not a date such as Sun, 06 Nov 1994 08:49:37 GMT")
    parts = {name.rstrip("23"): text for name, text in found.groupdict().items() if text is not None}
    year = int(parts["year"]) if len(parts["year"]) > 2 else century(int(parts["year"]))  # noqa: PLR2004 - digits
    try:
        day = date(year, MONTHS.index(parts["month"]) + 1, int(parts["day"]))
    except ValueError:
        raise ValueError("has a day that no calendar shows") from None
    return at(day, *(int(parts[name]) for name in ("hour", "minute", "second")), zone=parts.get("zone"))


def written(moment: datetime) -> str:
    """RFC 3339 text in UTC, with microseconds only where there are any."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def http_text(moment: datetime) -> str:
    """The preferred form of RFC 9110; a fraction of a second is cut off."""
    return (
        f"{DAYS[moment.weekday()]}, {moment.day:02} {MONTHS[moment.month - 1]} {moment.year:04} "
        f"{moment.hour:02}:{moment.minute:02}:{moment.second:02} GMT"
    )


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────


def micros_of(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def since_epoch(value: Any, micros: int) -> datetime:
    """The time so many units of so many microseconds after 1970; raises ValueError."""
    try:
        return EPOCH + timedelta(microseconds=exactly(value, micros))
    except OverflowError:
        raise ValueError(f"{sort_of(value)} {OUTSIDE}") from None


def instant(value: Any) -> datetime:
    """The time of text in any ISO 8601 form, or of seconds since 1970; raises ValueError."""
    return since_epoch(value, 1_000_000) if is_number(value) else rfc3339(value)
