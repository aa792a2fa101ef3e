"""One spec file as plain data, and the line and column of everything in it.

Rule 1: YAML has its 1.2 core meaning (`NO`, `on`, `12:30`, `1_000` and dates are text), and numbers with leading
        zeros stay text too. JSON is read as JSON, whatever the file is called.
Rule 2: what could mean something else to the next reader is refused: duplicate keys, anchors, aliases, merge keys,
        tags, keys that are not text, NaN and infinity.
Rule 3: a file costs what its size says: at most 1 MiB, 64 levels, no recursion.
Rule 4: every problem that can be seen without knowing the spec language is told at once.

::

    text ── yaml_text or json_text: a flat run of tokens ──> tree: data, positions, problems ──> Source
                     └── mistakes: why it is not YAML, and what to quote
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from connector_core.source import json_text, yaml_text
from connector_core.source.tree import MAX_PROBLEMS, Path, Position, Tree, dotted, position

__all__ = ["MAX_BYTES", "MAX_PROBLEMS", "Path", "Position", "Source", "dotted", "read"]

MAX_BYTES = 1024 * 1024


class Source(Struct, frozen=True):
    """A file that was read: `data` is the root mapping, made of dict, list, str, int, float, bool and None."""

    name: str
    data: dict[str, Any]
    first_line: str
    """Where a comment may tell editors the schema."""
    _values: Mapping[Path, Position]
    _keys: Mapping[Path, Position]

    def at(self, path: Path) -> Position:
        """Line and column, from 1, of the value; of its nearest ancestor where the file does not hold it."""
        while path not in self._values:
            path = path[:-1]
        return self._values[path]

    def at_key(self, path: Path) -> Position:
        """Line and column of the key itself; of the value where it is a list's item."""
        return self._keys.get(path) or self.at(path)


def read(text: str | bytes, name: str) -> Source:
    """The file's data; raises SpecError with every problem in it. A `name` that ends in `.json` has to be JSON."""
    tree = Tree(name)
    tree.text = _checked(text, tree)
    if name.endswith(".json") or json_text.is_object(tree.text):
        json_text.feed(tree)
    else:
        yaml_text.feed(tree)
    return Source(name, tree.finished(), tree.text.partition("\n")[0], tree.values, tree.keys)


# What YAML 1.2 does not print, the line breaks that only YAML 1.1 knows, and a byte order mark inside the text.
_UNSEEN = "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_UNSEEN_IN_ASCII = r"[^\t\n\r\x20-\x7e]"
"""Apart, and compiled where it is used: the set above takes 4 ms to compile, a fortieth of a first page."""


def _checked(text: str | bytes, tree: Tree) -> str:
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        tree.fail((1, 1), "the file has more than the 1 MiB that a spec may have")
    try:
        content = text if isinstance(text, str) else raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode().removeprefix("\ufeff")
        tree.fail(position(before, len(before)), f"byte 0x{raw[error.start]:02x} is not UTF-8: save the file as UTF-8")
    content = content.removeprefix("\ufeff")
    if bad := re.search(_UNSEEN_IN_ASCII if content.isascii() else _UNSEEN, content):
        code = f"{ord(bad[0]):04x}"
        tree.fail(
            position(content, bad.start()),
            f"the invisible character U+{code.upper()}: remove it, or write it in double quotes as \\u{code}",
        )
    return content
