"""Referred secrets: looked up when they are needed, shared, kept for a while, and given up when they are refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from connector_core import Connector, Effects, Engine, SecretRef
from connector_core.engine import references
from connector_core.engine.references import References
from connector_core.exceptions import (
    AuthenticationError,
    ConfigError,
    IntegrationError,
    TimeoutError,
    UnavailableError,
)
from connector_core.hookspecs import hookimpl
from connector_core.http import Request, Response
from connector_core.secrets import Backend, Backends, World
from connector_core.testing import FakeTransport, VirtualClock, effects, respond, simulated

TOKEN = {"token": SecretRef("drawer:shop")}
SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "secrets": {"token": {}, "other": {"optional": True}, "key": {"type": "object", "optional": True}},
    "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
    "endpoints": {
        "things": {"get": "/things", "records": "body"},
        "open": {"get": "/open", "auth": "none"},
        "other": {"get": "/other", "auth": "none", "headers": {"X-Other": "{{ secrets.other }}"}},
        "keyed": {"get": "/keyed", "auth": "none", "params": {"id": "{{ secrets.key.id }}"}},
        "write": {"post": "/things", "input": {"file": {"format": "binary"}}, "body": {"bytes": "{{ input.file }}"}},
    },
}


class Drawer(Backend):
    """A backend that counts; `now` is what is in it, or what it raises."""

    scheme = "drawer"

    def __init__(self, now: Any = "s3cr3t-1") -> None:
        self.now = now
        self.asked: list[str] = []
        self.wait: Callable[[], Any] = lambda: asyncio.sleep(0)
        self.called = asyncio.Event()

    async def fetch(self, rest: str, world: World) -> str:  # noqa: ARG002 - nobody is asked
        self.asked.append(rest)
        self.called.set()
        await self.wait()
        if isinstance(self.now, Exception):
            raise self.now
        return str(self.now)


class Service(FakeTransport):
    """Lets in who shows `good`."""

    def __init__(self, good: str = "") -> None:
        super().__init__(self.answer)
        self.good = good

    def answer(self, request: Request) -> Response:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.good and shown != self.good:
            return respond(401, json={"message": f"no such token: {shown}"})
        return respond(json=[{"id": 1}])

    @property
    def shown(self) -> list[str]:
        return [request.headers.get("Authorization", "") for request in self.requests]


def world(service: FakeTransport, clock: VirtualClock | None = None) -> Effects:
    clock = clock or VirtualClock()
    return Effects(
        transport=lambda _network: service, monotonic=clock.monotonic, now=clock.now, sleep=clock.sleep,
        dice=clock.dice,
    )  # fmt: skip


def engine(drawer: Backend, service: FakeTransport, clock: VirtualClock | None = None, **more: Any) -> Engine:
    return Engine(effects=world(service, clock), secret_backends=[drawer], **more)


# ── looked up late ────────────────────────────────────────────────────────────────────────────────


async def test_looked_up_when_it_is_needed():
    """Opening asks nobody, nor does an endpoint that reads no secret; the first request that does waits for it."""
    drawer, service = Drawer(), Service()
    async with engine(drawer, service) as one, one.open(SPEC, secrets=TOKEN) as demo:
        await demo.call("open")
        assert drawer.asked == []
        await demo.call("things")
    assert drawer.asked == ["shop"]
    assert service.shown == ["", "Bearer s3cr3t-1"]


async def test_only_those_that_are_read():
    """A secret that an endpoint does not read may be out of reach; wherever it stands, it is there before."""
    drawer, service = Drawer(), Service()
    gone = Drawer(UnavailableError("sealed"))
    gone.scheme = "gone"
    secrets = {"token": SecretRef("gone:x"), "other": SecretRef("drawer:other")}
    async with (
        Engine(effects=world(service), secret_backends=[drawer, gone]) as one,
        one.open(SPEC, secrets=secrets) as demo,
    ):
        await demo.call("other")
        with pytest.raises(UnavailableError, match=r"^secret token: sealed$"):
            await demo.call("things")
    assert service.requests[0].headers["X-Other"] == "s3cr3t-1"
    assert (drawer.asked, gone.asked) == (["other"], ["x"])


async def test_a_secret_that_is_no_text():
    """What the spec declares as an object is one: it is kept as JSON; what does not fit the schema is not used."""
    drawer, service = Drawer('{"id": "s3cr3t"}'), Service()
    secrets = {"token": "t", "key": SecretRef("drawer:key")}
    async with engine(drawer, service, secret_ttl=0) as one, one.open(SPEC, secrets=secrets) as demo:
        await demo.call("keyed")
        drawer.now = "s3cr3t"
        with pytest.raises(ConfigError) as refused:
            await demo.call("keyed")
    assert service.requests[0].query == (("id", "s3cr3t"),)
    assert str(refused.value) == "secret key: must be a mapping"


async def test_text_is_no_reference():
    """Text that looks like a reference is the secret itself, as it always was; so is what a service sends."""
    drawer, service = Drawer(), Service()
    async with engine(drawer, service) as one, one.open(SPEC, secrets={"token": "drawer:shop"}) as demo:
        await demo.call("things")
    assert (drawer.asked, service.shown) == ([], ["Bearer drawer:shop"])


async def test_told_when_opened(monkeypatch):
    """What can be known without asking anybody is known when the connection is opened: nothing is sent."""
    monkeypatch.delenv("SHOP", raising=False)
    service = Service()
    for reference, text in (
        ("env:SHOP", "secret token: the environment variable SHOP is not set — export SHOP first"),
        ("file:/nowhere/at/all", "secret token: the file /nowhere/at/all is not there — put the secret there first"),
    ):
        with pytest.raises(ConfigError) as refused:
            async with Connector.open(SPEC, secrets={"token": SecretRef(reference)}, effects=world(service)):
                pass
        assert str(refused.value) == text
    assert service.requests == []


async def test_simulated():
    """A simulated service gets to see no real secret: one that is referred to is made up."""
    async with simulated(SPEC, records=3, secrets={"token": SecretRef("env:NOT_EVEN_SET")}) as demo:
        assert len([record async for record in demo.read("things")]) == 3


# ── shared and kept ───────────────────────────────────────────────────────────────────────────────


async def test_one_look_up_for_all():
    """Twenty callers of two connections that need the same secret wait for one look-up."""
    drawer, service = Drawer(), Service()
    async with (
        engine(drawer, service) as one,
        one.open(SPEC, secrets=TOKEN, id="a") as a,
        one.open(SPEC, secrets=TOKEN, id="b") as b,
    ):
        await asyncio.gather(*(demo.call("things") for demo in (a, b) * 10))
    assert (drawer.asked, service.shown) == (["shop"], ["Bearer s3cr3t-1"] * 20)


async def test_one_failure_for_all():
    """They are told of its failure too, each in its own words; the next one asks again."""
    drawer, service = Drawer(ConfigError("it is empty", code="secret.missing")), Service()
    secrets = {"token": SecretRef("drawer:shop"), "other": SecretRef("drawer:shop")}
    async with engine(drawer, service) as one, one.open(SPEC, secrets=secrets) as demo:
        ends = await asyncio.gather(demo.call("things"), demo.call("other"), return_exceptions=True)
        assert list(map(str, ends)) == ["secret token: it is empty", "secret other: it is empty"]
        assert drawer.asked == ["shop"]
        drawer.now = "s3cr3t"
        await demo.call("things")
    assert drawer.asked == ["shop", "shop"]


async def test_kept_for_a_while():
    """A secret is used for `secret_ttl` seconds, then looked up again: one that was replaced is picked up."""
    drawer, service, clock = Drawer(), Service(), VirtualClock()
    async with engine(drawer, service, clock, secret_ttl=60) as one, one.open(SPEC, secrets=TOKEN) as demo:
        for seconds in (0, 59, 1):
            await clock.sleep(seconds)
            await demo.call("things")
            drawer.now = "s3cr3t-2"
    assert drawer.asked == ["shop", "shop"]
    assert service.shown == ["Bearer s3cr3t-1", "Bearer s3cr3t-1", "Bearer s3cr3t-2"]


async def test_kept_while_nobody_answers(caplog):
    """Where the backend is away, what is known goes on being used, with a warning, and it is asked again later."""
    drawer, service, clock = Drawer(), Service(), VirtualClock()
    async with engine(drawer, service, clock) as one, one.open(SPEC, secrets=TOKEN) as demo:
        await demo.call("things")
        drawer.now = UnavailableError("sealed")
        for _ in range(3):
            await clock.sleep(references.TTL)
            with caplog.at_level(logging.WARNING, "connector_core"):
                await demo.call("things")
                await demo.call("things")
        assert len(drawer.asked) == 4
        drawer.now = ConfigError("it was taken away")
        await clock.sleep(references.REST)
        with pytest.raises(ConfigError, match=r"^secret token: it was taken away$"):
            await demo.call("things")
    assert service.shown == ["Bearer s3cr3t-1"] * 7
    assert "the secret at drawer:shop is used as it was: sealed" in caplog.text


async def test_cancellation():
    """One who gives up leaves the others their look-up; where all do, it goes on, and is there for the next."""
    drawer, service = Drawer(), Service()
    go = asyncio.Event()
    drawer.wait = go.wait
    async with engine(drawer, service) as one, one.open(SPEC, secrets=TOKEN) as demo:
        callers = [asyncio.ensure_future(demo.call("things")) for _ in range(2)]
        await drawer.called.wait()
        for caller in callers:
            caller.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*callers, return_exceptions=True)
        )
        go.set()
        await demo.call("things")
    assert (drawer.asked, len(service.requests)) == (["shop"], 1)


async def test_closing_ends_look_ups():
    """No task is left when the engine closes, and whoever still waits is told."""
    drawer = Drawer()
    drawer.wait = asyncio.Event().wait
    known = References(Backends([drawer]), World(FakeTransport(lambda _: respond()).send, lambda: 0.0), lambda: 0.0)
    before = asyncio.all_tasks()
    waiting = asyncio.ensure_future(known.found(TOKEN["token"], "secret token"))
    await drawer.called.wait()
    await known.aclose()
    with pytest.raises(ConfigError, match="the engine is closed — secret token"):
        await waiting
    assert asyncio.all_tasks() == before


async def test_a_backend_that_hangs(monkeypatch):
    """A look-up ends in time, whoever it asks."""
    monkeypatch.setattr(references, "LONGEST", 0.01)
    drawer, service = Drawer(), Service()
    drawer.wait = asyncio.Event().wait
    async with engine(drawer, service) as one, one.open(SPEC, secrets=TOKEN) as demo:
        with pytest.raises(UnavailableError) as late:
            await demo.call("things")
    assert str(late.value) == "secret token: drawer: gave no answer within 0.01 s — drawer:shop — is it up?"
    assert (late.value.code, late.value.retryable) == ("secret.unavailable", True)


async def test_a_caller_who_has_no_time():
    """A caller's own time counts while it waits for a secret."""
    drawer = Drawer()
    drawer.wait = asyncio.Event().wait
    service = Service()
    async with (
        Engine(effects=Effects(transport=lambda _: service), secret_backends=[drawer]) as one,
        one.open(SPEC, secrets=TOKEN) as demo,
    ):
        with pytest.raises(TimeoutError, match="the time that the caller gave is over before the secret was looked up"):
            await demo.call("things", timeout=0.01)
    assert service.requests == []


