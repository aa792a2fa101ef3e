"""Tries connectors without the live service: a simulator, a proxy where things go wrong, and fakes without a socket.

::

    shop = fake("shop", records={"orders": [{"id": 1, "total": 9.5}]}, calls={"create_order": {"id": 2}})


    async with simulated("shop", records=1000) as shop:
        orders = [order async for order in shop.read("orders")]
"""

from __future__ import annotations

from connector_core.testing.chaos import Chaos
from connector_core.testing.fake_connector import Called, FakeConnector, fake
from connector_core.testing.fakes import Caught, FakeTransport, PassingClock, VirtualClock, catching, effects, respond
from connector_core.testing.simulator import Seen, Simulator, simulated

__all__ = [
    "Called",
    "Caught",
    "Chaos",
    "FakeConnector",
    "FakeTransport",
    "PassingClock",
    "Seen",
    "Simulator",
    "VirtualClock",
    "catching",
    "effects",
    "fake",
    "respond",
    "simulated",
]
