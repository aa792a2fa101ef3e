"""Reading an endpoint: page after page, the next one under way while this one is used.

Theory of operation: the iterator that the user holds asks pagination what follows a page as soon as it has that page,
and starts asking for it before it hands the page out. Where the service has announced how many pages there are, some
are asked for ahead, side by side; they are still handed out in order, and `pagination.next` stays the judge of what
follows: a page that was asked for on a wrong guess is dropped.

Rule 1: what is under way never refers to the iterator, so that an iterator which is let go of ends it.
Rule 2: memory is bounded: one decoded page in use, and the declared number of answers, not yet decoded, ahead of it. An
        answer that is too large for memory is in a file, and becomes several pages.
Rule 3: an error comes after every page before it, and ends everything under way. A cancelled wait loses nothing: the
        next one asks for the same page again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Any, TypeVar

from connector_core.engine.call import Answered, refused
from connector_core.engine.connection import Connection
from connector_core.engine.pages import Page, Pages
from connector_core.engine.pieces import Place
from connector_core.engine.reading import MORE, Piece, Reading
from connector_core.events import ReadRestarted
from connector_core.exceptions import ConnectionError
from connector_core.for_each import WHOLE, Partition
from connector_core.http import Spooled
from connector_core.pagination import Answer, Stop
from connector_core.plan import Plan

__all__ = ["Sequence", "called_off", "found", "let_go", "over"]

F = TypeVar("F")


class Sequence(Pages):
    """The pages of an endpoint, or of one of its partitions, in order."""

    def __init__(
        self,
        connection: Connection,
        plan: Plan,
        position: Any = None,
        within: Partition = WHOLE,
        *,
        ahead: int | None = None,
    ) -> None:
        """`ahead`: how many numbered pages may be asked for at once; None: as many as the plan says; 0: none at all."""
        super().__init__()
        self._connection, self._plan, self._place = connection, plan, Place.read(position)
        self.within = within
        self._pieces: Iterator[Piece] | None = None
        self._spool: Spooled | None = None
        self._reading: Reading | None = None
        self._ahead: deque[tuple[Any, asyncio.Task[Answered]]] = deque()
        self._guesses: Iterator[Any] | None = None
        self._again = False
        self._side_by_side = plan.side_by_side if ahead is None else ahead
        connection.own(self)

    def begin(self) -> asyncio.Future[Any] | None:
        """What has the next page's answer once it is done, begun if nobody did; None where there is no further page."""
        if self._ended:
            return None
        if self._pieces is not None:
            here: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            here.set_result(None)
            return here
        if not self._ahead:
            self._ask(self._begun(), self._place.position)
        return self._ahead[0][1]

    @property
    def has_page(self) -> bool:
        """Whether the next page can be had without waiting for the service."""
        here = self._ready is not None or self._pieces is not None
        return here or bool(self._ahead and self._ahead[0][1].done())

    def _begun(self) -> Reading:
        if self._reading is None:
            self._connection.ready()
            self._reading = Reading(self._connection, self._plan, self._place.position, self.within)
        return self._reading

    async def _next(self) -> Page:
        reading = self._begun()
        if self._pieces is None:
            if reading.full:
                raise reading.too_many()
            answered = await self._answered(reading)
            if answered.outcome.then == "restart":
                reading = await self._restarted(answered)
                answered = await self._answered(reading)
            self.attempts: int = answered.attempts
            self._pieces, self._spool = reading.pages(self._place, answered), answered.response.spool
            await self._guess(reading)  # before this page is decoded, so that the service is not kept waiting
        page, following, answer = self._piece()
        while following is MORE:
            self._ready = page
            await asyncio.sleep(0)  # nothing is waited for here, and others want to run all the same
            if page is not None:
                return page
            page, following, answer = self._piece()
        assert page is not None  # noqa: S101 - an answer's last page is always there
        self._ready = page
        self._pieces = None
        if isinstance(following, Stop):
            self._ended = True
            await self._drop()
            return page
        self._place = Place(following)
        if not reading.full and self._side_by_side:
            await self._look_ahead(reading, answer)
        return page

    def _piece(self) -> Piece:
        """The next of the pages that the answer holds."""
        if self._pieces is None:
            raise over(self._connection)
        return next(self._pieces)

    async def _restarted(self, answered: Answered) -> Reading:
        """The reading from its first page; raises the service's error where it has begun again before, or only begins.

        Page numbers and the guard against loops begin anew with it.
        """
        await self._drop()
        if self._again or self._place.position is None:
            raise refused(self._connection, self._plan, answered)
        self._again, self._place, self._guesses = True, Place.read(None), None
        why = f"a rule for status {answered.response.status} says restart"
        self._connection.announce(ReadRestarted, self._plan.endpoint, partition=self.within.key or None, reason=why)
        self._reading = Reading(self._connection, self._plan, None, self.within)
        return self._reading

    async def _answered(self, reading: Reading) -> Answered:
        """The answer for the present position, from what is under way if that is the next of it."""
        if self._ahead and self._ahead[0][0] != self._place.position:
            await self._drop()
        if not self._ahead:
            self._ask(reading, self._place.position)
        task = self._ahead[0][1]
        answered = await found(task, self._connection)
        if self._ended:
            raise over(self._connection)
        self._ahead.popleft()
        return answered

    def _ask(self, reading: Reading, position: Any) -> None:
        self._ahead.append((position, asyncio.create_task(reading.fetch(position))))

    async def _look_ahead(self, reading: Reading, answer: Answer | None) -> None:
        """Asks for what follows, and for what probably follows that."""
        asked = not self._ahead
        if asked:
            self._ask(reading, self._place.position)
        if self._guesses is None and answer is not None:
            self._guesses = self._plan.pagination.ahead(answer)
            next(self._guesses, None)  # the first guess is what follows
        if not await self._guess(reading) and asked:
            await asyncio.sleep(0)  # the request leaves before the page is used

    async def _guess(self, reading: Reading) -> bool:
        """Asks for what probably follows, up to the declared number at once; says whether there was anything to ask."""
        before = len(self._ahead)
        while self._guesses is not None and len(self._ahead) < self._side_by_side:
            guess = next(self._guesses, None)
            if guess is None:
                break
            self._ask(reading, guess)
        if len(self._ahead) == before:
            return False
        await asyncio.sleep(0)  # the requests leave
        return True

    async def _drop(self) -> None:
        """Cancels what is under way and waits until it has ended."""
        if self._ended:
            self._pieces = None
            if self._spool is not None:
                self._spool.close()
        tasks = [task for _, task in self._ahead]
        self._ahead.clear()
        self._guesses = None
        for task in tasks:
            task.cancel()
        for answered in await asyncio.gather(*tasks, return_exceptions=True) if tasks else ():
            if isinstance(answered, Answered) and answered.response.spool is not None:
                answered.response.spool.close()

    def __del__(self) -> None:
        for _, task in getattr(self, "_ahead", ()):
            let_go(task)


