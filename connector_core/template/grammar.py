"""Jinja's grammar for one expression, what of it is refused, and the words that say what to write instead."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator
from typing import Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connector_core.component import suggestion
from connector_core.template.expression import Path
from connector_core.template.filters import FILTERS, LITERALS, WRITTEN_OUT
from connector_core.template.quotes import marks
from connector_core.template.written import TemplateError

__all__ = ["chain", "checked_arguments", "parsed", "reads_of", "refusal"]

MOST_NODES = 400
DEEPEST = 60
"""Levels of operations inside operations."""
DEEPEST_BRACKETS = 20
"""Levels of brackets; each costs the parser a dozen frames of Python's stack."""

_GRAMMAR: Final = ImmutableSandboxedEnvironment(extensions=(), autoescape=False)
_ESCAPE = re.compile(r"""\\(\\|(?![\\'"abfnrtvxuUN0-7\n]))""")
_START = r"(?<![\w.])"
"""Where a chain of names begins: a pattern that could begin inside of it would look through its end again and again."""
_QUOTED_KEY = re.compile(_START + r"""([\w.]*\w)\.('[^']*'|"[^"]*")""")
_ADDRESSES = (
    (re.compile(_START + r"header\.(\w+(?:-\w+)+)"), "header['{0}']"),
    (re.compile(_START + r"(\w+(?:\.\w+)*)\.-1\b"), "{0} | last"),
    (re.compile(_START + r"(\w+(?:\.\w+)*)\.(-\d+)"), "{0}[{1}]"),
    (re.compile(_START + r"(\w+(?:\.\w+)*)\.\*\.(\w+)"), "{0} | pluck('{1}')"),
    (re.compile(_START + r"(\w+(?:\.\w+)*)\.\*"), "{0}"),
)
"""Addresses that were meant as expressions, and the expressions to write."""
_FOREIGN = (
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("===", "write =="),
    ("?", "write `a if condition else b`"),
    ("!", "write `not`, or != between two values"),
    ("{{", "{{ }} is not written inside of {{ }}, nor in a condition: write the bare expression"),
    ("}}", "{{ }} is not written inside of {{ }}, nor in a condition: write the bare expression"),
)
_NO_NAMES = {
    **dict.fromkeys(("null", "nil", "undefined"), "write none, or test with `is none` and `is defined`"),
    **dict.fromkeys(
        ("self", "super", "loop", "caller", "varargs", "kwargs", "cycler", "joiner", "namespace", "lipsum"),
        "it belongs to templates that make pages, and there is nothing of it here",
    ),
}
_FUNCTIONS = {"len": "length", "str": "string", "list": "split", "sorted": "sort", "sha256": "hash"}
_METHODS = {"strip": "trim", "items": "json", "encode": "base64", "startswith": "", "format": ""}
_INSTEAD: dict[type[nodes.Node], str] = {
    nodes.Pow: "** is not available; write the product: a * a",
    nodes.FloorDiv: "// is not available; write (a / b) | int",
    nodes.Pos: "a + in front of a number says nothing; leave it out",
    nodes.Tuple: "(a, b) is not available; write a list: [a, b]",
    nodes.Slice: "a slice is written [from:to], with nothing else in the brackets",
}


def parsed(source: str) -> nodes.Expr:
    """The tree of an expression, within its bounds; raises TemplateError."""
    bare = _with_texts(source, lambda _: "''")
    _check_addresses(bare, source)
    _check_brackets(bare)
    try:
        body = _GRAMMAR.parse("{{ " + _with_texts(source, _escaped) + " }}").body
    except TemplateSyntaxError as wrong:
        raise _unreadable(source, bare, wrong.message or "") from None
    except SyntaxError:
        raise TemplateError(
            f"{_shown(source)} is not an expression: a number is written with the digits 0 to 9"
        ) from None
    except (ValueError, RecursionError):  # digits beyond Python's bound; a long row of `not`
        raise TemplateError(f"{_shown(source)} is too long to be read") from None
    tree = _only(body)
    if tree is None:
        raise _unreadable(source, bare, "it is not one expression")
    _check_nodes(tree)
    return tree


