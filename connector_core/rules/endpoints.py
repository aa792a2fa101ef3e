"""What must hold inside of one endpoint: its method, what it sends, and the fields that it speaks of."""

from __future__ import annotations

from collections.abc import Iterator

from connector_core.address import AnswerPath, Put
from connector_core.component import suggestion
from connector_core.graphql import declared
from connector_core.request.body import not_multipart
from connector_core.spec import VERBS, Endpoint
from connector_core.transform import Transform

__all__ = ["of_endpoint"]

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]


def of_endpoint(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    """Every mistake that one endpoint's own keys show."""
    yield from _one_method(path, endpoint)
    yield from _same_header(path, endpoint)
    yield from _multipart_type(path, endpoint)
    yield from _own_fields(path, endpoint)
    yield from _decoded(path, endpoint)
    yield from _key(path, endpoint)
    yield from _lost_key(path, endpoint)
    yield from _output(path, endpoint)


def _one_method(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    given = [verb for verb in VERBS if getattr(endpoint, verb) is not None]
    if not given:
        yield path, f"has no method: give it one of {', '.join(VERBS)}, such as get: /orders"
    for further in given[1:]:
        yield (*path, further), f"has a second method; {given[0]} is there already, and an endpoint has one"
    if given == ["get"] and endpoint.body is not None:
        yield (*path, "body"), "get sends no body; use params, or post"
    if endpoint.batch is not None and (endpoint.readable or given in (["get"], ["steps"])):
        yield (*path, "batch"), "is for calls that send a list: post, put, patch, delete or graphql, without records"
    if endpoint.batch is not None and endpoint.idempotency is not None and endpoint.idempotency.value is not None:
        yield (*path, "idempotency", "value"), "is one key, and each request of a batch needs its own: leave value out"
    if given == ["graphql"]:
        yield from _graphql(path, endpoint)
    elif endpoint.variables is not None:
        yield (*path, "variables"), "are a query's: there is no graphql here"


def _graphql(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    """Every variable that is sent is one that the query declares."""
    assert endpoint.graphql is not None  # noqa: S101 - the caller has looked
    if endpoint.body is not None:
        yield (*path, "body"), "graphql sends a body of its own; give values under 'variables'"
    known = set(declared(endpoint.graphql))
    sent = {(*path, "variables", name): name for name in endpoint.variables or {}}
    if endpoint.readable and endpoint.pagination is not None:
        size = getattr(endpoint.pagination, "size", None)
        puts = {("put",): getattr(endpoint.pagination, "put", None), ("size", "put"): getattr(size, "put", None)}
        sent |= {
            (*path, "pagination", *place): put.keys[1]
            for place, put in puts.items()
            if isinstance(put, Put) and put.root == "body" and put.keys[0] == "variables" and len(put.keys) > 1
        }
    for place, name in sent.items():
        if name not in known:
            yield place, f"the query declares no variable ${name}{suggestion(name, known)}"


def _same_header(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    first: dict[str, str] = {}
    for name in endpoint.headers or {}:
        if (other := first.setdefault(name.lower(), name)) != name:
            yield (*path, "headers", name), f"is the same header as {other!r}: keep one"


def _multipart_type(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    if endpoint.body is None or endpoint.body.form_name != "multipart":
        return
    for name, value in (endpoint.headers or {}).items():
        fixed = value.raw if value is not None and value.literal and isinstance(value.raw, str) else None
        if name.lower() == "content-type" and fixed is not None and (wrong := not_multipart(fixed)):
            yield (*path, "headers", name), wrong


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


def _decoded(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    """The records stand where the decoder can put something."""
    steps, records = endpoint.decode, endpoint.records
    decoder = steps[-1] if isinstance(steps, list) else steps
    if decoder is None or records is None or not endpoint.readable:
        return
    name = decoder.kind()
    if decoder.shape == "bytes":
        yield (*path, "decode"), "bytes have no records: take text, or leave records out (records: null)"
    elif decoder.shape == "scalar" and records.keys:
        yield (*path, "records"), f"{name} is one value, nothing lies below it: records: body"
    elif decoder.shape == "list" and records.plain and records.keys:
        yield (*path, "records"), f"{name} is a list of records, not an object with {records.keys[0]!r}: records: body"


def _key(path: Path, endpoint: Endpoint) -> Iterator[Mistake]:
    """`key` is there where the records stand under names."""
    condition, records = endpoint.filter, endpoint.records
    reads = condition is not None and any(read[0] == "key" for read in condition.reads)
    if reads and records is not None and records.keys[-1:] != ("*",):
        yield (*path, "filter"), f"key is the name that a record stands under: records must end in *, as {records}.*"


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
        if step.may_bring(field):
            return None
        if how := step.loses(field):
            return at, how
    return None


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
