"""One line of JSON for each operation, with all of its attempts, for whoever collects logs.

::

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    async with Connector.open("shop", …, listeners=[OperationLog()]) as shop:
        ...

    {"event": "operation", "connector": "shop", "connection": "ann", "endpoint": "orders", "outcome": "ok", …}

No line holds a secret, a query or a body; text is cut to a bearable length, and no character in it can end the line.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from connector_core.events import Attempt, Event, OperationFinished

__all__ = ["OperationLog"]

LONGEST = 300
"""Characters of one text."""


class OperationLog:
    """A listener that writes operations to a logger: INFO where they went well, WARNING where they failed."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        """`logger`: left out, the one that is called `connector_core.operations`."""
        self._logger = logger or logging.getLogger("connector_core.operations")

    def __call__(self, event: Event) -> None:
        """Writes the event, if it is an operation's end and the logger wants it."""
        if not isinstance(event, OperationFinished):
            return
        level = logging.WARNING if event.code else logging.INFO
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", json.dumps(_told(event)))


def _told(event: OperationFinished) -> dict[str, Any]:
    return {
        "event": "operation",
        "connector": _short(event.connector),
        "connection": _short(event.connection),
        "endpoint": _short(event.endpoint),
        "why": _short(event.why),
        "outcome": _short(event.code) or "ok",
        "elapsed": round(event.elapsed, 6),
        "attempts": [_attempt(attempt) for attempt in event.attempts],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    told: dict[str, Any] = {
        "number": attempt.number,
        "method": attempt.method,
        "url": _short(attempt.url),
        "elapsed": round(attempt.elapsed, 6),
    }
    if attempt.status is not None:
        told["status"] = attempt.status
    if attempt.code:
        told["code"] = _short(attempt.code)
    return told


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
