"""Answers that make a spec's conditions come out as wanted, found by trying the values that the conditions speak of.

::

    body.status == 'ready'                  true:  {"status": "ready"}      false: {"status": "running"}
    result.error                            true:  {"error": true}          false: {}

Nothing is known of what a condition means: it is asked with one candidate after another, so that what is found holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from connector_core.address import MISSING
from connector_core.http import Headers
from connector_core.template import Condition, MissingError, TemplateError

__all__ = ["Path", "Wanted", "below", "fitting", "set_below"]

Path = tuple[str, ...]
Wanted = Sequence[tuple[Condition | None, bool]]
"""Conditions, each with how it has to come out; one that a spec leaves out never holds."""

ROOTS = frozenset({"body", "header", "status", "result"})
"""The names of an answer, which values can be found for; all others are as they are."""
MOST_TRIED = 50_000
ANYTHING: tuple[Any, ...] = (MISSING, True, False, 0, 1, None, [], [{}], {}, "")
"""What is tried where a condition names no value of its own."""
SUCCESSES = (202, 200, 201)
"""Statuses that a client does not take for a failure, the first being that of what is under way."""


def fitting(
    wanted: Wanted, scope: Mapping[str, Any], *, words: Sequence[str] = (), before: Mapping[Path, Any] | None = None
) -> dict[Path, Any] | None:
    """Values by their path that make the conditions come out as wanted beside what the scope has; None: none is found.

    `words` are tried where a condition speaks of texts; `before` are values that are kept where they fit.
    """
    conditions = [(condition, holds) for condition, holds in wanted if condition is not None]
    mentioned = _mentioned([condition for condition, _ in conditions], scope)
    paths = [path for path in mentioned if below(scope, path) is MISSING]
    choices = [_candidates(path, mentioned[path], words, (before or {}).get(path, MISSING)) for path in paths]
    for values in islice(product(*choices), MOST_TRIED):
        found = {path: value for path, value in zip(paths, values, strict=True) if value is not MISSING}
        if (names := _scope(scope, found)) is not None and all(_holds(c, names) is holds for c, holds in conditions):
            return found
    return None


def below(scope: Any, path: Path) -> Any:
    """What stands at the path; MISSING where nothing does."""
    for key in path:
        if not isinstance(scope, Mapping) or key not in scope:
            return MISSING
        scope = scope[key]
    return scope


def set_below(values: dict[str, Any], path: Path, value: Any) -> bool:
    """Puts the value there, in copies of what is on the way; whether there is room for it."""
    key, *rest = path
    if not rest:
        values[key] = value
        return True
    inner = values.get(key)
    if inner is not None and not isinstance(inner, dict):
        return False
    values[key] = copied = dict(inner or {})
    return set_below(copied, tuple(rest), value)


def _scope(scope: Mapping[str, Any], found: Mapping[Path, Any]) -> dict[str, Any] | None:
    names = dict(scope)
    for path in sorted(found, key=len):
        if not set_below(names, path, found[path]):
            return None
    headers = names.get("header")
    return {"body": {}, "status": 200, **names, "header": Headers({k: str(v) for k, v in (headers or {}).items()})}


def _holds(condition: Condition, names: Mapping[str, Any]) -> bool | None:
    """How it comes out; None where it is a flag that cannot be told."""
    try:
        return condition.holds(names)
    except (MissingError, TemplateError):
        return None


# ── what is tried ─────────────────────────────────────────────────────────────────────────────────


def _mentioned(conditions: Sequence[Condition], scope: Mapping[str, Any]) -> dict[Path, list[Any]]:
    """The paths of an answer that the conditions read, each with the values that it is compared with."""
    from jinja2 import nodes

    from connector_core.template.grammar import parsed, reads_of

    found: dict[Path, list[Any]] = {}
    for condition in conditions:
        if condition.literal:
            continue
        tree = parsed(condition.source)
        for path in reads_of(tree):
            if path[0] in ROOTS:
                found.setdefault(path, [])
        for comparison in (*tree.find_all(nodes.Compare), *([tree] if isinstance(tree, nodes.Compare) else [])):
            reads = list(reads_of(comparison))
            values = [constant.value for constant in comparison.find_all(nodes.Const)]
            values += [known for path in reads if (known := below(scope, path)) is not MISSING]
            for path in reads:
                if path in found:
                    found[path] += values
    return found


def _candidates(path: Path, constants: Sequence[Any], words: Sequence[str], before: Any) -> list[Any]:
    texts = [value for value in constants if isinstance(value, str)]
    numbers = [value for value in constants if isinstance(value, int | float) and not isinstance(value, bool)]
    tried = list(_in_order(path, texts, numbers, words))
    if path[0] == "header":
        tried = [value for value in tried if value is MISSING or isinstance(value, str | int)]
    return tried if before is MISSING else [before, *tried]


def _in_order(path: Path, texts: Sequence[str], numbers: Sequence[float], words: Sequence[str]) -> Iterator[Any]:
    if path == ("status",):
        yield from (*SUCCESSES, *numbers)
        return
    if texts:
        yield from (*words, *texts)
    for number in numbers:
        yield from (number - 1, number, number + 1)
    yield from (*ANYTHING, *words)
