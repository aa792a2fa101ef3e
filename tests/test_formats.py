"""Declared formats: what each reads and writes, and that nothing else comes out of them."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from connector_core.address import MISSING, AnswerPath, Put
from connector_core.formats import (
    FORMATS,
    PERIODS,
    Format,
    FormattedPut,
    FormattedTake,
    instant,
    moment,
    moved,
    put_in,
    rfc3339,
    start_of,
    take_from,
    written,
)
from connector_core.http import Headers, Request
from connector_core.units import span

PATTERNS = [
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y%m%d%H%M%S%f",
    "%d %b %Y %I:%M:%S.%f %p %z",
    "%A, %B %d %Y, %H.%M.%S,%f",
    "%Y-%jT%H%M%S,%fZ",
    "100%% %a %d/%m/%Y %H:%M:%S.%f",
]


def at(*parts: int, **more: Any) -> datetime:
    return datetime(*parts, **more, tzinfo=UTC)  # type: ignore[misc, arg-type]  # parts are year, month, day, …


# ── times ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2024-01-02T03:04:05Z", at(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02t03:04:05z", at(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02 03:04:05", at(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02 03:04:05 UTC", at(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02 03:04:05 +0000", at(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02T03:04:05+02:00", at(2024, 1, 2, 1, 4, 5)),
        ("2024-01-02T03:04:05-0230", at(2024, 1, 2, 5, 34, 5)),
        ("2024-01-02T03:04:05+01", at(2024, 1, 2, 2, 4, 5)),
        ("2024-01-02T03:04:05-00:00", at(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02T03:04:05.6Z", at(2024, 1, 2, 3, 4, 5, 600_000)),
        ("2024-01-02T03:04:05,123Z", at(2024, 1, 2, 3, 4, 5, 123_000)),
        ("2024-01-02T03:04:05.123456789Z", at(2024, 1, 2, 3, 4, 5, 123_456)),
        ("2024-01-02T03:04Z", at(2024, 1, 2, 3, 4)),
        ("2024-01-02T03", at(2024, 1, 2, 3)),
        ("20240102T030405Z", at(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02", at(2024, 1, 2)),
        ("20240102", at(2024, 1, 2)),
        ("2024-W01-2", at(2024, 1, 2)),
        ("2024W012T03:04Z", at(2024, 1, 2, 3, 4)),
        ("2024-W01", at(2024, 1, 1)),
        ("2024-366", at(2024, 12, 31)),
        ("2016-12-31T23:59:60Z", at(2017, 1, 1)),
        ("2016-12-31T15:59:60.5-08:00", at(2017, 1, 1, microsecond=500_000)),
        ("2024-01-02T24:00:00Z", at(2024, 1, 3)),
        ("0001-01-01T00:00:00Z", at(1, 1, 1)),
        ("9999-12-31T23:59:59.999999Z", at(9999, 12, 31, 23, 59, 59, 999_999)),
    ],
)
def test_rfc3339(text, expected):
    """Every ISO 8601 form that services send is read; without an offset it is UTC, and fractions are cut off."""
    assert rfc3339(text) == expected
    assert instant(text) == expected


TIME = "such as 2024-01-31T09:30:00Z"


@pytest.mark.parametrize(
    "value, message",
    [
        ("", f"the text is not a time {TIME}"),
        ("yesterday", f"the text is not a time {TIME}"),
        ("2024", f"the text is not a time {TIME}"),
        ("2024-01", f"the text is not a time {TIME}"),
        ("2024-1-2", f"the text is not a time {TIME}"),
        (" 2024-01-02", f"the text is not a time {TIME}"),
        ("2024-01-02\n", f"the text is not a time {TIME}"),
        ("２０２４-01-02", f"the text is not a time {TIME}"),
        ("2024-01-02T03:04:05.1234567890Z", f"the text is not a time {TIME}"),
        (1_700_000_000, f"the number is not a time {TIME}"),
        (None, f"null is not a time {TIME}"),
        (True, f"true or false is not a time {TIME}"),
        ([], f"a list is not a time {TIME}"),
        ({}, f"an object is not a time {TIME}"),
        ("2023-02-29", "has a day that no calendar shows"),
        ("2024-13-01", "has a day that no calendar shows"),
        ("0000-01-01", "has a day that no calendar shows"),
        ("2023-366", "has a day that no calendar shows"),
        ("2023-W53-1", "has a day that no calendar shows"),
        ("2024-01-02T25:00Z", "has a time of day that no clock shows"),
        ("2024-01-02T24:00:01Z", "has a time of day that no clock shows"),
        ("2024-01-02T03:60Z", "has a time of day that no clock shows"),
        ("2024-01-02T03:04:61Z", "has a time of day that no clock shows"),
        ("2024-01-02T03:04+24:00", "has an offset that is not of this world"),
        ("0001-01-01T00:00+01:00", "is outside of the years 1 to 9999"),
        ("9999-12-31T24:00Z", "is outside of the years 1 to 9999"),
    ],
    ids=repr,
)
def test_no_rfc3339(value, message):
    """What is no time is refused in words, without the value."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        rfc3339(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "name, value, expected, again",
    [
        ("date", "2024-01-02", at(2024, 1, 2), "2024-01-02"),
        ("date", "20240102", at(2024, 1, 2), "2024-01-02"),
        ("http_date", "Sun, 06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37), "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("http_date", "Sunday, 06-Nov-94 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37), "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("http_date", "Sun Nov  6 08:49:37 1994", at(1994, 11, 6, 8, 49, 37), "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("http_date", "6 Nov 1994 08:49:37 -0500", at(1994, 11, 6, 13, 49, 37), "Sun, 06 Nov 1994 13:49:37 GMT"),
        ("http_date", "Friday, 01-Jan-69 00:00:00 GMT", at(2069, 1, 1), "Tue, 01 Jan 2069 00:00:00 GMT"),
        ("epoch_seconds", 1_700_000_000, at(2023, 11, 14, 22, 13, 20), 1_700_000_000),
        ("epoch_seconds", "1700000000", at(2023, 11, 14, 22, 13, 20), 1_700_000_000),
        ("epoch_seconds", "1700000000.123456", at(2023, 11, 14, 22, 13, 20, 123_456), 1_700_000_000.123456),
        ("epoch_seconds", 1_700_000_000.1, at(2023, 11, 14, 22, 13, 20, 100_000), 1_700_000_000.1),
        ("epoch_seconds", -1, at(1969, 12, 31, 23, 59, 59), -1),
        ("epoch_seconds", 253_402_300_799, at(9999, 12, 31, 23, 59, 59), 253_402_300_799),
        ("epoch_milliseconds", 1_700_000_000_123, at(2023, 11, 14, 22, 13, 20, 123_000), 1_700_000_000_123),
        ("seconds", "1.5", 1.5, 1.5),
        ("seconds", -3, -3.0, -3),
        ("milliseconds", 1500, 1.5, 1500),
        ("minutes", 1.5, 90.0, 1.5),
        ("duration", "30s", 30.0, "30s"),
        ("duration", "6m0s", 360.0, "360s"),
        ("duration", "1h2m3.5s", 3723.5, "3723.5s"),
        ("duration", "-1.5h", -5400.0, "-5400s"),
        ("duration", "250ms", 0.25, "0.25s"),
        ("duration", "7µs", 0.000007, "0.000007s"),
        ("duration", "PT5M", 300.0, "300s"),
        ("duration", "P1DT2H", 93_600.0, "93600s"),
        ("duration", "P2W", 1_209_600.0, "1209600s"),
        ("duration", "-PT0,5S", -0.5, "-0.5s"),
        ("integer", " -12 ", -12, -12),
        ("integer", 12.0, 12, 12),
        ("integer", 10**40, 10**40, 10**40),
        ("text", "a7", "a7", "a7"),
        ("text", 7, "7", "7"),
        ("%d.%m.%Y", "2.1.2024", at(2024, 1, 2), "02.01.2024"),
        ("%Y%m%d", 20_240_102, at(2024, 1, 2), "20240102"),
        ("%Y-%m", "2024-02", at(2024, 2, 1), "2024-02"),
        ("%b %d, %Y %I:%M %p", "jan 2, 2024 12:05 am", at(2024, 1, 2, 0, 5), "Jan 02, 2024 12:05 AM"),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-01-02T03:04:05+02:00", at(2024, 1, 2, 1, 4, 5), "2024-01-02T01:04:05+0000"),
        ("%d/%m/%y", "31/12/70", at(1970, 12, 31), "31/12/70"),
        ("%A %d %B %Y", "Monday 2 January 2024", at(2024, 1, 2), "Tuesday 02 January 2024"),
    ],
)
def test_formats(name, value, expected, again):
    """Each format reads what it says and writes it in its own form, numbers whole where they are."""
    found = Format(name).read(value)
    assert (found, type(found)) == (expected, type(expected))
    back = Format(name).write(found)
    assert (back, type(back)) == (again, type(again))


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("date", "2024-01-02T03:04:05Z", "the text is not a date such as 2024-01-31"),
        ("http_date", "Sun, 31 Feb 1994 08:49:37 GMT", "has a day that no calendar shows"),
        ("http_date", "1994-11-06", "the text is not a date such as Sun, 06 Nov 1994 08:49:37 GMT"),
        ("epoch_seconds", float("nan"), "the number is not a finite number"),
        ("epoch_seconds", "inf", "the text is not a finite number"),
        ("epoch_seconds", 10**400, "the number is outside of the years 1 to 9999"),
        ("epoch_seconds", 253_402_300_800, "the number is outside of the years 1 to 9999"),
        ("epoch_seconds", True, "true or false is not a finite number"),
        ("seconds", 1e30, "the number is longer than 9000000000 seconds"),
        ("seconds", "1e3", "the text is not a finite number"),
        ("duration", 30, "the number is not a duration such as 30s, 1h30m or PT5M"),
        ("duration", "P1M", "the text is not a duration such as 30s, 1h30m or PT5M"),
        ("duration", "PT", "the text is not a duration such as 30s, 1h30m or PT5M"),
        ("duration", "1mo", "the text is not a duration such as 30s, 1h30m or PT5M"),
        ("integer", 1.5, "the number is not a whole number"),
        ("integer", "1_0", "the text is not a whole number"),
        ("text", None, "null is not text"),
        ("text", float("inf"), "the number is not text"),
        ("%Y-%m-%d", "2024-01-32", "has a day that no calendar shows"),
        ("%Y-%m-%d", "2024/01/02", "the text is not a time of that pattern"),
        ("%Y-%m-%d %I %p", "2024-01-02 13 PM", "has a time of day that no clock shows"),
    ],
    ids=repr,
)
def test_refused(name, value, message):
    """What a format does not read is refused in words, without the value."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        Format(name).read(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("rfc3339", "2024-01-02", "the text is not a time"),
        ("epoch_seconds", 3, "the number is not a time"),
        ("seconds", at(2024, 1, 2), "a datetime is not a duration"),
        ("seconds", float("nan"), "the number is not a finite number"),
        ("integer", "x", "the text is not a whole number"),
        ("text", None, "null is not text"),
        (
            "date",
            datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
            "the time is outside of the years 1 to 9999",
        ),
    ],
)
def test_not_written(name, value, message):
    """`write` takes what `read` gives, and nothing else."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        Format(name).write(value)
    assert str(caught.value) == message


