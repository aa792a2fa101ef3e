"""The integration standard's retry as it is written there, a mutant; seconds stand where it has milliseconds."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from connector_core.exceptions import ConnectionError, IntegrationError, RateLimitError

__all__ = ["extract_retry_after", "is_rate_limit", "process_item", "with_retry"]

Operation = Callable[[], Awaitable[Any]]
Sleep = Callable[[float], Awaitable[None]]


async def with_retry(operation: Operation, sleep: Sleep, dice: Callable[[], float], max_retries: int = 3) -> Any:
    """`withRetry`, line by line."""
    last: BaseException | None = None
    for attempt in range(max_retries + 1):
        try:
            return await operation()
        except BaseException as error:
            named = isinstance(error, ConnectionError | RateLimitError)
            if not (named or getattr(error, "retryable", False)) or attempt == max_retries:
                raise
            last = error
            delay = getattr(error, "retry_after", None) or 0.3 * 2**attempt
            await sleep(delay * (0.5 + dice() * 0.5))
    raise last  # type: ignore[misc]  # the loop has returned or raised


def extract_retry_after(field: str | None) -> float:
    """`extractRetryAfter`: parseInt reads the digits that a text begins with."""
    match = re.match(r"\s*([+-]?[0-9]+)", field) if field else None
    return float(match[1]) if match else 60.0


def is_rate_limit(error: Any) -> bool:
    """`isRateLimitError`."""
    return error["status"] == 429 or error["code"] == "RATE_LIMITED" or "rate limit" in error["message"]


async def process_item(operation: Operation, sleep: Sleep) -> Any:
    """`processItem`, which calls itself."""
    try:
        return await operation()
    except RateLimitError as error:
        await sleep(error.retry_after or 0)
        return await process_item(operation, sleep)
    except IntegrationError:
        raise
