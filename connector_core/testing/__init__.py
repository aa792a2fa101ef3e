"""Tries connectors without the live service: a simulator on loopback, and fakes that need no socket and no time.

::

    async with simulated("shop", records=1000) as shop:
        orders = [order async for order in shop.read("orders")]
"""

from __future__ import annotations

from connector_core.testing.fakes import Caught, FakeTransport, PassingClock, VirtualClock, catching, effects, respond
from connector_core.testing.simulator import Seen, Simulator, simulated

__all__ = [
    "Caught",
    "FakeTransport",
    "PassingClock",
    "Seen",
    "Simulator",
    "VirtualClock",
    "catching",
    "effects",
    "respond",
    "simulated",
]
