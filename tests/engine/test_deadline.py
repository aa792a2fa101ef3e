"""Deadlines kept by one timer, on a loop whose time is told by the test."""

from __future__ import annotations

import asyncio
import selectors
from types import SimpleNamespace

import pytest

from connector_core.engine.deadline import Deadlines


class Skipping(asyncio.SelectorEventLoop):
    """A loop that never waits: where nothing is left to do, its clock goes on to the next timer."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(selectors.DefaultSelector())
        select = self._selector.select  # type: ignore[attr-defined]

        def skip(timeout: float | None = None) -> object:
            self.now += timeout or 0.0
            return select(0)

        self._selector.select = skip  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now


@pytest.fixture
def loop():
    made = Skipping()
    yield made
    made.close()


def arrivals(*times: float) -> SimpleNamespace:
    """An answer of which a byte came at each of these times."""
    return SimpleNamespace(content=Content(times))


class Content:
    def __init__(self, times: tuple[float, ...]) -> None:
        self.times = times

    @property
    def total_bytes(self) -> int:
        return sum(time <= asyncio.get_running_loop().time() for time in self.times)


async def watched(
    deadlines: Deadlines, total: float, silence: float | None, answer: object = None, work: float = 1000.0
) -> tuple[float, str | None]:
    """When an exchange of so many seconds of work was ended, and why."""
    exchange = deadlines.begin(total, silence)
    deadlines.connected()
    exchange.answer = answer
    try:
        await asyncio.sleep(work)
    except asyncio.CancelledError:
        if not exchange.ours():
            raise
    finally:
        deadlines.end(exchange)
    return round(asyncio.get_running_loop().time(), 6), exchange.broken


@pytest.mark.parametrize(
    "total, silence, answer, expected",
    [
        (60, None, None, (60, "total")),
        (60, 30, None, (30, "read")),
        (10, 30, None, (10, "total")),
        (0, None, None, (0, "total")),
        (60, 8, arrivals(*range(0, 100, 7)), (60, "total")),
        (60, 8, arrivals(1, 2, 3), (12, "read")),
    ],
    ids=["total", "silent", "total first", "none left", "dripping", "stalled"],
)
def test_limits(loop, total, silence, answer, expected):
    """A deadline is kept exactly; silence counts from the last look that saw something new."""

    async def main() -> object:
        return await watched(Deadlines(), total, silence, answer)

    assert loop.run_until_complete(main()) == expected


def test_many(loop):
    """Each exchange has its own limits, in whatever order they end; what is finished is left alone."""

    async def main() -> object:
        deadlines = Deadlines()
        return await asyncio.gather(
            watched(deadlines, 60, None, work=1),
            watched(deadlines, 60, None),
            watched(deadlines, 5, None),
            watched(deadlines, 20, 4),
            watched(deadlines, 7, None),
        )

    assert loop.run_until_complete(main()) == [(1, None), (60, "total"), (5, "total"), (4, "read"), (7, "total")]


def test_one_timer(loop):
    """However many exchanges come and go, there is one timer."""

    async def main() -> None:
        deadlines = Deadlines()
        for _ in range(1000):
            deadlines.end(deadlines.begin(60, 30))
        assert len(loop._scheduled) == 1
        deadlines.close()

    loop.run_until_complete(main())


def test_cancelled_from_outside(loop):
    """Somebody else's cancellation stays one, even in the moment of the deadline."""

    async def main() -> None:
        deadlines = Deadlines()
        task = asyncio.create_task(watched(deadlines, 5, None))
        loop.call_at(5, task.cancel)
        await asyncio.sleep(6)
        assert task.cancelled()

    loop.run_until_complete(main())


def test_inside_a_shorter_timeout(loop):
    """The caller's own timeout is the caller's; ours leaves no trace in a task that goes on."""

    async def main() -> None:
        deadlines = Deadlines()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await watched(deadlines, 5, None)
        async with asyncio.timeout(100):
            assert await watched(deadlines, 5, None) == (8, "total")
            await asyncio.sleep(1)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    loop.run_until_complete(main())


def test_silence_begins_when_there_is_a_socket(loop):
    """While an exchange waits for a socket nobody can be heard: only the whole time counts."""

    async def waits(seconds: float) -> tuple[float, str | None]:
        deadlines = Deadlines()
        exchange = deadlines.begin(60, 30)
        try:
            await asyncio.sleep(seconds)
            deadlines.connected()
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            assert exchange.ours()
        finally:
            deadlines.end(exchange)
        return loop.time(), exchange.broken

    assert loop.run_until_complete(waits(20)) == (50, "read")
    loop.now = 0.0
    assert loop.run_until_complete(waits(90)) == (60, "total")