TIMES = st.datetimes(timezones=st.just(UTC))


@given(st.sampled_from([*(name for name in FORMATS if FORMATS[name].kind == "time"), *PATTERNS]), TIMES)
@example("epoch_seconds", at(1, 1, 1))
def test_times_round_trip(name, moment):
    """Whatever time a format can write, reading gives it back, and writing that writes the same again."""
    form = Format(name)
    if name == "date":
        moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "http_date":
        moment = moment.replace(microsecond=0)
    if name.startswith("epoch") and not 1700 < moment.year < 2250:
        moment = moment.replace(microsecond=0)  # a float has no room for microseconds so far away
    text = form.write(moment)
    assert form.read(text) == moment
    assert form.write(form.read(text)) == text


@given(st.sampled_from(["seconds", "milliseconds", "minutes", "duration"]), st.integers(-9 * 10**15, 9 * 10**15))
def test_durations_round_trip(name, micros):
    """Every duration up to 285 years is written and read exactly to the microsecond."""
    form = Format(name)
    seconds = micros / 1_000_000
    assert form.read(form.write(seconds)) == pytest.approx(seconds, abs=2e-6 if name == "minutes" else 0, rel=0)


@given(st.integers() | st.text())
def test_plain_values_round_trip(value):
    """Whole numbers and text are what they are."""
    form = Format("text" if isinstance(value, str) else "integer")
    assert form.write(form.read(value)) == value


ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
    | st.from_regex(r"[0-9]{4}-?[0-9W]{1,3}-?[0-9]{0,2}([Tt ][0-9:.,]{0,15}([zZ]|[+-][0-9:]{2,5})?)?", fullmatch=True)
    | st.from_regex(r"-?P?T?([0-9]{1,20}[.,]?[0-9]{0,20}[a-zA-Zµ]{0,2}){0,4}", fullmatch=True)
    | st.from_regex(r"[+-]?[0-9]{0,40}\.?[0-9]{0,40}(e[0-9]+)?", fullmatch=True)
)  # fmt: skip


