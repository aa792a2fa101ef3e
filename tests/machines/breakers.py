"""The integration standard's circuit breaker as it is written there, a mutant; and ours behind the same method."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from connector_core.circuit_breaker import Circuit, Refusal, Terms, admit, record

__all__ = ["Breaker", "Clock", "Naive", "Ours", "RefusedError"]

Operation = Callable[[], Awaitable[Any]]


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0


class RefusedError(Exception):
    """The breaker did not let the call through."""

    retry_after: float | None = None


class Naive:
    """The standard's pseudo-code, line by line."""

    def __init__(self, clock: Clock, failure_threshold: int = 5, reset_timeout: float = 30.0) -> None:
        self.clock, self.threshold, self.timeout = clock, failure_threshold, reset_timeout
        self.state = "closed"
        self.failures = 0
        self.last_failure = 0.0

    async def execute(self, operation: Operation) -> Any:
        if self.state == "open":
            if self.clock.now > self.last_failure + self.timeout:
                self.state = "half_open"
            else:
                raise RefusedError("Circuit breaker is open")
        try:
            result = await operation()
        except Exception:
            self.failures += 1
            self.last_failure = self.clock.now
            if self.state == "half_open" or self.failures >= self.threshold:
                self.state = "open"
            raise
        self.failures = 0
        self.state = "closed"
        return result


class Ours:
    """`admit` and `record` around the operation, as the engine has them."""

    def __init__(self, clock: Clock, terms: Terms | None = None) -> None:
        self.clock, self.circuit = clock, Circuit(terms or Terms(calls=10, minimum=5))

    @property
    def state(self) -> str:
        return self.circuit.state

    async def execute(self, operation: Operation) -> Any:
        permit = admit(self.circuit, self.clock.now)
        if isinstance(permit, Refusal):
            refused = RefusedError("the circuit is open")
            refused.retry_after = permit.seconds
            raise refused
        try:
            result = await operation()
        except asyncio.CancelledError:
            record(self.circuit, permit, "ignored", self.clock.now)
            raise
        except Exception:
            record(self.circuit, permit, "failure", self.clock.now)
            raise
        record(self.circuit, permit, "success", self.clock.now)
        return result


Breaker = Naive | Ours
