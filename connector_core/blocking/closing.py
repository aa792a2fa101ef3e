"""How what blocks is closed: by `with`, or with a warning when it is let go of."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self
from weakref import finalize

from connector_core.engine.thread import LoopThread

__all__ = ["Closing", "finalizer"]

Closer = Callable[[], Coroutine[Any, Any, object]]


class Closing(ABC):
    """What `with` closes at its end."""

    @abstractmethod
    def close(self) -> None:
        """Ends everything under way."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def finalizer(owner: object, what: str, loop: LoopThread, close: Closer, *, loop_too: bool) -> finalize[..., Any]:
    """Closes in the background what is let go of without being closed, with the warning that files give."""

    async def closed() -> None:
        try:
            await close()
        finally:
            if loop_too:
                await loop.finish()

    def forgotten() -> None:
        if loop.begun:
            loop.later(closed)
            how = f"use it inside its `with`, or call {what}.close()"
            warnings.warn(f"{'an' if what == 'engine' else 'a'} {what} was not closed: {how}", ResourceWarning, 2)

    found = finalize(owner, forgotten)
    found.atexit = False  # the process ends, and its sockets with it
    return found
