"""Formats of times, durations and numbers: declared by name, never guessed from a value.

::

    retry_after: {take: header.X-Reset, format: epoch_seconds}
    since: "{{ now | add('-30d') | date('%d.%m.%Y') }}"

Rule 1: `read` makes a value of what a service sends, `write` makes again what a service takes. Both raise ValueError in
        words that follow a name, without the value, and nothing else; whatever they are given.
Rule 2: a time is a datetime in UTC, a duration seconds as a float; both are exact to the microsecond, and what is finer
        is cut off. A time without an offset is in UTC.
Rule 3: for what a format can write, reading and writing undo each other.

::

    declared: the formats by name     times: points in time as text and numbers     strftime: patterns with %
    durations: lengths                calendar: months, and where periods begin     places: addresses with a format
"""

from __future__ import annotations

from connector_core.formats.calendar import PERIODS, moved, start_of
from connector_core.formats.declared import FORMATS, Format
from connector_core.formats.places import FormattedPut, FormattedTake, formatted, put_in, take_from
from connector_core.formats.times import instant, moment, rfc3339, written

__all__ = [
    "FORMATS",
    "PERIODS",
    "Format",
    "FormattedPut",
    "FormattedTake",
    "formatted",
    "instant",
    "moment",
    "moved",
    "put_in",
    "rfc3339",
    "start_of",
    "take_from",
    "written",
]
