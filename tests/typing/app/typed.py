"""An app that is typed by its spec: `connector types shop --output shop_types.py`."""

from typing import Any, Literal, assert_type

from shop_types import (
    CreateOrderInputItems,
    CustomersRecord,
    OrdersRecord,
    OrdersRecordItems,
    Shop,
    ShopConfig,
    ShopSecrets,
)

from connector_core import Connector, Engine, Page, Records, Result


async def open_total(shop: Shop) -> float:
    total = 0.0
    async for order in shop.read("orders"):
        assert_type(order, OrdersRecord)
        assert_type(order["status"], Literal["open", "paid", "shipped", "cancelled"])
        assert_type(order["items"], list[OrdersRecordItems])
        if order["status"] == "open":
            total += order["total"]
    return total


async def copy(shop: Shop, saved: Any = None) -> None:
    async with shop.pages("customers", position=saved) as pages:
        async for page in pages:
            assert_type(page, Page[CustomersRecord])
            for customer in page.records:
                assert_type(customer["email"], str)
    assert_type(shop.read("orders"), Records[OrdersRecord])


async def order_again(shop: Shop, order: OrdersRecord) -> Any:
    items: list[CreateOrderInputItems] = [{"sku": item["sku"], "quantity": item["quantity"]} for item in order["items"]]
    result = await shop.call("create_order", {"customer_id": order["customer_id"], "items": items})
    assert_type(result, Result[Any])
    assert_type(await shop.call("orders"), Result[list[OrdersRecord]])
    await shop.call("order", {"id": 7})
    return result.data


async def opened(config: ShopConfig, secrets: ShopSecrets) -> None:
    """A Connector is passed as it is."""
    async with Connector.open("shop", config=config, secrets=secrets) as connector:
        shop: Shop = connector
        await copy(shop)
        await open_total(connector)
    async with Engine() as engine, engine.open("shop", config=config, secrets=secrets) as connector:
        await open_total(connector)


async def mistakes(shop: Shop) -> None:
    shop.read("ordrs")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    shop.read("create_order")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    shop.pages("orders", "2")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    async for order in shop.read("orders"):
        order["totl"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
        order["id"].lower()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        if order["status"] == "opened":  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]
            pass
    await shop.call("create_order")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await shop.call("create_order", {"customer_id": 7})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await shop.call("create_order", {"customer_id": "7", "items": []})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await shop.call("create_order", {"customer_id": 7, "items": [], "note": "quick"})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await shop.call("orders", {"id": 1})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    (await shop.call("orders")).data[0]["totl"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
    config: ShopConfig = {"url": "https://shop.example"}  # type: ignore[typeddict-item, typeddict-unknown-key]  # pyright: ignore[reportAssignmentType]
    async with Connector.open("shop", config=config) as connector:
        await open_total(connector.spec)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
