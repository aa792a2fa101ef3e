"""Names that the language takes, out of names that an OpenAPI document has."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["RESERVED", "address", "identifier", "singular", "unique"]

RESERVED = frozenset(
    [
        "batch",
        "body",
        "config",
        "connection",
        "cookie",
        "endpoint",
        "header",
        "input",
        "item",
        "job",
        "key",
        "now",
        "page",
        "query",
        "record",
        "result",
        "secrets",
        "slice",
        "start",
        "status",
        "token",
        "uuid",
        "and",
        "or",
        "not",
        "in",
        "is",
        "if",
        "else",
        "true",
        "false",
        "none",
        "loop",
    ]
)
"""Names that mean something in templates."""
LONGEST = 60


def identifier(text: str, otherwise: str = "value") -> str:
    """`Order-Item ID` as `order_item_id`: letters, digits and _, not beginning with a digit."""
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text[:200]))
    found = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:LONGEST].strip("_")
    if not found:
        return otherwise
    return f"_{found}" if found[0].isdigit() else found


def unique(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it where it is taken."""
    number, found = 2, name
    while found in taken:
        number, found = number + 1, f"{name}_{number}"
    return found


def singular(name: str) -> str:
    """`categories` as `category`."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name[: -len(ending)] + instead
    return name[:-1] if name.endswith("s") and not name.endswith(("ss", "us")) and len(name) > 2 else name  # noqa: PLR2004


def address(root: str, *keys: str) -> str:
    """`body.meta.next`, with quotes around keys that need them."""
    return ".".join([root, *(key if re.fullmatch(r"[\w-]+", key, re.ASCII) else _quoted(key) for key in keys)])


def _quoted(key: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", key) + '"'
