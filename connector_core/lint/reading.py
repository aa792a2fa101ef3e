"""C2: what reading may miss, or do in vain."""

from __future__ import annotations

from collections.abc import Iterator

from connector_core.lint.rule import Place, rule
from connector_core.load import Loaded
from connector_core.spec import Endpoint, Spec


def _reads(spec: Spec) -> Iterator[tuple[Place, Endpoint]]:
    return ((("endpoints", name), endpoint) for name, endpoint in spec.endpoints.items() if endpoint.readable)


@rule("C201", "warning")
def _no_pagination(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A read says nothing about further pages: if there are any, it ends too early."""
    for place, endpoint in _reads(whole.spec):
        if endpoint.pagination is None and endpoint.job is None:
            yield place, "says nothing about further pages; if there are none, say pagination: none"


@rule("C202", "warning")
def _no_key(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A read has no `primary_key`, so nobody can tell its records apart."""
    for place, endpoint in _reads(whole.spec):
        if endpoint.primary_key is None:
            yield place, "has no primary_key: nobody can tell its records apart"


@rule("C203", "advice")
def _no_schema(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A read has no `schema`: what its records hold is not known, and it cannot be simulated well."""
    for place, endpoint in _reads(whole.spec):
        if not endpoint.schema_:
            yield place, "has no schema: what its records hold is not known"


@rule("C205", "warning")
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


@rule("C206", "advice")
def _no_limit(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """There is no `rate_limit`: requests go one by one, and nothing says how many the service allows."""
    if whole.spec.rate_limit is None and whole.spec.endpoints:
        yield (), "there is no rate_limit: say how many requests may be under way at once"


@rule("C207", "advice")
def _no_end(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """Nothing but an empty page tells the end of numbered pages, which costs one more request."""
    for place, endpoint in _reads(whole.spec):
        pagination = endpoint.pagination
        if pagination is not None and pagination.kind() in ("page_number", "offset"):
            told = [getattr(pagination, key, None) for key in ("size", "pages", "total", "has_more")]
            if not any(told):
                yield (*place, "pagination"), "nothing but an empty page tells the end: give it a size, total or pages"
