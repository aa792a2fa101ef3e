"""JSON as it comes: the same records as from the whole body, however it is cut, and nothing kept."""

from __future__ import annotations

import json
import tracemalloc
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.address import BodyPath
from connector_core.decode import Json, Stream, UndecodableError, decode_json
from connector_core.response import records_of
from tests.decode.chunks import begun, cuts, fed, records, streamed

# ── the same as from the whole ────────────────────────────────────────────────────────────────────

TEXTS = st.text() | st.sampled_from(
    ['"', "\\", "\\\\", '\\"', '\\\\"', "[", "]", "{", "}", "],", "},{", '{"data": [', ",", ":", "\u2028", "\x00", "😀"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
PATHS = ["body", "body.data", "body.a.b", "body.data.data", 'body."]"']


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    """An address, and a body which mostly has a list there."""
    path = draw(st.sampled_from(PATHS))
    value = draw(st.lists(VALUES, max_size=6) | VALUES)
    for key in reversed(BodyPath(path).keys):
        beside = draw(st.dictionaries(TEXTS, VALUES, max_size=2))
        after = draw(st.dictionaries(TEXTS, VALUES, max_size=2))
        value = draw(st.just({**beside, key: value, **after}) | st.just(beside)) if beside else {key: value, **after}
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), ("\t,\r\n", " : ")]))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), separators=separators)
    return path, draw(st.sampled_from([b"", b"\xef\xbb\xbf", b" \n"])) + text.encode("utf-8", "surrogatepass")


@given(bodies(), st.data())
def test_any_chunking_gives_the_records_of_the_whole(body, data):
    """Wherever a body is cut, inside characters and escapes too, its records are those of the whole."""
    path, content = body
    try:
        whole = decode_json(content)[0]
    except UndecodableError:  # surrogates that were written as such
        with pytest.raises(UndecodableError):
            records(Json(), path, data.draw(cuts(content)))
        return
    assert repr(records(Json(), path, data.draw(cuts(content)))) == repr(records_of(whole, BodyPath(path)))


@given(bodies(), st.data())
def test_a_body_that_is_cut_off_is_never_whole(body, data):
    """Whatever is missing at the end, the stream raises, unless the part is a body of its own."""
    path, content = body
    part = content[: data.draw(st.integers(0, max(len(content) - 1, 0)))]
    try:
        whole = decode_json(part)[0]
    except UndecodableError:
        with pytest.raises(UndecodableError):
            records(Json(), path, data.draw(cuts(part)))
    else:
        assert repr(records(Json(), path, [part])) == repr(records_of(whole, BodyPath(path)))


@given(bodies(), st.data())
def test_what_is_no_json_is_refused_or_read_the_same(body, data):
    """With one byte changed, the stream gives what the whole gives, or raises where that raises."""
    path, content = body
    at = data.draw(st.integers(0, len(content)))
    noise = data.draw(st.sampled_from([b"", b"[", b"]", b"{", b"}", b",", b'"', b"\\", b":", b"1", b" ", b"\xff"]))
    content = content[:at] + noise + content[at + data.draw(st.sampled_from([0, 1])) :]
    try:
        expected = repr(records_of(decode_json(content)[0], BodyPath(path)))
    except UndecodableError:
        with pytest.raises(UndecodableError):
            records(Json(), path, data.draw(cuts(content)))
        return
    try:
        assert repr(records(Json(), path, data.draw(cuts(content)))) == expected
    except UndecodableError as wrong:
        assert "twice" in str(wrong)  # noqa: PT017 - a name that comes again, which only the whole can resolve


def deep(depth: int) -> Any:
    value: Any = {"end": '"\\]}'}
    for _ in range(depth):
        value = {"a": [value, "}"]}
    return value


@pytest.mark.parametrize("size", [1, 5, 1000, 1 << 20])
def test_elements_of_any_depth(size):
    """Elements that are nested deeper than the fast expression goes are found all the same, among shallow ones."""
    elements = [deep(depth % 12) for depth in range(60)]
    content = json.dumps({"data": elements, "deep": deep(12)}).encode()
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    assert records(Json(), "body.data", chunks) == elements


def opened(path: str) -> Stream:
    return begun(Json().stream(BodyPath(path)))


# ── what is left ──────────────────────────────────────────────────────────────────────────────────


def test_the_rest_is_the_body_without_its_records():
    """After the end, everything else of the body is there, and the list of the records is empty."""
    stream = opened("body.page.data")
    content = b'{"total": 3, "page": {"data": [1, 2], "next": "x"}, "data": [7]}'
    assert streamed(stream, [content]) == [1, 2]
    assert stream.rest == {"total": 3, "page": {"data": [], "next": "x"}, "data": [7]}
    assert stream.repair is None


@pytest.mark.parametrize("content", [b'{"data": {"id": 1}}', b'{"data": 3}', b'{"data": null}', b"{}", b"[]", b"3"])
def test_what_is_no_list_stays_in_the_rest(content):
    """An object, a scalar, null or nothing at the address is left where it is, and no item comes."""
    stream = opened("body.data")
    assert streamed(stream, [content]) == []
    assert stream.rest == json.loads(content)


