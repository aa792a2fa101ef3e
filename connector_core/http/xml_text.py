"""A structure as an XML document: keys are elements, `@name` attributes, `#text` the text, a list repeats its element.

::

    {"Order": {"@id": "7", "Item": [{"Name": "a"}, {"Name": "b"}], "Note": {"@lang": "en", "#text": "hi"}}}
    <Order id="7"><Item><Name>a</Name></Item><Item><Name>b</Name></Item><Note lang="en">hi</Note></Order>

Null is an empty element, and no attribute at all. Whatever a value holds, it stays text: nothing in it becomes markup.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

__all__ = ["document", "is_name", "is_text"]

_FIRST = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_WORD = f"[{_FIRST}][{_FIRST}0-9.\u00b7\u0300-\u036f\u203f\u2040-]*"
_NAME = f"{_WORD}(?::{_WORD})?"  # with one prefix at most: Namespaces in XML 1.0, §3
_NO_CHARACTER = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # XML 1.0 §2.2
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE = _TEXT | str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})


_compiled = cache(re.compile)  # when it is used: classes of so many characters take 15 ms


def is_name(text: str) -> bool:
    """Whether an element or an attribute can be called so."""
    return _compiled(_NAME).fullmatch(text) is not None


def is_text(text: str) -> bool:
    """Whether XML has a form for each of the characters."""
    return _compiled(_NO_CHARACTER).search(text) is None


def document(structure: Any) -> str:
    """The document of a structure with one root element; raises ValueError, which shows no value, where it is none."""
    if not isinstance(structure, dict) or len(structure) != 1:
        raise ValueError("it must be an object with one key, the root element")
    [(name, root)] = structure.items()
    if isinstance(root, list):
        raise ValueError(f"{name} is the root element, and there is one: it cannot be a list")  # noqa: TRY004 - as all of them here
    return '<?xml version="1.0" encoding="UTF-8"?>' + "".join(_element(name, root))


def _element(name: str, value: Any) -> Iterator[str]:
    _check(name)
    if isinstance(value, list):
        for item in value:
            if isinstance(item, list):
                raise ValueError(f"{name} is a list of lists, and an element is repeated once")  # noqa: TRY004 - the same
            yield from _element(name, item)
        return
    content = value if isinstance(value, dict) else {"#text": value}
    yield f"<{name}"
    for key, item in content.items():
        if key.startswith("@"):
            yield _attribute(key, item)
    inside = "".join(_inside(name, content))
    yield f">{inside}</{name}>" if inside else "/>"


def _inside(name: str, content: dict[str, Any]) -> Iterator[str]:
    for key, item in content.items():
        if key == "#text":
            yield _text(name, item).translate(_TEXT)
        elif not key.startswith("@"):
            yield from _element(key, item)


def _attribute(key: str, value: Any) -> str:
    _check(key[1:])
    return "" if value is None else f' {key[1:]}="{_text(key, value).translate(_ATTRIBUTE)}"'


def _check(name: str) -> None:
    if not is_name(name):
        raise ValueError(f"{name[:60]!r} cannot be the name of an element or an attribute")


def _text(name: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() if is_text(value):
            return value
        case str():
            raise ValueError(f"{name} holds a control character or half a character, which XML has no form for")
        case int():
            return repr(value)
        case float() if math.isfinite(value):
            return repr(value)
    raise ValueError(f"{name} holds a {type(value).__name__}, where only text, a finite number, true or false can be")
