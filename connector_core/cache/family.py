"""What a spec says about answers that are used again.

::

    cache: {ttl: 5m, stale_if_error: 1h}
"""

from abc import abstractmethod

from msgspec import Struct

from connector_core.component import Component

__all__ = ["Cache", "Terms"]


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
