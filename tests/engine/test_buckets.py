"""Buckets in memory, by the claims that hold for every place; and how an engine is told of another place."""

from __future__ import annotations

import pytest

from connector_core import Engine
from connector_core.engine.buckets import in_memory
from connector_core.engine.places import buckets_at
from connector_core.exceptions import ConfigError
from connector_core.testing import VirtualClock
from tests.engine.shares import CLAIMS, Claim


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
async def test_in_memory(claim: Claim):
    """What must hold of every bucket holds of those in memory."""
    clock = VirtualClock()
    await claim(lambda terms: in_memory(terms, clock.monotonic), clock.sleep)


@pytest.mark.parametrize(
    "place, where",
    [("memcached://me:secret@host/0", "buckets: memcached://…"), ("localhost:6379", "buckets"), ("", "buckets")],
)
def test_no_such_place(place, where):
    """Another place than Redis is refused, with what to write, and without a password."""
    with pytest.raises(ConfigError) as refused:
        Engine(buckets=place)
    assert str(refused.value) == (
        f"rate limits are shared through Redis alone — {where} — write an address such as redis://127.0.0.1:6379/0"
    )


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
    assert buckets_at(mine) is mine
    assert buckets_at(None) is None
