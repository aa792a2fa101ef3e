"""What one connection has is never another's: token, cookies, answers, rates, circuit, and sockets that show who it is.

The connections are of one spec, in one engine, and go to one host: nothing but whose they are tells them apart.
"""

from __future__ import annotations

import asyncio
import json
from asyncio import StreamWriter
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connector_core import Connector, Engine, SecretRef
from connector_core.exceptions import CircuitOpenError, ServerError
from connector_core.http import Request, Response
from connector_core.secrets import Backend, World
from connector_core.testing import FakeTransport, VirtualClock, effects, respond
from tests.auth.certificates import authority, client, issued
from tests.engine.servers import answer, serving

SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "shop",
    "base_url": "https://shop.example",
    "secrets": {"key": {}},
    "auth": {"type": "bearer", "token": "{{ secrets.key }}"},
    "retry": {"attempts": 1},
    "endpoints": {"me": {"get": "/me", "output": "body"}},
}
OAUTH = {
    "type": "oauth2",
    "grant": "client_credentials",
    "token_url": "https://shop.example/token",
    "client_id": "app",
    "client_secret": "{{ secrets.key }}",
    "client_auth": "post",
}


@asynccontextmanager
async def two(
    transport: FakeTransport, clock: VirtualClock | None = None, **more: Any
) -> AsyncIterator[tuple[Connector, Connector]]:
    """Ann's connection and Bob's, in one engine."""
    spec = {**SPEC, **more}
    async with (
        Engine(effects=effects(transport, clock=clock)) as engine,
        engine.open(spec, secrets={"key": "ann"}, id="ann") as ann,
        engine.open(spec, secrets={"key": "bob"}, id="bob") as bob,
    ):
        yield ann, bob


def whose(request: Request) -> str:
    """Whom the request says that it is of."""
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


# ── what is kept ──────────────────────────────────────────────────────────────────────────────────


async def test_tokens_are_not_shared():
    """Each asks for its own token, and signs with that alone, whoever asks in between."""

    def service(request: Request) -> Response:
        if request.url.endswith("/token"):
            return respond(json={"access_token": f"of-{dict(request.body)['client_secret']}", "expires_in": 3600})
        return respond(json=whose(request))

    transport = FakeTransport(service)
    async with two(transport, auth=OAUTH) as (ann, bob):
        found = await asyncio.gather(*(one.call("me") for one in (ann, bob, ann, bob)))
    assert [one.data for one in found] == ["of-ann", "of-bob", "of-ann", "of-bob"]
    assert sum(request.url.endswith("/token") for request in transport.requests) == 2


async def test_cookies_are_not_kept():
    """What a service sets for one is sent back by nobody."""
    async with serving(answer(b'"x"', "Set-Cookie: sid=of-ann; Path=/", "Content-Type: application/json")) as server:
        spec = {**SPEC, "base_url": server.url}
        async with Engine() as engine:
            for name in ("ann", "bob", "ann"):
                async with engine.open(spec, secrets={"key": name}, id=name, network="loopback") as one:
                    await one.call("me")
                    await one.call("me")
    assert len(server.heads) == 6
    assert [server.header("Cookie", number) for number in range(6)] == [[]] * 6


async def test_kept_answers_are_not_shared():
    """An answer that is used again is used for whom it was given, also where two have the same id."""
    transport = FakeTransport(lambda request: respond(json=whose(request)))
    async with two(transport, cache={"ttl": "1h"}) as (ann, bob):
        for one, name in ((ann, "ann"), (bob, "bob"), (ann, "ann"), (bob, "bob")):
            assert (await one.call("me")).data == name
    assert [whose(request) for request in transport.requests] == ["ann", "bob"]


async def test_requests_under_way_are_not_shared():
    """Two who ask the same at once get an answer each."""
    transport = FakeTransport(lambda request: respond(json=whose(request)))
    async with two(transport, cache={"ttl": "1h"}) as (ann, bob):
        found = await asyncio.gather(ann.call("me"), bob.call("me"), ann.call("me"), bob.call("me"))
    assert [one.data for one in found] == ["ann", "bob", "ann", "bob"]


async def test_rates_are_not_shared():
    """Who has used up a budget waits; the other does not."""
    clock = VirtualClock()
    at: dict[str, list[float]] = defaultdict(list)

    def service(request: Request) -> Response:
        at[whose(request)].append(round(clock.monotonic()))
        return respond(json={})

    async with two(FakeTransport(service), clock, rate_limit={"rates": ["2/minute"]}) as (ann, bob):
        await asyncio.gather(*(ann.call("me") for _ in range(4)), bob.call("me"), bob.call("me"))
    assert at["bob"] == [0, 0]
    assert max(at["ann"]) >= 30


async def test_circuits_are_not_shared():
    """What fails for one alone is cut off for that one alone."""
    transport = FakeTransport(lambda request: respond(500 if whose(request) == "ann" else 200, json={}))
    async with two(transport) as (ann, bob):
        for _ in range(200):
            try:
                await ann.call("me")
            except CircuitOpenError:
                break
            except ServerError:
                await bob.call("me")
        else:
            pytest.fail("Ann's circuit never opens")
        assert (await bob.call("me")).data == {}


# ── sockets that show who it is ───────────────────────────────────────────────────────────────────

MTLS = {"type": "mtls", "certificate": "{{ secrets.certificate }}", "key": "{{ secrets.private }}"}


