"""A secret in a header, parameter or body that a service refuses: it is looked up, and the request composed anew."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connector_core import Connector, SecretRef
from connector_core.exceptions import AuthenticationError
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, effects, respond

OLD, NEW = "s3cr3t-1", "s3cr3t-2"
SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "secrets": {"key": {}},
    "capture": {"home": {"call": "header", "take": "body.home"}},
    "endpoints": {
        "header": {"get": "/x", "headers": {"X-Key": "{{ secrets.key }}"}},
        "param": {"get": "/x", "params": {"key": "{{ secrets.key }}"}},
        "body": {"post": "/x", "body": {"json": {"key": "{{ secrets.key }}"}}, "idempotency": {"put": "header.Key"}},
        "signed": {
            "get": "/x",
            "params": {"key": "{{ secrets.key }}"},
            "auth": {"type": "bearer", "token": "{{ secrets.key }}"},
        },
        "steps": {"steps": [{"call": "header"}, {"call": "param"}]},
        "captured": {"get": "/x/{{ connection.home }}", "params": {"key": "{{ secrets.key }}"}},
        "cached": {"get": "/x", "headers": {"X-Key": "{{ secrets.key }}"}, "cache": {"type": "private"}},
        "list": {
            "post": "/x",
            "headers": {"X-Key": "{{ secrets.key }}"},
            "input": {"items": {}},
            "batch": {"of": "{{ input.items }}", "size": 1, "put": "body.items"},
        },
        "file": {
            "post": "/x",
            "headers": {"X-Key": "{{ secrets.key }}"},
            "input": {"file": {"format": "binary"}},
            "body": {"bytes": "{{ input.file }}"},
        },
        "pages": {
            "get": "/x",
            "headers": {"X-Key": "{{ secrets.key }}"},
            "records": "body.items",
            "pagination": {"type": "cursor", "take": "body.next", "put": "query.after"},
        },
        "plain": {"get": "/plain"},
    },
}


class Service(FakeTransport):
    """Lets in who shows `good`, wherever a request of this spec may hold it."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.good = OLD
        self.shown: list[str] = []
        self.bodies: list[bytes | None] = []

    def answer(self, request: Request) -> Response:
        places = [request.headers.get("X-Key"), dict(request.query).get("key")]
        if request.encoding == "json":
            places.append(request.body.get("key"))
        self.shown += [found for found in places if found]
        if self.shown and self.good not in places:
            return respond(401, json={})
        return self.good_answer(request)

    def good_answer(self, _request: Request) -> Response:
        return respond(json={"home": "eu", "items": [{"id": 1}]}, headers={"ETag": '"1"', "Cache-Control": "no-cache"})


class Kept:
    """A secret in a file, which is replaced together with what the service takes."""

    def __init__(self, path: Path, service: Service) -> None:
        self.path, self._service = path, service
        self.reference = SecretRef(f"file:{path}")
        self.put(OLD)

    def put(self, secret: str) -> None:
        self.path.touch(0o600)
        self.path.write_text(secret)

    def replaced(self) -> None:
        self.put(NEW)
        self._service.good = NEW


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def kept(tmp_path: Path, service: Service) -> Kept:
    return Kept(tmp_path / "key", service)


@asynccontextmanager
async def opened(service: Service, kept: Kept, spec: dict[str, Any] = SPEC) -> AsyncIterator[Connector]:
    async with Connector.open(spec, secrets={"key": kept.reference}, effects=effects(service)) as demo:
        yield demo
    kept.path.unlink()


async def looked_up(demo: Connector) -> None:
    """The secret is known from now on as it was."""
    referred = demo._connection.referred
    assert referred is not None
    await referred.ready(None)


@pytest.mark.parametrize(
    "endpoint, given, sent",
    [
        ("header", {}, [OLD, NEW]),
        ("param", {}, [OLD, NEW]),
        ("body", {}, [OLD, NEW]),
        ("signed", {}, [OLD, NEW]),
        ("steps", {}, [OLD, NEW, NEW]),
        ("captured", {}, [OLD, NEW, NEW]),
        ("cached", {}, [OLD, NEW]),
        ("list", {"items": [1, 2]}, [OLD, NEW, NEW]),
    ],
)
async def test_wherever_it_stands(service, kept, endpoint, given, sent):
    """The request that holds the old secret is composed anew and sent once more; what follows has the new one."""
    async with opened(service, kept) as demo:
        await looked_up(demo)
        kept.replaced()
        await demo.call(endpoint, given)
    assert service.shown == sent


