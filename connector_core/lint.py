"""What could be better in a spec that loads: findings with stable codes, each at its place, and a tier for the whole.

A *warning* is likely to cost somebody something; *advice* would make the spec better. A tier sums them up: `gold` where
there is nothing to say, `silver` where there is advice only, `bronze` where there are warnings.

Rule 1: a code keeps its meaning for ever; one that is retired is not used again.
Rule 2: a fix changes nothing that the spec means. It is made only where the spec loads as the same afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from pathlib import Path, PurePath
from typing import Any, Literal

from msgspec import Struct

from connector_core.component import Model
from connector_core.errors import ErrorRule
from connector_core.exceptions import Problem, SpecError
from connector_core.load import Loaded, loaded
from connector_core.source import Source
from connector_core.spec import INHERITED, Endpoint, Spec, templates

__all__ = ["RULES", "Finding", "Level", "Rule", "findings", "fixed", "tier"]

Level = Literal["warning", "advice"]
Place = tuple[str | int, ...]
Check = Callable[[Loaded], Iterator[tuple[Place, str]]]


class Rule(Struct, frozen=True):
    """One thing that is looked for."""

    code: str
    level: Level
    about: str
    """What it finds and why that matters, in a sentence."""
    check: Check
    fix: Callable[[list[str], int, int], list[str]] | None = None
    """Given the file's lines, and line and column of a finding from 1, the lines without it."""


class Finding(Struct, frozen=True, order=True):
    """Something that could be better, and where."""

    problem: Problem
    code: str
    level: Level
    fixable: bool = False

    def __str__(self) -> str:
        found = self.problem
        path = f"{found.path}: " if found.path else ""
        return f"{found.file}:{found.line}:{found.column} {self.code} {self.level} {path}{found.what}"


RULES: dict[str, Rule] = {}
"""Every rule by its code."""


def _rule(code: str, level: Level, fix: Any = None) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        RULES[code] = Rule(code, level, (check.__doc__ or "").strip(), check, fix)
        return check

    return register


def findings(text: str | bytes, name: str, folder: Path | None = None, *, ignore: Iterable[str] = ()) -> list[Finding]:
    """What could be better, in file order; raises SpecError where the spec does not load."""
    whole = loaded(text, name, folder=folder)
    left_out = set(ignore)
    found = [
        Finding(_problem(whole, place, what), rule.code, rule.level, rule.fix is not None)
        for rule in RULES.values()
        if rule.code not in left_out
        for place, what in rule.check(whole)
    ]
    return sorted(set(found))


def _problem(whole: Loaded, place: Place, what: str) -> Problem:
    problem = whole.locate.problem(place, what, at_key=True)
    return problem if place else problem._replace(line=1, column=1)


def tier(found: Sequence[Finding]) -> str:
    """`gold`, `silver` or `bronze`."""
    levels = {finding.level for finding in found}
    return "bronze" if "warning" in levels else "silver" if levels else "gold"


def fixed(text: str, name: str, folder: Path | None, found: Sequence[Finding]) -> tuple[str, list[Finding]]:
    """The text with every fix that changes nothing else, and what was fixed; the last in the file comes first."""
    done: list[Finding] = []
    before = loaded(text, name, folder=folder).spec
    for finding in sorted(found, reverse=True):
        fix = RULES[finding.code].fix
        if fix is None:
            continue
        changed = "".join(fix(text.splitlines(keepends=True), finding.problem.line, finding.problem.column))
        if changed != text and _means(changed, name, folder) == before:
            text, done = changed, [finding, *done]
    return text, done


def _means(text: str, name: str, folder: Path | None) -> Spec | None:
    try:
        return loaded(text, name, folder=folder).spec
    except SpecError:
        return None


# ── C1: what is said for nothing ──────────────────────────────────────────────────────────────────


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


@_rule("C101", "warning")
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


