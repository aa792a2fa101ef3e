"""The values of JSON Schema's `format` that are applied, each with its rule and the words for who breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["ANNOTATION_FORMATS", "BINARY", "FORMATS", "Format"]


class Format(NamedTuple):
    """Whether a text has the format, and what follows `must be` where it has not."""

    holds: Callable[[str], bool]
    words: str


_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _uri(text: str) -> bool:
    if re.search(r"[\s\x00-\x20\x7f\\<>\"^`{|}]", text):
        return False  # urlsplit would drop some of these silently
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _date(text: str) -> bool:
    from datetime import date

    try:
        return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) and date.fromisoformat(text))
    except ValueError:
        return False


def _date_time(text: str) -> bool:
    """RFC 3339, section 5.6; the offset is required."""
    return _date(text[:10]) and re.fullmatch(f"[Tt]{_TIME}", text[10:]) is not None


def _address(text: str, version: int) -> bool:
    from ipaddress import ip_address

    try:
        return "%" not in text and ip_address(text).version == version
    except ValueError:
        return False


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


FORMATS = {
    "date": Format(_date, "a date such as 2020-01-31"),
    "date-time": Format(_date_time, "a date and time such as 2020-01-31T00:00:00Z"),
    "email": Format(_matches(r"[^@\s]+@[^@\s]+"), "an e-mail address"),
    "hostname": Format(_matches(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*"), "a host name such as api.shop.example"),
    "ipv4": Format(lambda text: _address(text, 4), "an IPv4 address"),
    "ipv6": Format(lambda text: _address(text, 6), "an IPv6 address"),
    "time": Format(_matches(_TIME), "a time such as 12:30:00Z"),
    "uri": Format(_uri, "an http or https address such as https://shop.example"),
    "uuid": Format(_matches(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"), "a UUID"),
}
"""Formats by name."""

BINARY = Format(lambda _text: False, "a file: bytes, a pathlib.Path or a file opened in binary mode")
"""The format `binary`, where it is applied: in the input of a call."""

ANNOTATION_FORMATS = frozenset(
    {"binary", "byte", "decimal", "double", "float", "int32", "int64", "password", "uri-reference"}
)
"""Formats that are legal and only tell readers something, as OpenAPI's are; `binary` says more of an input."""
