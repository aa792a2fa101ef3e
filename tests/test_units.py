from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from connector_core.template import Template
from connector_core.units import (
    DURATION,
    Duration,
    Percent,
    Rate,
    Size,
    Span,
    duration,
    percent,
    rate,
    rate_text,
    size,
    size_text,
    span,
)

UNITS = "write a number and a unit (ms, s, m, h, d, w), such as 30s"
PERIODS = "one of second, minute, hour, day, or a duration such as 15m"


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("5m", 300),
        ("2h", 7200),
        ("7d", 604800),
        ("2w", 1209600),
        ("1.5h", 5400),
        ("0s", 0),
    ],
)
def test_duration(text, seconds):
    """A duration is a number and a unit, and is read as seconds."""
    assert duration(text) == seconds
    assert isinstance(duration(text), float)


@pytest.mark.parametrize(
    "written, message",
    [
        (30, "say the unit: 30s"),
        (1.5, "say the unit: 1.5s"),
        ("30", "say the unit: 30s"),
        ("30 s", "'30 s' is written 30s, without a space"),
        ("5M", "'5M' is not a duration: unknown unit 'M', did you mean 'm'?"),
        ("5min", "'5min' is not a duration: unknown unit 'min', one of ms, s, m, h, d, w"),
        ("3mo", "'3mo' has no fixed length, since months and years differ: count it in days, such as 30d"),
        ("1y", "'1y' has no fixed length, since months and years differ: count it in days, such as 30d"),
        ("-5s", f"'-5s' is not a duration: {UNITS}"),
        ("1h30m", f"'1h30m' is not a duration: {UNITS}"),
        ("", f"'' is not a duration: {UNITS}"),
        ("٣s", f"'٣s' is not a duration: {UNITS}"),
        ("9" * 60 + "s", f"this is not a duration: {UNITS}"),
        (True, f"this is not a duration: {UNITS}"),
        (None, f"this is not a duration: {UNITS}"),
    ],
    ids=repr,
)
def test_no_duration(written, message):
    """What is no duration is refused with what to write."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        duration(written)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text, found",
    [
        ("30d", Span(0, 2_592_000.0)),
        ("-30d", Span(0, -2_592_000.0)),
        ("1.5h", Span(0, 5400.0)),
        ("1mo", Span(1, 0.0)),
        ("-3mo", Span(-3, 0.0)),
        ("-1y", Span(-12, 0.0)),
    ],
)
def test_span(text, found):
    """A span has a sign, and knows months and years, which a calendar gives their length."""
    assert span(text) == found


@pytest.mark.parametrize(
    "written, message",
    [
        (30, "say the unit: 30d"),
        (-30, "say the unit: -30d"),
        ("1M", "'1M' is not a duration: unknown unit 'M', did you mean 'm'?"),
        ("1MO", "'1MO' is not a duration: unknown unit 'MO', did you mean 'mo'?"),
        ("0.5y", "'0.5y' is not a whole number of months or years: count it in days"),
        ("--1d", "'-1d' is not a duration: write a number and a unit (ms, s, m, h, d, w, mo, y), such as 30d"),
        ("+1d", "'+1d' is not a duration: write a number and a unit (ms, s, m, h, d, w, mo, y), such as 30d"),
        (None, "this is not a duration: write a number and a unit (ms, s, m, h, d, w, mo, y), such as 30d"),
    ],
    ids=repr,
)
def test_no_span(written, message):
    """What is no span is refused with what to write."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        span(written)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "count, text",
    [(0, "0 bytes"), (1, "1 bytes"), (1 << 20, "1 MiB"), (128 << 20, "128 MiB"), ((1 << 20) + 1, "1048577 bytes")],
)
def test_size_text(count, text):
    """A size is told in MiB where that is exact."""
    assert size_text(count) == text


@pytest.mark.parametrize(
    "text, count",
    [("0B", 0), ("512B", 512), ("64KB", 64_000), ("64KiB", 65_536), ("1MiB", 1_048_576), ("2GB", 2 * 10**9)],
)
def test_size(text, count):
    """A size is a whole number and a unit, and is read as bytes; KB is 1000 of them and KiB 1024."""
    assert size(text) == count


