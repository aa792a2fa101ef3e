"""A service on loopback and operations of every shape, to be ended at any moment; and what may be left afterwards."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from connector_core.engine.effects import Effects
from tests.engine.servers import ended

PATIENCE = 2.0
"""Seconds after which something is taken to hang."""
SERVICE = "the service"
CUSTOMERS = [{"id": 1}, {"id": 2}]


def _answer(method: str, path: str, query: str, state: dict[str, int]) -> tuple[int, Any]:
    """The status and the body."""
    if path == "/orders" and method == "GET":
        number = int(query.partition("page=")[2] or 1)
        return 200, {"pages": 4, "data": [{"id": 10 * number + n, "text": "x" * 400} for n in range(4)]}
    if path == "/customers":
        return 200, {"data": CUSTOMERS}
    if path.startswith("/customers/"):
        return 200, {"data": [{"id": path}]}
    if path == "/exports":
        state["polls"] = 0
        return 202, {"id": "e1"}
    if path == "/exports/e1":
        state["polls"] = state.get("polls", 0) + 1
        return 200, {"status": "ready" if state["polls"] > 1 else "running"}
    if path == "/flaky":
        state["asked"] = state.get("asked", 0) + 1
        return (503 if state["asked"] % 2 else 200), {"data": []}
    if path == "/broken":
        return 503, {}
    if path == "/tenants":
        return 200, [{"id": "t1"}]
    if path == "/bulk":
        return 200, {"results": [{"ok": True}] * 2}
    return 200, {"id": "a1", "data": [{"id": 1}]}


@asynccontextmanager
async def service() -> AsyncIterator[str]:
    """Where it is; every socket of it is closed at the end."""
    state: dict[str, int] = {}
    open_ones: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.set_name(SERVICE)
        open_ones.add(task)
        with suppress(OSError, EOFError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, target, _ = head.split(" ", 2)
                path, _, query = target.partition("?")
                for line in head.lower().splitlines():
                    if line.startswith("content-length:"):
                        await reader.readexactly(int(line.partition(":")[2]))
                status, body = _answer(method, path, query, state)
                content = json.dumps(body).encode()
                fields = f"Content-Length: {len(content)}\r\nRetry-After: 0\r\n\r\n"
                for piece in (f"HTTP/1.1 {status} X\r\n{fields}".encode(), content[:9], content[9:]):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()
        open_ones.discard(task)

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        await ended(listener, open_ones)


SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "config": {"url": {"type": "string"}},
    "base_url": "{{ config.url }}",
    "records": "body.data",
    "rate_limit": {"rates": ["10000/second"], "concurrency": 2},
    "health": {"endpoint": "customers"},
    "capture": {"tenant": {"call": "tenants", "take": "body.0.id"}},
    "endpoints": {
        "orders": {"get": "/orders", "pagination": {"type": "page_number", "pages": "body.pages"}},
        "customers": {"get": "/customers"},
        "of_customer": {
            "get": "/customers/{{ customer.id }}/orders",
            "for_each": {"endpoint": "customers", "as": "customer"},
        },
        "flaky": {"get": "/flaky"},
        "kept": {
            "get": "/orders",
            "pagination": {"type": "page_number", "pages": "body.pages"},
            "cache": {"ttl": "1h"},
        },
        "stood_in": {"get": "/broken", "fallback": [{"type": "endpoint", "endpoint": "orders"}]},
        "tenants": {"get": "/tenants", "output": "body"},
        "contacts": {"get": "/{{ connection.tenant }}/contacts"},
        "export": {
            "job": {
                "start": {"post": "/exports"},
                "poll": {"get": "/exports/{{ job.start.id }}"},
                "done": "body.status == 'ready'",
                "every": "1s",
                "result": {"get": "/exports/{{ job.start.id }}/rows"},
            },
        },
        "create": {"post": "/things", "input": {"name": {"type": "string"}}, "body": {"json": "{{ input }}"}},
        "close": {"post": "/close", "input": {"id": {"type": "string"}}, "body": {"json": "{{ input }}"}},
        "both": {
            "input": {"name": {"type": "string"}},
            "steps": [
                {"call": "create", "input": {"name": "{{ input.name }}"}, "as": "made"},
                {"call": "close", "input": {"id": "{{ made.id }}"}},
            ],
        },
        "bulk": {
            "post": "/bulk",
            "input": {"items": {"type": "array"}},
            "batch": {"of": "{{ input.items }}", "size": 2, "put": "body.items", "results": "body.results"},
        },
        "upload": {
            "post": "/upload",
            "input": {"file": {"type": "string", "format": "binary"}},
            "body": {"multipart": {"file": {"file": "{{ input.file }}"}}},
        },
    },
}

Operation = Callable[[Any], Awaitable[Any]]


async def _read(demo: Any, endpoint: str) -> list[Any]:
    return [record async for record in demo.read(endpoint)]


async def _pages(demo: Any) -> list[Any]:
    return [page async for page in demo.pages("orders")]


async def _exactly(demo: Any) -> list[Any]:
    async with demo.pages("orders") as pages:
        return [page async for page in pages]


async def _upload(demo: Any) -> Any:
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 700_000)
        file.seek(0)
        return await demo.call("upload", {"file": file})


async def _same(demo: Any) -> Any:
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(_read(demo, "kept"))


async def _several(demo: Any) -> Any:
    async with asyncio.TaskGroup() as group:
        for one in (_read(demo, "orders"), _read(demo, "of_customer"), demo.call("create", {"name": "a"})):
            group.create_task(one)


OPERATIONS: dict[str, Operation] = {
    "call": lambda demo: demo.call("create", {"name": "a"}),
    "call of a read": lambda demo: demo.call("orders"),
    "read": lambda demo: _read(demo, "orders"),
    "pages": _pages,
    "pages with async with": _exactly,
    "for_each": lambda demo: _read(demo, "of_customer"),
    "job": lambda demo: _read(demo, "export"),
    "steps": lambda demo: demo.call("both", {"name": "a"}),
    "batch": lambda demo: demo.call("bulk", {"items": [1, 2, 3, 4]}),
    "capture": lambda demo: _read(demo, "contacts"),
    "retries": lambda demo: _read(demo, "flaky"),
    "upload": _upload,
    "cache": _same,
    "fallback": lambda demo: _read(demo, "stood_in"),
    "several at once": _several,
}


SHARED: dict[str, Operation] = {"health": lambda demo: demo.health()}
"""What goes on for others where one of those who wait for it is cancelled."""
READINGS = ("orders", "of_customer", "export", "contacts", "kept", "stood_in")
"""Endpoints that are read in different ways."""


async def _at_once(_: float) -> None:
    await asyncio.sleep(0)


def effects() -> Effects:
    """Real sockets, and waits that pass at once."""
    return Effects(sleep=_at_once)


def descriptors() -> int:
    """How many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def steps(count: int) -> None:
    """Lets the event loop turn so often."""
    for _ in range(count):
        await asyncio.sleep(0)


class Left:
    """What there was before, to be there again afterwards."""

    def __init__(self) -> None:
        self._tasks, self._descriptors = asyncio.all_tasks(), descriptors()

    @property
    def tasks(self) -> set[asyncio.Task[Any]]:
        """Those that were not there, but for the service's."""
        return {task for task in asyncio.all_tasks() - self._tasks if task.get_name() != SERVICE}

    async def nothing(self, about: object) -> None:
        """Fails where a task, a socket or a file is left; the other ends of sockets take a few turns."""
        for turn in range(200):
            if not asyncio.all_tasks() - self._tasks and descriptors() <= self._descriptors:
                return
            await asyncio.sleep(0 if turn < 100 else 0.005)
        further = descriptors() - self._descriptors
        raise AssertionError(f"{about}: left {asyncio.all_tasks() - self._tasks}, {further} descriptors")