def _with_texts(source: str, written: Callable[[str], str]) -> str:
    """The expression with each text that is quoted written in another way."""
    pieces: list[str] = []
    at = 0
    for start, end in marks(source):
        if source[start] in "'\"":
            pieces += source[at:start], written(source[start:end])
            at = end
    return "".join((*pieces, source[at:]))


def _escaped(quoted: str) -> str:
    """The literal with the backslashes doubled that escape nothing, so that a pattern can be written as it is."""
    return _ESCAPE.sub(r"\\\\", quoted)


def _only(body: list[nodes.Node]) -> nodes.Expr | None:
    output = body[0] if len(body) == 1 else None
    if not isinstance(output, nodes.Output) or len(output.nodes) != 1:
        return None
    return None if isinstance(output.nodes[0], nodes.TemplateData) else output.nodes[0]


def _shown(source: str) -> str:
    return f"`{source if len(source) <= 60 else source[:57] + '…'}`"  # noqa: PLR2004 - what a line has room for


def _check_addresses(bare: str, source: str) -> None:
    for pattern, instead in _ADDRESSES:
        if found := pattern.search(bare):
            raise TemplateError(
                f"{_shown(found[0])} is an address, and this is an expression; write {instead.format(*found.groups())}"
            )
    if re.search(r"\w\.''", bare) and (found := _QUOTED_KEY.search(source)):
        raise TemplateError(
            f"{_shown(found[0])} is an address, and this is an expression; write {found[1]}[{found[2]}]"
        )


def _check_brackets(bare: str) -> None:
    depth = 0
    for character in bare:
        depth += (character in "([{") - (character in ")]}")
        if depth > DEEPEST_BRACKETS:
            raise TemplateError(f"brackets are nested more than {DEEPEST_BRACKETS} deep")


def _unreadable(source: str, bare: str, message: str) -> TemplateError:
    if not source:
        return TemplateError("there is nothing in it; write a name, such as {{ config.shop_url }}")
    for sign, hint in _FOREIGN:
        if sign in (bare.replace("!=", "") if sign == "!" else bare):
            return TemplateError(f"{_shown(source)} is not an expression: {hint}")
    if re.search(r"(?<![=!<>])=(?!=)", bare):
        return TemplateError(f"{_shown(source)} is not an expression: to compare, write ==")
    return TemplateError(f"{_shown(source)} is not an expression: {_reworded(message)}")


def _reworded(message: str) -> str:
    """Jinja's complaint without the words for what surrounds an expression in a page."""
    if found := re.fullmatch(r"expected token 'end of print statement', got '?(.*?)'?", message):
        return f"nothing can stand where '{found[1]}' stands"
    if re.search(r"got 'end of print|unexpected 'end of print|unexpected end of|unexpected '}'", message):
        return "it ends too early"
    if message == "expected name or number":
        return "after a dot stands a name; other keys are written a['key']"
    return re.sub(r" at \d+$", "", message).rstrip(".")