@given(st.sampled_from([*FORMATS, *PATTERNS, "%y%m%d", "%d.%m.%Y"]), ANYTHING)
def test_reads_or_refuses(name, value):
    """Whatever a service sends, a format gives its own kind of value, or a ValueError in words without the value."""
    form = Format(name)
    kinds = {"time": datetime, "duration": float, "number": int, "text": str}
    try:
        assert isinstance(form.read(value), kinds[form.kind])
    except ValueError as error:
        assert 5 < len(str(error)) < 80  # noqa: PT017 - one of two outcomes
    try:
        form.write(value)
    except ValueError as error:
        assert 5 < len(str(error)) < 80  # noqa: PT017 - one of two outcomes


# ── strftime patterns ─────────────────────────────────────────────────────────────────────────────


@given(st.sampled_from(PATTERNS), TIMES)
def test_as_the_standard_library(pattern, moment):
    """A pattern writes what Python's strftime writes in the years where the C library agrees with itself."""
    moment = moment.replace(year=max(moment.year, 1000))
    assert Format(pattern).write(moment) == moment.strftime(pattern)
    assert Format(pattern).read(moment.strftime(pattern)) == datetime.strptime(
        moment.strftime(pattern), pattern
    ).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "name, message",
    [
        ("rfc339", "unknown format 'rfc339', did you mean 'rfc3339'?"),
        ("iso", f"unknown format 'iso' (one of: {', '.join(sorted(FORMATS))})"),
        ("%Y-%m-%Q", "unknown directive '%Q' (one of: A, B, H, I, M, S, Y, a, b, d, f, j, m, p, y, z)"),
        ("%F", "unknown directive '%F'; write %Y-%m-%d"),
        ("%s", "unknown directive '%s'; write the format epoch_seconds"),
        ("%Y%", "unknown directive '%' (one of: A, B, H, I, M, S, Y, a, b, d, f, j, m, p, y, z)"),
        ("%H:%M", "the pattern '%H:%M' has no year: %Y"),
        ("%Y %y", "it says the year twice, with '%Y' and '%y'"),
        ("%Y-%d", "the pattern '%Y-%d' has a day and no month: %m"),
        ("%Y-%m %j", "%j says the month and the day already"),
        ("%Y %M", "the pattern '%Y %M' has a minute and no hour"),
        ("%Y %I", "%I and %p belong together; without AM and PM the hour is %H"),
        ("%Y %H %p", "%I and %p belong together; without AM and PM the hour is %H"),
        ("%Y" + "x" * 100, "a pattern of more than 100 characters"),
        (7, "must be the name of a format, such as rfc3339, or a pattern such as %d.%m.%Y"),
    ],
)
def test_no_format(name, message):
    """A format that is none, or a pattern that says no day or says it twice, is refused when the spec loads."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Format).validate_python(name)
    assert caught.value.errors()[0]["msg"] == message


def test_field():
    """A field holds the format, equal by its name, is written again as it was, and told to editors."""
    adapter = TypeAdapter(Format)
    form = adapter.validate_python("epoch_seconds")
    assert form == Format("epoch_seconds") == copy.deepcopy(form) == pickle.loads(pickle.dumps(form))  # noqa: S301 - our own
    assert form != Format("date")
    assert len({form, Format("epoch_seconds")}) == 1
    assert (str(form), repr(form), adapter.dump_json(form)) == (
        "epoch_seconds",
        "Format('epoch_seconds')",
        b'"epoch_seconds"',
    )
    assert adapter.json_schema()["anyOf"][0] == {"enum": list(FORMATS)}


# ── the calendar ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "begin, way, end",
    [
        ("2024-01-31", "1mo", "2024-02-29T00:00:00Z"),
        ("2023-01-31", "1mo", "2023-02-28T00:00:00Z"),
        ("2024-03-31", "-1mo", "2024-02-29T00:00:00Z"),
        ("2024-02-29", "1y", "2025-02-28T00:00:00Z"),
        ("2024-12-15", "1mo", "2025-01-15T00:00:00Z"),
        ("2024-01-15", "-13mo", "2022-12-15T00:00:00Z"),
        ("2024-03-01", "-1d", "2024-02-29T00:00:00Z"),
        ("2024-01-01T00:00:00.5Z", "500ms", "2024-01-01T00:00:01Z"),
    ],
)
def test_moved(begin, way, end):
    """Months are the calendar's, and the last day stands in for one that is not there; the rest are seconds."""
    assert written(moved(rfc3339(begin), span(way))) == end


