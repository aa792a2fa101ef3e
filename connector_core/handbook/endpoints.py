"""What there is to read and to call: the entry of one endpoint, with everything that holds for it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector_core.component import Component, descriptions
from connector_core.document import plain, written
from connector_core.engine.failures import EXCEPTIONS
from connector_core.errors import ErrorRule, by_status
from connector_core.handbook.commands import Commands
from connector_core.handbook.content import (
    Block,
    Listing,
    Said,
    Words,
    code,
    heading,
    link,
    marked,
    paragraph,
    said,
    table,
)
from connector_core.handbook.schemas import Schema, flow, lines, properties, required, takes
from connector_core.spec import VERBS, Endpoint, Spec

__all__ = [
    "COMMON",
    "RULE_HEAD",
    "SENT",
    "declared",
    "endpoint_key",
    "entry",
    "kind",
    "own_rules",
    "rules",
    "sentence",
    "values",
    "way",
]

_IN_ROWS = frozenset(
    {
        "auth", "base_url", "columns", "decode", "description", "errors", "filter", "for_each", "headers", "input",
        "on_invalid", "output", "pagination", "params", "primary_key", "private", "rate_limit", "records", "safe",
        "schema", "timeout", *(verb for verb in VERBS if verb not in ("graphql", "job", "steps")),
    }
)  # fmt: skip
"""Keys that have rows and tables; whatever else an endpoint says is shown as it is written."""


COMMON = ("retry", "circuit_breaker", "cache", "fallback", "idempotency", "transform")
"""Keys that endpoints inherit as they are, and that are shown as they are written."""

SENT = {"params": "query parameter", "headers": "header"}
"""What goes out by name, and what one of them is called."""


def endpoint_key(name: str) -> str:
    """The key of an endpoint's heading."""
    return f"endpoint {name}"


def entry(spec: Spec, name: str, commands: Commands) -> Iterator[Block]:
    """Everything about one endpoint."""
    endpoint = spec.endpoints[name]
    keys = written(endpoint)
    yield heading(3, name, endpoint_key(name))
    if endpoint.description:
        yield paragraph(endpoint.description)
    yield from table(f"{name}: request and answer", "what", "how", rows=_rows(spec, endpoint, keys))
    yield from table(
        f"{name}: input", "input", "takes", "required", "default", "description", rows=_declared(endpoint.input or {})
    )
    for key, what in SENT.items():
        common = plain(getattr(spec, key)) or {}
        own = {one: value for one, value in keys.get(key, {}).items() if one not in common or common[one] != value}
        yield from table(f"{name}: {what}s", what, "value", rows=values(own))
    rest = {key: value for key, value in keys.items() if key not in _IN_ROWS and not _inherited(spec, key, value)}
    yield from declared(rest, descriptions(Endpoint))
    yield from table(
        f"{name}: what a record holds" if endpoint.readable else f"{name}: what it gives",
        "field", "is", "description",
        rows=([code(path), takes(schema), _description(schema)] for path, schema in properties(endpoint.schema_ or {})),
    )  # fmt: skip
    yield from table(f"{name}: answers that are its own", *RULE_HEAD, rows=rules(own_rules(spec, endpoint)))
    if command := commands.tried(name):
        yield Listing(command, "sh")


def _inherited(spec: Spec, key: str, value: Any) -> bool:
    """Whether it is told for all endpoints already."""
    return key in COMMON and getattr(spec, key) is not None and plain(getattr(spec, key)) == value


def declared(keys: Mapping[str, Any], told: Mapping[str, str]) -> Iterator[Block]:
    """Parts of a spec as they are written, each with the sentence that explains its key."""
    for key, value in keys.items():
        yield paragraph(code(key), ": ", marked(told.get(key, "")))
        text = isinstance(value, str) and "\n" in value
        yield Listing(value, "graphql") if text and key == "graphql" else Listing(lines({key: value}), "yaml")


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────


def way(endpoint: Endpoint) -> Words:
    """What is sent: the method and the path, or what stands in their place."""
    for key, what in (("graphql", "GraphQL"), ("job", "job"), ("steps", "steps")):
        if getattr(endpoint, key) is not None:
            return said(what)
    if endpoint.sdk is not None:
        return said(code(endpoint.sdk), " of the SDK")
    path = getattr(endpoint, endpoint.method)
    return said(code(f"{endpoint.method.upper()} {plain(path)}" if path is not None else endpoint.method.upper()))


