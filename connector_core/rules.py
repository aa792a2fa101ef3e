"""What must hold across the keys of a spec, checked before anything is sent: names that templates read, and references.

Each rule takes the validated spec and yields the path of a mistake and what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector_core import json_schema
from connector_core.address import AnswerPath, FieldPath
from connector_core.component import Model, families, suggestion
from connector_core.request import METHODS
from connector_core.spec import Endpoint, Environment, Inherited, Spec
from connector_core.template import unknown_names
from connector_core.transform import Cast, Drop, Keep, Prune, Rename, Set, Transform

__all__ = ["broken"]

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]


def broken(spec: Spec) -> Iterator[Mistake]:
    """Every mistake that only shows when the whole spec is seen."""
    yield from _emptied((), spec)
    for name, endpoint in spec.endpoints.items():
        path: Path = ("endpoints", name)
        yield from _emptied(path, endpoint)
        yield from _one_method(path, endpoint)
        yield from _same_header(path, endpoint)
        yield from _own_fields(path, endpoint)
        yield from _lost_key(path, endpoint)
        yield from _output(path, endpoint)
    for name, environment in spec.environments.items():
        yield from _emptied(("environments", name), environment)
    yield from _unjudged(spec)
    yield from _base_url(spec)
    yield from _defaults(spec)
    yield from _names(spec)


def _emptied(path: Path, keys: Inherited | Environment) -> Iterator[Mistake]:
    """Null is no second way to say `none`."""
    for key in ("auth", "pagination", "rate_limit"):
        if key in keys.model_fields_set and getattr(keys, key) is None:
            known = families()[key].kinds
            yield (*path, key), f"is empty: {'write none, or ' if 'none' in known else ''}leave the key out"


def _one_method(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    given = [method for method in METHODS if getattr(endpoint, method) is not None]
    if not given:
        yield path, f"has no method: give it one of {', '.join(METHODS)}, such as get: /orders"
    for further in given[1:]:
        yield (*path, further), f"has a second method; {given[0]} is there already, and an endpoint has one"
    if given == ["get"] and endpoint.body is not None:
        yield (*path, "body"), "get sends no body; use params, or post"


def _same_header(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    first: dict[str, str] = {}
    for name in endpoint.headers or {}:
        if (other := first.setdefault(name.lower(), name)) != name:
            yield (*path, "headers", name), f"is the same header as {other!r}: keep one"


def _own_fields(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    """A primary key and a filter speak of fields that the schema knows, where there is one.

    It describes records as they are handed out; a filter sees them before `transform`.
    """
    schema, key = endpoint.schema_, endpoint.primary_key
    if schema is None or endpoint.records is None:
        return
    of = f"is not in the schema of {path[-1]}"
    places = (
        [(("primary_key",), key)] if not isinstance(key, list) else [(("primary_key", i), k) for i, k in enumerate(key)]
    )
    for place, field in places:
        if field is not None and field.keys[0] not in schema:
            yield (*path, *place), f"{field} {of}{suggestion(field.keys[0], schema)}"
    for read in sorted(endpoint.filter.reads) if endpoint.filter is not None and not endpoint.transform else ():
        if read[0] == "record" and len(read) > 1 and read[1] not in schema:
            yield (*path, "filter"), f"record.{read[1]} {of}{suggestion(read[1], schema)}"


def _lost_key(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    """What tells records apart is in them when they are handed out."""
    key = endpoint.primary_key
    for field in key if isinstance(key, list) else [key] if key is not None else []:
        if (lost := _loser(field.keys, endpoint.transform)) is not None:
            at, how = lost
            yield (*path, "transform", at), f"{how} {field}, which is the primary_key of {path[-1]}"


def _loser(field: tuple[str, ...], transforms: list[Transform]) -> tuple[int, str] | None:
    """The last step that takes the field away, and how; None where there is none, or a later one may bring it back."""
    for at, step in reversed(list(enumerate(transforms))):
        match step:
            case Keep() if not any(_meet(path.keys, field) for path in step.fields):
                return at, "does not keep"
            case Drop() if any(_covers(path.keys, field) for path in step.fields):
                return at, "drops"
            case Rename():
                if any(_meet(new.keys, field) for new in step.fields.values()):
                    return None
                if any(_covers(FieldPath(old).keys, field) for old in step.fields):
                    return at, "renames"
            case Set() if any(_meet(FieldPath(name).keys, field) for name in step.fields):
                return None
            case Keep() | Drop() | Set() | Cast() | Prune():
                pass
            case _:
                return None
    return None


def _covers(path: tuple[str, ...], field: tuple[str, ...]) -> bool:
    """Whether the field is at the path or below it."""
    return all(step in ("*", key) for step, key in zip(path, field, strict=False)) and len(path) <= len(field)


def _meet(path: tuple[str, ...], field: tuple[str, ...]) -> bool:
    """Whether one of the two is at the other or below it."""
    return all(step in ("*", key) for step, key in zip(path, field, strict=False))


def _unjudged(spec: Spec) -> Iterator[Mistake]:
    """Records are judged by a schema; one that all endpoints inherit is for those that have one."""
    judged = [endpoint for endpoint in spec.endpoints.values() if endpoint.schema_ is not None]
    if spec.on_invalid is not None and spec.endpoints and not judged:
        yield ("on_invalid",), "says what becomes of records that do not fit, and no endpoint has a schema"
    for name, endpoint in spec.endpoints.items():
        own = endpoint.on_invalid not in (None, spec.on_invalid)
        if own and endpoint.schema_ is None:
            yield ("endpoints", name, "on_invalid"), f"needs a schema to judge by: {name} has none"


def _output(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    """An output that is plain text is an address."""
    output = endpoint.output
    if output is None or not output.literal or not isinstance(output.raw, str):
        return
    try:
        root = AnswerPath(output.raw).root
    except ValueError as error:
        yield (*path, "output"), str(error)
        return
    if root == "record":
        yield (*path, "output"), f"{output.raw} cannot be read here (output): a call has no records"


def _base_url(spec: Spec) -> Iterator[Mistake]:
    """Told for the first endpoint that needs one; an environment may bring it, and then one has to be chosen."""
    if any(environment.base_url is not None for environment in spec.environments.values()):
        return
    for name, endpoint in spec.endpoints.items():
        paths = [path for method in METHODS if (path := getattr(endpoint, method)) is not None]
        if endpoint.base_url is None and any(not path.whole for path in paths):
            yield ("endpoints", name, "base_url"), "is missing, here and at the top level"
            return


def _defaults(spec: Spec) -> Iterator[Mistake]:
    for name, schema in spec.secrets.items():
        if "default" in schema:
            yield ("secrets", name, "default"), "a secret has no default: a spec is no place for one"
    for name, schema in spec.config.items():
        if "default" in schema:
            yield from (
                (("config", name, "default"), wrong) for wrong in json_schema.violations(schema, schema["default"])
            )
    for home, environment in spec.environments.items():
        for name, value in (environment.config or {}).items():
            path: Path = ("environments", home, "config", name)
            if name not in spec.config:
                yield path, f"{name!r} is not declared under config{suggestion(name, spec.config)}"
            else:
                yield from ((path, wrong) for wrong in json_schema.violations(spec.config[name], value))


# ── the names that templates read ─────────────────────────────────────────────────────────────────


def _names(spec: Spec) -> Iterator[Mistake]:
    known: dict[str, Any] = {
        "config": spec.config,
        "secrets": spec.secrets,
        "connection": ("id",),
        "input": None,
    }
    for path, value in _templates(spec, ()):
        inside = spec.endpoints.get(str(path[1])) if path[0] == "endpoints" else None
        if inside is not None:
            place = value.place if inside.readable else _IN_A_CALL.get(value.place, value.place)
            found = unknown_names(value.reads, place, {**known, "input": inside.input or ()})
        else:
            found = _unknown_everywhere(value, known)
        for what in found:
            yield path, what


_IN_A_CALL = {"request": "call", "path": "call_path"}
"""The row of the table of names that a call has in place of a read's."""


def _unknown_everywhere(value: Any, known: Mapping[str, Any]) -> list[str]:
    """At the top level, what neither a read nor a call may say: each endpoint that inherits it is checked again."""
    found = unknown_names(value.reads, value.place, known)
    in_a_call = unknown_names(value.reads, _IN_A_CALL.get(value.place, value.place), known) if found else []
    return found if in_a_call else []


_PLAIN = frozenset({"config", "secrets", "schema_", "input", "docs"})
"""Fields that hold JSON Schemas and prose."""


def _templates(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Everything in the spec that reads names, with its path in the expanded document."""
    if isinstance(value, Model):
        fields = type(value).model_fields
        given = value.model_fields_set - _PLAIN
        for name in (name for name in fields if name in given):
            yield from _templates(getattr(value, name), (*path, fields[name].alias or name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _templates(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _templates(item, (*path, index))
    elif getattr(value, "place", None) and value.reads:
        yield path, value
