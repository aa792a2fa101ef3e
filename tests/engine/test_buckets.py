"""Buckets in memory, by the claims that hold for every place; and how an engine is told of another place."""

from __future__ import annotations

import pytest

from connector_core import Engine
from connector_core.engine.buckets import in_memory
from connector_core.testing import VirtualClock
from tests.engine.shares import CLAIMS, Claim


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
async def test_in_memory(claim: Claim):
    """What must hold of every bucket holds of those in memory."""
    clock = VirtualClock()
    await claim(lambda terms: in_memory(terms, clock.monotonic), clock.sleep)


async def test_a_place_of_ones_own():
    """An app may bring buckets, which the engine uses and does not close."""
    closed = []

    class Mine:
        def bucket(self, _name, terms):
            return in_memory(terms, VirtualClock().monotonic)

        async def aclose(self):
            closed.append(self)

    mine = Mine()
    async with Engine(buckets=mine) as engine:
        assert engine._effects.buckets is mine
    assert closed == []
