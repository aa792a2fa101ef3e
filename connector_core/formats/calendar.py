"""Going through the calendar, in UTC: a month later, and where the week began."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

from connector_core.formats.times import OUTSIDE
from connector_core.units import Span

__all__ = ["PERIODS", "moved", "start_of"]

PERIODS = ("hour", "day", "week", "month", "quarter", "year")
MONTHS_OF_A_YEAR = 12


def moved(moment: datetime, span: Span) -> datetime:
    """The time a span later, or earlier; a day that the month lacks becomes its last. Raises ValueError."""
    years, month = divmod(moment.year * MONTHS_OF_A_YEAR + moment.month - 1 + span.months, MONTHS_OF_A_YEAR)
    try:
        day = min(moment.day, monthrange(years, month + 1)[1])
        return moment.replace(year=years, month=month + 1, day=day) + timedelta(seconds=span.seconds)
    except (ValueError, OverflowError):
        raise ValueError(f"the result {OUTSIDE}") from None


def start_of(moment: datetime, period: str) -> datetime:
    """The first moment of the period that the time lies in; a week begins on Monday, as in ISO 8601."""
    if period not in PERIODS:
        raise ValueError(f"knows the periods {', '.join(PERIODS)}")
    hour = moment.replace(minute=0, second=0, microsecond=0)
    if period == "hour":
        return hour
    day = hour.replace(hour=0)
    match period:
        case "week":
            return _earlier(day, day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
    return day


def _earlier(day: datetime, days: int) -> datetime:
    try:
        return day - timedelta(days=days)
    except OverflowError:
        raise ValueError(f"the result {OUTSIDE}") from None
