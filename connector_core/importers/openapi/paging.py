"""The guesses about a read: where its records stand, what tells them apart, how its pages follow each other.

All of them come from names that many services use; each is marked, since a name proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec import Struct

from connector_core.importers.openapi.document import Document
from connector_core.importers.openapi.names import address, identifier, singular
from connector_core.importers.openapi.notes import sentence
from connector_core.importers.openapi.schemas import Schemas

__all__ = ["CHANGED_SINCE", "Listing", "Paged", "listing", "paged", "primary_key"]

_ENVELOPES = ("data", "items", "results", "records", "value", "values", "entries", "list", "content", "rows", "objects")
_META = (
    "meta",
    "metadata",
    "pagination",
    "paging",
    "page",
    "page_info",
    "pageInfo",
    "links",
    "_links",
    "_meta",
    "cursor",
)
_NEXT_LINKS = (
    "next_url",
    "next_link",
    "next_page_url",
    "next_page_link",
    "odata_next_link",
    "next_page_uri",
    "next_uri",
)
_TOKENS = [
    "next_cursor",
    "next_page_token",
    "next_token",
    "next_page_cursor",
    "continuation_token",
    "next_marker",
    "next_continuation_token",
    "end_cursor",
    "cursor_next",
    "after",
    "scroll_id",
    "cursor",
    "next_page",
    "next",
]
_TOKEN_PARAMETERS = [
    "cursor",
    "page_token",
    "after",
    "next_token",
    "starting_after",
    "continuation_token",
    "continuation",
    "marker",
    "next_cursor",
    "next_page_token",
    "page_after",
    "page_cursor",
    "start_cursor",
    "pagination_token",
    "after_cursor",
    "scroll_id",
]
_NUMBERS = ("page", "page_number", "page_no", "page_num", "pageno", "current_page", "p", "page_index")
_OFFSETS = ("offset", "skip", "start", "start_at", "start_index", "page_offset", "from", "first_result")
_SIZES = [
    "limit",
    "per_page",
    "page_size",
    "size",
    "max_results",
    "maxresults",
    "count",
    "top",
    "pagesize",
    "page_limit",
    "take",
    "results_per_page",
    "num",
    "page_count",
    "rows",
    "first",
    "perpage",
    "items_per_page",
    "length",
]
_TOTALS = ("total", "total_count", "count", "total_results", "total_elements", "total_items", "total_records")
_PAGES = ("total_pages", "page_count", "pages", "last_page", "num_pages")
_MORE = ("has_more", "has_next", "has_next_page", "more")
_KEYS = ("id", "uuid", "_id", "guid", "key", "code", "slug", "sku", "name")
CHANGED_SINCE = frozenset(
    [
        "updated_since",
        "modified_since",
        "since",
        "updated_after",
        "modified_after",
        "changed_since",
        "updated_at_gte",
        "updated_at_gt",
        "updated_at_min",
        "updated_from",
        "start_date",
        "from_date",
        "created_after",
        "created_since",
        "last_modified",
        "min_updated_at",
        "updated_gte",
        "updated_gt",
        "last_updated",
    ]
)
"""Query parameters that ask for what changed since a time, in the form of `identifier`."""
LARGEST_SIZE = 1000
USUAL_SIZE = 100


class Listing(Struct, frozen=True):
    """Where an answer holds records."""

    records: str
    """An address."""
    item: Any
    """A record's schema, as the document has it."""
    guess: str
    """Why that is taken for it; empty where nothing else can be meant."""


class Paged(Struct, frozen=True):
    """How pages follow each other."""

    pagination: Any
    guess: str
    taken: frozenset[str] = frozenset()
    """The query parameters that it sends itself."""


def listing(schemas: Schemas, schema: Any, path: str) -> Listing | None:
    """The list of records in an answer; None where there is none."""
    if schemas.kind(schema) == "array":
        return Listing("body", schemas.flat(schema).get("items"), "")
    if path.rstrip("/").endswith("}"):
        return None
    last = identifier(path.rstrip("/").rpartition("/")[2])
    arrays = list(_arrays(schemas, schema, last))
    if not arrays:
        return None
    keys, item, sure = arrays[0]
    guess = "" if sure else f"{keys[-1]} is the answer's list" if len(arrays) == 1 else f"{keys[-1]} is the main list"
    return Listing(address("body", *keys), item, guess)


