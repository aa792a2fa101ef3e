"""An expression as a closure over the names that it may read; plain dotted names are compiled here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from connector_core.address import MISSING
from connector_core.template.written import MissingError

__all__ = ["Evaluate", "Expression", "Mode", "Path", "Scope", "absent", "dotted"]

Scope = Mapping[str, Any]
Evaluate = Callable[[Scope], Any]
Path = tuple[str, ...]
Mode = Literal["value", "message", "condition", "flag"]
"""What a missing operand of `~` or of a test means: see `template`."""


class Expression(Struct, frozen=True):
    """One compiled expression."""

    source: str
    evaluate: Evaluate
    reads: tuple[Path, ...]
    """The names it reads, in the order they are written in."""
    last_filter: str = ""
    """The filter that the whole expression ends in, if it ends in one."""
    inner_filters: frozenset[str] = frozenset()
    """All the others."""

    def missing(self, scope: Scope) -> MissingError:
        """The error that names what is not there."""
        return MissingError(absent(self.reads, scope) or self.source)


def dotted(path: Path) -> Evaluate:
    """Looks the keys up one below the other; MISSING where one is not there or has nothing below it."""
    match path:
        case (name,):
            return lambda scope: scope.get(name, MISSING)
        case (root, key):
            return _pair(root, key)

    def walk(scope: Scope) -> Any:
        value: Any = scope
        try:
            for key in path:
                value = value[key]
        except (KeyError, TypeError):
            return MISSING
        return value

    return walk


def _pair(root: str, key: str) -> Evaluate:
    def walk(scope: Scope) -> Any:
        try:
            return scope[root][key]
        except (KeyError, TypeError):
            return MISSING

    return walk


def absent(reads: tuple[Path, ...], scope: Scope) -> str:
    """The dotted name of the first path that is not there; empty where all are."""
    return next((".".join(path) for path in reads if dotted(path)(scope) is MISSING), "")