@_rule("C102", "warning")
def _unused_config(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A config value is asked of the user and read by nothing."""
    for name in _unused(whole.spec, "config", whole.spec.config):
        yield ("config", name), "nothing reads it"


@_rule("C103", "warning")
def _unused_secret(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A secret is asked of the user and read by nothing."""
    for name in _unused(whole.spec, "secrets", whole.spec.secrets):
        yield ("secrets", name), "nothing reads it"


_ADDED = ("rate_limit", "errors", "transform")
"""Inherited keys to which an endpoint's own are added."""


@_rule("C104", "advice", _without_key)
def _says_it_again(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An endpoint says what it inherits anyway."""
    data = whole.source.data
    for name, endpoint in (data.get("endpoints") or {}).items():
        for key in INHERITED:
            if key in endpoint and key not in _ADDED and key in data and endpoint[key] == data[key]:
                yield ("endpoints", name, key), "says what the top level says already"


@_rule("C105", "warning")
def _unused_fact(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A fact is captured and read by nothing."""
    for name in _unused(whole.spec, "connection", whole.spec.capture):
        yield ("capture", name), "nothing reads it"


@_rule("C106", "warning")
def _unused_parent(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An endpoint is private, and nothing is read for it or calls it."""
    spec = whole.spec
    used = {entry.endpoint for endpoint in spec.endpoints.values() for entry in endpoint.for_each or ()}
    used |= {step.call for endpoint in spec.endpoints.values() for step in endpoint.steps or ()}
    used |= {capture.call for capture in spec.capture.values()}
    for name, endpoint in spec.endpoints.items():
        if endpoint.private and name not in used:
            yield ("endpoints", name, "private"), "nothing is read for it"


@_rule("C107", "warning")
def _dead_rule(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An error rule can never match, since an earlier one takes every answer that it speaks of."""
    for name, endpoint in whole.spec.endpoints.items():
        for index, rule in enumerate(endpoint.errors):
            for before in endpoint.errors[:index]:
                if _takes_all(before, rule):
                    yield ("endpoints", name, "errors", index), "an earlier rule takes every answer that it speaks of"
                    break


def _takes_all(before: ErrorRule, rule: ErrorRule) -> bool:
    if before.when is not None or before.header or rule.status is None:
        return False
    taken = {status for span in before.status or () for status in span}
    return all(status in taken for span in rule.status for status in span)


# ── C2: reading ───────────────────────────────────────────────────────────────────────────────────


def _reads(spec: Spec) -> Iterator[tuple[Place, Endpoint]]:
    return ((("endpoints", name), endpoint) for name, endpoint in spec.endpoints.items() if endpoint.readable)


@_rule("C201", "warning")
def _no_pagination(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A read says nothing about further pages: if there are any, it ends too early."""
    for place, endpoint in _reads(whole.spec):
        if endpoint.pagination is None and endpoint.job is None:
            yield place, "says nothing about further pages; if there are none, say pagination: none"


@_rule("C202", "warning")
def _no_key(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A read has no `primary_key`, so nobody can tell its records apart."""
    for place, endpoint in _reads(whole.spec):
        if endpoint.primary_key is None:
            yield place, "has no primary_key: nobody can tell its records apart"


@_rule("C203", "advice")
def _no_schema(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A read has no `schema`: what its records hold is not known, and it cannot be simulated well."""
    for place, endpoint in _reads(whole.spec):
        if not endpoint.schema_:
            yield place, "has no schema: what its records hold is not known"


@_rule("C205", "warning")
def _idle_concurrency(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """More partitions are to be read side by side than requests may be under way."""
    limit = whole.spec.rate_limit.concurrency if whole.spec.rate_limit else None
    for place, endpoint in _reads(whole.spec):
        for index, entry in enumerate(endpoint.for_each or ()):
            if limit is not None and (entry.concurrency or 0) > limit:
                yield (
                    (*place, "for_each", index, "concurrency"),
                    f"rate_limit.concurrency allows {limit} requests at once",
                )


@_rule("C206", "advice")
def _no_limit(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """There is no `rate_limit`: requests go one by one, and nothing says how many the service allows."""
    if whole.spec.rate_limit is None and whole.spec.endpoints:
        yield (), "there is no rate_limit: say how many requests may be under way at once"


@_rule("C207", "advice")
def _no_end(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """Nothing but an empty page tells the end of numbered pages, which costs one more request."""
    for place, endpoint in _reads(whole.spec):
        pagination = endpoint.pagination
        if pagination is not None and pagination.kind() in ("page_number", "offset"):
            told = [getattr(pagination, key, None) for key in ("size", "pages", "total", "has_more")]
            if not any(told):
                yield (*place, "pagination"), "nothing but an empty page tells the end: give it a size, total or pages"


@_rule("C208", "warning")
def _too_costly(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A request costs more than a rate limit can ever give: it would be refused before it is sent."""
    for name, endpoint in whole.spec.endpoints.items():
        cost = endpoint.cost.raw if endpoint.cost is not None and endpoint.cost.literal else 1
        limits = [limit.terms().largest for limit in (endpoint.rate_limit, whole.spec.rate_limit) if limit is not None]
        largest = min(limits, default=inf)
        if endpoint.cost is not None and isinstance(cost, int | float) and cost > largest:
            yield (
                ("endpoints", name, "cost"),
                f"no request can ever be sent: a rate limit gives {largest:g} at most",
            )


@_rule("C209", "warning")
def _short_window(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A circuit breaker forgets calls before two that take as long as they may are over: it can't open on timeouts."""
    for name, endpoint in whole.spec.endpoints.items():
        terms = endpoint.circuit_breaker.terms() if endpoint.circuit_breaker is not None else None
        if terms is not None and isinstance(endpoint.timeout, float) and terms.seconds < 2 * endpoint.timeout:
            key = "max_age" if terms.calls is not None else "window"
            what = f"{terms.seconds:g}s is less than two requests that take {endpoint.timeout:g}s each"
            yield ("endpoints", name, "circuit_breaker"), f"{what}: {key} must be at least {2 * endpoint.timeout:g}s"


# ── C3: safety ────────────────────────────────────────────────────────────────────────────────────


@_rule("C301", "warning")
def _plain_http(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An address begins with http://, so that credentials and data travel in clear text."""
    for place, model in _with_base_url(whole.spec):
        base = getattr(model, "base_url", None)
        if base is not None and re.match(
            r"http://(?!(?:localhost|127[0-9.]+|\[::1\])(?:[:/]|$))", base.source, re.IGNORECASE
        ):
            yield (*place, "base_url"), "http:// sends credentials and data in clear text: use https://"


def _with_base_url(spec: Spec) -> Iterator[tuple[Place, Model]]:
    yield (), spec
    for name, endpoint in spec.endpoints.items():
        if "base_url" in endpoint.model_fields_set and endpoint.base_url != spec.base_url:
            yield ("endpoints", name), endpoint
    for name, environment in spec.environments.items():
        yield ("environments", name), environment


@_rule("C302", "warning")
def _secret_in_query(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A secret is sent in the query, where logs and proxies keep it; a header is safer if the service takes one."""
    found = whole.spec.auth
    if getattr(getattr(found, "put", None), "root", "") == "query":
        yield ("auth",), "the secret goes into the query, where logs keep it; use a header if the service takes one"
    for place, value in templates(whole.spec):
        if "params" in place and any(read[0] == "secrets" for read in value.reads):
            yield place, "the secret goes into the query, where logs keep it; use a header if the service takes one"


@_rule("C303", "warning")
def _wide_host(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """Credentials are shown to every host below a domain."""
    for index, host in enumerate(whole.spec.hosts):
        if host.credentials and host.host.startswith("*."):
            yield ("hosts", index), "every host below that domain is shown the credentials: name those that need them"


# ── C4: documentation ─────────────────────────────────────────────────────────────────────────────

_EDITOR = "# yaml-language-server: $schema=connector.schema.json\n"


def _with_editor_line(lines: list[str], line: int, column: int) -> list[str]:  # noqa: ARG001 - it is the first
    return [_EDITOR, *lines]


@_rule("C401", "advice")
def _no_description(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """The spec has no `title` or no `description`: who chooses a connector sees only its name."""
    for key in ("title", "description"):
        if not getattr(whole.spec, key):
            yield (), f"there is no {key}"


@_rule("C402", "advice")
def _no_endpoint_description(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An endpoint has no `description`."""
    for name, endpoint in whole.spec.endpoints.items():
        if not endpoint.description:
            yield ("endpoints", name), "has no description"


@_rule("C403", "warning")
def _no_property_description(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A config value or secret has no `description`: who fills it in has to guess."""
    for key in ("config", "secrets"):
        for name, schema in getattr(whole.spec, key).items():
            if not schema.get("description"):
                yield (key, name), "has no description: who fills it in has to guess"


@_rule("C404", "advice")
def _no_docs(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """There is no `docs.purpose`, `docs.account` or `docs.credentials`: how an account comes about is not told."""
    docs = whole.spec.docs
    missing = [key for key in ("purpose", "account", "credentials") if not getattr(docs, key, None)]
    if missing:
        yield ("docs",) if docs is not None else (), f"docs tells nothing of: {', '.join(missing)}"


@_rule("C405", "advice", _with_editor_line)
def _no_editor_line(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """Editors are not told the language's JSON Schema, and complete nothing."""
    if not _tells_editors(whole.source) and whole.spec.editor_schema is None:
        yield (), f"editors are not told the schema; the first line does it: {_EDITOR.strip()}"


def _tells_editors(source: Source) -> bool:
    return source.name.endswith(".json") or source.first_line.startswith("# yaml-language-server:")
