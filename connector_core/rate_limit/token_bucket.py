"""`rate_limit: {type: token_bucket}`: a burst, and then a steady rate."""

from typing import Annotated, Literal

from pydantic import Field

from connector_core.rate_limit.bucket import Terms
from connector_core.rate_limit.family import RateLimit
from connector_core.units import Rate

__all__ = ["TokenBucket"]


class TokenBucket(RateLimit):
    """A bucket that is full at first and refills at a steady rate; each request takes its cost out of it.

    Example: `rate_limit: {type: token_bucket, capacity: 40, refill: 2/second}`
    """

    type: Literal["token_bucket"] = "token_bucket"
    capacity: Annotated[int, Field(ge=1)]
    """How much it holds: what may be asked for at once after a pause."""
    refill: Rate
    """How much flows in."""

    def terms(self) -> Terms:
        """The bucket alone."""
        count, period = self.refill
        return Terms(tokens=(float(self.capacity), count / period), concurrency=self.concurrency)
