"""What stands after a `|`: small pure functions from a value to a value, the closed list of the spec language.

Text filters take numbers and booleans too, as the text that they have inside a template. Every filter is bounded: what
it makes is no longer than a template may be.
"""

from __future__ import annotations

import base64 as codec
import hashlib
import hmac as signing
import json as syntax
import re
from collections.abc import Callable, Iterable, Mapping
from types import NoneType
from typing import Any
from urllib.parse import quote, urlsplit

from connector_core.address import MISSING
from connector_core.http import encode_query
from connector_core.identity import identity
from connector_core.template.written import LONGEST, TemplateError, kind_of, text_of

__all__ = ["FILTERS", "default"]

LONGEST_LIST = 100_000
"""Items that a filter may make of one text."""
ALGORITHMS = ("sha256", "sha1", "sha512", "md5")
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,1000}\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?\s*", re.ASCII)
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


# ── values ─────────────────────────────────────────────────────────────────────────────────────────


def default(value: Any, instead: Any, empty: Any = False) -> Any:
    """`instead` where the value is missing; with `true`, also where it is null, false, empty or 0."""
    return instead if value is MISSING or (empty and not value) else value


def get(value: Any, key: Any, instead: Any = MISSING) -> Any:
    """The value under a computed key, or at a position of a list."""
    if isinstance(value, Mapping) and isinstance(key, str):
        return value.get(key, instead)
    if isinstance(value, list) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if -len(value) <= key < len(value) else instead
    raise TemplateError(f"takes an object and a key, or a list and a position, not {kind_of(value)} and {kind_of(key)}")


def int_(value: Any) -> int:
    """A whole number; the part after the point is cut off."""
    if isinstance(value, (int, float)):
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(float(value))
    raise TemplateError(f"{_not(value)} a number")


def float_(value: Any) -> float:
    """A number with a fraction."""
    if isinstance(value, (int, float)) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        return float(value)
    raise TemplateError(f"{_not(value)} a number")


def string(value: Any) -> str:
    """The value as it stands inside text."""
    return text_of(value)


def round_(value: Any, digits: Any = 0) -> int | float:
    """Rounded to so many digits after the point, halves to the even neighbour; without digits a whole number."""
    if not isinstance(digits, int) or not -15 <= digits <= 15:  # noqa: PLR2004 - a float has no more
        raise TemplateError("takes a number of digits from -15 to 15")
    return round(_a_number(value), digits) if digits else round(_a_number(value))


# ── text ───────────────────────────────────────────────────────────────────────────────────────────


def lower(value: Any) -> str:
    """In small letters."""
    return _bounded_text(value).lower()


def upper(value: Any) -> str:
    """In capital letters."""
    return _bounded_text(value).upper()


def trim(value: Any, characters: Any = None) -> str:
    """Without the spaces around it, or without those characters."""
    text = _bounded_text(value)
    if characters is None:
        return text.strip()
    unwanted = set(_bounded_text(characters))  # str.strip would look through all of them for each character
    start = next((at for at, character in enumerate(text) if character not in unwanted), len(text))
    end = next((at for at in range(len(text), start, -1) if text[at - 1] not in unwanted), start)
    return text[start:end]


