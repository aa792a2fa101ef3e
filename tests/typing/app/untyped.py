"""An app that reads and calls whatever spec it is given: records are what the app takes them for."""

from collections.abc import Mapping
from typing import Any, assert_type

from connector_core import Connector, Degraded, Engine, Page, Pages, Records, Result, Spec


async def copy(connector: Connector, endpoint: str, saved: Any = None) -> int:
    assert_type(connector.spec, Spec)
    assert_type(await connector.endpoints(), list[str])
    records = connector.read(endpoint)
    assert_type(records, Records[Any])
    async for record in records:
        assert_type(record, Any)
    count = 0
    async with connector.pages(endpoint, position=saved) as pages:
        assert_type(pages, Pages[Any])
        async for page in pages:
            assert_type(page, Page[Any])
            assert_type(page.number, int)
            assert_type(page.partition, Mapping[str, Any] | None)
            count += len(page.records)
    await records.aclose()
    return count


async def first(pages: Pages) -> list[dict[str, Any]]:
    page: Page = await anext(pages)
    assert_type(page.records, list[dict[str, Any]])
    return page.records


async def order(connector: Connector) -> Any:
    result = await connector.call("create_order", input={"customer_id": 7})
    assert_type(result, Result[Any])
    assert_type(result.data, Any)
    assert_type(result.attempts, int)
    assert_type(result.degraded, Degraded | None)
    return result.data


async def opened() -> None:
    async with Connector.open("shop", config={"shop_url": "https://shop.example"}, secrets={"token": "t"}) as shop:
        assert_type(shop, Connector)
        await first(shop.pages("orders"))
    async with Engine(specs=["specs"], network="private") as engine:
        assert_type(engine, Engine)
        async with engine.open({"connector": "1", "name": "things"}, id="ann") as things:
            assert_type(things, Connector)


async def mistakes(connector: Connector, engine: Engine) -> None:
    connector.read()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    connector.read(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connector.read("orders", "open")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    for record in connector.read("orders"):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        print(record)  # pyright: ignore[reportUnknownArgumentType]
    await connector.call("create_order", ["TEA-1"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await connector.pages("orders")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    engine.open("shop", network="everywhere")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    page = await anext(connector.pages("orders"))
    page.records = []  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    page.data  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
