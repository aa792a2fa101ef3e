"""Requests composed from a spec's keys: where they go, what they carry, and every address that is refused."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connector_core.address import Put
from connector_core.exceptions import ConfigError, SpecError
from connector_core.http import Request
from connector_core.load import load
from connector_core.request import RequestKeys, compose
from connector_core.template import PathText, TemplateError

SCOPE = {
    "config": {
        "url": "https://a.example/v2/",
        "team": "acme",
        "n": 7,
        "yes": True,
        "tags": ["x", None, "y"],
        "null": None,
        "object": {"a": 1},
        "crlf": "a\r\nSet-Cookie: b=c",
    },
    "input": {"id": 12, "name": "Zoë/../", "items": [{"sku": "a"}], "flag": False, "nothing": None},
}


NOT_ABSOLUTE = "must be an absolute URL that begins with https:// or http://"
PASSWORD = "must not hold a user name or password; sign in with `auth`"


def composed(path: str = "/orders", method: Any = "get", scope: Any = None, **keys: Any) -> Request:
    given_keys = RequestKeys.model_validate({"base_url": "https://api.example/v1", **keys})
    return compose(given_keys, method, PathText(path), SCOPE if scope is None else scope)


def refused(**about: Any) -> str:
    with pytest.raises(ConfigError) as wrong:
        composed(**about)
    return str(wrong.value)


# ── the path ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path, url",
    [
        ("/orders", "https://api.example/v1/orders"),
        ("/orders/{{ input.id }}", "https://api.example/v1/orders/12"),
        ("/orders/{{ input.flag }}.json", "https://api.example/v1/orders/false.json"),
        ("/{{ config.team }}/caf\u00e9", "https://api.example/v1/acme/caf%C3%A9"),
        ("/a%20b/~x;y=1,2", "https://api.example/v1/a%20b/~x;y=1,2"),
        ("/files/{{ 'a b/c' | path }}", "https://api.example/v1/files/a%20b/c"),
        ("{{ 'https://Other.example/x/' }}", "https://other.example/x/"),
        ("{{ '/x/y' }}", "https://api.example/v1/x/y"),
    ],
)
def test_a_path_follows_the_address(path, url):
    """Values are encoded as segments; a path that is one whole template is a URL, or begins with a slash."""
    assert composed(path).url == url


def test_a_link_keeps_its_query():
    """A path that is a link brings its query along as written; params follow it."""
    request = composed(
        "{{ input.link }}", scope={"input": {"link": "https://b.example/x?sig=a%2Bb&n=1#top"}}, params={"n": 2}
    )
    assert (request.url, request.link, request.query) == ("https://b.example/x", "sig=a%2Bb&n=1", (("n", "2"),))
    assert composed("{{ '/x?a=b' }}").target == "https://api.example/v1/x?a=b"


NULL = "null has no form as text; say what it means: | default('', true)"
LIST = "a list has no form as text; write it as JSON: | json"
HINT = "it must have a value that can stand in a path"


@pytest.mark.parametrize(
    "path, what",
    [
        ("/{{ input.missing }}/x", f"input.missing is missing — the path /{{{{ input.missing }}}}/x — {HINT}"),
        (
            "/{{ input.nothing }}/x",
            f"input.nothing: {NULL} — the path /{{{{ input.nothing }}}}/x — {HINT}",
        ),
        ("/{{ '' }}/x", f"'': empty in a path — the path /{{{{ '' }}}}/x — {HINT}"),
        (
            "/{{ '..' }}/x",
            f"'..': a segment that is . or .. would make it another path — the path /{{{{ '..' }}}}/x — {HINT}",
        ),
        (
            "/{{ input.items }}",
            f"input.items: {LIST} — the path /{{{{ input.items }}}} — {HINT}",
        ),
        (
            "{{ config.team }}",
            f"a path that is one template {NOT_ABSOLUTE} — {{{{ config.team }}}} — or it begins with a slash",
        ),
        (
            "{{ 'https://ann@a.example' }}",
            f"a path that is one template {PASSWORD} — {{{{ 'https://ann@a.example' }}}} — or it begins with a slash",
        ),
    ],
)
def test_a_path_that_goes_astray_is_refused(path, what):
    """Missing, empty and climbing values, and links that are none, never become a request."""
    assert refused(path=path) == what


def test_a_path_needs_an_address():
    """Without base_url only whole links can be called."""
    assert refused(base_url=None) == "there is no base_url to append the path to — /orders"
    assert composed("{{ 'https://a.example/x' }}", base_url=None).url == "https://a.example/x"


@given(st.text())
def test_no_text_escapes_its_segment(value):
    """Whatever the text, it is one segment of the path that decodes to it, or nothing is sent."""
    try:
        url = composed("/a/{{ input.v }}/b", scope={"input": {"v": value}}).url
    except ConfigError:
        return
    segments = url.removeprefix("https://api.example/v1/").split("/")
    assert (segments[0], unquote(segments[1]), segments[2:]) == ("a", value, ["b"])
    assert url.isascii()


# ── params, headers, form ─────────────────────────────────────────────────────────────────────────


def test_parameters_are_text():
    """A list repeats its name, null and missing are left out, numbers and booleans are written as JSON does."""
    request = composed(
        params={
            "status": "open",
            "tag": ["a", "{{ config.team }}", None, "{{ config.missing }}"],
            "tags": "{{ config.tags }}",
            "n": 7,
            "half": 0.5,
            "yes": True,
            "flag": "{{ input.flag }}",
            "text": "n={{ config.n }}",
            "empty": "",
            "gone": None,
            "null": "{{ config.null }}",
            "missing": "{{ config.missing }}",
            "none": [],
            "since": "NO",
        }
    )
    assert request.query == (
        ("status", "open"), ("tag", "a"), ("tag", "acme"), ("tags", "x"), ("tags", "y"), ("n", "7"), ("half", "0.5"),
        ("yes", "true"), ("flag", "false"), ("text", "n=7"), ("empty", ""), ("since", "NO"),
    )  # fmt: skip


@pytest.mark.parametrize("value", ["{{ config.object }}", ["a", "{{ config.object }}"]])
@pytest.mark.parametrize("where, keys", [("params", "params"), ("headers", "headers"), ("body.form", "form")])
def test_an_object_is_no_parameter(where, keys, value):
    """Params, headers and form fields are text; what to write instead is said."""
    given_keys = {"body": {"form": {"filter": value}}} if keys == "form" else {keys: {"filter": value}}
    assert refused(**given_keys) == (
        f"{where}.filter is an object or a list of lists, and only text and numbers can be sent there "
        "— name its parts one by one: filter[key]: …, or write it as JSON: | json"
    )


def test_what_can_not_be_rendered_is_told_with_its_place():
    """Missing inside text, and a wrong operand, are errors that say where in the spec they stand."""
    assert refused(params={"q": "since {{ config.missing }}"}) == (
        "config.missing is missing — params.q — the spec reads it in 'since {{ config.missing }}'"
    )
    assert refused(headers={"X-Q": "{{ config.team + 1 }}"}).endswith(
        " — headers.X-Q — the spec reads it in '{{ config.team + 1 }}'"
    )


def test_headers():
    """JSON is asked for unless the spec asks for something else; a list is joined, null leaves a field out."""
    assert composed().headers == {"Accept": "application/json"}
    assert composed(
        headers={"accept": "text/csv", "X-Team": "{{ config.team }}", "X-No": None, "X-L": ["a", 1]}
    ).headers == {
        "accept": "text/csv",
        "X-Team": "acme",
        "X-L": "a, 1",
    }
    assert composed(headers={"Accept": None}).headers == {}


def test_line_breaks_in_a_header_are_left_to_the_transport():
    """Nothing crashes here; the transport refuses to send such a header."""
    assert composed(headers={"X-Team": "{{ config.crlf }}"}).headers["X-Team"] == "a\r\nSet-Cookie: b=c"


@pytest.mark.parametrize(
    "where, keys",
    [
        ("params.q", {"params": {"q": "{{ input.v }}"}}),
        ("headers.X-Q", {"headers": {"X-Q": "{{ input.v }}"}}),
        ("body.form.q", {"body": {"form": {"q": "{{ input.v }}"}}}),
        ("body.json", {"body": {"json": {"q": "{{ input.v }}"}}}),
    ],
)
def test_half_a_character_is_refused(where, keys):
    """Text from an argument that was no UTF-8 is refused here instead of crashing where it is encoded."""
    assert refused(scope={"input": {"v": "\udcff"}}, **keys) == (
        f"{where} holds half a character (a lone surrogate), which UTF-8 has no form for — pass whole text"
    )


# ── the body ──────────────────────────────────────────────────────────────────────────────────────


def test_a_json_body_keeps_types():
    """A template that is a whole value keeps its type; missing drops the key, null is sent."""
    request = composed(
        method="post",
        body={
            "json": {
                "id": "{{ input.id }}",
                "text": "id {{ input.id }}",
                "items": "{{ input.items }}",
                "deep": {"flag": "{{ input.flag }}", "gone": "{{ input.missing }}", "null": "{{ input.nothing }}"},
                "list": ["{{ input.missing }}", 1, None],
                "fixed": None,
            }
        },
    )
    assert request.method == "POST"
    assert request.encoding == "json"
    assert json.loads(request.content or b"") == {
        "id": 12,
        "text": "id 12",
        "items": [{"sku": "a"}],
        "deep": {"flag": False, "null": None},
        "list": [1, None],
        "fixed": None,
    }


@pytest.mark.parametrize(
    "body, content",
    [
        (None, None),
        ({"json": None}, b"null"),
        ({"json": "{{ input.missing }}"}, None),
        ({"json": "{{ input.items }}"}, b'[{"sku":"a"}]'),
        ({"json": []}, b"[]"),
        ({"json": "caf\u00e9"}, '"café"'.encode()),
        ({"form": {}}, b""),
        (
            {"form": {"a": ["x", 1], "b": None, "c": "{{ input.missing }}", "d e": "f&g", "h": True}},
            b"a=x&a=1&d%20e=f%26g&h=true",
        ),
    ],
)
def test_bodies(body, content):
    """The body is JSON or a form, and there is none where its one template has no value."""
    assert composed(method="post", body=body).content == content


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), datetime(2020, 1, 1, tzinfo=UTC), {1, 2}, b"x", object()]
)
def test_what_json_has_no_form_for_is_refused(value):
    """Python's own values that JSON can't write are refused before anything is sent."""
    assert refused(method="post", body={"json": {"v": "{{ input.v }}"}}, scope={"input": {"v": value}}) == (
        "body.json holds what JSON has no form for — pass text, finite numbers, true, false, None, lists and dicts"
    )


# ── the rest ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "timeout, seconds",
    [
        (None, None),
        ("30s", 30.0),
        ("500ms", 0.5),
        ("{{ config.t }}", 120.0),
        ("{{ config.n }}s", 7.0),
        ("{{ config.missing }}", None),
        ("{{ config.null }}", None),
    ],
)
def test_timeouts(timeout, seconds):
    """A timeout has its unit, may come from config, and is left to the transport where it has no value."""
    assert composed(timeout=timeout, scope={"config": {"t": "2m", "n": 7, "null": None}}).timeout == seconds


def test_a_timeout_from_config_that_is_none():
    """A value without a unit is refused with its place in the spec."""
    assert refused(timeout="{{ config.n }}") == "say the unit: 7s — timeout: {{ config.n }}"
    assert refused(timeout="{{ config.team }}").endswith(" — timeout: {{ config.team }}")


def test_every_method():
    """The method is sent in capitals."""
    assert [composed(method=method).method for method in ("get", "post", "put", "patch", "delete")] == [
        "GET", "POST", "PUT", "PATCH", "DELETE",
    ]  # fmt: skip


def test_a_request_shows_no_secrets():
    """Neither query, headers nor body stand in a request's repr."""
    request = composed(method="post", params={"key": "s3cr3t"}, headers={"X": "s3cr3t"}, body={"json": "s3cr3t"})
    assert repr(request) == "Request(POST https://api.example/v1/orders)"


