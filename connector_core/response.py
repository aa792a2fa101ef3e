"""What comes back: the body decoded, and the records in it.

::

    records: body.data
    primary_key: id
    filter: record.status != 'draft'
    on_invalid: reject

JSON is read exactly: integers of any size, no silent repair. Two faults of real services are read all the same and
reported: NaN and Infinity become null, a lone surrogate becomes U+FFFD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal

from connector_core.address import MISSING, AnswerPath, BodyPath, FieldPath
from connector_core.component import Model
from connector_core.template import Condition, Reads

__all__ = ["ResponseKeys", "UndecodableError", "decode_json", "records_of"]


class ResponseKeys(Model):
    """The keys of an answer that the connector may set for all its endpoints."""

    records: BodyPath | None = None
    """Where the records stand. An object is one record, a scalar becomes `{value: …}`."""
    primary_key: FieldPath | list[FieldPath] | None = None
    """What tells one record from another as they are handed out: a field, or a list of them."""
    filter: Annotated[Condition, Reads("filter")] | None = None
    """A condition on `record` as it came; only records for which it is true are kept."""
    on_invalid: Literal["keep", "reject", "fail"] | None = None
    """What becomes of a record that does not fit the endpoint's `schema`: `keep` and `reject` report it, `fail` ends
    the reading. Left out: no record is looked at."""


class UndecodableError(ValueError):
    """A body is not what it should be; the text says what it is instead, without quoting it at length."""


_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@cache
def _fast() -> Callable[[bytes], Any]:
    import msgspec

    return msgspec.json.Decoder().decode


def decode_json(content: bytes) -> tuple[Any, str | None]:
    """The value that the bytes hold, and what had to be repaired (None: nothing); raises UndecodableError.

    Integers are exact; a number with a fraction or exponent that no float holds is infinite, as in every JSON reader.
    """
    bare = content.removeprefix(_BOM)
    repairs: set[str] = set() if len(bare) == len(content) else {"a byte order mark was passed over"}
    try:
        value = _fast()(bare)
    except (ValueError, RecursionError) as error:
        value = _slow(bare, error, repairs)
    return value, ", ".join(sorted(repairs)) or None


def _slow(content: bytes, first: Exception, repairs: set[str]) -> Any:
    """Reads what the strict decoder refused, if only NaN, Infinity or lone surrogates stand in the way."""

    def constant(name: str) -> None:
        repairs.add(f"{name} became null")

    try:
        text = content.decode()
        value = json.loads(text, parse_constant=constant)
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
        return f"the body is {f'an HTML page{_title(content)}' if is_html else 'XML'}, where JSON is expected"
    if isinstance(error, UnicodeDecodeError) and error.end < len(error.object):
        return f"the body is not UTF-8 (byte {error.start})"
    if isinstance(error, UnicodeDecodeError) or ("truncated" in str(first) and start[:1] in b'{["'):
        return "the body is JSON that breaks off"
    if not isinstance(error, json.JSONDecodeError):
        return "the body holds a number of several thousand digits"
    return f"the body is not JSON (line {error.lineno}, column {error.colno})"


def _title(content: bytes) -> str:
    """` (its title: Sign in)`, on one line and without anything that a terminal would act on."""
    found = re.search(rb"<title[^>]{0,100}>([^<]{1,100})", content[:20000], re.IGNORECASE)
    words = found[1].decode("utf-8", "replace").split() if found else []
    shown = "".join(char for char in " ".join(words) if char.isprintable())
    return f" (its title: {shown})" if shown else ""


_OBJECTS = frozenset({dict})


def records_of(body: Any, path: AnswerPath) -> list[dict[str, Any]] | None:
    """The records at `path` of a decoded body, each an object; None where nothing is there at all."""
    found = path.take({"body": body})
    if found is MISSING:
        return None
    if found is None:
        return []
    if not isinstance(found, list):
        found = [found]
    if set(map(type, found)) <= _OBJECTS:  # a fifth of what a loop over them costs
        return found
    return [record if isinstance(record, dict) else {"value": record} for record in found]
