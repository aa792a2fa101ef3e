"""Writes the tables of docs/reference from the code: `python -m tests.docs.reference`.

A page says what it wants between two comments, and everything around them is written by hand::

    <!-- generated: kinds pagination -->
    …
    <!-- end of generated -->
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec

from connector_core import connections, events, exceptions, hookspecs
from connector_core.address import Address
from connector_core.auth import Session, credentials
from connector_core.circuit_breaker import TRANSITIONS
from connector_core.cli import COMMANDS
from connector_core.component import Component, Model, descriptions, example, families
from connector_core.engine.failures import EXCEPTIONS
from connector_core.errors import CATEGORIES, RETRYABLE, Category, by_status
from connector_core.exceptions import IntegrationError
from connector_core.formats import FORMATS as DECLARED
from connector_core.formats.strftime import DIRECTIVES
from connector_core.http import Request, Response
from connector_core.json_schema.dialect import TYPES
from connector_core.json_schema.formats import FORMATS
from connector_core.json_schema.meta_schema import NAMED, meta_schemas
from connector_core.lint import RULES
from connector_core.pagination import Answer, Pagination, Served, Stop, provider
from connector_core.spec import Inherited, Spec
from connector_core.template import FILTERS, PLACES
from connector_core.template.places import EVERYWHERE
from connector_core.testing import contracts
from connector_core.testing.contracts.kind import every_kind
from connector_core.testing.contracts.samples import Samples
from tests.docs import codes, words

__all__ = ["GIVEN", "PAGES", "attributes_of", "every_example", "models", "rewritten"]

PAGES = Path(__file__).resolve().parents[2] / "docs" / "reference"

BEGIN, END = "<!-- generated: {} -->", "<!-- end of generated -->"
_PART = re.compile(r"<!-- generated: (\w+) ?(\w*) -->\n.*?<!-- end of generated -->", re.DOTALL)
_EXAMPLE = re.compile(r"Example: `(.*)`")


def rewritten(page: str) -> str:
    """The page with its generated parts written anew."""
    return _PART.sub(_written, page)


def _written(part: re.Match[str]) -> str:
    what, about = part[1], part[2]
    lines = PARTS[what](about) if about else PARTS[what]()
    return "\n".join([BEGIN.format(f"{what} {about}".strip()), "", *lines, "", END])


def _table(*head: str, rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_cell(text) for text in row)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _prose(text: str | None) -> str:
    """A docstring without its example."""
    return _EXAMPLE.sub("", inspect.cleandoc(text or "")).strip()


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


def models(cls: type[Model] = Model) -> Iterator[type[Model]]:
    """Every mapping of the language that is defined in this package, and of `connections.yaml`."""
    assert issubclass(connections.Settings, Model)
    for below in cls.__subclasses__():
        if below.__module__.startswith("connector_core."):
            yield below
            yield from models(below)


def _fields(name: str) -> Iterator[str]:
    model = next(model for model in models() if model.__name__ == name)
    inherited = Inherited.model_fields if issubclass(model, Inherited) and model is not Inherited else {}
    return _field_table(model, without=set(inherited))


def _field_table(model: type[Model], without: set[str]) -> Iterator[str]:
    fields = {key: field for key, field in model.model_fields.items() if key not in without}
    told = descriptions(model)
    return _table(
        "key", "value", "left out", "",
        rows=((f"`{field.alias or key}`", words.value(field), words.default(field), told[key])
              for key, field in fields.items()),
    )  # fmt: skip


def _kinds(family: str) -> Iterator[str]:
    for number, (name, kind) in enumerate(sorted(families()[family].kinds.items())):
        if number:
            yield ""
        yield f"### `{name}`"
        yield ""
        yield _prose(kind.__doc__)
        yield ""
        yield "```yaml"
        yield _example(kind)
        yield "```"
        if set(kind.model_fields) - {"type"}:
            yield ""
            yield from _field_table(kind, without={"type"})


def _example(model: type[Model]) -> str:
    found = example(model)
    if found is None:
        raise ValueError(f"{model.__name__} has no line with an example: Example: `…`")
    return found


def every_example() -> dict[str, str]:
    """The YAML line of each kind, and of every mapping that has one, by the class's name."""
    kinds = {kind.__name__: _example(kind) for family in families().values() for kind in family.kinds.values()}
    return kinds | {model.__name__: _example(model) for model in models() if example(model)}


# ── templates ─────────────────────────────────────────────────────────────────────────────────────


