"""JSON bodies decoded: exact, repaired where that is honest, and refused in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.decode import UndecodableError, decode_json


def refused(content: bytes) -> str:
    with pytest.raises(UndecodableError) as wrong:
        decode_json(content)
    return str(wrong.value)


# ── exact ─────────────────────────────────────────────────────────────────────────────────────────

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def exactly(value: Any) -> Any:
    """Comparable with types: 1, 1.0 and True are three values."""
    if isinstance(value, dict):
        return {key: exactly(item) for key, item in value.items()}
    return [exactly(item) for item in value] if isinstance(value, list) else (type(value), repr(value))


@given(json_values, st.booleans())
def test_json_is_read_as_it_was_written(value, ascii_only):
    """Whatever JSON can hold comes back equal and of the same type, without repair."""
    found, repair = decode_json(json.dumps(value, ensure_ascii=ascii_only).encode())
    assert exactly(found) == exactly(value)
    assert repair is None


@pytest.mark.parametrize(
    "text", ["9007199254740993", "18446744073709551616", "-123456789012345678901234567890", "9" * 4300]
)
def test_integers_are_exact(text):
    """An integer of any size that Python reads is that integer, where a float would round it."""
    found, repair = decode_json(b'{"id": %s}' % text.encode())
    assert (str(found["id"]), type(found["id"]), repair) == (text, int, None)


# ── repaired ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "content, value, repair",
    [
        (b'{"a": NaN}', {"a": None}, "NaN became null"),
        (b"[Infinity, -Infinity]", [None, None], "-Infinity became null, Infinity became null"),
        (b"[1e999, 1.5]", [None, 1.5], "a number that no float holds became null"),
        (b'{"a": [-1E+400, NaN]}', {"a": [None, None]}, "NaN became null, a number that no float holds became null"),
        (b"[" + b"9" * 400 + b".5]", [None], "a number that no float holds became null"),
        (rb'"\ud800"', "\ufffd", "a lone surrogate became U+FFFD"),
        (rb'"\udfff"', "\ufffd", "a lone surrogate became U+FFFD"),
        (rb'{"a\uDC00": ["\uD83D\uDE00 \uD83D"]}', {"a\ufffd": ["😀 \ufffd"]}, "a lone surrogate became U+FFFD"),
        (rb'["\udc00", NaN]', ["\ufffd", None], "NaN became null, a lone surrogate became U+FFFD"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}, "a byte order mark was passed over"),
        (b"\xef\xbb\xbf[NaN]", [None], "NaN became null, a byte order mark was passed over"),
    ],
)
def test_faults_of_real_services_are_repaired_and_told(content, value, repair):
    """NaN and what no float holds become null, half characters U+FFFD, a byte order mark is left out; all is said."""
    assert decode_json(content) == (value, repair)


def test_whole_characters_need_no_repair():
    """A surrogate pair in a body that was read slowly is the one character."""
    assert decode_json(rb'["\ud83d\ude00", NaN]') == (["😀", None], "NaN became null")


# ── refused ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "content, what",
    [
        (b"", "the body is empty, where JSON is expected"),
        (b" \r\n ", "the body is empty, where JSON is expected"),
        (b"\xef\xbb\xbf", "the body is empty, where JSON is expected"),
        (b'{"data": [{"id": 1}, {"id"', "the body is JSON that breaks off"),
        (b"[1, 2", "the body is JSON that breaks off"),
        (b'\xef\xbb\xbf{"a": ', "the body is JSON that breaks off"),
        ('{"name": "é'.encode()[:-1], "the body is JSON that breaks off"),
        (b'{"html": "<html>', "the body is JSON that breaks off"),
        (b'{"name": "caf\xe9"}', "the body is not UTF-8 (byte 13)"),
        (b'"\xed\xa0\x80"', "the body is not UTF-8 (byte 1)"),
        ('{"a": 1}'.encode("utf-16"), "the body is not UTF-8 (byte 0)"),
        (b"hello", "the body is not JSON (line 1, column 1)"),
        (b"no", "the body is not JSON (line 1, column 1)"),
        (b'{"a": 1} x', "the body is not JSON (line 1, column 10)"),
        (b'{"a": 1}\n{"a": 2}', "the body is not JSON (line 2, column 1)"),
        (b"{'a': 1}", "the body is not JSON (line 1, column 2)"),
        (b"<!DOCTYPE html>\n<p>Log in", "the body is an HTML page, where JSON is expected"),
        (
            b"\xef\xbb\xbf<!-- hi --><HTML><head><TITLE lang=en>\n  Sign\x1b[31m\n in </TITLE>",
            "the body is an HTML page (its title: Sign[31m in), where JSON is expected",
        ),
        (b"<html><title></title>caf\xe9</html>", "the body is an HTML page, where JSON is expected"),
        (b'<?xml version="1.0"?><error/>', "the body is XML, where JSON is expected"),
        (b"[" * 100_000, "the body is nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "the body is nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "the body is nested too deeply"),
        (b'{"id": ' + b"9" * 5000 + b"}", "the body holds a whole number of more than 4300 digits"),
    ],
    ids=lambda value: value[:15] + value[-5:] if isinstance(value, bytes) else "",
)
def test_what_is_no_json_is_told_in_words(content, what):
    """A body that can't be read says what it is instead."""
    assert refused(content) == what


@pytest.mark.parametrize("depth", range(850, 1050, 10))
def test_a_repair_is_no_deeper_than_reading(depth):
    """A body at the edge of what can be nested is repaired or refused, whichever of the two gives up first."""
    content = b"[" * depth + rb'"\ud800"' + b"]" * depth
    try:
        assert decode_json(content)[1] == "a lone surrogate became U+FFFD"
    except UndecodableError as wrong:
        assert str(wrong) == "the body is nested too deeply"  # noqa: PT017 - either end is right


def test_a_long_title_is_not_quoted_at_length():
    """The title of a page is cut, and looking for it takes no time on a page of nothing but titles."""
    assert len(refused(b"<html><title>" + b"a" * 5000)) < 200
    assert refused(b"<html>" + b"<title" * 50_000) == "the body is an HTML page, where JSON is expected"


@given(
    st.binary()
    | st.builds(
        lambda start, noise: start + noise, st.sampled_from([b"{", b'["', b"<", b"\xef\xbb\xbf", b"-"]), st.binary()
    )
)
def test_any_bytes_are_a_value_or_refused(content):
    """No bytes raise anything but UndecodableError, and its text is one printable line."""
    try:
        decode_json(content)
    except UndecodableError as wrong:
        assert str(wrong).isprintable()  # noqa: PT017 - any bytes may as well be JSON


@given(json_values, st.data())
def test_a_body_that_breaks_off_is_never_a_value_of_its_own(value, data):
    """An object that is cut anywhere is refused, never taken for less than it is."""
    content = json.dumps({"data": value}, ensure_ascii=False).encode()
    refused(content[: data.draw(st.integers(0, len(content) - 1))])
