"""What of a spec's text may stand in Python: names of classes, keys, texts in quotes, and docstrings."""

from __future__ import annotations

import keyword
import re
import textwrap
import unicodedata

__all__ = ["WIDTH", "Names", "camel", "docstring", "is_field", "quoted", "width"]

WIDTH = 88
"""Columns of a line, as formatters have it unless they are told otherwise."""
LONGEST_NAME = 48

RESERVED = frozenset({
    "Any", "Binary", "CircuitStatus", "Counters", "False", "HealthReport", "Literal", "None", "NotRequired", "Pages",
    "Protocol", "Records", "Result", "SecretDue", "Spec", "True", "TypeAlias", "TypedDict",
})  # fmt: skip
"""What the written module has of others."""


def camel(text: str) -> str:
    """`create_order` → `CreateOrder`; only ASCII letters and digits are left, of some texts none."""
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", text))


class Names:
    """The classes of one module, each with a name of its own."""

    def __init__(self) -> None:
        self._taken = set(RESERVED)

    def free(self, wanted: str, otherwise: str) -> str:
        """The wanted name, or the nearest that nothing has yet; `otherwise` stands before what is no name."""
        name = wanted if wanted[:1].isalpha() else otherwise + wanted
        name = name[:LONGEST_NAME]
        number, found = 1, name
        while found in self._taken:
            number += 1
            found = f"{name}{number}"
        self._taken.add(found)
        return found


def is_field(name: str) -> bool:
    """Whether a key can be declared in a class: an identifier as Python reads it, and none that it mangles."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")


def quoted(text: str) -> str:
    """The text as a Python literal of one line, in the quotes that need fewer escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(character, quote) for character in text) + quote


def _escaped(character: str, quote: str) -> str:
    if character in "'\"":
        return f"\\{character}" if character == quote else character
    return repr(character)[1:-1]  # what cannot be printed, line ends and backslashes among it


def docstring(text: str, indent: str) -> list[str]:
    """The lines of a docstring; double quotes become single ones, and what cannot be printed a replacement mark."""
    words = " ".join(text.split()).replace('"', "'").replace("\\", "\\\\")
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in words)
    line = f'{indent}"""{shown}"""'
    first, *rest = textwrap.wrap(
        f'"""{shown}',
        WIDTH - 3,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line] if width(line) <= WIDTH or not rest else [first, *rest, f'{indent}"""']


def width(line: str) -> int:
    """Columns that a line takes: wide characters take two, marks on others none."""
    if line.isascii():
        return len(line)
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in line
    )
