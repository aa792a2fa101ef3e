"""Text that would become more than a value: a header, a parameter, a part, a line in a log, a colour on a terminal."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core import Connector
from connector_core.exceptions import ConfigError, IntegrationError, ResponseError, SpecError
from connector_core.http import Request, Response, encode_query
from connector_core.load import load
from connector_core.logs import OperationLog
from connector_core.testing import FakeTransport, effects, respond
from tests.attacks.service import HOME, SECRETS, document, opened
from tests.engine.servers import answer, serving

BREAKS = [
    "a\r\nX-Evil: 1",
    "a\nX-Evil: 1",
    "a\rX-Evil: 1",
    "a\0b",
    "a\x0bb",
    "a\x1b[2Jb",
    "a\x7f",
    "\r\n\r\nGET / HTTP/1.1",
]
OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What a terminal or a reader of lines obeys."""


async def over_the_wire(spec: dict[str, Any], **more: Any) -> tuple[list[str], list[bytes]]:
    """The heads and bodies that arrive at a real socket."""
    async with serving(answer(b"{}")) as server:
        opening: Any = Connector.open({**spec, "base_url": server.url}, network="loopback", **more)
        try:
            async with opening as demo:
                await demo.call("thing")
        finally:
            heads, bodies = server.heads, server.bodies
    return heads, bodies


@pytest.mark.parametrize("value", BREAKS)
@pytest.mark.parametrize("source", ["config", "secrets"])
@pytest.mark.parametrize(
    "place",
    [
        {"headers": {"X-Team": "{{ SOURCE.v }}"}},
        {"headers": {"X-Team": "a {{ SOURCE.v }} b"}},
        {"headers": {"Host": "{{ SOURCE.v }}"}},
        {"headers": {"Cookie": "sid={{ SOURCE.v }}"}},
        {"auth": {"type": "bearer", "token": "{{ SOURCE.v }}"}},
        {"auth": {"type": "api_key", "put": "header.X-Key", "value": "{{ SOURCE.v }}"}},
        {"auth": {"type": "api_key", "put": "cookie.sid", "value": "{{ SOURCE.v }}"}},
    ],
    ids=["header", "part of a header", "Host", "Cookie", "bearer", "api_key in a header", "api_key in a cookie"],
)
async def test_no_line_break_in_a_header(place, source, value):
    """A value with a control character in it is refused by its header's name, is not shown, and nothing is sent."""
    spec = json.loads(
        json.dumps(document(**place, secrets={"v": {}}, config={"v": {"type": "string"}})).replace("SOURCE", source)
    )
    async with serving(answer(b"{}")) as server:
        opening: Any = Connector.open(
            {**spec, "base_url": server.url}, network="loopback", config={"v": value}, secrets={"v": value}
        )
        async with opening as demo:
            with pytest.raises(ConfigError) as refused:
                await demo.call("thing")
    assert server.heads == []
    assert "Evil" not in str(refused.value)
    assert not OBEYED.search(str(refused.value))


@pytest.mark.parametrize(
    "value", ["evil.example/", "a b", "user@evil", "evil.example,b", "[::1", "a:b", "a:99999", "", "é"]
)
async def test_a_host_that_is_none(value):
    """`Host` from config is a host, or the request isn't sent: proxies and caches go by it."""
    spec = document(headers={"Host": "{{ config.v }}"}, config={"v": {"type": "string"}})
    with pytest.raises(ConfigError, match="the value of the header Host is no host"):
        await over_the_wire(spec, config={"v": value}, secrets=SECRETS)


@pytest.mark.parametrize(
    "name", ["Content-Length", "transfer-encoding", "Connection", "Upgrade", "TE", "Trailer", "Expect"]
)
async def test_no_header_of_the_transports_own(name):
    """What says where a request ends is no spec's to say: two programs would see two requests."""
    with pytest.raises((ConfigError, SpecError)):
        await over_the_wire(document(headers={name: "chunked"}), secrets=SECRETS)


@pytest.mark.parametrize("name", ["X\r\nY", "X: Y", "X Y", "", "Ü", "X\0", "{{ config.v }}"])
def test_no_header_by_another_name(name):
    """A header's name is the spec's own, and is a name."""
    with pytest.raises(SpecError):
        load(document(headers={name: "x"}))


@pytest.mark.parametrize(
    "value", [*BREAKS, "a&admin=1", "a=b&c", "a#b", "a?b", "a;b", "%26admin=1", "a+b", "é", "\u2028"]
)
@pytest.mark.parametrize("source", ["config", "secrets", "input"])
async def test_a_parameter_stays_one(source, value):
    """Whatever a value holds, the query has the one parameter, with that value."""
    endpoint = {"params": {"q": f"{{{{ {source}.v }}}}", "safe": "1"}, "input": {"v": {"type": "string"}}}
    transport = FakeTransport(lambda _: respond(json={}))
    spec = document(endpoint, config={"v": {"type": "string"}}, secrets={"v": {}})
    async with Connector.open(spec, config={"v": value}, secrets={"v": value}, effects=effects(transport)) as demo:
        await demo.call("thing", {"v": value})
    (request,) = transport.requests
    assert request.target == f"{HOME}/thing?{encode_query([('q', value), ('safe', '1')])}"
    assert request.target.count("&") == 1
    assert request.target.isprintable()