def test_an_expression_is_checked_before_its_value_is_known():
    """A path with a statement or a mistake in it does not load."""
    with pytest.raises(TemplateError):
        PathText("/{% for x in y %}")


# ── text, bytes, multipart, XML ───────────────────────────────────────────────────────────────────

BINARY = "declare the input as {type: string, format: binary}, and pass bytes, a path or a file opened in binary mode"


def sent(body: Any, **given: Any) -> Request:
    """The request with that body, with its boundary where it has one."""
    request = composed(method="post", body=body, scope={"input": given, "config": SCOPE["config"]})
    return replace(request, body=request.body.bounded("b")) if request.encoding == "multipart" else request


def unsent(body: Any, **given: Any) -> str:
    return refused(method="post", body=body, scope={"input": given})


@pytest.mark.parametrize(
    "body, content",
    [
        ("n={{ input.n }} é", "n=7 é".encode()),
        ("{{ input.n }}", b"7"),
        (12, b"12"),
        ("", b""),
        ("{{ input.missing }}", None),
        ("{{ input.nothing }}", None),
    ],
)
def test_text(body, content):
    """Text is sent in UTF-8; a template that is the whole body and has no value sends none."""
    request = sent({"text": body}, n=7, nothing=None)
    assert (request.content, request.content_type) == (
        content,
        "text/plain; charset=utf-8" if content is not None else None,
    )