def _arrays(schemas: Schemas, schema: Any, last: str) -> Iterator[tuple[tuple[str, ...], Any, bool]]:
    """The arrays of objects in an envelope, the likeliest first."""
    properties = schemas.properties(schema)
    names = sorted(properties, key=lambda name: _rank(identifier(name), last))
    entity = any(identifier(name) == "id" for name in properties)
    for name in names:
        inner = properties[name]
        known = _rank(identifier(name), last) <= len(_ENVELOPES)
        if schemas.kind(inner) == "array" and (known or not entity):
            item = schemas.flat(inner).get("items")
            if known or schemas.kind(item) in ("object", ""):
                yield (name,), item, known
        elif known and schemas.kind(inner) == "object":
            for below, found in schemas.properties(inner).items():
                if schemas.kind(found) == "array":
                    yield (name, below), schemas.flat(found).get("items"), False


def _rank(name: str, last: str) -> int:
    if name == last:
        return 0
    return _ENVELOPES.index(name) + 1 if name in _ENVELOPES else len(_ENVELOPES) + 1 + (name == "_embedded")


def primary_key(properties: Mapping[str, Any], endpoint: str) -> tuple[str, str]:
    """The field that tells records apart, and why; empty where none looks like it."""
    by_name = {identifier(name): name for name in reversed(list(properties))}
    own = f"{singular(endpoint.rpartition('list_')[2].rpartition('get_')[2])}_id"
    for name in (_KEYS[0], own, *_KEYS[1:]):
        if name in by_name:
            return by_name[name], f"a field is called {by_name[name]}"
    ids = [by_name[name] for name in by_name if name.endswith("_id")]
    return (ids[0], f"{sentence(ids[0], 60)} is its only field of that kind") if len(ids) == 1 else ("", "")


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────


class _Page(Struct, frozen=True):
    """What there is to guess from: query parameters and what an answer says beside its records, by known names."""

    document: Document
    schemas: Schemas
    parameters: Mapping[str, Mapping[str, Any]]
    """By their real names."""
    said: Mapping[str, tuple[str, Any]]
    """Addresses and schemas by `identifier`; of what lies in `meta` and the like too."""
    headers: Collection[str]

    def asked(self, names: Collection[str]) -> str:
        """The real name of the parameter that has one of the names; empty where there is none."""
        by_name = {identifier(name): name for name in self.parameters}
        return next((by_name[name] for name in names if name in by_name), "")

    def found(self, names: Collection[str]) -> str:
        """The address of what has one of the names; empty where there is none."""
        return next((self.said[name][0] for name in names if name in self.said), "")


def paged(
    document: Document,
    schemas: Schemas,
    parameters: Mapping[str, Mapping[str, Any]],
    answer: Any,
    headers: Collection[str],
) -> Paged:
    """How the pages of a read follow each other, by its query `parameters`, its `answer`'s schema and `headers`."""
    page = _Page(document, schemas, parameters, _said(schemas, answer), {name.lower() for name in headers})
    for guess in (_next_link, _cursor, _link_header, _page_number, _offset):
        if found := guess(page):
            return found
    return Paged("none", "nothing says that there are further pages")


def _said(schemas: Schemas, answer: Any) -> dict[str, tuple[str, Any]]:
    """What an answer says beside its records, the outermost first."""
    found: dict[str, tuple[str, Any]] = {}
    for keys, schema in _leaves(schemas, answer) if schemas.kind(answer) == "object" else ():
        name = "next_link" if keys[-2:] == ("next", "href") else identifier(keys[-1])
        found.setdefault(name, (address("body", *keys), schema))
    return found


