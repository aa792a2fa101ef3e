"""A pattern as a tree of sets of characters: Python's parser reads it, and what engines do not share is refused."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from re import _parser as parser  # type: ignore[attr-defined]  # the only parser of this syntax there is
from typing import Any, Final, Literal

from msgspec import Struct

__all__ = [
    "ANY",
    "DOT",
    "LAST",
    "WORD",
    "Chars",
    "Choice",
    "Edge",
    "Group",
    "Node",
    "Repeat",
    "Sequence",
    "nodes",
    "parsed",
    "parts_of",
    "single",
]

LAST = 0x10FFFF
MOST_REPEATS = 1000
"""The highest count that both engines take."""
WIDEST_FOLDED = 2000
"""Characters of a range that are looked at for their other case."""

Ranges = tuple[tuple[int, int], ...]


class Chars(Struct, frozen=True):
    """One character of a set, as ranges of code points in order."""

    ranges: Ranges


class Edge(Struct, frozen=True):
    """No character: a place in the text."""

    where: Literal["start", "end", "boundary"]


class Sequence(Struct, frozen=True):
    """One after the other."""

    parts: tuple[Node, ...]


class Choice(Struct, frozen=True):
    """The first alternative with which the whole matches."""

    options: tuple[Node, ...]


class Repeat(Struct, frozen=True):
    """So many times in a row; `most` is None where there is no bound."""

    body: Node
    least: int
    most: int | None
    lazy: bool


class Group(Struct, frozen=True):
    """A part that can be asked for, by its number."""

    body: Node
    name: str


Node = Chars | Edge | Sequence | Choice | Repeat | Group


def nodes(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    for part in parts_of(node):
        yield from nodes(part)


def parts_of(node: Node) -> tuple[Node, ...]:
    """What it is made of."""
    match node:
        case Sequence(parts) | Choice(parts):
            return parts
        case Repeat(body=body) | Group(body=body):
            return (body,)
    return ()


def single(node: Node) -> Chars | None:
    """The set of characters, where it is one and nothing else."""
    while isinstance(node, Group):
        node = node.body
    return node if isinstance(node, Chars) else None


def parsed(text: str) -> Node:
    """The tree of a pattern; raises ValueError in words."""
    if any(ord(char) < ord(" ") and char not in "\t\n\r" for char in text):
        raise ValueError(r"holds a control character; in an expression, write '\\b' with two backslashes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python will read otherwise one day
            tree = parser.parse(text)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    flags = re.RegexFlag(tree.state.flags) & ~re.UNICODE
    if flags & ~(re.IGNORECASE | re.DOTALL):
        raise ValueError("has flags; (?i) and (?s) are those that it may begin with")
    names = {number: name for name, number in tree.state.groupdict.items()}
    return _Reader(names, fold=bool(flags & re.IGNORECASE), dot=ANY if flags & re.DOTALL else DOT).sequence(tree)


# ── sets of characters ────────────────────────────────────────────────────────────────────────────


def _joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _others(ranges: Ranges) -> Ranges:
    ends = [-1, *(end for pair in ranges for end in pair), LAST + 1]
    gaps = zip(ends[::2], ends[1::2], strict=True)
    return tuple((low + 1, high - 1) for low, high in gaps if low + 1 < high)


def _of(text: str) -> Ranges:
    return _joined((ord(char), ord(char)) for char in text)


ANY: Final[Ranges] = ((0, LAST),)
DOT: Final = _others(_of("\n"))
DIGIT: Final[Ranges] = ((ord("0"), ord("9")),)
SPACE: Final = _of(" \t\n\r\f\v")
WORD: Final = _joined((*DIGIT, (ord("A"), ord("Z")), (ord("a"), ord("z")), (ord("_"), ord("_"))))
_CATEGORIES: dict[str, Ranges] = {
    "CATEGORY_DIGIT": DIGIT, "CATEGORY_NOT_DIGIT": _others(DIGIT), "CATEGORY_SPACE": SPACE,
    "CATEGORY_NOT_SPACE": _others(SPACE), "CATEGORY_WORD": WORD, "CATEGORY_NOT_WORD": _others(WORD),
}  # fmt: skip


def _both_cases(ranges: Ranges) -> Ranges:
    found = list(ranges)
    for low, high in ranges:
        if high - low < WIDEST_FOLDED:
            for char in map(chr, range(low, high + 1)):
                found += [(ord(other), ord(other)) for other in (char.lower(), char.upper()) if len(other) == 1]
    return _joined(found)


# ── from Python's tree ────────────────────────────────────────────────────────────────────────────

_EDGES: dict[str, Literal["start", "end", "boundary"]] = {
    "AT_BEGINNING": "start", "AT_BEGINNING_STRING": "start", "AT_END": "end", "AT_END_STRING": "end",
    "AT_BOUNDARY": "boundary",
}  # fmt: skip
_REFUSED = {
    **dict.fromkeys(("ASSERT", "ASSERT_NOT"), "looks around, (?=…) or (?<=…)"),
    **dict.fromkeys(("GROUPREF", "GROUPREF_EXISTS"), "refers back to a group"),
    "ATOMIC_GROUP": "has an atomic group, (?>…)",
    "POSSESSIVE_REPEAT": "has a possessive repeat, such as a++",
    "AT": r"uses \B",
}


class _Reader:
    """Turns Python's nodes into ours."""

    def __init__(self, names: dict[int, str], *, fold: bool, dot: Ranges) -> None:
        self._names, self._fold, self._dot = names, fold, dot

    def sequence(self, tree: Any) -> Node:
        """The node of a list of Python's nodes."""
        parts = tuple(self._node(str(kind), argument) for kind, argument in tree)
        return parts[0] if len(parts) == 1 else Sequence(parts)

    def _node(self, kind: str, argument: Any) -> Node:
        build = _BUILDERS.get(kind)
        if build is None or (kind == "AT" and str(argument) not in _EDGES):
            raise ValueError(f"{_REFUSED.get(kind, f'uses {kind}')}, and nothing bounds the time of that")
        return build(self, argument)

    def chars(self, items: Any) -> Node:
        """A set of characters."""
        ranges: list[tuple[int, int]] = []
        negated = False
        for kind, argument in items:
            match str(kind):
                case "NEGATE":
                    negated = True
                case "LITERAL":
                    ranges.append((argument, argument))
                case "RANGE":
                    ranges.append(argument)
                case "CATEGORY":
                    ranges.extend(_CATEGORIES[str(argument)])
        found = _joined(ranges)
        found = _both_cases(found) if self._fold else found
        return Chars(_others(found) if negated else found)

    def any(self, _argument: Any) -> Node:
        """`.`."""
        return Chars(self._dot)

    def literal(self, code: int) -> Node:
        """One character."""
        return self.chars([("LITERAL", code)])

    def not_literal(self, code: int) -> Node:
        """Any but one character."""
        return self.chars([("NEGATE", None), ("LITERAL", code)])

    def edge(self, at: Any) -> Node:
        """`^`, `$`, `\\b`."""
        return Edge(_EDGES[str(at)])

    def choice(self, argument: Any) -> Node:
        """`a|b`."""
        return Choice(tuple(self.sequence(option) for option in argument[1]))

    def group(self, argument: Any) -> Node:
        """`(…)`, `(?:…)`, `(?P<name>…)`."""
        number, add, without, body = argument
        if add or without:
            raise ValueError("has flags inside of it; they stand at the beginning, for all of it")
        inner = self.sequence(body)
        return inner if number is None else Group(inner, self._names.get(number, ""))

    def greedy(self, argument: Any, *, lazy: bool = False) -> Node:
        """`a*`, `a+`, `a?`, `a{1,3}`."""
        least, most, body = argument
        if most is parser.MAXREPEAT:
            most = None
        if max(least, most or 0) > MOST_REPEATS:
            raise ValueError(f"repeats more than {MOST_REPEATS} times")
        return Repeat(self.sequence(body), least, most, lazy)

    def lazy(self, argument: Any) -> Node:
        """`a*?` and the like."""
        return self.greedy(argument, lazy=True)


_BUILDERS: dict[str, Callable[[_Reader, Any], Node]] = {
    "ANY": _Reader.any,
    "AT": _Reader.edge,
    "BRANCH": _Reader.choice,
    "IN": _Reader.chars,
    "LITERAL": _Reader.literal,
    "MAX_REPEAT": _Reader.greedy,
    "MIN_REPEAT": _Reader.lazy,
    "NOT_LITERAL": _Reader.not_literal,
    "SUBPATTERN": _Reader.group,
}
