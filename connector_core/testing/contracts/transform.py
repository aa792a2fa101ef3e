"""What every kind of transform must keep: both of its forms do the same, and a record is nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from connector_core.exceptions import IntegrationError
from connector_core.testing.contracts.claim import Claim, refuse
from connector_core.testing.contracts.purity import answer, pure, same
from connector_core.testing.contracts.samples import Samples
from connector_core.transform import Transform

__all__ = ["claims"]

SCOPE: dict[str, Any] = {
    "config": {"shop": "tea"}, "connection": {"id": "example"}, "endpoint": {"name": "things"},
    "now": "2023-11-14T22:13:20Z", "input": {}, "header": {}, "status": 200, "body": {}, "page": {},
}  # fmt: skip
MARK = "v4lu3-of-a-record"
"""A text that stands in records, and must not be in a message."""
VALUES: tuple[Any, ...] = (
    MARK, "12", 12, 0.5, None, True, "", [], {}, [1, "a", None], {"x": {"y": 1}}, [{"x": 1}, {"x": 2}],
    10**30, "é&\u2028",
)  # fmt: skip
"""What may stand in any field."""


def claims(samples: Samples) -> Iterator[Claim]:
    """The claims about a kind of transform."""
    records = list(_records(samples))

    def claim(name: str, must: str, run: Callable[[Transform, list[Any]], None]) -> Claim:
        return Claim(samples.name, name, must, partial(_each, samples, run, records))

    yield claim("pure", "leave the record as it is in `apply`, and give the same for it again", _pure)
    yield claim("steps", "do the same to a page by `steps` as to each record by `apply`", _steps)
    yield claim("own", "leave no object or list in two records, which a later step would change in both", _own)
    yield claim(
        "errors", "raise an IntegrationError for what it cannot do, without any value of the record in it", _errors
    )
    yield claim("brings", "say by `may_bring` of each field that it brings that it may", _brings)
    yield claim(
        "loses", "say by `loses` of no field that comes through that it is lost: the spec would be refused", _loses
    )


def _each(samples: Samples, run: Callable[[Transform, list[Any]], None], records: list[Any]) -> None:
    for component in samples:
        run(component, _fresh(records))


class _AnyHook(dict[str, Any]):
    """A plug-in's function under every name that a transform may call."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return lambda record: {**record, "hooked": name}


HOOKS = _AnyHook()


def _records(samples: Samples) -> Iterator[dict[str, Any]]:
    """Records of every shape, and such as have the fields that the examples name."""
    yield {}
    yield {"id": 1, "name": "tea", "tags": ["a", "b"], "customer": {"id": 7, "email": "a@shop.example"}}
    paths = sorted({path for written, _ in samples.all for path in _texts(written)})
    for value in VALUES:
        yield {"id": 1, "nested": {"value": value}, "many": [value, value], "Mixed Case-name": value}
        record: dict[str, Any] = {"id": 2}
        for path in paths:
            _put(record, path.split("."), value)
        yield record


def _fresh(value: Any) -> Any:
    """A copy that has nothing in two places, also where the original has."""
    if isinstance(value, dict):
        return {name: _fresh(inner) for name, inner in value.items()}
    return [_fresh(item) for item in value] if isinstance(value, list) else value


def _texts(written: Any) -> Iterator[str]:
    """Every name and text in an example: some of them are the fields that it speaks of."""
    if isinstance(written, dict):
        for name, value in written.items():
            yield from _texts(name)
            yield from _texts(value)
    elif isinstance(written, list):
        for item in written:
            yield from _texts(item)
    elif isinstance(written, str) and written and "{" not in written:
        yield written


def _put(holder: dict[str, Any], keys: list[str], value: Any) -> None:
    for at, key in enumerate(keys[:-1]):
        if keys[at + 1] == "*":
            inner: dict[str, Any] = {}
            rest = keys[at + 2 :]
            if rest:
                _put(inner, rest, _fresh(value))
            holder[key] = [inner if rest else _fresh(value), _fresh(inner), 3]
            return
        below = holder.get(key)
        holder[key] = below if isinstance(below, dict) else {}
        holder = holder[key]
    holder.setdefault(keys[-1], _fresh(value))


def _applied(kind: Transform, record: dict[str, Any]) -> tuple[str, Any]:
    return answer(kind.apply, record, SCOPE, HOOKS)


def _by_steps(kind: Transform, records: list[dict[str, Any]]) -> tuple[str, Any]:
    def run() -> list[dict[str, Any]]:
        page: list[dict[str, Any]] = _fresh(records)
        for step in kind.steps(HOOKS):
            step(page, SCOPE)
        return page

    return answer(run)


# ── the claims ────────────────────────────────────────────────────────────────────────────────────


def _pure(kind: Transform, records: list[Any]) -> None:
    for record in records:
        how, found = pure(kind, "apply", record, SCOPE, HOOKS)
        if how == "gives" and type(found) is not dict:
            refuse(f"`apply` gives {found!r}, not a record")
        pure(kind, "may_bring", ["id"])
        pure(kind, "loses", ["id"])


def _steps(kind: Transform, records: list[Any]) -> None:
    if _by_steps(kind, []) != ("gives", []):
        refuse("`steps` fail on a page without records")
    fine = []
    for record in records:
        plain = _applied(kind, record)
        if plain[0] == "gives":
            fine.append((record, plain[1]))
        page = _by_steps(kind, [record])
        if page[0] != plain[0] or not same(page[1], [plain[1]] if plain[0] == "gives" else plain[1]):
            refuse(f"`apply` {plain[0]} {plain[1]!r} where `steps` {' '.join(map(repr, page))}, given {record!r}")
    page = _by_steps(kind, [record for record, _ in fine])
    if page[0] != "gives" or not same(page[1], [found for _, found in fine]):
        refuse("`steps` do another thing to records of one page than to each of them alone")


def _own(kind: Transform, records: list[Any]) -> None:
    fine = [record for record in records if _applied(kind, record)[0] == "gives"]
    how, page = _by_steps(kind, [*fine, *fine])
    seen: dict[int, Any] = {}
    for record in page if how == "gives" else []:
        for value in _holders(record):
            if id(value) in seen:
                refuse(f"{value!r} is in two places, such as two records; give each a copy of its own")
            seen[id(value)] = value


def _holders(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _holders(inner)


def _errors(kind: Transform, records: list[Any]) -> None:
    for record in records:
        try:
            kind.apply(_fresh(record), SCOPE, HOOKS)
        except IntegrationError as error:
            if MARK in f"{error} {error!r}":
                refuse(f"the message quotes the record: {error}")


def _brings(kind: Transform, records: list[Any]) -> None:
    for record in records:
        how, found = _applied(kind, record)
        for name in sorted(found.keys() - record.keys()) if how == "gives" else []:
            if not kind.may_bring([name]):
                refuse(f"`may_bring` says no to {name!r}, and {record!r} becomes {found!r}")


def _loses(kind: Transform, records: list[Any]) -> None:
    for record in records:
        how, found = _applied(kind, record)
        for name in sorted(found.keys() & record.keys()) if how == "gives" else []:
            if not kind.may_bring([name]) and (told := kind.loses([name])) is not None:
                refuse(f"`loses` says that it {told} {name!r}, and {record!r} becomes {found!r}")
