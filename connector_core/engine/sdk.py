"""Carries requests for an SDK's methods to the client that a plug-in brings, and its values back as answers.

It is a transport like any other, so that circuits, rate limits, retries and rules see nothing new: a value comes as
JSON with status 200, and what the SDK raises as an answer of status RAISED.

Rule 1: plain methods run in threads, a declared number at once; coroutines and what they give run in the loop.
Rule 2: an iterator is read no further than a page and one item. It goes on while somebody holds its name, which stands
        in the position of what follows; without it, the method is called again and what was read is passed over.
"""

from __future__ import annotations

import asyncio
import logging
from builtins import TimeoutError as BuiltinTimeoutError
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction
from itertools import islice
from time import perf_counter
from typing import Any, ClassVar, TypeVar
from uuid import uuid4
from weakref import WeakKeyDictionary

import msgspec

from connector_core.component import suggestion
from connector_core.engine.deadline import WHEN_CONNECTED
from connector_core.engine.transport import Transport
from connector_core.exceptions import ConfigError, IntegrationError, ResponseError, TimeoutError
from connector_core.http import RAISED, Headers, Request, Response
from connector_core.pagination.iterator import AFTER, ITERATION, SIZE
from connector_core.plugins import place_of
from connector_core.sdk import SCHEME, Sdk

__all__ = ["SdkTransport"]

T = TypeVar("T")
Factories = Mapping[str, Callable[..., Any]]

_USUAL = 60.0
"""Seconds for a call of which nobody says how long it may take."""
_LAST = 10.0
"""Seconds that a client has for its end."""

log: logging.Logger = logging.getLogger("connector_core")


