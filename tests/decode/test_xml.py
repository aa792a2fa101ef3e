"""XML as JSON's types, the same from chunks; what could do harm is refused."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.address import BodyPath
from connector_core.decode import UndecodableError
from connector_core.decode.xml_body import Xml
from connector_core.response import records_of
from tests.decode.chunks import begun, cuts, fed, records, streamed

NAMES = st.sampled_from(["a", "b", "Item", "é", "x-1"])
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=5
)


@st.composite
def elements(draw: st.DrawFn, name: str = "root", depth: int = 3) -> ET.Element:
    element = ET.Element(name, draw(st.dictionaries(NAMES, TEXTS, max_size=2)))
    element.text = draw(TEXTS)
    for child in draw(st.lists(NAMES, max_size=4 if depth else 0)):
        element.append(draw(elements(child, depth - 1)))
    return element


@given(
    elements(), st.sampled_from(["body.root.Item", "body.root.a.Item", "body.root.b", "body.root.a.b.Item"]), st.data()
)
def test_any_chunking_gives_the_records_of_the_whole(root, path, data):
    """Wherever a body is cut, its records are those of the whole; what can't be had so is an error, never less."""
    content = ET.tostring(root, encoding=data.draw(st.sampled_from(["utf-8", "utf-16"])))
    kind = Xml(lists=data.draw(st.sampled_from([[], ["Item"]])))
    expected = records_of(kind.read(content)[0], BodyPath(path))
    try:
        found = records(kind, path, data.draw(cuts(content)))
    except UndecodableError as wrong:
        assert "second" in str(wrong)  # noqa: PT017 - what leads to the records is repeated
    else:
        assert found == expected


@given(st.binary() | st.text(alphabet="<>/a&;! '\"=").map(lambda text: f"<a>{text}</a>".encode()), st.data())
def test_any_bytes_are_read_the_same_or_refused(content, data):
    """Whatever comes is read the same whole and in chunks, or refused in one printable line."""
    try:
        whole = Xml().read(content)[0]
    except UndecodableError as wrong:
        assert str(wrong).isprintable()  # noqa: PT017 - any bytes may as well be XML
        with pytest.raises(UndecodableError):
            streamed(begun(Xml().stream(BodyPath("body.a.b"))), data.draw(cuts(content)))
    else:
        assert repr(records(Xml(), "body.q.r", data.draw(cuts(content)))) == repr(
            records_of(whole, BodyPath("body.q.r"))
        )


@pytest.mark.parametrize(
    "content, options, value",
    [
        ("<a>text</a>", {}, {"a": "text"}),
        ("<a/>", {}, {"a": None}),
        ("<a> \n </a>", {}, {"a": None}),
        ("<a>\n  text\n</a>", {}, {"a": "text"}),
        ('<a id="1"/>', {}, {"a": {"@id": "1"}}),
        ('<a id="1">text</a>', {}, {"a": {"@id": "1", "#text": "text"}}),
        ("<a>one <b>two</b> three</a>", {}, {"a": {"b": "two", "#text": "one  three"}}),
        ("<a><b>1</b><b>2</b></a>", {}, {"a": {"b": ["1", "2"]}}),
        ("<a><b>1</b><c>2</c><b>3</b><b/></a>", {}, {"a": {"b": ["1", "3", None], "c": "2"}}),
        ("<a><b>1</b></a>", {"lists": ["b"]}, {"a": {"b": ["1"]}}),
        ("<a><![CDATA[<b>]]>&amp;&#233;</a>", {}, {"a": "<b>&é"}),
        ("<?xml version='1.0'?><!-- hi --><a><?p x?><b>1</b><!-- no --></a>", {}, {"a": {"b": "1"}}),
        ('<x:a xmlns:x="urn:x" xmlns="urn:y"><x:b x:id="1" id="2">1</x:b></x:a>', {},
         {"a": {"b": {"@id": "2", "#text": "1"}}}),
        ('<x:a xmlns:x="urn:x"><x:b x:id="1">1</x:b></x:a>', {"prefixes": True},
         {"x:a": {"@xmlns:x": "urn:x", "x:b": {"@x:id": "1", "#text": "1"}}}),
        ('<?xml version="1.0" encoding="iso-8859-1"?><a>caf\xe9</a>'.encode("latin-1"), {}, {"a": "café"}),
        ('<?xml version="1.0" encoding="windows-1252"?><a>\x80</a>'.encode("latin-1"), {}, {"a": "€"}),
        ('<?xml version="1.0" encoding="utf-16"?><a>é</a>'.encode("utf-16"), {}, {"a": "é"}),
        (b"\xef\xbb\xbf<a>1</a>", {}, {"a": "1"}),
        ("<rss><html>no page</html></rss>", {}, {"rss": {"html": "no page"}}),
    ],
)  # fmt: skip
def test_shapes(content, options, value):
    """Attributes are `@x`, text beside them is `#text`, repeated children are lists, prefixes go unless wanted."""
    assert Xml(**options).read(content.encode() if isinstance(content, str) else content) == (value, None)


BILLION = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><lolz>&j;</lolz>"
)


