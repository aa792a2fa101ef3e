"""From an expression's text to its closure: Jinja reads the grammar, the rest is ours.

The table at the end is the allow-list: what has no line there cannot be said. Jinja generates no code here and
evaluates nothing, so that nothing of Python can be reached from an expression, and what is missing or of the wrong type
means what the spec language says.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from jinja2 import nodes

from connector_core.address import MISSING
from connector_core.template.expression import Evaluate, Expression, Mode, Path, Scope, absent, dotted
from connector_core.template.filters import ADDED, FILTERS, default
from connector_core.template.grammar import chain, checked_arguments, parsed, reads_of, refusal
from connector_core.template.operators import (
    ARITHMETIC,
    COMPARISONS,
    at_most,
    bounded,
    finite,
    key_of,
    member,
    number,
    part_of,
)
from connector_core.template.written import MissingError, TemplateError, kind_of, text_of

__all__ = ["compiled"]

_INSTEAD: Final = object()
LONGEST_REASON = 200
SHORTEST_SECRET = 3
"""Characters; what is shorter stands in many words, and hides nothing."""


def compiled(source: str, mode: Mode) -> Expression:
    """The expression's closure and what it reads; raises TemplateError, in words, for all that is not allowed."""
    tree = parsed(source)
    evaluate = Compiler(source, mode).compile(tree)
    last = tree.name if isinstance(tree, nodes.Filter) else ""
    inner = frozenset(found.name for found in tree.find_all(nodes.Filter) if found is not tree)
    return Expression(source, _guarded(source, evaluate), tuple(reads_of(tree)), last, inner)


def _guarded(source: str, evaluate: Evaluate) -> Evaluate:
    shown = source if len(source) <= 80 else f"{source[:77]}…"  # noqa: PLR2004 - a line

    def run(scope: Scope) -> Any:
        try:
            return evaluate(scope)
        except TemplateError as wrong:
            raise TemplateError(f"{shown}: {wrong}") from None
        except RecursionError:
            raise TemplateError(f"{shown}: the value is nested too deeply") from None

    return run