@given(TIMES, st.integers(-200_000, 200_000))
def test_months_keep_the_day(moment, months):
    """Whatever the way, the result is that month's same day or its last, or there is no such year."""
    try:
        found = moved(moment, span(f"{abs(months)}mo" if months >= 0 else f"-{-months}mo"))
    except ValueError as error:
        assert str(error) == "the result is outside of the years 1 to 9999"  # noqa: PT017 - one of two outcomes
        return
    assert (found.year * 12 + found.month) - (moment.year * 12 + moment.month) == months
    assert found.day == moment.day or (found.day < moment.day and (found + timedelta(days=1)).day == 1)


@given(st.sampled_from(PERIODS), TIMES.filter(lambda moment: moment.year > 1))
def test_start_of(period, moment):
    """A period begins not after the time, at a full hour, and where it begins it begins itself."""
    found = start_of(moment, period)
    assert found <= moment < found + timedelta(days=366)
    assert start_of(found, period) == found
    assert (found.minute, found.second, found.microsecond) == (0, 0, 0)
    assert period == "hour" or found.hour == 0
    assert period != "week" or found.weekday() == 0


# ── times in order ────────────────────────────────────────────────────────────────────────────────


@given(TIMES, TIMES)
def test_order(one, other):
    """Two texts that are times beyond doubt have the order of the times, whatever their fractions."""
    assert (moment(written(one)) < moment(written(other))) == (one < other)  # type: ignore[operator]  # neither is None


