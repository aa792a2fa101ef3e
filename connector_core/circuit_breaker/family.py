"""What a spec says about a service that fails: how many failures are too many, and for how long it is left alone.

::

    circuit_breaker: {window: 20, failure_rate: 50%, open_for: 30s, probes: 3}
"""

from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from connector_core.circuit_breaker.window import Terms
from connector_core.component import Component
from connector_core.units import Duration, Percent

__all__ = ["MINIMUM", "CircuitBreaker", "CountWindow", "Windowed"]


MINIMUM = 10
"""Calls without which nothing can be said."""


class CircuitBreaker(Component, key="circuit_breaker", default="count_window"):
    """When a service that fails is left alone."""

    @abstractmethod
    def terms(self) -> Terms | None:
        """What the kind's fields come to; None: requests are always sent."""


class Windowed(CircuitBreaker):
    """What a window of calls says."""

    minimum: Annotated[int, Field(ge=1, le=1000)] | None = None
    """With fewer calls in the window it does not open; left out: 10, or a window that is smaller has to be full."""
    failure_rate: Percent = 0.5
    """It opens when so large a part of the window's calls has failed."""
    slow_after: Duration | None = None
    """A call that takes longer is slow; left out: none is."""
    slow_rate: Percent | None = None
    """It opens when so large a part of the window's calls was slow; left out: 100%."""
    open_for: Duration = 30.0
    """How long nothing is sent then. If it opens again soon after, that is twice as long each time."""
    longest: Duration = 600.0
    """The longest time in which nothing is sent."""
    probes: Annotated[int, Field(ge=1, le=100)] = 3
    """How many calls try it out afterwards; what they bring decides."""
    group: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """Endpoints of one group have a circuit of their own on each host; left out: all others share one."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.open_for > self.longest:
            raise ValueError("'open_for' is longer than 'longest'")
        if self.slow_rate is not None and self.slow_after is None:
            raise ValueError("'slow_rate' says nothing without 'slow_after'")
        if 0 in (self.failure_rate, self.slow_rate):
            raise ValueError("a rate of 0% would open it with every call: the least is 0.1%")
        return self

    def counted(self, calls: int | None, seconds: float, minimum: int) -> Terms:
        """These terms for so many calls, or all of so many seconds."""
        return Terms(
            calls=calls,
            seconds=seconds,
            minimum=minimum if self.minimum is None else self.minimum,
            failure_rate=self.failure_rate,
            slow_rate=1.0 if self.slow_rate is None else self.slow_rate,
            slow_after=self.slow_after,
            open_for=self.open_for,
            longest=self.longest,
            probes=self.probes,
        )


class CountWindow(Windowed):
    """Looks at the last calls, as long as they are not too old.

    Example: `circuit_breaker: {window: 50, failure_rate: 25%, open_for: 1m}`
    """

    type: Literal["count_window"] = "count_window"
    window: Annotated[int, Field(ge=1, le=1000)] = 20
    """How many calls are looked at."""
    max_age: Duration = 60.0
    """Older calls are not looked at."""

    @model_validator(mode="after")
    def _is_reached(self) -> Self:
        if self.minimum is not None and self.minimum > self.window:
            raise ValueError(f"'minimum' is never reached: the window holds {self.window} calls")
        return self

    def terms(self) -> Terms:
        """So many calls; a window that is smaller than the usual minimum has to be full."""
        return self.counted(self.window, self.max_age, min(MINIMUM, self.window))
