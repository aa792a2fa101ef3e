"""What must hold between endpoints: parents and their children, steps and what they call, captured facts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from connector_core.auth import Auth
from connector_core.component import suggestion
from connector_core.config import is_required
from connector_core.for_each import ForEach
from connector_core.rate_limit import RateLimit
from connector_core.reach import MOST_REACHED, ancestors, called_by, facts_of, line_of, needed_by
from connector_core.spec import Endpoint, Spec, templates

__all__ = ["made_up", "of_relations"]

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]


def of_relations(spec: Spec) -> Iterator[Mistake]:
    """Every mistake in what endpoints say of each other."""
    yield from _parents(spec)
    yield from _steps(spec)
    yield from _sign_in_facts(spec)
    yield from _sign_in_paths(spec)
    yield from _captures(spec)
    yield from _groups(spec)
    yield from _health(spec)


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


def made_up(spec: Spec, name: str, here: int | None = None) -> dict[str, Any]:
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
            if called.job or called.for_each:
                yield (*path, "call"), f"{step.call} is not one request: a job, or read for each of something"
            yield from (((*path, "call"), what) for what in _circle(name, step.call, called_by(spec, step.call)))
            known = called.input or {}
            for given in step.input:
                if given not in known:
                    yield (*path, "input", given), f"{step.call} takes no input {given!r}{suggestion(given, known)}"
            for wanted, schema in known.items():
                if wanted not in step.input and is_required(schema):
                    yield path, f"{step.call} needs the input {wanted!r}: give it under 'input'"
            if step.as_ is not None and step.as_ in [other.as_ for other in (endpoint.steps or ())[:index]]:
                yield (*path, "as"), f"hides the {step.as_!r} of an earlier step: choose another name"


def _circle(name: str, call: str, calls: set[str]) -> Iterator[str]:
    if len(calls) > MOST_REACHED:
        yield f"leads to more than {MOST_REACHED} endpoints, each called by another"
    elif name in calls:
        yield "calls itself" if call == name else f"goes in a circle: {call} calls {name}"


def _sign_in_facts(spec: Spec) -> Iterator[Mistake]:
    """What comes with a token needs a sign-in that has one; no fact hides a name that there is anyway."""
    if "id" in spec.capture:
        yield ("capture", "id"), "hides connection.id: choose another name"
    auths = (spec.auth, *(endpoint.auth for endpoint in spec.endpoints.values()))
    if not any(one.tokened for auth in auths if auth is not None for one in auth.each()):
        for name in spec.sign_in_facts:
            yield ("capture", name), "comes with a token, and no auth here signs with one"


def _sign_in_paths(spec: Spec) -> Iterator[Mistake]:
    """What a sign-in asks below `base_url` needs one, which is known before anybody has signed in."""
    found: list[tuple[Path, Auth | None]] = [(("auth",), spec.auth)]
    found += [(("endpoints", name, "auth"), endpoint.auth) for name, endpoint in spec.endpoints.items()]
    for path, auth in found:
        if auth is None or not auth.asks_by_path:
            continue
        if spec.base_url is None:
            yield path, "asks for a path, and the connector has no base_url: give its request one"
        elif facts := sorted(
            read[1] for read in spec.base_url.reads if read[0] == "connection" and read[1:2] != ("id",) and read[1:]
        ):
            what = f"connection.{facts[0]}"
            yield (
                path,
                f"asks below the connector's base_url, which reads {what}: that is known later; give its request one",
            )


def _captures(spec: Spec) -> Iterator[Mistake]:
    """A fact is asked of an endpoint that needs no input, nor the fact itself."""
    facts = cache(partial(facts_of, spec))
    for name, capture in spec.asked_facts.items():
        path: Path = ("capture", name)
        called = spec.endpoints.get(capture.call)
        if called is None:
            yield (*path, "call"), f"there is no endpoint {capture.call!r}{suggestion(capture.call, spec.endpoints)}"
        elif called.for_each or called.steps or called.job or _needs_input(called):
            yield (*path, "call"), f"{capture.call} is not one request without input"
        elif len(needed := needed_by(spec, capture.call, facts)) > MOST_REACHED:
            yield (*path, "call"), f"needs more than {MOST_REACHED} calls, each for what another asks for"
        elif any(name in facts(one) for one in needed):
            yield (*path, "call"), f"goes in a circle: {capture.call} reads connection.{name}"
    asked = spec.asked_facts.keys()
    for path, value in templates(spec):
        if value.place == "base_url" and path[-1] == "base_url":
            for fact in {read[1] for read in value.reads if read[0] == "connection" and read[1:]} & asked:
                yield path, f"reads connection.{fact}, which only a call can tell, and no call is made without base_url"


def _health(spec: Spec) -> Iterator[Mistake]:
    """What is asked for health is there, does no harm, and needs nothing."""
    if spec.health is None:
        return
    at, name = ("health", "endpoint"), spec.health.endpoint
    asked = spec.endpoints.get(name)
    if asked is None:
        yield at, f"there is no endpoint {name!r}{suggestion(name, spec.endpoints)}"
    elif asked.for_each or asked.steps or asked.job or _needs_input(asked):
        yield at, f"{name} is not one request without input"
    elif not asked.harmless:
        yield at, f"{name} may do something each time: name a read, or say safe: true there"


def _needs_input(endpoint: Endpoint) -> bool:
    return any(is_required(schema) for schema in (endpoint.input or {}).values())


def _groups(spec: Spec) -> Iterator[Mistake]:
    """Those who share a rate limit say the same of it."""
    first: dict[str, tuple[str, RateLimit]] = {}
    for name, endpoint in spec.endpoints.items():
        limit = endpoint.rate_limit
        if limit is None or limit.scope is None:
            continue
        whose, known = first.setdefault(limit.scope.source, (name, limit))
        if known.terms() != limit.terms():
            place = ("endpoints", name, "rate_limit", "scope")
            yield (
                place,
                f"{limit.scope.source!r} is the scope of another limit, that of {whose}: say the same, or rename it",
            )
