"""A component is one kind of one spec key: a frozen model whose fields are the YAML and whose methods are the decision.

A *family* is the key; a *kind* is what `type:` names. Defining a kind registers it, wherever the class stands::

    class Pagination(Component, key="pagination"): ...

    class Cursor(Pagination):
        type: Literal["cursor"] = "cursor"

Rule 1: methods do no I/O, read no clock and roll no dice; they are given what they need and return what to do.
Rule 2: a field annotated with the family resolves `type:` when a spec is validated, so that a kind defined later
        (a plug-in's) works in models that were built before it, and errors keep their whole path.
Rule 3: a kind or a family that exists already is an error where its second class is defined.

Importing is cheap: models are built when first used, and a family's kinds may stand in the modules of its package,
which are imported when a spec names one of them (`Component.live_in`). Modules of models do without
`from __future__ import annotations`, which would have pydantic compile every annotation again: a third of what defining
a model costs.
"""

import ast
import inspect
import operator
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from heapq import nlargest
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.component.kinds import Kinds

__all__ = [
    "Component",
    "Late",
    "Model",
    "NeverNull",
    "alternatives",
    "descriptions",
    "exactly_one",
    "example",
    "families",
    "few_suggestions",
    "nearest",
    "suggestion",
    "without_extensions",
]


_M = TypeVar("_M")


def without_extensions(value: Any) -> Any:
    """A mapping without its `x-…` keys, which are the author's own; anything else as it is."""
    if isinstance(value, dict) and any(isinstance(key, str) and key.startswith("x-") for key in value):
        return {key: item for key, item in value.items() if not (isinstance(key, str) and key.startswith("x-"))}
    return value


class Model(BaseModel):
    """A mapping of the spec language: frozen, no unknown keys, no silent conversions."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )
    prose: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold what is no part of the language, such as JSON Schemas and texts for people."""

    @model_validator(mode="before")
    @classmethod
    def _pass_extensions(cls, value: Any) -> Any:
        """Leaves `x-…` keys out: they are the author's own."""
        return without_extensions(value)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        written = handler.resolve_ref_schema(handler(schema))
        written["description"] = inspect.getdoc(cls) or ""
        described = descriptions(cls)
        for name, field in cls.model_fields.items():
            if (shown := written.get("properties", {}).get(field.alias or name)) is not None:
                shown.pop("title", None)
                if text := described.get(name):
                    shown["description"] = text
        written.setdefault("patternProperties", {})["^x-"] = {}
        return written


if TYPE_CHECKING:
    Late = Annotated[_M, "late"]
    """In an annotation: the model is built when a spec first has one, not together with the model whose field it is."""
else:

    class Late:
        """See above; pydantic is told to ask the model once there is a value."""

        def __class_getitem__(cls, model: type[Model]) -> Any:
            return Annotated[model, cls(model)]

        def __init__(self, model: type[Model]) -> None:
            self._model = model

        def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
            return core_schema.no_info_plain_validator_function(self._model.model_validate)

        def __get_pydantic_json_schema__(
            self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
        ) -> JsonSchemaValue:
            self._model.model_rebuild()
            return handler(core_schema.union_schema([self._model.__pydantic_core_schema__]))


