"""Tests of an app that is typed by its spec: a fake, a simulated service, and answers of their own."""

from typing import Any, assert_type

from shop_types import OrdersRecord
from typed import open_total, order_again

from connector_core import Connector
from connector_core.exceptions import RateLimitError
from connector_core.http import Request, Response
from connector_core.testing import (
    Called,
    FakeConnector,
    FakeTransport,
    Simulator,
    VirtualClock,
    effects,
    fake,
    respond,
    simulated,
)


async def with_a_fake(order: OrdersRecord) -> None:
    shop = fake("shop", records={"orders": [order], "customers": RateLimitError("slow")}, calls={"create_order": 1})
    assert_type(shop, FakeConnector)
    assert await open_total(shop) == 1
    await order_again(shop, order)
    assert_type(shop.calls, list[Called])
    assert_type(shop.calls[0].input, dict[str, Any])


async def with_a_service() -> None:
    async with simulated("shop", records=10) as shop:
        assert_type(shop, Connector)
        await open_total(shop)
    async with Simulator("shop") as service:
        assert_type(service.url, str)


async def with_answers() -> None:
    def answer(request: Request) -> Response:
        assert_type(request.headers.get("Authorization"), str | None)
        return respond(json={"data": []})

    transport, clock = FakeTransport(answer), VirtualClock()
    async with Connector.open("shop", effects=effects(transport, clock=clock)) as shop:
        await open_total(shop)
    assert_type(transport.requests, list[Request])
    assert_type(clock.slept, list[float])


async def mistakes() -> None:
    fake("shop", records=[{"id": 1}])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fake("shop", answers={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    fake("shop").calls[0].name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    FakeTransport(lambda: respond())  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]
