"""An event loop in a thread of its own, where other threads have coroutines run and wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, TypeVar

from connector_core.exceptions import ConfigError

__all__ = ["LoopThread"]

Found = TypeVar("Found")


class LoopThread:
    """Begins with the first coroutine; a daemon, so that it keeps no process from ending."""

    def __init__(self) -> None:
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._waited_for: dict[Future[Any], asyncio.Task[Any] | None] = {}
        self._kept: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop
        self._over: asyncio.Event

    @property
    def begun(self) -> bool:
        """Whether there is anything in it to be ended."""
        return self._thread is not None and self._thread.is_alive()

    def run(self, coroutine: Coroutine[Any, Any, Found]) -> Found:
        """What the coroutine gives; raises what it raises, and ConfigError where the loop has ended."""
        done: Future[Found] = Future()
        self._waited_for[done] = None
        try:
            self._begin()
            self._loop.call_soon_threadsafe(self._start, coroutine, done)
        except (ConfigError, RuntimeError) as error:
            self._waited_for.pop(done)
            coroutine.close()
            raise (_closed() if isinstance(error, RuntimeError) else error) from None  # it ended in between
        try:
            return done.result()
        except CancelledError:  # the loop ended meanwhile
            raise _closed() from None
        except BaseException:
            if not done.done():  # this thread was interrupted
                self._loop.call_soon_threadsafe(self._cancel, done)
                with suppress(CancelledError):
                    done.exception()
            raise
        finally:
            self._waited_for.pop(done, None)

    def later(self, coroutine: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Begins the coroutine and waits for nothing: for finalizers, which may be called by any thread."""
        if self.begun:
            with suppress(RuntimeError):  # it has ended in between
                self._loop.call_soon_threadsafe(lambda: self._keep(coroutine()))

    def end(self) -> None:
        """Cancels what waits in the loop, and ends it and the thread."""
        self._closed = True
        self.later(self.finish)
        if self._thread is not None:
            self._thread.join()

    async def finish(self) -> None:
        """As `end`, from within the loop."""
        self._closed = True
        self._over.set()

    def _begin(self) -> None:
        if self._thread is not None and self._thread.ident == threading.get_ident():
            raise ConfigError(
                "a listener or a hook waits for the thread that it is called in",
                hint="let another thread do it, or use connector_core.Connector with await",
                code="connection.loop",
            )
        with self._beginning:
            if self._closed:
                raise _closed()
            if self._thread is None:
                ready = threading.Event()
                self._thread = threading.Thread(target=self._serve, args=(ready,), name="connector-core", daemon=True)
                self._thread.start()
                ready.wait()
            if not self._thread.is_alive():
                raise ConfigError(
                    "the connection belongs to the process that this one was forked from",
                    hint="open one after the fork",
                    code="connection.loop",
                )

    def _serve(self, ready: threading.Event) -> None:
        async def until_over() -> None:
            self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
            ready.set()
            await self._over.wait()

        asyncio.run(until_over())
        for done in list(self._waited_for):  # what was asked for when it was about to end
            done.cancel()

    # ── in the loop ───────────────────────────────────────────────────────────────────────────────

    def _start(self, coroutine: Coroutine[Any, Any, Found], done: Future[Found]) -> None:
        task = self._waited_for[done] = self._keep(coroutine)
        task.add_done_callback(lambda ended: _pass_on(ended, done))

    def _cancel(self, done: Future[Any]) -> None:
        if (task := self._waited_for.get(done)) is not None:
            task.cancel()

    def _keep(self, coroutine: Coroutine[Any, Any, Found]) -> asyncio.Task[Found]:
        """Begun; an event loop forgets a task that nobody else holds."""
        task = self._loop.create_task(coroutine)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        return task


def _pass_on(task: asyncio.Task[Found], done: Future[Found]) -> None:
    if task.cancelled():
        done.cancel()
    elif (error := task.exception()) is not None:
        done.set_exception(error)
    else:
        done.set_result(task.result())


def _closed() -> ConfigError:
    return ConfigError("the connection is closed", hint="use it inside its `with`", code="connection.closed")
