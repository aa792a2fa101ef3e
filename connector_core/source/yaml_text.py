"""YAML into a tree: PyYAML's parser gives the tokens, and what a word means is decided here, as YAML 1.2 has it."""

from __future__ import annotations

import re
from typing import Any

from connector_core.source.mistakes import TEMPLATE, explain, unquoted
from connector_core.source.tree import Position, Tree

__all__ = ["feed"]

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def feed(tree: Tree) -> None:
    """Reads the tree's text into it; raises SpecError where it is not YAML, or more than one document."""
    import yaml  # a spec in JSON does without it

    documents = 0
    try:
        for event in yaml.parse(tree.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            mark: Any = event.start_mark  # never None: only events made by hand lack one
            at = mark.line + 1, mark.column + 1
            if isinstance(event, yaml.NodeEvent):
                _take(tree, event, at)
            elif isinstance(event, yaml.CollectionEndEvent):
                tree.leave()
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    tree.fail(at, "a second document starts here: a file holds one spec")
    except yaml.MarkedYAMLError as error:
        explain(tree, error)


def _take(tree: Tree, event: Any, at: Position) -> None:
    kind = type(event).__name__
    if event.anchor is not None or getattr(event, "tag", None) is not None:
        _refuse(tree, at)
    if kind == "ScalarEvent":
        tree.place(_meaning(tree, event.value, at) if event.implicit[0] else event.value, at)
    elif kind == "AliasEvent":
        tree.place("*" + event.anchor, at)
    else:
        if tree.awaits_key():
            _refuse_template(tree, at)
        tree.enter({} if kind == "MappingStartEvent" else [], at)


_SHARED = " (a schema that endpoints share is a file: schema: schemas/ticket.json)"


def _refuse(tree: Tree, at: Position) -> None:
    line, column = at
    remedy = {
        "*": f"aliases are refused: write the value out{_SHARED}, or if this is text, quote",
        "&": f"anchors are refused: write the value out where it is used{_SHARED}, or if this is text, quote",
    }.get(tree.line(line)[column - 1 : column], "tags are refused: remove it, or if this is text, quote")
    unquoted(tree, line, column - 1, remedy, tree.here())


def _refuse_template(tree: Tree, at: Position) -> None:
    """A mapping where a key should stand is mostly an unquoted `{{ … }}`: its first brace, or its second."""
    line, column = at
    for start in (column - 2, column - 1):
        if start >= 0 and tree.line(line).startswith("{{", start):
            unquoted(tree, line, start, TEMPLATE, tree.here())
            tree.mute()
            return


def _meaning(tree: Tree, text: str, at: Position) -> Any:
    """What an unquoted word is in YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789" and _NUMBER.fullmatch(text):
        return tree.number(text, at)
    if text == "<<":
        tree.problem(at, "merge keys are refused: write the keys out", tree.here())
    return text