def test_text_has_the_declared_type():
    """The spec's own Content-Type is kept, however it is spelt."""
    request = composed(method="post", headers={"content-type": "text/csv"}, body={"text": "a;b"})
    assert request.content_type == "text/csv"


@pytest.mark.parametrize("value", [b"\x00\xff", bytearray(b"\x00\xff"), memoryview(b"\x00\xff")])
def test_bytes(value):
    """Bytes are sent as they are, and nobody can change them any more."""
    request = sent({"bytes": "{{ input.content }}"}, content=value)
    if isinstance(value, bytearray):
        value.clear()
    assert (request.content, request.content_type, request.streamed) == (b"\x00\xff", "application/octet-stream", False)


@pytest.mark.parametrize("value", [Path("/nowhere/a.bin"), io.BytesIO(b"x")], ids=["path", "file"])
def test_a_file_stays_a_value(value):
    """A path and an open file are neither opened nor read here, and there are no bytes to sign."""
    request = sent({"bytes": "{{ input.content }}"}, content=value)
    assert request.body is value
    assert request.streamed
    with pytest.raises(ValueError, match="there is a file in the body, which is read only while it is sent"):
        _ = request.content


@pytest.mark.parametrize("value", ["text", 7, ["a"], io.StringIO("text")])
@pytest.mark.parametrize(
    "where, body",
    [
        ("body.bytes", {"bytes": "{{ input.v }}"}),
        ("body.multipart.photo.file", {"multipart": {"photo": {"file": "{{ input.v }}"}}}),
    ],
)
def test_what_is_no_file_is_refused(where, body, value):
    """Text is not taken for a path or for base64; what to pass instead is said."""
    told = unsent(body, v=value)
    assert told.startswith(f"{where} is ")
    assert told.endswith(f", not a file — {BINARY}")


