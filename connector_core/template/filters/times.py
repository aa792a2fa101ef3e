"""Filters of times. A time is RFC 3339 text in UTC; what is given may be any ISO 8601 form, or seconds since 1970."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from connector_core.component import suggestion
from connector_core.formats import PERIODS, Format, instant, moved, written
from connector_core.formats import start_of as beginning
from connector_core.template.written import TemplateError
from connector_core.units import Span, span

__all__ = ["add", "date", "declared", "parse", "period_of", "start_of", "time_format", "way"]


def add(value: Any, duration: Any) -> str:
    """The time so much later, or with a minus earlier: `30d`, `-1mo`, `1y`; a day that the month lacks is its last."""
    return written(_in_words(moved, _time(value), _argument(way, duration, "a duration such as 30d, -1mo or 1y")))


def start_of(value: Any, period: Any) -> str:
    """The first moment, in UTC, of the `hour`, `day`, `week` (its Monday), `month`, `quarter` or `year`."""
    return written(_in_words(beginning, _time(value), _argument(period_of, period, "a period such as day")))


def date(value: Any, format: Any) -> str | int | float:  # noqa: A002 - what specs call it
    """The time in a [format](formats.md): `date('epoch_seconds')`, `date('%d.%m.%Y')`."""
    return _argument(time_format, format, "the format of a time, such as epoch_seconds").write(_time(value))  # type: ignore[no-any-return]  # see time_format


def parse(value: Any, format: Any) -> str | int | float:  # noqa: A002 - what specs call it
    """What a value in a [format](formats.md) means: a time, or a number; of a duration its seconds."""
    found = _in_words(_argument(declared, format, "a format such as rfc3339").read, value)
    return written(found) if isinstance(found, datetime) else found


# ── arguments: the spec's are checked at load, in full; what is computed may be a secret ──────────


@lru_cache(256)
def declared(name: Any) -> Format:
    """The format of that name; raises TemplateError, in words."""
    return _in_words(Format, name)  # type: ignore[no-any-return]  # what is called


def time_format(name: Any) -> Format:
    """The same, where it is one of times."""
    found = declared(name)
    if found.kind != "time":
        raise TemplateError(f"{found.name!r} is no format of a time")
    return found


@lru_cache(256)
def way(text: Any) -> Span:
    """How far a duration leads; raises TemplateError, in words."""
    return _in_words(span, text)  # type: ignore[no-any-return]  # what is called


def period_of(name: Any) -> str:
    """The period of that name; raises TemplateError, in words."""
    if name not in PERIODS:
        raise TemplateError(f"unknown period {name!r}{suggestion(str(name), PERIODS)}")
    return str(name)


def _argument(check: Callable[[Any], Any], given: Any, wanted: str) -> Any:
    try:
        return check(given)
    except (TemplateError, TypeError):  # a list has no place in a cache
        raise TemplateError(f"takes {wanted}") from None


def _time(value: Any) -> datetime:
    return _in_words(instant, value)  # type: ignore[no-any-return]  # what is called


def _in_words(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function gives; its ValueErrors are in words already, without the value."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise TemplateError(str(error)) from None
