"""Finding an account's secrets in a text, in whatever form a service may send them back."""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["Masks"]

SHORTEST = 4
"""Characters; what is shorter would mask half of every text."""
MOST_LEARNT = 8
"""How many that came later are known: a service may quote one that has ended, and no pattern grows for ever."""
_INSTEAD = "***"
_ENCODED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=-")


class Masks:
    """Every form of an account's secrets: as they are, escaped for a URL, JSON or HTML, and inside of base64."""

    def __init__(self, secrets: Mapping[str, Any]) -> None:
        """`secrets`: those of the account; it may grow, which is seen when the next one is learnt."""
        self._secrets = secrets
        self._learnt: deque[Any] = deque(maxlen=MOST_LEARNT)
        self._known = False
        """Whether the patterns are those of what is known; few connections ever need them."""
        self._plain: re.Pattern[str] | None = None
        self._inside: re.Pattern[str] | None = None

    def learn(self, secret: Any) -> None:
        """Masks one that comes now, too, and the last of those that came before."""
        self._learnt.append(secret)
        self._known = False

    def _compile(self) -> None:
        known = (*self._secrets.values(), *self._learnt)
        texts = {text for value in known for text in _texts(value) if len(text) >= SHORTEST}
        self._plain = _any({form for text in texts for form in _forms(text)}, re.IGNORECASE)
        self._inside = _any({part for text in texts for part in _in_base64(text)}, re.NOFLAG)
        self._known = True

    def masked(self, text: str) -> str:
        """The text without them."""
        if not self._known:
            self._compile()
        if self._plain is not None:
            text = self._plain.sub(_INSTEAD, text)
        return text if self._inside is None else _without_words(self._inside, text)


def _any(forms: set[str], flags: re.RegexFlag) -> re.Pattern[str] | None:
    found = sorted(forms, key=len, reverse=True)  # one may begin with another
    return re.compile("|".join(map(re.escape, found)), flags) if found else None


def _without_words(pattern: re.Pattern[str], text: str) -> str:
    """The text without the encoded words that one of the forms stands in."""
    kept, done = [], 0
    for found in pattern.finditer(text):
        start, end = found.span()
        if start < done:
            continue
        while start > done and text[start - 1] in _ENCODED:
            start -= 1
        while end < len(text) and text[end] in _ENCODED:
            end += 1
        kept += [text[done:start], _INSTEAD]
        done = end
    return "".join([*kept, text[done:]])


def _texts(value: Any) -> Iterator[str]:
    """Every text in a secret, which may be an object."""
    match value:
        case str():
            yield value
        case Mapping():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case bool() | None:
            return
        case _:
            yield str(value)


def _forms(text: str) -> Iterator[str]:
    from html import escape  # it brings the names of all entities

    yield text
    for safe in ("", "/", "~,:"):
        yield quote(text, safe=safe, errors="replace")
    yield quote_plus(text, errors="replace")
    yield "".join(one if one.isascii() and one.isalnum() else _bytes_of(one) for one in text)
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield escape(text)


def _bytes_of(character: str) -> str:
    """In percent-encoding, also what needs none: some services encode `-` and `.` too."""
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def _in_base64(text: str) -> Iterator[str]:
    """What of the text's base64 is the same whatever stands before and after it: Basic sign-in joins two texts."""
    raw = text.encode("utf-8", "replace")
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw).decode()
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        if last - first >= 2 * SHORTEST:
            yield whole[first:last]
            yield whole[first:last].translate(str.maketrans("+/", "-_"))
