"""How what does not fit on a line is broken, so that formatters leave it as it is.

A comma after the last of several things keeps them on lines of their own, at any width of lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector_core.types.names import WIDTH, width

__all__ = ["alias", "field", "literal", "method"]


def literal(values: Sequence[str]) -> list[str]:
    """`Literal[…]` of texts that are Python already: on one line, or one value on each."""
    return ["Literal[", *(f"    {value}," for value in values), "]"]


def alias(name: str, union: Sequence[str]) -> list[str]:
    """A name for a type that is one of several."""
    head = f"{name}: TypeAlias = "
    line = " | ".join(union)
    if width(head + line) <= WIDTH or line.isidentifier():
        return [head + line]
    if len(union) == 1:
        outer, _, inner = line.partition("[")
        return [f"{head}{outer}[", f"    {inner.removesuffix(']')}", "]"]
    inside = [f"    {line}"] if width(line) + 4 <= WIDTH else _one_each(union)
    return [f"{head}(", *inside, ")"]


def _one_each(union: Sequence[str]) -> list[str]:
    first, *rest = union
    return [f"    {first}", *(f"    | {part}" for part in rest)]


def field(head: str, annotation: str, *, required: bool, tail: str = "") -> list[str]:
    """A key with its type; `head` is all that stands before, `tail` after it."""
    if required:
        return [f"{head}{annotation}{tail}"]
    line = f"{head}NotRequired[{annotation}]{tail}"
    if width(line) <= WIDTH:
        return [line]
    indent = " " * (len(head) - len(head.lstrip()))
    return [f"{head}NotRequired[", f"{indent}    {annotation}", f"{indent}]{tail}"]


def method(head: str, parameters: Sequence[str], gives: str) -> list[str]:
    """A method of a protocol; `head` is what stands before its parameters."""
    line = f"    {head}({', '.join(['self', *parameters])}) -> {gives}: ..."
    if width(line) <= WIDTH:
        return [line]
    return [
        f"    {head}(",
        "        self,",
        *(line for parameter in parameters for line in _parameter(parameter)),
        f"    ) -> {gives}: ...",
    ]


def _parameter(parameter: str) -> list[str]:
    if width(parameter) + 9 <= WIDTH or not parameter.endswith("]"):
        return [f"        {parameter},"]
    head, _, inner = parameter.partition("[")
    return [f"        {head}[", f"            {inner[:-1]}", "        ],"]
