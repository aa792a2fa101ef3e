"""What the user of a reading holds: its pages, or its records one by one.

Each is an iterator that is asked with `async for` and left whenever one likes. `async with` ends everything that is
under way; without it that happens when the iterator is let go of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from msgspec import Struct

from connector_core.engine.until import within
from connector_core.exceptions import ConfigError, alone
from connector_core.fallback import Degraded
from connector_core.for_each import WHOLE, Partition

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # checkers bring it along; nothing is imported

    R = TypeVar("R", default=dict[str, Any])
else:
    from typing import TypeVar

    R = TypeVar("R")

__all__ = ["Closing", "Page", "Pages", "Record", "Records"]

Record = dict[str, Any]


class Page(Struct, Generic[R], frozen=True):
    """One page of records, after `filter`."""

    records: list[R]
    position: Any
    """Where this page stands: a JSON value, None for the first."""
    following: Any
    """Where the next one stands; None where this is the last."""
    number: int
    """Counts from 1 in this reading, or in this partition of it."""
    partition: Mapping[str, Any] | None = None
    """The key of the `for_each` partition that it belongs to, by name: `{"customer": 17}`; None where there is none."""
    degraded: Degraded | None = None
    """From where it is, how old, and why, if not from the service (see `fallback`); None: from the service."""


class Closing(ABC):
    """What `async with` closes at its end."""

    @abstractmethod
    async def aclose(self) -> None:
        """Ends everything under way."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class Pages(Closing, Generic[R]):
    """The pages of an endpoint; kinds of reading say in `_next` where a page comes from and in `_drop` how to end.

    Rule: a page that was read and could not be handed out, since the wait for it was cancelled, is handed out next.
    """

    def __init__(self) -> None:
        self._ready: Page[R] | None = None
        self._waiting = self._ended = self._cut = False
        self.within: Partition = WHOLE
        """The partition of the page that was handed out last."""
        self.attempts: int = 0
        """How often that page's request was sent."""
        self.until: float | None = None
        """Until when the last page is wanted, in seconds of the effects' monotonic clock; None: whenever it comes."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[R]:
        if self._waiting:
            raise RuntimeError("another task is waiting for the next page already; each needs a reading of its own")
        if self._cut:
            raise ConfigError(
                "the connection was closed while this was read",
                hint="read to the end inside its `async with`",
                code="connection.closed",
            )
        if self._ended and self._ready is None:
            raise StopAsyncIteration
        self._waiting = True
        try:
            page = self._ready or await self._in_time()
            self._ready = None
            return page
        except BaseException as error:
            if isinstance(error, Exception):
                self._ended, self._ready = True, None
                alone(error)
            await self._drop()
            raise
        finally:
            self._waiting = False

    async def _in_time(self) -> Page[R]:
        if self.until is None:
            return await self._next()
        with within(self.until):
            return await self._next()

    async def _next(self) -> Page[R]:
        """The next page, noted in `_ready`; raises StopAsyncIteration after the last, and sets `_ended` with it."""
        raise NotImplementedError

    async def _drop(self) -> None:
        """Cancels what is under way and waits until it has ended; what was not handed out is asked for again."""
        raise NotImplementedError

    async def pause(self) -> None:
        """Drops what is under way; it is asked for again when the next page is wanted."""
        await self._drop()

    async def _leave(self, inner: Pages[Any]) -> None:
        """Drops what a reading inside this one has under way, and ends it where this one has ended."""
        await (inner.aclose() if self._ended else inner.pause())

    async def cut(self) -> None:
        """Ends everything under way, since the connection closes; a later `anext` says so, unless all was read."""
        self._cut = not self._ended or self._ready is not None
        await self.aclose()

    async def aclose(self) -> None:
        """Ends everything under way; a later `anext` raises StopAsyncIteration."""
        self._ended, self._ready = True, None
        await self._drop()


class Records(Closing, Generic[R]):
    """The records of an endpoint, one by one; see Pages for leaving early.

    It is no generator, since a cancelled wait would end that, and the rest of the records would be lost in silence.
    """

    def __init__(self, pages: Pages[R]) -> None:
        self._pages = pages
        self._left: Iterator[R] = iter(())
        self.degraded: Degraded | None = None
        """From where the latest records are, if not from the service; see `Page.degraded`."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        while (record := next(self._left, None)) is None:
            page = await self._pages.__anext__()
            self._left, self.degraded = iter(page.records), page.degraded
        return record

    async def aclose(self) -> None:
        """Ends everything under way."""
        self._left = iter(())
        await self._pages.aclose()
