"""Whether a failed request is sent again, and after how many seconds.

A request is repeated where that cannot do harm: it never left, the service says that it did not act (429, 503 with
Retry-After), or repeating is harmless by declaration. The waits grow and are random over their whole length, so that
many clients do not come back at once; what the service asks for is kept as the least.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from msgspec import Struct

__all__ = ["Failure", "retry_after", "wait"]

ATTEMPTS = 4
INITIAL, MAXIMUM = 0.25, 20.0
LONGEST_HINT = 120.0
TOTAL = 90.0


class Failure(Struct, frozen=True):
    """One failed attempt as the decision sees it."""

    phase: str
    """`unsent`, `sent` (no answer: the service may have acted) or `answered`."""
    retryable: bool
    """Whether the failure may pass by itself."""
    status: int = 0
    hint: float | None = None
    """Seconds that the service asks for."""
    declared: bool = False
    """Whether the spec says `then: retry`."""


def wait(
    failure: Failure, *, attempt: int, idempotent: bool, elapsed: float, dice: Callable[[], float]
) -> float | None:
    """Seconds before the next attempt, or None: give up.

    `attempt` counts those made, `elapsed` the seconds since the first began, `dice` rolls in [0, 1).
    """
    if attempt >= ATTEMPTS or not _harmless(failure, idempotent=idempotent):
        return None
    if failure.hint is not None:
        if failure.hint > LONGEST_HINT:
            return None
        seconds = failure.hint * (1 + dice() / 10)
    else:
        seconds = dice() * min(INITIAL * 2 ** (attempt - 1), MAXIMUM)
    return seconds if elapsed + seconds <= TOTAL else None


def _harmless(failure: Failure, *, idempotent: bool) -> bool:
    if failure.declared:
        return True
    if not failure.retryable:
        return False
    refused = failure.status == 429 or (failure.status == 503 and failure.hint is not None)  # noqa: PLR2004 - RFC 6585, 9110
    return failure.phase == "unsent" or refused or idempotent


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After field asks for, `now` in seconds since 1970; None where it says nothing sensible."""
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
