"""What the simulated service does when it is called: create, fetch, change and delete records that reads then see.

A call belongs to a dataset by its path: `post /orders` creates where `orders` reads, `/orders/{{ input.id }}` is one of
them. What arrives is checked against `input` where the spec says how it gets there, as `"{{ input.NAME }}"` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any

from connector_core import json_schema
from connector_core.address import AnswerPath
from connector_core.config import is_required
from connector_core.http import Request
from connector_core.request.body import Body
from connector_core.request.parts import PartKeys
from connector_core.spec import Endpoint
from connector_core.testing.arrived import fields_of, from_json
from connector_core.testing.batches import batched
from connector_core.testing.dataset import Dataset
from connector_core.testing.matching import Route
from connector_core.testing.reply import Reply, headers_of, placed, refused

__all__ = ["called"]

_INPUT = re.compile(r"\{\{\s*input(?:\.(\w+))?\s*\}\}")
_ABSENT = object()


def called(
    route: Route,
    request: Request,
    datasets: Mapping[tuple[str, str], Dataset],
    fresh: Callable[[Route], Dataset],
    *,
    expected: bool = False,
) -> Reply:
    """The answer to a call, after which reads see what it changed; `fresh` makes an empty dataset for a route.

    `expected`: something is taken from the answer, so that there is one in any case.
    """
    arrived = dict(_arrived(route.endpoint, request))
    if wrong := list(_wrong(route.endpoint, arrived)):
        return refused(422, "; ".join(wrong))
    shown = {name: value for name, value in arrived.items() if value is not _ABSENT and not _is_file(value)}
    given = fields_of(request.body, request.encoding) | shown
    inside = datasets.get(route.place)
    above = _above(route, datasets)
    if route.endpoint.batch is not None:
        around = datasets.get((route.origin, route.shape.rpartition("/")[0]))  # /contacts/batch is of /contacts
        return batched(route, route.endpoint.batch, request, inside or around or fresh(route), _known)
    if inside is not None and request.method == "POST":
        return _answered(route, 201, inside, inside.add(_known(given, inside)))
    if inside is not None and request.method == "GET":
        return _answered(route, 200, inside, inside.matching(request.query))
    if above is not None:
        return _one(route, request.method, above, route.filled(request)[-1], given)
    if request.method == "POST" or route.endpoint.schema_:
        made = fresh(route)
        return _answered(route, 201 if request.method == "POST" else 200, made, made.make(_known(given, made)))
    if expected:
        return Reply(200)
    return refused(
        501,
        f"endpoints.{route.name} cannot be simulated: no endpoint with records reads the same path, or the one above "
        f"it, and it has no schema to make an answer from; write endpoints.{route.name}.schema",
    )


def _above(route: Route, datasets: Mapping[tuple[str, str], Dataset]) -> Dataset | None:
    """The records of which the path names one, `/orders/{}` or `/orders/{}/`; None where it names none."""
    shape = route.shape.removesuffix("/")
    if not shape.endswith("/{}"):
        return None
    over = shape.removesuffix("{}")
    return datasets.get((route.origin, over.removesuffix("/"))) or datasets.get((route.origin, over))


def _one(route: Route, method: str, dataset: Dataset, key: str, given: Mapping[str, Any]) -> Reply:
    """Fetches, changes or deletes the record with that key."""
    at = dataset.position(key)
    if at is None:
        return refused(404, f"there is no record {key!r}")
    if method == "DELETE":
        record = dataset.records.pop(at)
        return _answered(route, 200, dataset, record) if route.endpoint.output is not None else Reply(204)
    if method != "GET":
        kept = {path.keys[0] for path in dataset.keys}
        changes = {name: value for name, value in _known(given, dataset).items() if name not in kept}
        dataset.records[at] = dataset.records[at] | changes
    return _answered(route, 200, dataset, dataset.records[at])


def _known(given: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """What a record of that dataset can hold; everything, where no schema says."""
    schema = dataset.schema
    held = {name: value for name, value in given.items() if not schema or name in schema}
    return {
        name: _typed(value, schema.get(name, {}))
        for name, value in held.items()
        if not isinstance(value, dict) or "object" in schema.get(name, {}).get("type", "object")
    }


def _answered(route: Route, status: int, dataset: Dataset, made: Any) -> Reply:
    """The answer with the record where `output` looks for it, or for one of its fields."""
    output = route.endpoint.output
    if output is None or not isinstance(output.raw, str) or not output.literal:
        return Reply(status, made)
    path = AnswerPath(output.raw)
    if path.root == "header":
        return Reply(status, made, headers_of({output.raw: dataset.key_of(made)}))
    if path.root != "body":
        return Reply(status, made)
    if path.keys and isinstance(made, dict) and path.keys[-1] in made:
        path = AnswerPath(".".join(["body", *(f'"{key}"' for key in path.keys[:-1])]))
    try:
        return Reply(status, placed(None, path, made))
    except ValueError as error:
        return refused(501, f"endpoints.{route.name}.output cannot be simulated: {error}")


def _is_file(value: Any) -> bool:
    return isinstance(value, bytes) or (isinstance(value, list) and any(isinstance(item, bytes) for item in value))


# ── what arrived ──────────────────────────────────────────────────────────────────────────────────


def _arrived(endpoint: Endpoint, request: Request) -> Iterator[tuple[str, Any]]:
    """The input by name, as far as the spec sends it unchanged; _ABSENT where its place is empty."""
    body, declared = endpoint.body, endpoint.input or {}
    for name, value in (endpoint.params or {}).items():
        yield from _read(value.raw if value else None, dict(request.query).get(name, _ABSENT), declared)
    variables = request.body.get("variables") if endpoint.graphql and isinstance(request.body, dict) else None
    given = variables if isinstance(variables, dict) else {}
    for name, value in (endpoint.variables or {}).items():
        yield from _read(value.raw if value else None, given.get(name, _ABSENT), declared)
    if body is not None:
        yield from _in_body(body, request, declared)


def _in_body(body: Body, request: Request, declared: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The input by name, from a body of the form that the spec sends."""
    got: Any = request.body if request.encoding == body.form_name else _ABSENT
    match body.form_name:
        case "form":
            sent = {} if got is _ABSENT else dict(got)
            for name, value in body.form.items():
                yield from _read(value.raw, sent.get(name, _ABSENT), declared)
        case "multipart":
            parts = () if got is _ABSENT else got.parts
            for name, keys in body.multipart.items():
                yield from _in_part(keys, [part.value for part in parts if part.name == name], declared)
        case "json":
            yield from _read(body.json_.raw if body.json_ else None, got, declared)
        case "xml":
            for name, value in _read(body.xml.raw if body.xml else None, got, declared):
                yield name, _as_declared(value, declared.get(name, {}))
        case "text" | "bytes" if got is not _ABSENT or request.body is None:  # another declared type: no more is known
            whole = body.text or body.bytes_
            yield from _read(whole.raw if whole else None, got, declared)


