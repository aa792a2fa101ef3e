"""The field types of spec models: what a YAML value with expressions in it becomes, and how it is rendered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self, final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.address import MISSING
from connector_core.template.expression import Evaluate, Expression, Mode, Path, Scope
from connector_core.template.parts import expression, parts_of
from connector_core.template.segments import checked_path, encoded
from connector_core.template.written import LONGEST, MissingError, TemplateError, kind_of, text_of

__all__ = ["Condition", "Flag", "Message", "PathText", "Template", "Value"]


class _Written:
    """What all of them share: made from a YAML value, equal by it, and known to pydantic."""

    expects: ClassVar[str] = "text"
    accepts: ClassVar[tuple[type, ...]] = (str,)
    schema: ClassVar[JsonSchemaValue] = {"type": "string"}
    __slots__ = ("literal", "place", "raw", "reads", "source")

    source: str
    """The text as the spec has it."""
    literal: bool
    """Whether it is the same whatever the scope holds."""
    reads: frozenset[Path]
    """The paths that it reads, such as `("config", "shop_url")`; computed subscripts end a path."""
    raw: Any
    """The YAML value."""
    place: str
    """Where it stands, a key of PLACES; empty where its field does not say."""

    def __init__(self, raw: Any) -> None:
        if not isinstance(raw, self.accepts):
            raise TemplateError(self._not(raw))
        self.raw, self.source = raw, raw if isinstance(raw, str) else _source(raw)
        self.place = ""

    @classmethod
    def parse(cls, value: Any) -> Self:
        """The field that a spec's value stands for; raises pydantic's error where it is none."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, cls.accepts):
            raise PydanticCustomError("template_type", "{why}", {"why": cls._not(value)})
        try:
            return cls(value)
        except TemplateError as wrong:
            raise PydanticCustomError("template", "{why}", {"why": str(wrong)}) from None

    @classmethod
    def _not(cls, raw: Any) -> str:
        return f"must be {cls.expects}, not {kind_of(raw)}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(_raw)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(cls.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Written) and type(self) is type(other) and repr(self.raw) == repr(other.raw)

    def __hash__(self) -> int:
        return hash(repr(self.raw))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[Any]]:
        return type(self), (self.raw,)  # closures are made anew


def _raw(field: _Written) -> Any:
    return field.raw


def _source(raw: Any) -> str:
    try:
        return text_of(raw)
    except TemplateError:
        return repr(raw)


# ── text ───────────────────────────────────────────────────────────────────────────────────────────