# ── replaced ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_secret_that_was_replaced():
    """The service refuses the old one: it is looked up at once, and the request is signed again, once."""
    drawer, service = Drawer(), Service("s3cr3t-1")
    async with engine(drawer, service) as one, one.open(SPEC, secrets=TOKEN) as demo:
        await demo.call("things")
        drawer.now = service.good = "s3cr3t-2"
        result = await demo.call("things")
    assert (result.data, result.attempts) == ([{"id": 1}], 2)
    assert service.shown == ["Bearer s3cr3t-1", "Bearer s3cr3t-1", "Bearer s3cr3t-2"]
    assert drawer.asked == ["shop", "shop"]


async def test_a_secret_that_is_wrong():
    """The same secret is not sent twice, nor is the backend asked for it again and again; the error stands."""
    drawer, service, clock = Drawer(), Service("another"), VirtualClock()
    async with engine(drawer, service, clock) as one, one.open(SPEC, secrets=TOKEN) as demo:
        for _ in range(3):
            with pytest.raises(AuthenticationError, match="answered 401"):
                await demo.call("things")
        assert (len(service.requests), len(drawer.asked)) == (3, 2)
        await clock.sleep(references.REST)
        drawer.now = "s3cr3t-2"
        with pytest.raises(AuthenticationError):
            await demo.call("things")
    assert service.shown[3:] == ["Bearer s3cr3t-1", "Bearer s3cr3t-2"]


