"""Lengths of time: numbers in a declared unit, and text that says its own."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from connector_core.formats.numbers import exactly, plain, sort_of

__all__ = ["LONGEST", "length", "length_text", "relative"]

LONGEST = 9_000_000_000
"""Seconds, some 285 years: up to there a float is exact to the microsecond."""
MICROS = 1_000_000

_UNITS: dict[str, int | Fraction] = {
    "ns": Fraction(1, 1000), "us": 1, "µs": 1, "μs": 1, "ms": 1000, "s": MICROS, "m": 60 * MICROS, "h": 3600 * MICROS,
    "d": 86400 * MICROS, "w": 604800 * MICROS,
}  # fmt: skip
"""Microseconds; there are two letters µ in the world."""
_ISO_UNITS = {"W": "w", "D": "d", "H": "h", "M": "m", "S": "s"}
_NUMBER = r"[0-9]{1,12}(?:[.,][0-9]{1,9})?"
_PARTS = rf"(-?)((?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h|d|w)){{1,8}})"
_ISO = rf"(-?)P(?=[0-9T])((?:{_NUMBER}W)?(?:{_NUMBER}D)?)(?:T(?=[0-9])((?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?))?"
_PART = rf"({_NUMBER})([a-zA-Zµμ]+)"


def relative(value: Any, micros: int) -> float:
    """Seconds of a number in a unit of so many microseconds; raises ValueError."""
    return _seconds(exactly(value, micros), value)


def length(value: Any) -> float:
    """Seconds of `30s`, of Go's `6m0s` and of ISO 8601's `PT5M`; raises ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    found = re.fullmatch(_PARTS, text) or re.fullmatch(_ISO, text)
    if found is None:
        raise ValueError(f"{sort_of(value)} is not a duration such as 30s, 1h30m or PT5M")
    parts = [part for group in found.groups()[1:] for part in re.findall(_PART, group or "")]
    micros = sum(Fraction(number.replace(",", ".")) * _UNITS[_ISO_UNITS.get(unit, unit)] for number, unit in parts)
    return _seconds(int(micros) * (-1 if found[1] else 1), value)


def length_text(seconds: float) -> str:
    """`300s`, `1.5s`: what Go, Protocol Buffers and this language read."""
    count = plain(round(seconds * MICROS), MICROS)
    return f"{count}s" if isinstance(count, int) else f"{count:.6f}".rstrip("0") + "s"


def _seconds(micros: int, value: Any) -> float:
    if abs(micros) > LONGEST * MICROS:
        raise ValueError(f"{sort_of(value)} is longer than {LONGEST} seconds")
    return micros / MICROS
