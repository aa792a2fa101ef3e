"""Redirects that would carry a credential away: each code, each place where a credential stands, each way out."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core.exceptions import IntegrationError, ResponseError
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, respond
from tests.attacks.service import HOME, PLACEMENTS, SECRETS, abroad, document, leading, opened

CODES = [301, 302, 303, 307, 308]
WAYS_OUT = {
    "another host": "https://evil.example/x",
    "another host without a scheme": "//evil.example/x",
    "http": "http://api.example/x",
    "another port": "https://api.example:8443/x",
    "port 0": "https://api.example:0/x",
    "a subdomain": "https://www.api.example/x",
    "a suffix": "https://api.example.evil.example/x",
    "a trailing dot": "https://api.example./x",
    "metadata": "https://169.254.169.254/latest/meta-data/",
    "metadata by http": "http://169.254.169.254/latest/meta-data/",
    "loopback": "https://127.0.0.1/x",
    "a tab in the host": "https://ev\til.example/x",
    "a space before it": " https://evil.example/x",
}


@pytest.mark.parametrize("way_out", WAYS_OUT)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("placement", PLACEMENTS)
async def test_no_credential_leaves_the_service(placement, code, way_out):
    """Whatever a credential stands in, nothing at all is sent to an origin that the spec does not name."""
    transport = leading(WAYS_OUT[way_out], code, asks=placement)
    async with opened(document(**PLACEMENTS[placement]), transport) as demo:
        with pytest.raises(ResponseError, match="which is not one of its hosts") as refused:
            await demo.call("thing")
    assert refused.value.code == "host.not_allowed"
    assert abroad(transport) == []


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("placement", PLACEMENTS)
async def test_a_declared_host_sees_the_address_alone(placement, code):
    """A host that the spec names without `credentials` is asked for what the redirect says, and sees no more."""
    to = "https://cdn.example/file?part=1"
    transport = leading(to, code, asks=placement)
    async with opened(document(hosts=["cdn.example"], **PLACEMENTS[placement]), transport) as demo:
        assert (await demo.call("thing")).data == {"id": 1}
    (arrived,) = abroad(transport)
    assert (arrived.method, arrived.target, arrived.content) == ("GET", to, None)
    assert dict(arrived.headers) == {"Accept": "application/json"}


BODIES: dict[str, dict[str, Any]] = {
    "json": {"body": {"json": {"key": "{{ secrets.token }}"}}},
    "form": {"body": {"form": {"key": "{{ secrets.token }}"}}},
    "multipart": {"body": {"multipart": {"key": "{{ secrets.token }}"}}},
    "text": {"body": {"text": "key={{ secrets.token }}"}},
    "xml": {"body": {"xml": {"key": "{{ secrets.token }}"}}},
}


@pytest.mark.parametrize("to", ["https://evil.example/x", "https://cdn.example/x", "http://api.example/x"])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("body", BODIES)
async def test_no_body_leaves_the_service(body, code, to):
    """A body that holds a credential reaches no other origin, declared or not: 303 drops it, all others are refused."""
    transport = leading(to, code)
    spec = document({"post": "/thing", **BODIES[body]}, hosts=["cdn.example"])
    async with opened(spec, transport) as demo:
        if code == 303 and "cdn" in to:
            await demo.call("thing")
        else:
            with pytest.raises(ResponseError) as refused:
                await demo.call("thing")
            assert refused.value.code in ("host.not_allowed", "redirect.write")
    arrived = [(request.method, request.content, sorted(request.headers)) for request in abroad(transport)]
    assert arrived == ([("GET", None, ["Accept"])] if code == 303 and "cdn" in to else [])


@pytest.mark.parametrize("code", CODES)
async def test_a_credential_in_the_redirect_itself(code):
    """A service that writes our secret into a link to a host that may not see it is not obeyed, and is not quoted."""
    for to in (f"https://cdn.example/x?token={SECRETS['token']}", f"https://cdn.example/{SECRETS['token']}/x"):
        transport = leading(to, code)
        async with opened(document(hosts=["cdn.example"], **PLACEMENTS["bearer"]), transport) as demo:
            with pytest.raises(
                ResponseError, match="a URL that holds a secret was led to a host that may not"
            ) as found:
                await demo.call("thing")
        assert abroad(transport) == []
        assert SECRETS["token"] not in f"{found.value} {found.value.context}"


@pytest.mark.parametrize(
    "to",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "ftp://api.example/x",
        "gopher://api.example:443/_x",
        "wss://api.example/x",
        "http:/evil.example",
        "http:evil.example",
        "https://api.example@evil.example/x",
        "https://api.example:443@evil.example/x",
        "https://user:pw-canary@api.example/x",
        "https://api.example\\@evil.example/x",
        "https://api.example\\.evil.example/x",
        "https://api.example%2eevil.example/x",
        "https://api.example%00.evil.example/x",
        "https://api.example;evil.example/x",
        "https://\uff41pi.example/x",
        "https://ap\u0131.example/x",
        "https://api\u3002example/x",
        "https://api.example\u2044x/",
        "https://[::1%25eth0]/x",
        "https://[::1/x",
        "https://api.example:65536/x",
        "https://api.example:-1/x",
        "https://api.example:/x",
        "https://api.example:\u0664\u0664\u0663/x",
        "https://api.example/a b",
        "https://api.example/\x1b[31mred",
        "https://api.example/\x00",
        "https://api.example/../admin",
        "/a/%2e%2e/admin",
        "/a/..%2fadmin",
        "/a/%252e%252e%252fadmin",
        "/a/..\\admin",
        "/a/%" + "25" * 40 + "2e%2e/admin",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
async def test_what_is_no_address(method, to):
    """Another scheme, a user name, a host that two programs read in two ways, a path that climbs: nothing is sent."""
    transport = leading(to, 302)
    endpoint: dict[str, Any] = {method: "/thing", "body": {"json": {}} if method == "post" else None}
    async with opened(document(endpoint, **PLACEMENTS["bearer"]), transport) as demo:
        with pytest.raises(ResponseError) as refused:
            await demo.call("thing")
    assert refused.value.code in ("host.invalid", "redirect.invalid")
    assert len(transport.requests) == 1
    assert str(refused.value).isprintable()
    assert "pw-canary" not in f"{refused.value!r} {refused.value.context}"


@pytest.mark.parametrize(
    "to",
    [
        *(
            "/elsewhere",
            "//api.example/elsewhere",
            "https://API.example:443/elsewhere",
            "HTTPS://api.example/elsewhere",
        ),
        *("/\\evil.example/x", "\\\\evil.example", "https:\\\\evil.example", "///evil.example", "https:evil.example"),
    ],
)
@pytest.mark.parametrize("code", CODES)
async def test_the_service_itself_is_followed(code, to):
    """The wall keeps nobody inside from moving: on the same origin, however it is spelt, a redirect is signed anew."""
    transport = leading(to, code)
    async with opened(document(**PLACEMENTS["bearer"]), transport) as demo:
        await demo.call("thing")
    assert transport.requests[-1].headers["Authorization"] == "Bearer t0ken-canary"
    assert transport.requests[-1].target.lower().startswith((f"{HOME}/", f"{HOME}:443/"))


@pytest.mark.parametrize("code", CODES)
async def test_around_in_a_circle(code):
    """A redirect to itself, and one that grows each time, end after ten."""
    for step in ("", "?n={n}"):
        count = 0

        def answer(_: Request, step: str = step) -> Response:
            nonlocal count
            count += 1
            return respond(code, headers={"Location": f"/thing{step.format(n=count)}"}, content=b"")

        async with opened(document(**PLACEMENTS["bearer"]), answer) as demo:
            with pytest.raises(ResponseError, match="demo redirects more than 10 times"):
                await demo.call("thing")
        assert count == 11


@pytest.mark.parametrize("to", ["https://evil.example/x", "http://api.example/x", "https://169.254.169.254/x"])
@pytest.mark.parametrize("code", CODES)
async def test_a_second_hop_is_judged_like_the_first(code, to):
    """Neither a step at home nor one by a declared host opens a way to what is not declared."""
    for first in (f"{HOME}/step", "https://cdn.example/step"):

        def answer(request: Request, first: str = first) -> Response:
            return respond(code, headers={"Location": to if request.url.endswith("/step") else first}, content=b"")

        transport = FakeTransport(answer)
        async with opened(document(hosts=["cdn.example"], **PLACEMENTS["header"]), transport) as demo:
            with pytest.raises(ResponseError, match="which is not one of its hosts"):
                await demo.call("thing")
        assert [request.url for request in transport.requests] == [f"{HOME}/thing", first]


@pytest.mark.parametrize("code", CODES)
async def test_from_a_declared_host_back_home(code):
    """A declared host can't have us sign a write: what comes back home from it is a GET of ours, with its address."""
    back = f"{HOME}/admin/delete?id=1"

    def answer(request: Request) -> Response:
        if request.url == f"{HOME}/admin/delete":
            return respond(json={})
        return respond(
            code, headers={"Location": back if "cdn" in request.url else "https://cdn.example/"}, content=b""
        )

    transport = FakeTransport(answer)
    async with opened(document(hosts=["cdn.example"], **PLACEMENTS["bearer"]), transport) as demo:
        await demo.call("thing")
    assert [request.method for request in transport.requests] == ["GET", "GET", "GET"]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("to", ["https://evil.example/token", "http://api.example/token", f"{HOME}/other"])
async def test_a_token_endpoint_that_redirects(code, to):
    """What is sent to get a token, the client's secret among it, follows no redirect at all."""

    def answer(request: Request) -> Response:
        if request.url == f"{HOME}/token":
            return respond(code, headers={"Location": to}, content=b"")
        return respond(json={"access_token": "stolen"})

    transport = FakeTransport(answer)
    async with opened(document(**PLACEMENTS["oauth2"]), transport) as demo:
        with pytest.raises(IntegrationError) as refused:
            await demo.call("thing")
    assert {request.url for request in transport.requests} == {f"{HOME}/token"}
    assert SECRETS["key"] not in str(refused.value)
