"""What may wait for as long as it likes, in a thread that no process waits for at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

__all__ = ["in_thread"]

T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """What the function gives or raises; asyncio's own threads would keep a process from ending while one hangs."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if told.done():  # nobody waits any more
            return
        if error is None:
            told.set_result(result)  # type: ignore[arg-type]  # then it is a T
        else:
            told.set_exception(error)

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = function()
        except BaseException as raised:  # noqa: BLE001 - handed over to whoever waits
            error = raised
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, result, error)

    Thread(target=run, name="connector-core secret", daemon=True).start()
    return await told
