"""What must hold across the keys of a spec, checked before anything is sent: names that templates read, and references.

Each rule takes the validated spec and yields the path of a mistake and what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache, partial
from typing import Any

from connector_core import json_schema
from connector_core.address import AnswerPath, Put
from connector_core.component import families, suggestion
from connector_core.for_each import ForEach
from connector_core.graphql import declared
from connector_core.reach import MOST_REACHED, ancestors, called_by, facts_of, line_of, needed_by
from connector_core.request import METHODS
from connector_core.request.body import not_multipart
from connector_core.spec import VERBS, Endpoint, Environment, Inherited, Spec, templates
from connector_core.template import unknown_names

__all__ = ["broken"]

MOST_ENVIRONMENTS = 50

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
        yield from _multipart_type(path, endpoint)
        yield from _own_fields(path, endpoint)
        yield from _decoded(path, endpoint)
        yield from _key(path, endpoint)
        yield from _output(path, endpoint)
    yield from (found for name, own in spec.environments.items() for found in _emptied(("environments", name), own))
    if len(spec.environments) > MOST_ENVIRONMENTS:
        yield ("environments",), f"has more than {MOST_ENVIRONMENTS}: whoever checks the spec loads it in each of them"
    yield from _base_url(spec)
    yield from _defaults(spec)
    yield from _parents(spec)
    yield from _steps(spec)
    yield from _captures(spec)
    yield from _names(spec)


def _emptied(path: Path, keys: Inherited | Environment) -> Iterator[Mistake]:
    """Null is no second way to say `none`."""
    for key in ("auth", "decode", "pagination", "rate_limit"):
        if key in keys.model_fields_set and getattr(keys, key) is None:
            known = families()[key].kinds
            yield (*path, key), f"is empty: {'write none, or ' if 'none' in known else ''}leave the key out"


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
    """A primary key and a filter speak of fields that the schema knows, where there is one."""
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
    for read in sorted(endpoint.filter.reads) if endpoint.filter is not None else ():
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
        if endpoint.base_url is None and (endpoint.graphql or any(not path.whole for path in paths)):
            yield ("endpoints", name, "base_url"), "is missing, here and at the top level"
            return


def _defaults(spec: Spec) -> Iterator[Mistake]:
    for name, schema in spec.secrets.items():
        if "default" in schema:
            yield ("secrets", name, "default"), "a secret has no default: a spec is no place for one"
    effort = json_schema.Effort()
    for path, name, value in _values(spec):
        if name not in spec.config:
            yield path, f"{name!r} is not declared under config{suggestion(name, spec.config)}"
            continue
        if not effort.allows(spec.config[name], value):
            yield path, "would take too long to check: make this value or its schema smaller, or those before it"
            return
        yield from ((path, wrong) for wrong in json_schema.violations(spec.config[name], value))


def _values(spec: Spec) -> Iterator[tuple[Path, str, Any]]:
    """The values that the spec itself gives to config, each with its path and its name."""
    for name, schema in spec.config.items():
        if "default" in schema:
            yield ("config", name, "default"), name, schema["default"]
    for home, environment in spec.environments.items():
        for name, value in (environment.config or {}).items():
            yield ("environments", home, "config", name), name, value


# ── what an endpoint is read for ──────────────────────────────────────────────────────────────────


def _parents(spec: Spec) -> Iterator[Mistake]:
    """A parent is there, is read, and does not wait for its own child; no name hides an ancestor's."""
    for name, endpoint in spec.endpoints.items():
        path: Path = ("endpoints", name, "for_each")
        if endpoint.for_each and not endpoint.readable:
            yield path, "is for reads: an endpoint with records, and without input or output"
        for index, entry in enumerate(endpoint.for_each or ()):
            yield from _parent(spec, name, (*path, index), entry)
            before = [*(endpoint.for_each or ())[:index], *ancestors(spec, entry)]
            if any(entry.as_ == other.as_ for other in before):
                yield (*path, index, "as"), f"hides the {entry.as_!r} of an ancestor: choose another name"
            if entry.batch is not None and index < len(endpoint.for_each or ()) - 1:
                yield (*path, index, "batch"), "is for the last entry of a product"


def _parent(spec: Spec, name: str, path: Path, entry: ForEach) -> Iterator[Mistake]:
    if entry.endpoint is None:
        return
    parent = spec.endpoints.get(entry.endpoint)
    at = (*path, "endpoint")
    if parent is None:
        yield at, f"there is no endpoint {entry.endpoint!r}{suggestion(entry.endpoint, spec.endpoints)}"
    elif not parent.readable:
        yield at, f"{entry.endpoint} is called, not read: a parent has records, and no input or output"
    elif name in (line := line_of(spec, entry.endpoint)):
        yield (
            at,
            "goes in a circle: this endpoint is read for itself"
            if entry.endpoint == name
            else (f"goes in a circle: {entry.endpoint} is read for {name}"),
        )
    elif len(line) > MOST_REACHED:
        yield at, f"leads to more than {MOST_REACHED} endpoints, each read for another: nobody waits for so many"
    elif entry.take is not None and parent.schema_ and entry.take.keys[0] not in parent.schema_:
        yield (
            (*path, "take"),
            f"{entry.take} is not in the schema of {entry.endpoint}{suggestion(entry.take.keys[0], parent.schema_)}",
        )


