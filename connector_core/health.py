"""How it is found out whether a service is well: one harmless request, now and then.

::

    health: {endpoint: customers, every: 60s, timeout: 5s, degraded_after: 1s}

`judge` is the decision: what is told follows the last answers, and not one that is an exception.
"""

from typing import Annotated, Literal, Self

from msgspec import Struct
from pydantic import Field, model_validator

from connector_core.component import Model
from connector_core.units import Duration

__all__ = ["STEADY", "Health", "Seen", "Status", "judge"]

Status = Literal["healthy", "degraded", "unhealthy"]
STEADY = 2
"""So many checks in a row have to agree before something else is told."""


class Health(Model):
    """How the service is tried.

    Example: `health: {endpoint: orders, every: 60s, timeout: 5s}`
    """

    endpoint: Annotated[str, Field(min_length=1)]
    """What is asked: a read, or a call that does no harm and takes no input."""
    every: Duration = 60.0
    """How long an answer is kept: the service is asked no more often than that."""
    timeout: Duration = 5.0
    """How long it may take, repetitions and waits included."""
    degraded_after: Duration | None = None
    """With an answer that takes longer it is degraded; left out: it may take as long as it likes, up to `timeout`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.every or not self.timeout:
            raise ValueError("'every' and 'timeout' must be longer than nothing")
        if self.degraded_after is not None and self.degraded_after >= self.timeout:
            raise ValueError("'degraded_after' is not shorter than 'timeout': no answer would ever be degraded")
        return self

    def found(self, elapsed: float | None) -> Status:
        """What one check says that took `elapsed` seconds; None: it failed."""
        if elapsed is None:
            return "unhealthy"
        return "degraded" if self.degraded_after is not None and elapsed > self.degraded_after else "healthy"


class Seen(Struct, frozen=True):
    """What is told, and what the last checks said in its stead."""

    told: Status
    other: Status
    times: int = 0
    """How often in a row."""


def judge(before: Seen | None, found: Status) -> Seen:
    """What is told after one more check. The first decides alone; later, a change has to be seen twice in a row."""
    if before is None or found == before.told:
        return Seen(found, found)
    times = before.times + 1 if found == before.other else 1
    return Seen(found, found) if times >= STEADY else Seen(before.told, found, times)
