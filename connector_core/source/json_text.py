"""JSON into a tree: the standard library judges the syntax, a walk over the tokens knows where everything stands."""

from __future__ import annotations

import json
import re

from connector_core.source.tree import Position, Tree, position

__all__ = ["feed", "is_object"]

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]|[^\s{}\[\],:"]+', re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None}


def is_object(text: str) -> bool:
    """Whether the text is a JSON object, which every reader of YAML 1.2 must read as one."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refused)
    except (ValueError, RecursionError):
        return False
    return True


def _refused(constant: str) -> None:
    raise ValueError(constant)  # NaN, which is text to YAML


def feed(tree: Tree) -> None:
    """Reads the tree's text into it; raises SpecError where it is not JSON."""
    if not tree.text.strip():
        return
    try:
        json.loads(tree.text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        tree.fail(*_told(tree.text, error))
    except RecursionError:
        _walk(tree)  # fails where it is too deep
        raise
    _walk(tree)


def _walk(tree: Tree) -> None:
    line, start, last = 1, 0, 0
    for token in _TOKEN.finditer(tree.text):
        if breaks := tree.text.count("\n", last, token.start()):
            line, start = line + breaks, tree.text.rfind("\n", last, token.start()) + 1
        last = token.start()
        _take(tree, token[0], (line, last - start + 1))


def _take(tree: Tree, word: str, at: Position) -> None:
    if word in "]}":
        tree.leave()
    elif word in "[{":
        tree.enter({} if word == "{" else [], at)
    elif word[0] == '"':
        tree.place(json.loads(word) if "\\" in word else word[1:-1], at)
    else:
        tree.place(_WORDS[word] if word in _WORDS else tree.number(word, at), at)


_SENTENCES = {
    "Expecting property name": "expected a key in double quotes",
    "Expecting ':'": "expected ':' after the key",
    "Expecting ','": "expected ',' or a closing bracket",
    "Expecting value": "expected a value",
    "Unterminated string": "this quote is never closed",
    "Invalid control": "a line break or tab inside quotes: write \\n or \\t",
    "Invalid \\u": "\\u needs four hexadecimal digits",
    "Invalid \\": "no such escape: write \\\\ for a backslash",
    "Extra data": "expected the end of the file",
}


def _told(text: str, error: json.JSONDecodeError) -> tuple[Position, str]:
    """The place and the reason, the same for every version of the standard library."""
    before, got = text[: error.pos].rstrip(), text[error.pos : error.pos + 1]
    if got in ("]", "}") and before.endswith(","):
        return position(text, len(before) - 1), f"a comma before {got!r}: remove it"
    if "trailing comma" in error.msg:  # from Python 3.13 on
        closing = text[error.pos + 1 :].lstrip()[:1]
        return position(text, error.pos), f"a comma before {closing!r}: remove it"
    if got in ("/", "#"):
        return position(text, error.pos), "JSON has no comments: remove it, or put it under an x-… key"
    words = next((words for start, words in _SENTENCES.items() if error.msg.startswith(start)), error.msg)
    return position(text, error.pos), words
