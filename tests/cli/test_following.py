"""What a person is told of answers that are not the service's own."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from connector_core import events
from connector_core.cli.following import Trace, Warnings
from connector_core.events import (
    CacheHit,
    CacheRevalidated,
    CircuitChanged,
    Event,
    FellBack,
    GaveUp,
    HealthChanged,
    RequestRefused,
)

ABOUT = {"connection": "shop", "endpoint": "orders"}


@pytest.mark.parametrize(
    "source, age, told",
    [
        ("cache", 90.4, "what it answered earlier, 90 s old"),
        ("endpoint mirror", 0.0, "endpoint mirror"),
        ("value", None, "the spec's fallback"),
    ],
)
def test_what_stands_in_is_a_warning(source: str, age: float | None, told: str, capsys: Any):
    """Whoever reads the records is told from where they are, how old, and why; once for the same."""
    warnings, event = Warnings(), FellBack(**ABOUT, source=source, age=age, reason="shop answered 503: down")
    warnings(event)
    warnings(event)
    line = f"warning: orders: this is not from the service, but from {told}: shop answered 503: down\n"
    assert capsys.readouterr().err == line


def test_a_trace_tells_what_is_not_sent(capsys: Any):
    """With --trace there is a line for what was kept, for what was confirmed, and for what stands in."""
    trace = Trace()
    trace(CacheHit(**ABOUT, age=9.0))
    trace(CacheRevalidated(**ABOUT, age=400.0))
    trace(FellBack(**ABOUT, source="cache", age=3.0, reason="shop answered 503: down"))
    assert capsys.readouterr().err.splitlines() == [
        "not sent: what is kept is fresh, and 9 s old",
        "not modified: what is kept, 400 s old, still holds",
        "from what it answered earlier: shop answered 503: down",
    ]


def test_a_trace_tells_why_nothing_is_sent(capsys: Any):
    """What was decided about a service that fails can be read as a story."""
    trace = Trace()
    opened = {"host": "api.example", "group": "", "before": "closed", "after": "open", "reason": "slow_calls"}
    trace(GaveUp(**ABOUT, attempts=4, code="http.503", reason="gave up after 4 attempts"))
    trace(CircuitChanged(**ABOUT, **opened, wait=30.0))
    trace(RequestRefused(**ABOUT, code="circuit.open", wait=30.0))
    trace(RequestRefused(**ABOUT, code="unavailable", wait=None))
    trace(HealthChanged(**ABOUT, before="healthy", after="degraded"))
    trace(HealthChanged(**ABOUT, before="", after="healthy"))
    assert capsys.readouterr().err.splitlines() == [
        "gave up after 4 attempts",
        "the circuit of api.example was closed and is open: slow calls",
        "not sent: circuit.open, for 30.0 s",
        "not sent: unavailable",
        "the service is degraded, after healthy",
        "the service is healthy",
    ]


SILENT = {"RequestStarted", "OperationFinished", "ReadStarted"}
"""What another line says as well."""


def test_every_event_is_told():
    """Each has a line in a trace or among the warnings, so that a new one is not forgotten."""
    known = {
        name for name in events.__all__ if isinstance(found := getattr(events, name), type) and issubclass(found, Event)
    }
    told = set(inspect.getsource(Trace).split()) | set(inspect.getsource(Warnings).split())
    missing = {name for name in known - SILENT - {"Event"} if not any(word.startswith(f"{name}(") for word in told)}
    assert missing == set()
