"""What a spec says about answers that are used again.

::

    cache: {ttl: 5m, stale_if_error: 1h}
"""

from abc import abstractmethod
from typing import Literal

from msgspec import Struct

from connector_core.component import Component
from connector_core.units import Duration

__all__ = ["Cache", "NoCache", "Private", "Terms"]


class Terms(Struct, frozen=True):
    """How long an answer is used again, in seconds."""

    ttl: float | None = None
    """Without asking, at most; None: as long as the service says."""
    stale_if_error: float = 0.0
    """After that, while the service fails."""


class Cache(Component, key="cache", default="private"):
    """Whether answers are kept and used again."""

    @abstractmethod
    def terms(self) -> Terms | None:
        """For how long; None: every request is sent."""


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


class NoCache(Cache):
    """Sends every request.

    Example: `cache: none`
    """

    type: Literal["none"] = "none"

    def terms(self) -> None:
        """There are none."""
        return
