"""Requests, answers and headers as values."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.http import (
    Headers,
    Multipart,
    Part,
    Request,
    Response,
    encode_query,
    is_binary,
    origin,
    without_credentials,
)

MULTIPART = (
    b'--0-12\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xc3\xa9\r\n'
    b'--0-12\r\nContent-Disposition: form-data; name="f"; filename="q%22.png"\r\nContent-Type: image/png\r\n'
    b"\r\n\xff\r\n--0-12--\r\n"
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def test_headers_ignore_case_and_join_repeated_fields():
    """A name finds its field however it is written; repeated fields are joined, or come one by one."""
    headers = Headers([("X-A", "1"), (b"x-a", b"2"), ("Content-Type", "text/plain")])
    assert (headers["x-A"], headers.all("X-a"), headers.all("nothing")) == ("1, 2", ["1", "2"], [])
    assert ("CONTENT-type" in headers, "other" in headers) == (True, False)
    assert (list(headers), len(headers), headers.get("other")) == (["x-a", "content-type"], 2, None)


def test_headers_are_made_from_a_mapping_too():
    """A dict serves as well as pairs."""
    assert Headers({"X-A": "1"})["x-a"] == "1"


@given(st.lists(st.tuples(TEXT, TEXT), max_size=6))
def test_a_query_is_read_back_as_it_was(pairs):
    """Any parser of queries reads what was written: every name and value, in order."""
    assert parse_qsl(encode_query(pairs), keep_blank_values=True) == pairs


def test_a_query_keeps_what_needs_no_encoding():
    """Colons and commas stay readable, a space is %20 and a plus sign is never taken for one."""
    assert encode_query([("at", "2025-01-01T00:00:00Z"), ("f", "a,b"), ("q", "a b+c&d=e")]) == (
        "at=2025-01-01T00:00:00Z&f=a,b&q=a%20b%2Bc%26d%3De"
    )


def test_a_parameter_is_set_at_its_place():
    """`with_query` replaces the value where it stood and drops its repetitions; a new one comes last."""
    request = Request("GET", "https://a.example/x", (("a", "1"), ("b", "2"), ("a", "3")))
    assert request.with_query("a", "9").query == (("a", "9"), ("b", "2"))
    assert request.with_query("c", "9").query == (("a", "1"), ("b", "2"), ("a", "3"), ("c", "9"))
    assert request.query == (("a", "1"), ("b", "2"), ("a", "3"))


def test_a_header_is_set_whatever_its_spelling():
    """`with_header` leaves one field of the name."""
    request = Request("GET", "https://a.example/x", headers={"x-key": "old", "Accept": "a"})
    assert request.with_header("X-Key", "new").headers == {"Accept": "a", "X-Key": "new"}


def test_a_link_keeps_its_query_as_written():
    """What is followed goes out as it came; parameters are added behind it."""
    request = Request("GET", "https://a.example/x", (("gone", "1"),), {"Accept": "a"})
    followed = request.followed("https://a.example/y?sig=a+b%2fc&x=#top")
    assert followed.target == "https://a.example/y?sig=a+b%2fc&x="
    assert followed.headers == {"Accept": "a"}
    assert followed.with_query("key", "k").target == "https://a.example/y?sig=a+b%2fc&x=&key=k"


def test_a_parameter_that_a_link_repeats_is_replaced():
    """A credential that the link echoes does not go out twice."""
    followed = Request("GET", "https://a.example/x").followed("https://a.example/y?key=old&b=2")
    assert followed.with_query("key", "new").target == "https://a.example/y?key=new&b=2"


@pytest.mark.parametrize("written", ["key=old", "k%65y=old", "b=2&key", "key=&key=old&b=2"])
def test_a_links_own_parameter_is_found_however_it_is_written(written):
    """Percent-encoded, without a value or repeated: the name is there once."""
    followed = Request("GET", "https://a.example/x").followed(f"https://a.example/y?{written}")
    assert [name for name, _ in followed.with_query("key", "new").query].count("key") == 1
    assert "key=new" in followed.with_query("key", "new").target


def test_a_name_inside_another_is_not_that_name():
    """A signed query is not taken apart for a parameter that only looks alike."""
    followed = Request("GET", "https://a.example/x").followed("https://a.example/y?monkey=1&sig=a+b%2fc")
    assert followed.with_query("key", "k").target == "https://a.example/y?monkey=1&sig=a+b%2fc&key=k"


def test_changes_make_new_requests():
    """What is shared between pages and attempts is never touched."""
    headers, body = {"Accept": "a"}, {"a": [1]}
    request = Request("POST", "https://a.example/x", (("q", "1"),), headers, body, "json", True, 5.0)
    for changed in (request.with_query("q", "2"), request.with_header("accept", "b"), request.followed("https://b/")):
        assert changed != request
        assert (changed.method, changed.body, changed.spools, changed.timeout) == ("POST", body, True, 5.0)
    assert (request.query, headers, body) == ((("q", "1"),), {"Accept": "a"}, {"a": [1]})


@pytest.mark.parametrize(
    "encoding, body, content",
    [
        (None, None, None),
        ("json", {"a": [1, None, "é"]}, '{"a":[1,null,"é"]}'.encode()),
        ("json", None, b"null"),
        ("form", (("a", "1 2"), ("b", "&")), b"a=1%202&b=%26"),
        ("bytes", b"\x00\xff", b"\x00\xff"),
        ("bytes", memoryview(b"\x00\xff"), b"\x00\xff"),
        ("text", "é", "é".encode()),
        ("xml", {"a": {"b": [1, None]}}, b'<?xml version="1.0" encoding="UTF-8"?><a><b>1</b><b/></a>'),
        (
            "multipart",
            Multipart((Part("a", "é"), Part("f", bytearray(b"\xff"), 'q".png', "image/png"))).bounded("0-1/2"),
            MULTIPART,
        ),
    ],
)
def test_a_body_becomes_bytes(encoding, body, content):
    """Each form of body has its bytes, the same at every asking."""
    request = Request("POST", "https://a.example/x", body=body, encoding=encoding)
    assert request.content == request.content == content


def test_a_file_has_no_bytes_here():
    """A body with a file in it is streamed, and says so to whoever asks for its bytes, instead of reading it."""
    for encoding, body in (
        ("bytes", Path("/etc/passwd")),
        ("multipart", Multipart((Part("f", io.BytesIO(b"x"), "f"),), "b")),
    ):
        request = Request("POST", "https://a.example/x", body=body, encoding=encoding)  # type: ignore[arg-type]  # both are
        assert request.streamed
        with pytest.raises(ValueError, match="there is a file in the body, which is read only while it is sent"):
            _ = request.content
    assert not Request("POST", "https://a.example/x", body=b"x", encoding="bytes").streamed
    assert not Request("POST", "https://a.example/x", body={}, encoding="json").streamed


def test_no_bytes_without_a_boundary():
    """A multipart body is none before the engine has given it what parts it."""
    with pytest.raises(ValueError, match="no bytes before the engine has given it a boundary"):
        _ = Request("POST", "https://a.example/x", body=Multipart(()), encoding="multipart").content


@given(st.text(), st.text(), st.text())
def test_no_name_ends_its_header(name, filename, type_):
    """Whatever a part is called, its head has the lines that it should have, and no others."""
    try:
        head = Part(name, b"", filename, type_).head
    except ValueError:
        assert re.search(r"[\x00-\x1f\x7f]", type_)
        return
    assert head.count(b"\r\n") == head.count(b"\r") == head.count(b"\n") == 3
    assert head.endswith(b"\r\n\r\n")
    assert head.split(b"\r\n")[0].count(b'"') == 4


def test_content_types():
    """A body says what it is: as declared, else as its encoding is; a multipart's type has its boundary."""

    def of(encoding: Any, body: Any = None, **headers: str) -> str | None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Request("POST", "https://a.example/x", headers=named, body=body, encoding=encoding).content_type

    assert of(None) is None
    assert of("json") == "application/json"
    assert of("form") == "application/x-www-form-urlencoded"
    assert of("xml", content_TYPE="application/soap+xml") == "application/soap+xml"
    assert of("multipart", Multipart((), "b")) == "multipart/form-data; boundary=b"
    assert of("multipart", Multipart((), "b"), Content_Type="multipart/related") == "multipart/related; boundary=b"