class NeverNull(Struct, frozen=True):
    """In an annotation of `X | None`: None is what was left out, and null that is written is refused with a remedy."""

    remedy: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self._refuse, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Without the null."""
        written = dict(handler(schema))
        if isinstance(written.get("type"), list):
            types = [name for name in written["type"] if name != "null"]
            return {**written, "type": types if len(types) > 1 else types[0]}
        options = [option for option in written["anyOf"] if option != {"type": "null"}]
        return {**written, "anyOf": options}

    def _refuse(self, value: Any) -> Any:
        if value is None:
            raise PydanticCustomError("empty", "is empty: {remedy}", {"remedy": self.remedy})
        return value


def exactly_one(model: type[Model], value: Any, keys: Sequence[str], must: str) -> Any:
    """The mapping as it is, for a validator that runs before a model's fields; raises unless it has one of the keys.

    What is wrong with one of two is told when the other is gone. Where there is none, a key that is unknown may be
    meant as one, and says more.
    """
    if isinstance(value, dict) and (count := len(value.keys() & {*keys})) != 1:
        known = {field.alias or name for name, field in model.model_fields.items()}
        if count or all(key in known or key.startswith("x-") for key in value):
            what = {"must": must, "keys": ", ".join(keys)}
            raise PydanticCustomError("one_of", "{must} exactly one of: {keys}", what)
    return value


def alternatives(keys: Sequence[str]) -> JsonSchemaValue:
    """That a mapping has exactly one of the keys, as JSON Schema."""
    return {"oneOf": [{"required": [key]} for key in keys]}


_WRITTEN: ContextVar[frozenset[type[Model]]] = ContextVar("_WRITTEN", default=frozenset())
"""The families whose JSON Schema is being written."""


class Component(Model):
    """The base of all families; see the module's rules."""

    key: ClassVar[str] = ""
    """The spec key that this family stands under."""
    kinds: ClassVar[Kinds] = Kinds()
    """The family's kinds by the name that `type:` uses."""
    default: ClassVar[str | None] = None
    """The kind that is meant where `type:` is left out; None: it may not be left out."""

    def __init_subclass__(cls, key: str | None = None, default: str | None = None, **more: Any) -> None:
        super().__init_subclass__(**more)
        if key is not None:
            _refuse_second(f"the key {key!r} has two families", _FAMILIES.get(key), cls)
            cls.key, cls.kinds, cls.default = key, Kinds(), default
            _FAMILIES[key] = cls

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        super().__pydantic_init_subclass__(**more)
        if (name := cls.kind()) is None:
            return
        _refuse_second(f"{cls.key}: the kind {name!r} is defined twice", cls.kinds.get(name), cls)
        cls.kinds[name] = cls

    @classmethod
    def live_in(cls, package: str) -> None:
        """Says that kinds stand in the modules of a package, each imported when one of its kinds is used.

        A module that a file is added for is found by itself: by its line `type: Literal["…"] = "…"`.
        """
        cls.kinds.live_in(package)

    @classmethod
    def kind(cls) -> str | None:
        """The name that `type:` uses for this class; None for a family or another class in between."""
        field = cls.model_fields.get("type")
        return None if field is None else str(field.default)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        if cls.kind() is not None:
            return handler(source)
        return core_schema.no_info_plain_validator_function(cls.resolve)

    @classmethod
    def resolve(cls, value: Any) -> Self:
        """The component that a spec's value stands for; raises pydantic's errors with the path inside the value."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            value = {"type": value}
        if not isinstance(value, dict):
            raise PydanticCustomError(
                "component_type",
                "must be a mapping with a 'type', or the bare name of a kind (known: {known})",
                {"known": ", ".join(cls.kinds)},
            )
        name = value.get("type", cls.default)
        if name is None:
            raise PydanticCustomError(
                "missing_type", "missing key 'type' (one of: {known})", {"known": ", ".join(cls.kinds)}
            )
        if not isinstance(name, str) or name not in cls.kinds:
            more = "what a plug-in brings" if isinstance(name, str) else ""
            raise PydanticCustomError(
                "unknown_type",
                "unknown type {got}{hint}",
                {"got": repr(name), "hint": suggestion(str(name), cls.kinds, more)},
            )
        return cls.kinds[name].model_validate(value)  # type: ignore[return-value]  # kinds are subclasses of cls

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        if (name := cls.kind()) is not None:
            written = super().__get_pydantic_json_schema__(schema, handler)
            picks = {"const": name, "description": f"Picks this kind of {cls.key}."}
            written["properties"] = {"type": picks} | {**written["properties"], "type": picks}
            if name != cls.default:
                written["required"] = ["type", *written.get("required", [])]
            return written
        return cls.alternatives(list(cls.kinds.values()), handler)

    @classmethod
    def alternatives(cls, kinds: Sequence["type[Component]"], handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of a value that is one of these kinds."""
        for kind in kinds:
            kind.model_rebuild()
        choices: list[Any] = [kind.__pydantic_core_schema__ for kind in kinds]
        if cls in (outer := _WRITTEN.get()):  # inside of a kind that holds another of its family
            choices = [core_schema.definition_reference_schema(_reference(choice)) for choice in choices]
        token = _WRITTEN.set(outer | {cls})
        try:
            # a union's choices are written one by one, each with its own hook above, into $defs
            written = handler(core_schema.union_schema(choices))
        finally:
            _WRITTEN.reset(token)
        bare = [kind.kind() for kind in kinds if not any(field.is_required() for field in kind.model_fields.values())]
        return {"anyOf": [*written.get("anyOf", [written]), *([{"enum": bare}] if bare else [])]}


