"""What must hold between endpoints: parents and their children, steps and what they call, captured facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connector_core.component import suggestion
from connector_core.for_each import ForEach
from connector_core.spec import Endpoint, Spec, templates

__all__ = ["made_up", "of_relations"]

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]


def of_relations(spec: Spec) -> Iterator[Mistake]:
    """Every mistake in what endpoints say of each other."""
    yield from _parents(spec)
    yield from _steps(spec)
    yield from _captures(spec)


def _parents(spec: Spec) -> Iterator[Mistake]:
    """A parent is there, is read, and does not wait for its own child; no name hides an ancestor's."""
    for name, endpoint in spec.endpoints.items():
        path: Path = ("endpoints", name, "for_each")
        if endpoint.for_each and not endpoint.readable:
            yield path, "is for reads: an endpoint with records, and without input or output"
        for index, entry in enumerate(endpoint.for_each or ()):
            yield from _parent(spec, name, (*path, index), entry)
            before = [*(endpoint.for_each or ())[:index], *_ancestors(spec, entry)]
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
    elif name in _line_of(spec, entry.endpoint):
        yield (
            at,
            "goes in a circle: this endpoint is read for itself"
            if entry.endpoint == name
            else (f"goes in a circle: {entry.endpoint} is read for {name}"),
        )
    elif entry.take is not None and parent.schema_ and entry.take.keys[0] not in parent.schema_:
        yield (
            (*path, "take"),
            f"{entry.take} is not in the schema of {entry.endpoint}{suggestion(entry.take.keys[0], parent.schema_)}",
        )


def _line_of(spec: Spec, name: str) -> set[str]:
    """The endpoint and everything that it is read for, at any depth."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            endpoint = spec.endpoints.get(one)
            waiting += [entry.endpoint for entry in (endpoint.for_each if endpoint else None) or () if entry.endpoint]
    return found


def _ancestors(spec: Spec, entry: ForEach) -> Iterator[ForEach]:
    """The entries that the parent of an entry is read for, at any depth."""
    for name in _line_of(spec, entry.endpoint) if entry.endpoint else ():
        endpoint = spec.endpoints.get(name)
        yield from (endpoint.for_each if endpoint else None) or ()


def made_up(spec: Spec, endpoint: Endpoint, path: Path) -> dict[str, Any]:
    """The names that `for_each` and the steps before a place bring, with what each has (None: anybody's guess)."""
    here = int(path[3]) if path[2:3] == ("steps",) and len(path) > 3 else None  # noqa: PLR2004 - endpoints.NAME.steps.AT
    found: dict[str, Any] = {step.as_: None for step in (endpoint.steps or ())[:here] if step.as_ is not None}
    if endpoint.job is not None:
        found["job"] = ("start", "poll", "locate")
        if endpoint.job.result is not None and endpoint.job.result.as_ is not None:
            found[endpoint.job.result.as_] = None
    for entry in endpoint.for_each or ():
        for known in (*_ancestors(spec, entry), entry):
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
            if name in _called_by(spec, step.call):
                circle = "calls itself" if step.call == name else f"goes in a circle: {step.call} calls {name}"
                yield (*path, "call"), circle
            known = called.input or {}
            for given in step.input:
                if given not in known:
                    yield (*path, "input", given), f"{step.call} takes no input {given!r}{suggestion(given, known)}"
            for wanted, schema in known.items():
                if wanted not in step.input and "default" not in schema and not schema.get("optional"):
                    yield path, f"{step.call} needs the input {wanted!r}: give it under 'input'"
            if step.as_ is not None and step.as_ in [other.as_ for other in (endpoint.steps or ())[:index]]:
                yield (*path, "as"), f"hides the {step.as_!r} of an earlier step: choose another name"


def _called_by(spec: Spec, name: str) -> set[str]:
    """The endpoint and all that it calls, at any depth."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            endpoint = spec.endpoints.get(one)
            waiting += [step.call for step in (endpoint.steps if endpoint else None) or ()]
    return found


def _captures(spec: Spec) -> Iterator[Mistake]:
    """A fact is asked of an endpoint that needs no input, nor the fact itself."""
    for name, capture in spec.capture.items():
        path: Path = ("capture", name)
        called = spec.endpoints.get(capture.call)
        if name == "id":
            yield path, "hides connection.id: choose another name"
        if called is None:
            yield (*path, "call"), f"there is no endpoint {capture.call!r}{suggestion(capture.call, spec.endpoints)}"
        elif called.for_each or called.steps or _needs_input(called):
            yield (*path, "call"), f"{capture.call} is not one request without input"
        elif name in _facts_of(spec, capture.call):
            yield (*path, "call"), f"goes in a circle: {capture.call} reads connection.{name}"
    for path, value in templates(spec):
        if value.place == "base_url" and path[-1] == "base_url":
            for fact in {read[1] for read in value.reads if read[0] == "connection" and read[1:]} & spec.capture.keys():
                yield path, f"reads connection.{fact}, which only a call can tell, and no call is made without base_url"


def _needs_input(endpoint: Endpoint) -> bool:
    return any("default" not in schema and not schema.get("optional") for schema in (endpoint.input or {}).values())


def _facts_of(spec: Spec, name: str) -> set[str]:
    """The captured facts that an endpoint reads, and those that are needed to ask for them."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        endpoint = spec.endpoints.get(waiting.pop())
        paths = (read for _, value in templates(endpoint) for read in value.reads)
        reads = {read[1] for read in paths if read[0] == "connection" and read[1:]}
        new = (reads & spec.capture.keys()) - found
        found |= new
        waiting += [spec.capture[fact].call for fact in new]
    return found
