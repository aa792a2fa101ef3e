"""A line of JSON for each operation: what it holds, and what it never does."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from connector_core import Connector
from connector_core.events import Attempt, Event, OperationFinished, RequestFinished, RequestStarted
from connector_core.exceptions import ConnectionError, IntegrationError, NotFoundError, ResponseError
from connector_core.http import Response
from connector_core.logs import LONGEST, OperationLog
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

SECRET = "t0ken-of-ann"


def document(**endpoints: Any) -> dict[str, Any]:
    usual = {"things": {"get": "/things", "params": {"key": "{{ secrets.token }}"}, "records": "body"}}
    return {
        "connector": "1",
        "name": "demo",
        "secrets": {"token": {}},
        "base_url": "https://api.example",
        "endpoints": usual | endpoints,
    }


def opened(*answers: Response | Exception, spec: dict[str, Any] | None = None, listeners: Any = ()) -> Any:
    left = list(answers)

    def answer(_: Any) -> Response:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    made = effects(FakeTransport(answer), clock=VirtualClock(), listeners=[OperationLog(), *listeners])
    return Connector.open(spec or document(), secrets={"token": SECRET}, effects=made, id="ann")


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    return [(record.levelname, json.loads(record.message)) for record in caplog.records]


async def test_one_line_with_all_attempts(caplog):
    """An operation of three requests is one line that tells each of them."""
    caplog.set_level(logging.INFO, "connector_core.operations")
    broken = ConnectionError("broke", code="connection.reset", phase="sent", retryable=True)
    async with opened(respond(503), broken, respond(200, json=[])) as demo:
        await demo.call("things")
    [(level, line)] = lines(caplog)
    assert level == "INFO"
    assert {key: line[key] for key in ("event", "connector", "connection", "endpoint", "outcome")} == {
        "event": "operation",
        "connector": "demo",
        "connection": "ann",
        "endpoint": "things",
        "outcome": "ok",
    }
    assert line["elapsed"] >= 0
    url = "https://api.example/things"
    assert [{key: each[key] for key in each if key != "elapsed"} for each in line["attempts"]] == [
        {"number": 1, "method": "GET", "url": url, "status": 503},
        {"number": 2, "method": "GET", "url": url, "code": "connection.reset"},
        {"number": 3, "method": "GET", "url": url, "status": 200},
    ]


async def test_a_failure_is_a_warning(caplog):
    """What failed is told with the exception's code, and without the service's words."""
    caplog.set_level(logging.INFO, "connector_core.operations")
    async with opened(respond(404, json={"message": "no such thing as 4711"})) as demo:
        with pytest.raises(NotFoundError):
            await demo.call("things")
    [(level, line)] = lines(caplog)
    assert (level, line["outcome"]) == ("WARNING", "http.404")
    assert "4711" not in caplog.text


async def test_no_secret_of_a_position_is_told(caplog):
    """A link to the next page with a secret in its path is in no event, no line and no error."""
    caplog.set_level(logging.INFO, "connector_core.operations")
    heard: list[Event] = []
    page = respond(json={"data": [{"id": 1}], "next": f"https://api.example/bot{SECRET}/things"})
    other = respond(json={"data": [{"id": 2}], "next": f"https://api.example/bot{SECRET}/things"})
    following = {"type": "next_url", "take": "body.next"}
    spec = document(things={"get": "/things", "records": "body.data", "pagination": following})
    async with opened(page, other, spec=spec, listeners=[heard.append]) as demo:
        with pytest.raises(ResponseError) as loop:
            _ = [record async for record in demo.read("things")]
    assert loop.value.code == "pagination.loop"
    assert "/bot***/things" in str(loop.value)
    assert SECRET not in f"{caplog.text}{heard!r}{loop.value}"
    assert "bot***/things" in caplog.text


async def test_no_secret_is_told(caplog):
    """A secret that a service has put into the path of a link is in no event and in no line."""
    caplog.set_level(logging.INFO, "connector_core.operations")
    heard: list[Event] = []
    moved = respond(302, headers={"Location": f"https://api.example/bot{SECRET}/send"})
    async with opened(moved, respond(200, json=[]), listeners=[heard.append]) as demo:
        await demo.call("things")
    assert SECRET not in caplog.text
    assert {type(event) for event in heard} >= {RequestStarted, RequestFinished, OperationFinished}
    assert SECRET not in repr(heard)
    assert "https://api.example/bot***/send" in caplog.text


async def test_redirects_and_cancelling(caplog):
    """A redirect is a further request of the same attempt; what is cancelled is told as that."""
    caplog.set_level(logging.INFO, "connector_core.operations")
    moved = respond(302, headers={"Location": "https://api.example/moved"})
    async with opened(moved, respond(200, json=[])) as demo:
        await demo.call("things")

    async def hangs(_: Any) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    made = effects(FakeTransport(hangs), listeners=[OperationLog()])
    async with Connector.open(document(), secrets={"token": SECRET}, effects=made) as demo:
        task = asyncio.ensure_future(demo.call("things"))
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    [(_, first), (level, second)] = lines(caplog)
    assert [(each["number"], each["status"]) for each in first["attempts"]] == [(1, 302), (1, 200)]
    assert (level, second["outcome"], second["attempts"][0]["code"]) == ("WARNING", "cancelled", "cancelled")


async def test_what_was_not_sent(caplog):
    """An operation that nothing was sent for has no attempts, and says why."""
    caplog.set_level(logging.INFO, "connector_core.operations")
    async with opened() as demo:
        demo.hold_circuits("open")
        with pytest.raises(IntegrationError):
            await demo.call("things")
    [(_, line)] = lines(caplog)
    assert (line["outcome"], line["attempts"]) == ("circuit.open", [])


def test_text_is_harmless(caplog):
    """Characters that end lines or turn text around are escaped, and long text is cut."""
    caplog.set_level(logging.INFO, "here")
    attempt = Attempt(number=1, method="GET", url="u" * 999, status=None, code="a\nb\u202e\u2028", elapsed=0.1)
    event = OperationFinished(
        connection="c\r\n", endpoint="e", connector="d", why="", code="", elapsed=0.1, attempts=(attempt,)
    )
    OperationLog(logging.getLogger("here"))(event)
    [record] = caplog.records
    assert record.message.isascii()
    assert "\n" not in record.message
    line = json.loads(record.message)
    assert (len(line["attempts"][0]["url"]), line["connection"]) == (LONGEST, "c\r\n")


def test_nothing_is_made_that_nobody_reads(caplog):
    """Where the logger does not want the level, no line is made."""
    caplog.set_level(logging.ERROR, "connector_core.operations")
    event = OperationFinished(connection="c", endpoint="e", connector="d", why="", code="", elapsed=0.1, attempts=())
    OperationLog()(event)
    OperationLog()(RequestStarted(connection="c", endpoint="e", method="GET", url="u", attempt=1))
    assert caplog.records == []


@pytest.mark.parametrize(
    "ended",
    [
        respond(500),
        respond(302, headers={"Location": f"https://evil.example/{SECRET}"}),
        respond(302, headers={"Location": f"https://[/{SECRET}"}),
        ConnectionError("broke", where=f"GET https://api.example/{SECRET}/x", context={"url": f"https://a/{SECRET}"}),
    ],
    ids=["answered", "led astray", "no address", "no answer"],
)
async def test_no_secret_is_in_an_error(ended: Response | Exception):
    """Nor in what is raised, wherever the link led that held it."""
    moved = respond(302, headers={"Location": f"https://api.example/{SECRET}/send"})
    spec = document() | {"retry": {"attempts": 1}}
    async with opened(moved, ended, spec=spec) as demo:
        with pytest.raises(IntegrationError) as failed:
            await demo.call("things")
    error = failed.value
    assert SECRET not in f"{error} {error!r} {error.what} {error.where} {error.hint} {error.context}"
    assert "/***" in str(error)
