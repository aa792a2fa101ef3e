"""However and whenever something is ended, nothing is left of it: no task, no socket, no file, no permit."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connector_core import Engine
from connector_core.exceptions import ConfigError
from connector_core.load import load
from tests.engine.ends import OPERATIONS, PATIENCE, READINGS, SHARED, SPEC, Left, effects, service, steps

LOADED = load(SPEC)
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def small(monkeypatch, caplog):
    """Answers are put into files early; and asyncio has nothing to say."""
    monkeypatch.setattr("connector_core.engine.transport.IN_MEMORY", 1000)
    with caplog.at_level(logging.WARNING):
        yield
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Engine, Any]]:
    """An engine and its one connector."""
    async with (
        Engine(effects=effects(), network="loopback") as engine,
        engine.open(LOADED, config={"url": url}) as demo,
    ):
        yield engine, demo


def under_way(demo: Any) -> int:
    """Permits that were not given back."""
    return sum(line.gate.under_way + len(line.waiting) for line in demo._connection._lines.values())


async def ended(task: asyncio.Future[Any]) -> Any:
    """How the task ends; fails where it hangs."""
    done, _ = await asyncio.wait([task], timeout=PATIENCE)
    assert done, f"it hangs: {task}"
    return asyncio.CancelledError if task.cancelled() else task.exception()


def said(error: Any) -> set[tuple[type, str]]:
    """What went wrong, by class and code."""
    errors = error.exceptions if isinstance(error, ExceptionGroup) else [error] if error is not None else []
    return {(type(one), getattr(one, "code", "")) for one in errors}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_cancelled_at_any_moment(name):
    """A cancelled operation ends as cancelled, its connection works on, and nothing of it is left."""
    async with service() as url:
        at, whole = 0, False
        while not whole:
            left = Left()
            async with opened(url) as (_, demo):
                task = asyncio.ensure_future(OPERATIONS[name](demo))
                await steps(at)
                whole = task.done()
                task.cancel()
                assert await ended(task) in ((None,) if whole else (asyncio.CancelledError, None)), at
                del task
                again = asyncio.ensure_future(demo.call("customers"))
                assert await ended(again) is None, at
                await steps(3)
                assert under_way(demo) == 0, at
            await left.nothing((name, at))
            at += 1
    assert at > 10


@pytest.mark.parametrize("name", OPERATIONS)
async def test_out_of_time_at_any_moment(name):
    """`asyncio.timeout` around an operation ends it as TimeoutError; nothing of it is left."""

    async def timed(demo: Any, limits: list[asyncio.Timeout]) -> None:
        async with asyncio.timeout(None) as timeout:
            limits.append(timeout)
            await OPERATIONS[name](demo)

    async with service() as url:
        at, whole = 0, False
        while not whole:
            left, limits = Left(), list[asyncio.Timeout]()
            async with opened(url) as (_, demo):
                task = asyncio.ensure_future(timed(demo, limits))
                await steps(at + 1)
                whole = task.done()
                if limits and not whole:
                    limits[0].reschedule(0)
                error = await ended(task)
                assert said(error) <= {(TimeoutError, "")}, at
                del task, error
                await steps(3)
                assert under_way(demo) == 0, at
            await left.nothing((name, at))
            at += 1


@pytest.mark.parametrize("what", ["engine", "connection", "both at once"])
@pytest.mark.parametrize("name", OPERATIONS | SHARED)
async def test_closed_at_any_moment(name, what):
    """What is closed meanwhile ends with an error that says so, or had ended; nothing is left, and none hangs."""
    async with service() as url:
        at, whole = 0, False
        while not whole:
            left = Left()
            async with opened(url) as (engine, demo):
                task = asyncio.ensure_future((OPERATIONS | SHARED)[name](demo))
                await steps(at)
                whole = task.done()
                close = {
                    "engine": [engine.aclose],
                    "connection": [demo._connection.aclose],
                    "both at once": [engine.aclose, demo._connection.aclose, engine.aclose],
                }[what]
                await asyncio.wait_for(asyncio.gather(*(one() for one in close)), PATIENCE)
                error = await ended(task)
                assert said(error) <= {(ConfigError, "connection.closed")}, at
                del task, error
            await left.nothing((name, at))
            at += 1


async def test_closing_says_what_it_may_have_cost():
    """A call that was sent may have been acted on; one that was not, was not."""
    async with service() as url, opened(url) as (engine, demo):
        task = asyncio.ensure_future(demo.call("create", {"name": "a"}))
        await steps(6)
        await engine.aclose()
        error = await ended(task)
    assert str(error) == (
        f"the connection is closed — POST {url}/things"
        " — use it inside its `async with`; the service may have acted on the request"
    )


@pytest.mark.parametrize("endpoint", READINGS)
async def test_a_reading_that_another_task_closes_at_any_moment(endpoint):
    """Who waits for its next page sees its end; the connection works on, and nothing is left."""

    async def read(pages: Any) -> None:
        async for _ in pages:
            await asyncio.sleep(0)

    async with service() as url:
        at, whole = 0, False
        while not whole:
            left = Left()
            async with opened(url) as (_, demo):
                pages = demo.pages(endpoint)
                task = asyncio.ensure_future(read(pages))
                await steps(at)
                whole = task.done()
                await asyncio.wait_for(asyncio.gather(pages.aclose(), pages.aclose()), PATIENCE)
                assert await ended(task) is None, at
                await steps(3)
                assert under_way(demo) == 0, at
                assert not left.tasks, at
                del task, pages
            await left.nothing((endpoint, at))
            at += 1


@pytest.mark.parametrize("endpoint", READINGS)
async def test_a_reading_that_is_let_go_of_at_any_moment(endpoint):
    """Without a word it is given up, whatever it is doing: soon nothing of it is left."""
    async with service() as url:
        for at in range(0, 40, 2):
            left = Left()
            async with opened(url) as (_, demo):
                pages = demo.pages(endpoint)
                await anext(pages)
                await steps(at)
                del pages
                for _ in range(20):
                    await asyncio.sleep(0)
                assert not left.tasks, at
                assert under_way(demo) == 0, at
            await left.nothing((endpoint, at))


@pytest.mark.parametrize("name", ["pages", "for_each", "job", "upload"])
async def test_closing_that_is_cancelled_at_any_moment(name):
    """Closing can be cancelled too; closed again, nothing is left."""
    async with service() as url:
        for at in range(0, 30, 3):
            for wait in range(6):
                left = Left()
                async with opened(url) as (engine, demo):
                    task = asyncio.ensure_future(OPERATIONS[name](demo))
                    await steps(at)
                    closing = asyncio.ensure_future(engine.aclose())
                    await steps(wait)
                    closing.cancel()
                    assert await ended(closing) in (None, asyncio.CancelledError)
                    await engine.aclose()
                    assert said(await ended(task)) <= {(ConfigError, "connection.closed")}, at
                    del task, closing
                await left.nothing((name, at, wait))
