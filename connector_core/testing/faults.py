"""What goes wrong, how often, as one line of text; and which of it happens to the next request.

::

    latency=50ms±20ms, reset=2%, 503=5%, 429=0s@1%, truncate=100B@1%, down=2s@1%

Each is `NAME`, `NAME=SHARE`, `NAME=AMOUNT` or `NAME=AMOUNT@SHARE`; what has no share happens to every request.

Rule 1: the same seed and the same order of requests give the same faults.
Rule 2: a request ends badly in one way at most, so that shares are exact; all ways together are at most 100 %.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple, Self

from msgspec import Struct

from connector_core.component import suggestion
from connector_core.exceptions import ConfigError
from connector_core.units import duration, percent, size

__all__ = ["FAULTS", "Fault", "Faults", "Misfortunes", "Treatment"]


class _Kind(NamedTuple):
    """How a fault is written."""

    parse: Callable[[str], float] | None
    """Reads the amount; None: it has none."""
    amount: str
    """What the amount is, in words."""
    example: str
    needs_amount: bool = False
    ends: bool = True
    """Whether the request has no good answer then."""


def _per_second(text: str) -> float:
    count, _, period = text.partition("/")
    if period != "s":
        raise ValueError(f"{text!r} is not a bandwidth: write a size in a second, such as 64KB/s")
    if not (found := size(count)):
        raise ValueError(f"{text!r} lets nothing through: write timeout for an answer that never comes")
    return float(found)


FAULTS: dict[str, _Kind] = {
    "latency": _Kind(duration, "a time and how much it varies", "latency=50ms±20ms", needs_amount=True, ends=False),
    "drip": _Kind(duration, "the pause between pieces", "drip=20ms", needs_amount=True, ends=False),
    "bandwidth": _Kind(_per_second, "a size in a second", "bandwidth=64KB/s", needs_amount=True, ends=False),
    "reset": _Kind(None, "", "reset=2%"),
    "closed": _Kind(None, "", "closed=2%"),
    "timeout": _Kind(duration, "when the connection is closed", "timeout=2%"),
    "truncate": _Kind(size, "how much of the body comes", "truncate=100B@2%"),
    "down": _Kind(duration, "how long", "down=2s@1%"),
}
"""Every fault but the statuses."""
_STATUS = _Kind(duration, "the Retry-After that it tells", "503=5%")
_LOWEST, _HIGHEST = 400, 599
_EXAMPLE = "latency=50ms±20ms,reset=2%,503=5%"


class Fault(Struct, frozen=True):
    """One thing that goes wrong."""

    name: str
    """One of FAULTS, or a status."""
    share: float = 1.0
    """The part of all requests that it happens to."""
    amount: float | None = None
    """Seconds, bytes, or bytes in a second."""
    spread: float = 0.0
    """Seconds by which a latency is longer or shorter."""

    @property
    def ends(self) -> bool:
        """Whether the request has no good answer then."""
        return FAULTS.get(self.name, _STATUS).ends

    @classmethod
    def read(cls, text: str) -> Self:
        """The fault that is written there; raises ConfigError."""
        name, _, told = text.partition("=")
        kind = FAULTS.get(name)
        if kind is None:
            if not re.fullmatch(r"[0-9]{3}", name) or not _LOWEST <= int(name) <= _HIGHEST:
                raise _wrong(
                    f"{name!r} is no fault{suggestion(name, FAULTS)}",
                    text,
                    f"a status from {_LOWEST} to {_HIGHEST} is one too",
                )
            kind = _STATUS
        amount, at, share = told.rpartition("@")
        if not at and not told.endswith("%"):
            amount, share = told, ""
        try:
            if amount and kind.parse is None:
                raise ValueError(f"{name} has no amount")
            if kind.needs_amount and not amount:
                raise ValueError(f"{name} needs an amount: {kind.amount}")
            if text.endswith(("=", "@")) or (at and not amount):
                raise ValueError("something is missing")
            middle, spread = _spread(amount) if name == "latency" else (amount, 0.0)
            seconds = kind.parse(middle) if middle and kind.parse else None
            if spread > (seconds or 0.0):
                raise ValueError("it varies by more than there is")
            return cls(name, percent(share) if share else 1.0, seconds, spread)
        except ValueError as error:
            raise _wrong(str(error), text, f"such as {kind.example}") from None


def _spread(text: str) -> tuple[str, float]:
    middle, by, spread = re.sub(r"\+-|\+/-", "±", text).partition("±")
    return middle, duration(spread) if by else 0.0


def _wrong(what: str, text: str, hint: str) -> ConfigError:
    return ConfigError(what, where=f"faults: {text}", hint=hint, code="faults.invalid")


class Faults(Struct, frozen=True):
    """Everything that may go wrong."""

    all: tuple[Fault, ...] = ()

    @classmethod
    def read(cls, text: str) -> Self:
        """The faults of a line such as `latency=50ms±20ms,reset=2%`; none for an empty one. Raises ConfigError."""
        if not text.strip():
            return cls()
        found: list[Fault] = []
        for part in re.split(r"\s*,\s*", text.strip()):
            if not part:
                raise _wrong("there is a comma too many", text, f"such as {_EXAMPLE}")
            fault = Fault.read(part)
            if fault.name in {known.name for known in found}:
                raise _wrong(f"{fault.name} is there twice", text, "say it once")
            found.append(fault)
        if (together := sum(fault.share for fault in found if fault.ends)) > 1 + 1e-9:
            raise _wrong(
                f"{100 * together:g} % of all requests cannot end badly",
                text,
                "a fault without a share happens to every request: reset=2%",
            )
        return cls(tuple(found))


class Treatment(Struct, frozen=True):
    """What happens to one request."""

    delay: float = 0.0
    """Seconds before the answer begins."""
    ending: Fault | None = None
    """How it ends, if badly."""
    pause: float = 0.0
    """Seconds between two small pieces of the answer."""
    per_second: float = 0.0
    """Bytes of the answer in a second; 0: as fast as it goes."""


class Misfortunes:
    """Deals faults out to requests, one after another."""

    def __init__(
        self, faults: Faults | str = "", *, seed: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`seed` decides the dice; `clock`: seconds, by which `down` lasts. Raises ConfigError."""
        self._dice, self._clock = Random(seed).random, clock  # noqa: S311 - dice that repeat
        self._down_until = float("-inf")
        self._faults: Faults
        self.change(faults)

    def __bool__(self) -> bool:
        return bool(self._faults.all)

    def change(self, faults: Faults | str) -> None:
        """From the next request on it is these."""
        self._faults = Faults.read(faults) if isinstance(faults, str) else faults
        self._down_until = float("-inf")

    def next(self) -> Treatment:
        """What happens to the next request."""
        faults = self._faults.all
        if not faults:
            return Treatment()
        delay = pause = per_second = 0.0
        for fault in faults:
            if fault.ends or self._dice() >= fault.share:
                continue
            amount = fault.amount or 0.0
            if fault.name == "latency":
                delay = amount + (2 * self._dice() - 1) * fault.spread
            elif fault.name == "drip":
                pause = amount
            else:
                per_second = amount
        return Treatment(delay, self._ending(self._dice()), pause, per_second)

    def _ending(self, rolled: float) -> Fault | None:
        down = next((fault for fault in self._faults.all if fault.name == "down"), None)
        if down is not None and self._clock() < self._down_until:
            return down
        for fault in self._faults.all:
            if not fault.ends:
                continue
            if rolled < fault.share:
                if fault.name == "down":
                    self._down_until = self._clock() + (float("inf") if fault.amount is None else fault.amount)
                return fault
            rolled -= fault.share
        return None
