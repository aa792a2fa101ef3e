"""C1: what is said for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath

from connector_core.errors import ErrorRule
from connector_core.lint.rule import Place, rule
from connector_core.load import Loaded
from connector_core.spec import INHERITED, Spec, templates


def _without_key(lines: list[str], line: int, column: int) -> list[str]:
    """The lines without the key that begins one of them, and all that is indented below it."""
    start = line - 1
    if lines[start][: column - 1].strip():
        return lines  # it stands behind something else
    end = start + 1
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) >= column):
        end += 1
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return lines[:start] + lines[end:]


@rule("C101", "warning")
def _file_name(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """The spec's `name` is not that of its file, by which it is found."""
    stem = PurePath(whole.source.name).stem
    if stem != whole.spec.name:
        yield ("name",), f"the file is called {stem}, and that is the name by which the spec is found"


def _read_below(spec: Spec, root: str) -> set[str] | None:
    """The names below a root that templates read; None where one reads all of them at once."""
    paths = [read for _, value in templates(spec) for read in value.reads if read[0] == root]
    return None if any(len(path) == 1 for path in paths) else {path[1] for path in paths}


def _unused(spec: Spec, root: str, declared: Iterable[str]) -> Iterator[str]:
    read = _read_below(spec, root)
    return (name for name in declared if read is not None and name not in read)


@rule("C102", "warning")
def _unused_config(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A config value is asked of the user and read by nothing."""
    for name in _unused(whole.spec, "config", whole.spec.config):
        yield ("config", name), "nothing reads it"


@rule("C103", "warning")
def _unused_secret(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A secret is asked of the user and read by nothing."""
    for name in _unused(whole.spec, "secrets", whole.spec.secrets):
        yield ("secrets", name), "nothing reads it"


_ADDED = ("rate_limit", "errors", "transform")
"""Inherited keys to which an endpoint's own are added."""


@rule("C104", "advice", _without_key)
def _says_it_again(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An endpoint says what it inherits anyway."""
    data = whole.source.data
    for name, endpoint in (data.get("endpoints") or {}).items():
        for key in INHERITED:
            if key in endpoint and key not in _ADDED and key in data and endpoint[key] == data[key]:
                yield ("endpoints", name, key), "says what the top level says already"


@rule("C105", "warning")
def _unused_fact(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A fact is captured and read by nothing."""
    for name in _unused(whole.spec, "connection", whole.spec.capture):
        yield ("capture", name), "nothing reads it"


@rule("C106", "warning")
def _unused_parent(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An endpoint is private, and nothing is read for it or calls it."""
    spec = whole.spec
    used = {entry.endpoint for endpoint in spec.endpoints.values() for entry in endpoint.for_each or ()}
    used |= {step.call for endpoint in spec.endpoints.values() for step in endpoint.steps or ()}
    used |= {capture.call for capture in spec.asked_facts.values()}
    for name, endpoint in spec.endpoints.items():
        if endpoint.private and name not in used:
            yield ("endpoints", name, "private"), "nothing is read for it"


@rule("C107", "warning")
def _dead_rule(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An error rule can never match, since an earlier one takes every answer that it speaks of."""
    for name, endpoint in whole.spec.endpoints.items():
        for index, later in enumerate(endpoint.errors):
            for before in endpoint.errors[:index]:
                if _takes_all(before, later):
                    yield ("endpoints", name, "errors", index), "an earlier rule takes every answer that it speaks of"
                    break


def _takes_all(before: ErrorRule, later: ErrorRule) -> bool:
    if before.when is not None or before.header or later.status is None:
        return False
    taken = {status for span in before.status or () for status in span}
    return all(status in taken for span in later.status for status in span)