async def test_one_key_for_both(service, kept):
    """A write keeps its idempotency key, so that a service which has acted on it does not act twice."""
    async with opened(service, kept) as demo:
        await looked_up(demo)
        kept.replaced()
        result = await demo.call("body")
    assert result.attempts == 2
    assert len({request.headers["Key"] for request in service.requests}) == 1


async def test_no_loop(service, kept):
    """A service that refuses the new one as well has been asked twice; the next call is sent once, with the new one."""
    async with opened(service, kept) as demo:
        await demo.call("header")
        kept.put(NEW)
        service.good = "another"
        for _ in range(2):
            with pytest.raises(AuthenticationError, match="answered 401"):
                await demo.call("header")
    assert service.shown == [OLD, OLD, NEW, NEW]


async def test_what_is_the_same(service, kept):
    """A request that would be the same is not sent again: one without a secret, or with one that nobody replaced."""
    async with opened(service, kept) as demo:
        await looked_up(demo)
        service.good = "another"
        with pytest.raises(AuthenticationError):
            await demo.call("header")
        kept.put(NEW)
        with pytest.raises(AuthenticationError):
            await demo.call("plain")
    assert len(service.requests) == 2


async def test_in_the_midst_of_pages(service, kept):
    """The page that is refused is asked for once more, and those after it with the new secret; no record is missing."""
    async with opened(service, kept) as demo:

        def page(request: Request) -> Response:
            number = int(dict(request.query).get("after", "1"))
            if number == 1:
                kept.replaced()
            return respond(json={"items": [{"id": number}], "next": str(number + 1) if number < 3 else None})

        service.good_answer = page
        assert [record["id"] async for record in demo.read("pages")] == [1, 2, 3]
    assert service.shown == [OLD, OLD, NEW, NEW]


async def test_what_is_asked_for_in_part(service, kept):
    """What asks whether a kept answer still holds goes on asking that."""
    async with opened(service, kept) as demo:
        await demo.call("cached")
        kept.replaced()
        found = service.good_answer
        service.good_answer = lambda request: respond(304) if "If-None-Match" in request.headers else found(request)
        assert (await demo.call("cached")).data["home"] == "eu"
    assert [request.headers.get("If-None-Match") for request in service.requests] == [None, '"1"', '"1"']
    assert service.shown == [OLD, OLD, NEW]


async def test_a_file(service, kept):
    """An open file is sent whole the second time: from where it stood when it was given."""
    sent: list[bytes] = []
    answer: Callable[[Request], Response] = service.answer

    def read(request: Request) -> Response:
        sent.append(b"".join(request.pieces) if isinstance(request.body, bytes) else content(request))
        return answer(request)

    service._answer = read
    async with opened(service, kept) as demo:
        await looked_up(demo)
        kept.replaced()
        file = io.BytesIO(b"not this: content")
        file.seek(10)
        await demo.call("file", {"file": file})
    assert sent == [b"content", b"content"]
    assert service.shown == [OLD, NEW]


def content(request: Request) -> bytes:
    """What a transport would send of an open file: from where it stood to its end."""
    request.body.file.seek(request.body.start)
    found: bytes = request.body.file.read()
    return found


async def test_with_a_token_as_well(service, kept):
    """Beside a token which is renewed for the 401, the secret in a header is looked up too, as it may be the reason."""
    spec = {
        **SPEC,
        "auth": {"type": "oauth2", "grant": "client_credentials", "token_url": "https://api.example/token",
                 "client_id": "c", "client_secret": "{{ secrets.key }}"},
        "endpoints": {"header": dict(SPEC["endpoints"]["header"])}, "capture": {},
    }  # fmt: skip
    tokens = [{"access_token": f"t{number}", "token_type": "Bearer"} for number in (1, 2)]
    answer: Callable[[Request], Response] = service.answer

    def signed(request: Request) -> Response:
        if request.url.endswith("/token"):
            return respond(json=tokens.pop(0))
        if request.headers["Authorization"] == "Bearer t1" and service.good == NEW:
            service.shown.append(request.headers["X-Key"])
            return respond(401, json={})
        return answer(request)

    service._answer = signed
    async with opened(service, kept, spec) as demo:
        await demo.call("header")
        kept.replaced()
        await demo.call("header")
    assert service.shown == [OLD, OLD, NEW]
    assert tokens == []
