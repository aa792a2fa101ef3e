"""What `async with` opens is closed in turn, also where an event loop ends around it."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
from contextlib import AsyncExitStack
from typing import Any

import pytest

from connector_core import Connector
from connector_core.engine.opening import Opening
from connector_core.testing import simulated
from tests.engine.ends import SPEC, descriptors, service
from tests.testing.specs import shop

PAGED = shop({"type": "page_number", "size": {"put": "query.limit", "value": 10}, "total": "body.meta.total"})


def opening(said: list[str], error: Exception | None = None) -> Opening[str]:
    """Opens two things, and gives a text."""

    async def enter(stack: AsyncExitStack) -> str:
        for name in ("first", "second"):
            said.append(f"open {name}")
            stack.callback(said.append, f"close {name}")
        if error is not None:
            raise error
        return "found"

    return Opening(enter)


async def test_what_was_opened_is_closed_in_turn():
    """The last first, once, whatever happens inside."""
    said: list[str] = []

    async def inside() -> None:
        async with opening(said) as found:
            assert (found, said) == ("found", ["open first", "open second"])
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        await inside()
    assert said == ["open first", "open second", "close second", "close first"]


async def test_what_cannot_be_opened_leaves_nothing_open():
    """What was opened before is closed, and the error comes out."""
    said: list[str] = []
    one = opening(said, ValueError("within"))
    with pytest.raises(ValueError, match="within"):
        await one.__aenter__()
    assert said == ["open first", "open second", "close second", "close first"]
    await one.__aexit__(None, None, None)
    assert len(said) == 4


async def _rows(opened: Any, endpoint: str) -> Any:
    async with opened as connector:
        async for record in connector.read(endpoint):
            yield record


@pytest.mark.parametrize("how", ["Connector.open", "simulated"])
@pytest.mark.parametrize("held", [1, 3])
def test_generators_of_an_app_that_are_left_at_the_end_of_the_loop(how, held, caplog):
    """The loop closes them and all that is in them: nothing is logged, nothing is left open."""
    kept: list[Any] = []

    async def main() -> None:
        async with service() as url:
            for _ in range(held):
                opened = Connector.open(SPEC, config={"url": url}, network="loopback")
                rows = _rows(opened if how == "Connector.open" else simulated(PAGED), "orders")
                kept.append(rows)
                await anext(rows)

    before = descriptors()
    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
        kept.clear()
        gc.collect()
    assert [record.getMessage() for record in caplog.records] == []
    assert descriptors() == before


KILLED = """
import asyncio, sys
import connector_core.engine.transport as transport
from connector_core import Connector
from tests.engine.ends import OPERATIONS, SPEC, service

transport.IN_MEMORY = 1000

async def main():
    async with service() as url:
        while True:
            async with Connector.open(SPEC, config={"url": url}, network="loopback") as demo:
                pages = demo.pages("orders")
                await anext(pages)
                await OPERATIONS["upload"](demo)
                print("under way", flush=True)

asyncio.run(main())
"""


def test_a_process_that_is_killed_leaves_no_file(tmp_path):
    """Large answers and uploads are in files without a name: whatever happens, nothing of them stays."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}
    )
    assert process.stdout is not None
    with process:
        assert [process.stdout.readline() for _ in range(3)] == ["under way\n"] * 3
        process.kill()
    assert process.returncode == -9
    assert list(tmp_path.iterdir()) == []
