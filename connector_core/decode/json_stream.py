"""The elements of one array of a JSON body as they come, and the body without them.

Theory of operation: regular expressions find where elements end, and nothing more: brackets and strings, no values.
Elements are then decoded many at a time, and what stands outside the array is decoded at the end. So every byte passes
through the real decoder, and whatever the expressions get wrong about a body that is no JSON is refused there.

Rule 1: every place in the body is looked at a bounded number of times, however it is cut into chunks.
Rule 2: what is kept is one element that has not ended, and what stands outside the array; each within LIMIT.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connector_core.decode.family import LIMIT, Stream, UndecodableError, too_large

__all__ = ["JsonStream"]

QUOTE, COMMA, BACKSLASH = b'",\\'
OPENS, CLOSES = frozenset(b"[{"), frozenset(b"]}")
ARRAY, OBJECT, END = b"[{]"

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN_STRING = rb'"[^"]*+"(?:(?<=\\")[^"]*+")*+'
"""The same in a text without two backslashes in a row, where a quote after a backslash is always inside; faster."""


def _values(string: bytes, depth: int, but: bytes = b"") -> bytes:
    """Matches text up to the next bracket that is not closed, or that opens more than `depth` levels."""
    between = rb'[^\[\]{}"%s]*+' % but
    flat = rb"%s(?:%s%s)*+" % (between, string, between)
    if not depth:
        return flat
    inner = _values(string, depth - 1)
    return rb"%s(?:(?:\{%s\}|\[%s\])%s)*+" % (flat, inner, inner, flat)


def _elements(string: bytes) -> re.Pattern[bytes]:
    """Matches whole elements, each with its comma, as long as they are not nested more than four levels deep."""
    return re.compile(rb"(?:%s,)*+" % _values(string, 4, b","), re.DOTALL)


_ELEMENTS, _PLAIN_ELEMENTS = _elements(_STRING), _elements(_PLAIN_STRING)
_VALUES = re.compile(_values(_STRING, 4), re.DOTALL)
_ELEMENT = re.compile(_values(_STRING, 4, b","), re.DOTALL)
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_SIGN = re.compile(rb'["\[\]{},]|\Z')


def _after(pattern: re.Pattern[bytes], text: bytearray, at: int = 0) -> int:
    """Where the match from there ends."""
    found = pattern.match(text, at)
    assert found is not None  # noqa: S101 - every pattern here matches nothing too
    return found.end()


def _last_doubled(before: bytearray, chunk: bytes) -> int:
    """Where two backslashes in a row stand last, in the chunk behind the text; negative where they don't."""
    if (at := chunk.rfind(b"\\\\")) >= 0:
        return len(before) + at
    return len(before) - 1 if before.endswith(b"\\") and chunk.startswith(b"\\") else -1


class _Way:
    """The way to the array: which of the brackets that are open lead there."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._open = self._led = 0  # brackets that are open, and how many of them, from the first on, lead there
        self.next, self.name = True, False
        """Whether the next value is on the way; whether a string would be a name that may lead there."""

    @property
    def aside(self) -> bool:
        """Whether it stands inside of what does not lead there."""
        return self._open > self._led

    def opened(self, sign: int) -> bool:
        """Takes an opening bracket; True where it is the array's, which is then not counted."""
        leads, self.next, self.name = self.next, False, False
        arrived = self._led == len(self._keys)
        if leads and arrived and sign == ARRAY:
            return True
        if leads and not arrived and sign == OBJECT:
            self._led += 1
            self.name = True
        self._open += 1
        return False

    def closed(self) -> None:
        """Takes a closing bracket."""
        self._open -= 1
        self._led = min(self._led, self._open)
        self.next = self.name = False

    def comma(self) -> None:
        """Takes a comma."""
        self.next, self.name = False, self._led > 0 and not self.aside

    def named(self, name: str) -> None:
        """Takes a name."""
        self.next, self.name = name == self._keys[self._led - 1], False


