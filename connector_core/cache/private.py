"""`cache: {ttl: 5m}`: the answers of one account, for that account."""

from typing import Literal

from connector_core.cache.family import Cache, Terms
from connector_core.units import Duration

__all__ = ["Private"]


class Private(Cache):
    """Answers of one account are kept for that account alone.

    Example: `cache: {ttl: 5m, stale_if_error: 1h}`
    Source: https://www.rfc-editor.org/rfc/rfc9111
    """

    type: Literal["private"] = "private"
    ttl: Duration | None = None
    """How long an answer is used without asking the service again, unless `Cache-Control` or `Expires` says a shorter
    time; left out: what these say, and without them every use is asked for again."""
    stale_if_error: Duration = 0.0
    """How much longer it is used while the service fails; what is used then says `degraded`."""

    def terms(self) -> Terms:
        """As they are written."""
        return Terms(self.ttl, self.stale_if_error)
