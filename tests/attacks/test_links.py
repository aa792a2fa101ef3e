"""Links that a service hands out: the next page, a job's result, an address that came with a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector_core import Connector
from connector_core.exceptions import ConfigError, IntegrationError, ResponseError
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, effects, respond
from tests.attacks.service import HOME, PLACEMENTS, SECRETS, abroad, document, opened

OTHER_ORIGINS = [
    "https://evil.example/2",
    "//evil.example/2",
    "http://api.example/2",
    "https://api.example:8443/2",
    "https://api.example:0/2",
    "https://www.api.example/2",
    "https://api.example.evil.example/2",
    "https://evil-api.example/2",
    "https://api.example./2",
    "https://xn--pi-7ia.example/2",
    "https://169.254.169.254/2",
    "https://127.0.0.1/2",
    "https://[::1]/2",
    "https://0x7f000001/2",
]
NO_ADDRESSES = [
    "https://api.example@evil.example/2",
    "https://user:pw-canary@api.example/2",
    "https://@evil.example/2",
    "https://api.example\\@evil.example/2",
    "https://api.example\\.evil.example/2",
    "https://api.example%2eevil.example/2",
    "https://api.example%00.evil.example/2",
    "https://\uff41pi.example/2",
    "https://evil\u3002example/2",
    "https://api.example\u2044@evil.example/2",
    "https://[::1%25eth0]/2",
    "https://[::1/2",
    "https://api.example:65536/2",
    "https://api.example:/2",
    "http:/evil.example/2",
    "http:evil.example",
    "https:///evil.example/2",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "data:text/html,x",
    "ftp://api.example/2",
    "wss://api.example/2",
    " https://evil.example/2",
    "\thttps://evil.example/2",
    "https://ev\til.example/2",
    "https://evil.example/2\r\nX-Evil: 1",
    "https://api.example/\x1b[31m",
    "https://api.example/\x00",
]
CLIMBS = [
    "https://api.example/v1/../admin",
    "https://api.example/../admin",
    "https://api.example/v1/./thing",
    "https://api.example/v1/%2e%2e/admin",
    "https://api.example/v1/%2E./admin",
    "https://api.example/v1/..%2fadmin",
    "https://api.example/v1/%252e%252e%252fadmin",
    "https://api.example/v1/..\\admin",
    "https://api.example/v1/..%5cadmin",
    "/v1/%2e%2e/admin",
    "https://api.example/v1/%" + "25" * 100_000 + "2e%2e/admin",
]


def by_body(link: Any) -> tuple[dict[str, Any], Response]:
    return {"type": "next_url", "take": "body.next"}, respond(json={"data": [{"id": 1}], "next": link})


def by_header(link: Any) -> tuple[dict[str, Any], Response]:
    field = f'<{link}>; rel="next"'
    return {"type": "link_header"}, respond(json={"data": [{"id": 1}]}, headers={"Link": field})


async def followed(
    way: Callable[[Any], tuple[dict[str, Any], Response]], link: Any, placement: str = "bearer", **more: Any
) -> tuple[FakeTransport, IntegrationError | None]:
    """What arrives when `/thing` is read and its first page has this link, and the error that the reading ends in."""
    pagination, first = way(link)
    spec = document({"output": None, "pagination": pagination}, records="body.data", **PLACEMENTS[placement], **more)
    transport = FakeTransport(lambda request: first if request.url == f"{HOME}/thing" else respond(json={"data": []}))
    async with opened(spec, transport) as demo:
        try:
            async for _ in demo.read("thing"):
                pass
        except IntegrationError as error:
            return transport, error
    return transport, None


@pytest.mark.parametrize("way", [by_body, by_header])
@pytest.mark.parametrize("link", OTHER_ORIGINS)
async def test_a_link_to_another_origin(link, way):
    """Another host, scheme or port is not asked for anything: it is refused, with what the spec would have to say."""
    transport, error = await followed(way, link)
    assert isinstance(error, ResponseError)
    assert (error.code, len(transport.requests)) == ("host.not_allowed", 1)


@pytest.mark.parametrize("way", [by_body, by_header])
@pytest.mark.parametrize("link", NO_ADDRESSES)
async def test_a_link_that_is_no_address(link, way):
    """What two programs may read in two ways leads nowhere, and no password or escape sequence in it is shown."""
    transport, error = await followed(way, link)
    assert isinstance(error, ResponseError)
    bare = link == link.strip() or way is by_body  # around a header's link there may be spaces
    assert error.code in ("host.invalid", "pagination.link") if bare else "host.not_allowed"
    assert len(transport.requests) == 1
    assert str(error).isprintable()
    assert "pw-canary" not in f"{error!r} {error.context}"


@pytest.mark.parametrize("way", [by_body, by_header])
@pytest.mark.parametrize("link", CLIMBS, ids=lambda link: link[:60])
async def test_a_link_that_climbs(link, way):
    """A `..` that a server may see, however often it is encoded, is refused in time that grows with the link alone."""
    transport, error = await followed(way, link)
    assert isinstance(error, ResponseError)
    assert (error.code, len(transport.requests)) == ("pagination.link", 1)
    assert "holds a link with a segment . or .. in its path" in str(error)


@pytest.mark.parametrize(
    "link", ["../admin?p=2", "./things?p=2", "/v1/../things", "https:\\\\evil.example", "\\\\evil.example"]
)
async def test_a_relative_link_stays_at_home(link):
    """A relative link is resolved as RFC 3986 says, and ends up at the service, whatever a browser would make of it."""
    transport, error = await followed(by_body, link)
    assert error is None
    assert transport.requests[1].url.startswith(f"{HOME}/")
    assert "/../" not in transport.requests[1].url


@pytest.mark.parametrize("link", [5, True, ["https://evil.example"], {"href": "https://evil.example"}])
async def test_a_link_that_is_no_text(link):
    """Only text is a link."""
    transport, error = await followed(by_body, link)
    assert isinstance(error, ResponseError)
    assert (error.code, len(transport.requests)) == ("pagination.link", 1)


@pytest.mark.parametrize("placement", PLACEMENTS)
async def test_a_link_to_a_declared_host(placement):
    """A host that the spec names without `credentials` gets the link as it is written, and no credential of ours."""
    link = "https://cdn.example/2?sig=a%2Fb+c"
    spec, first = (
        document({"output": None}, hosts=["cdn.example"], records="body.data", **PLACEMENTS[placement]),
        respond(json={"data": [{"id": 1}], "next": link}),
    )
    spec["endpoints"]["thing"]["pagination"] = {"type": "next_url", "take": "body.next"}
    asked = [respond(401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}, content=b"")]

    def answer(request: Request) -> Response:
        if request.url == f"{HOME}/token":
            return respond(json={"access_token": "issued-canary", "token_type": "Bearer"})
        if placement == "digest" and asked:
            return asked.pop()
        return first if request.url == f"{HOME}/thing" else respond(json={"data": []})

    transport = FakeTransport(answer)
    async with opened(spec, transport) as demo:
        assert [record async for record in demo.read("thing")] == [{"id": 1}]
    (arrived,) = abroad(transport)
    assert (arrived.target, dict(arrived.headers)) == (link, {"Accept": "application/json"})


async def test_a_link_that_holds_our_secret():
    """A service that writes our secret into a link to a host that may not see it is not obeyed, and is not quoted."""
    transport, error = await followed(by_body, f"https://cdn.example/2?t={SECRETS['token']}", hosts=["cdn.example"])
    assert isinstance(error, ResponseError)
    assert error.what == "a URL that holds a secret was led to a host that may not see the credentials"
    assert len(transport.requests) == 1
    assert SECRETS["token"] not in f"{error} {error.context}"


@pytest.mark.parametrize("way", [by_body, by_header])
async def test_the_same_link_again(way):
    """A link to the page that it came with ends in an error, after one further request."""
    transport, error = await followed(way, f"{HOME}/thing")
    assert isinstance(error, ResponseError)
    assert "the service repeats itself" in str(error)
    assert len(transport.requests) <= 2


@pytest.mark.parametrize(
    "take, put", [("body.next", "query.cursor"), ("body.next", "body.cursor"), ("header.X-N", "query.c")]
)
async def test_a_cursor_that_repeats(take, put):
    """So does a cursor, wherever it stands."""
    transport = FakeTransport(lambda _: respond(json={"data": [{"id": 1}], "next": "again"}, headers={"X-N": "again"}))
    pagination = {"type": "cursor", "take": take, "put": put}
    endpoint = {"output": None, "pagination": pagination, "records": "body.data"}
    if put.startswith("body"):
        endpoint["post"] = "/thing"

    async with opened(document(endpoint), transport) as demo:
        with pytest.raises(ResponseError, match="the service repeats itself"):
            [record async for record in demo.read("thing")]
    assert len(transport.requests) == 2


async def test_pages_without_end():
    """A service that has a new link on each page is read to `max_pages`, and then it is an error, not an end."""
    numbers = iter(range(10**6))

    def answer(_: Request) -> Response:
        return respond(json={"data": [{"id": next(numbers)}], "next": f"/thing?page={next(numbers)}"})

    transport = FakeTransport(answer)
    pagination = {"type": "next_url", "take": "body.next", "max_pages": 50}
    spec = document({"output": None, "pagination": pagination}, records="body.data")
    async with opened(spec, transport) as demo:
        with pytest.raises(IntegrationError, match="50"):
            [record async for record in demo.read("thing")]
    assert len(transport.requests) <= 51


# ── a job's links ─────────────────────────────────────────────────────────────────────────────────

RESULT = {"each": "{{ job.poll.urls }}", "as": "url", "get": "{{ url }}", "params": {"key": "{{ secrets.token }}"}}


async def exported(url: Any, **more: Any) -> tuple[FakeTransport, IntegrationError | None]:
    """What arrives when a job says that its result is there."""

    def answer(request: Request) -> Response:
        if request.url == f"{HOME}/start":
            return respond(json={"id": 1})
        return respond(json={"urls": [url]} if request.url == f"{HOME}/poll" else {"data": [{"id": 1}]})

    transport = FakeTransport(answer)
    job = {"start": {"post": "/start"}, "poll": {"get": "/poll"}, "done": "true", "result": RESULT}
    spec = document({"output": None}, records="body.data", **PLACEMENTS["bearer"], **more)
    spec["endpoints"]["thing"] = {"job": job}
    async with opened(spec, transport) as demo:
        try:
            [record async for record in demo.read("thing")]
        except IntegrationError as error:
            return transport, error
    return transport, None


@pytest.mark.parametrize("url", [*OTHER_ORIGINS, *NO_ADDRESSES, *CLIMBS[:-1], None, 5, ["https://evil.example"], ""])
async def test_where_a_jobs_result_is(url):
    """A result's address is judged like any link: to another origin, or in a form that hides it, nothing is sent."""
    transport, error = await exported(url)
    if url in ("//evil.example/2", "/v1/%2e%2e/admin"):  # with a slash it is a path at the service, and may not climb
        assert {request.url.split("/")[2] for request in transport.requests} == {"api.example"}
    else:
        assert isinstance(error, ConfigError | ResponseError)
    assert abroad(transport) == []
    assert not any(".." in request.url or "%2e" in request.url for request in transport.requests)
    assert str(error).isprintable()
    assert "pw-canary" not in f"{error!r} {getattr(error, 'context', '')}"


