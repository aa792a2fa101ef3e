"""JSON, read exactly: integers of any size, no silent repair.

Faults of real services are read all the same and reported: NaN, Infinity and numbers that no float holds (1e999) become
null, a lone surrogate becomes U+FFFD.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, Literal

from connector_core.address import BodyPath
from connector_core.decode.family import Decode, Stream, UndecodableError
from connector_core.decode.instead import title

__all__ = ["Json", "decode_json"]

_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Json(Decode):
    """JSON (RFC 8259), read exactly; it is what is meant where `decode` is left out.

    Example: `decode: json`
    """

    media = "application/json"

    type: Literal["json"] = "json"

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """See decode_json."""
        return decode_json(content)

    def stream(self, records: BodyPath) -> Callable[[], Stream] | None:
        """For an array that names alone lead to."""
        return partial(_elements, records.keys) if records.plain else None

    def write(self, body: Any, names: Sequence[str] = ()) -> bytes:  # noqa: ARG002 - not a table
        """As the standard library writes it."""
        return json.dumps(body, ensure_ascii=False).encode()


def _elements(keys: tuple[str, ...]) -> Stream:
    from connector_core.decode.json_stream import JsonStream  # its expressions take a while to compile

    return JsonStream(keys, decode_json)


@cache
def _fast() -> Callable[[bytes], Any]:
    import msgspec

    return msgspec.json.Decoder().decode


def decode_json(content: bytes) -> tuple[Any, str | None]:
    """The value that the bytes hold, and what had to be repaired (None: nothing); raises UndecodableError.

    Integers are exact, up to the thousands of digits that Python reads.
    """
    bare = content.removeprefix(_BOM)
    repairs: set[str] = set() if len(bare) == len(content) else {"a byte order mark was passed over"}
    try:
        value = _fast()(bare)
    except (ValueError, RecursionError) as error:
        value = _slow(bare, error, repairs)
    return value, ", ".join(sorted(repairs)) or None


def _slow(content: bytes, first: Exception, repairs: set[str]) -> Any:
    """Reads what the strict decoder refused, if only NaN, Infinity, 1e999 or lone surrogates stand in the way."""

    def constant(name: str) -> None:
        repairs.add(f"{name} became null")

    def number(text: str) -> float | None:
        if math.isfinite(value := float(text)):
            return value
        repairs.add("a number that no float holds became null")
        return None

    try:
        text = content.decode()
        value = json.loads(text, parse_constant=constant, parse_float=number)
        return _without_surrogates(value, repairs) if _SURROGATE.search(text) else value
    except RecursionError:
        raise UndecodableError("the body is nested too deeply") from None
    except ValueError as error:
        raise UndecodableError(_what_it_is(content, first, error)) from None


def _without_surrogates(value: Any, repairs: set[str]) -> Any:
    if isinstance(value, str):
        clean = re.sub("[\ud800-\udfff]", "\ufffd", value)
        if clean != value:
            repairs.add("a lone surrogate became U+FFFD")
        return clean
    if isinstance(value, list):
        return [_without_surrogates(item, repairs) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(k, repairs): _without_surrogates(v, repairs) for k, v in value.items()}
    return value


def _what_it_is(content: bytes, first: Exception, error: ValueError) -> str:
    """The body in words, given how the strict decoder and the lenient one refused it."""
    start = content[:1000].lstrip().lower()
    if not start:
        return "the body is empty, where JSON is expected"
    if start.startswith(b"<"):
        is_html = b"<html" in start or b"<!doctype html" in start
        return f"the body is {f'an HTML page{title(content)}' if is_html else 'XML'}, where JSON is expected"
    if isinstance(error, UnicodeDecodeError) and error.end < len(error.object):
        return f"the body is not UTF-8 (byte {error.start})"
    if isinstance(error, UnicodeDecodeError) or ("truncated" in str(first) and start[:1] in b'{["'):
        return "the body is JSON that breaks off"
    if not isinstance(error, json.JSONDecodeError):
        return f"the body holds a whole number of more than {sys.get_int_max_str_digits()} digits"
    return f"the body is not JSON (line {error.lineno}, column {error.colno})"