@pytest.mark.parametrize(
    "content, what",
    [
        (b"", "the body is empty, where XML is expected"),
        (b" \n", "the body is empty, where XML is expected"),
        (b"<a><b>1</b>", "the body is XML that breaks off"),
        (b"<a><b", "the body is XML that breaks off"),
        (b"<a><![CDATA[x", "the body is XML that breaks off"),
        (b"<a></b>", "the body is not XML (line 1, column 6)"),
        (b"<a/><a/>", "the body is not XML (line 1, column 5)"),
        (b"<a>&nbsp;</a>", "the body is not XML (line 1, column 4)"),
        (b"<a>\xff</a>", "the body is not XML (line 1, column 4)"),
        (b"<a>\x00</a>", "the body is not XML (line 1, column 4)"),
        (b"no", "the body is not XML (line 1, column 1)"),
        (b'{"error": 1}', "the body is JSON, where XML is expected"),
        (b"<!DOCTYPE html><title>Sign in</title>",
         "the body is an HTML page (its title: Sign in), where XML is expected"),
        (b"<html><body/></html>", "the body is an HTML page, where XML is expected"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "the body is XML in an encoding that is not known here"),
        (b'<?xml version="1.0" encoding="shift_jis"?><a/>', "the body is XML in an encoding that is not known here"),
        (BILLION.encode(), "the body has a DOCTYPE, which is refused: its entities could do harm"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
         "the body has a DOCTYPE, which is refused: its entities could do harm"),
        (b"<a>" * 100_000, "the body is nested too deeply"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "the body is nested too deeply"),
    ],
    ids=lambda value: value[:34] + value[-5:] if isinstance(value, bytes) else "",
)  # fmt: skip
def test_errors(content, what):
    """What is no XML is told by what it is; a DOCTYPE is refused before anything in it is looked at."""
    for cut in (len(content) + 1, 1000, 7):
        chunks = [content[at : at + cut] for at in range(0, len(content), cut)]
        with pytest.raises(UndecodableError) as wrong:
            streamed(begun(Xml().stream(BodyPath("body.a.b"))), chunks)
        assert str(wrong.value) == (what if cut > 7 else what.replace(" (its title: Sign in)", ""))


def test_the_rest_is_the_body_without_its_records():
    """What stands beside the records is there after the end, for pagination; their list is empty."""
    stream = begun(Xml().stream(BodyPath("body.R.Contents")))
    content = b"<R><Next>x</Next><Contents><k>1</k></Contents><Contents><k>2</k></Contents><More>true</More></R>"
    assert streamed(stream, [content]) == [{"k": "1"}, {"k": "2"}]
    assert stream is not None
    assert stream.rest == {"R": {"Next": "x", "Contents": [], "More": "true"}}


def test_records_below_what_is_repeated():
    """Where what leads to the records is repeated, the whole body has a list there and the stream says so."""
    content = b"<R><G><I>1</I></G><G><I>2</I></G></R>"
    assert records_of(Xml().read(content)[0], BodyPath("body.R.G.*.I")) == [{"value": "1"}, {"value": "2"}]
    with pytest.raises(UndecodableError, match="the body has a second G"):
        streamed(begun(Xml().stream(BodyPath("body.R.G.I"))), [content])


@pytest.mark.parametrize(
    "path, options",
    [("body", {}), ("body.R", {}), ("body.R.*", {}), ("body.R.0.I", {}), ("body.R.@x", {}),
     ("body.R.G.I", {"lists": ["G"]})],
)  # fmt: skip
def test_other_addresses_have_no_stream(path, options):
    """Only elements below the outermost one, led to by names alone, come one by one."""
    assert Xml(**options).stream(BodyPath(path)) is None


def test_records_are_dropped_when_they_were_given(monkeypatch):
    """However many records come, with white space between them, nothing of them is kept."""
    monkeypatch.setattr("connector_core.decode.xml_body.LIMIT", 1 << 18)
    stream: Any = begun(Xml().stream(BodyPath("body.R.I")))
    stream.feed(b"<R>")
    assert fed(stream, b"<I a='1'>1</I>\n  " * 1000, 100) == 100_000


def test_a_whole_body_has_no_limit_but_its_own(monkeypatch):
    """What is read as a whole was limited before: however many elements it has, it is read."""
    monkeypatch.setattr("connector_core.decode.xml_body.LIMIT", 1 << 18)
    [(_, value)] = Xml().read(b"<R>" + b"<I/>" * 100_000 + b"</R>")[0].items()
    assert len(value["I"]) == 100_000


@pytest.mark.parametrize(
    "start, piece", [(b"", b"<x>1</x>"), (b"", b"text "), (b"<I>", b"<x/>"), (b"<I a='", b"text ")]
)
def test_memory_is_bounded(start, piece, monkeypatch):
    """What is kept beside the records is refused when it is too large, and so is a record that does not end."""
    monkeypatch.setattr("connector_core.decode.xml_body.LIMIT", 1 << 18)
    stream: Any = begun(Xml().stream(BodyPath("body.R.I")))
    stream.feed(b"<R>" + start)
    with pytest.raises(UndecodableError, match="is larger than 262144 bytes"):
        fed(stream, piece * 1000, 100)
