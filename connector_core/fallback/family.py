"""What every kind of fallback is: it is shown a failure, and names a source."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct

from connector_core.component import Component

__all__ = ["Degraded", "Failure", "Fallback", "FromCache", "FromEndpoint", "FromValue", "Source"]


class Failure(Struct, frozen=True):
    """What went wrong, as a kind sees it."""

    category: str
    """`connection`, `timeout`, `server`, `rate_limit` or `circuit_open`."""
    code: str
    """The exception's."""


class Degraded(Struct, frozen=True):
    """That an answer is not the service's own of this moment."""

    source: str
    """`cache`, `value`, or `endpoint` and its name: `endpoint mirrored_orders`."""
    age: float | None
    """How old it is, in seconds; of several answers the oldest. None: it has no age."""
    reason: str
    """Why the service's own could not be had, in words."""


class FromCache(Struct, frozen=True):
    """What the service answered earlier, if it is not older than that, in seconds."""

    max_age: float


class FromEndpoint(Struct, frozen=True):
    """What another endpoint gives."""

    endpoint: str


class FromValue(Struct, frozen=True):
    """Something fixed: the `output` of a call, the records of a read."""

    value: Any


Source = FromCache | FromEndpoint | FromValue


class Fallback(Component, key="fallback"):
    """Where an answer is taken from while the service can't give one."""

    keeps: ClassVar[bool] = False
    """Whether answers have to be kept for it while the service works."""

    @abstractmethod
    def source(self, failure: Failure) -> Source | None:
        """Where to take it from; None: nowhere, the next in the list is asked."""

    def leads_to(self) -> str | None:
        """The endpoint that it may name, which has to be there; None: it names none."""
        return None

    def holds(self) -> Sequence[Any]:
        """The values that it may name, which have to fit; empty: it names none."""
        return ()
