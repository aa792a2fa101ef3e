"""An event loop whose time passes at once, for engines that are driven from outside."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["VirtualLoop"]


class VirtualLoop(asyncio.SelectorEventLoop):
    """Where it would sleep until the next timer, it is that late already."""

    def __init__(self) -> None:
        super().__init__()
        self._passed = 0.0
        self._look = self._selector.select  # type: ignore[attr-defined]  # CPython's name since asyncio is there
        self._selector.select = self._jump  # type: ignore[attr-defined]

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._passed

    def _jump(self, timeout: float | None) -> Any:
        assert timeout is not None, "everything waits, and no timer is set"
        self._passed += max(timeout, 0.0)
        return self._look(0)
