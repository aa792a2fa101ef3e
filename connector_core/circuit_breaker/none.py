"""`circuit_breaker: none`: nothing is counted."""

from typing import Literal

from connector_core.circuit_breaker.family import CircuitBreaker

__all__ = ["NoBreaker"]


class NoBreaker(CircuitBreaker):
    """Sends every request, however many have failed.

    Example: `circuit_breaker: none`
    """

    type: Literal["none"] = "none"

    def terms(self) -> None:
        """There are none."""
        return
