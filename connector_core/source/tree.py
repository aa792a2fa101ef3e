"""The document while it is read: tokens come in, data and positions grow, problems are collected."""

from __future__ import annotations

import json
import math
import re
from functools import cached_property
from typing import Any, NoReturn

from connector_core.exceptions import Problem, SpecError

__all__ = ["Path", "Position", "Tree", "dotted", "position"]

Path = tuple[str | int, ...]
"""Keys and list indexes from the root down to a value."""
Position = tuple[int, int]
"""Line and column, counted from 1."""

MAX_LEVELS = 64
MAX_DIGITS = 1000
MAX_PROBLEMS = 100


def dotted(path: Path) -> str:
    """`endpoints.orders.errors.0`, as messages name a place; a key with dots or spaces is quoted."""
    return ".".join(str(part) if re.fullmatch(r"[^\s.\"]+", str(part)) else json.dumps(part) for part in path)


def position(text: str, offset: int) -> Position:
    """Line and column of the character with that index."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Level:
    """A mapping or list that is being filled; `key` is the one whose value comes next."""

    __slots__ = ("into", "key", "path")

    def __init__(self, into: dict[str, Any] | list[Any], path: Path) -> None:
        self.into, self.path = into, path
        self.key: str | None = None


class Tree:
    """Whoever reads a notation calls `enter`, `place` and `leave` as the text runs, and `finished` at its end."""

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.text: str = ""
        self.data: Any = None
        self.values: dict[Path, Position] = {}
        self.keys: dict[Path, Position] = {}
        self.problems: list[Problem] = []
        self.levels: list[_Level] = []
        self._muted = 0  # the level of a key that is no text: what is inside it has been told already

    # ── problems ──────────────────────────────────────────────────────────────────────────────────

    def problem(self, at: Position, what: str, path: Path = ()) -> None:
        """Notes a mistake; reading goes on, up to as many as anybody reads."""
        if not self._muted:
            self.problems.append(Problem(self.name, *at, dotted(path), what))
            if len(self.problems) == MAX_PROBLEMS:
                raise SpecError(self.problems)

    def fail(self, at: Position, what: str) -> NoReturn:
        """Notes a mistake after which nothing can be read, and raises all of them."""
        self.unmute()
        self.problem(at, what)
        raise SpecError(self.problems)

    def line(self, number: int) -> str:
        """The text of that line; empty behind the last one."""
        return self._lines[number - 1] if number <= len(self._lines) else ""

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.splitlines()

    def mute(self) -> None:
        """Tells nothing of what the mapping or list that begins next holds."""
        self._muted = self._muted or len(self.levels) + 1

    def unmute(self) -> None:
        """Tells everything again."""
        self._muted = 0

    def finished(self) -> dict[str, Any]:
        """The root mapping; raises SpecError where there is none, and for all that was noted."""
        if self.data is None:
            self.problem((1, 1), "the file is empty: a spec starts with connector: and name:")
        elif not isinstance(self.data, dict):
            kind = "a list" if isinstance(self.data, list) else "a single value"
            self.problem(self.values[()], f"a spec is a mapping (name: shop), not {kind}")
        if self.problems:
            raise SpecError(self.problems)
        return self.data  # type: ignore[no-any-return]  # a dict, or there is a problem

    # ── tokens ────────────────────────────────────────────────────────────────────────────────────

    def enter(self, into: dict[str, Any] | list[Any], at: Position) -> None:
        """A mapping or list begins."""
        if len(self.levels) == MAX_LEVELS:
            self.fail(at, f"more than {MAX_LEVELS} levels of mappings and lists")
        self.levels.append(_Level(into, self.place(into, at)))

    def leave(self) -> None:
        """The innermost mapping or list ends."""
        if len(self.levels) == self._muted:
            self.unmute()
        self.levels.pop()

    def awaits_key(self) -> bool:
        """Whether what comes next is a key, or the end of its mapping."""
        return bool(self.levels) and self.levels[-1].key is None and isinstance(self.levels[-1].into, dict)

    def here(self) -> Path:
        """The path of the value that comes next, or of the mapping whose key comes next."""
        if not self.levels:
            return ()
        inner = self.levels[-1]
        if isinstance(inner.into, list):
            return (*inner.path, len(inner.into))
        return inner.path if inner.key is None else (*inner.path, inner.key)

    def place(self, value: Any, at: Position) -> Path:
        """Takes the value as what the document has come to: the root, an item, a key or a key's value."""
        path = self.here()
        if isinstance(value, str) and not value.isascii():
            self._whole_characters(value, at, path)
        inner = self.levels[-1] if self.levels else None
        if inner is None:
            self.data = value
        elif isinstance(inner.into, list):
            inner.into.append(value)
        elif inner.key is None:
            inner.key = self._key(value, inner, at)
            return path
        else:
            inner.into[inner.key], inner.key = value, None
        self.values[path] = at
        return path

    def number(self, text: str, at: Position) -> int | float:
        """The number that the text is in YAML 1.2 or JSON; integers are exact, however long."""
        if len(text) > MAX_DIGITS:
            self.problem(at, f"a number of more than {MAX_DIGITS} digits: quote it if it is text", self.here())
            return 0
        if text[:2] in ("0o", "0x"):
            return int(text, 0)
        if text.lstrip("+-").isdigit():
            return int(text)
        try:
            value = float(text)
        except ValueError:  # YAML's .inf and .nan
            value = math.nan
        if not math.isfinite(value):
            self.problem(at, f"{text} is not a number that a request can carry: quote it if it is text", self.here())
        return value

    # ── keys ──────────────────────────────────────────────────────────────────────────────────────

    def _key(self, value: Any, inner: _Level, at: Position) -> str:
        if not isinstance(value, str):
            self._odd_key(value, at)
            return "?"  # only to go on with: a tree with problems is never handed out
        path = (*inner.path, value)
        if value in inner.into:
            self.problem(at, f"duplicate key {value!r} (first on line {self.keys[path][0]}): keep one", path)
        else:
            self.keys[path] = at
        return value

    def _odd_key(self, value: Any, at: Position) -> None:
        if isinstance(value, dict | list):
            self.problem(at, "a key has to be text, not a mapping or a list", self.here())
            self.mute()
            return
        word = re.match(r"[^\s:#,{}\[\]]+", self.line(at[0])[at[1] - 1 :])
        what = f'a key has to be text: write "{word[0]}":' if word else "there is no key before the ':'"
        self.problem(at, what, self.here())

    def _whole_characters(self, value: str, at: Position, path: Path) -> None:
        if half := re.search("[\ud800-\udfff]", value):
            self.problem(at, f"\\u{ord(half[0]):04x} is half of a character: write both halves, or the character", path)
