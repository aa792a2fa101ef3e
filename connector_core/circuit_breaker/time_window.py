"""`circuit_breaker: {type: time_window}`: all calls of the last seconds."""

from typing import Literal

from connector_core.circuit_breaker.family import MINIMUM, Windowed
from connector_core.circuit_breaker.window import Terms
from connector_core.units import Duration

__all__ = ["TimeWindow"]


class TimeWindow(Windowed):
    """Looks at all calls of the last seconds.

    Example: `circuit_breaker: {type: time_window, window: 30s, minimum: 100, slow_after: 5s}`
    """

    type: Literal["time_window"] = "time_window"
    window: Duration = 60.0
    """How long a call is looked at."""

    def terms(self) -> Terms:
        """All calls of that time."""
        return self.counted(None, self.window, MINIMUM)