async def test_all_who_were_refused_share_the_new_one():
    """Twenty requests that were signed with the old secret cause one look-up, and each is sent once more."""
    drawer, service = Drawer(), Service("s3cr3t-1")
    async with engine(drawer, service) as one, one.open(SPEC, secrets=TOKEN) as demo:
        await demo.call("things")
        drawer.now = service.good = "s3cr3t-2"
        results = await asyncio.gather(*(demo.call("things") for _ in range(20)))
    assert [result.attempts for result in results] == [2] * 20
    assert drawer.asked == ["shop", "shop"]


async def test_a_backend_that_is_away_when_a_secret_is_refused(caplog):
    """Then the service's own words are what the caller is told."""
    drawer, service = Drawer(), Service("s3cr3t-1")
    async with engine(drawer, service) as one, one.open(SPEC, secrets=TOKEN) as demo:
        await demo.call("things")
        service.good, drawer.now = "another", ConfigError("it was taken away")
        with pytest.raises(AuthenticationError, match="answered 401"):
            await demo.call("things")
    assert "a secret that is refused cannot be looked up again: secret token: it was taken away" in caplog.text


async def test_what_can_be_sent_once():
    """A body that was read once is not sent again; the next call has the new secret."""
    drawer, service = Drawer(), Service("s3cr3t-1")

    def pipe() -> Any:
        import os

        read, write = os.pipe()
        os.write(write, b"content")
        os.close(write)
        return os.fdopen(read, "rb")

    async with engine(drawer, service) as one, one.open(SPEC, secrets=TOKEN) as demo:
        await demo.call("things")
        drawer.now = service.good = "s3cr3t-2"
        with pipe() as file, pytest.raises(AuthenticationError):
            await demo.call("write", input={"file": file})
        with pipe() as file:
            await demo.call("write", input={"file": file})
    assert service.shown == ["Bearer s3cr3t-1", "Bearer s3cr3t-1", "Bearer s3cr3t-2"]