def _leaves(schemas: Schemas, answer: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    properties = schemas.properties(answer)
    kinds = {name: schemas.kind(schema) for name, schema in properties.items()}
    yield from (((*way, name), properties[name]) for name, kind in kinds.items() if kind not in ("array", "object"))
    for name, kind in kinds.items():
        if kind == "object" and len(way) < 2 and (way or identifier(name) in _META):  # noqa: PLR2004 - meta.cursors.after
            yield from _leaves(schemas, properties[name], (*way, name))


def _size(page: _Page) -> tuple[dict[str, Any], frozenset[str]]:
    name = page.asked(_SIZES)
    if not name:
        return {}, frozenset()
    schema = page.schemas.flat(page.parameters[name].get("schema"))
    most, usual = (_whole(schema.get(key)) for key in ("maximum", "default"))
    value = most if 0 < most <= LARGEST_SIZE else max(usual, min(USUAL_SIZE, most or USUAL_SIZE))
    return {"size": {"put": address("query", name), "value": value}}, frozenset({name})


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 1_000_000 else 0  # noqa: PLR2004


def _next_link(page: _Page) -> Paged | None:
    place = page.found(_NEXT_LINKS)
    if not place and "next" in page.said:
        place, schema = page.said["next"]
        flat = page.schemas.flat(schema)
        says = f"{flat.get('format')} {flat.get('example')} {flat.get('description')} {place}".lower()
        sure = flat.get("format") in ("uri", "uri-reference", "url")
        if not sure and (page.asked(_TOKEN_PARAMETERS) or not re.search(r"\buri|url|https?://|\blinks?\b", says)):
            place = ""
    if not place:
        return None
    size, taken = _size(page)
    number = page.asked((*_NUMBERS, *_OFFSETS, *_TOKEN_PARAMETERS))
    found = {"type": "next_url", "take": place, **size}
    return Paged(found, f"{place} looks like the next page's address", taken | ({number} - {""}))


def _cursor(page: _Page) -> Paged | None:
    name = page.asked(_TOKEN_PARAMETERS)
    if not name:
        return None
    take, more = page.found(_TOKENS), page.found(_MORE)
    size, taken = _size(page)
    found: dict[str, Any] = {"type": "cursor", "take": take, "put": address("query", name), **size}
    if not take:
        if not more or not more.isascii() or '"' in more:
            return None
        found |= {"take": "record.id", "has_more": more}
    what = f"the parameter {name} and {found['take']} look like a cursor"
    return Paged(found, what, taken | {name})


def _link_header(page: _Page) -> Paged | None:
    if "link" not in page.headers:
        return None
    size, taken = _size(page)
    number = page.asked((*_NUMBERS, *_OFFSETS, *_TOKEN_PARAMETERS))
    return Paged({"type": "link_header", **size}, "answers have a Link header", taken | ({number} - {""}))


def _page_number(page: _Page) -> Paged | None:
    name = page.asked(_NUMBERS)
    if not name:
        return None
    size, taken = _size(page)
    found: dict[str, Any] = {"type": "page_number", "put": address("query", name), **size}
    schema = page.schemas.flat(page.parameters[name].get("schema"))
    if any(schema.get(key) == 0 and schema.get(key) is not False for key in ("minimum", "default")):
        found["first"] = 0
    return Paged(_ending(page, found), f"the parameter {name} looks like a page's number", taken | {name})


def _offset(page: _Page) -> Paged | None:
    name = page.asked(_OFFSETS)
    size, taken = _size(page)
    schema = page.schemas.flat(page.parameters[name].get("schema")) if name else {}
    if not name or schema.get("format") in ("date", "date-time") or not (size or identifier(name) == "offset"):
        return None
    found = {"type": "offset", "put": address("query", name), **size}
    return Paged(_ending(page, found), f"the parameter {name} looks like an offset", taken | {name})


def _ending(page: _Page, found: dict[str, Any]) -> dict[str, Any]:
    """With what tells how many there are."""
    pages, total = page.found(_PAGES), page.found(_TOTALS)
    if pages and found["type"] == "page_number":
        return {**found, "pages": pages}
    return {**found, "total": total} if total and "size" in found else found
