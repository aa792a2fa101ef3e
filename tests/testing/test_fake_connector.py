from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connector_core import Connector, Page
from connector_core.exceptions import ConfigError, RateLimitError
from connector_core.testing import Called, FakeConnector, effects, fake, respond, simulated

ORDERS: list[dict[str, Any]] = [{"id": number, "items": [{"sku": "a"}]} for number in range(1, 6)]
ORDER = {"customer_id": 7, "items": [{"sku": "TEA-1", "quantity": 2}]}


def shop(**given: Any) -> FakeConnector:
    return fake("shop", **given)


async def said(doing: Any) -> str:
    """What the ConfigError says, of a coroutine or of an iterator's first item."""
    with pytest.raises(ConfigError) as told:
        await (doing if asyncio.iscoroutine(doing) else anext(doing))
    return str(told.value)


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


async def test_given_records_come_out():
    """In order, each of them once, in every reading anew."""
    connector = shop(records={"orders": ORDERS})
    for _ in range(2):
        assert [order async for order in connector.read("orders")] == ORDERS


async def test_what_an_app_does_to_records_stays_there():
    """The next reading has them as they were given, nested values too, and so has the test."""
    connector = shop(records={"orders": ORDERS})
    async for order in connector.read("orders"):
        order["items"].append("changed")
    assert await anext(connector.read("orders")) == ORDERS[0] == {"id": 1, "items": [{"sku": "a"}]}


async def test_records_of_a_generator():
    """They are taken once, when the fake is made, and are there in every reading."""
    connector = shop(records={"orders": (order for order in ORDERS)})
    for _ in range(2):
        assert [order async for order in connector.read("orders")] == ORDERS


async def test_pages():
    """They are numbered, know where they stand, and one that is left can be gone on with."""
    connector = shop(records={"orders": ORDERS}, page_size=2)
    pages = [page async for page in connector.pages("orders")]
    assert [(page.number, page.position, page.following, len(page.records)) for page in pages] == [
        (1, None, 2, 2),
        (2, 2, 4, 2),
        (3, 4, None, 1),
    ]
    further = [page async for page in connector.pages("orders", position=pages[0].following)]
    assert [order for page in further for order in page.records] == ORDERS[2:]


async def test_nothing_to_read():
    """A service without records gives one page without records, as the real connector does."""
    answering = effects(lambda _: respond(json={"data": [], "meta": {}}))
    config = {"shop_url": "https://shop.example"}
    async with Connector.open("shop", config=config, secrets={"token": "t"}, effects=answering) as real:
        expected = [page async for page in real.pages("orders")]
    assert (
        [page async for page in shop(records={"orders": []}).pages("orders")] == expected == [Page([], None, None, 1)]
    )


@pytest.mark.parametrize("position", ["2", True, -1, 6, 1.0])
async def test_a_position_of_something_else(position):
    """What no page has had as `following` is refused."""
    told = await said(shop(records={"orders": ORDERS}).pages("orders", position=position))
    assert told == f"{position!r} is no position of these records — pass on what a page's `following` was"


async def test_a_failing_read():
    """An exception in place of records is raised by whoever reads."""
    connector = shop(records={"orders": RateLimitError("too fast", code="rate_limit")})
    with pytest.raises(RateLimitError, match="too fast"):
        await anext(connector.read("orders"))


# ── calling ───────────────────────────────────────────────────────────────────────────────────────


async def test_calls_are_answered_and_noted():
    """The given answer is the result's data, and the call can be asked for afterwards."""
    connector = shop(calls={"create_order": {"id": 1}})
    result = await connector.call("create_order", ORDER)
    assert (result.data, result.attempts, result.degraded) == ({"id": 1}, 1, None)
    assert connector.calls == [Called("create_order", ORDER)]