class SdkTransport:
    """Calls methods of one connection's client, and hands on every other request."""

    tells_when_connected: ClassVar[bool] = True

    def __init__(
        self, inner: Transport, sdk: Sdk, factories: Callable[[], Factories], account: Mapping[str, Any]
    ) -> None:
        """`factories`: what plug-ins bring; `account`: the config and secrets that the client is made with."""
        self._inner, self._sdk, self._factories, self._account = inner, sdk, factories, account
        self._making: asyncio.Task[Any] | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._open: WeakKeyDictionary[_Name, _Iteration] = WeakKeyDictionary()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def send(self, request: Request) -> Response:
        """What the method gives or raises; raises ConfigError where there is no such client or method."""
        if not request.url.startswith(SCHEME):
            return await self._inner.send(request)
        begun, seconds = perf_counter(), request.timeout or _USUAL
        try:
            async with asyncio.timeout(seconds):
                client = await self._client()
                if (tell := WHEN_CONNECTED.get()) is not None:
                    tell()
                status, headers, content = await self._answer(client, request)
        except BuiltinTimeoutError:
            raise TimeoutError(
                f"{request.url} gave nothing for {seconds:g} s",
                where=f"{request.method} {request.url}",
                hint="the service may have acted on it; where it needs longer, say so by `timeout`",
                code="timeout.total",
                phase="sent",
                retryable=True,
            ) from None
        return Response(status, Headers(headers), content, request, perf_counter() - begun)

    async def _answer(self, client: Any, request: Request) -> tuple[int, dict[str, str], bytes]:
        sent = {name.lower(): value for name, value in request.headers.items()}
        try:
            if (size := sent.get(SIZE.lower())) is not None:
                after = int(sent.get(AFTER.lower(), 0))
                return 200, *await self._page(client, request, sent.get(ITERATION.lower(), ""), after, int(size))
            found = await self._called(client, request)
            if _iterates(found):
                raise ResponseError(
                    "the method gives an iterator, and one value is expected",
                    where=request.url,
                    hint="an iterator is for an endpoint with records, and pagination: iterator, or none given",
                    code="sdk.value",
                )
            return 200, {}, _written(found, request)
        except IntegrationError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the SDK raises; rules tell what it means
            return RAISED, {"Exception": type(error).__name__}, _told(error)

    # ── the client ────────────────────────────────────────────────────────────────────────────────

    async def _client(self) -> Any:
        """The client, made by the first who needs it; one that could not be made is tried again."""
        if self._making is None or (self._making.done() and (self._making.cancelled() or self._making.exception())):
            self._making = self._begun(self._made())
        return await asyncio.shield(self._making)

    async def _made(self) -> Any:
        name, known = self._sdk.client, self._factories()
        if name not in known:
            raise ConfigError(
                f"no plug-in brings the client {name!r}{suggestion(name, known) if known else ''}",
                where="sdk.client",
                hint="install or pass the plug-in whose hook register_clients gives it",
                code="sdk.client",
            )
        try:
            return await self._run(known[name], **self._account)
        except IntegrationError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it does; its text may quote a secret
            raise ConfigError(
                f"the client {name!r} cannot be made: {type(error).__name__}{place_of(error)}",
                where="register_clients",
                hint="check config and secrets, then the plug-in",
                code="sdk.client",
            ) from None

    async def _called(self, client: Any, request: Request) -> Any:
        path, found = request.url.removeprefix(SCHEME).partition("/")[2], client
        for name in path.split("."):
            try:
                found = getattr(found, name)
            except AttributeError:
                public = [one for one in dir(found) if not one.startswith("_")]
                what = f"the client {self._sdk.client!r} has no {path}{suggestion(name, public)}"
                raise ConfigError(what, where=request.url, hint="correct sdk in the spec", code="sdk.method") from None
        if not callable(found):
            what = f"{path} of the client {self._sdk.client!r} is no method"
            raise ConfigError(what, where=request.url, hint="correct sdk in the spec", code="sdk.method")
        return await self._run(found, **request.body)

    async def _run(self, function: Callable[..., Any], **given: Any) -> Any:
        """What it gives: in the loop where it is asynchronous, else in a thread."""
        if iscoroutinefunction(function) or isasyncgenfunction(function):
            found = function(**given)
        else:
            found = await self._in_thread(partial(function, **given))
        return await found if isawaitable(found) else found

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._sdk.concurrency, thread_name_prefix=f"sdk-{self._sdk.client}")
        loop, context = asyncio.get_running_loop(), copy_context()
        run: Callable[[], Callable[[], T]] = lambda: context.run(_tried, work)  # noqa: E731 - typed
        return (await loop.run_in_executor(self._threads, run))()

    def _begun(self, work: Any) -> asyncio.Task[Any]:
        """A task that goes on where whoever waits for it is cancelled; it ends with the connection."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, so that nobody logs it
        return task

    # ── iterators ─────────────────────────────────────────────────────────────────────────────────

    async def _page(
        self, client: Any, request: Request, name: str, after: int, size: int
    ) -> tuple[dict[str, str], bytes]:
        """So many items after those that were read, and the iterator's name where there are more."""
        key = _Name(name)
        iteration = self._open.get(key)
        if iteration is None or not iteration.serves(after):
            found = await self._called(client, request)
            if not _iterates(found):
                if after:
                    raise _changed(request, 0, after)
                return {}, _written(found, request)
            iteration, key = _Iteration(found, self, after), _Name(uuid4())
        try:
            items = await iteration.page(after, size)
            if items is None:
                raise _changed(request, iteration.passed, after)
            content = _written(items, request)
        except Exception:
            self._open.pop(key, None)
            raise
        if not iteration.more:
            return {}, content
        key = next((known for known in self._open if known == key), key)  # the one that others hold
        self._open[key] = iteration
        return {ITERATION: key}, content

    async def aclose(self) -> None:
        """Ends what is under way, and the client, if it was made; the inner transport is the engine's."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._open.clear()
        made, self._making = self._making, None
        try:
            if made is not None and made.done() and not made.cancelled() and made.exception() is None:
                client = made.result()
                close = getattr(client, "aclose", None) or getattr(client, "close", None)
                if callable(close):
                    async with asyncio.timeout(_LAST):
                        await self._run(close)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it does: the connection is closed all the same
            log.warning("the client %s does not close: %s%s", self._sdk.client, type(error).__name__, place_of(error))
        finally:
            if self._threads is not None:
                self._threads.shutdown(wait=False, cancel_futures=True)


class _Name(str):
    """The name of an iterator; while somebody holds this very object, the iterator goes on."""

    __slots__ = ("__weakref__",)


class _Iteration:
    """An iterator under way; its last page is kept, since a wait that was cancelled asks for it again."""

    def __init__(self, items: Any, transport: SdkTransport, after: int) -> None:
        """`after`: how many of its items are to be passed over."""
        self._items: Iterator[Any] | AsyncIterator[Any] = (
            items.__aiter__() if isinstance(items, AsyncIterable) else iter(items)
        )
        self._transport, self._skip, self._at = transport, after, after
        self._ahead: list[Any] = []
        self._task: asyncio.Task[list[Any] | None] | None = None
        self.passed = 0
        """How many items it had, of those that were to be passed over."""

    @property
    def more(self) -> bool:
        """Whether there are items after the last page."""
        return bool(self._ahead)

    def serves(self, after: int) -> bool:
        """Whether it has that page, or it is the next one."""
        if after == self._at or self._task is None:
            return after == self._at
        return self._task.done() and after == self._at + len(self._task.result() or ())

    async def page(self, after: int, size: int) -> list[Any] | None:
        """The items after those that were read; None where it has not even so many."""
        if self._task is None or after != self._at:
            self._at, self._task = after, self._transport._begun(self._taken(size))  # noqa: SLF001 - its own iteration
        return await asyncio.shield(self._task)

    async def _taken(self, size: int) -> list[Any] | None:
        while self.passed < self._skip:
            found = await self._next(min(size, self._skip - self.passed))
            self.passed += len(found)
            if not found:
                return None
        found = self._ahead + await self._next(size + 1 - len(self._ahead))
        self._ahead = found[size:]
        return found[:size]

    async def _next(self, count: int) -> list[Any]:
        items = self._items
        if not isinstance(items, AsyncIterator):
            return await self._transport._in_thread(lambda: list(islice(items, count)))  # noqa: SLF001 - the same
        found: list[Any] = []
        while len(found) < count:
            try:
                found.append(await anext(items))
            except StopAsyncIteration:
                break
        return found


# ── values ────────────────────────────────────────────────────────────────────────────────────────


def _tried(work: Callable[[], T]) -> Callable[[], T]:
    """Gives or raises what the work does: a future holds no StopIteration, and lets SystemExit through."""
    try:
        found = work()
    except BaseException as error:  # noqa: BLE001 - raised by whoever waits for it
        raised = error

        def fail() -> T:
            raise raised

        return fail
    return lambda: found


def _iterates(found: Any) -> bool:
    """Whether it is read item by item: it is no list, no mapping, and nothing that has a form of its own."""
    if isinstance(found, str | bytes | bytearray | list | tuple | set | frozenset | Mapping | msgspec.Struct):
        return False
    return isinstance(found, Iterable | AsyncIterable) and not _converts(found) and not isawaitable(found)


def _converts(value: Any) -> bool:
    return hasattr(value, "model_dump") or hasattr(value, "to_dict") or hasattr(value, "__dataclass_fields__")


def _plain(value: Any) -> Any:
    """What an object is in JSON; raises NotImplementedError where it is nothing."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(type(value).__name__)


