"""The chaos proxy in a process of its own: `python -m tests.bench.proxy URL FAULTS` prints its address."""

from __future__ import annotations

import asyncio
import sys

from connector_core.testing import Chaos


async def main() -> None:
    """Serves until it is ended."""
    async with Chaos(sys.argv[1], sys.argv[2]) as proxy:
        print(proxy.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
