"""An address names one place: in an answer, to take a value from; in a request, to put one; or inside a record.

::

    take: body.meta.next        header.X-Next        status        record.id        body.data.-1.id
    put:  query.cursor          header.X-Page        cookie.sid    body.variables.after
    path: id                    customer.id          "@odata.etag"

Dots separate keys and list positions (negative from the end), `*` runs over a list or over an object's values, and a
key that holds a dot or a bracket is quoted: `body."@odata.nextLink"`, `query."page[size]"`. It is no expression.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Self, final

from msgspec.structs import replace
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.component import suggestion
from connector_core.exceptions import ConfigError
from connector_core.http import Request

__all__ = [
    "MISSING",
    "Address",
    "AnswerPath",
    "BodyPath",
    "FieldPath",
    "Put",
    "Scope",
    "SpreadPut",
    "as_text",
    "walker",
]


@final
class _Missing:
    """What is not there; falsy, equal to nothing but itself, and not null."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

_SEGMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."\[\]{}]+)')
_EXPRESSION = re.compile(r"[|()='<>?]|\s(?:and|or|not|in|if)\s")
_LONGEST = 100  # characters that are worth showing twice
_INDEX = re.compile(r"-?[0-9]{1,9}")


def _error(text: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("address", "{text} is not an address: {why}", {"text": repr(text), "why": why})


def _split(text: str) -> tuple[str, ...]:
    """The keys of a dotted text; raises where it is not one."""
    keys: list[str] = []
    at = 0
    while True:
        found = _SEGMENT.match(text, at)
        if found is None:
            unclosed = text.startswith('"', at)
            raise _error(text, _why_not(text[at:], "a quoted key is not closed" if unclosed else "a key is missing"))
        quoted, plain = found.groups()
        keys.append(plain if plain is not None else re.sub(r"\\(.)", r"\1", quoted))
        if plain is not None and plain != plain.strip():
            raise _error(text, "there is a space in it; quote a key that really has one")
        if plain is not None and (foreign := _EXPRESSION.search(plain)):
            raise _error(text, f"it holds no expression, and {foreign[0].strip()!r} is of one; quote a key that has it")
        at = found.end()
        if at == len(text):
            return tuple(keys)
        if text[at] != ".":
            raise _error(text, _why_not(text[at:], "keys are separated by dots, and a key with dots is quoted"))
        at += 1


def _why_not(rest: str, otherwise: str) -> str:
    if rest[:1] in ("[", "]"):
        return 'dots, not brackets: body.data.0.id; quote a name that has brackets: query."page[size]"'
    return "it holds no expression" if rest[:1] in ("{", "}") else otherwise


class Address:
    """The shared part of all addresses: the text, the root and the keys below it."""

    roots: ClassVar[tuple[str, ...]] = ()
    """What the first key may be; empty: an address inside a record, without a root."""
    bare: ClassVar[frozenset[str]] = frozenset()
    """Roots that are a value of their own and need no further key."""

    text: str
    """The address as it is written."""
    root: str
    """Its first key where that says what is meant, such as `query`; empty inside a record."""
    keys: tuple[str, ...]
    """The keys below the root: one name for a `query`, `header` or `cookie`, a way of several into a body."""

    __slots__ = ("keys", "root", "text")

    def __init__(self, text: str) -> None:
        keys = _split(text)
        self.text, self.root, self.keys = text, "", keys
        if self.roots:
            self.root, self.keys = keys[0], keys[1:]
            self._check_root()

    def _check_root(self) -> None:
        if self.root not in self.roots:
            raise _error(self.text, f"unknown root {self.root!r}{self._instead()}")
        if not self.keys and self.root not in self.bare:
            raise _error(self.text, f"say what of {self.root}: {self.root}.NAME")
        if self.keys and self.root == "status":
            raise _error(self.text, "status is a number, nothing lies below it")
        if self.root in ("query", "header", "cookie") and len(self.keys) > 1:
            name = ".".join(self.keys)
            raise _error(self.text, f'quote a {self.root} name that has dots: {self.root}."{name}"')

    def _instead(self) -> str:
        """A root that is near, else the roots; made to follow the unknown one in a message."""
        return suggestion(self.root, self.roots)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def plain(self) -> bool:
        """Whether it goes by names alone: no position in a list, no `*`."""
        return not any(key == "*" or _INDEX.fullmatch(key) for key in self.keys)

    @classmethod
    def parse(cls, value: Any) -> Self:
        """The address that a spec's value writes; raises pydantic's error where it is none."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError(
                "address_type", "must be text, an address such as {example}", {"example": cls.example()}
            )
        return cls(value)

    @classmethod
    def example(cls) -> str:
        """One address of this sort, for messages."""
        return "body.data"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        bare = "".join(f'"?{root}"?$|' for root in sorted(cls.bare & set(cls.roots)))
        root = {"pattern": rf'^({bare}"?({"|".join(cls.roots)})"?\.)'} if cls.roots else {}
        return {"type": "string", **root, "examples": [cls.example()]}

    def __str__(self) -> str:
        return self.text


Scope = Mapping[str, Any]


class AnswerPath(Address):
    """A place in an answer: `body.…`, `header.NAME`, `status`, or `record.…` (the page's last record)."""

    roots: ClassVar[tuple[str, ...]] = ("body", "header", "status", "record")
    bare: ClassVar[frozenset[str]] = frozenset({"body", "status"})
    __slots__ = ("take",)

    take: Callable[[Scope], Any]
    """Given a scope, the value there or MISSING; a list where the address runs over `*`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.take = walker((self.root, *self.keys))

    def _instead(self) -> str:
        """Where no root is near, the one that was probably forgotten: most of what is taken stands in the body."""
        known = super()._instead()
        if "did you mean" in known or self.root in (*AnswerPath.roots, *Put.roots) or len(self.text) > _LONGEST:
            return known
        return f", did you mean {f'body.{self.text}'.replace('body.$', 'body')!r}?"  # $ is the body in JSONPath

    @classmethod
    def example(cls) -> str:
        """One such address."""
        return "body.meta.next"


class BodyPath(AnswerPath):
    """A place in an answer's body."""

    roots: ClassVar[tuple[str, ...]] = ("body",)
    __slots__ = ()

    def names(self, scope: Scope) -> list[str | None] | None:
        """The names of what `take` gives, one each, where the address ends in a `*` over an object's values.

        None stands for what is in a list there; None altogether where the address has no `*` at its end.
        """
        if self.keys[-1:] != ("*",):
            return None
        above = (self.root, *self.keys[:-1])
        holders = _spread(scope, above) if "*" in above else [_step_by_step(scope, above)]
        names: list[str | None] = []
        for holder in holders or ():
            names += holder if isinstance(holder, dict) else [None] * len(holder) if isinstance(holder, list) else []
        return names

    def index_in(self, other: BodyPath) -> int | None:
        """Its position in the list at the other address; None where it is not one of that list's items."""
        at = self.keys[-1] if self.keys else ""
        return int(at) if self.keys[:-1] == other.keys and _INDEX.fullmatch(at) else None

    @classmethod
    def example(cls) -> str:
        """One such address."""
        return "body.data"


class FieldPath(Address):
    """A place inside a record, such as `id` or `customer.id`."""

    __slots__ = ("take",)

    take: Callable[[Scope], Any]
    """Given a record, the value there or MISSING."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.take = walker(self.keys)

    @classmethod
    def example(cls) -> str:
        """One such address."""
        return "customer.id"


def walker(keys: tuple[str, ...]) -> Callable[[Any], Any]:
    """What goes that way through a value: gives what is there, or MISSING; a list where `*` is on the way."""
    if "*" in keys:
        return lambda scope: _spread(scope, keys)
    if any(_INDEX.fullmatch(key) for key in keys):
        return lambda scope: _step_by_step(scope, keys)
    if len(keys) == 1:
        return _single(keys[0])

    def walk(value: Any) -> Any:
        try:
            for key in keys:
                value = value[key]
        except (KeyError, TypeError, IndexError):
            return MISSING
        return value

    return walk


def _single(key: str) -> Callable[[Any], Any]:
    def look(value: Any) -> Any:
        try:
            return value[key]
        except (KeyError, TypeError, IndexError):
            return MISSING

    return look


def _step_by_step(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        try:
            value = value[int(key) if isinstance(value, list) and _INDEX.fullmatch(key) else key]
        except (KeyError, TypeError, IndexError):
            return MISSING
    return value


def _spread(value: Any, keys: tuple[str, ...]) -> Any:
    at = keys.index("*")
    value = _step_by_step(value, keys[:at])
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return MISSING
    rest = keys[at + 1 :]
    if "*" in rest:
        spread = (_spread(item, rest) for item in value)
        return [inner for items in spread if items is not MISSING for inner in items]
    return [item for item in (_step_by_step(item, rest) for item in value) if item is not MISSING]


class Put(Address):
    """A place in a request: `query.NAME`, `header.NAME`, `cookie.NAME`, `body.…`; of an SDK's method, `args.NAME`."""

    roots: ClassVar[tuple[str, ...]] = ("query", "header", "cookie", "body", "args")
    __slots__ = ()

    @classmethod
    def example(cls) -> str:
        """One such address."""
        return "query.cursor"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        if "*" in self.keys:
            raise _error(text, "a value is put in one place; '*' is for taking")

    def put(self, request: Request, value: Any) -> Request:
        """The request with the value at this place; a query, header or cookie gets it as text."""
        name = self.keys[0]
        match self.root:
            case "query":
                return request.with_query(name, as_text(value))
            case "header":
                return request.with_header(name, as_text(value))
            case "cookie":
                return _with_cookie(request, name, as_text(value))
            case _:
                return self._in_body(request, value)

    def _in_body(self, request: Request, value: Any) -> Request:
        match request.encoding:
            case "text" | "bytes":
                raise ConfigError(
                    f"{self} has no place in a body of {request.encoding}",
                    hint="put it into the query or a header, or send another form of body",
                )
            case "multipart":
                return replace(request, body=request.body.with_text(self.keys[0], as_text(value)))
        return replace(request, body=_placed(request.body, self.keys, value), encoding=request.encoding or "json")


class SpreadPut(Put):
    """The same, or the query as a whole: `query` takes an object, each of whose values goes by its own name."""

    bare: ClassVar[frozenset[str]] = frozenset({"query"})
    __slots__ = ()

    def put(self, request: Request, value: Any) -> Request:
        """The request with the value at this place, or with the object's values in its query."""
        if self.keys:
            return super().put(request, value)
        for name, item in value.items():
            request = request.with_query(name, as_text(item))
        return request


def _with_cookie(request: Request, name: str, value: str) -> Request:
    if ";" in value:
        raise ConfigError(
            f"the value for cookie.{name} has a semicolon in it, where the next cookie would begin",
            hint="a cookie cannot hold it; put the value elsewhere, or encode it",
            code="request.cookie",
        )
    before = next((old for key, old in request.headers.items() if key.lower() == "cookie"), "")
    kept = [pair for pair in before.split("; ") if pair and pair.partition("=")[0] != name]
    return request.with_header("Cookie", "; ".join([*kept, f"{name}={value}"]))


def _placed(body: Any, keys: tuple[str, ...], value: Any) -> Any:
    """A copy of `body` with the value set; objects on the way are made where they are missing."""
    if isinstance(body, tuple):  # a form: pairs
        return (*((key, old) for key, old in body if key != keys[0]), (keys[0], as_text(value)))
    head, *rest = keys
    below = body.get(head) if isinstance(body, dict) else None
    return {**(body if isinstance(body, dict) else {}), head: _placed(below, tuple(rest), value) if rest else value}


def as_text(value: Any) -> str:
    """A value as it is written in a query, a header or a form: `true`, `12`, `1.5`, text as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
