"""Flags of OpenFeature: which are asked for, and about whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector_core import Engine
from connector_core.exceptions import UnavailableError
from connector_core.testing import effects, respond

api = pytest.importorskip("openfeature.api", reason="openfeature-sdk (the extra openfeature) is not installed")
memory = pytest.importorskip("openfeature.provider.in_memory_provider")
details = pytest.importorskip("openfeature.flag_evaluation")

DOMAIN = "tests of connector-core"
SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "availability": {"flag": "shop"},
    "endpoints": {"thing": {"post": "/thing"}},
}


@pytest.fixture
def provided() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Sets a provider of these flags for one domain."""
    yield lambda flags: api.set_provider(memory.InMemoryProvider(flags), DOMAIN)
    api.clear_providers()


def engine() -> Engine:
    from connector_core.adapters.openfeature import OpenFeatureFlags

    return Engine(flags=OpenFeatureFlags(domain=DOMAIN), effects=effects(lambda _: respond()))


@pytest.mark.parametrize("variant", ["on", "off"])
async def test_a_flag_decides(provided, variant):
    """A connector whose flag is off is not used."""
    provided({"shop": memory.InMemoryFlag(variant, {"on": True, "off": False})})
    async with engine() as one, one.open(SPEC) as demo:
        assert await demo.available() == (variant == "on")
        if variant == "off":
            with pytest.raises(UnavailableError, match="switched off by the flag shop"):
                await demo.call("thing")


async def test_a_flag_that_nobody_knows_is_on(provided):
    """Where the provider has no such flag, the connector may be used."""
    provided({})
    async with engine() as one, one.open(SPEC) as demo:
        assert await demo.available()


async def test_who_asks(provided):
    """The provider sees the connection as the targeting key, and the connector's name."""
    asked = []

    def told(flag: Any, context: Any) -> Any:
        asked.append((context.targeting_key, dict(context.attributes)))
        return details.FlagResolutionDetails(True)

    provided({"shop": memory.InMemoryFlag("on", {"on": True}, context_evaluator=told)})
    async with engine() as one, one.open(SPEC, id="ann") as demo:
        await demo.available()
    assert asked == [("ann", {"connector": "demo"})]
