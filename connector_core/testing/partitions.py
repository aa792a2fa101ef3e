"""Which records belong to a partition: they are dealt out among what `for_each` reads for, so that each has one home.

A partition is known by what a request says where a template of the spec reads its name: in the path, the query, a
header or the body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from connector_core.address import MISSING, Put
from connector_core.for_each import ForEach
from connector_core.http import Request
from connector_core.spec import Endpoint
from connector_core.template import MissingError, Template, TemplateError
from connector_core.testing.arrived import from_json
from connector_core.testing.dataset import Dataset, text_of
from connector_core.testing.matching import Route

__all__ = ["Told", "belonging", "told"]

Record = dict[str, Any]


class Told(Struct, frozen=True):
    """What a request says in one place."""

    name: str
    """The parameter or field; empty for a part of the path."""
    written: Template | Put
    """What the spec puts there: a template, or several values of a `batch`."""
    values: tuple[str, ...]
    compared: bool = False
    """Whether a property of that name is compared with it already."""


def told(route: Route, request: Request) -> list[Told]:
    """What the request says in the places that the spec fills."""
    entries = route.endpoint.for_each or []
    return [*_written(route, request), *_batched([entry for entry in entries if entry.batch], request)]


def belonging(
    records: list[Record],
    entry: ForEach,
    places: Sequence[Told],
    parents: Sequence[Record] | None,
    scope: Mapping[str, Any],
    dataset: Dataset,
) -> list[Record]:
    """The records of the partitions that the places tell; all of them where they tell none.

    `parents`: the records of the entry's endpoint; None where they are not known.
    """
    values = _values(entry, parents, scope)
    for place in places:
        known = list(dict.fromkeys(_texts(entry, place.written, values, scope)))
        if not known or not place.values:
            continue
        if place.compared and any(dataset.filters(place.name, value) for value in place.values):
            continue
        if _chooses(dataset, place.name, known):
            return [record for record in records if text_of(record.get(place.name)) in place.values]
        wanted = {known.index(value) for value in place.values if value in known}
        return [record for at, record in enumerate(records) if at % len(known) in wanted]
    return records


def _chooses(dataset: Dataset, name: str, known: Sequence[str]) -> bool:
    """Whether the place names a property that can only be one of a few, all of which are read for."""
    return bool(dataset.schema.get(name, {}).get("enum")) and all(dataset.filters(name, value) for value in known)


def _values(entry: ForEach, parents: Sequence[Record] | None, scope: Mapping[str, Any]) -> list[Any]:
    """What is read for, one value for each partition."""
    try:
        given = entry.values.value(scope) if entry.values is not None else None
    except (MissingError, TemplateError):
        given = None
    if isinstance(given, list) and given:
        return given
    if entry.take is None:
        return list(parents or ())
    found = [entry.take.take(parent) for parent in parents or ()]
    return [value for one in found for value in (one if isinstance(one, list) else [one]) if _is(value)]


def _texts(entry: ForEach, written: Template | Put, values: Sequence[Any], scope: Mapping[str, Any]) -> Iterator[str]:
    """What the place would say for each value; nothing where it does not speak of them."""
    if isinstance(written, Put):
        if entry.batch is not None and entry.batch.put == written:
            yield from map(text_of, values)
        return
    if not any(read[0] == entry.as_ for read in written.reads):
        return
    for value in values:
        try:
            found = written.text({**scope, entry.as_: value})
        except (MissingError, TemplateError):
            continue
        if found is not MISSING:
            yield found


# ── what a request says ───────────────────────────────────────────────────────────────────────────


def _written(route: Route, request: Request) -> Iterator[Told]:
    for value, template in zip(route.filled(request), route.fills, strict=False):
        yield Told("", template, (value,))
    endpoint = route.endpoint
    sent = {name.lower(): value for name, value in request.headers.items()}
    for name, header in (endpoint.headers or {}).items():
        if (written := _template(header.raw if header else None)) is not None and name.lower() in sent:
            yield Told(name, written, (sent[name.lower()],))
    for name, param in (endpoint.params or {}).items():
        if (written := _template(param.raw if param else None)) is not None:
            yield Told(name, written, tuple(v for key, v in request.query if key == name), compared=True)
    yield from _in_body(endpoint, request)


def _in_body(endpoint: Endpoint, request: Request) -> Iterator[Told]:
    variables = request.body.get("variables") if endpoint.graphql and isinstance(request.body, dict) else None
    if endpoint.args:
        yield from _inside({name: value.raw for name, value in endpoint.args.items() if value}, request.body)
    if endpoint.variables:
        yield from _inside({name: value.raw for name, value in endpoint.variables.items() if value}, variables)
    if endpoint.body is not None and request.encoding == "form":
        yield from _inside({name: value.raw for name, value in endpoint.body.form.items()}, dict(request.body))
    elif endpoint.body is not None and endpoint.body.json_ is not None:
        yield from _inside(endpoint.body.json_.raw, request.body)


def _inside(written: Any, got: Any, name: str = "") -> Iterator[Told]:
    if isinstance(written, dict) and isinstance(got, dict):
        for key, inner in written.items():
            yield from _inside(inner, got.get(key), key)
    elif isinstance(written, list) and isinstance(got, list):
        for inner, value in zip(written, got, strict=False):
            yield from _inside(inner, value, name)
    elif (template := _template(written)) is not None and got is not None and not isinstance(got, dict | list):
        yield Told(name, template, (text_of(got),))


def _template(raw: Any) -> Template | None:
    return Template(raw) if isinstance(raw, str) and "{{" in raw else None


def _batched(entries: Sequence[ForEach], request: Request) -> Iterator[Told]:
    for batch in (entry.batch for entry in entries if entry.batch is not None):
        sent = list(_at(request, batch.put))
        if batch.join is not None:
            sent = [piece for text in sent for piece in text.split(batch.join)]
        yield Told(batch.put.keys[0], batch.put, tuple(sent), compared=batch.put.root == "query")


def _at(request: Request, put: Put) -> Iterator[str]:
    """Every value at the place."""
    if put.root == "query":
        yield from (value for name, value in request.query if name == put.keys[0])
    elif put.root == "header":
        yield from (value for name, value in request.headers.items() if name.lower() == put.keys[0].lower())
    elif put.root in ("body", "args"):
        found: Any = dict(request.body) if request.encoding == "form" else request.body
        for key in put.keys:
            found = found.get(key) if isinstance(found, dict) else None
        found = from_json(found) if isinstance(found, str) and found.startswith("[") else found
        yield from map(text_of, found if isinstance(found, list) else [] if found is None else [found])


def _is(value: Any) -> bool:
    return value is not MISSING and value is not None
