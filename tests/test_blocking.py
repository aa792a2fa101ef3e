"""The API without `async`: the same answers and errors, from any thread, with nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import connector_core
from connector_core import blocking
from connector_core.blocking import Connector, Engine
from connector_core.engine import sign_in
from connector_core.engine.pages import Pages, Records
from connector_core.engine.thread import LoopThread, at_once
from connector_core.events import PageRead
from connector_core.exceptions import AuthenticationError, ConfigError, IntegrationError
from connector_core.http import Request, Response
from connector_core.testing import effects, respond, simulated
from tests.engine import ends

SPEC = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "pagination": {"type": "page_number"},
    "endpoints": {
        "things": {"get": "/things", "records": "body"},
        "make": {"post": "/things", "input": {"name": {"type": "string"}}},
    },
}


def answer(request: Request) -> Response:
    """Three pages of two records."""
    page = int(dict(request.query).get("page", "1"))
    return respond(json=[{"id": 2 * page}, {"id": 2 * page + 1}] if page <= 3 else [])


def opened(transport: Any = answer, **more: Any) -> Connector:
    return Connector.open(SPEC, effects=effects(transport), **more)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "connector-core"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert threads() == []


def test_it_reads_and_calls():
    """Records, pages, calls and names are those of the API with `async`."""
    with opened() as demo:
        assert [record["id"] for record in demo.read("things")] == [2, 3, 4, 5, 6, 7]
        with demo.pages("things") as pages:
            first = next(pages)
        assert [page.number for page in demo.pages("things", position=first.following)] == [1, 2, 3]
        assert demo.call("make", {"name": "x"}).attempts == 1
        assert demo.endpoints() == ["things"]
        assert (demo.spec.name, repr(demo)) == ("demo", "Connector('demo', id='demo')")


def test_a_real_service():
    """What `async with` would enter can be entered; sockets are closed with it."""
    with Connector(simulated("shop", records=30)) as shop:
        assert len(list(shop.read("orders"))) == 30


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (Connector, connector_core.Connector),
        (Engine, connector_core.Engine),
        (blocking.Pages, Pages),
        (blocking.Records, Records),
        (blocking.SignIn, sign_in.SignIn),
    ],
)
def test_it_mirrors_the_other(ours, theirs):
    """Every method has its namesake with the same parameters; what ends is called `close`."""
    names = {name for name in vars(theirs) if not name.startswith("_")} - {"aclose", "cut", "pause"}
    closes = {"close"} if theirs is not sign_in.SignIn else set()
    assert names | closes == {name for name in vars(ours) if not name.startswith("_")}
    for name in names:
        if inspect.isfunction(getattr(theirs, name)):
            assert parameters(getattr(ours, name)) == parameters(getattr(theirs, name)), name


def parameters(function: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(inspect.unwrap(function)).parameters.values())


def test_many_connectors_of_one_engine():
    """They share its thread, and its listeners hear of each."""
    heard: list[Any] = []
    with (
        Engine(effects=effects(answer), listeners=[heard.append]) as engine,
        engine.open(SPEC, id="ann") as one,
        engine.open(SPEC, id="bob") as other,
    ):
        assert engine.load(SPEC).name == "demo"
        assert len(threads()) == 1
        list(one.read("things"))
        silence = engine.listen(heard.append)
        silence()
        other.call("things")
    assert {event.connection for event in heard if isinstance(event, PageRead)} == {"ann", "bob"}


def test_any_thread_may_use_it():
    """Eight threads read side by side what one connector gives."""
    with opened() as demo, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: len(list(demo.read("things"))), range(40)))
    assert found == [6] * 40


def test_inside_a_running_loop():
    """A notebook has a loop of its own, which only waits."""

    async def cell() -> int:
        with opened() as demo:
            return len(list(demo.read("things")))

    assert asyncio.run(cell()) == 6


def test_errors_are_the_same():
    """What fails raises the same exception; a spec that is wrong leaves no thread."""
    with opened(lambda _request: respond(401)) as demo, pytest.raises(AuthenticationError):
        list(demo.read("things"))
    with pytest.raises(ConfigError, match="there is no spec named 'nowhere'"):
        Connector.open("nowhere")


# ── ends ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_closed_stays_closed():
    """Whoever goes on is told; closing again does nothing."""
    demo = opened()
    pages = demo.pages("things")
    next(pages)
    demo.close()
    demo.close()
    pages.close()
    assert list(pages) == []
    uses: list[Callable[[], Any]] = [lambda: demo.call("things"), lambda: next(demo.read("things"))]
    for use in uses:
        with pytest.raises(ConfigError) as wrong:
            use()
        assert (wrong.value.code, wrong.value.hint) == ("connection.closed", "use it inside its `with`")
    engine = Engine()
    engine.close()
    with pytest.raises(ConfigError, match="is closed"):
        engine.open(SPEC)


def test_a_reading_that_is_left():
    """`for` may be left at any time: the connector goes on, and what was under way is cancelled with the iterator."""
    waiting, cancelled = threading.Event(), threading.Event()

    async def slow(request):
        if dict(request.query).get("page", "1") == "1":
            return answer(request)
        try:
            waiting.set()
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with opened(slow) as demo:
        records = demo.read("things")
        assert next(records)["id"] == 2
        assert waiting.wait(5)
        del records
        gc.collect()
        assert cancelled.wait(5)


def test_a_connector_lives_as_long_as_its_reading():
    """Nobody has to hold more than what is iterated."""
    records = opened().read("things")
    gc.collect()
    assert len(list(records)) == 6
    held = [records]
    del records
    with pytest.warns(ResourceWarning, match=r"a connector was not closed: use it inside its `with`, or call"):
        let_go(held)
    settled()


def let_go(held: list[Any]) -> None:
    held.clear()
    gc.collect()


def settled() -> None:
    """Waits for the threads that nobody waits for."""
    for thread in threads():
        thread.join(5)


def test_an_engine_that_is_forgotten():
    """Its sockets are closed and its thread ends, with a warning."""
    engine = Engine(effects=effects(answer))
    engine.open(SPEC).close()
    held = [engine]
    del engine
    with pytest.warns(ResourceWarning, match="an engine was not closed"):
        let_go(held)
    settled()


def test_closing_while_others_wait():
    """Whoever waits in another thread is told, and the thread ends."""
    waiting = threading.Event()

    async def never(_request):
        waiting.set()
        await asyncio.sleep(60)

    demo, failed = opened(never), []

    def use():
        try:
            demo.call("things")
        except ConfigError as error:
            failed.append(error.code)

    user = threading.Thread(target=use)
    user.start()
    assert waiting.wait(5)
    demo.close()
    user.join(5)
    assert failed == ["connection.closed"]


def test_an_interrupt_cancels_what_is_waited_for():
    """Ctrl-C ends the wait and the request, loses no page, and the connector goes on."""
    waiting, cancelled, patient = threading.Event(), list[Any](), list[bool]()

    async def slow(request):
        if dict(request.query).get("page", "1") == "2" and not patient:
            try:
                waiting.set()
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(request)
                raise
        return answer(request)

    def interrupt():
        waiting.wait(5)
        while not demo._loop._waited_for:
            time.sleep(0.001)
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    with opened(slow) as demo:
        records = demo.read("things")
        threading.Thread(target=interrupt).start()
        found: list[int] = []
        with pytest.raises(KeyboardInterrupt):
            found.extend(record["id"] for record in records)
        assert len(cancelled) == 1
        patient.append(True)
        assert found + [record["id"] for record in records] == [2, 3, 4, 5, 6, 7]


def test_a_listener_cannot_wait_for_its_own_thread():
    """It would wait for ever; it is told instead, and the reading goes on."""
    told: list[str] = []

    def listener(event):
        if isinstance(event, PageRead) and not told:
            with pytest.raises(ConfigError) as wrong:
                demo.call("things")
            told.append(wrong.value.what)

    with opened(listeners=[listener]) as demo:
        assert len(list(demo.read("things"))) == 6
    assert told == ["a listener or a hook waits for the thread that it is called in"]


AT_THE_END = """
from connector_core.blocking import Connector
from connector_core.testing import effects, respond
endpoints = {"t": {"get": "/", "records": "body"}}
spec = {"connector": "1", "name": "demo", "base_url": "https://a.example", "endpoints": endpoints}
demo = Connector.open(spec, effects=effects(lambda request: respond(json=[{"id": 1}])))
print(next(demo.read("t")))
"""
FORKED = """
import os
from connector_core.exceptions import ConfigError
if os.fork():
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
else:
    try:
        demo.call("t")
    except ConfigError as error:
        os._exit(0 if "forked" in error.what else 1)
    os._exit(2)
