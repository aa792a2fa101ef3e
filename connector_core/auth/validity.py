"""When a certificate holds, read from its DER; so much of ASN.1 as that takes, and nothing of what it says otherwise.

Source: https://www.rfc-editor.org/rfc/rfc5280#section-4.1
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

__all__ = ["validity"]

_VERSION, _UTC_TIME = 0xA0, 0x17
_LONG = 0x80
"""From here on a length says how many bytes it has itself."""


def validity(certificate: bytes) -> tuple[float, float] | None:
    """From when to when, in seconds since 1970; None where this is no certificate that can be read."""
    try:
        (_, signed), *_ = _parts(next(_parts(certificate))[1])
        fields = [content for tag, content in _parts(signed) if tag != _VERSION]
        begin, end = (_seconds(tag, content) for tag, content in _parts(fields[3]))  # number, algorithm, issuer, this
    except (ValueError, IndexError, StopIteration, OverflowError):
        return None
    return begin, end


def _parts(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The values that stand one after the other, each with its tag."""
    at = 0
    while at < len(content):
        tag, length, at = content[at], content[at + 1], at + 2
        if length >= _LONG:
            size = length - _LONG
            length, at = int.from_bytes(content[at : at + size]), at + size
        if at + length > len(content):
            raise ValueError("it is cut off")
        yield tag, content[at : at + length]
        at += length


def _seconds(tag: int, content: bytes) -> float:
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits for the year, 1950 to 2049
        text = ("19" if text >= "5" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