async def test_what_auth_does_not_read():
    """A secret in a header of an endpoint's own is looked up when it is refused, and the request composed anew."""
    drawer = Drawer()

    def answer(request: Request) -> Response:
        drawer.now = "s3cr3t-2"
        return respond(401 if request.headers["X-Other"] == "s3cr3t-1" else 200, json={})

    transport = FakeTransport(answer)
    secrets = {"token": "t", "other": SecretRef("drawer:other")}
    async with engine(drawer, transport) as one, one.open(SPEC, secrets=secrets) as demo:
        await demo.call("other")
    assert [request.headers["X-Other"] for request in transport.requests] == ["s3cr3t-1", "s3cr3t-2"]


OAUTH: dict[str, Any] = {
    **SPEC,
    "auth": {
        "type": "oauth2",
        "grant": "client_credentials",
        "token_url": "https://id.example/token",
        "client_id": "shop",
        "client_secret": "{{ secrets.token }}",
        "client_auth": "post",
    },
}


class Provider(Service):
    """Gives tokens to whoever knows the client's secret, which is `good`."""

    def answer(self, request: Request) -> Response:
        if request.url != "https://id.example/token":
            return respond(json=[{"id": 1}])
        if dict(request.body)["client_secret"] != self.good:
            return respond(401, json={"error": "invalid_client"})
        return respond(json={"access_token": "a", "token_type": "Bearer", "expires_in": 60})


async def test_a_clients_secret_that_was_replaced():
    """The sign-in service refuses the old one: it is looked up at once, and the token is asked for again, once."""
    drawer, service, clock = Drawer(), Provider("s3cr3t-1"), VirtualClock()
    async with engine(drawer, service, clock) as one, one.open(OAUTH, secrets=TOKEN) as demo:
        await demo.call("things")
        drawer.now = service.good = "s3cr3t-2"
        await clock.sleep(60)
        await demo.call("things")
        assert drawer.asked == ["shop", "shop"]
        service.good = "another"
        await clock.sleep(60)
        with pytest.raises(AuthenticationError):
            await demo.call("things")
    asked = [dict(request.body)["client_secret"] for request in service.requests if "id.example" in request.url]
    assert asked == ["s3cr3t-1", "s3cr3t-1", "s3cr3t-2", "s3cr3t-2"]


