"""Where one endpoint leads to: all that it is read for, that it calls, or that has to be asked before it.

It is looked up for each endpoint, so that it has a bound: a spec whose endpoints make one long row would be checked in
the square of its size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from connector_core.for_each import ForEach
from connector_core.spec import Spec, templates

__all__ = ["MOST_REACHED", "ancestors", "called_by", "facts_of", "line_of", "needed_by"]

MOST_REACHED = 50
"""Endpoints that one may lead to; of more, no more are found than show that there are too many."""


def _reached(start: str, following: Callable[[str], Iterable[str]]) -> set[str]:
    """The name and all that it leads to, at any depth; up to one more than may be."""
    found: set[str] = set()
    waiting = [start]
    while waiting and len(found) <= MOST_REACHED:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += following(one)
    return found


def line_of(spec: Spec, name: str) -> set[str]:
    """The endpoint and everything that it is read for, at any depth."""
    return _reached(name, lambda one: [entry.endpoint for entry in _entries(spec, one) if entry.endpoint])


def _entries(spec: Spec, name: str) -> list[ForEach]:
    endpoint = spec.endpoints.get(name)
    return (endpoint.for_each if endpoint else None) or []


def ancestors(spec: Spec, entry: ForEach) -> Iterator[ForEach]:
    """The entries that the parent of an entry is read for, at any depth."""
    for name in line_of(spec, entry.endpoint) if entry.endpoint else ():
        yield from _entries(spec, name)


def called_by(spec: Spec, name: str) -> set[str]:
    """The endpoint and all that it calls, at any depth."""

    def called(name: str) -> list[str]:
        endpoint = spec.endpoints.get(name)
        return [step.call for step in (endpoint.steps if endpoint else None) or ()]

    return _reached(name, called)


def needed_by(spec: Spec, name: str, facts: Callable[[str], Iterable[str]]) -> set[str]:
    """The endpoint and all that is called for the captured facts that it reads, and for theirs; `facts` is facts_of."""
    return _reached(name, lambda one: [spec.asked_facts[fact].call for fact in facts(one)])


def facts_of(spec: Spec, name: str) -> set[str]:
    """The captured facts that an endpoint reads and the service is asked for."""
    reads = (read for _, value in templates(spec.endpoints.get(name)) for read in value.reads)
    return {read[1] for read in reads if read[0] == "connection" and read[1:]} & spec.asked_facts.keys()
