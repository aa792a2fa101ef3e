"""What a person is told of answers that are not the service's own."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core.cli.following import Trace, Warnings
from connector_core.events import CacheHit, CacheRevalidated, FellBack

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