# ── never told ────────────────────────────────────────────────────────────────────────────────────


async def test_what_a_service_quotes():
    """A service that quotes the secret, or the one before it, does not bring it into an error."""
    drawer, service = Drawer(), Service("s3cr3t-1")
    async with engine(drawer, service) as one, one.open(SPEC, secrets=TOKEN) as demo:
        await demo.call("things")
        drawer.now, service.good = "n3w-s3cr3t", "another"
        with pytest.raises(AuthenticationError) as refused:
            await demo.call("things")
        assert "no such token: ***" in str(refused.value)
        service._answer = lambda _request: respond(400, json={"message": "s3cr3t-1, n3w-s3cr3t"})
        with pytest.raises(IntegrationError, match=r"\*\*\*, \*\*\*"):
            await demo.call("things")


async def test_repr(caplog):
    """No repr and no log line shows a secret that was looked up."""
    drawer, service = Drawer(), Service()
    with caplog.at_level(logging.DEBUG):
        async with engine(drawer, service) as one, one.open(SPEC, secrets=TOKEN) as demo:
            await demo.call("things")
            known = one._effects.references()
            connection = demo._connection
            shown = [repr(each) for each in (one, demo, connection, known, connection.scope["secrets"])]
    assert "s3cr3t" not in "".join(shown) + caplog.text


@pytest.mark.parametrize(
    "now",
    ["[1, 's3cr3t'", ConfigError("it is empty"), UnavailableError("sealed"), ZeroDivisionError("s3cr3t")],
    ids=["unfit", "missing", "away", "broken"],
)
async def test_variables_beside_a_traceback(now):
    """Whatever goes wrong, no variable of any frame that an error came through shows the secret, old or new."""
    drawer, service = Drawer('{"id": "s3cr3t"}'), Service()
    secrets = {"token": "t", "key": SecretRef("drawer:key")}
    async with engine(drawer, service, secret_ttl=0) as one, one.open(SPEC, secrets=secrets) as demo:
        await demo.call("keyed")
        drawer.now = now
        if isinstance(now, UnavailableError):
            await demo.call("keyed")
            return
        with pytest.raises(IntegrationError) as failed:
            await demo.call("keyed")
        drawer.now = None
    shown: list[str] = []
    error = failed.value
    assert error.__context__ is None
    trace = error.__traceback__
    while trace is not None:
        shown.append(repr(trace.tb_frame.f_locals) if shown else "this test's own")
        trace = trace.tb_next
    assert len(shown) > 3
    assert "s3cr3t" not in "".join(shown) + str(error)


# ── answers that are kept ─────────────────────────────────────────────────────────────────────────


async def test_kept_answers():
    """An answer is kept for whoever has the same references; a secret that becomes another makes it another account."""
    spec = {**SPEC, "endpoints": {**SPEC["endpoints"], "things": {"get": "/things", "cache": {"ttl": "1h"}}}}
    drawer, service, clock = Drawer(), Service(), VirtualClock()
    secrets = {**TOKEN, "other": SecretRef("drawer:other")}
    async with engine(drawer, service, clock) as one, one.open(spec, secrets=secrets) as demo:
        await demo.call("things")
        await demo.call("other")  # looks another secret up
        await demo.call("things")
        assert len(service.requests) == 2
        drawer.now = "s3cr3t-2"
        await clock.sleep(references.TTL)
        await demo.call("things")
        assert len(service.requests) == 3


# ── where plug-ins' come from ─────────────────────────────────────────────────────────────────────


async def test_beside_what_plugins_bring():
    """What a plug-in brings may be used without a word, or not, where the engine names what may."""
    acme = SimpleNamespace(__name__="acme", register_secrets=hookimpl(lambda: {"acme": str.upper}))
    service = Service()
    async with (
        Engine(effects=effects(service.answer), plugins=[acme]) as one,
        one.open(SPEC, secrets={"token": SecretRef("acme:t")}) as demo,
    ):
        await demo.call("things")
    with pytest.raises(ConfigError, match="the schemes here are env"):
        async with (
            Engine(effects=effects(service.answer), plugins=[acme], secret_backends=["env"]) as one,
            one.open(SPEC, secrets={"token": SecretRef("acme:t")}),
        ):
            pass
