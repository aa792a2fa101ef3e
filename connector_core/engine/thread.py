"""An event loop in a thread of its own, where other threads have coroutines run and wait for them."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, TypeVar

from connector_core.exceptions import ConfigError

__all__ = ["LoopThread", "at_once"]

Found = TypeVar("Found")


class _Beginning:
    """What a thread and who begins it tell each other; either may be the first to do so."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.given_up = False


class LoopThread:
    """Begins with the first coroutine; a daemon, so that it keeps no process from ending.

    Rule: Ctrl-C may come between any two steps: what was not handed over is closed, what was is cancelled, and a thread
          that was about to begin ends by itself.
    """

    def __init__(self) -> None:
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._closed = False
        self._waited_for: dict[Future[Any], asyncio.Task[Any] | Coroutine[Any, Any, Any]] = {}
        self._kept: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop

    @property
    def begun(self) -> bool:
        """Whether there is anything in it to be ended."""
        return self._thread is not None and not self._forked and not self._loop.is_closed()

    @property
    def _forked(self) -> bool:
        """Whether the thread is another process's; `Thread.is_alive` takes Ctrl-C for its end."""
        return self._process != os.getpid()

    def may_wait(self) -> None:
        """Raises ConfigError for whoever would wait for the thread that it runs in, or for one that stands still."""
        if self._thread is not None and self._thread is threading.current_thread():  # an ident is used again
            raise ConfigError(
                "a listener or a hook waits for the thread that it is called in",
                hint="let another thread do it, or use connector_core.Connector with await",
                code="connection.loop",
            )
        if sys.is_finalizing():
            raise _closed()  # the interpreter has stopped every other thread

    def run(self, coroutine: Coroutine[Any, Any, Found]) -> Found:
        """What the coroutine gives; raises what it raises, and ConfigError where the loop has ended."""
        try:
            done: Future[Found] = Future()
            self._begin()
        except BaseException:
            coroutine.close()
            raise
        try:
            self._waited_for[done] = coroutine
            self._loop.call_soon_threadsafe(self._start, coroutine, done)
            return done.result()
        except CancelledError:  # the loop ended meanwhile
            raise _closed() from None
        except BaseException as error:
            if not done.done():
                self._call_off(coroutine, done)
                if isinstance(error, RuntimeError) and self._loop.is_closed():  # it ended in between
                    raise _closed() from None
            raise  # of the coroutine, or since this thread was interrupted
        finally:
            self._waited_for.pop(done, None)

    def _call_off(self, coroutine: Coroutine[Any, Any, Any], done: Future[Any]) -> None:
        """Cancels what is waited for, and waits until that has ended."""
        try:
            self._loop.call_soon_threadsafe(self._cancel, done)
        except RuntimeError:
            coroutine.close()
            return
        with suppress(CancelledError):
            done.exception()

    def later(self, coroutine: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Begins the coroutine and waits for nothing: for finalizers, which may be called by any thread."""
        if self.begun:
            with suppress(RuntimeError):  # it has ended in between
                self._loop.call_soon_threadsafe(lambda: None if self._closed else self._keep(coroutine()))

    def end(self) -> None:
        """Cancels what waits in the loop, and ends it and the thread."""
        self._closed = True
        if self.begun:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join()

    async def finish(self) -> None:
        """As `end`, from within the loop."""
        self._closed = True
        self._loop.stop()

    def _begin(self) -> None:
        self.may_wait()
        with self._beginning:
            if self._closed:
                raise _closed()
            if self._thread is None:
                self._begun()
            elif self._forked:
                raise ConfigError(
                    "the connection belongs to the process that this one was forked from",
                    hint="open one after the fork",
                    code="connection.loop",
                )

    def _begun(self) -> None:
        beginning = _Beginning()
        thread = threading.Thread(target=self._serve, args=(beginning,), name="connector-core", daemon=True)
        try:
            thread.start()
            beginning.ready.wait()
            assert beginning.loop is not None  # noqa: S101 - it is ready
            self._loop, self._process, self._thread = beginning.loop, os.getpid(), thread
        except BaseException:  # interrupted: whatever has begun ends at once, and the next one begins anew
            self._thread, beginning.given_up = None, True
            if (loop := beginning.loop) is not None:
                loop.call_soon_threadsafe(loop.stop)
            raise

    def _serve(self, beginning: _Beginning) -> None:
        try:
            with asyncio.Runner() as runner:
                beginning.loop = runner.get_loop()
                beginning.ready.set()
                if beginning.given_up:
                    beginning.loop.stop()
                while not self._ran(beginning.loop):
                    pass
        finally:
            for done, waiting in list(self._waited_for.items()) if self._closed else ():
                if not isinstance(waiting, asyncio.Task):  # it was asked for when it was about to end
                    waiting.close()
                done.cancel()

    @staticmethod
    def _ran(loop: asyncio.AbstractEventLoop) -> bool:
        """Runs the loop; whether to its end, and not only until somebody's code in it wanted the process to end."""
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):  # whoever waits for that task hears of it
            return False
        return True

    # ── in the loop ───────────────────────────────────────────────────────────────────────────────

    def _start(self, coroutine: Coroutine[Any, Any, Found], done: Future[Found]) -> None:
        if self._closed:  # it is about to end, and nothing that begins now would
            coroutine.close()
            done.cancel()
            return
        task = self._waited_for[done] = self._keep(coroutine)
        task.add_done_callback(lambda ended: _pass_on(ended, done))

    def _cancel(self, done: Future[Any]) -> None:
        waiting = self._waited_for.get(done)
        if isinstance(waiting, asyncio.Task):
            waiting.cancel()
        elif waiting is not None:  # the interrupt came before it was handed over
            waiting.close()
            done.cancel()

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


async def at_once(action: Callable[[], Found]) -> Found:
    """Does in the loop's thread what does not wait."""
    return action()
