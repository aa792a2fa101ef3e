"""Quoted texts and braces of an expression, in one pass: time that grows with the text, however its quotes stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["marks"]

_MARK = re.compile(r"""['"{}]""")
_REST = {
    "'": re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL),
    '"': re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL),
}
"""What follows an opening quote, up to the one that closes it."""


def marks(source: str, at: int = 0) -> Iterator[tuple[int, int]]:
    """Where each quoted text and each brace outside of one begins and ends, in order; an open quote is none."""
    open_ = ""
    while found := _MARK.search(source, at):
        start, at = found.span()
        quote = found[0]
        if quote in open_:  # the text was searched to its end before, and has not been closed since
            continue
        if quote in _REST:
            closed = _REST[quote].match(source, at)
            if closed is None:
                open_ += quote
                continue
            at = closed.end()
        yield start, at