async def test_a_jobs_result_at_a_declared_host():
    """A declared host gets the address that the service gave, without the spec's headers and secret parameters."""
    transport, error = await exported("https://cdn.example/result?sig=x", hosts=["cdn.example"])
    assert error is None
    (arrived,) = abroad(transport)
    assert (arrived.target, dict(arrived.headers)) == (
        "https://cdn.example/result?sig=x",
        {"Accept": "application/json"},
    )


async def test_a_jobs_result_at_a_trusted_host():
    """One that the spec trusts gets them."""
    transport, error = await exported(
        "https://cdn.example/result", hosts=[{"host": "cdn.example", "credentials": True}]
    )
    assert error is None
    (arrived,) = abroad(transport)
    assert (arrived.target, arrived.headers["Authorization"]) == (
        "https://cdn.example/result?key=t0ken-canary",
        "Bearer t0ken-canary",
    )


# ── where a file is sent ──────────────────────────────────────────────────────────────────────────


UPLOAD: dict[str, Any] = {
    "begin": {"post": "/uploads", "output": "body"},
    "send": {
        "put": "{{ input.url }}",
        "input": {"url": {"type": "string"}, "file": {"type": "string", "format": "binary"}},
        "body": {"bytes": "{{ input.file }}"},
    },
    "upload": {
        "input": {"file": {"type": "string", "format": "binary"}},
        "steps": [
            {"call": "begin", "as": "begun"},
            {"call": "send", "input": {"url": "{{ begun.url }}", "file": "{{ input.file }}"}},
        ],
    },
}


