"""A pattern at work: its tree written anew for RE2 where it is installed, else for Python's engine."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from connector_core.patterns.budget import check, leads
from connector_core.patterns.syntax import (
    ANY,
    DOT,
    WORD,
    Chars,
    Choice,
    Edge,
    Group,
    Node,
    Repeat,
    Sequence,
    parsed,
)

__all__ = ["LONGEST_PATTERN", "Pattern", "written"]

LONGEST_PATTERN = 500
LONGEST_TEXT = 10_000
_SURROGATES = (0xD800, 0xDFFF)
_SHORT = {ANY: "(?s:.)", DOT: ".", WORD: r"\w", ((ord("0"), ord("9")),): r"\d"}


class Pattern:
    """A regular expression that takes bounded time on any text of at most `longest` characters."""

    __slots__ = ("_search", "groups", "longest", "source")

    def __init__(self, source: str, longest: int = LONGEST_TEXT) -> None:
        """Raises ValueError, in words, where it is none, or could take too long."""
        if len(source) > LONGEST_PATTERN:
            raise ValueError(f"must be a regular expression of at most {LONGEST_PATTERN} characters")
        tree = parsed(source)
        check(tree, longest)
        self.source: str = source
        self.longest: int = longest
        self.groups: dict[int | str, int] = {0: 0}
        """The number of each group, by number and by name."""
        for number, name in enumerate(_groups(tree), 1):
            self.groups |= {number: number, name: number} if name else {number: number}
        self._search = _re2(tree) or _python(tree)

    def find(self, text: str, group: int = 0) -> str | None:
        """What the group holds in the first match; None where nothing matches, or the group has no part in it.

        Raises ValueError for a text that is too long, or that has half a character in it.
        """
        found = self._search(self._checked(text))
        return None if found is None else found[group]

    def matches(self, text: str) -> bool:
        """Whether it matches anywhere in the text; raises as `find` does."""
        return self._search(self._checked(text)) is not None

    def _checked(self, text: str) -> str:
        if len(text) > self.longest:
            raise ValueError(f"takes text of at most {self.longest} characters")
        if not text.isascii() and any(_SURROGATES[0] <= ord(char) <= _SURROGATES[1] for char in text):
            raise ValueError("the text holds half a character (a lone surrogate)")
        return text


def _groups(node: Node) -> list[str]:
    """The names of the groups, in order of their numbers."""
    match node:
        case Group(body=body, name=name):
            return [name, *_groups(body)]
        case Sequence(parts) | Choice(parts):
            return [name for part in parts for name in _groups(part)]
        case Repeat(body=body):
            return _groups(body)
    return []


def _python(tree: Node) -> Any:
    return re.compile(written(tree, python=True), re.ASCII).search


def _re2(tree: Node) -> Any:
    engine = _installed()
    return None if engine is None else engine(written(tree, python=False))


@cache
def _installed() -> Any:
    """What compiles a pattern with RE2; None where it is not installed."""
    try:
        import re2
    except ImportError:
        return None
    options = re2.Options()
    options.log_errors = False
    return lambda text: re2.compile(text, options).search


# ── as text ───────────────────────────────────────────────────────────────────────────────────────


def written(tree: Node, *, python: bool) -> str:
    """The pattern in the syntax of an engine; for Python's, a match does not begin amid a row that could lead it."""
    ahead = {id(repeat) for repeat in leads(tree)} if python else set()
    return _Writer(ahead, python=python).text(tree)


class _Writer:
    """Writes every set as what it holds, so that nothing is left to an engine's opinion."""

    def __init__(self, ahead: set[int], *, python: bool) -> None:
        self._ahead, self._python = ahead, python

    def text(self, node: Node) -> str:
        """The node as text."""
        match node:
            case Chars():
                return self._chars(node)
            case Edge(where=where):
                end = r"\Z" if self._python else r"\z"
                return {"start": r"\A", "end": end, "boundary": r"\b"}[where]
            case Sequence(parts):
                return "".join(self._inside(part) for part in parts)
            case Choice(options):
                return "|".join(self.text(option) for option in options)
            case Group(body=body):
                return f"({self.text(body)})"
            case Repeat():
                return self._repeat(node)

    def _inside(self, node: Node) -> str:
        text = self.text(node)
        return f"(?:{text})" if isinstance(node, Choice) else text

    def _repeat(self, node: Repeat) -> str:
        body = self.text(node.body)
        one = isinstance(node.body, Chars | Group)
        count = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.least, node.most))
        if count is None:
            count = f"{{{node.least},{'' if node.most is None else node.most}}}"
        text = (body if one else f"(?:{body})") + count + ("?" if node.lazy else "")
        return f"(?<!{self._set(node.body)}){text}" if id(node) in self._ahead else text

    def _set(self, node: Node) -> str:
        while isinstance(node, Group):
            node = node.body
        assert isinstance(node, Chars)  # noqa: S101 - what leads() gives
        return self._chars(node)

    def _chars(self, node: Chars) -> str:
        ranges = node.ranges
        if not ranges:
            return "[^\\x00-\\U0010ffff]" if self._python else "[^\\x{0}-\\x{10FFFF}]"
        if ranges in _SHORT:
            return _SHORT[ranges]
        if len(ranges) == 1 and ranges[0][0] == ranges[0][1] and (self._python or not _half(ranges[0][0])):
            return self._char(ranges[0][0])
        return f"[{''.join(map(self._range, ranges))}]"

    def _range(self, ends: tuple[int, int]) -> str:
        low, high = ends
        return self._char(low) if low == high else f"{self._char(low)}-{self._char(high)}"

    def _char(self, code: int) -> str:
        char = chr(code)
        if char.isascii() and char.isalnum():
            return char
        return f"\\U{code:08x}" if self._python else f"\\x{{{code:x}}}"


def _half(code: int) -> bool:
    return _SURROGATES[0] <= code <= _SURROGATES[1]
