"""Ctrl-C at every step of the API without `async`: nothing is lost, nothing hangs, and nothing else is raised."""

from __future__ import annotations

import dis
import gc
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

import pytest

from connector_core import blocking
from connector_core.engine import thread
from connector_core.exceptions import ConfigError
from connector_core.hookspecs import hookimpl
from connector_core.testing import effects, respond

SPEC = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "pagination": {"type": "page_number"},
    "endpoints": {"things": {"get": "/things", "records": "body"}},
}
OURS = {blocking.__file__, thread.__file__}


def answer(request: Any) -> Any:
    """Three pages of two records."""
    page = int(dict(request.query).get("page", "1"))
    return respond(json=[{"id": 2 * page}, {"id": 2 * page + 1}] if page <= 3 else [])


def opened(**more: Any) -> blocking.Connector:
    return blocking.Connector.open(SPEC, effects=effects(more.pop("transport", answer)), **more)


class Interrupt:
    """Raises KeyboardInterrupt at the n-th place where Python looks for signals, in what is ours."""

    def __init__(self, after: int) -> None:
        self.left, self.raised = after, False

    @contextmanager
    def armed(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(None if self.raised else self._called)
        try:
            yield
        finally:
            sys.settrace(before)

    def _called(self, frame: FrameType, _event: str, _given: Any) -> Any:
        if frame.f_code.co_filename not in OURS:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines, last = True, False, ""

        def step(frame: FrameType, event: str, _given: Any) -> Any:
            nonlocal last
            if event == "opcode" and not self.raised:
                before, last = last, _names(frame.f_code).get(frame.f_lasti, "")
                self.left -= before.startswith("CALL")
                if self.left < 0:
                    self.raised = True
                    raise KeyboardInterrupt
            return step

        return step


@cache
def _names(code: CodeType) -> dict[int, str]:
    return {each.offset: each.opname for each in dis.get_instructions(code)}


def everywhere(scenario: Callable[[Interrupt], None]) -> int:
    """Runs it with an interrupt at each place in turn; gives how many there are."""
    for after in range(500):
        interrupt = Interrupt(after)
        scenario(interrupt)
        if not interrupt.raised:
            return after
    raise AssertionError("it never comes to an end")


def test_a_reading_goes_on_where_it_was():
    """No record is lost and none comes twice, wherever Ctrl-C falls."""

    def reading(interrupt: Interrupt) -> None:
        found: list[int] = []
        with opened() as demo:
            records = demo.read("things")
            for _ in range(100):
                try:
                    with interrupt.armed():
                        record = next(records)
                except KeyboardInterrupt:
                    continue
                except StopIteration:
                    break
                found.append(record["id"])
        assert found == [2, 3, 4, 5, 6, 7]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a coroutine of which nothing has run
        assert everywhere(reading) > 20
        gc.collect()


def test_opening():
    """Nothing but KeyboardInterrupt is raised, and what was begun ends by itself."""

    def opening(interrupt: Interrupt) -> None:
        try:
            with interrupt.armed():
                demo = opened()
        except KeyboardInterrupt:
            gc.collect()
        else:
            demo.close()
        for left in threading.enumerate():
            if left.name == "connector-core":
                left.join(5)
                assert not left.is_alive()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above; a loop that never ran
        assert everywhere(opening) > 10
        gc.collect()


def test_interrupted_while_the_thread_begins(monkeypatch: pytest.MonkeyPatch):
    """The thread that was about to begin ends, and an engine opens its next connector all the same."""
    begun: list[threading.Thread] = []
    start = threading.Thread.start

    def interrupted(self: threading.Thread) -> None:
        start(self)
        if not begun:
            begun.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with blocking.Engine(effects=effects(answer)) as engine:
        with pytest.raises(KeyboardInterrupt):
            engine.open(SPEC)
        begun[0].join(5)
        assert not begun[0].is_alive()
        with engine.open(SPEC) as demo:
            assert len(list(demo.read("things"))) == 6


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
def test_code_that_wants_the_process_to_end(end: type[BaseException]):
    """Whoever waits is told; the thread goes on, and nobody after that waits for ever."""
    ends = [end()]

    def transport(request: Any) -> Any:
        if ends:
            raise ends.pop()
        return answer(request)

    with opened(transport=transport) as demo:
        with pytest.raises(end):
            demo.call("things")
        assert len(list(demo.read("things"))) == 6


def test_a_listener_that_closes():
    """It would wait for its own thread: it is told so, and whoever closes it afterwards closes it."""
    told: list[str] = []

    def listener(_event: Any) -> None:
        with pytest.raises(ConfigError) as wrong:
            demo.close()
        told.append(wrong.value.code)

    demo = opened(listeners=[listener])
    demo.call("things")
    demo.close()
    assert set(told) == {"connection.loop"}
    assert not [left for left in threading.enumerate() if left.name == "connector-core"]


def test_a_hook_that_wants_the_process_to_end():
    """It has failed like any other, with its name."""

    @hookimpl
    def prepare_request() -> None:
        raise SystemExit("the token is abc")

    acme = SimpleNamespace(__name__="acme", prepare_request=prepare_request)
    said = r"the plug-in acme fails with SystemExit \(test_.*, line \d+\)"
    with opened(plugins=[acme]) as demo, pytest.raises(ConfigError, match=said) as wrong:
        demo.call("things")
    assert wrong.value.code == "plugin.failed"