@pytest.mark.parametrize("value", [*BREAKS, 'a"; filename="evil', "a\r\n--boundary", 'a"b', "\u202e"])
async def test_a_part_stays_one(value):
    """A name, a file's name and a text of a multipart body stay what they are."""
    parts = {"title": "{{ input.v }}", "file": {"file": "{{ input.f }}", "filename": "{{ input.v }}"}}
    given = {"v": {"type": "string"}, "f": {"type": "string", "format": "binary"}}
    spec = document({"post": "/thing", "input": given, "body": {"multipart": parts}})
    transport = FakeTransport(lambda _: respond(json={}))
    async with opened(spec, transport) as demo:
        await demo.call("thing", {"v": value, "f": b"content"})
    content = transport.requests[0].content or b""
    heads = [
        part.partition(b"\r\n\r\n")[0] for part in re.split(rb"--[^\r\n]+(?:\r\n|--)", content) if b"form-data" in part
    ]
    assert len(content.split(b"Content-Disposition: form-data")) - 1 == len(heads) == 2
    assert not any(b"X-Evil" in head.partition(b"\r\n")[2] for head in heads)


@pytest.mark.parametrize("value", ["x; admin=1", "x;", "x\r\nSet-Cookie: a=b"])
async def test_a_cookie_stays_one(value):
    """A value with a semicolon would begin the next cookie."""
    auth = {"type": "api_key", "put": "cookie.sid", "value": "{{ secrets.v }}"}
    with pytest.raises(ConfigError) as refused:
        await over_the_wire(document(auth=auth, secrets={"v": {}}), secrets={"v": value})
    assert "admin" not in str(refused.value)


@pytest.mark.parametrize("value", BREAKS)
@pytest.mark.parametrize("put", ["header.X-Cursor", "query.cursor", "cookie.cursor", "body.cursor"])
async def test_a_cursor_of_the_services_own(put, value):
    """A token from an answer goes back as a value, or is refused as the service's mistake, with nothing sent."""
    encoded = put in ("query.cursor", "body.cursor")
    first = json.dumps({"data": [{"id": 1}], "next": value}).encode()
    endpoint: dict[str, Any] = {
        "post" if put == "body.cursor" else "get": "/thing",
        "output": None,
        "records": "body.data",
        "pagination": {"type": "cursor", "take": "body.next", "put": put},
    }
    async with serving(answer(first), answer(b'{"data": []}')) as server:
        opening: Any = Connector.open(document(endpoint, base_url=server.url), network="loopback", secrets=SECRETS)
        async with opening as demo:
            if encoded:
                assert [record async for record in demo.read("thing")] == [{"id": 1}]
            else:
                with pytest.raises(ResponseError) as refused:
                    [record async for record in demo.read("thing")]
                assert refused.value.code == "pagination.token"
                assert not OBEYED.search(str(refused.value))
    assert not any(line.startswith("X-Evil") for head in server.heads for line in head.split("\r\n"))
    assert len(server.heads) == (2 if encoded else 1)


@given(st.text(max_size=20))
def test_any_text_in_a_query(value):
    """Of any text a query makes printable ASCII without a separator of its own."""
    try:
        written = encode_query([("q", value)])
    except UnicodeEncodeError:
        return
    assert re.fullmatch(r"q=[!-~]*", written)
    assert not set(written[2:]) & set("&=#?;+ /\\")


# ── what a service says, in messages and logs ─────────────────────────────────────────────────────

BY_LINK, BY_TOKEN = {"type": "next_url", "take": "body.n"}, {"type": "cursor", "take": "body.n"}
EVIL = "\x1b[31m\u202eEVIL\r\nERROR fake line\x07\x9b\u2028\u2066"
IN_A_HEADER = "\x1b[31mEVIL\x07\x9b"


def said(**endpoint: Any) -> dict[str, Any]:
    return {"output": None, "records": "body.d", **endpoint}


