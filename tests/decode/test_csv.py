"""CSV: every dialect that services write, read strictly, with the line told where something is wrong."""

from __future__ import annotations

import csv
from io import StringIO
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.address import BodyPath
from connector_core.component import Model
from connector_core.decode import Decode, UndecodableError
from connector_core.decode.csv_body import Csv
from tests.decode.chunks import begun, cuts, fed, streamed

NAMES = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=4, unique=True)
CELLS = st.text(max_size=6) | st.sampled_from(
    ['"', '""', ",", ";", "\n", "\r\n", "\r", "a\nb", "\\", "\x00", " x ", "é"]
)


def read(content: bytes, **options: Any) -> Any:
    return Csv(**options).read(content)[0]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Csv, list[dict[str, str]], bytes]:
    """A kind, rows, and a file of them in that dialect."""
    kind = Csv(
        delimiter=draw(st.sampled_from([",", ";", "\t", "|"])),
        quote=draw(st.sampled_from(['"', "'"])),
        encoding=draw(st.sampled_from(["utf-8", "utf-16", "utf-16-le"])),
    )
    names = draw(NAMES)
    rows = draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), max_size=5))
    rows = [row for row in rows if row != names]
    written = StringIO(newline="")
    ends = draw(st.sampled_from(["\r\n", "\n"]))
    writer = csv.writer(
        written, delimiter=kind.delimiter, quotechar=kind.quote, lineterminator=ends, quoting=csv.QUOTE_ALL
    )
    writer.writerows([names, *rows])
    text = written.getvalue()
    text = text.removesuffix(ends) if draw(st.booleans()) else text
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    return kind, objects, text.encode(kind.encoding, "surrogatepass")


@given(tables(), st.data())
def test_any_chunking_gives_every_row(table, data):
    """Quotes, delimiters and ends of lines inside values come back as they were, wherever the body is cut."""
    kind, rows, content = table
    try:
        whole = kind.read(content)
    except UndecodableError:  # surrogates that were written as such
        return
    assert whole == (rows, None)
    stream = begun(kind.stream(BodyPath("body")))
    assert streamed(stream, data.draw(cuts(content))) == rows
    assert stream is not None
    assert (stream.rest, stream.repair) == ([], None)


@given(st.binary() | st.text(alphabet='a",\r\n;').map(str.encode), st.data())
def test_any_bytes_are_read_the_same_or_refused(content, data):
    """Whatever comes, the stream gives what the whole gives, or both raise."""
    for kind in (Csv(), Csv(ragged="fill", header=False), Csv(quote=None, header=["a", "b"])):
        chunks = data.draw(cuts(content))
        try:
            rows = kind.read(content)[0]
        except UndecodableError as wrong:
            assert str(wrong).isprintable()  # noqa: PT017 - any bytes may as well be CSV
            with pytest.raises(UndecodableError):
                streamed(begun(kind.stream(BodyPath("body"))), chunks)
        else:
            assert streamed(begun(kind.stream(BodyPath("body"))), chunks) == rows


