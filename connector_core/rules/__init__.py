"""What must hold across the keys of a spec, checked before anything is sent: names that templates read, and references.

Each rule takes the validated spec and yields the path of a mistake and what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connector_core import json_schema
from connector_core.component import suggestion
from connector_core.errors import OF_READINGS
from connector_core.request import METHODS
from connector_core.rules.endpoints import of_endpoint
from connector_core.rules.fallbacks import of_fallbacks
from connector_core.rules.names import of_names
from connector_core.rules.relations import of_relations
from connector_core.rules.sdk import of_sdk
from connector_core.spec import Spec

__all__ = ["broken"]

MOST_ENVIRONMENTS = 50

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]


def broken(spec: Spec) -> Iterator[Mistake]:
    """Every mistake that only shows when the whole spec is seen."""
    for name, endpoint in spec.endpoints.items():
        yield from of_endpoint(("endpoints", name), endpoint)
    if len(spec.environments) > MOST_ENVIRONMENTS:
        yield ("environments",), f"has more than {MOST_ENVIRONMENTS}: whoever checks the spec loads it in each of them"
    yield from _unjudged(spec)
    yield from _not_read(spec)
    yield from _base_url(spec)
    yield from _defaults(spec)
    yield from of_relations(spec)
    yield from of_fallbacks(spec)
    yield from of_sdk(spec)
    yield from of_names(spec)


def _unjudged(spec: Spec) -> Iterator[Mistake]:
    """Records are judged by a schema; one that all endpoints inherit is for those that have one."""
    judged = [endpoint for endpoint in spec.endpoints.values() if endpoint.schema_ is not None]
    if spec.on_invalid is not None and spec.endpoints and not judged:
        yield ("on_invalid",), "says what becomes of records that do not fit, and no endpoint has a schema"
    for name, endpoint in spec.endpoints.items():
        own = endpoint.on_invalid not in (None, spec.on_invalid)
        if own and endpoint.schema_ is None:
            yield ("endpoints", name, "on_invalid"), f"needs a schema to judge by: {name} has none"


_FOR_READS = "is for reads: an endpoint with records, and without input or output"


def _not_read(spec: Spec) -> Iterator[Mistake]:
    """What speaks of pages and records says nothing on a call; what a call inherits is for the reads beside it."""
    for name, endpoint in spec.endpoints.items():
        path: Path = ("endpoints", name)
        if endpoint.readable:
            continue
        if endpoint.job is not None:
            yield (*path, "job"), _FOR_READS
        paged = endpoint.pagination is not None and endpoint.pagination.kind() != "none"
        if paged and endpoint.pagination != spec.pagination:
            yield (*path, "pagination"), _FOR_READS
        if endpoint.filter is not None and endpoint.filter != spec.filter:
            yield (*path, "filter"), _FOR_READS
        for index, rule in enumerate(endpoint.errors[: len(endpoint.errors) - len(spec.errors)]):
            if rule.then in OF_READINGS:
                yield (
                    (*path, "errors", index, "then"),
                    f"{rule.then} is for reads, and this is a call: say ok, or a category",
                )


def _base_url(spec: Spec) -> Iterator[Mistake]:
    """Told for the first endpoint that needs one; an environment may bring it, and then one has to be chosen."""
    if any(environment.base_url is not None for environment in spec.environments.values()):
        return
    for name, endpoint in spec.endpoints.items():
        paths = [path for method in METHODS if (path := getattr(endpoint, method)) is not None]
        if endpoint.base_url is None and (endpoint.graphql or any(not path.whole for path in paths)):
            yield ("endpoints", name, "base_url"), "is missing, here and at the top level"
            return


def _defaults(spec: Spec) -> Iterator[Mistake]:
    for name, schema in spec.secrets.items():
        if "default" in schema:
            yield ("secrets", name, "default"), "a secret has no default: a spec is no place for one"
    effort = json_schema.Effort()
    for path, name, value in _values(spec):
        if name not in spec.config:
            yield path, f"{name!r} is not declared under config{suggestion(name, spec.config)}"
            continue
        if not effort.allows(spec.config[name], value):
            yield path, "would take too long to check: make this value or its schema smaller, or those before it"
            return
        yield from ((path, wrong) for wrong in json_schema.violations(spec.config[name], value))


def _values(spec: Spec) -> Iterator[tuple[Path, str, Any]]:
    """The values that the spec itself gives to config, each with its path and its name."""
    for name, schema in spec.config.items():
        if "default" in schema:
            yield ("config", name, "default"), name, schema["default"]
    for home, environment in spec.environments.items():
        for name, value in (environment.config or {}).items():
            yield ("environments", home, "config", name), name, value
