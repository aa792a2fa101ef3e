"""Validation errors told in the language's own words, each at the place in the file where the mistake was written.

Rule 1: a mistake that several endpoints inherit is told once, where it stands.
Rule 2: what is refused does not hide the rest: `remainder` takes the wrong parts out, so that the rules across keys
        are checked on what is left, and says of which places nothing can be said any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from connector_core.component import Component, Model, nearest, suggestion
from connector_core.exceptions import Problem
from connector_core.overlay import Origins
from connector_core.source import MAX_PROBLEMS, Path, Source, dotted
from connector_core.spec import INHERITED, VERBS, Endpoint, Spec

__all__ = ["Locator", "remainder", "told"]


class Locator:
    """Turns a place in the expanded document into a located problem."""

    def __init__(self, source: Source, origins: Origins) -> None:
        self._source, self._origins = source, origins

    def problem(self, path: Path, what: str, *, at_key: bool = False, part: str = "") -> Problem:
        """The problem at `path`: at its value, or its key; with `part`, at the mapping where that key was written."""
        written = self._origins.written((*path, part))[:-1] if part else self._origins.written(path)
        line, column = self._source.at_key(written) if at_key else self._source.at(written)
        return Problem(self._source.name, line, column, dotted(written), what)

    def located(self, mistakes: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
        """The mistakes at their places; what several endpoints inherit is told for the first of them."""
        first: dict[Path, Path] = {}
        for path, what in mistakes:
            written = self._origins.written(path)
            if first.setdefault(written, path) == path:
                inherited = path[:1] == ("endpoints",) and written[:1] != path[:1]
                yield self.problem(path, f"{what} (inherited by {path[1]})" if inherited else what)


def told(error: ValidationError, document: Any, locate: Locator, root: type[Model] = Spec) -> list[Problem]:
    """Every error as a problem, up to 100, one per place: what a union refuses is told once.

    `root`: the model that refuses the document.
    """
    found: dict[tuple[Any, ...], Problem] = {}
    details = [
        (detail, *_in_document(detail["loc"], document))
        for detail in error.errors(include_url=False, include_input=False)
    ]
    inside = {path[:end] for _, path, _ in details for end in range(len(path))}
    for detail, path, value in details:
        if path in inside and detail["type"] == "address_type":
            continue  # a union's other branch, which takes the list that has a wrong item, says more
        problem = _problem(detail, path, value, document, locate, root)
        place = (problem.line, problem.column)
        found.setdefault((*place, problem.what) if detail["type"] == "missing" else place, problem)
        if len(found) == MAX_PROBLEMS:
            break
    return sorted(found.values())


def _problem(
    detail: ErrorDetails, path: Path, value: Any, document: Any, locate: Locator, root: type[Model]
) -> Problem:
    has_type = isinstance(value, dict) and "type" in value
    match detail["type"]:
        case "extra_forbidden":
            return locate.problem(path, _unknown_key(path, document, root), at_key=True)
        case "missing":
            what = f"missing key {str(detail['loc'][-1])!r}"
            if path == () and what == "missing key 'connector'":
                what += ': begin with connector: "1", the version of the language'
            return locate.problem(path, what, part="type" if has_type else "")
        case "unknown_type" if has_type:
            return locate.problem((*path, "type"), detail["msg"])
        case "missing_type" if near := nearest("type", [str(key) for key in value]):
            return locate.problem((*path, near), f"unknown key {near!r}, did you mean 'type'?", at_key=True)
    what = _words(detail, path, value)
    at_key = detail["loc"][-1:] == ("[key]",) or (detail["type"] == "json_schema" and what.startswith("unknown key"))
    return locate.problem(path, what, at_key=at_key)


def _in_document(loc: Path, document: Any) -> tuple[Path, Any]:
    """The part of a location that is in the document: pydantic adds the branches of unions to it."""
    path: Path = ()
    for step in loc:
        if (isinstance(document, dict) and step in document) or (
            isinstance(document, list) and isinstance(step, int) and step < len(document)
        ):
            document = document[step]  # type: ignore[index]  # a list's steps are integers, see above
            path = (*path, step)
    return path, document


# ── in words ──────────────────────────────────────────────────────────────────────────────────────


def _unknown_key(path: Path, document: Any, root: type[Model]) -> str:
    name, known = str(path[-1]), _keys_at(path[:-1], document, root)
    if root is not Spec:
        return f"unknown key {name!r}{suggestion(name, known)}"
    if len(path) == 1 and name in _keys_of(Endpoint):
        return f"the key {name!r} belongs to an endpoint"
    if len(path) == 3 and path[0] == "endpoints" and name in _keys_of(Spec):  # noqa: PLR2004 - endpoints.NAME.KEY
        return f"the key {name!r} belongs to the top level"
    return f"unknown key {name!r}{suggestion(name, known)}"


def _words(detail: ErrorDetails, path: Path, value: Any) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context.get("error", detail["msg"]))
        case "literal_error" if path == ("connector",):
            return 'must be "1", the version of the language, in quotes'
        case "literal_error":
            legal = re.findall(r"'([^']*)'", context["expected"])
            return f"unknown value {value!r}{suggestion(value, legal)}" if isinstance(value, str) else _text(value, {})
    plain = _PLAIN.get(detail["type"])
    return plain(value, context) if plain is not None else detail["msg"]


def _text(value: Any, context: Any) -> str:  # noqa: ARG001 - the table's shape
    match value:
        case bool():
            return f'must be text; quote it: "{str(value).lower()}"'
        case int():
            return f'must be text; quote it: "{value}"'
        case float():
            return "must be text, not a number; quote it as it is written"  # 1.10 is 1.1 by now
    return f"must be text, not {_sort(value)}"


def _a(what: str) -> Callable[[Any, Any], str]:
    return lambda value, _context: f"must be {what}, not {_sort(value)}"


def _list(value: Any, _context: Any) -> str:
    how = ": put it in [ ]" if isinstance(value, dict | str) and value else ""
    return f"must be a list, not {_sort(value)}{how}"


def _whole(value: Any, _context: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"must be a whole number: write {int(value)}"
    if isinstance(value, str) and "{{" in value:
        return "must be a whole number: no template is filled in here"
    return f"must be a whole number, not {value if isinstance(value, float) else _sort(value)}"


def _characters(count: int) -> str:
    return f"{count} character{'' if count == 1 else 's'}"


_PLAIN: dict[str, Callable[[Any, Any], str]] = {
    "string_type": _text,
    "int_type": _whole,
    "float_type": _a("a number"),
    "bool_type": _a("true or false"),
    "list_type": _list,
    "dict_type": _a("a mapping"),
    "model_type": _a("a mapping"),
    "model_attributes_type": _a("a mapping"),
    "too_short": lambda _value, _context: "is empty: give it at least one item, or leave the key out",
    "too_long": lambda _value, context: f"has more than {context['max_length']} items",
    "string_too_short": lambda _value, context: f"must have at least {_characters(context['min_length'])}",
    "string_too_long": lambda _value, context: f"must have at most {_characters(context['max_length'])}",
    "greater_than_equal": lambda _value, context: f"must be at least {context['ge']}",
    "less_than_equal": lambda _value, context: f"must be at most {context['le']}",
}


def _sort(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
    return "a mapping"


# ── which keys are known where ────────────────────────────────────────────────────────────────────


def _keys_at(path: Path, document: Any, root: type[Model]) -> set[str]:
    """The legal keys of the mapping at `path`, by walking the models' annotations beside the document."""
    models: list[Any] = [root]
    for step in path:
        document = document[step]
        models = [inner for model in models for inner in _below(model, step, document)]
    return {key for model in models if _is(model, Model) for key in _keys_of(model)}