@pytest.mark.parametrize("value", [None, "missing"])
def test_no_file_sends_no_body(value):
    """Without a value there is no body, and no part."""
    given = {"f": None} if value is None else {}
    assert sent({"bytes": "{{ input.f }}"}, **given).content is None
    assert sent({"multipart": {"f": {"file": "{{ input.f }}"}}}, **given).content == b"--b--\r\n"


@pytest.mark.parametrize(
    "where, body",
    [
        ("params.q", {"params": {"q": "{{ input.v }}"}}),
        ("headers.X-Q", {"headers": {"X-Q": "{{ input.v }}"}}),
        ("body.form.q", {"body": {"form": {"q": "{{ input.v }}"}}}),
        ("body.multipart.q", {"body": {"multipart": {"q": "{{ input.v }}"}}}),
    ],
)
@pytest.mark.parametrize("value", [b"x", [b"x"], Path("/etc/passwd")])
def test_a_file_is_no_text(where, body, value):
    """A file never becomes the text of a parameter, a header or a field, not even its path."""
    assert refused(scope={"input": {"v": value}}, **body) == (
        f"{where} is a file or bytes, and only text and numbers can be sent there "
        "— body.bytes sends one, and body.multipart does where it says file: …"
    )


def test_multipart():
    """Every part in the order of the spec: text, lists, JSON and files, each with the type that it has."""
    request = sent(
        {
            "multipart": {
                "title": "{{ input.title }}",
                "n": 7,
                "tag": "{{ input.tags }}",
                "gone": "{{ input.missing }}",
                "about": {"json": {"tags": "{{ input.tags }}", "gone": "{{ input.missing }}"}},
                "csv": {"text": "a,b", "filename": "a.csv", "type": "text/csv"},
                "photo": [{"file": "{{ input.photo }}", "filename": "p.png", "type": "image/png"}, "none"],
                "raw": {"file": "{{ input.photos }}", "type": "{{ input.missing }}"},
            }
        },
        title="Zoë",
        tags=["x", "y"],
        photo=b"\x89PNG",
        photos=[b"1", None, b"2"],
    )
    assert request.content_type == "multipart/form-data; boundary=b"
    assert [(part.name, part.value, part.filename, part.type) for part in request.body.parts] == [
        ("title", "Zoë", None, None),
        ("n", "7", None, None),
        ("tag", "x", None, None),
        ("tag", "y", None, None),
        ("about", '{"tags":["x","y"]}', None, "application/json"),
        ("csv", "a,b", "a.csv", "text/csv"),
        ("photo", b"\x89PNG", "p.png", "image/png"),
        ("photo", "none", None, None),
        ("raw", b"1", "raw", "application/octet-stream"),
        ("raw", b"2", "raw", "application/octet-stream"),
    ]