class TextFile:
    """As a temporary file that was opened for text is."""

    encoding = "utf-8"

    def read(self) -> str:
        return ""


@pytest.mark.parametrize(
    "value, binary",
    [
        (b"", True),
        (bytearray(), True),
        (memoryview(b""), True),
        (Path("a"), True),
        (io.BytesIO(), True),
        (io.StringIO(), False),
        (TextFile(), False),
        ("a", False),
        (None, False),
        ([b""], False),
        (7, False),
    ],
)
def test_what_a_file_can_be_given_as(value, binary):
    """Bytes, a path and a file in binary mode; text is no path."""
    assert is_binary(value) is binary


def test_values_do_not_change():
    """A request and an answer are frozen."""
    request = Request("GET", "https://a.example/x")
    for value in (request, Response(200, Headers(), b"", request)):
        with pytest.raises(AttributeError):
            setattr(value, "headers", Headers())  # noqa: B010 - mypy knows that it cannot be


def test_nothing_that_may_be_secret_is_shown():
    """The repr of a request, an answer and headers holds no query, no header value and no body."""
    request = Request("POST", "https://a.example/x", (("k", "S3CRET"),), {"A": "S3CRET"}, {"a": "S3CRET"}, "json")
    response = Response(
        200, Headers({"Set-Cookie": "S3CRET"}), b"S3CRET", request.followed("https://a.example/y?k=S3CRET")
    )
    parts = Multipart((Part("a", "S3CRET", "S3CRET", "S3CRET"),), "b")
    assert "S3CRET" not in repr(request) + repr(response) + repr(response.headers) + repr(parts)