def _check_nodes(tree: nodes.Expr) -> None:
    """Everything that the table of the compiler cannot see: bounds, names, literals."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 1)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if count > MOST_NODES or depth > DEEPEST:
            raise TemplateError(f"the expression is too complex (at most {MOST_NODES} parts, {DEEPEST} deep)")
        _check_node(node)
        waiting.extend((child, depth + 1) for child in node.iter_child_nodes())


def _check_node(node: nodes.Node) -> None:
    match node:
        case nodes.Name(name=name) if name in _NO_NAMES:
            raise TemplateError(f"there is no name '{name}'; {_NO_NAMES[name]}")
        case nodes.Getattr(attr=key) if key.startswith("__") and key.endswith("__"):
            raise TemplateError(f"`.{key}` is Python's; an expression sees keys of objects only")
        case nodes.Const(value=float() as value) if not math.isfinite(value):
            raise TemplateError("the number is too large")
        case nodes.Test(name=name):
            if name not in ("none", "defined") or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
                raise TemplateError(f"`is {name}` is not available; the tests are `is none` and `is defined`")


# ── names ──────────────────────────────────────────────────────────────────────────────────────────


def chain(node: nodes.Node) -> Path | None:
    """The path of a name and constant keys below it; None for anything else."""
    keys: list[str] = []
    while True:
        match node:
            case nodes.Name(name=name):
                return (name, *reversed(keys))
            case nodes.Getattr(node=inner, attr=key):
                keys.append(key)
            case nodes.Getitem(node=inner, arg=nodes.Const(value=str() as key)):
                keys.append(key)
            case _:
                return None
        node = inner


def reads_of(node: nodes.Node) -> Iterator[Path]:
    """Every path that is read below the node, in order; a subscript that is computed ends its path."""
    if (path := chain(node)) is not None:
        yield path
        return
    for child in node.iter_child_nodes():
        yield from reads_of(child)


# ── what is refused ────────────────────────────────────────────────────────────────────────────────


def checked_arguments(node: nodes.Filter) -> None:
    """Raises where the filter is unknown, or not written with these arguments."""
    if node.name not in FILTERS:
        hint = suggestion(node.name, FILTERS, more="what a plug-in brings")
        raise TemplateError(f"unknown filter '{node.name}'{hint}")
    signature = inspect.signature(FILTERS[node.name])
    if not (node.dyn_args or node.dyn_kwargs):
        try:
            given = {str(keyword.key): keyword.value for keyword in node.kwargs}
            bound = signature.bind(None, *node.args, **given)
        except TypeError:
            pass
        else:
            _check_literals(node.name, bound.args[1:])
            return
    raise TemplateError(f"the filter {node.name} is written {_usage(node.name, signature)}")


def _check_literals(name: str, arguments: tuple[nodes.Expr, ...]) -> None:
    """Raises where the filter can't have what is written out; what is computed is checked when it is there."""
    check = LITERALS.get(name)
    if check is None:
        return
    literals = [argument.value for argument in arguments if isinstance(argument, nodes.Const)]
    if len(literals) == len(arguments):
        try:
            check(*literals)
        except TemplateError as wrong:
            raise TemplateError(f"| {name}: {wrong}") from None
    elif name in WRITTEN_OUT:
        raise TemplateError(f"| {name} is written with literals, such as | regex('id=([0-9]+)', 1)")


def _usage(name: str, signature: inspect.Signature) -> str:
    _, *parameters = signature.parameters.values()
    needed = [p.name for p in parameters if p.default is inspect.Parameter.empty]
    may = [p.name for p in parameters if p.default is not inspect.Parameter.empty]
    inside = ", ".join(needed) + (f"[, {', '.join(may)}]" if needed and may else f"[{', '.join(may)}]" if may else "")
    return f"| {name}({inside})" if inside else f"| {name}"


def refusal(node: nodes.Node) -> TemplateError:
    """The error for a construct that is not on the list, with what to write instead."""
    if isinstance(node, nodes.Call):
        return TemplateError(_call(node))
    return TemplateError(_INSTEAD.get(type(node), f"{type(node).__name__} is not part of expressions"))


def _call(node: nodes.Call) -> str:
    called = node.node
    if isinstance(called, nodes.Getattr):
        base = ".".join(chain(called.node) or ("value",))
        if called.attr == "get" and node.args and isinstance(node.args[0], nodes.Const):
            key = node.args[0].value
            written = f"{base}.{key}" if str(key).isidentifier() else f"{base}[{key!r}]"
            return f"`{base}.get({key!r})` is a call, and there are none; write `{written} | default(…)`"
        name = _METHODS.get(called.attr, called.attr)
        hint = f"`{base} | {name}`" if name in FILTERS else "a filter: `value | filter`"
        return f"`{base}.{called.attr}(…)` is a call, and there are none; write {hint}"
    if isinstance(called, nodes.Name):
        name = _FUNCTIONS.get(called.name, called.name)
        hint = f"`value | {name}`" if name in FILTERS else "a filter: `value | filter`"
        return f"`{called.name}(…)` is a call, and there are none; write {hint}"
    return "a call is not available; write a filter: `value | filter`"