def test_filenames(tmp_path):
    """A file is called what the spec says, else what its path or the open file is called, without the folder."""
    (tmp_path / "a b.png").write_bytes(b"x")
    with (tmp_path / "a b.png").open("rb") as opened:
        given = {"v": [Path("/secret/folder/ü.png"), opened, b"x", io.BytesIO(b"x")]}
        assert [
            part.filename for part in sent({"multipart": {"f": {"file": "{{ input.v }}"}}}, **given).body.parts
        ] == [
            "ü.png",
            "a b.png",
            "f",
            "f",
        ]


@pytest.mark.parametrize(
    "type_", ["png", "image/png\r\nX-Evil: 1", "image/png; a=b\n", "text/plain; charset", 'a/b; c="\r"']
)
def test_a_type_cannot_inject(type_):
    """A part's type that is none is refused, so that it cannot bring a header along."""
    told = unsent({"multipart": {"f": {"text": "x", "type": "{{ input.v }}"}}}, v=type_)
    assert told == "body.multipart.f.type is not a media type — it is like image/png"


@pytest.mark.parametrize("type_", ["image/png", 'text/csv; charset=utf-8; x="a b"', "application/vnd.x+json;v=1"])
def test_types(type_):
    """A media type may have parameters."""
    assert sent({"multipart": {"f": {"text": "x", "type": "{{ input.v }}"}}}, v=type_).body.parts[0].type == type_


def test_another_multipart():
    """A declared multipart type is kept and gets the boundary; another one, or a boundary of its own, is refused."""
    body = {"multipart": {"a": "b"}}
    request = composed(method="post", headers={"Content-Type": "multipart/related"}, body=body)
    assert request.content_type == "multipart/related; boundary="
    for declared, told in (
        (
            "application/json",
            "contradicts the multipart body, which brings its own: leave the header out here, by null",
        ),
        ("multipart/mixed; boundary=x", "has a boundary, which is the engine's to give"),
    ):
        given = {"headers": {"content-type": "{{ input.v }}"}, "body": body, "scope": {"input": {"v": declared}}}
        assert refused(method="post", **given) == f"the header Content-Type {told} — body.multipart"


XML: Any = {
    "Order": {
        "@id": "{{ input.id }}",
        "@gone": "{{ input.missing }}",
        "@null": None,
        "Item": [{"Name": "a"}, {"Name": "{{ input.name }}"}],
        "Tag": "{{ input.tags }}",
        "Note": {"#text": "hi", "@lang": "en"},
        "Gone": "{{ input.missing }}",
        "Null": "{{ input.nothing }}",
        "Yes": True,
        "n:Half": 0.5,
        "None": [],
    }
}