"""


@pytest.mark.parametrize("more", ["", FORKED], ids=["forgotten", "forked"])
def test_a_process_ends(more):
    """Whoever closes nothing waits for nothing, and a fork is told that the thread stayed with its parent."""
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END + more], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{'id': 1}\n", "")


# ── ends ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def served():
    """A service in a loop of its own."""
    loop, opening = LoopThread(), ends.service()
    yield loop.run(opening.__aenter__())
    loop.run(opening.__aexit__(None, None, None))
    loop.end()


def as_before(before: set[threading.Thread], descriptors: int) -> bool:
    """Whether there is what there was; the other ends of sockets take a moment."""
    for _ in range(200):
        if set(threading.enumerate()) <= before and ends.descriptors() <= descriptors:
            return True
        time.sleep(0.005)
    return False


@pytest.mark.parametrize("endpoint", ends.READINGS)
def test_closed_by_another_thread_at_any_moment(served, endpoint):
    """Who reads meanwhile is told or had ended; no thread, no socket and no file stays."""
    for moment in range(1, 9):
        before, descriptors = set(threading.enumerate()), ends.descriptors()
        reached, told, count = threading.Event(), list[Any](), itertools.count(1)

        def hear(_: Any, moment: int = moment, reached: Any = reached, count: Any = count) -> None:
            if next(count) == moment:
                reached.set()

        demo = Connector.open(ends.SPEC, config={"url": served}, network="loopback", listeners=[hear])

        def read(demo: Any = demo, told: Any = told, reached: Any = reached) -> None:
            try:
                told.append(len(list(demo.read(endpoint))))
            except IntegrationError as error:
                told.append(error.code)
            finally:
                reached.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert reached.wait(ends.PATIENCE)
        closers = [threading.Thread(target=demo.close) for _ in range(2)]
        for thread in closers:
            thread.start()
        for thread in (*closers, reader):
            thread.join(ends.PATIENCE)
            assert not thread.is_alive(), moment
        assert told[0] == "connection.closed" or isinstance(told[0], int), told
        assert as_before(before, descriptors), (moment, threading.enumerate())


def test_a_later_thread_is_not_taken_for_the_ended_one():
    """A thread's number is used again once it has ended; whoever has it next may still close what is closed."""
    demo = Connector.open(ends.SPEC, config={"url": "http://127.0.0.1:9"}, network="loopback")
    served_by: list[int] = []
    demo._loop.run(at_once(lambda: served_by.append(threading.get_ident())))
    demo.close()
    told: list[Exception] = []

    def close() -> None:
        try:
            demo.close()
        except IntegrationError as error:
            told.append(error)
        served_by.append(threading.get_ident())

    while len(served_by) < 100 and served_by.count(served_by[0]) == 1:
        thread = threading.Thread(target=close)
        thread.start()
        thread.join()
    if served_by.count(served_by[0]) == 1:
        pytest.skip("this system gives no thread the number of one that has ended")
    assert told == []