def _reference(schema: Any) -> str:
    """What others call the schema of a model; one that holds the same model twice stands inside of its definitions."""
    inner = schema["schema"] if schema["type"] == "definitions" else schema
    return str(inner.get("schema_ref") or inner["ref"])


_FAMILIES: dict[str, type[Component]] = {}


def _refuse_second(what: str, first: type | None, second: type) -> None:
    """Raises where there is a first already; a module that is run again replaces its own."""
    names = [f"{cls.__module__}.{cls.__qualname__}" for cls in (first, second) if cls is not None]
    if len(set(names)) == 2:  # noqa: PLR2004 - the first and the second
        raise TypeError(f"{what}, by {names[0]} and {names[1]}")


def families() -> dict[str, type[Component]]:
    """Every family by its key, in alphabetical order."""
    return dict(sorted(_FAMILIES.items()))


# ── names that are near ───────────────────────────────────────────────────────────────────────────

LONGEST_NAME = 40
MOST_COMPARED = 100
MOST_NAMES = 2000
MOST_LISTED = 40
_LEFT: ContextVar[list[int] | None] = ContextVar("suggestions_left", default=None)


@contextmanager
def few_suggestions(most: int) -> Iterator[None]:
    """Inside, only the first so many suggestions are looked for: a file may hold more mistakes than anybody reads."""
    token = _LEFT.set([most])
    try:
        yield
    finally:
        _LEFT.reset(token)


def suggestion(got: str, known: Iterable[Any], more: str = "") -> str:
    """`, did you mean 'cursor'?`, or the known names where none is near; made to follow a name in a message.

    `more`: in words, what else it may be, which is not known here.
    """
    if (left := _LEFT.get()) is not None:
        if not left[0]:
            return ""
        left[0] -= 1
    names = sorted(map(str, known))
    if near := nearest(got, names):
        return f", did you mean {near!r}?"
    left_out = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    further = f", or {more}" if more else ""
    return f" (one of: {', '.join(names[:MOST_LISTED])}{left_out}{further})" if names else ""


def nearest(got: str, names: Sequence[str]) -> str | None:
    """The name that is most like another one; long names are like none, nor is any of very many."""
    if len(got) > LONGEST_NAME or len(names) > MOST_NAMES:
        return None
    from difflib import get_close_matches  # only a mistake needs it

    short = [name for name in names if len(name) <= LONGEST_NAME]
    if len(short) > MOST_COMPARED:  # difflib is slow: a look at both ends of each name finds whom to compare
        short = nlargest(MOST_COMPARED, short, partial(_ends_shared, got))
    return next(iter(get_close_matches(got, short, 1)), None)


def _ends_shared(one: str, other: str) -> int:
    """How many characters two names have in common at their beginnings and ends."""
    return sum(len(list(takewhile(bool, map(operator.eq, *pair)))) for pair in ((one, other), (one[::-1], other[::-1])))


@cache
def descriptions(model: type[Model]) -> dict[str, str]:
    """Field name → the docstring under it, read from the source; only a written schema or page needs them."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls in (Model, Component) or not issubclass(cls, Model):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        assert isinstance(body, ast.ClassDef)  # noqa: S101 - what getsource of a class gives
        for before, after in zip(body.body, body.body[1:], strict=False):
            if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name):
                match after:
                    case ast.Expr(value=ast.Constant(value=str(text))):
                        found[before.target.id] = inspect.cleandoc(text)
    return found


_EXAMPLE = re.compile(r"^ *Example: `(.*)`$", re.MULTILINE)


def example(model: type[Model]) -> str | None:
    """The line of YAML in a model's docstring, ``Example: `pagination: none` ``; None where it has none."""
    found = _EXAMPLE.search(inspect.cleandoc(model.__doc__ or ""))
    return None if found is None else found[1]
