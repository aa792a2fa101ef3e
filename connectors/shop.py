"""What the shop's spec cannot say in YAML: what the items of an order come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from connector_core.hookspecs import hookimpl

Record = dict[str, Any]


@hookimpl
def register_transforms() -> Mapping[str, Callable[[Record], Record]]:
    """Called by the steps `{type: hook, name: …}` of specs/shop.yaml."""
    return {"add_subtotal": add_subtotal}


def add_subtotal(order: Record) -> Record:
    """The order with the sum of its items, to the cent, where every price is known."""
    items = order.get("items") or ()
    if all("price" in item and "quantity" in item for item in items):
        order["subtotal"] = float(round(sum(Decimal(str(item["price"])) * item["quantity"] for item in items), 2))
    return order
