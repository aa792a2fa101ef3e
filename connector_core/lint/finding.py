"""Looking through a spec: what is found, what that comes to, and what can be mended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from connector_core.exceptions import Problem, SpecError
from connector_core.lint.rule import RULES, Finding, Place
from connector_core.load import Loaded, loaded
from connector_core.spec import Spec

__all__ = ["findings", "fixed", "tier"]


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
