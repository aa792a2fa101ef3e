"""One thing that is looked for in a spec, and what is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from msgspec import Struct

from connector_core.exceptions import Problem
from connector_core.load import Loaded

__all__ = ["RULES", "Finding", "Level", "Place", "Rule", "rule"]

Level = Literal["warning", "advice"]
Place = tuple[str | int, ...]
Check = Callable[[Loaded], Iterator[tuple[Place, str]]]


class Rule(Struct, frozen=True):
    """One thing that is looked for."""

    code: str
    level: Level
    about: str
    """What it finds and why that matters, in a sentence."""
    check: Check
    fix: Callable[[list[str], int, int], list[str]] | None = None
    """Given the file's lines, and line and column of a finding from 1, the lines without it."""


class Finding(Struct, frozen=True, order=True):
    """Something that could be better, and where."""

    problem: Problem
    code: str
    level: Level
    fixable: bool = False

    def __str__(self) -> str:
        found = self.problem
        path = f"{found.path}: " if found.path else ""
        return f"{found.file}:{found.line}:{found.column} {self.code} {self.level} {path}{found.what}"


RULES: dict[str, Rule] = {}
"""Every rule by its code, as far as its module is imported."""


def rule(code: str, level: Level, fix: Any = None) -> Callable[[Check], Check]:
    """Has the function below, whose docstring says what it finds, look through every spec."""

    def register(check: Check) -> Check:
        RULES[code] = Rule(code, level, (check.__doc__ or "").strip(), check, fix)
        return check

    return register
