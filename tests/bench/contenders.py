"""The two that are compared, each a whole process: `python -m tests.bench.contenders WHO JSON-ARGUMENTS`.

`hand` is the loop that people write with aiohttp; `ours` is the public API with every guard on as it comes. Both count
the records, add up their ids, and report when the first came and what CPU the rest cost.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any


class Tally:
    """Counts and adds up, page by page."""

    def __init__(self, started: float) -> None:
        self.started, self.records, self.checksum = started, 0, 0
        self.first = self.cpu = 0.0

    def page(self, records: list[dict[str, Any]], number: Callable[[Any], int] | None = None) -> None:
        """Takes one page's records; `number` reads an id that is text."""
        if not self.records:
            self.first, self.cpu = time.time() - self.started, time.process_time()
        self.records += len(records)
        self.checksum += sum(number(record["id"]) if number else record["id"] for record in records)

    def report(self) -> dict[str, float]:
        """First record in seconds since the process began, CPU seconds of all later ones, peak memory in MiB."""
        return {
            "records": self.records,
            "checksum": self.checksum,
            "first": self.first,
            "cpu": time.process_time() - self.cpu,
            "wall": (wall := time.time() - self.started),
            "after_first": wall - self.first,
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


async def hand(url: str, stream: str, pages: int, tally: Tally, **_: Any) -> None:
    """With aiohttp and the fastest JSON decoder at hand, nothing else."""
    import aiohttp

    try:
        from orjson import loads  # type: ignore[import-not-found, unused-ignore]  # where it is at hand
    except ImportError:
        from msgspec.json import decode as loads

    async with aiohttp.ClientSession() as session:

        async def get(target: str) -> tuple[Any, Any]:
            async with session.get(target) as response:
                response.raise_for_status()
                return loads(await response.read()), response.headers

        if stream == "items":
            for number in range(1, pages + 1):
                body, _headers = await get(f"{url}/items?pages={pages}&page={number}")
                tally.page(body["data"])
                if number >= body["total_pages"]:
                    break
        elif stream == "cursor":
            cursor: str | None = "1"
            while cursor:
                body, _headers = await get(f"{url}/cursor?pages={pages}&cursor={cursor}")
                tally.page(body["data"])
                cursor = body["next_cursor"]
        else:
            link: str | None = f"{url}/link?pages={pages}&page=1"
            while link:
                body, headers = await get(link)
                tally.page(body)
                field = headers.get("Link", "")
                link = field[1 : field.index(">")] if field else None


ENDPOINTS: dict[str, dict[str, Any]] = {
    "items": {"records": "body.data", "pagination": {"type": "page_number", "pages": "body.total_pages"}},
    "cursor": {"records": "body.data", "pagination": {"type": "cursor", "take": "body.next_cursor"}},
    "link": {"records": "body", "pagination": "link_header"},
    "json": {"records": "body"},
    "csv": {"records": "body", "decode": "csv"},
}


RESILIENT: dict[str, Any] = {
    "rate_limit": {
        "rates": ["100000/second", "10000000/hour"],
        "concurrency": 1,
        "feedback": {"remaining": "header.X-Remaining", "reset": "header.X-Reset"},
    },
    "retry": {"attempts": 6, "total": "5m", "on": ["connection", "timeout", 429, "5xx"]},
    "circuit_breaker": {"window": 50, "failure_rate": "25%", "slow_after": "10s"},
    "timeout": "30s",
    "errors": [
        {"status": 403, "when": "'rate limit' in body.message", "category": "rate_limit"},
        {"status": 410, "then": "restart"},
    ],
    "availability": {
        "maintenance": [{"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T01:00:00Z", "message": "past"}]
    },
    "fallback": [{"type": "value", "value": []}],
}
"""What a spec can declare about a service that fails, all of it but a cache, which has another purpose."""


async def declared(url: str, stream: str, pages: int, tally: Tally, **more: Any) -> None:
    """The same with everything declared that makes it resilient."""
    await ours(url, stream, pages, tally, keys=RESILIENT, **more)


async def ours(
    url: str,
    stream: str,
    pages: int,
    tally: Tally,
    side_by_side: int = 1,
    keys: dict[str, Any] | None = None,
    **_: Any,
) -> None:
    """The public API as an app uses it."""
    from connector_core import Connector

    spec = {
        "connector": "1",
        "name": "bench",
        "config": {"url": {"type": "string", "format": "uri"}, "pages": {"type": "integer"}},
        "base_url": "{{ config.url }}",
        "rate_limit": {"concurrency": side_by_side},
        **(keys or {}),
        "endpoints": {stream: {"get": f"/{stream}", "params": {"pages": "{{ config.pages }}"}, **ENDPOINTS[stream]}},
    }
    async with Connector.open(spec, config={"url": url, "pages": pages}, network="loopback") as connector:
        async for page in _pages(connector, stream):
            tally.page(page.records, int if stream == "csv" else None)


def _pages(connector: Any, stream: str) -> AsyncIterator[Any]:
    return connector.pages(stream)  # type: ignore[no-any-return]  # typed in the package, loaded late here


def main() -> None:
    """Runs one contender and prints its report."""
    who, arguments = sys.argv[1], json.loads(sys.argv[2])
    if arguments["stream"] == "shaping":
        from tests.bench.shaping import shaping

        print(json.dumps(shaping(who, arguments["pages"])))
        return
    tally = Tally(arguments.pop("started"))
    asyncio.run({"hand": hand, "ours": ours, "declared": declared}[who](tally=tally, **arguments))
    print(json.dumps(tally.report()))


if __name__ == "__main__":
    main()