class Template(_Written):
    """Text with values in it, or one value: `Bearer {{ secrets.token }}`, `{{ input.items }}`, `100`.

    A number or boolean of the YAML stays one.
    """

    expects = "text, a number, true or false"
    accepts: ClassVar[tuple[type, ...]] = (str, int, float)
    schema: ClassVar[JsonSchemaValue] = {"type": ["string", "number", "boolean"], "examples": ["{{ config.name }}"]}
    mode: ClassVar[Mode] = "value"
    __slots__ = ("_parts", "value", "whole")

    value: Callable[[Scope], Any]
    """Given a scope, the value: of its own type if `whole` (MISSING if it is), text otherwise."""
    whole: bool
    """Whether it is one `{{ … }}` and nothing else."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        pieces = list(parts_of(self.source)) if isinstance(raw, str) else [(False, self.source)]
        filled = [piece for is_expression, piece in pieces if is_expression]
        self.literal: bool = not filled
        self.whole: bool = len(filled) == 1 and all(is_expression or not text.strip() for is_expression, text in pieces)
        if self.whole:
            pieces = [(True, filled[0])]
        self._parts: list[str | Expression] = [
            expression(text, self.mode) if is_expression else text for is_expression, text in pieces
        ]
        self.reads: frozenset[Path] = frozenset(
            path for part in self._parts if not isinstance(part, str) for path in part.reads
        )
        self.value = self._renderer()

    def _renderer(self) -> Callable[[Scope], Any]:
        if self.literal:
            constant = self.raw
            return lambda _scope: constant
        if self.whole and isinstance(part := self._parts[0], Expression):
            return part.evaluate
        return self._filled

    def text(self, scope: Scope) -> Any:
        """The value as text; MISSING where it is one `{{ … }}` whose value is missing or null.

        Raises MissingError where something is missing inside text, TemplateError where a value has no form as text.
        """
        if self.literal:
            return self.source
        if not self.whole:
            return self._filled(scope)
        value = self.value(scope)
        if value is MISSING or value is None:
            return MISSING
        return self._written(self._parts[0], value)

    def _filled(self, scope: Scope) -> str:
        pieces: list[str] = []
        size = 0
        for part in self._parts:
            piece = part if isinstance(part, str) else self._inside(part, scope)
            pieces.append(piece)
            size += len(piece)
            if size > LONGEST:
                raise TemplateError(f"the text grows longer than {LONGEST} characters")
        return "".join(pieces)

    def _inside(self, part: Expression, scope: Scope) -> str:
        value = part.evaluate(scope)
        if value is MISSING:
            raise part.missing(scope)
        return value if type(value) is str else self._written(part, value)

    def _written(self, part: Any, value: Any) -> str:
        try:
            return text_of(value)
        except TemplateError as wrong:
            raise TemplateError(f"{part.source}: {wrong}") from None


@final
class Message(Template):
    """Text for people: what is missing, null or can't be computed is left empty, and a list is shown as JSON."""

    expects = "text"
    accepts: ClassVar[tuple[type, ...]] = (str,)
    schema: ClassVar[JsonSchemaValue] = {"type": "string", "examples": ["The service says: {{ body.message }}"]}
    mode: ClassVar[Mode] = "message"
    __slots__ = ()

    def text(self, scope: Scope) -> str:
        """The message; never raises."""
        return self.source if self.literal else self._filled(scope)

    def _renderer(self) -> Callable[[Scope], str]:
        return self.text

    def _filled(self, scope: Scope) -> str:
        text = ""
        for part in self._parts:
            piece = part if isinstance(part, str) else self._inside(part, scope)
            text += piece[: LONGEST - len(text)]
            if len(text) == LONGEST:
                break
        return text

    def _inside(self, part: Expression, scope: Scope) -> str:
        from connector_core.template.filters import FILTERS

        try:
            value = part.evaluate(scope)
            if isinstance(value, (list, dict)):
                return str(FILTERS["json"](value))
            return "" if value is MISSING or value is None else text_of(value)
        except (ValueError, TypeError, RecursionError, MissingError):
            return ""


@final
class PathText(Template):
    """A path whose values are percent-encoded, each as one segment: `/customers/{{ customer.id }}/orders`.

    `| path` keeps the slashes of a value. One whole `{{ … }}` is a URL as it stands.
    """

    schema: ClassVar[JsonSchemaValue] = {"type": "string", "examples": ["/orders/{{ input.id }}"]}
    expects = "text"
    accepts: ClassVar[tuple[type, ...]] = (str,)
    __slots__ = ()

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        filled = [part for part in self._parts if isinstance(part, Expression)]
        self.whole: bool = self.whole and filled[0].last_filter != "path"
        if self.whole:
            return
        checked_path("".join(part if isinstance(part, str) else "_" for part in self._parts))
        for part in filled:
            if "url" in {part.last_filter, *part.inner_filters}:
                raise TemplateError(f"`{part.source}`: a path encodes its values itself; leave out | url")
            if "path" in part.inner_filters:
                raise TemplateError(f"`{part.source}`: | path stands last, or the value is encoded twice")

    def text(self, scope: Scope) -> str:
        """The path, or the URL if it is one whole `{{ … }}`.

        Raises MissingError where a value is missing, TemplateError where it is empty or climbs (`..`).
        """
        if self.literal:
            return self.source
        if self.whole and isinstance(part := self._parts[0], Expression):
            return super()._inside(part, scope)
        return checked_path(self._filled(scope))

    def _renderer(self) -> Callable[[Scope], str]:
        return self.text

    def _inside(self, part: Expression, scope: Scope) -> str:
        text = super()._inside(part, scope)
        try:
            return encoded(text, keep_slashes=part.last_filter == "path")
        except TemplateError as wrong:
            raise TemplateError(f"{part.source}: {wrong}") from None