@pytest.mark.parametrize(
    "url, expected",
    [
        ("https://A.Example/x?y", "https://a.example:443"),
        ("http://a.example", "http://a.example:80"),
        ("HTTPS://a.example:8443/", "https://a.example:8443"),
        ("https://u:p@a.example/", "https://a.example:443"),
        ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080"),
        ("https://[::1]", "https://[::1]:443"),
        ("https://a.example:0/", "https://a.example:0"),
        ("https://a.example:443/", "https://a.example:443"),
        ("http://a.example:443/", "http://a.example:443"),
        ("ftp://a.example/", "ftp://a.example:0"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, expected):
    """Case, default ports and user names make no difference."""
    assert origin(url) == expected


@pytest.mark.parametrize("url", ["https://[oops", "https://a.example:99999/", "https://a.example:http/"])
def test_what_has_no_origin(url):
    """A URL that is none is told, not guessed at."""
    with pytest.raises(ValueError, match=r"Invalid IPv6 URL|[Pp]ort"):
        origin(url)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("proxy-authorization: Basic YTpi\nVary: *", "proxy-authorization: ***\nVary: *"),
        ("Set-Cookie: sid=1; Path=/\r\nX: y", "Set-Cookie: ***\r\nX: y"),
        ('{"Authorization": "Bearer abc", "Vary": "*"}', '{"Authorization": "***", "Vary": "*"}'),
        ('"{\\"X-Api-Key\\": \\"abc\\", \\"a\\": 1}"', '"{\\"X-Api-Key\\": \\"***\\", \\"a\\": 1}"'),
        ("{'cookie': 'a=b'}", "{'cookie': '***'}"),
        ("https://a.example/f?X-Amz-Signature=ab12&a=1", "https://a.example/f?X-Amz-Signature=***&a=1"),
        ("/f?a=1&sig=ab%2B1&b=2", "/f?a=1&sig=***&b=2"),
        ("/f?a=1&amp;token=abc&amp;b=2", "/f?a=1&amp;token=***&amp;b=2"),
        ("/f?a=1\\u0026code=abc\\u0026b=2", "/f?a=1\\u0026code=***\\u0026b=2"),
        ("u=%2Ff%3Fx-goog-signature%3Dabc%26b%3D2", "u=%2Ff%3Fx-goog-signature%3D***%26b%3D2"),
        ("/back?state=abc#there", "/back?state=***#there"),
        ("X-Mine: abc", "X-Mine: ***"),
        ("/f?mine=abc", "/f?mine=***"),
    ],
)
def test_credentials_by_their_names(text, shown):
    """What stands behind the name of a header or a parameter that holds one is not shown; the rest is."""
    assert without_credentials(text, ["X-Mine"], ["mine"]) == shown


@pytest.mark.parametrize(
    "text",
    [
        "the field Authorization is missing",
        "not-authorization: no",
        "/f?monkey=1&tokens=2&design=3",
        "the key = value pairs are wrong: key=1",
        '{"token": "must be given"}',
        "Cookie:",
    ],
)
def test_words_that_are_no_credentials(text):
    """A sentence that names one, and a longer name, stay as they are."""
    assert without_credentials(text) == text
