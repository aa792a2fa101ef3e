"""What the failures of one host may cost a connection: a service that fails is not asked several times as often.

The numbers are those of the AWS SDKs (retry behaviour 2.1): 500 to begin with, 14 for a repetition and 5 for one that
the service asked for by refusing. A success gives back what its repetition took, or 1 where it needed none.
"""

from __future__ import annotations

from msgspec import Struct

from connector_core.retry.family import Failure

__all__ = ["Quota"]

CAPACITY = 500.0
REPETITION = 14.0
REFUSED = 5.0
SUCCESS = 1.0


class Quota(Struct):
    """What is left for repetitions; spent before each, and given back by what succeeds."""

    left: float = CAPACITY

    def spend(self, failure: Failure) -> float | None:
        """What a repetition after that failure costs, taken from what is left; None: that is not enough."""
        cost = REFUSED if failure.refused else REPETITION
        if cost > self.left:
            return None
        self.left -= cost
        return cost

    def succeeded(self, spent: float) -> None:
        """A request succeeded after `spent` for its last repetition; 0: it needed none."""
        self.left = min(CAPACITY, self.left + (spent or SUCCESS))