# ── conditions ─────────────────────────────────────────────────────────────────────────────────────


class Condition(_Written):
    """A bare expression that holds or not: `body.ok == false`; what is missing, and a type error, does not hold."""

    expects = "a condition: an expression without {{ }}"
    accepts: ClassVar[tuple[type, ...]] = (str, bool)
    schema: ClassVar[JsonSchemaValue] = {"type": ["string", "boolean"], "examples": ["body.ok == false"]}
    mode: ClassVar[Mode] = "condition"
    __slots__ = ("_expression",)

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self._expression = expression(self.source, self.mode)
        self.literal: bool = isinstance(raw, bool)
        self.reads: frozenset[Path] = frozenset(self._expression.reads)

    def holds(self, scope: Scope) -> bool:
        """Whether it holds for these names."""
        try:
            return bool(self._expression.evaluate(scope))
        except (TemplateError, MissingError):
            return False


_DENIALS = frozenset({"false", "no", "n", "f", "off", "0"})


@final
class Flag(Condition):
    """A condition where absence has no meaning: a missing operand is an error unless `| default(…)` gives it one."""

    mode: ClassVar[Mode] = "flag"
    __slots__ = ()

    def holds(self, scope: Scope) -> bool:
        """Whether it holds; raises MissingError for a missing operand, TemplateError for one of the wrong type."""
        value = self._expression.evaluate(scope)
        if value is MISSING:
            raise self._expression.missing(scope)
        if isinstance(value, str) and value.strip().lower() in _DENIALS:
            raise TemplateError(f"it is the text {value!r}, which would count as true; write {self.source} == 'true'")
        return bool(value)


# ── structures ─────────────────────────────────────────────────────────────────────────────────────


@final
class Value(_Written):
    """A JSON value with templates in its texts; a key or an item whose whole value is missing is left out.

    Parts without templates are shared between renderings: treat what `value` returns as read-only.
    """

    expects = "a JSON value"
    accepts: ClassVar[tuple[type, ...]] = (str, int, float, list, dict, type(None))
    schema: ClassVar[JsonSchemaValue] = {}
    __slots__ = ("value",)

    value: Callable[[Scope], Any]
    """Given a scope, the structure with every template rendered; MISSING where it is one template that is."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        reads: set[Path] = set()
        render = _render(raw, reads)
        self.literal: bool = render is None
        self.reads: frozenset[Path] = frozenset(reads)
        self.value = render or (lambda _scope: raw)


def _render(raw: Any, reads: set[Path]) -> Evaluate | None:
    """The closure of a part that holds templates, whose reads are added; None for a part that is the same always."""
    match raw:
        case str():
            template = Template(raw)
            reads |= template.reads
            return None if template.literal else template.value
        case dict():
            return _object(raw, reads)
        case list():
            renders = [_render(item, reads) for item in raw]
            if not any(renders):
                return None
            fills = [render or _constant(item) for render, item in zip(renders, raw, strict=True)]
            return lambda scope: [value for fill in fills if (value := fill(scope)) is not MISSING]
        case None | bool() | int() | float():
            return None
    raise TemplateError(f"must be a JSON value, and there is {kind_of(raw)} in it")


def _object(raw: dict[Any, Any], reads: set[Path]) -> Evaluate | None:
    for key in raw:
        if not isinstance(key, str):
            raise TemplateError(f"the key {key!r} is {kind_of(key)}; an object's keys are text")
        if "{{" in key:
            raise TemplateError(f"the key {key!r} holds a template; only values can")
    fills = [(key, render) for key, item in raw.items() if (render := _render(item, reads))]
    if not fills:
        return None

    def run(scope: Scope) -> dict[str, Any]:
        filled = raw.copy()
        for key, fill in fills:
            if (value := fill(scope)) is MISSING:
                del filled[key]
            else:
                filled[key] = value
        return filled

    return run


def _constant(value: Any) -> Evaluate:
    return lambda _scope: value
