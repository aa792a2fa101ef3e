"""What the simulated service reads from the bytes of a body, and what it refuses."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.http import Multipart, Part, Request
from connector_core.load import load
from connector_core.testing import Simulator, simulated
from connector_core.testing.arrived import body_of, fields_of
from connector_core.testing.simulator import LARGEST
from tests.testing.specs import shop

FORM = "multipart/form-data; boundary=b"
ABOUT = b'--b\r\nContent-Disposition: form-data; name="'


@pytest.mark.parametrize(
    "content, content_type, body, encoding, fields",
    [
        (b"", "application/json", None, None, {}),
        (b'{"a": 1}', "application/json; charset=utf-8", {"a": 1}, "json", {"a": 1}),
        (b"[1]", "application/vnd.x+json", [1], "json", {}),
        (b"a=1&b=%C3%A9", "application/x-www-form-urlencoded", (("a", "1"), ("b", "é")), "form", {"a": "1", "b": "é"}),
        ("é".encode(), "text/plain; charset=utf-8", "é", "text", {}),
        (b"\xe9", "text/csv; charset=latin-1", "é", "text", {}),
        (b"\x00\xff", "application/octet-stream", b"\x00\xff", "bytes", {}),
        (b"\x00\xff", "", b"\x00\xff", "bytes", {}),
        (
            b'<o:Order xmlns:o="urn:x" id="7"><Item><Name>a</Name></Item><Item/><Note lang="en">hi</Note></o:Order>',
            "application/soap+xml",
            {"Order": {"@id": "7", "Item": [{"Name": "a"}, None], "Note": {"@lang": "en", "#text": "hi"}}},
            "xml",
            {"@id": "7", "Item": [{"Name": "a"}, None], "Note": {"@lang": "en", "#text": "hi"}},
        ),
        (b"<a>x</a>", "text/xml", {"a": "x"}, "xml", {}),
        (
            ABOUT + b'a"\r\n\r\n1\r\n'
            + ABOUT + b'f"; filename="p%22.png"\r\nContent-Type: image/png\r\n\r\n\r\n--x\xff\r\n'
            + ABOUT + b'j"\r\nContent-Type: application/json\r\n\r\n{"k": [1]}\r\n--b--\r\n',
            FORM,
            Multipart((
                Part("a", "1"),
                Part("f", b"\r\n--x\xff", 'p".png', "image/png"),
                Part("j", '{"k": [1]}', None, "application/json"),
            )),
            "multipart",
            {"a": "1", "f": {"filename": 'p".png', "type": "image/png", "size": 6}, "j": {"k": [1]}},
        ),
    ],
)  # fmt: skip
def test_bodies(content, content_type, body, encoding, fields):
    """Each form of body is read by what its type says, and gives the fields that a record would have."""
    assert body_of(content, content_type) == (body, encoding)
    assert fields_of(body, encoding) == fields


BROKEN = [
    (b"{", "application/json", "the body is not JSON: "),
    (b"[" * 100_000, "application/json", "the body is nested too deeply"),
    (b"\xff", "application/x-www-form-urlencoded", "the body is not utf-8"),
    (b"\xff", "text/plain", "the body is not utf-8"),
    (b"a", "text/plain; charset=x-none", "the body is not x-none"),
    (b"<a>", "application/xml", "the body is not XML: "),
    (b"<!DOCTYPE a []><a/>", "application/xml", "the body is XML with a DOCTYPE, which is refused"),
    (b"--b--\r\n", "multipart/form-data", "the body is multipart, and its type names no boundary"),
    (ABOUT + b'a"\r\n\r\n1', FORM, "the multipart body has no end"),
    (b"nothing", FORM, "the multipart body has no end"),
    (ABOUT + b'a"\r\n1\r\n--b--', FORM, "a part of the multipart body has no head"),
    (b"--b\r\nX: y\r\n\r\n1\r\n--b--", FORM, "a part of the multipart body has no name"),
    (ABOUT + b'a"\r\n\r\n\xff\r\n--b--', FORM, "the body is not utf-8"),
]


@pytest.mark.parametrize("content, content_type, told", BROKEN)
async def test_broken_bodies(content, content_type, told):
    """A body that is not what it says is answered with 400 and the reason."""
    with pytest.raises(ValueError, match=told):
        body_of(content, content_type)
    async with Simulator(load(shop(auth="none"))) as service, aiohttp.ClientSession() as client:
        answer = await client.post(f"{service.url}/x", data=content, headers={"Content-Type": content_type})
        assert answer.status == 400
        assert (await answer.json())["message"].startswith(told)


@given(st.lists(st.tuples(st.text(min_size=1), st.text() | st.binary()), max_size=4))
def test_both_hands_agree(parts):
    """Whatever is in a multipart body, the service reads what the client wrote."""
    sent = Multipart(
        tuple(Part(name, value, None if isinstance(value, str) else "f") for name, value in parts)
    ).bounded("0f0f0f0f")
    request = Request("POST", "https://a.example", body=sent, encoding="multipart")
    try:
        content = request.content or b""
    except UnicodeEncodeError:
        return
    got, _ = body_of(content, request.content_type or "")
    expected = [(name.encode("utf-8", "replace").decode(), value) for name, value in parts]
    unescaped = [
        (name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n"), value) for name, value in expected
    ]
    assert [(part.name, part.value) for part in got.parts] == unescaped


async def test_too_large():
    """A body beyond what the service holds in memory is answered with 413."""
    async with Simulator(load(shop(auth="none"))) as service, aiohttp.ClientSession() as client:

        async def zeros() -> Any:
            for _ in range(LARGEST // 2**20 + 1):
                yield bytes(2**20)

        answer = await client.post(f"{service.url}/x", data=zeros())
        assert (answer.status, (await answer.json())["message"]) == (413, "the simulator takes bodies of up to 64 MiB")


FILE = {"type": "string", "format": "binary"}
PHOTO = {
    "id": {"type": "integer"},
    "title": {"type": "string"},
    "url": {"type": "string"},
    "photo": {"type": "object"},
    "stars": {"type": "integer"},
}
CALLS: dict[str, Any] = {
    "photos": {"get": "/photos", "schema": PHOTO},
    "add": {
        "post": "/photos",
        "input": {"title": {"type": "string"}, "photo": FILE, "stars": {"type": "integer", "optional": True}},
        "body": {
            "multipart": {
                "title": "{{ input.title }}",
                "photo": {"file": "{{ input.photo }}"},
                "stars": "{{ input.stars }}",
            }
        },
    },
    "replace": {
        "put": "/photos/{{ input.id }}",
        "input": {"id": {}, "content": FILE},
        "body": {"bytes": "{{ input.content }}"},
    },
    "note": {
        "post": "/notes",
        "input": {"note": {"type": "string", "minLength": 2}},
        "body": {"text": "{{ input.note }}"},
    },
    "order": {
        "post": "/orders",
        "input": {"id": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}},
        "body": {"xml": {"Order": {"@id": "{{ input.id }}", "Tag": "{{ input.tags }}"}}},
    },
    "csv": {
        "post": "/imports",
        "headers": {"Content-Type": "text/csv"},
        "input": {"content": FILE, "note": {"type": "string", "optional": True}},
        "body": {"bytes": "{{ input.content }}"},
    },
}


async def test_calls(tmp_path):
    """Every form of body makes a sensible record, which reads see where there is one to be seen."""
    (tmp_path / "p.png").write_bytes(b"\x00" * 2_000_000)
    async with simulated(shop(endpoints=CALLS), records=2) as service:
        added = (await service.call("add", {"title": "Zoë", "photo": tmp_path / "p.png", "stars": 5})).data
        about = {"filename": "p.png", "type": "application/octet-stream", "size": 2_000_000}
        assert (added["title"], added["photo"], added["stars"]) == ("Zoë", about, 5)
        assert [record async for record in service.read("photos")][-1] == added
        assert (await service.call("replace", {"id": 1, "content": b"\xff"})).data["id"] == 1
        assert (await service.call("note", {"note": "hi"})).data["note"] == "hi"
        ordered = (await service.call("order", {"id": 7, "tags": ["x"]})).data
        assert (ordered["@id"], ordered["id"], ordered["tags"]) == ("7", 7, ["x"])
        assert (await service.call("csv", {"content": b"a;b"})).attempts == 1


async def test_keys_in_a_body():
    """A key that is put into a multipart body is found there by the service."""
    auth = {"type": "api_key", "put": "body.token", "value": "{{ secrets.token }}"}
    async with simulated(shop(endpoints={"add": CALLS["add"]}, auth=auth)) as service:
        added = await service.call("add", {"title": "t", "photo": b"x"})
    assert added.data["photo"]["size"] == 1


@pytest.mark.parametrize(
    "put, body",
    [
        ("body.offset", {"multipart": {"status": "any"}}),
        ("body.Search.Offset", {"xml": {"Search": {"Status": "any"}}}),
        ("body.offset", {"form": {"status": "any"}}),
    ],
)
async def test_pages_in_a_body(put, body):
    """A search that is paged by what is put into its body is read to its end, whatever the form of the body."""
    pagination = {"type": "offset", "put": put, "size": {"value": 10}}
    search = {"post": "/search", "records": "body.hits", "body": body, "schema": PHOTO, "pagination": pagination}
    async with simulated(shop(endpoints={"search": search}), records=25) as service:
        assert len([record async for record in service.read("search")]) == 25
