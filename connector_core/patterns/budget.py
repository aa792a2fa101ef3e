"""What a backtracking engine can be made to spend on a pattern, by the worst text of a length; too much is refused.

The pattern is walked from left to right with three numbers, each a bound over every text and every way through it:

* `total`: with how many ways an engine can arrive here, over all places of the text;
* `paths`: with how many at one place;
* `spent`: steps taken so far.

A repeat that can end in one place only multiplies nothing: what follows it begins with another character. A repeat that
can begin in one place only of a row of its characters, since another one stands before it, is run through once for each
path, and not for each arrival. Everything else multiplies, and ends above the budget soon.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from connector_core.patterns.loops import apart, check_loop
from connector_core.patterns.syntax import (
    LAST,
    WORD,
    Chars,
    Choice,
    Edge,
    Group,
    Node,
    Repeat,
    Sequence,
    nodes,
    parts_of,
    single,
)

__all__ = ["check", "leads"]

BUDGET = 3_000_000
"""Steps of some ten nanoseconds; the walk counts more of them than an engine takes."""
OPTIONS_A_STEP = 4
"""Alternatives that are looked at in one step."""
MOST_NODES = 1000
"""Nodes, with repeats written out: what RE2 has room for."""
ENDS, EDGE = 1, 2
"""Bits of a set of what may follow: nothing more is wanted; or only a place is."""
_TOO_MUCH = "can try too many ways through a long text"
_NESTED = "has a repeat without bound inside of another: its ways double with each character"
_EMPTY = "repeats, or chooses, what may be empty in two ways"


class State(Struct, frozen=True):
    """What is known at one point of the pattern; see the module."""

    total: float
    paths: float
    before: int | None = None
    """Which characters may stand before this point; None: anything may, or nothing."""
    row: tuple[int, ...] = ()
    """The characters that certainly stand before this point, since the last choice."""
    boundary: bool = False
    """Whether a `\\b` stands here."""


def check(tree: Node, longest: int) -> None:
    """Raises ValueError, in words, where a text of that length could cost more than the budget."""
    if _size(tree) > MOST_NODES:
        raise ValueError(f"has more than {MOST_NODES} parts, with its repeats written out")
    for node in nodes(tree):
        _check_shape(node)
    walk = _Walk(tree, longest)
    walk.go(tree, ENDS, State(longest, 1))


def _size(node: Node) -> int:
    times = max(node.least, node.most or 1) if isinstance(node, Repeat) else 1
    return 1 + times * sum(_size(part) for part in parts_of(node))


def _empty(node: Node) -> bool:
    """Whether it may match nothing."""
    match node:
        case Chars():
            return False
        case Edge():
            return True
        case Sequence(parts):
            return all(map(_empty, parts))
        case Choice(options):
            return any(map(_empty, options))
        case Repeat(body=body, least=least):
            return least == 0 or _empty(body)
        case Group(body=body):
            return _empty(body)


def _check_shape(node: Node) -> None:
    match node:
        case Repeat(body=body, most=most):
            if _empty(body):
                raise ValueError(_EMPTY)
            if most is None and any(isinstance(inner, Repeat) and inner.most is None for inner in nodes(body)):
                raise ValueError(_NESTED)
        case Choice(options) if sum(map(_empty, options)) > 1:
            raise ValueError(_EMPTY)


def leads(tree: Node) -> Iterator[Repeat]:
    """The repeats of one set of characters that the pattern begins with, and that have no bound.

    No match begins amid a row of such characters: whatever it finds from there, it finds from the first of them, and
    sooner.
    """
    match tree:
        case Repeat(body=body, most=None) if single(body):
            yield tree
        case Sequence(parts) if parts:
            yield from leads(parts[0])
        case Choice(options):
            for option in options:
                yield from leads(option)
        case Group(body=body):
            yield from leads(body)


class _Walk:
    """One pattern's way from left to right."""

    def __init__(self, tree: Node, longest: int) -> None:
        self._longest, self._spent = longest, 0.0
        sets = [*(node.ranges for node in nodes(tree) if isinstance(node, Chars)), WORD]
        cuts = {0, *(low for ranges in sets for low, _ in ranges), *(high + 1 for ranges in sets for _, high in ranges)}
        self._atoms = sorted(cut for cut in cuts if cut <= LAST)
        self._masks: dict[Chars, int] = {}
        self._leads = {id(repeat) for repeat in leads(tree)}
        widest = max((len(node.options) for node in nodes(tree) if isinstance(node, Choice)), default=1)
        self._try = max(1.0, widest / OPTIONS_A_STEP)

    def _spend(self, steps: float) -> None:
        self._spent += steps
        if self._spent > BUDGET:
            raise ValueError(f"{_TOO_MUCH}; say what stands between, [^,]* for .*, or how long it is, .{{0,20}}")

    def _mask(self, chars: Chars) -> int:
        """The set as bits, one for each range of characters that the pattern tells apart."""
        if chars not in self._masks:
            bits = (
                bit for bit, atom in enumerate(self._atoms) if any(low <= atom <= high for low, high in chars.ranges)
            )
            self._masks[chars] = sum(4 << bit for bit in bits)
        return self._masks[chars]

    def _all(self, node: Node) -> int:
        """Every character that may stand in what the node matches."""
        found = 0
        for inner in nodes(node):
            found |= self._mask(inner) if isinstance(inner, Chars) else 0
        return found

    def _first(self, node: Node, follow: int) -> int:
        """What the node, followed by that, may begin with."""
        match node:
            case Chars():
                return self._mask(node)
            case Edge(where="end"):
                return EDGE
            case Edge():
                return follow & ~ENDS | (EDGE if follow & ENDS else 0)
            case Sequence(parts):
                for part in reversed(parts):
                    follow = self._first(part, follow)
                return follow
            case Choice(options):
                found = 0
                for option in options:
                    found |= self._first(option, follow)
                return found
            case Repeat(body=body, least=least):
                return self._first(body, follow) | (0 if least else follow)
            case Group(body=body):
                return self._first(body, follow)

    # ── the walk ──────────────────────────────────────────────────────────────────────────────────

    def go(self, node: Node, follow: int, state: State) -> State:
        """The state after the node, which is followed by one of those characters."""
        match node:
            case Chars():
                return self._char(self._mask(node), state)
            case Edge(where="start"):
                return replace(state, total=state.paths, row=())
            case Edge():
                return replace(state, boundary=node.where == "boundary")
            case Sequence(parts):
                follows = [follow]
                for part in reversed(parts[1:]):
                    follows.append(self._first(part, follows[-1]))
                for part, after in zip(parts, reversed(follows), strict=False):
                    state = self.go(part, after, state)
                return state
            case Choice(options):
                return self._choice(options, follow, state)
            case Repeat():
                return self._repeat(node, follow, state)
            case Group(body=body):
                return self.go(body, follow, state)

    def _char(self, mask: int, state: State) -> State:
        self._spend(state.total)
        row = (*state.row, mask)
        total = min(state.total, self._longest * state.paths / _period(row))
        return State(max(total, 1), state.paths, mask, row)

    def _choice(self, options: tuple[Node, ...], follow: int, state: State) -> State:
        self._spend(state.total * len(options))
        ends = [self.go(option, follow, state) for option in options]
        distinct = apart(self._first(option, follow) for option in options)
        totals, paths = [end.total for end in ends], sum(end.paths for end in ends)
        return _after(max(totals) if distinct else sum(totals), paths, _either(*(end.before for end in ends)))

    def _repeat(self, node: Repeat, follow: int, state: State) -> State:
        if (chars := single(node.body)) is not None:
            return self._row(node, self._mask(chars), follow, state, self._try)
        again = self._first(node.body, follow)
        for time in range(1, node.least + 1):
            state = self.go(node.body, again if time < node.least else self._next(node, again, follow, time), state)
        if node.most is None:
            check_loop(node.body, self._mask)
            return self._row(
                replace(node, least=0), self._all(node.body), follow, replace(state, boundary=False),
                cost=self._try * sum(1 for _ in nodes(node.body)),
            )  # fmt: skip
        return self._up_to(node, again, follow, state)

    def _next(self, node: Repeat, again: int, follow: int, time: int) -> int:
        """What may follow that time, when it may be the last."""
        return follow if time == node.most else again | follow

    def _up_to(self, node: Repeat, again: int, follow: int, state: State) -> State:
        """So many times more, or not."""
        ends = [state]
        for time in range(node.least + 1, (node.most or 0) + 1):
            state = self.go(node.body, self._next(node, again, follow, time), state)
            ends.append(state)
        if follow & ENDS:
            return _after(1, 1, None)
        distinct = not again & follow
        totals = [end.total for end in ends]
        return _after(
            max(totals) if distinct else sum(totals),
            sum(end.paths for end in ends),
            _either(*(end.before for end in ends)),
        )

    def _row(self, node: Repeat, mask: int, follow: int, state: State, cost: float) -> State:
        """A repeat of characters of one set."""
        before = mask if node.least else _either(mask, state.before)
        if node.most == node.least:
            self._spend(state.total * node.least * cost)
            return State(state.total, state.paths, before, (*state.row, *[mask] * min(node.least, 50)))
        longest = self._longest if node.most is None else min(node.most, self._longest)
        if follow & ENDS:  # it matches as soon as it has what it needs
            self._spend(state.total * (1 + node.least * cost) + self._longest * cost)
            return _after(1, 1, before)
        once = self._begins_once(node, mask, state)
        ways = longest - node.least + 1
        entries = 1 if once else min(ways / _period(state.row) + 1, state.total)
        paths = state.paths * entries if node.most is not None else state.paths if once else state.total
        self._spend(state.total + (self._longest * paths if once else state.total * longest) * cost)
        total = state.total if not mask & follow else min(state.total * ways, self._longest * paths)
        self._spend(total)
        return _after(total, min(paths, total), before)

    def _begins_once(self, node: Repeat, mask: int, state: State) -> bool:
        """Whether it can begin in one place only of a row of its characters."""
        if id(node) in self._leads and state.before is None and not state.boundary:
            return True
        at_boundary = state.boundary and node.least > 0 and not mask & ~self._mask(Chars(WORD))
        return at_boundary or (state.before is not None and not state.before & mask)


def _after(total: float, paths: float, before: int | None) -> State:
    return State(max(total, 1), max(min(paths, total), 1), before)


def _either(*sets: int | None) -> int | None:
    found = 0
    for each in sets:
        if each is None:
            return None
        found |= each
    return found


def _period(row: tuple[int, ...]) -> int:
    """How far apart two occurrences of a row are at least."""
    for shift in range(1, len(row)):
        if all(one & other for one, other in zip(row, row[shift:], strict=False)):
            return shift
    return max(len(row), 1)
