"""Which names an expression may read, by the place where it stands; checked at load, without sending anything.

A field says its place in its annotation: `params: dict[str, Annotated[Template, Reads("request")]]`. Names that a spec
makes up (`as` of a partition, steps) are legal wherever the caller knows them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from connector_core.component import suggestion
from connector_core.template.expression import Path

__all__ = ["PLACES", "Reads", "unknown_names"]


class Reads(Struct, frozen=True):
    """In an annotation: the place that the field's expressions stand in, a key of PLACES; they carry it as `place`."""

    place: str

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise ValueError(f"unknown place {self.place!r}{suggestion(self.place, PLACES)}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._mark, handler(source))

    def _mark(self, value: Any) -> Any:
        if hasattr(value, "place"):
            value.place = self.place
        return value


EVERYWHERE: Final = frozenset({"config", "now", "connection", "endpoint"})
SECRET: Final = EVERYWHERE | {"secrets", "uuid"}
READING: Final = frozenset({"page"})
SENT: Final = frozenset({"method", "url", "host", "path", "query", "sorted_query", "target"})
ANSWER: Final = EVERYWHERE | {"body", "header", "status"}
RECORD: Final = EVERYWHERE | {"record", "key"}

MOST_TOLD = 20
"""Messages about one template."""

PLACES: Final[Mapping[str, frozenset[str]]] = {
    # everywhere, and nothing else
    "base_url": EVERYWHERE,
    # what signs or asks for the account; `auth` is every field of a sign-in, `signing` its `value`, and
    # `signed` the texts that are made of the request: what is signed, and what goes with it
    "auth": SECRET,
    "signature": SECRET,
    "capture": SECRET,
    "signing": SECRET | {"token", "nonce", "timestamp", "signature"},
    "signed": SECRET | {"nonce", "timestamp", "body", "header", *SENT},
    "sign_in": EVERYWHERE | {"token", "redirect"},
    # the addresses of a sign-in, and what a person is sent to one with: it stands in their browser
    "sign_in_url": EVERYWHERE,
    # a read's requests: headers, params and body; and its path, which is logged and must hold no secret
    "request": SECRET | READING,
    "path": EVERYWHERE | READING,
    # a call's or a step's
    "call": SECRET | {"input"},
    "call_path": EVERYWHERE | {"input"},
    # what looks at an answer
    "pagination": ANSWER | {"record", "page"},
    "errors": ANSWER,
    "output": ANSWER,
    "poll": ANSWER,
    # what looks at a record
    "filter": RECORD,
    "transform": RECORD,
    "cursor": RECORD,
    # results of a batch, and webhooks
    "batch": EVERYWHERE | {"result"},
    "webhooks": EVERYWHERE | {"body", "header", "query", "event", "secrets", "webhook"},
}
"""Place → the names that can be read there, besides those that a spec makes up."""

MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "endpoint": frozenset({"name"}),
    "page": frozenset({"number", "offset", "size", "count"}),
    "webhook": frozenset({"url", "id", "secret"}),
}
"""Name → what it has, where that is the same in every spec."""

READABLE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("secrets", "uuid"), "headers, params, body and auth"),
    "page": "the requests of a read",
    "input": "calls and steps",
    **dict.fromkeys(("body", "header", "status"), "pagination, errors and output"),
    "record": "filter, transform and pagination",
    "key": "filter, transform and cursor",
    **dict.fromkeys(("token", "redirect"), "the answers of a sign-in"),
    **dict.fromkeys(("nonce", "timestamp", "signature"), "what auth signs"),
    **dict.fromkeys(SENT - {"query"}, "what auth signs"),
    "result": "the results of a batch",
    "query": "webhooks and what auth signs",
    **dict.fromkeys(("event", "webhook"), "webhooks"),
}
"""Name that is not everywhere → where it can be read, in words."""


_NOTHING: Final[Mapping[str, Collection[str] | None]] = MappingProxyType({})

TAKEN_NAMES: Final = SECRET | READING | ANSWER | RECORD | {"input", "job", "key", "slice"}
"""What a name that a spec makes up would hide; other names have a meaning elsewhere only, and are free here."""


def unknown_names(
    reads: Iterable[Path],
    place: str,
    known: Mapping[str, Collection[str] | None],
    made_up: Mapping[str, Collection[str] | None] = _NOTHING,
) -> list[str]:
    """A message for each path that cannot exist at the place, in alphabetical order of the paths, at most 20.

    `known` gives what the spec declares below a name (None: anything), `made_up` the same for names that it makes up.
    """
    legal = PLACES[place] | made_up.keys()
    names = {**known, **made_up}
    found = (_problem(path, place, legal, names) for path in sorted(set(reads)))
    return list(dict.fromkeys(islice(filter(None, found), MOST_TOLD)))


def _problem(path: Path, place: str, legal: frozenset[str], known: Mapping[str, Collection[str] | None]) -> str:
    root, *below = path
    if root not in legal:
        if root in READABLE:
            return f"'{root}' cannot be read here ({place}); it can be read in {READABLE[root]}"
        return f"unknown name '{root}'{suggestion(root, legal)}"
    has = known.get(root, MEMBERS.get(root)) if root in known or root in MEMBERS else None
    if has is None or not below or below[0] in has:
        return ""
    return f"{root}.{below[0]} is not declared under {root}{_instead(below[0], has)}"


def _instead(got: str, has: Collection[str]) -> str:
    if not has:
        return ", which is empty"
    return suggestion(got, has)