def test_xml():
    """Keys are elements, @ attributes, a list repeats; missing drops its element, null leaves it empty."""
    request = sent({"xml": XML}, id=7, name='<&">]]>\r', tags=["x", "y"], nothing=None)
    assert request.content_type == "application/xml"
    assert (request.content or b"").decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><Order id="7"><Item><Name>a</Name></Item>'
        '<Item><Name>&lt;&amp;"&gt;]]&gt;&#13;</Name></Item><Tag>x</Tag><Tag>y</Tag>'
        '<Note lang="en">hi</Note><Null/><Yes>true</Yes><n:Half>0.5</n:Half></Order>'
    )
    assert sent({"xml": "{{ input.order }}"}, order={"a": {"#text": "x"}}).content == (
        b'<?xml version="1.0" encoding="UTF-8"?><a>x</a>'
    )
    assert sent({"xml": "{{ input.order }}"}).content is None


def test_xml_is_put_into():
    """What pagination or a sign-in puts into the body stands in the structure."""
    request = Put("body.Order.Page").put(sent({"xml": {"Order": {"A": 1}}}), 2)
    assert (request.content or b"").endswith(b"<Order><A>1</A><Page>2</Page></Order>")


@pytest.mark.parametrize(
    "body, value, told",
    [
        ("{{ input.v }}", "text", "it must be an object with one key, the root element"),
        ("{{ input.v }}", {"a": 1, "b": 2}, "it must be an object with one key, the root element"),
        ("{{ input.v }}", {"a": [1]}, "a is the root element, and there is one: it cannot be a list"),
        ({"a": "{{ input.v }}"}, ["x"], "a is the root element, and there is one: it cannot be a list"),
        ({"a": {"b": "{{ input.v }}"}}, [["x"]], "b is a list of lists, and an element is repeated once"),
        ({"a": "{{ input.v }}"}, {"b><c": 1}, "'b><c' cannot be the name of an element or an attribute"),
        ({"a": "{{ input.v }}"}, {'@b="" c': 1}, "'b=\"\" c' cannot be the name of an element or an attribute"),
        ({"a": "{{ input.v }}"}, {"": 1}, "'' cannot be the name of an element or an attribute"),
        ({"a": "{{ input.v }}"}, "S3CRET\0", "a holds a control character or half a character, which XML has no form for"),
        ({"a": "{{ input.v }}"}, "\ud800", "a holds a control character or half a character, which XML has no form for"),
        ({"a": {"@b": "{{ input.v }}"}}, [1], "@b holds a list, where only text, a finite number, true or false can be"),
        ({"a": {"b": "{{ input.v }}"}}, float("nan"), "b holds a float, where only text, a finite number, true or false can be"),
        ({"a": {"b": "{{ input.v }}"}}, b"x", "b holds a bytes, where only text, a finite number, true or false can be"),
    ],
)  # fmt: skip
def test_what_is_no_xml_is_refused(body, value, told):
    """Names and characters that XML has no form for are told without the value, before anything is sent."""
    assert unsent({"xml": body}, v=value) == f"body.xml cannot be made: {told} — compare the input with the spec"


def test_xml_nested_too_deeply():
    """A structure without end is refused rather than a crash."""
    deep: Any = "x"
    for _ in range(5000):
        deep = {"a": deep}
    assert unsent({"xml": "{{ input.v }}"}, v=deep) == "body.xml is nested too deeply"


@given(st.text(), st.text())
def test_no_text_becomes_markup(text, attribute):
    """Whatever the text, a parser of another hand reads it back, or nothing is sent."""
    try:
        content = sent({"xml": {"a": {"@b": "{{ input.b }}", "#text": "{{ input.t }}"}}}, t=text, b=attribute).content
    except ConfigError:
        return
    root = ET.fromstring(content or b"")  # noqa: S314 - our own
    assert (root.text or "", root.attrib, len(root)) == (text, {"b": attribute}, 0)