class JsonStream(Stream):
    """The elements of the array that the keys lead to."""

    def __init__(self, keys: tuple[str, ...], decode: Callable[[bytes], tuple[Any, str | None]]) -> None:
        self._decode, self._way = decode, _Way(keys)
        self._buffer = bytearray()
        self._at = 0  # up to there the buffer has been looked at
        self._in_string, self._begin = False, 0  # whether it stands inside a string there, and where that began
        self._envelope = bytearray()  # what stands outside the array and is no longer in the buffer
        self._step: Callable[[list[Any]], bool] = self._outside
        self._found = self._begun = False  # the array; an element of it
        self._open = self._count = 0  # brackets that are open in the array, and elements that were given
        self._fresh = True  # whether it stands where an element begins
        self._doubled = -1  # where two backslashes in a row stand last; negative: nowhere
        self._repairs: dict[str, None] = {}

    def feed(self, chunk: bytes) -> list[Any]:
        """See Stream."""
        self._doubled = max(self._doubled, _last_doubled(self._buffer, chunk))
        self._buffer += chunk
        items: list[Any] = []
        while self._step(items):
            pass
        if len(self._buffer) + len(self._envelope) > LIMIT:
            raise too_large("what the body holds besides its records, or one of them,", LIMIT)
        return items

    def close(self) -> list[Any]:
        """See Stream."""
        if self._step == self._inside:
            raise self._broken("the body is JSON that breaks off")
        self.rest = self._value(bytes(self._envelope + self._buffer))
        self.repair = ", ".join(sorted(self._repairs)) or None
        return []

    def _value(self, content: bytes) -> Any:
        value, repair = self._decode(content)
        if repair:
            self._repairs |= dict.fromkeys(repair.split(", "))
        return value

    def _broken(self, what: str) -> UndecodableError:
        """The error for what is wrong in the array; of a body that was no JSON from its beginning, that is told."""
        if not self._envelope.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
            try:
                self._decode(bytes(self._envelope))
            except UndecodableError as error:
                return error
        return UndecodableError(f"{what.partition(' (')[0]} (after {self._count} records)")

    def _string_ends(self) -> bool:
        """Goes on behind the string that it stands in; False where its end has not come yet."""
        self._at = _after(_IN_STRING, self._buffer, self._at)
        if self._at == len(self._buffer) or self._buffer[self._at] == BACKSLASH:
            return False
        self._at += 1
        self._in_string = False
        return True

    # ── outside the array ─────────────────────────────────────────────────────────────────────────

    def _outside(self, _items: list[Any]) -> bool:
        """Looks for the array; True where it begins."""
        way, buffer = self._way, self._buffer
        while self._at < len(buffer):
            if self._in_string:
                if not self._string_ends():
                    return False
                self._named()
                continue
            self._at = self._sign()
            if self._at == len(buffer):
                return False
            sign = buffer[self._at]
            self._at += 1
            if sign == QUOTE:
                self._in_string, self._begin = True, self._at - 1
            elif sign == COMMA:
                way.comma()
            elif sign in CLOSES:
                way.closed()
            elif way.opened(sign):
                self._begins()
                return True
        return False

    def _sign(self) -> int:
        """Where the next quote, bracket or, on the way, comma stands; or the end."""
        if self._way.aside:
            return _after(_VALUES, self._buffer, self._at)
        found = _SIGN.search(self._buffer, self._at)
        return found.start() if found else len(self._buffer)

    def _named(self) -> None:
        """Looks at the string that has just ended."""
        if not self._way.name:
            self._way.next = False
            return
        try:
            name = self._decode(bytes(self._buffer[self._begin : self._at]))[0]
        except UndecodableError:
            name = None  # the whole is refused later
        self._way.named(name)
        if self._way.next and self._found:
            raise UndecodableError(f"the body has the name {name!r} twice, and records cannot be read as they come")

    def _begins(self) -> None:
        self._envelope += self._buffer[: self._at]
        del self._buffer[: self._at]
        self._doubled -= self._at
        self._at, self._found, self._step = 0, True, self._inside

    # ── inside the array ──────────────────────────────────────────────────────────────────────────

    def _inside(self, items: list[Any]) -> bool:
        """Takes elements; True where the array ends."""
        end, ended = self._last_end()
        if end is None:
            return False
        items += self._elements(end, last=ended)
        gone = end if ended else end + 1
        del self._buffer[:gone]
        self._at -= gone
        self._doubled -= gone
        if ended:
            self._step = self._outside
        return ended

    def _last_end(self) -> tuple[int | None, bool]:
        """Where the last comma or the bracket stands that ends an element, and whether it is the bracket."""
        buffer, last = self._buffer, None
        while self._at < len(buffer):
            if self._in_string:
                if not self._string_ends():
                    break
                continue
            if self._fresh and (end := self._many()) > self._at:
                last, self._at = end - 1, end
            self._fresh = False
            self._at = _after(_VALUES if self._open else _ELEMENT, buffer, self._at)
            if self._at == len(buffer):
                break
            sign = buffer[self._at]
            self._at += 1
            if sign == COMMA:
                last, self._fresh = self._at - 1, True
            elif sign == END and not self._open:
                return self._at - 1, True
            else:
                self._inner(sign)
        return last, False

    def _many(self) -> int:
        """Where the last of many whole elements ends, with its comma."""
        return _after(_PLAIN_ELEMENTS if self._doubled < self._at else _ELEMENTS, self._buffer, self._at)

    def _inner(self, sign: int) -> None:
        """Takes a quote or a bracket inside of an element."""
        if sign == QUOTE:
            self._in_string = True
        elif sign in OPENS:
            self._open += 1
        elif self._open:
            self._open -= 1
        else:
            raise self._broken("the body is not JSON")

    def _elements(self, end: int, *, last: bool) -> list[Any]:
        """The elements up to there."""
        text = bytes(self._buffer[:end])
        if not text.strip(b" \t\r\n"):
            if last and not self._begun:
                return []
            raise self._broken("the body is not JSON")
        self._begun = True
        try:
            values: list[Any] = self._value(b"[" + text + b"]")
        except UndecodableError as error:
            raise self._broken(str(error)) from None
        self._count += len(values)
        return values