@pytest.mark.parametrize(
    "written, message",
    [
        (10, "say the unit: 10MiB"),
        ("10", "say the unit: 10MiB"),
        ("1mib", "'1mib' is not a size: unknown unit 'mib', did you mean 'MiB'?"),
        ("5TB", "'5TB' is not a size: unknown unit 'TB', one of B, KB, MB, GB, KiB, MiB, GiB"),
        ("1.5MiB", "'1.5MiB' is not a whole number: take a smaller unit"),
        (
            "much",
            "'much' is not a size: write a number and a unit (B, KB, MB, GB, KiB, MiB, GiB), such as 1MiB",
        ),
    ],
    ids=repr,
)
def test_no_size(written, message):
    """What is no size is refused with what to write."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        size(written)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text, found",
    [
        ("10/second", (10, 1)),
        ("60/minute", (60, 60)),
        ("5000/hour", (5000, 3600)),
        ("1/day", (1, 86400)),
        ("900/15m", (900, 900)),
    ],
)
def test_rate(text, found):
    """A rate is a count and a period, by its name or as a duration."""
    assert rate(text) == found


@pytest.mark.parametrize(
    "written, message",
    [
        ("60/1m", "'60/1m' is written 60/minute"),
        ("10/s", f"'10/s' has an unknown period 's': {PERIODS}"),
        ("100/month", f"'100/month' has an unknown period 'month': {PERIODS}"),
        ("10/0s", "'10/0s' has a period of no length"),
        ("0/second", "'0/second' is not a rate: write a number and a period, such as 10/second or 900/15m"),
        (10, "this is not a rate: write a number and a period, such as 10/second or 900/15m"),
    ],
    ids=repr,
)
def test_no_rate(written, message):
    """What is no rate is refused with what to write; of two spellings one is legal."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        rate(written)
    assert str(caught.value) == message


@pytest.mark.parametrize("text, part", [("50%", 0.5), ("2.5%", 0.025), ("0%", 0.0), ("100%", 1.0)])
def test_percent(text, part):
    """A percentage is a part of 1."""
    assert percent(text) == part


@pytest.mark.parametrize(
    "written, shown",
    [
        ("", "''"),
        (50, "'50'"),
        ("101%", "'101%'"),
        ("5 %", "'5 %'"),
        (True, "this"),
        ("-1%", "'-1%'"),
    ],
)
def test_no_percentage(written, shown):
    """What is no percentage is refused with what to write."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        percent(written)
    assert str(caught.value) == (
        f"{shown} is not a share: write a number from 0 to 100 and a percent sign, such as 50%"
    )


@pytest.mark.parametrize(
    "field, written, value",
    [(Duration, "30s", 30.0), (Size, "1KiB", 1024), (Rate, "2/second", (2, 1.0)), (Percent, "5%", 0.05)],
)
def test_fields(field, written, value):
    """A field holds the quantity, is described as text for editors, and refuses a bare number in our words."""
    adapter = TypeAdapter(field)
    assert adapter.validate_python(written) == value
    assert adapter.json_schema()["type"] == "string"
    assert written[-1] in adapter.json_schema()["examples"][0]
    with pytest.raises(ValidationError):
        adapter.validate_python(7)


def test_field_without_template():
    """A field that holds no template takes `{{` for what it is: no duration."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Duration).validate_python("{{ config.wait }}")
    assert caught.value.errors()[0]["msg"] == f"'{{{{ config.wait }}}}' is not a duration: {UNITS}"


def test_field_with_template():
    """Beside a template type, text with `{{` becomes the template, and everything else is a quantity."""
    adapter = TypeAdapter[Template | float](Annotated[Template | float, DURATION])
    assert adapter.validate_python("30s") == 30.0
    template = adapter.validate_python("{{ config.wait }}")
    assert isinstance(template, Template)
    assert duration(template.value({"config": {"wait": "5m"}})) == 300
    for written, message in (("soon", f"'soon' is not a duration: {UNITS}"), (5, "say the unit: 5s")):
        with pytest.raises(ValidationError) as caught:
            adapter.validate_python(written)
        [error] = caught.value.errors()
        assert (error["msg"], error["loc"]) == (message, ())


@pytest.mark.parametrize("text", ["10/second", "5/minute", "5000/hour", "1/day", "900/900s", "8/500ms", "2000000/day"])
def test_a_rate_is_written_as_it_is_read(text):
    """What `rate` reads, `rate_text` writes."""
    assert rate_text(*rate(text)) == text
