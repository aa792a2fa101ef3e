"""What one more connection costs in an engine that has a thousand: `python -m tests.bench.many`."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import tracemalloc
from contextlib import AsyncExitStack

from connector_core import Engine
from connector_core.testing import effects, respond

MANY = 1000


async def measured() -> dict[str, float]:
    """Milliseconds of CPU for opening one, and KiB that one holds which was used and is idle."""
    own = effects(lambda _request: respond(json={"data": [], "meta": {}}))
    async with Engine(effects=own) as engine, AsyncExitStack() as stack:

        async def used(number: int) -> None:
            config, secrets = {"shop_url": "https://shop.example"}, {"token": f"token-{number}"}
            opening = engine.open("shop", id=f"account-{number}", config=config, secrets=secrets)
            await (await stack.enter_async_context(opening)).call("orders")

        async def opened(numbers: range) -> None:
            for number in numbers:
                await used(number)

        await opened(range(MANY))
        began = time.process_time()
        await opened(range(MANY, 2 * MANY))
        cpu = time.process_time() - began
        gc.collect()
        tracemalloc.start()
        await opened(range(2 * MANY, 3 * MANY))
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    return {"ms": cpu / MANY * 1e3, "kib": held / MANY / 1024}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured())))