class Compiler:
    """Turns one expression's tree into closures, each of which knows its operands."""

    def __init__(self, source: str, mode: Mode) -> None:
        self.source: str = source
        self.mode: Mode = mode

    def compile(self, node: nodes.Node) -> Evaluate:
        """The closure of a node."""
        if (path := chain(node)) is not None:
            return dotted(path)
        build = ALLOWED.get(type(node))
        if build is None:
            raise refusal(node)
        return build(self, node)

    def _missing(self, *operands: nodes.Node) -> Callable[[Scope], MissingError]:
        reads: tuple[Path, ...] = tuple(path for node in operands for path in reads_of(node))
        return lambda scope: MissingError(absent(reads, scope) or self.source)

    # ── values ─────────────────────────────────────────────────────────────────────────────────────

    def constant(self, node: nodes.Const) -> Evaluate:
        """A literal."""
        value = node.value
        return lambda _scope: value

    def attribute(self, node: nodes.Getattr) -> Evaluate:
        """`a.b` is the key b of a."""
        inner, key = self.compile(node.node), node.attr
        return lambda scope: member(inner(scope), key)

    def item(self, node: nodes.Getitem) -> Evaluate:
        """`a[b]`: a key of an object, a position of a list or text; or `a[b:c]`."""
        inner = self.compile(node.node)
        if isinstance(node.arg, nodes.Slice):
            return self._slice(inner, node.arg)
        key = self.compile(node.arg)
        return lambda scope: member(inner(scope), key(scope))

    def _slice(self, inner: Evaluate, node: nodes.Slice) -> Evaluate:
        ends = [self.compile(end) if end is not None else None for end in (node.start, node.stop, node.step)]

        def run(scope: Scope) -> Any:
            return part_of(inner(scope), [None if end is None else end(scope) for end in ends])

        return run

    def sequence(self, node: nodes.List) -> Evaluate:
        """`[a, b]`; what is missing is left out."""
        items = [self.compile(item) for item in node.items]
        return lambda scope: [value for item in items if (value := item(scope)) is not MISSING]

    def mapping(self, node: nodes.Dict) -> Evaluate:
        """`{'a': b}`; a key whose value is missing is left out."""
        pairs = [(self.compile(pair.key), self.compile(pair.value)) for pair in node.items]

        def run(scope: Scope) -> dict[Any, Any]:
            return {key_of(key(scope)): found for key, value in pairs if (found := value(scope)) is not MISSING}

        return run

    # ── operators ──────────────────────────────────────────────────────────────────────────────────

    def arithmetic(self, node: nodes.BinExpr) -> Evaluate:
        """`+ - * / %` on numbers."""
        left, right, symbol = self.compile(node.left), self.compile(node.right), type(node).operator
        apply = ARITHMETIC[symbol]

        def run(scope: Scope) -> Any:
            one, other = left(scope), right(scope)
            if one is MISSING or other is MISSING:
                return MISSING
            return finite(apply, number(symbol, one), number(symbol, other))

        return run

    def negative(self, node: nodes.Neg) -> Evaluate:
        """`-a`."""
        inner = self.compile(node.node)

        def run(scope: Scope) -> Any:
            value = inner(scope)
            return MISSING if value is MISSING else -number("-", value)

        return run

    def concat(self, node: nodes.Concat) -> Evaluate:
        """`a ~ b`: text."""
        parts = [(self.compile(part), self._missing(part)) for part in node.nodes]
        mode = self.mode

        def run(scope: Scope) -> Any:
            written: list[str] = []
            size = 0
            for evaluate, missing in parts:
                if (value := evaluate(scope)) is not MISSING:
                    written.append(text_of(value))
                    size = at_most(size + len(written[-1]))
                elif mode == "value":
                    raise missing(scope)
                elif mode != "message":
                    return MISSING
            return "".join(written)

        return run

    # ── conditions ─────────────────────────────────────────────────────────────────────────────────

    def truth(self, node: nodes.Node) -> Callable[[Scope], bool]:
        """Whether a value holds: not null, false, 0 or empty. In a flag a missing one is an error."""
        inner, missing, strict = self.compile(node), self._missing(node), self.mode == "flag"

        def run(scope: Scope) -> bool:
            value = inner(scope)
            if value is MISSING and strict:
                raise missing(scope)
            return bool(value)

        return run

    def compare(self, node: nodes.Compare) -> Evaluate:
        """`a == b`, `a < b <= c`, `a in b`; what is missing compares false, even by `!=`."""
        operands = [node.expr, *(operand.expr for operand in node.ops)]
        values = [(self.compile(operand), self._missing(operand)) for operand in operands]
        tests = [COMPARISONS[operand.op] for operand in node.ops]
        strict = self.mode == "flag"

        def run(scope: Scope) -> bool:
            before: Any = None
            for at, (evaluate, missing) in enumerate(values):
                value = evaluate(scope)
                if value is MISSING:
                    if strict:
                        raise missing(scope)
                    return False
                if at and not tests[at - 1](before, value):
                    return False
                before = value
            return True

        return run

    def negation(self, node: nodes.Not) -> Evaluate:
        """`not a`."""
        holds = self.truth(node.node)
        return lambda scope: not holds(scope)

    def both(self, node: nodes.And) -> Evaluate:
        """`a and b`: a if it does not hold, else b."""
        left, right, missing = self._operands(node)

        def run(scope: Scope) -> Any:
            value = left(scope)
            if value is MISSING and missing:
                raise missing(scope)
            return right(scope) if value else value

        return run

    def either(self, node: nodes.Or) -> Evaluate:
        """`a or b`: a if it holds, else b."""
        left, right, missing = self._operands(node)

        def run(scope: Scope) -> Any:
            value = left(scope)
            if value is MISSING and missing:
                raise missing(scope)
            return value or right(scope)

        return run

    def _operands(self, node: nodes.BinExpr) -> tuple[Evaluate, Evaluate, Callable[[Scope], MissingError] | None]:
        missing = self._missing(node.left) if self.mode == "flag" else None
        return self.compile(node.left), self.compile(node.right), missing

    def choice(self, node: nodes.CondExpr) -> Evaluate:
        """`a if condition else b`; missing where there is no else."""
        holds, then = self.truth(node.test), self.compile(node.expr1)
        if node.expr2 is None:
            return lambda scope: then(scope) if holds(scope) else MISSING
        otherwise = self.compile(node.expr2)
        return lambda scope: then(scope) if holds(scope) else otherwise(scope)

    def test(self, node: nodes.Test) -> Evaluate:
        """`a is none`, `a is defined`."""
        inner = self.compile(node.node)
        if node.name == "defined":
            return lambda scope: inner(scope) is not MISSING
        if self.mode != "flag":
            return lambda scope: inner(scope) is None
        missing = self._missing(node.node)

        def strict(scope: Scope) -> bool:
            if (value := inner(scope)) is MISSING:
                raise missing(scope)
            return value is None

        return strict

    # ── filters ────────────────────────────────────────────────────────────────────────────────────

    def filter(self, node: nodes.Filter) -> Evaluate:
        """`a | name(…)`; a filter of something missing is missing, and so is one with a missing argument."""
        checked_arguments(node)
        assert node.node is not None  # noqa: S101 - only a filter block has none, and there are no blocks
        value = self.compile(node.node)
        arguments = [self.compile(argument) for argument in node.args]
        named = {str(keyword.key): self.compile(keyword.value) for keyword in node.kwargs}
        if node.name == "default":
            return _default(value, arguments, named)
        apply = partial(_applied, node.name, FILTERS[node.name])

        def run(scope: Scope) -> Any:
            given = [evaluate(scope) for evaluate in (value, *arguments)]
            extra = {name: evaluate(scope) for name, evaluate in named.items()}
            if MISSING in given or MISSING in extra.values():
                return MISSING
            return apply(given, extra)

        return run


