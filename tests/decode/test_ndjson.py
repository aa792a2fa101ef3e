"""JSON a line: every line a value, however it is cut, and the line's number where one is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.address import BodyPath
from connector_core.decode import UndecodableError
from connector_core.decode.ndjson import Ndjson
from tests.decode.chunks import begun, cuts, fed, records, streamed
from tests.decode.test_json_stream import VALUES


@given(st.lists(VALUES), st.sampled_from(["\n", "\r\n", "\n\n", " \n"]), st.booleans(), st.data())
def test_any_chunking_gives_every_line(values, between, ended, data):
    """Lines end as they like, the last one need not, blank ones are passed over; all values come, in order."""
    content = between.join(json.dumps(value) for value in values).encode() + (between.encode() if ended else b"")
    found, repair = Ndjson().read(content)
    assert repr(found) == repr(values)
    assert repair is None
    chunks = data.draw(cuts(content))
    assert repr(streamed(begun(Ndjson().stream(BodyPath("body"))), chunks)) == repr(values)


def test_an_empty_body_has_no_lines():
    """No line, no record."""
    assert Ndjson().read(b"") == ([], None)
    assert records(Ndjson(), "body", []) == []


def test_repairs_are_told_once():
    """What had to be repaired in some lines is told once."""
    assert Ndjson().read(b"\xef\xbb\xbf1\nNaN\nNaN") == (
        [1, None, None],
        "a byte order mark was passed over, NaN became null",
    )


def test_only_whole_lines_stream():
    """The values are the records; inside of them nothing streams."""
    assert Ndjson().stream(BodyPath("body.*.item")) is None


@pytest.mark.parametrize(
    "content, what",
    [
        (b'{"a": 1}\n\n{"a": ', "line 3 of the body is JSON that breaks off"),
        (b"{\"a\": 1}\n{'a': 1}\n", "line 2 of the body is not JSON (column 2)"),
        (b'{"a": 1} {"a": 2}', "line 1 of the body is not JSON (column 10)"),
        (b'{\n"a": 1}', "line 1 of the body is JSON that breaks off"),
        (b'1\n"caf\xe9"', "line 2 of the body is not UTF-8 (byte 4)"),
        (b"1\n" + b"[" * 100_000, "line 2 of the body is nested too deeply"),
        (b"<html><title>Sign in</title>\n", "the body is an HTML page (its title: Sign in), where NDJSON is expected"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_errors(content, what):
    """The line is told that is no JSON."""
    with pytest.raises(UndecodableError) as wrong:
        Ndjson().read(content)
    assert str(wrong.value) == what


def test_a_line_without_end_is_refused(monkeypatch):
    """A line that never ends is refused when it is too large, and lines that end are not."""
    monkeypatch.setattr("connector_core.decode.ndjson.LIMIT", 1 << 20)
    stream = begun(Ndjson().stream(BodyPath("body")))
    assert fed(stream, b"[1]\n" * 100_000, 5) == 500_000
    with pytest.raises(UndecodableError, match="a line of the body is larger than 1 MiB"):
        fed(stream, b"[" * 100_000, 20)