def test_repairs_are_told():
    """NaN, half characters and a byte order mark are repaired as in a whole body, inside the records and outside."""
    stream = opened("body.data")
    content = b'\xef\xbb\xbf{"data": [{"a": NaN}, "\\ud800"], "b": -Infinity}'
    assert streamed(stream, [content]) == [{"a": None}, "\ufffd"]
    assert stream.rest == {"data": [], "b": None}
    assert stream.repair == (
        "-Infinity became null, NaN became null, a byte order mark was passed over, a lone surrogate became U+FFFD"
    )


def test_items_come_as_soon_as_they_are_whole():
    """An element is handed out with the chunk that holds the comma or bracket after it."""
    stream = opened("body")
    given = [stream.feed(chunk) for chunk in (b'[{"a": 1}', b', {"a"', b': 2}, {"a": 3}', b"]")]
    assert given == [[], [{"a": 1}], [{"a": 2}], [{"a": 3}]]
    assert stream.close() == []


@pytest.mark.parametrize("path", ["body.*", "body.data.*", "body.data.0", "body.data.*.item", "body.-1.data"])
def test_other_addresses_have_no_stream(path):
    """Where an address runs over lists or counts in them, the whole body is needed."""
    assert Json().stream(BodyPath(path)) is None


# ── what is wrong ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "content, what",
    [
        (b'{"data": [{"id": 1}, {"id"', "the body is JSON that breaks off (after 1 records)"),
        (b'{"data": [1, 2]', "the body is JSON that breaks off"),
        (b'{"data": [1, nope, 3]}', "the body is not JSON (after 0 records)"),
        (b'{"data": [1, ]}', "the body is not JSON (after 0 records)"),
        (b'{"data": [,]}', "the body is not JSON (after 0 records)"),
        (b'{"data": [1 }', "the body is not JSON (after 0 records)"),
        (b'{"data": ["\xff"]}', "the body is not UTF-8 (after 0 records)"),
        (b'{"data": [%s]}' % (b"9" * 5000), "the body holds a whole number of more than 4300 digits (after 0 records)"),
        (b'{"data": [%s]}' % (b"[" * 100_000 + b"]" * 100_000), "the body is nested too deeply (after 0 records)"),
        (b"[" * 100_000, "the body is nested too deeply"),
        (b'{"data": [1], "data": [2]}', "the body has the name 'data' twice, and records cannot be read as they come"),
        (b'{"data": [1]} x', "the body is not JSON (line 1, column 14)"),
        (b"", "the body is empty, where JSON is expected"),
        (b"<html><title>Sign in</title>[1]", "the body is an HTML page (its title: Sign in), where JSON is expected"),
        (b"<a>[x], [y]</a>", "the body is XML, where JSON is expected"),
    ],
    ids=lambda value: value[:25] if isinstance(value, bytes) else "",
)
def test_errors(content, what):
    """What is wrong is told as for a whole body, with the number of records that were whole."""
    with pytest.raises(UndecodableError) as wrong:
        streamed(begun(Json().stream(BodyPath("body.data"))), [content])
    assert str(wrong.value) == what


def test_html_where_a_list_is_expected():
    """A page with brackets in it is told as a page, also where the whole body would be the list."""
    with pytest.raises(UndecodableError, match="an HTML page"):
        streamed(begun(Json().stream(BodyPath("body"))), [b"<html>", b"<!--[if IE]> <![endif]-->"])


# ── bounded ───────────────────────────────────────────────────────────────────────────────────────


def peak(stream: Stream, chunk: bytes, count: int) -> float:
    """How many MiB are held at most while so many chunks come and their items are dropped."""
    tracemalloc.start()
    try:
        for _ in range(count):
            stream.feed(chunk)
        return tracemalloc.get_traced_memory()[1] / (1 << 20)
    finally:
        tracemalloc.stop()


def test_memory_is_bounded():
    """A hundred times the records take no more memory."""
    chunk = b'{"id": 1, "text": "%s"},' % (b"x" * 500) * 100
    few, many = opened("body"), opened("body")
    few.feed(b"[")
    many.feed(b"[")
    assert peak(many, chunk, 300) < peak(few, chunk, 3) + 1


@pytest.mark.parametrize("start", [b"[", b'["', b'[{"a": "', b'{"x": "', b'[{"a": [', b'{"x": ['])
def test_a_record_without_end_is_refused(start, monkeypatch):
    """What never ends, a text or a list, a record or something beside them, is refused when it is too large."""
    monkeypatch.setattr("connector_core.decode.json_stream.LIMIT", 1 << 20)
    stream = opened("body")
    fed(stream, start, 1)
    with pytest.raises(UndecodableError, match="is larger than 1 MiB"):
        fed(stream, b"a1 " * 30_000, 20)


@pytest.mark.parametrize(
    "piece", [b'"a\\\\b", ', b"[", b'{"a": ', b'"', b"\\", b"\\\\", b"{} , ", b"]", b'","', b'["]"],']
)
def test_time_is_linear(piece):
    """No row of signs is looked at again and again while more of it comes."""
    stream = opened("body")
    fed(stream, b"[", 1)
    chunk, started = piece * (512 // len(piece)), process_time()
    with pytest.raises(UndecodableError):  # 4 MB: half a minute if each chunk cost a look at all of it
        streamed(stream, [chunk] * 8000)
    assert process_time() - started < 10
