"""How often a request is sent and how long it waits in between; one failure, and whether the next attempt follows."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec import Struct
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from connector_core.component import Component
from connector_core.statuses import STATUS, span
from connector_core.units import Duration

__all__ = ["Exponential", "Failure", "Retry"]

TOO_MANY = 429
UNAVAILABLE = 503
WORDS: tuple[Literal["connection", "timeout"], ...] = ("connection", "timeout")


class Failure(Struct, frozen=True):
    """One failed attempt as the decision sees it."""

    phase: str
    """`unsent`, `sent` (no answer: the service may have acted) or `answered`."""
    retryable: bool
    """Whether the failure may pass by itself."""
    status: int = 0
    """What the service answered; 429 for whatever means that. 0: no complete answer came."""
    hint: float | None = None
    """Seconds that the service asks for."""
    declared: bool = False
    """Whether the spec says `then: retry`."""
    timed_out: bool = False
    """Whether it took too long."""

    @property
    def refused(self) -> bool:
        """Whether the service says that it did not act on the request."""
        return self.status == TOO_MANY or (self.status == UNAVAILABLE and self.hint is not None)

    def harmless(self, *, idempotent: bool) -> bool:
        """Whether sending the request again cannot do what it does twice."""
        return self.phase == "unsent" or self.refused or idempotent


def _reasons(value: Any) -> list[Any]:
    """`connection`, `timeout`, a status or a class of them, each as what failures are compared with."""
    if not isinstance(value, list):
        raise PydanticCustomError("retry_on_type", "must be a list, such as [connection, timeout, 429, 5xx]")
    found: list[Any] = []
    for item in value:
        if isinstance(item, str) and item in WORDS:
            found.append(item)
        elif (known := span(item)) is not None:
            found.append(known)
        else:
            raise PydanticCustomError(
                "retry_on", "{got} is not a failure: connection, timeout, a status such as 429, or a class such as 5xx",
                {"got": repr(item)},
            )  # fmt: skip
    return found


Reasons = Annotated[
    list[Literal["connection", "timeout"] | range],
    BeforeValidator(_reasons),
    WithJsonSchema({"type": "array", "items": {"anyOf": [{"enum": list(WORDS)}, *STATUS]}}),
]


class Retry(Component, key="retry", default="exponential"):
    """How often a failed request is sent again, and when."""

    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    """How often a request is sent at most; with 1 it is never sent again."""
    total: Duration = 90.0
    """Until when a further attempt is begun, counted from the beginning of the first; waits that end later are not
    begun. How long one attempt may take `timeout` says."""
    on: Reasons | None = None
    """Which failures may pass by themselves: `connection`, `timeout`, statuses. Left out: those two, 408, 425, 429,
    500, 502, 503 and 504. What might be done twice is not repeated all the same."""

    slowest: ClassVar[float] = 1.1
    """A wait that the service asks for is made longer by up to a tenth, so that not all come back at once."""

    @abstractmethod
    def pause(self, attempt: int, dice: float) -> float:
        """Seconds before the next attempt where nobody says how long; `attempt` counts those made, dice in [0, 1)."""

    def wait(
        self, failure: Failure, *, attempt: int, idempotent: bool, elapsed: float, dice: Callable[[], float]
    ) -> float | str:
        """Seconds before the next attempt; or why there is none, in words, empty where there is nothing to say.

        `attempt` counts those made, `elapsed` the seconds since the first began, `dice` rolls in [0, 1).
        """
        if not self._may_pass(failure):
            return ""
        if not failure.declared and not failure.harmless(idempotent=idempotent):
            return "not sent again: the service may have acted on it"
        if attempt >= self.attempts:
            return ""
        if failure.hint is not None:
            seconds = failure.hint * (1 + dice() * (self.slowest - 1))
        else:
            seconds = self.pause(attempt, dice())
        if elapsed + seconds > self.total:
            asked = f"the service asks for a wait of {failure.hint:g} s, and " if failure.hint else ""
            return f"not sent again: {asked}all attempts together may take {self.total:g} s"
        return seconds

    def _may_pass(self, failure: Failure) -> bool:
        if failure.declared:
            return True
        if self.on is None:
            return failure.retryable
        for reason in self.on:
            if isinstance(reason, range):
                if failure.status in reason:
                    return True
            elif failure.retryable and not failure.status and failure.timed_out == (reason == "timeout"):
                return True
        return False


class Exponential(Retry):
    """Waits that double, each random between nothing and its whole length ("full jitter").

    Example: `retry: {attempts: 6, initial: 500ms, maximum: 1m, total: 5m}`
    Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """

    type: Literal["exponential"] = "exponential"
    initial: Duration = 0.25
    """The longest wait before the second attempt; it doubles with every further one."""
    maximum: Duration = 20.0
    """The longest wait there is."""

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.initial > self.maximum:
            raise ValueError("'initial' is longer than 'maximum'")
        return self

    def pause(self, attempt: int, dice: float) -> float:
        """Random, up to twice as long as the time before."""
        return dice * min(self.initial * 2.0 ** min(attempt - 1, 60), self.maximum)
