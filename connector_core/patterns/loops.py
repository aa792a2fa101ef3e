"""Repeats without bound of more than one character: there must be one way only through each of their rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from connector_core.patterns.syntax import Chars, Choice, Edge, Group, Node, Repeat, Sequence

__all__ = ["apart", "check_loop"]

MOST_IN_A_LOOP = 100
_ALIKE = "has a repeat in which what comes next may begin alike in two ways: they double with each time"


def apart(sets: Iterable[int]) -> bool:
    """Whether no two of the sets share anything."""
    found = 0
    for each in sets:
        if found & each:
            return False
        found |= each
    return True


class _Part(Struct, frozen=True):
    """A part of a loop's body: the positions that it may begin and end with."""

    empty: bool
    first: frozenset[int]
    last: frozenset[int]


class _Positions:
    """Which characters of a body may follow which: Glushkov's construction, with repeats written out."""

    def __init__(self, mask: Callable[[Chars], int]) -> None:
        self._mask = mask
        self.sets: list[int] = []
        self.follow: list[set[int]] = []

    def of(self, body: Node) -> _Positions:
        """The positions of a body that is repeated without bound."""
        part = self._of(body)
        for last in part.last:
            self.follow[last] |= part.first
        self.follow.append(set(part.first))  # as what follows the beginning
        return self

    def _of(self, node: Node) -> _Part:
        match node:
            case Chars():
                return self._char(node)
            case Edge():
                raise ValueError("has ^, $ or \\b inside of a repeat")
            case Sequence(parts):
                found = _Part(empty=True, first=frozenset(), last=frozenset())
                for part in parts:
                    found = self._then(found, self._of(part))
                return found
            case Choice(options):
                each = [self._of(option) for option in options]
                return _Part(
                    any(part.empty for part in each),
                    frozenset().union(*(part.first for part in each)),
                    frozenset().union(*(part.last for part in each)),
                )
            case Repeat():
                return self._repeat(node)
            case Group(body=body):
                return self._of(body)

    def _char(self, node: Chars) -> _Part:
        at = len(self.sets)
        if at >= MOST_IN_A_LOOP:
            raise ValueError(f"has a repeat without bound of more than {MOST_IN_A_LOOP} parts")
        self.sets.append(self._mask(node))
        self.follow.append(set())
        return _Part(empty=False, first=frozenset({at}), last=frozenset({at}))

    def _then(self, one: _Part, other: _Part) -> _Part:
        for last in one.last:
            self.follow[last] |= other.first
        return _Part(
            one.empty and other.empty,
            one.first | other.first if one.empty else one.first,
            one.last | other.last if other.empty else other.last,
        )

    def _repeat(self, node: Repeat) -> _Part:
        """Each time but the needed ones may be the last, and none comes without the one before it."""
        first, last, before = frozenset[int](), frozenset[int](), frozenset[int]()
        for time in range(1, (node.most or 0) + 1):
            part = self._of(node.body)
            for at in before:
                self.follow[at] |= part.first
            first, before = first or part.first, part.last
            last = last | part.last if time >= node.least else last
        return _Part(empty=node.least == 0, first=first, last=last)


def check_loop(body: Node, mask: Callable[[Chars], int]) -> None:
    """Raises ValueError, in words, where one round of the loop can be gone through in two ways."""
    positions = _Positions(mask).of(body)
    for following in positions.follow:
        if not apart(positions.sets[at] for at in following):
            raise ValueError(_ALIKE)