def _rows(spec: Spec, endpoint: Endpoint, keys: Mapping[str, Any]) -> Iterator[Sequence[Said]]:
    yield "request", way(endpoint)
    if keys.get("base_url") != plain(spec.base_url):
        yield "address", code(flow(keys.get("base_url", "")))
    yield from _for_each(keys.get("for_each", []))
    yield "sign-in", "the SDK's client" if endpoint.sdk else _as_for_all(endpoint.auth, spec.auth) or "none"
    if endpoint.readable:
        yield "records", _records(keys)
        yield (
            "pages",
            _as_for_all(endpoint.pagination, spec.pagination)
            or ("as the SDK gives them" if endpoint.sdk else "one: the whole answer"),
        )
    elif "output" in keys:
        yield "gives", code(flow(keys["output"]))
    if "decode" in keys:
        yield "the answer is", code(flow(keys["decode"]))
    if limits := _limits(spec, endpoint):
        yield "limits", limits
    if "timeout" in keys:
        yield "longest request", code(flow(keys["timeout"]))
    yield "sent again after an unknown outcome", "yes" if endpoint.harmless else "no, it might act twice"
    if endpoint.private:
        yield "private", "it is there for other endpoints"


def _as_for_all(own: Component | None, common: Component | None) -> Words | None:
    if own is None:
        return None
    shown = kind(own)
    return said(code(own.kind() or ""), ", ", link("as for all", "#for all")) if own == common else shown


def kind(component: Component) -> Words:
    """A component: its kind, what that means, and how it is written."""
    return said(code(component.kind() or ""), ": ", sentence(type(component)), " ", code(flow(plain(component))))


def sentence(cls: type) -> Words:
    """The first paragraph of a docstring."""
    return marked(" ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split()))


def _records(keys: Mapping[str, Any]) -> Words:
    found = said("at ", code(flow(keys.get("records", ""))))
    if "columns" in keys:
        found += said(", columns at ", code(flow(keys["columns"])))
    if "primary_key" in keys:
        found += said(", known by ", code(flow(keys["primary_key"])))
    if "filter" in keys:
        found += said(", kept where ", code(flow(keys["filter"])))
    if "on_invalid" in keys:
        found += said(", those that do not fit: ", code(flow(keys["on_invalid"])))
    return found


def _limits(spec: Spec, endpoint: Endpoint) -> Words:
    """Its own first; the connector's are told for all endpoints."""
    own = endpoint.rate_limit if endpoint.rate_limit != spec.rate_limit else None
    common = [link("as for all", "#for all")] if spec.rate_limit is not None else []
    shown = [*([code(flow(plain(own)))] if own is not None else []), *common]
    return said(*(part for number, found in enumerate(shown) for part in ((" and ", found) if number else (found,))))


def _for_each(entries: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Said]]:
    for one in entries:
        parent = one.get("endpoint")
        what = said("each record of ", link(parent, f"#{endpoint_key(parent)}"), ", ") if parent else said()
        yield "read for each", said(*what, code(flow(dict(one))))


def _declared(values: Mapping[str, Schema]) -> Iterator[Sequence[Said]]:
    for name, schema in values.items():
        default = isinstance(schema, Mapping) and "default" in schema
        shown = code(flow(schema["default"])) if isinstance(schema, Mapping) and default else ""
        yield code(name), takes(schema), "yes" if required(schema) else "no", shown, _description(schema)


def _description(schema: Schema) -> str:
    return str(schema.get("description", "")) if isinstance(schema, Mapping) else ""


def values(sent: Mapping[str, Any]) -> Iterator[Sequence[Said]]:
    """Query parameters or headers, a row for each."""
    for name, value in sent.items():
        yield code(name), "not sent" if value is None else code(flow(value))


# ── error rules ───────────────────────────────────────────────────────────────────────────────────

RULE_HEAD = ("answer", "becomes", "code", "message", "wait")
_THEN = {
    "ok": "no error",
    "skip": "nothing to read here, and no error",
    "stop": "the end of the reading",
    "retry": "sent again",
    "reauthenticate": "the credentials are refused",
}


def own_rules(spec: Spec, endpoint: Endpoint) -> Sequence[ErrorRule]:
    """The rules that are not the connector's, which follow them."""
    common, every = list(spec.errors), list(endpoint.errors)
    return every[: len(every) - len(common)] if common and every[-len(common) :] == common else every


def rules(found: Sequence[ErrorRule]) -> Iterator[Sequence[Said]]:
    """What answers mean, a row for each rule."""
    for rule in found:
        keys = plain(rule)
        yield (
            _matched(keys),
            _becomes(rule),
            code(flow(keys.get("code", ""))),
            code(flow(keys.get("message", ""))),
            code(flow(keys.get("retry_after", ""))),
        )


def _matched(keys: Mapping[str, Any]) -> Words:
    statuses = keys.get("status", [])
    shown = ", ".join(map(str, statuses if isinstance(statuses, list) else [statuses]))
    parts = [said("status ", code(shown))] if shown else []
    parts += [said(code(f"{name}: {value}")) for name, value in keys.get("header", {}).items()]
    parts += [said(code(str(keys["when"])))] if "when" in keys else []
    return tuple(span for number, words in enumerate(parts) for span in (*(said(", ") if number else ()), *words))


def _becomes(rule: ErrorRule) -> Words:
    if rule.then not in (None, "fail"):
        return said(_THEN.get(str(rule.then), str(rule.then)))
    first = rule.status[0].start if rule.status else 500
    return said(code(EXCEPTIONS[rule.category or by_status(first).category].__name__))