@pytest.mark.parametrize(
    "options, content, rows",
    [
        ({}, b"id,name\n1,a\n2,\n", [{"id": "1", "name": "a"}, {"id": "2", "name": ""}]),
        ({}, b"\xef\xbb\xbfid,name\r\n1,a", [{"id": "1", "name": "a"}]),
        ({}, b"id\r1\r2", [{"id": "1"}, {"id": "2"}]),
        ({}, b"id\n\n1\n\r\n2\n\n", [{"id": "1"}, {"id": "2"}]),
        ({}, b"id,name\n", []),
        ({}, b'id,name\n1,"a ""b"", c\n d"\n', [{"id": "1", "name": 'a "b", c\n d'}]),
        ({}, b'id,name\n1,5" pipe\n', [{"id": "1", "name": '5" pipe'}]),
        ({}, b"id,name\n1,a\x00b\n", [{"id": "1", "name": "a\x00b"}]),
        ({}, b"id,name\n 1 , a\n", [{"id": " 1 ", "name": " a"}]),
        ({}, b"id,name\n1,a\nid,name\n2,b\n", [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]),
        ({}, b"id,price\n007,1.10\n", [{"id": "007", "price": "1.10"}]),
        ({"empty": "null"}, b"id,name\n1,\n", [{"id": "1", "name": None}]),
        ({"delimiter": ";"}, b"id;name\n1;a,b\n", [{"id": "1", "name": "a,b"}]),
        ({"delimiter": "\t"}, b"id\tname\n1\t\n", [{"id": "1", "name": ""}]),
        ({"quote": "'"}, b"id,name\n1,'a,b'\n", [{"id": "1", "name": "a,b"}]),
        ({"quote": None}, b'id,name\n1,"a\n', [{"id": "1", "name": '"a'}]),
        ({"escape": "\\"}, b'id,name\n1,"a\\"b"\n2,c\\,d\n', [{"id": "1", "name": 'a"b'}, {"id": "2", "name": "c,d"}]),
        ({"header": False}, b"1,a\n2,b\n", [{"c1": "1", "c2": "a"}, {"c1": "2", "c2": "b"}]),
        ({"header": False}, b"", []),
        ({"header": ["id", "name"]}, b"1,a\n", [{"id": "1", "name": "a"}]),
        ({"header": ["id", "name"]}, b"", []),
        ({"skip": 2}, b"Report\nof today, 3 rows\nid,name\n1,a\n", [{"id": "1", "name": "a"}]),
        ({"skip": 2}, b"Report", []),
        ({"skip": 1, "header": ["a"]}, b"id\n1\n", [{"a": "1"}]),
        ({"encoding": "cp1252"}, "id,name\n1,caf\xe9 \u20ac\n".encode("cp1252"), [{"id": "1", "name": "café €"}]),
        ({"encoding": "latin-1"}, b"id,name\n1,caf\xe9\n", [{"id": "1", "name": "café"}]),
        ({"encoding": "utf-16"}, "id,name\n1,é\n".encode("utf-16"), [{"id": "1", "name": "é"}]),
        ({"encoding": "shift_jis"}, "id\n茶\n".encode("shift_jis"), [{"id": "茶"}]),
        ({"ragged": "fill"}, b"a,b\n1\n1,2,3\n", [{"a": "1", "b": None}, {"a": "1", "b": "2", "c3": "3"}]),
    ],
)
def test_dialects(options, content, rows):
    """Each option does what it says; values stay text, letter by letter."""
    assert read(content, **options) == rows