async def uploaded(url: str, *, trusted: bool) -> tuple[FakeTransport, IntegrationError | None]:
    """What arrives when the service says that a file is to be sent there."""
    spec = document(hosts=[{"host": "cdn.example", "credentials": trusted}], **PLACEMENTS["bearer"], endpoints=UPLOAD)
    transport = FakeTransport(lambda request: respond(json={"url": url} if request.method == "POST" else {}))
    async with opened(spec, transport) as demo:
        try:
            await demo.call("upload", {"file": b"contents-canary"})
        except IntegrationError as error:
            return transport, error
    return transport, None


@pytest.mark.parametrize("url", [*OTHER_ORIGINS, *NO_ADDRESSES, *CLIMBS[:-1], "https://cdn.example/upload"])
async def test_where_a_file_is_sent(url):
    """An upload's address from an answer gets a file only where the spec trusts its host: bodies may hold anything."""
    transport, error = await uploaded(url, trusted=False)
    if url not in ("//evil.example/2", "/v1/%2e%2e/admin"):  # with a slash it is a path at the service
        assert isinstance(error, ConfigError | ResponseError)
        assert str(error).isprintable()
        assert "pw-canary" not in f"{error!r} {error.context}"
    assert abroad(transport) == []


async def test_a_file_for_a_trusted_host():
    """Where the spec does, the file is sent there."""
    transport, error = await uploaded("https://cdn.example/upload", trusted=True)
    assert error is None
    (arrived,) = abroad(transport)
    assert (arrived.method, arrived.target, arrived.content) == (
        "PUT",
        "https://cdn.example/upload",
        b"contents-canary",
    )