@pytest.mark.parametrize(
    "text", ["2024-01-02", "2024-01-02T03:04:05", "20240102T030405Z", "x", "", "2024-13-02T03:04:05Z", "2024-"]
)
def test_no_moment(text):
    """Text without an offset, or without a time of day, is compared as text."""
    assert moment(text) is None


@pytest.mark.parametrize("text", ["2016-12-31T23:59:60Z", "2024-01-02t03:04:05.5z", "2024-01-02 03:04:05-00:30"])
def test_moment(text):
    """All that RFC 3339 §5.6 allows is a time, leap seconds and small letters too."""
    assert moment(text) == rfc3339(text)


# ── addresses with a format ───────────────────────────────────────────────────────────────────────

TAKE: TypeAdapter[Any] = TypeAdapter(AnswerPath | FormattedTake)
PUT: TypeAdapter[Any] = TypeAdapter(Put | FormattedPut)


def test_taken():
    """A long address is read in its own format, a short one in what the key means; null and nothing are missing."""
    scope = {"header": Headers({"X-Reset": "1700000000"}), "body": {"null": None}}
    long = TAKE.validate_python({"take": "header.X-Reset", "format": "epoch_seconds"})
    assert take_from(long, scope, Format("seconds")) == at(2023, 11, 14, 22, 13, 20)
    assert take_from(TAKE.validate_python("header.X-Reset"), scope, Format("seconds")) == 1_700_000_000.0
    for nothing in ("body.null", "body.gone"):
        assert take_from(TAKE.validate_python(nothing), scope, Format("seconds")) is MISSING
    with pytest.raises(ValueError, match=r"^the text is not a date such as"):
        take_from(TAKE.validate_python("header.X-Reset"), scope, Format("date"))


def test_put():
    """A value is written in the long address's own format, or in what the key means."""
    request = Request("GET", "https://api.shop.example/orders")
    long = PUT.validate_python({"put": "query.since", "format": "date"})
    assert put_in(long, request, at(2024, 1, 2), Format("rfc3339")).query == (("since", "2024-01-02"),)
    short = put_in(PUT.validate_python("query.since"), request, at(2024, 1, 2), Format("epoch_seconds"))
    assert short.query == (("since", "1704153600"),)


@pytest.mark.parametrize("written", [{"take": "header.X"}, {"take": "header.X", "format": "x"}, {"format": "date"}])
def test_no_long_address(written):
    """A long address that says no more than the short one, or not where, is refused."""
    with pytest.raises(ValidationError):
        TAKE.validate_python(written)
