"""What `async with` opens and closes, without an asynchronous generator.

An event loop that ends closes every asynchronous generator that is left, all at once: one that an app left around an
`async with` would close ours at the same moment as the loop does, which Python refuses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import TypeVar

__all__ = ["Opening"]

T = TypeVar("T")


class Opening(AbstractAsyncContextManager[T]):
    """Enters what a function enters into a stack, and closes it in turn."""

    def __init__(self, enter: Callable[[AsyncExitStack], Awaitable[T]]) -> None:
        """`enter` gives what `async with` binds; where it raises, what it entered before is closed."""
        self._enter = enter
        self._entered = AsyncExitStack()

    async def __aenter__(self) -> T:
        async with AsyncExitStack() as stack:
            found = await self._enter(stack)
            self._entered = stack.pop_all()
        return found

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        entered, self._entered = self._entered, AsyncExitStack()
        return await entered.__aexit__(kind, error, trace)