WORDS: dict[str, tuple[dict[str, Any], Response]] = {
    "an error's message": ({}, respond(400, json={"message": EVIL})),
    "an error's code": (
        {"errors": [{"status": 400, "category": "validation", "message": "{{ body.m }}", "code": "{{ body.m }}"}]},
        respond(400, json={"m": EVIL}),
    ),
    "an error's text": ({}, respond(400, content=EVIL.encode(), headers={"Content-Type": "text/plain"})),
    "a page's title": (
        {}, respond(content=f"<html><title>{EVIL}</title>".encode(), headers={"Content-Type": "text/html"}),
    ),
    "no JSON": ({}, respond(content=EVIL.encode())),
    "no XML": ({"decode": "xml"}, respond(content=f"<a>{EVIL}</b>".encode())),
    "an XML name": ({"decode": "xml"}, respond(content=b"<a \xc2\x9b='1'>")),
    "no CSV": ({"decode": "csv"}, respond(content=f"a,b\n{EVIL},1,2,3\n".encode())),
    "a wait": ({}, respond(429, headers={"Retry-After": IN_A_HEADER}, content=b"")),
    "a redirect": ({}, respond(302, headers={"Location": f"/{IN_A_HEADER}"}, content=b"")),
    "a redirect's host": ({}, respond(302, headers={"Location": f"https://{IN_A_HEADER}/"}, content=b"")),
    "a redirect's user": ({}, respond(302, headers={"Location": f"https://u@{IN_A_HEADER}/"}, content=b"")),
    "a redirected write": ({"post": "/thing"}, respond(301, headers={"Location": f"/{IN_A_HEADER}"}, content=b"")),
    "a link": (said(pagination=BY_LINK), respond(json={"d": [{}], "n": f"https://x/{EVIL}"})),
    "a link's host": (said(pagination=BY_LINK), respond(json={"d": [{}], "n": "https://\u202e\x9b/"})),
    "a cursor": (said(pagination={**BY_TOKEN, "put": "query.c"}), respond(json={"d": [{}], "n": EVIL})),
    "a cursor in a header": (
        said(pagination={**BY_TOKEN, "put": "header.X-C"}), respond(json={"d": [{}], "n": EVIL})
    ),
    "a value to cast": (
        said(transform=[{"type": "cast", "fields": {"a": "integer"}}]), respond(json={"d": [{"a": EVIL}]}),
    ),
    "a template's value": ({"output": "{{ body.x + 1 }}"}, respond(json={"x": EVIL})),
    "an authentication": ({}, respond(401, json={"error": EVIL}, headers={"WWW-Authenticate": IN_A_HEADER})),
    "a problem": ({}, respond(422, json={"title": EVIL, "detail": EVIL, "errors": [{"message": EVIL}]})),
}  # fmt: skip


async def every(demo: Any) -> list[Any]:
    return [record async for record in demo.read("thing")]


@pytest.mark.parametrize("where", WORDS)
async def test_no_word_of_a_service_is_obeyed(where, caplog):
    """What a service says stands in errors and logs as one line of plain text, wherever it says it."""
    caplog.set_level(logging.DEBUG)
    endpoint, response = WORDS[where]
    transport = FakeTransport(lambda _: response)
    async with opened(document(endpoint), transport, listeners=[OperationLog()]) as demo:
        doing = every(demo) if endpoint.get("records") else demo.call("thing")
        with pytest.raises(IntegrationError) as told:
            await doing
    error = told.value
    for text in (str(error), error.what, error.where, error.hint, error.code, *map(str, error.context.values())):
        assert not OBEYED.search(text)
    assert caplog.records
    for record in caplog.records:
        assert not OBEYED.search(record.getMessage())


@pytest.mark.parametrize(
    "place",
    [
        {EVIL: 1},
        {"title": EVIL, "nonsense": EVIL},
        {"base_url": f"https://{EVIL}"},
        {"headers": {EVIL: "x"}},
        {"auth": {"type": EVIL}},
        {"auth": {"type": "bearer", "token": f"{{{{ {EVIL} }}}}"}},
        {"pagination": {"type": "cursor", "take": EVIL, "put": EVIL}},
        {"endpoints": {EVIL: {"get": "/x"}}},
        {"endpoints": {"a": {"get": f"/{{{{ input.{EVIL} }}}}"}}},
        {"retry": {"attempts": EVIL}},
        {"name": EVIL},
        {"hosts": [EVIL]},
        {"config": {"a": {"type": EVIL}}},
        {"config": {"a": {"type": "string", "pattern": f"({EVIL}"}}},
        {"transform": [{"type": "rename", "fields": {EVIL: 5}}]},
    ],
    ids=str,
)
def test_no_word_of_a_spec_is_obeyed(place):
    """A spec from a stranger is checked before it is trusted: what is told of its mistakes is plain text."""
    with pytest.raises(SpecError) as told:
        load({**document(), **place})
    for line in str(told.value).split("\n"):
        assert line.startswith("spec.json:")
        assert not OBEYED.search(line)


@pytest.mark.parametrize("text", [EVIL, IN_A_HEADER, "\u202e"])
async def test_a_redirect_chain_is_shown_percent_encoded(text):
    """What an address may not hold is encoded in what is shown of it, too."""

    def redirecting(request: Request) -> Response:
        return (
            respond(302, headers={"Location": f"/{text}é"}, content=b"")
            if request.url.endswith("thing")
            else respond(404)
        )

    async with opened(document(), redirecting) as demo:
        with pytest.raises(IntegrationError) as told:
            await demo.call("thing")
    assert not OBEYED.search(str(told.value))