def _filters() -> Iterator[str]:
    return _table(
        "filter", "gives",
        rows=((f"`{_called(name, function)}`", _prose(function.__doc__)) for name, function in FILTERS.items()),
    )  # fmt: skip


def _methods(key: str) -> Iterator[str]:
    """What a kind of the family can say; the first column leaves `self` out."""
    return _signatures(families()[key], least=1)


def _functions(name: str) -> Iterator[str]:
    return _signatures(MODULES[name], least=0)


def _signatures(owner: Any, least: int) -> Iterator[str]:
    """The public functions of a module or a class, with their arguments after the first `least`."""
    [*body] = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    if isinstance(owner, type):
        [declared] = body
        assert isinstance(declared, ast.ClassDef)
        body = declared.body
    found = [part for part in body if isinstance(part, ast.FunctionDef) and not part.name.startswith("_")]
    return _table(
        "method" if least else "function", "gives", "",
        rows=((f"`{function.name}({_arguments(function, least)})`",
               _result(ast.unparse(function.returns) if function.returns else ""),
               _prose(ast.get_docstring(function))) for function in found),
    )  # fmt: skip


def _arguments(function: ast.FunctionDef, least: int) -> str:
    places = [argument.arg for argument in function.args.args[least:]]
    named = [f"{argument.arg}=" for argument in function.args.kwonlyargs]
    return ", ".join([*places, *named])


def _result(kind: str) -> str:
    """A type as code, without what a field checks, and without the bars that a table has no room for."""
    kind = re.sub(r"Annotated\[(\w+), .*\]", r"\1", kind)
    return f"`{kind.replace(' | ', ' or ')}`" if "[" in kind else _typed(kind)


def _given(name: str) -> Iterator[str]:
    """The attributes of what a method is given, or gives."""
    return _table(
        "attribute", "type", "",
        rows=((f"`{attribute}`", _result(kind), doc) for attribute, kind, doc in attributes_of(GIVEN[name]) if doc),
    )  # fmt: skip


def _called(name: str, function: Callable[..., Any]) -> str:
    arguments = [
        argument.name if argument.default is argument.empty else f"{argument.name}={_literal(argument.default)}"
        for argument in list(inspect.signature(function).parameters.values())[1:]
    ]
    return f"{name}({', '.join(arguments)})" if arguments else name


