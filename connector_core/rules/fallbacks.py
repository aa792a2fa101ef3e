"""What must hold of answers that are kept, and of what stands in for them: it changes nothing, and it fits."""

from __future__ import annotations

from collections.abc import Iterator

from connector_core.component import suggestion
from connector_core.config import is_required
from connector_core.fallback import Fallback
from connector_core.spec import Endpoint, Spec

__all__ = ["of_fallbacks"]

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]

_CHANGES = "is for what changes nothing: a read, a get, or a call that says safe: true"


def of_fallbacks(spec: Spec) -> Iterator[Mistake]:
    """Every mistake in `cache` and `fallback`; what a write inherits is for the reads beside it."""
    for name, endpoint in spec.endpoints.items():
        path: Path = ("endpoints", name)
        own = [key for key in ("cache", "fallback") if getattr(endpoint, key) != getattr(spec, key)]
        if not endpoint.harmless:
            yield from (((*path, key), _CHANGES) for key in own if _says_something(endpoint, key))
            continue
        if "cache" in own and _says_something(endpoint, "cache") and (endpoint.job or endpoint.steps):
            what = "a job's answers" if endpoint.job else "the answers to several calls"
            yield (*path, "cache"), f"{what} are not kept: leave it out, or write none"
        for index, entry in enumerate(endpoint.fallback):
            at = (*path, "fallback", index)
            yield from _kept(at, endpoint, entry, own="fallback" in own)
            yield from _elsewhere(at, spec, name, entry, own="fallback" in own)
            yield from _value(at, endpoint, entry)


def _says_something(endpoint: Endpoint, key: str) -> bool:
    return (
        bool(endpoint.fallback) if key == "fallback" else endpoint.cache is not None and endpoint.cache.kind() != "none"
    )


def _kept(path: Path, endpoint: Endpoint, entry: Fallback, *, own: bool) -> Iterator[Mistake]:
    if own and entry.keeps and endpoint.job is not None:
        yield path, "a job's answers are not kept: name another endpoint, or a value"


def _elsewhere(path: Path, spec: Spec, name: str, entry: Fallback, *, own: bool) -> Iterator[Mistake]:
    """It leads to an endpoint of the same sort that needs no other input."""
    found = entry.leads_to()
    if found is None or (found == name and not own):  # an inherited one is not for the endpoint that it names
        return
    endpoint, other = spec.endpoints[name], spec.endpoints.get(found)
    at = (*path, "endpoint")
    if other is None:
        yield at, f"there is no endpoint {found!r}{suggestion(found, spec.endpoints)}"
    elif found == name:
        yield at, "is the endpoint itself, which has just failed"
    elif other.readable != endpoint.readable:
        is_read = (
            f"{found} is read, and {name} is called" if other.readable else f"{found} is called, and {name} is read"
        )
        yield at, f"{is_read}: their answers do not look alike"
    elif not other.harmless:
        yield at, f"{found} changes something: what stands in for an answer may only ask"
    else:
        for wanted, schema in (other.input or {}).items():
            if wanted not in (endpoint.input or {}) and is_required(schema):
                yield at, f"{found} needs the input {wanted!r}, which {name} does not take"


def _value(path: Path, endpoint: Endpoint, entry: Fallback) -> Iterator[Mistake]:
    """A read gives records."""
    for value in entry.holds() if endpoint.readable else ():
        if not isinstance(value, list) or not all(isinstance(record, dict) for record in value):
            yield (*path, "value"), "must be a list of records here, each a mapping; [] is none at all"
