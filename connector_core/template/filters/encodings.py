"""Filters that write a value in another notation, read it back, or sum it up."""

from __future__ import annotations

import base64 as codec
import hashlib
import hmac as signing
import json as syntax
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from connector_core.address import MISSING
from connector_core.http import encode_query
from connector_core.template.filters.arguments import bounded_text, bounded_value, encoded
from connector_core.template.written import TemplateError, kind_of, text_of

__all__ = ["base64", "base64_decode", "from_json", "hash_", "hmac", "host", "json", "path", "query", "url"]

ALGORITHMS = ("sha256", "sha1", "sha512", "md5")


def json(value: Any) -> str:
    """As compact JSON."""
    bounded_value(value)
    return syntax.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def from_json(value: Any) -> Any:
    """The value that a JSON text writes."""
    try:
        return syntax.loads(bounded_text(value), parse_constant=_no_constant)
    except ValueError:
        raise TemplateError("takes JSON text, and got something else") from None


def base64(value: Any) -> str:
    """The UTF-8 bytes of the text in base64; bytes as they are."""
    return codec.b64encode(encoded(value)).decode()


def base64_decode(value: Any) -> str:
    """The text whose base64 this is, in the standard or the URL alphabet, with or without padding."""
    text = bounded_text(value).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return codec.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:
        raise TemplateError("takes base64 of text, and got something else") from None


def url(value: Any) -> str:
    """Percent-encoded as one part of a URL; slashes too."""
    return quote(encoded(value), safe="")


def path(value: Any) -> str:
    """Percent-encoded as a path: the slashes stay."""
    return quote(encoded(value), safe="/")


def query(value: Any) -> str:
    """An object as a query string; a list repeats its name, null is left out."""
    if not isinstance(value, Mapping):
        raise TemplateError(f"takes an object, not {kind_of(value)}")
    bounded_value(value)
    return encode_query(
        (str(name), text_of(item))
        for name, items in value.items()
        for item in (items if isinstance(items, list) else [items])
        if item is not None
    )


def host(value: Any) -> Any:
    """The host name of a URL, in small letters; missing where there is none."""
    return urlsplit(bounded_text(value).strip()).hostname or MISSING


def hash_(value: Any, algorithm: Any = "sha256", encoding: Any = "hex") -> str:
    """The digest of the text, in hex or base64: sha256, sha1, sha512 or md5."""
    return _written(hashlib.new(_algorithm(algorithm), encoded(value), usedforsecurity=False).digest(), encoding)


def hmac(value: Any, key: Any, algorithm: Any = "sha256", encoding: Any = "hex") -> str:
    """The keyed digest of the text, in hex or base64."""
    return _written(signing.digest(encoded(key), encoded(value), _algorithm(algorithm)), encoding)


def _written(digest: bytes, encoding: Any) -> str:
    if encoding not in ("hex", "base64"):
        raise TemplateError("writes hex or base64")
    return digest.hex() if encoding == "hex" else codec.b64encode(digest).decode()


def _algorithm(name: Any) -> str:
    if name in ALGORITHMS:
        return str(name)
    raise TemplateError(f"knows the algorithms {', '.join(ALGORITHMS)}")


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):  # header fields and the like
        return dict(value)
    raise TypeError