def _keys_of(model: type[Model]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _below(model: Any, step: str | int, value: Any) -> Iterator[Any]:
    if _is(model, Model):
        for name, field in model.model_fields.items():
            if (field.alias or name) == step:
                yield from _options(field.annotation, value)
    elif get_origin(model) in (dict, list):
        yield from _options(get_args(model)[-1], value)


def _options(annotation: Any, value: Any) -> Iterator[Any]:
    """The models and collections that an annotation allows for a value; a family is narrowed to the kind it names."""
    if get_origin(annotation) in (Union, UnionType):
        for option in get_args(annotation):
            yield from _options(option, value)
    elif get_origin(annotation) is Annotated:
        yield from _options(get_args(annotation)[0], value)
    elif _is(annotation, Component) and annotation.kind() is None:
        name = value.get("type", annotation.default) if isinstance(value, dict) else None
        yield annotation.kinds.get(name, annotation)
    else:
        yield annotation


def _is(annotation: Any, base: type) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, base)


# ── what is left ──────────────────────────────────────────────────────────────────────────────────

_KIND_OF_ENDPOINT = (*VERBS, "records", "input", "output")
"""Keys that make an endpoint a read or a call."""


def remainder(error: ValidationError, document: dict[str, Any]) -> tuple[Spec | None, Callable[[Path], bool]]:
    """The spec without its wrong parts, if there is one, and whether what it says about a place can be trusted."""
    wrong: set[Path] = set()
    for _ in range(4):  # what lacks a part may be wrong itself, up to the key that holds it all
        for detail in error.errors(include_url=False, include_input=False, include_context=False):
            path, _value = _in_document(detail["loc"], document)
            wrong.add(path[:-1] if path in wrong else path)
        left = {"connector": "1", "name": "unnamed", **_without(wrong, document, ())}
        try:
            return Spec.model_validate(left), _Trust(wrong).holds
        except ValidationError as further:
            error = further
    return None, lambda _path: False


def _without(wrong: set[Path], value: Any, path: Path) -> Any:
    """A copy without the wrong parts; the others stay where they are."""
    if isinstance(value, dict):
        kept = {key: _without(wrong, item, (*path, key)) for key, item in value.items() if (*path, key) not in wrong}
        return {key: kept.get(key, {}) for key in value if key.isidentifier()} if _declares(path) else kept
    if isinstance(value, list):
        sound = [index for index in range(len(value)) if (*path, index) not in wrong]
        places = [index if index in sound else sound[0] for index in range(len(value))] if sound else []
        return [_without(wrong, value[index], (*path, index)) for index in places]
    return value


def _declares(path: Path) -> bool:
    """Whether names are declared there: each stays declared though its schema is wrong."""
    if path[:1] == ("endpoints",):
        return path[2:] in (("input",), ("schema",))
    return path in (("config",), ("secrets",))


class _Trust:
    """What can be said of a place when others are wrong; it looks each place up, however many are wrong."""

    def __init__(self, wrong: set[Path]) -> None:
        self._wrong = wrong
        self._above = {path[:end] for path in wrong for end in range(len(path))}
        self._own = {path[:2] for path in wrong if path[2:3] != () and path[2] not in INHERITED}

    def holds(self, path: Path) -> bool:
        """Whether what is said about that place can be trusted."""
        if ("config",) in self._wrong or ("secrets",) in self._wrong:
            return False  # nobody knows which names there are
        endpoint = path[:2]
        if path[:1] == ("endpoints",) and any((*endpoint, key) in self._wrong for key in _KIND_OF_ENDPOINT):
            return False
        if path == endpoint and path[:1] == ("endpoints",):  # it lacks something: perhaps what is misspelt there
            return endpoint not in self._own
        return path not in self._above and all(path[:end] not in self._wrong for end in range(len(path) + 1))
