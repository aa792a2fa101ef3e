"""The expressions in a text, found and compiled: dotted names at once, the rest through `compiler`.

`compiler` is imported when the first such expression is met: a spec of literals and dotted names never pays for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from connector_core.template.expression import Expression, Mode, Path, dotted
from connector_core.template.quotes import marks
from connector_core.template.written import TemplateError

__all__ = ["expression", "parts_of"]

LONGEST_SOURCE = 8192
_DOTTED = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*")
_NOT_NAMES = frozenset(
    {
        *("true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "else", "in", "is"),
        *("null", "nil", "undefined", "self", "super", "loop", "caller", "varargs", "kwargs"),
        *("cycler", "joiner", "namespace", "lipsum"),
    }
)
"""First words that are no name of ours: Jinja's constants and operators, and what the grammar refuses with a hint."""


@lru_cache(2048)
def expression(source: str, mode: Mode) -> Expression:
    """The compiled expression, shared by all that write the same; raises TemplateError, in words, where it is none."""
    if len(source) > LONGEST_SOURCE:
        raise TemplateError(f"longer than {LONGEST_SOURCE} characters; build such a value with a hook")
    if (path := _plain(source)) is not None:
        return Expression(source.strip(), dotted(path), (path,))
    from connector_core.template.compiler import compiled

    return compiled(source.strip(), mode)


def _plain(source: str) -> Path | None:
    found = _DOTTED.fullmatch(source)
    if found is None or "__" in source:
        return None
    path = tuple(found[1].split("."))
    return None if path[0] in _NOT_NAMES else path


# ── text with expressions in it ────────────────────────────────────────────────────────────────────


def parts_of(source: str) -> Iterator[tuple[bool, str]]:
    """The literal texts and the expressions (True) of a template, in order; raises TemplateError."""
    if "{{" in source and len(source) > LONGEST_SOURCE:
        raise TemplateError(f"longer than {LONGEST_SOURCE} characters; split it, or build it with a hook")
    at = 0
    while (start := source.find("{{", at)) >= 0:
        if literal := source[at:start]:
            yield False, _literal(literal)
        end = _end(source, start + 2)
        yield True, _trimmed(source[start + 2 : end])
        at = end + 2
    if literal := source[at:]:
        yield False, _literal(literal)


def _end(source: str, at: int) -> int:
    """Where the `}}` stands that closes an expression: outside of quotes, and not an object's."""
    depth = 0
    for start, _ in marks(source, at):
        if source[start] == "{":
            depth += 1
        elif source[start] == "}" and depth:
            depth -= 1
        elif source.startswith("}}", start):
            return start
    raise TemplateError("{{ is never closed; write {{ name }}, and {{ '{{' }} for the two braces themselves")


def _literal(text: str) -> str:
    if "{%" in text:
        raise TemplateError("{% … %} is a statement, and there are none; write {{ a if condition else b }} or a filter")
    if "{#" in text and "#}" in text:
        raise TemplateError("{# … #} is a comment of templates; write it as a comment of YAML: # …")
    return text


def _trimmed(inner: str) -> str:
    if inner[:1] in ("-", "+") or inner[-1:] in ("-", "+"):
        raise TemplateError("{{- and -}} are not available; for a negative number write {{ -1 }}, with a space")
    return inner