async def test_answers_that_depend():
    """A function, or a coroutine's, is given the input; what it raises or gives as an exception is raised."""

    async def later(given: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return given["customer_id"]

    assert (await shop(calls={"create_order": later}).call("create_order", ORDER)).data == 7
    answers = iter([RateLimitError("too fast"), {"id": 2}])
    connector = shop(calls={"create_order": lambda _: next(answers)})
    with pytest.raises(RateLimitError):
        await connector.call("create_order", ORDER)
    assert (await connector.call("create_order", ORDER)).data == {"id": 2}
    assert len(connector.calls) == 2


async def test_a_failing_call():
    """An exception in place of an answer is raised."""
    with pytest.raises(RateLimitError):
        await shop(calls={"create_order": RateLimitError("too fast")}).call("create_order", ORDER)


async def test_a_read_is_called():
    """It gives its first page's records, as it does with the real connector."""
    connector = shop(records={"orders": ORDERS}, page_size=2)
    assert (await connector.call("orders")).data == ORDERS[:2]
    assert connector.calls == [Called("orders", {})]


# ── as the real one ───────────────────────────────────────────────────────────────────────────────


async def test_the_same_mistakes():
    """Unknown endpoints, wrong kinds of them and wrong inputs are refused in the words of the real connector."""

    async def mistakes(connector: Connector) -> list[str]:
        found = []
        for read in (lambda: connector.read("order"), lambda: connector.pages("ordrs"), lambda: connector.read("x")):
            with pytest.raises(ConfigError) as told:
                read()
            found.append(str(told.value))
        calls = [
            connector.call("create_ordr", ORDER),
            connector.call("create_order"),
            connector.call("create_order", {**ORDER, "items": []}),
            connector.call("create_order", {**ORDER, "note": 1}),
            connector.call("orders", {"id": 1}),
        ]
        return [*found, *[await said(call) for call in calls]]

    double = shop(records={"orders": ORDERS}, calls={"create_order": None})
    async with simulated("shop", records=3) as real:
        assert await mistakes(double) == await mistakes(real)
        assert await double.endpoints() == await real.endpoints()
    assert double.calls == []


async def test_it_is_closed():
    """After its `async with` it says what the real one says, in a reading that had begun as well."""
    told = []
    for opened in (shop(records={"orders": ORDERS}, page_size=1), simulated("shop", records=300)):
        async with opened as connector:
            begun = connector.pages("orders")
            await anext(begun)
        told.append([await said(begun), await said(connector.pages("orders")), await said(connector.call("orders"))])
    assert told[0] == told[1]


# ── what a test may give ──────────────────────────────────────────────────────────────────────────


async def test_what_was_not_given():
    """A read or a call without records or an answer says how these are given."""
    with pytest.raises(ConfigError) as told:
        shop().read("orders")
    assert str(told.value) == 'the fake was given no records of shop.orders — fake("shop", records={"orders": […]})'
    assert await said(shop().call("order", {"id": 1})) == (
        'the fake was given no calls of shop.order — fake("shop", calls={"order": …})'
    )


@pytest.mark.parametrize(
    "given, told",
    [
        ({"records": {"ordrs": []}}, "shop has no endpoint 'ordrs', did you mean 'orders'?"),
        (
            {"records": {"order": []}},
            "shop.order is called, not read — a read is a get with records, and without input or output",
        ),
        ({"calls": {"ordr": 1}}, "shop has no endpoint 'ordr', did you mean 'order'?"),
        (
            {"records": {"orders": [{"id": 1}, {"id": "2"}]}},
            (
                "record 1 of shop.orders is none that it could give: id: must be a whole number — "
                "fake(records={'orders': …}) — give records as the endpoint's schema tells them"
            ),
        ),
        (
            {"records": {"orders": [None]}},
            (
                "record 0 of shop.orders is none that it could give: must be a mapping — "
                "fake(records={'orders': …}) — give records as the endpoint's schema tells them"
            ),
        ),
        (
            {"records": {"orders": None}},
            (
                "what is given for shop.orders is no list of records — fake(records={'orders': …}) — "
                "give a list, or an exception that is to be raised"
            ),
        ),
        ({"page_size": 0}, "page_size is a number of records, from 1 on"),
        ({"page_size": "5"}, "page_size is a number of records, from 1 on"),
        ({"config": {"shop_url": 1}}, None),
    ],
)
def test_what_does_not_fit(given, told):
    """Names, records and settings that the spec does not allow are told when the fake is made."""
    with pytest.raises(ConfigError) as error:
        shop(**given)
    assert told is None or str(error.value) == told


async def test_endpoints_that_the_service_names():
    """Where names are the service's, those that records were given for are there."""
    tables = {
        "get": "/tables/{{ n }}",
        "records": "body",
        "for_each": {"values": [1, 2], "as": "n", "name": "table_{{ n }}"},
    }
    spec = {"connector": "1", "name": "base", "base_url": "https://base.example", "endpoints": {"tables": tables}}
    connector = fake(spec, records={"table_1": [{"a": 1}]})
    assert [row async for row in connector.read("table_1")] == [{"a": 1}]
    assert await connector.endpoints() == ["tables", "table_1"]
    with pytest.raises(ConfigError, match="base has no endpoint 'table_2'"):
        connector.read("table_2")


def test_it_is_a_connector():
    """An app that asks for a Connector takes it, and sees the spec and the account's name."""
    connector = shop()
    assert isinstance(connector, Connector)
    assert connector.spec.name == "shop"
    assert repr(connector) == "FakeConnector('shop', id='shop')"