async def found(task: asyncio.Future[F], connection: Connection) -> F:
    """What the task finds; where somebody else ends it, that is the end of the reading, and no cancellation."""
    try:
        return await task
    except asyncio.CancelledError:
        if task.cancelled() and not _being_cancelled():
            ended = over(connection)
            if isinstance(task, asyncio.Task) and not task.cancelling():
                raise _stray() from None
            raise ended from None
        raise


def over(connection: Connection) -> StopAsyncIteration:
    """The end of a reading that somebody else closed; raises ConfigError where the connection is closed with it."""
    connection.ready()
    return StopAsyncIteration()


def _stray() -> ConnectionError:
    """The error for what ended as if it were cancelled, though nobody cancelled it: that is no end of a reading."""
    return ConnectionError(
        "a transport or a plug-in raised CancelledError, and nobody cancelled anything",
        hint="look for code of theirs that lets it through",
        code="connection.failed",
        phase="sent",
    )


def _being_cancelled() -> bool:
    """Whether somebody wants the present task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def called_off(task: asyncio.Task[Any]) -> bool:
    """Cancels a task and waits until it has ended; whether it did before it had anything to tell."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return task.cancelled()


def let_go(task: asyncio.Task[Any]) -> None:
    """Ends a task that nobody waits for any more; to be called from any thread."""
    if not (loop := task.get_loop()).is_closed():
        loop.call_soon_threadsafe(_cancel, task)


def _cancel(task: asyncio.Task[Any]) -> None:
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, so that nobody logs it
    task.cancel()