def _literal(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "none"
        case str() | int():
            return repr(value)
    return "…"


def _places() -> Iterator[str]:
    rows = {place: sorted(set(keys)) for place, keys in _by_place(Spec).items()}
    read = rows.pop("request"), rows.pop("path")
    listed = [(", ".join(f"`{key}`" for key in keys), "", place) for place, keys in rows.items()]
    sent, paths = (", ".join(f"`{key}`" for key in keys) for keys in read)
    listed += [
        (sent, "of what is read", "request"),
        (sent, "of what is called", "call"),
        (paths, "of what is read", "path"),
        (paths, "of what is called", "call_path"),
    ]
    return _table(
        "in", "besides `config`, `now`, `connection` and `endpoint`",
        rows=((f"{keys} {what}".strip(), _names(place)) for keys, what, place in sorted(listed)),
    )  # fmt: skip


def _names(place: str) -> str:
    return ", ".join(f"`{name}`" for name in sorted(PLACES[place] - EVERYWHERE)) or "nothing"


def _by_place(annotation: Any, key: str = "", above: tuple[Any, ...] = ()) -> dict[str, list[str]]:
    """The keys whose templates stand in each place, by walking the models; what holds its own sort is told once."""
    if annotation in above:
        return {}
    place = getattr(annotation, "place", "")  # of what says it in an annotation, and of types that have one place
    found = {place: [key]} if isinstance(place, str) and place else {}
    for name, inner in _below(annotation):
        for there, keys in _by_place(inner, name or key, (*above, annotation)).items():
            found.setdefault(there, []).extend(keys)
    return found


def _below(annotation: Any) -> Iterator[tuple[str, Any]]:
    """What an annotation is made of, with the key that it stands under where that is another one."""
    if not isinstance(annotation, type) or not issubclass(annotation, Model):
        yield from (("", inner) for inner in get_args(annotation))
    elif issubclass(annotation, Component) and annotation.kind() is None:
        yield from (("", kind) for kind in annotation.kinds.values())
    else:
        for key, field in annotation.model_fields.items():
            if issubclass(annotation, Component) and key == annotation.key:
                continue  # another kind of its own family, whose keys are there anyway
            shown = field.alias or key
            if issubclass(annotation, Component) and annotation.key == "auth":
                shown = f"auth.{shown}"
            yield from ((shown, part) for part in (field.annotation, *field.metadata))


_TRIED = {
    "auth": ("auth", "bearer"), "container": ("decode", "gzip"), "decode": ("decode", "json"),
    "every": ("pagination", "none"), "pagination": ("pagination", "cursor"), "transform": ("transform", "drop"),
}  # fmt: skip
"""A kind of each sort; claims are the same for all kinds of one."""


def _claims(sort: str) -> Iterator[str]:
    key, name = _TRIED[sort]
    samples = Samples(families()[key].kinds[name])
    general = [claim.name for claim in every_kind(samples)]
    return _table(
        "claim", "a kind must",
        rows=((f"`{claim.name}`", claim.must) for claim in contracts.claims(samples.kind)
              if (claim.name in general) == (sort == "every")),
    )  # fmt: skip


# ── what is not YAML ──────────────────────────────────────────────────────────────────────────────


def _events() -> Iterator[str]:
    found = [getattr(events, name) for name in events.__all__]
    kinds = [event for event in found if isinstance(event, type) and issubclass(event, msgspec.Struct)]
    return _table(
        "event", "fields", "",
        rows=((f"`{event.__name__}`", _struct_fields(event), _with_attributes(event))
              for event in kinds if event is not events.Event),
    )  # fmt: skip


def _struct_fields(event: type[msgspec.Struct]) -> str:
    return ", ".join(_typed(f"{name}: {kind}") for name, kind in inspect.get_annotations(event).items()) or "–"


def _typed(kind: str) -> str:
    """A type as code; no bar stands in it, since the site would show the backslash that a table needs before one."""
    return " or ".join(f"`{option}`" for option in kind.split(" | "))


def _with_attributes(event: type[msgspec.Struct]) -> str:
    told = ((name, doc) for name, _, doc in attributes_of(event) if doc)
    return " ".join([_prose(event.__doc__), *(f"`{name}`: {doc}" for name, doc in told)])


def _exceptions() -> Iterator[str]:
    return _table(
        "exception", "is a", "category", "",
        rows=((f"`{error.__name__}`", f"`{error.__bases__[0].__name__}`", f"`{error.category}`", _prose(error.__doc__))
              for error in _every_exception()),
    )  # fmt: skip


def _every_exception() -> list[type[IntegrationError]]:
    found = [getattr(exceptions, name) for name in exceptions.__all__]
    return [error for error in found if issubclass(error, IntegrationError)]


def _attributes() -> Iterator[str]:
    """What exceptions have, the base's first; those that say nothing of an attribute do not have it to show."""
    kinds = sorted(_every_exception(), key=lambda error: len(error.__mro__))
    return _table(
        "attribute", "of", "type", "",
        rows=((f"`{name}`", "all" if error is IntegrationError else f"`{error.__name__}`", _typed(kind), doc)
              for error in kinds for name, kind, doc in attributes_of(error) if doc),
    )  # fmt: skip


def attributes_of(cls: type) -> Iterator[tuple[str, str, str]]:
    """Name, type and docstring of what a class and its `__init__` declare."""
    [body] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(body, ast.ClassDef)
    made = [part for inner in body.body if isinstance(inner, ast.FunctionDef) for part in inner.body]
    for before, after in pairwise([*body.body, ast.Pass(), *made, ast.Pass()]):
        if isinstance(before, ast.AnnAssign):
            target = before.target.attr if isinstance(before.target, ast.Attribute) else ast.unparse(before.target)
            kind = ast.unparse(before.annotation)
            doc = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            yield (
                target,
                kind.removeprefix("ClassVar[").removesuffix("]" * kind.startswith("ClassVar[")),
                _prose(str(doc)),
            )


def _codes(mended_by: str) -> Iterator[str]:
    return _table(
        "code", "exception", "",
        rows=((f"`{code}`", _raised(code), told.words) for code, told in codes.CODES.items()
              if told.mended_by == mended_by),
    )  # fmt: skip


def _raised(code: str) -> str:
    kinds = codes.raised(code)
    return ", ".join(f"`{kind}`" if kind[0].isupper() else kind for kind in kinds)


def _transitions() -> Iterator[str]:
    """The states of a circuit as a drawing, from the table that runs."""
    ways: dict[tuple[str, str], list[str]] = {}
    for (before, cause), after in TRANSITIONS.items():
        forced = cause in ("forced_open", "forced_closed", "reset")
        ways.setdefault(("any other" if forced else before, after), []).append(cause)
    yield "```text"
    for (left, end), causes in ways.items():
        why = ", ".join(dict.fromkeys(causes))
        yield f"{left:<10} ──{why:─^24}─→ {end}"
    yield "```"


def _hooks() -> Iterator[str]:
    hooks = {name: hook for name, hook in vars(hookspecs).items() if hasattr(hook, f"{hookspecs.NAME}_spec")}
    return _table(
        "hook", "is given", "",
        rows=((f"[`{name}`](#{name})", ", ".join(f"`{argument}`" for argument in inspect.signature(hook).parameters)
               or "nothing", _prose(hook.__doc__)) for name, hook in hooks.items()),
    )  # fmt: skip


def _commands() -> Iterator[str]:
    return _table("command", "", rows=((f"[`{name}`](#{name})", about) for name, about in COMMANDS.items()))


def _statuses() -> Iterator[str]:
    shown = {**{f"{status}": by_status(status) for status in sorted(CATEGORIES)}}
    shown |= {"any other 4xx": by_status(418), "5xx": by_status(500), "3xx": by_status(300)}
    return _table(
        "status", "category", "may pass",
        rows=((status, f"`{outcome.category}`", _passes(status, retryable=outcome.retryable))
              for status, outcome in shown.items()),
    )  # fmt: skip


def _passes(status: str, *, retryable: bool) -> str:
    if status == "5xx":
        return ", ".join(str(code) for code in sorted(RETRYABLE) if code >= 500)
    return "yes" if retryable else ""


def _categories() -> Iterator[str]:
    return _table(
        "category", "exception",
        rows=((f"`{category}`", f"`{EXCEPTIONS[category].__name__}`") for category in get_args(Category)),
    )  # fmt: skip


def _keywords() -> Iterator[str]:
    named = meta_schemas("")[NAMED]["properties"]
    return _table(
        "keyword", "",
        rows=((f"`{keyword}`", schema.get("description", "")) for keyword, schema in named.items()),
    )  # fmt: skip


def _types() -> Iterator[str]:
    return _table("type", "", rows=((f"`{name}`", what) for name, what in TYPES.items()))


def _formats() -> Iterator[str]:
    return _table("format", "", rows=((f"`{name}`", format_.words) for name, format_ in FORMATS.items()))


def _lint() -> Iterator[str]:
    return _table(
        "code", "level", "finds", "mended by `--fix`",
        rows=((f"`{rule.code}`", rule.level, rule.about, "yes" if rule.fix else "") for rule in RULES.values()),
    )  # fmt: skip


_GIVES = {"time": "a time", "duration": "seconds", "number": "a whole number", "text": "text"}


def _declared() -> Iterator[str]:
    return _table(
        "format", "gives", "such as", "",
        rows=((f"`{name}`", _GIVES[found.kind], f"`{found.example}`", found.words)
              for name, found in DECLARED.items()),
    )  # fmt: skip


def _directives() -> Iterator[str]:
    moment = datetime(2024, 1, 31, 21, 5, 7, 250_000, UTC)
    return _table(
        "directive", "", "such as",
        rows=((f"`%{letter}`", found.says, f"`{found.writes(moment)}`") for letter, found in DIRECTIVES.items()),
    )  # fmt: skip


GIVEN = {kind.__name__: kind for kind in (Address, Answer, Pagination, Request, Response, Served, Session, Stop)}
MODULES = {"provider": provider, "credentials": credentials}

PARTS: dict[str, Callable[..., Iterator[str]]] = {
    "attributes": _attributes,
    "categories": _categories,
    "claims": _claims,
    "codes": _codes,
    "commands": _commands,
    "declared": _declared,
    "directives": _directives,
    "events": _events,
    "transitions": _transitions,
    "exceptions": _exceptions,
    "fields": _fields,
    "filters": _filters,
    "functions": _functions,
    "given": _given,
    "formats": _formats,
    "hooks": _hooks,
    "keywords": _keywords,
    "lint": _lint,
    "kinds": _kinds,
    "methods": _methods,
    "places": _places,
    "statuses": _statuses,
    "types": _types,
}
"""What a page can ask for; `codes`, `fields`, `functions`, `given`, `kinds` and `methods` are followed by whose."""


if __name__ == "__main__":
    for path in sorted(PAGES.glob("*.md")):
        path.write_text(rewritten(path.read_text("utf-8")), "utf-8")