@pytest.mark.parametrize(
    "body, path, told",
    [
        ({}, "", "must have exactly one of: json, form, multipart, xml, text, bytes"),
        ({"text": "a", "json": 1}, "", "must have exactly one of: json, form, multipart, xml, text, bytes"),
        ({"text": None}, "text", "is empty: say what is sent, or leave the body out"),
        ({"xml": None}, "xml", "is empty: say what is sent, or leave the body out"),
        ({"bytes": None}, "bytes", "is empty: say what is sent, or leave the body out"),
        ({"bytes": "abc"}, "bytes", "must be one whole template such as {{ input.file }}: a spec holds no files"),
        ({"multipart": {"f": {"file": "a.png"}}}, "multipart.f.file", "must be one whole template such as {{ input.file }}: a spec holds no files"),
        ({"multipart": {"f": {"flie": "a"}}}, "multipart.f.flie", "unknown key 'flie', did you mean 'file'?"),
        ({"multipart": {"f": {"text": "a", "json": 1}}}, "multipart.f", "a part has exactly one of: file, json, text"),
        ({"multipart": {"f": {"filename": "a"}}}, "multipart.f", "a part has exactly one of: file, json, text"),
        ({"multipart": {"f": [{"text": "a", "type": "png"}]}}, "multipart.f.0.type", "must be a media type such as image/png"),
        ({"multipart": {"f": None}}, "multipart.f", "a part holds something: leave it out where it is not wanted"),
        ({"multipart": {"{{ a }}": 1}}, "multipart.{{ a }}", "holds a template; only values can"),
        ({"xml": "<a/>"}, "xml", "must be a mapping with one key, the root element, or one whole template"),
        ({"xml": {"a": 1, "b": 2}}, "xml", "must be a mapping with one key, the root element, or one whole template"),
        ({"xml": {"a": []}}, "xml.a", "is the root element, and there is one: it cannot be a list"),
        ({"xml": {"@a": 1}}, "xml.@a", "must be the root element, which its attributes and its text stand in"),
        ({"xml": {"a": {"1b": 1}}}, "xml.a.1b", "cannot be the name of an element or, after @, of an attribute"),
        ({"xml": {"a": {"b": [{"@c d": 1}]}}}, "xml.a.b.0.@c d", "cannot be the name of an element or, after @, of an attribute"),
        ({"xml": {"a": {"@b": {"c": 1}}}}, "xml.a.@b", "must be a single value: attributes and text hold no elements"),
        ({"xml": {"a": {"b": [["c"]]}}}, "xml.a.b.0", "is a list in a list, and an element is repeated once"),
        ({"xml": {"a": "\u0008"}}, "xml.a", "holds a control character, which XML has no form for"),
        ({"text": "{{ inptu.a }}"}, "text", "unknown name 'inptu', did you mean 'input'?"),
        ({"multipart": {"f": {"file": "{{ input.b }}"}}}, "multipart.f.file", "input.b is not declared under input (one of: a)"),
        ({"xml": {"a": {"b": "{{ input.b }}"}}}, "xml", "input.b is not declared under input (one of: a)"),
    ],
)  # fmt: skip
def test_a_wrong_body_is_told_at_load(body, path, told):
    """What no input can mend is told at its place in the file."""
    document = {
        "connector": "1",
        "name": "shop",
        "base_url": "https://a.example",
        "endpoints": {"add": {"post": "/x", "input": {"a": {}}, "body": body}},
    }
    with pytest.raises(SpecError) as wrong:
        load(document)
    [problem] = wrong.value.problems
    where = f"endpoints.add.body.{path}".rstrip(".")
    assert (problem.path.replace('"', ""), problem.what) == (where, told)


def test_a_wrong_type_is_told_at_load():
    """A multipart body beside another fixed Content-Type, its own or inherited, is told where that stands."""
    document: Any = {
        "connector": "1",
        "name": "shop",
        "base_url": "https://a.example",
        "headers": {"content-type": "application/json"},
        "endpoints": {"add": {"post": "/x", "body": {"multipart": {"a": "b"}}}},
    }
    with pytest.raises(SpecError, match=r"headers.content-type: contradicts the multipart body.*inherited by add"):
        load(document)
    document["endpoints"]["add"]["headers"] = {"Content-Type": None}
    load(document)