def _default(value: Evaluate, arguments: list[Evaluate], named: dict[str, Evaluate]) -> Evaluate:
    """The one filter that sees what is missing: a value, an operand inside of it, or the flag's."""
    given = dict(zip(("instead", "empty"), arguments, strict=False)) | named
    instead, empty = given["instead"], given.get("empty")

    def run(scope: Scope) -> Any:
        try:
            found = value(scope)
        except MissingError:
            found = MISSING
        found = default(found, _INSTEAD, empty is not None and empty(scope))
        return instead(scope) if found is _INSTEAD else found

    return run


def _applied(name: str, function: Callable[..., Any], given: list[Any], extra: dict[str, Any]) -> Any:
    try:
        return bounded(function(*given, **extra))
    except TemplateError as wrong:
        raise TemplateError(f"| {name} {wrong}") from None
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:  # no value is shown: it may be a secret
        said = _said(error, [*given, *extra.values()]) if name in ADDED else ""
        why = f": {said}" if said else " like this"
        raise TemplateError(f"| {name} cannot be applied to {kind_of(given[0])}{why}") from None


def _said(error: Exception, given: list[Any]) -> str:
    """What a plug-in's filter says, in one line, without the values that it was given."""
    text = " ".join(str(error).split())
    for value in given:
        for shown in (repr(value)[1:-1] if isinstance(value, str) else repr(value), str(value)):
            if len(shown) >= SHORTEST_SECRET:
                text = text.replace(shown, "***")
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"


ALLOWED: dict[type[nodes.Node], Callable[[Compiler, Any], Evaluate]] = {
    nodes.Const: Compiler.constant,
    nodes.Getattr: Compiler.attribute,
    nodes.Getitem: Compiler.item,
    nodes.List: Compiler.sequence,
    nodes.Dict: Compiler.mapping,
    nodes.Add: Compiler.arithmetic,
    nodes.Sub: Compiler.arithmetic,
    nodes.Mul: Compiler.arithmetic,
    nodes.Div: Compiler.arithmetic,
    nodes.Mod: Compiler.arithmetic,
    nodes.Neg: Compiler.negative,
    nodes.Concat: Compiler.concat,
    nodes.Compare: Compiler.compare,
    nodes.Not: Compiler.negation,
    nodes.And: Compiler.both,
    nodes.Or: Compiler.either,
    nodes.CondExpr: Compiler.choice,
    nodes.Test: Compiler.test,
    nodes.Filter: Compiler.filter,
}
"""The whole language, besides plain names."""