@pytest.mark.parametrize(
    "options, content, what",
    [
        ({}, b"", "the body is empty, where CSV is expected"),
        ({}, b" \n", "the body is empty, where CSV is expected"),
        ({}, b"a,b\n1,2\n3\n", "line 3 of the body has 1 values for 2 columns"),
        ({}, b'a,b\n"x\ny",2\n\n1,2,3\n', "line 5 of the body has 3 values for 2 columns"),
        ({"skip": 1}, b"x\na,b\n1\n", "line 3 of the body has 1 values for 2 columns"),
        ({"header": False}, b"1,2\n3\n", "line 2 of the body has 1 values for 2 columns"),
        ({"ragged": "fill"}, b"c2,b\n1,2\n", None),
        ({"ragged": "fill"}, b"c3,b\n1,2,3\n", "line 2 of the body has 3 values, and c3 is another column"),
        ({}, b"a,b,a\n", "line 1 of the body should name the columns, and columns 1 and 3 have the same name"),
        ({}, b"a,,b\n", "line 1 of the body should name the columns, and column 2 has no name"),
        ({}, b'a,b\n1,"x\n2,y\n', "the body breaks off in the row that begins in line 2"),
        ({}, b'a,b\n1,2\n"x"y,2\n', "line 3 of the body is not CSV: a quoted value goes on after its closing quote"),
        ({}, b"a,b\n1,caf\xe9\n", "the body is not UTF-8 (byte 9)"),
        ({}, b"a,b\n1,caf\xc3", "the body is not UTF-8 (byte 9)"),
        ({"encoding": "cp1252"}, b"a\n\x81", "the body is not CP1252 (byte 2)"),
        ({"encoding": "utf-16"}, b"a\n1\n", "the body is not UTF-16: it has no byte order mark"),
        ({}, b"<!DOCTYPE html>\n<title>Sign in</title>",
         "the body is an HTML page (its title: Sign in), where CSV is expected"),
        ({}, b'<?xml version="1.0"?><Error/>', "the body is XML, where CSV is expected"),
        ({}, b'{"error": "no such report"}', "the body is JSON, where CSV is expected"),
        ({}, b'\xef\xbb\xbf [{"id": 1}]\n', "the body is JSON, where CSV is expected"),
    ],
)  # fmt: skip
def test_errors(options, content, what):
    """What does not fit is told with its line, and nothing of what it holds; other formats are told by name."""
    if what is None:
        assert read(content, **options) == [{"c2": "1", "b": "2"}]
        return
    for cut in (len(content) + 1, 1):
        chunks = [content[at : at + cut] for at in range(0, len(content), cut)]
        with pytest.raises(UndecodableError) as wrong:
            streamed(begun(Csv(**options).stream(BodyPath("body"))), chunks)
        assert str(wrong.value) == what


def test_what_looks_like_json_but_is_csv():
    """A first column that begins with a bracket is a column."""
    assert read(b'[id],"{x}"\n1,2\n') == [{"[id]": "1", "{x}": "2"}]


def test_huge_values():
    """A value may be as large as the body: the limit of the standard library's reader is no limit here."""
    value = "x" * 1_000_000
    assert read(f"a,b\n1,{value}\n".encode()) == [{"a": "1", "b": value}]


def test_rows_come_as_soon_as_they_are_whole():
    """A row is handed out with the chunk that ends its line."""
    stream = begun(Csv().stream(BodyPath("body")))
    assert stream is not None
    given = [stream.feed(chunk) for chunk in (b"a,b\n1,", b"2\n3,4", b"\n")]
    assert given == [[], [{"a": "1", "b": "2"}], [{"a": "3", "b": "4"}]]


def test_a_value_without_end_is_refused(monkeypatch):
    """A quote that is never closed is refused when too much follows it, which is not looked at again and again."""
    monkeypatch.setattr("connector_core.decode.csv_body.LIMIT", 1 << 22)
    stream, started = begun(Csv().stream(BodyPath("body"))), process_time()
    assert fed(stream, b'a,b\n1,"', 1) == 0
    with pytest.raises(UndecodableError, match="a row of the body is larger than 4 MiB"):
        fed(stream, b"some words and a line's end\n" * 10, 100_000)
    assert process_time() - started < 10


@pytest.mark.parametrize(
    "options, what",
    [
        ({"delimiter": "::"}, "must be one character"),
        ({"delimiter": ""}, "must be one character"),
        ({"quote": "\n"}, "must be one character"),
        ({"delimiter": ";", "quote": ";"}, "three different characters"),
        ({"escape": '"'}, "three different characters"),
        ({"header": []}, "must all be different"),
        ({"header": ["a", "a"]}, "must all be different"),
        ({"header": ["a", ""]}, "must all be different"),
        ({"encoding": "utf8"}, "utf-8"),
        ({"skip": -1}, "0"),
    ],
)
def test_options_that_cannot_be(options, what):
    """What no file can be like is refused when the spec is loaded."""
    assert issubclass(Csv, Model)
    with pytest.raises(ValueError, match=what):
        Decode.resolve({"type": "csv", **options})


def test_only_rows_stream():
    """The rows are the records; an address inside of them needs the whole."""
    assert Csv().stream(BodyPath("body.*.id")) is None
