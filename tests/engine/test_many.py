"""Many connections of one engine: they share sockets and plans, and nothing that an account has."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
import weakref
from contextlib import AsyncExitStack

from connector_core import Connector, Engine
from connector_core.http import Request, Response
from connector_core.load import parse
from connector_core.testing import FakeTransport, effects, respond
from tests.engine.servers import answer, serving

MANY = 1000
LARGEST = 30 * 1024
"""Bytes that an idle connection may hold."""


async def opened(stack: AsyncExitStack, engine: Engine, spec, who: str, **more) -> Connector:
    return await stack.enter_async_context(engine.open(spec, id=who, secrets={"token": f"token-of-{who}"}, **more))


async def test_an_idle_connection_is_small():
    """A thousand that were used hold less than 30 KiB each; all of it is given back when they are closed."""
    own = effects(FakeTransport(lambda _request: respond(json={"data": [], "meta": {}})))
    shop = {"config": {"shop_url": "https://shop.example"}}

    async def used(stack: AsyncExitStack, who: str) -> None:
        await (await opened(stack, engine, "shop", who, **shop)).call("orders")

    async with Engine(effects=own) as engine:
        async with AsyncExitStack() as stack:
            await used(stack, "first")
        gc.collect()
        tracemalloc.start()
        try:
            async with AsyncExitStack() as stack:
                for number in range(MANY):
                    await used(stack, f"account-{number}")
                gc.collect()
                held = tracemalloc.get_traced_memory()[0]
            gc.collect()
            left = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
    assert held / MANY < LARGEST
    assert left / MANY < LARGEST / 10


async def test_accounts_share_a_socket_and_no_credentials():
    """Requests of two accounts come over one socket; each has its own token, and nobody's cookie."""
    spec = parse(
        """
        connector: "1"
        name: demo
        secrets: {token: {description: Token}}
        config: {url: {type: string, description: Address}}
        base_url: "{{ config.url }}"
        auth: {type: bearer, token: "{{ secrets.token }}"}
        endpoints: {things: {get: /, records: body}}
        """,
        "demo.yaml",
    )
    async with serving(answer(b"[]", "Set-Cookie: session=of-ann; Path=/")) as server, Engine() as engine:
        about = {"config": {"url": server.url}, "network": "loopback"}
        async with AsyncExitStack() as stack:
            ann = await opened(stack, engine, spec, "ann", **about)
            bob = await opened(stack, engine, spec, "bob", **about)
            for who in (ann, bob, ann, bob):
                await who.call("things")
    assert server.connections == 1
    sent = [server.header("Authorization", number)[0] for number in range(4)]
    assert sent == [f"Bearer token-of-{who}" for who in ("ann", "bob", "ann", "bob")]
    assert all(not server.header("Cookie", number) for number in range(4))


async def test_one_account_does_not_use_up_anothers_permits():
    """`concurrency` is each account's own: who waits for a slow answer keeps nobody else from asking."""
    spec = parse(
        """
        connector: "1"
        name: demo
        secrets: {token: {description: Token}}
        base_url: https://api.example
        auth: {type: bearer, token: "{{ secrets.token }}"}
        rate_limit: {concurrency: 1}
        endpoints: {things: {get: /, records: body}}
        """,
        "demo.yaml",
    )
    asked: list[str] = []
    go = asyncio.Event()

    async def slow(request: Request) -> Response:
        asked.append(request.headers["Authorization"])
        await go.wait()
        return respond(json=[])

    async with Engine(effects=effects(FakeTransport(slow))) as engine, AsyncExitStack() as stack:
        ann, bob = [await opened(stack, engine, spec, who) for who in ("ann", "bob")]
        async with asyncio.TaskGroup() as group:
            for who in (ann, ann, bob):
                group.create_task(who.call("things"))
            for _ in range(100):
                await asyncio.sleep(0)
            assert asked == ["Bearer token-of-ann", "Bearer token-of-bob"]
            go.set()
    assert asked[2] == "Bearer token-of-ann"


async def test_plans_are_made_once_and_go_with_their_spec():
    """Connections of one spec share its plans; an engine keeps none of a spec that nobody has any more."""
    spec = {
        "connector": "1",
        "name": "demo",
        "base_url": "https://api.example",
        "endpoints": {"things": {"get": "/", "records": "body"}},
    }
    async with Engine(effects=effects(FakeTransport(lambda _request: respond(json=[])))) as engine:
        loaded = engine.load(spec)
        async with engine.open(loaded) as one, engine.open(loaded) as other:
            assert one._connection.plan("things") is other._connection.plan("things")
        async with engine.open(spec) as apart:
            assert apart._connection.plan("things") is not one._connection.plan("things")
            gone = weakref.ref(apart.spec)
        del apart
        gc.collect()
        assert gone() is None
        assert len(engine._catalogue._plans) == 1
