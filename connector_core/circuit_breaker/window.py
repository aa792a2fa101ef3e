"""The calls that count, the last so many or those of the last seconds; and whether too many of them have failed."""

from __future__ import annotations

from collections import deque
from math import inf

from msgspec import Struct

__all__ = ["Terms", "Window"]

CELLS = 60
"""A window without a number of calls is remembered in so many parts; it is too long by one of them at most."""


class Terms(Struct, frozen=True):
    """What holds for one circuit; times in seconds, rates as parts of 1."""

    calls: int | None = 20
    """Only the last so many calls count; None: all in the window's time."""
    seconds: float = 60.0
    """Older calls do not count."""
    minimum: int = 10
    """With fewer calls nothing can be said."""
    failure_rate: float = 0.5
    slow_rate: float = 1.0
    slow_after: float | None = None
    """A call that took longer was slow; None: none is."""
    open_for: float = 30.0
    """The first open state's length; each that follows soon is twice as long."""
    longest: float = 600.0
    """The longest open state."""
    probes: int = 3

    def too_many(self, calls: int, failures: int, slow: int) -> str | None:
        """Why so many of these calls are too many: `failures`, `slow_calls`; None: they are not."""
        if failures >= self.failure_rate * calls:
            return "failures"
        if self.slow_after is not None and slow >= self.slow_rate * calls:
            return "slow_calls"
        return None


class _Cell:
    __slots__ = ("calls", "failures", "first", "last", "slow")

    def __init__(self, now: float) -> None:
        self.first = self.last = now
        self.calls = self.failures = self.slow = 0


class Window:
    """What became of the calls that count; `now` in seconds of one clock that only goes forward."""

    __slots__ = ("_cells", "_width", "calls", "failures", "slow", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms: Terms = terms
        self.calls: int = 0
        self.failures: int = 0
        self.slow: int = 0
        self._cells: deque[_Cell] = deque()
        self._width = terms.seconds / CELLS if terms.calls is None else -inf

    def __len__(self) -> int:
        """How many moments it remembers: what it costs in memory."""
        return len(self._cells)

    def add(self, now: float, *, failed: bool, slow: bool) -> str | None:
        """Counts a call, and says why the circuit has to open; None: it need not."""
        cells, terms = self._cells, self.terms
        cell = cells[-1] if cells else None
        if cell is None or now >= cell.first + self._width:
            cell = _Cell(now)
            cells.append(cell)
        cell.last = now
        cell.calls += 1
        cell.failures += failed
        cell.slow += slow
        self.calls += 1
        self.failures += failed
        self.slow += slow
        if terms.calls is not None and self.calls > terms.calls:
            self._drop()
        self.expire(now)
        if self.calls < terms.minimum or not (self.failures or self.slow):
            return None
        return terms.too_many(self.calls, self.failures, self.slow)

    def expire(self, now: float) -> None:
        """Forgets what is too old."""
        cells, oldest = self._cells, now - self.terms.seconds
        while cells and cells[0].last <= oldest:
            self._drop()

    def _drop(self) -> None:
        gone = self._cells.popleft()
        self.calls -= gone.calls
        self.failures -= gone.failures
        self.slow -= gone.slow
