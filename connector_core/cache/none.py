"""`cache: none`: nothing is kept."""

from typing import Literal

from connector_core.cache.family import Cache

__all__ = ["NoCache"]


class NoCache(Cache):
    """Sends every request.

    Example: `cache: none`
    """

    type: Literal["none"] = "none"

    def terms(self) -> None:
        """There are none."""
        return