def _written(value: Any, request: Request) -> bytes:
    """The value in JSON: times, UUIDs and decimal numbers become text, as they are elsewhere."""
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except NotImplementedError as error:
        what = f"a {error} is no record and no value"
    except (TypeError, OverflowError, RecursionError, UnicodeError) as error:
        what = f"the value has no form in JSON ({type(error).__name__})"
    raise ResponseError(
        f"what the method gives cannot be used: {what}",
        where=request.url,
        hint="it needs to_dict, model_dump or be a dataclass: have the plug-in's client return such",
        code="sdk.value",
    )


def _told(error: BaseException) -> bytes:
    kinds = [kind for kind in type(error).__mro__ if kind is not object]
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in kinds]
    bases = [*names, *(kind.__qualname__ for kind in kinds)]
    return msgspec.json.encode({"exception": names[0], "bases": bases, "message": _text(error)})


def _text(error: BaseException) -> str:
    try:
        return str(error).encode("utf-8", "replace").decode()
    except Exception:  # noqa: BLE001 - a stranger's __str__
        return ""


def _changed(request: Request, count: int, after: int) -> ResponseError:
    return ResponseError(
        f"the iterator has {count} items now, and the reading was to go on after {after}",
        where=request.url,
        hint="read it again from the start: leave the position out",
        code="position.changed",
    )