class Peers:
    """A service that answers with the name in the certificate that it was shown, and notes over which socket."""

    def __init__(self, folder: Any) -> None:
        self.sockets: dict[str, set[int]] = defaultdict(set)
        """By name, the ports that its requests came from; those without a certificate under the empty one."""
        self.came = asyncio.Semaphore(0)
        self.tls = issued("service", authority()).server(folder, asks=False)
        self.wait = asyncio.Event()
        self.wait.set()

    async def act(self, writer: StreamWriter) -> None:
        shown = writer.get_extra_info("peercert") or {}
        name = "".join(value for field in shown.get("subject", ()) for key, value in field if key == "commonName")
        self.sockets[name].add(writer.get_extra_info("peername")[1])
        self.came.release()
        await self.wait.wait()
        writer.write(answer(json.dumps(name).encode(), "Content-Type: application/json"))
        await writer.drain()


def banking(port: int, **more: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "bank",
        "base_url": f"https://127.0.0.1:{port}",
        "secrets": {"certificate": {}, "private": {}},
        "auth": MTLS,
        "endpoints": {
            "me": {"get": "/me", "output": "body"},
            "news": {"get": "/news", "auth": "none", "output": "body"},
        },
        **more,
    }


def secrets(name: str) -> dict[str, str]:
    return {"certificate": client(name).certificate, "private": client(name).key}


async def test_pooled_mtls_connection_not_shared(trusted, tmp_path):
    """Two connections with different certificates never share a socket, nor does one with what shows none.

    Each of them uses its own again, so that it is the certificate that keeps them apart and not a lack of pooling.
    """
    peers = Peers(tmp_path)
    async with serving(peers.act, tls=peers.tls) as server, Engine() as engine:
        spec = banking(server.port)
        async with (
            engine.open(spec, secrets=secrets("ann"), id="ann", network="loopback") as ann,
            engine.open(spec, secrets=secrets("bob"), id="bob", network="loopback") as bob,
        ):
            for _ in range(5):
                assert (await ann.call("me")).data == "ann"
                assert (await bob.call("news")).data == ""
                assert (await bob.call("me")).data == "bob"
                assert (await ann.call("news")).data == ""
            assert {name: len(ports) for name, ports in peers.sockets.items()} == {"ann": 1, "bob": 1, "": 1}
            several = [one.call(name) for _ in range(5) for one in (ann, bob) for name in ("me", "news")]
            at_once = await asyncio.gather(*several)
            assert [one.data for one in at_once] == ["ann", "", "bob", ""] * 5
    ports = [port for found in peers.sockets.values() for port in found]
    assert len(ports) == len(set(ports))


async def test_the_same_certificate_of_two_connections(trusted, tmp_path):
    """Connections that were given the same certificate have sockets of their own all the same."""
    peers = Peers(tmp_path)
    async with serving(peers.act, tls=peers.tls) as server, Engine() as engine:
        spec = banking(server.port)
        async with (
            engine.open(spec, secrets=secrets("ann"), id="one", network="loopback") as one,
            engine.open(spec, secrets=secrets("ann"), id="two", network="loopback") as other,
        ):
            for _ in range(3):
                await one.call("me")
                await other.call("me")
    assert len(peers.sockets["ann"]) == 2


async def test_a_closed_connection_closes_its_sockets(trusted, tmp_path):
    """An engine that opens and closes many connections keeps no socket of theirs, though it goes on itself."""
    peers = Peers(tmp_path)
    async with serving(peers.act, tls=peers.tls) as server, Engine() as engine:
        for name in ("ann", "bob"):
            async with engine.open(banking(server.port), secrets=secrets(name), id=name, network="loopback") as one:
                await one.call("me")
            del one
            await _settled(engine, 1)


class Drawer(Backend):
    """What is in it now, by the reference's name."""

    scheme = "drawer"

    def __init__(self, held: dict[str, str]) -> None:
        self.held = held

    async def fetch(self, rest: str, world: World) -> str:  # noqa: ARG002 - nobody is asked
        return self.held[rest]


async def test_a_renewed_certificate_has_new_sockets(trusted, tmp_path):
    """After a reference leads to another certificate, that one is shown; what is under way comes to its end first."""
    peers, drawer = Peers(tmp_path), Drawer(secrets("ann"))
    given = {name: SecretRef(f"drawer:{name}") for name in drawer.held}
    async with (
        serving(peers.act, tls=peers.tls) as server,
        Engine(secret_backends=[drawer], secret_ttl=0) as engine,
        engine.open(banking(server.port), secrets=given, network="loopback") as bank,
    ):
        peers.wait.clear()
        under_way = asyncio.create_task(bank.call("me"))
        await peers.came.acquire()
        drawer.held = secrets("bob")
        later = asyncio.create_task(bank.call("me"))
        await peers.came.acquire()
        assert _sessions(engine) == 3
        peers.wait.set()
        assert ((await under_way).data, (await later).data) == ("ann", "bob")
        del under_way, later
        await _settled(engine, 2)
        assert (await bank.call("me")).data == "bob"
    assert [len(peers.sockets[name]) for name in ("ann", "bob")] == [1, 1]


async def _settled(engine: Engine, pools: int) -> None:
    """Waits until there are so many pools of sockets: a thread may hold a certificate for a moment longer."""
    for _ in range(500):
        if _sessions(engine) == pools:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"there are {_sessions(engine)} pools of sockets, and not {pools}")


def _sessions(engine: Engine) -> int:
    """How many pools of sockets there are, the one without a certificate included."""
    transport: Any = engine._effects.reach("loopback")
    return len(transport._sockets.sessions)
