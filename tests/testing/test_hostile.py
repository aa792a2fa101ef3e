"""Requests that no well-behaved client sends: the simulated service answers each with a word, and stays as it is."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from connector_core.load import load
from connector_core.testing import Simulator
from tests.testing.specs import ORDER, shop

CREATE = {
    "post": "/orders",
    "input": {"customer": {"type": "string", "optional": True}},
    "body": {"json": {"customer": "{{ input.customer }}"}},
}
JSON = b"Content-Type: application/json"


async def asked(
    service: Simulator, method: str = "GET", *headers: bytes, path: bytes = b"/api/v1/orders", body: bytes = b""
) -> tuple[int, Any]:
    """The status and the JSON of the answer to exactly these bytes."""
    host = [] if any(header.startswith(b"Host:") for header in headers) else [b"Host: shop.example"]
    head = [method.encode() + b" " + path + b" HTTP/1.1", *host, *headers, b"Connection: close"]
    head.append(b"Content-Length: %d" % len(body))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
    writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    told, _, content = answer.partition(b"\r\n\r\n")
    return int(told.split()[1]), json.loads(content)


def service(auth: Any = "none") -> Simulator:
    endpoints = {"orders": {"get": "/orders", "schema": ORDER}, "create": CREATE}
    return Simulator(load(shop({"type": "link_header"}, auth=auth, endpoints=endpoints)), records=3)


@pytest.mark.parametrize("host", [b"[::1", b"x:99999", b"x:abc", b"x:-1", b"[", b"\xef\xbc\x9a"])
async def test_host_that_is_none(host):
    """A Host that is no host is answered with 400 and why, by JSON as everything is."""
    async with service() as here:
        status, said = await asked(here, "GET", b"Host: " + host)
    assert status == 400
    assert said["message"].startswith("the request's address is none: ")


DEEP = 200_000
BODIES: dict[str, tuple[bytes, bytes, str]] = {
    "deep": (b"[" * DEEP + b"]" * DEEP, JSON, "the body is nested too deeply"),
    "101 levels": (b'{"id":' * 101 + b"1" + b"}" * 101, JSON, "the body is nested too deeply"),
    "deep XML": (b"<a>" * 5000 + b"</a>" * 5000, b"Content-Type: text/xml", "the body is nested too deeply"),
    "not gzip": (b"{}{}", JSON + b"\r\nContent-Encoding: gzip", "the body is not what Content-Encoding or "),
    "surrogate": (b'{"customer": "\\ud800"}', JSON, "the body holds half a character (a lone surrogate)"),
    "surrogate in a name": (b'{"\\udfff": 1}', JSON, "the body holds half a character (a lone surrogate)"),
    "surrogate in UTF-7": (b"+2AA-", b"Content-Type: text/plain; charset=utf-7", "the body holds half a character"),
    "NaN": (b'{"id": NaN}', JSON, "the body holds nan, which is no number"),
    "infinity": (b'{"id": 1e999}', JSON, "the body holds inf, which is no number"),
    "charset": (b"x", b"Content-Type: text/plain; charset*=x''a%ff", "the body is not a"),
    "type of a part": (
        b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: \xff\r\n\r\n\r\n--b--',
        b"Content-Type: multipart/form-data; boundary=b",
        "the body is not utf-8",
    ),
}


@pytest.mark.parametrize("name", BODIES)
async def test_bad_bodies(name, caplog):
    """A body that cannot be kept is answered with 400, nothing is stored of it, and the log holds no traceback."""
    body, kind, why = BODIES[name]
    async with service() as here:
        status, said = await asked(here, "POST", kind, body=body)
        assert (status, said["message"][: len(why)]) == (400, why)
        status, said = await asked(here)
        assert (status, len(said["data"])) == (200, 3)
    assert not caplog.records


async def test_packed_body():
    """A body that is what its Content-Encoding says is read."""
    async with service() as here:
        body = gzip.compress(b'{"customer": "Zo\xc3\xab"}')
        status, said = await asked(here, "POST", JSON, b"Content-Encoding: gzip", body=body)
    assert (status, said["customer"]) == (201, "Zoë")


@pytest.mark.parametrize("header", [b"Bearer \xff\xfe", b"Bearer", b"Basic \xff", b"Bearer \xed\xa0\x80"])
@pytest.mark.parametrize("kind", ["bearer", "basic", "api_key"])
async def test_credentials_that_are_no_text(kind, header):
    """Credentials of any bytes are refused with 401, not with a failure."""
    wanted = "{{ secrets.token }}"
    auth = {
        "bearer": {"type": "bearer", "token": wanted},
        "basic": {"type": "basic", "username": wanted},
        "api_key": {"type": "api_key", "put": "header.Authorization", "value": wanted},
    }
    async with service(auth[kind]) as here:
        status, said = await asked(here, "GET", b"Authorization: " + header)
    assert status == 401
    assert "Authorization" in said["message"]


@pytest.mark.parametrize("path", [b"/%ff%fe", b"/api/v1/orders?x=%ff&status=%ed%a0%80&after=%ff", b"/%ed%a0%80"])
async def test_paths_that_are_no_text(path):
    """A path of any bytes has an answer, with links and messages that are text."""
    async with service() as here:
        status, _ = await asked(here, path=path)
    assert status in (200, 400, 404)


async def test_number_of_a_form_that_is_none():
    """A form's `nan` stays the text that it is, so that no answer holds what is no JSON."""
    form = {"post": "/orders", "input": {}, "body": {"form": {}}}
    schema = {"id": {"type": "integer"}, "price": {"type": "number"}}
    spec = load(shop(auth="none", endpoints={"orders": {"get": "/orders", "schema": schema}, "create": form}))
    async with Simulator(spec, records=0) as here:
        kind = b"Content-Type: application/x-www-form-urlencoded"
        status, said = await asked(here, "POST", kind, body=b"price=nan")
    assert (status, said) == (201, {"id": 1, "price": "nan"})