def _made_up(spec: Spec, name: str, here: int | None = None) -> dict[str, Any]:
    """The names that `for_each` and steps bring (before step `here`), with what each has (None: anybody's guess)."""
    endpoint = spec.endpoints[name]
    found: dict[str, Any] = {step.as_: None for step in (endpoint.steps or ())[:here] if step.as_ is not None}
    if endpoint.job is not None:
        found["job"] = ("start", "poll", "locate")
        if endpoint.job.result is not None and endpoint.job.result.as_ is not None:
            found[endpoint.job.result.as_] = None
    for entry in endpoint.for_each or ():
        for known in (*ancestors(spec, entry), entry):
            parent = spec.endpoints.get(known.endpoint) if known.endpoint else None
            plain = parent is not None and known.values is None and known.take is None and known.batch is None
            found[known.as_] = (parent.schema_ or None) if parent is not None and plain else None
    return found


# ── calls of other endpoints ──────────────────────────────────────────────────────────────────────


def _steps(spec: Spec) -> Iterator[Mistake]:
    """A step calls an endpoint that is there, with input that it has, and nothing calls itself."""
    for name, endpoint in spec.endpoints.items():
        for index, step in enumerate(endpoint.steps or ()):
            path: Path = ("endpoints", name, "steps", index)
            called = spec.endpoints.get(step.call)
            if called is None:
                yield (*path, "call"), f"there is no endpoint {step.call!r}{suggestion(step.call, spec.endpoints)}"
                continue
            yield from (((*path, "call"), what) for what in _circle(name, step.call, called_by(spec, step.call)))
            known = called.input or {}
            for given in step.input:
                if given not in known:
                    yield (*path, "input", given), f"{step.call} takes no input {given!r}{suggestion(given, known)}"
            for wanted, schema in known.items():
                if wanted not in step.input and "default" not in schema and not schema.get("optional"):
                    yield path, f"{step.call} needs the input {wanted!r}: give it under 'input'"
            if step.as_ is not None and step.as_ in [other.as_ for other in (endpoint.steps or ())[:index]]:
                yield (*path, "as"), f"hides the {step.as_!r} of an earlier step: choose another name"


def _circle(name: str, call: str, calls: set[str]) -> Iterator[str]:
    if len(calls) > MOST_REACHED:
        yield f"leads to more than {MOST_REACHED} endpoints, each called by another"
    elif name in calls:
        yield "calls itself" if call == name else f"goes in a circle: {call} calls {name}"


def _captures(spec: Spec) -> Iterator[Mistake]:
    """A fact is asked of an endpoint that needs no input, nor the fact itself."""
    facts = cache(partial(facts_of, spec))
    for name, capture in spec.capture.items():
        path: Path = ("capture", name)
        called = spec.endpoints.get(capture.call)
        if name == "id":
            yield path, "hides connection.id: choose another name"
        if called is None:
            yield (*path, "call"), f"there is no endpoint {capture.call!r}{suggestion(capture.call, spec.endpoints)}"
        elif called.for_each or called.steps or _needs_input(called):
            yield (*path, "call"), f"{capture.call} is not one request without input"
        elif len(needed := needed_by(spec, capture.call, facts)) > MOST_REACHED:
            yield (*path, "call"), f"needs more than {MOST_REACHED} calls, each for what another asks for"
        elif any(name in facts(one) for one in needed):
            yield (*path, "call"), f"goes in a circle: {capture.call} reads connection.{name}"
    for path, value in templates(spec):
        if value.place == "base_url" and path[-1] == "base_url":
            for fact in {read[1] for read in value.reads if read[0] == "connection" and read[1:]} & spec.capture.keys():
                yield path, f"reads connection.{fact}, which only a call can tell, and no call is made without base_url"


def _needs_input(endpoint: Endpoint) -> bool:
    return any("default" not in schema and not schema.get("optional") for schema in (endpoint.input or {}).values())


# ── the names that templates read ─────────────────────────────────────────────────────────────────


def _names(spec: Spec) -> Iterator[Mistake]:
    made_up: dict[str, Any] = {}
    for name in spec.endpoints:
        made_up |= _made_up(spec, name)
    known: dict[str, Any] = {
        "config": spec.config,
        "secrets": spec.secrets,
        "connection": {"id", *spec.capture},
        "input": None,
    }
    made_up_in = lru_cache(1)(partial(_made_up, spec))  # the templates of one endpoint or step follow each other
    for path, value in templates(spec):
        inside = spec.endpoints.get(str(path[1])) if path[0] == "endpoints" else None
        if inside is not None:
            place = value.place if inside.readable else _IN_A_CALL.get(value.place, value.place)
            names = {**known, "input": inside.input or ()}
            here = int(path[3]) if path[2] == "steps" else None
            found = unknown_names(value.reads, place, names, made_up_in(str(path[1]), here))
        else:
            found = _unknown_everywhere(value, known, made_up)
        for what in found:
            yield path, what


_IN_A_CALL = {"request": "call", "path": "call_path"}
"""The row of the table of names that a call has in place of a read's."""


def _unknown_everywhere(value: Any, known: Mapping[str, Any], made_up: Mapping[str, Any]) -> list[str]:
    """At the top level, what neither a read nor a call may say: each endpoint that inherits it is checked again."""
    found = unknown_names(value.reads, value.place, known, made_up)
    place = _IN_A_CALL.get(value.place, value.place)
    in_a_call = unknown_names(value.reads, place, known, made_up) if found else []
    return found if in_a_call else []