def _in_part(keys: PartKeys | list[PartKeys], got: list[Any], declared: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(keys, list):
        return  # which of them is whose, nobody can say
    if keys.json_ is not None:
        yield from _read(keys.json_.raw, from_json(got[0]) if got else _ABSENT, declared)
        return
    if keys.file is None:
        got = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in got]
    written = keys.file or keys.text
    for name, value in _read(written.raw if written else None, got[0] if got else _ABSENT, declared):
        yield name, got if got and declared.get(name, {}).get("type") == "array" else value


def _as_declared(value: Any, schema: Mapping[str, Any]) -> Any:
    """What XML cannot say: that a list has one item, and that a text is a number."""
    match schema.get("type"):
        case "array" if value is not _ABSENT:
            items = value if isinstance(value, list) else [value]
            return [_as_declared(item, schema.get("items", {})) for item in items]
        case "object" if isinstance(value, dict):
            known = schema.get("properties", {})
            return {name: _as_declared(item, known.get(name, {})) for name, item in value.items()}
    return _typed(value, schema)


def _read(written: Any, got: Any, declared: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(written, dict):
        for key, inner in written.items():
            yield from _read(inner, got.get(key, _ABSENT) if isinstance(got, dict) else _ABSENT, declared)
    elif isinstance(written, str) and (whole := _INPUT.fullmatch(written.strip())):
        if whole[1]:
            yield whole[1], got
        else:
            for name in declared:
                yield name, got.get(name, _ABSENT) if isinstance(got, dict) else _ABSENT


def _wrong(endpoint: Endpoint, arrived: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in (endpoint.input or {}).items():
        value = arrived.get(name)
        if value is None:
            continue
        if value is not _ABSENT:
            for violation in json_schema.violations(schema, _typed(value, schema), files=True):
                yield f"{name}: {violation}"
        elif is_required(schema):
            yield f"{name} is missing"


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Text of a form or a query as the type that the schema names; as it is where it cannot be that."""
    if not isinstance(value, str):
        return value
    try:
        match schema.get("type"):
            case "integer":
                return int(value)
            case "number" if isfinite(number := float(value)):
                return number
            case "boolean":
                return {"true": True, "false": False}.get(value, value)
    except ValueError:
        pass
    return value