def replace(value: Any, old: Any, new: Any) -> str:
    """With every `old` replaced by `new`."""
    text, old, new = text_of(value), text_of(old), text_of(new)
    if not old:
        raise TemplateError("needs a text to look for, and got an empty one")
    _bounded(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def split(value: Any, separator: Any) -> list[str]:
    """The list of the texts between the separators."""
    text, separator = text_of(value), text_of(separator)
    if not separator:
        raise TemplateError("needs a separator, and got an empty one")
    if text.count(separator) >= LONGEST_LIST:
        raise TemplateError(f"makes more than {LONGEST_LIST} items")
    return text.split(separator)


def join(value: Any, separator: Any = "") -> str:
    """One text of a list's items."""
    items, between = [text_of(item) for item in _a_list(value)], text_of(separator)
    _bounded(sum(map(len, items)) + len(between) * max(len(items) - 1, 0))
    return between.join(items)


def snake(value: Any) -> str:
    """`CustomerID` and `customer id` as `customer_id`."""
    return re.sub(r"[\W_]+", "_", _HUMPS.sub("_", _bounded_text(value))).strip("_").lower()


# ── lists ──────────────────────────────────────────────────────────────────────────────────────────


def first(value: Any) -> Any:
    """The first item; missing where there is none."""
    return next(iter(_a_list(value)), MISSING)


def last(value: Any) -> Any:
    """The last item; missing where there is none."""
    return next(reversed(_a_list(value)), MISSING)


def length(value: Any) -> int:
    """How many items, keys or characters."""
    if isinstance(value, (str, list, Mapping)):
        return len(value)
    raise TemplateError(f"takes a list, an object or text, not {kind_of(value)}")


def sort(value: Any, by: Any = None, descending: Any = False) -> list[Any]:
    """In ascending order, of the items themselves or of what they have under `by`; items without it come last."""
    if by is None:
        return sorted(_alike(_a_list(value)), reverse=bool(descending))
    rows = [(_below(item, by), item) for item in _a_list(value)]
    having = [row for row in rows if row[0] is not MISSING and row[0] is not None]
    _alike([found for found, _ in having])
    ordered = sorted(having, key=lambda row: row[0], reverse=bool(descending))
    return [item for _, item in [*ordered, *(row for row in rows if row[0] is MISSING or row[0] is None)]]


def unique(value: Any) -> list[Any]:
    """Without items that came before."""
    seen: dict[Any, Any] = {}
    for item in _a_list(value):
        seen.setdefault(identity(item), item)
    return list(seen.values())


def min_(value: Any) -> Any:
    """The smallest item; missing where there is none."""
    return min(_alike(_a_list(value)), default=MISSING)


def max_(value: Any) -> Any:
    """The largest item; missing where there is none."""
    return max(_alike(_a_list(value)), default=MISSING)


def sum_(value: Any) -> int | float:
    """The sum of numbers; 0 for none."""
    return sum(_a_number(item) for item in _a_list(value))


def pluck(value: Any, key: Any) -> list[Any]:
    """What each item has under the key; items without it are left out."""
    return [found for item in _a_list(value) if (found := _below(item, key)) is not MISSING]


def where(value: Any, key: Any, equals: Any = True) -> list[Any]:
    """The items that have that value under the key."""
    return [item for item in _a_list(value) if _below(item, key) == equals]


# ── encodings ──────────────────────────────────────────────────────────────────────────────────────


def json(value: Any) -> str:
    """As compact JSON."""
    _bounded_value(value)
    return syntax.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def from_json(value: Any) -> Any:
    """The value that a JSON text writes."""
    try:
        return syntax.loads(_bounded_text(value), parse_constant=_no_constant)
    except ValueError:
        raise TemplateError("takes JSON text, and got something else") from None


def base64(value: Any) -> str:
    """The UTF-8 bytes of the text in base64; bytes as they are."""
    return codec.b64encode(_bytes(value)).decode()


def base64_decode(value: Any) -> str:
    """The text whose base64 this is, in the standard or the URL alphabet, with or without padding."""
    text = _bounded_text(value).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return codec.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:
        raise TemplateError("takes base64 of text, and got something else") from None


def url(value: Any) -> str:
    """Percent-encoded as one part of a URL; slashes too."""
    return quote(_bytes(value), safe="")


def path(value: Any) -> str:
    """Percent-encoded as a path: the slashes stay."""
    return quote(_bytes(value), safe="/")


def query(value: Any) -> str:
    """An object as a query string; a list repeats its name, null is left out."""
    if not isinstance(value, Mapping):
        raise TemplateError(f"takes an object, not {kind_of(value)}")
    _bounded_value(value)
    return encode_query(
        (str(name), text_of(item))
        for name, items in value.items()
        for item in (items if isinstance(items, list) else [items])
        if item is not None
    )


def host(value: Any) -> Any:
    """The host name of a URL, in small letters; missing where there is none."""
    return urlsplit(_bounded_text(value).strip()).hostname or MISSING


# ── digests ────────────────────────────────────────────────────────────────────────────────────────


def hash_(value: Any, algorithm: Any = "sha256") -> str:
    """The digest of the text, in hex: sha256, sha1, sha512 or md5."""
    return hashlib.new(_algorithm(algorithm), _bytes(value), usedforsecurity=False).hexdigest()


def hmac(value: Any, key: Any, algorithm: Any = "sha256", encoding: Any = "hex") -> str:
    """The keyed digest of the text, in hex or base64."""
    if encoding not in ("hex", "base64"):
        raise TemplateError("writes hex or base64")
    mac = signing.new(_bytes(key), _bytes(value), _algorithm(algorithm))
    return mac.hexdigest() if encoding == "hex" else codec.b64encode(mac.digest()).decode()


# ── what the filters share ─────────────────────────────────────────────────────────────────────────


def _not(value: Any) -> str:
    return "the text is not" if isinstance(value, str) else f"{kind_of(value)} is not"


def _a_number(value: Any) -> int | float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise TemplateError(f"takes numbers, not {kind_of(value)}; convert with | int or | float")


def _a_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise TemplateError(f"takes a list, not {kind_of(value)}")


def _alike(items: list[Any]) -> list[Any]:
    """The items, if they have an order: all text or all numbers."""
    if {kind_of(item) for item in items} <= {"text"} or {kind_of(item) for item in items} <= {"a number"}:
        return items
    raise TemplateError("takes items that are all numbers or all text")


def _below(item: Any, key: Any) -> Any:
    return item.get(key, MISSING) if isinstance(item, Mapping) and isinstance(key, str) else MISSING


def _bounded(size: int) -> None:
    if size > LONGEST:
        raise TemplateError(f"makes more than {LONGEST} characters")


def _bounded_text(value: Any) -> str:
    _bounded(len(text := text_of(value)))
    return text


def _bounded_value(value: Any) -> None:
    """Counts the least that the value takes as text before any of it is written, and no further than the bound."""
    size, waiting = 0, [value]
    for item in waiting:  # which grows meanwhile
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, list):
            _bounded(size := size + len(item))
            waiting += item
        elif not isinstance(item, (int, float, NoneType)) and isinstance(item, Mapping):
            _bounded(size := size + len(item) + sum([len(key) for key in item if isinstance(key, str)]))
            waiting += item.values()
    _bounded(size)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        _bounded(memoryview(value).nbytes)
        return bytes(value)
    try:
        return _bounded_text(value).encode()
    except UnicodeEncodeError:
        raise TemplateError("the text holds half a character (a lone surrogate), which has no UTF-8") from None


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


def _by_name(functions: Iterable[Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    return {function.__name__.rstrip("_"): function for function in functions}


FILTERS: dict[str, Callable[..., Any]] = _by_name(
    (
        *(default, get, int_, float_, string, round_),
        *(lower, upper, trim, replace, split, join, snake),
        *(first, last, length, sort, unique, min_, max_, sum_, pluck, where),
        *(json, from_json, base64, base64_decode, url, path, query, host),
        *(hash_, hmac),
    )
)
"""Every filter by the name that expressions use."""