# ── addresses from config, input and tokens ───────────────────────────────────────────────────────


@pytest.mark.parametrize("url", [*OTHER_ORIGINS, *NO_ADDRESSES, *CLIMBS[:-1]])
async def test_an_address_from_input(url):
    """A whole address in `input`, such as one from a webhook, opens no origin that the spec does not name."""
    endpoint = {"get": "{{ input.url }}", "input": {"url": {"type": "string"}}}
    transport = FakeTransport(lambda _: respond(json={}))
    async with opened(document(endpoint, **PLACEMENTS["bearer"]), transport) as demo:
        told = ""
        try:
            await demo.call("thing", {"url": url})
        except (ConfigError, ResponseError) as error:
            told = str(error)
    assert abroad(transport) == []
    assert not any(".." in request.url or "%2e" in request.url.lower() for request in transport.requests)
    assert told.isprintable()
    assert "pw-canary" not in told


@pytest.mark.parametrize("url", NO_ADDRESSES)
async def test_an_address_from_config(url):
    """What is no plain address can't become the service's, and a password in it is not shown."""
    spec = document(base_url="{{ config.url }}", config={"url": {"type": "string"}}, **PLACEMENTS["bearer"])
    transport = FakeTransport(lambda _: respond(json={}))
    with pytest.raises(ConfigError) as refused:
        async with opened(spec, transport, config={"url": url}) as demo:
            await demo.call("thing")
    assert transport.requests == []
    assert "pw-canary" not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "@evil.example",
            "x@evil.example",
            "evil.example/",
            "evil.example#",
            "evil.example?",
            "evil.example\\",
            "a:b",
        ),
        *("a.b", "..", "%2e", "a%2f", "a\r\nb", "a\tb", "", " ", "\u0430pi", "a\u3002b", "[::1]", "-", "a_b"),
    ],
)
async def test_a_host_label_from_config(value):
    """A part of a host that config fills can't move it: no user name, no path, no dot, no other alphabet."""
    spec = document(base_url="https://{{ config.team }}.api.example", config={"team": {"type": "string"}})
    transport = FakeTransport(lambda _: respond(json={}))
    with pytest.raises(ConfigError, match=r"must be one label of a host name|team"):
        async with opened(spec, transport, config={"team": value}) as demo:
            await demo.call("thing")
    assert transport.requests == []


@pytest.mark.parametrize("url", NO_ADDRESSES)
async def test_an_address_that_came_with_a_token(url):
    """So it is with the instance's address that a token endpoint names."""
    auth = {**PLACEMENTS["oauth2"]["auth"], "token_url": "https://id.example/token"}
    spec = document(auth=auth, base_url="{{ connection.home }}", capture={"home": "token.home"})
    transport = FakeTransport(lambda _: respond(json={"access_token": "a", "home": url}))
    async with Connector.open(spec, secrets=SECRETS, effects=effects(transport)) as demo:
        with pytest.raises(IntegrationError) as refused:
            await demo.call("thing")
    assert {request.url for request in transport.requests} == {"https://id.example/token"}
    assert "pw-canary" not in str(refused.value)
