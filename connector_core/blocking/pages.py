"""What an endpoint is read by, a page or a record at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from weakref import finalize

from connector_core.blocking.closing import Closing
from connector_core.engine import pages as awaited
from connector_core.engine.pages import Page, R
from connector_core.engine.thread import LoopThread
from connector_core.exceptions import ConfigError
from connector_core.fallback import Degraded

__all__ = ["Pages", "Records"]


class Pages(Closing, Iterator[Page[R]]):
    """The pages of an endpoint. The next one is asked for while one is worked on, until this is closed or let go of."""

    def __init__(self, connector: object, pages: awaited.Pages[R], loop: LoopThread) -> None:
        self._connector, self._pages, self._loop = connector, pages, loop  # the connector lives as long as this
        self._ready: Page[R] | None = None
        self._let_go = finalize(self, self._loop.later, pages.aclose)
        self._let_go.atexit = False

    def __next__(self) -> Page[R]:
        page = self._held()
        self._ready = None
        return page

    def _held(self) -> Page[R]:
        """The next page, which comes again until `_ready` is None: whoever waits for it may be interrupted."""
        if not self._let_go.alive:
            raise StopIteration
        if self._ready is None:
            self._loop.run(self._fetch())
        if self._ready is None:
            self._let_go.detach()  # there is nothing to end: it has ended
            raise StopIteration
        return self._ready

    async def _fetch(self) -> None:
        self._ready = await anext(self._pages, None)

    def close(self) -> None:
        """Ends everything under way."""
        self._ready = None
        if self._let_go.detach():
            with suppress(ConfigError):  # a closed connector has ended it
                self._loop.run(self._pages.aclose())


class Records(Closing, Iterator[R]):
    """The records of an endpoint, one by one.

    Rule: what was taken is handed out with no call in between, which is where Ctrl-C comes through.
    """

    def __init__(self, pages: Pages[R]) -> None:
        self._pages = pages
        self._records: list[R] = []
        self._at = 0
        self.degraded: Degraded | None = None
        """From where the latest records are, if not from the service; see `Page.degraded`."""

    def __next__(self) -> R:
        while self._at >= len(self._records):
            page = self._pages._held()  # noqa: SLF001 - of this module
            self._records, self._at, self.degraded = page.records, 0, page.degraded
            self._pages._ready = None  # noqa: SLF001 - the same
        record = self._records[self._at]
        self._at += 1
        return record

    def close(self) -> None:
        """Ends everything under way."""
        self._records = []
        self._pages.close()
