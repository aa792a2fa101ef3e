"""A plan is one endpoint ready to run: every default filled in and everything that can be decided beforehand decided.

It is all that the engine sees of an endpoint. It holds nothing of a connection, so that all connections of a spec share
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connector_core.address import MISSING, AnswerPath
from connector_core.auth import Auth, NoAuth
from connector_core.component import suggestion
from connector_core.errors import ErrorRule
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.http import Request
from connector_core.json_schema import judge
from connector_core.pagination import NoPagination, Pagination
from connector_core.request import BaseUrl, compose
from connector_core.response import records_of
from connector_core.spec import Endpoint, Spec
from connector_core.template import MissingError, TemplateError, Value
from connector_core.transform import NO_HOOKS, Hooks, fused

__all__ = ["Plan", "base_urls", "compile_plan"]

Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """One endpoint, compiled."""

    connector: str
    endpoint: str
    readable: bool
    """Whether it is read page by page; else it is called once."""
    idempotent: bool
    """Whether sending it twice does no harm."""
    compose: Callable[[Scope], Request]
    """The endpoint's request under a scope's names, not yet paged or signed."""
    auth: Auth
    signs: bool
    """Whether requests are signed at all."""
    pagination: Pagination
    rules: tuple[ErrorRule, ...]
    judges_success: bool
    """Whether a rule may turn a 2xx answer into an error; else those need no look."""
    records: AnswerPath | None
    keep: Callable[[list[dict[str, Any]], Scope], list[dict[str, Any]]] | None
    """The declared filter over a page; None: there is none, and no record is looked at."""
    transform: Callable[[list[dict[str, Any]], Scope], list[dict[str, Any]]] | None
    """The declared changes over a page, in place; None: there are none, and no record is looked at."""
    judge: Callable[[dict[str, Any]], str | None] | None
    """How a record breaks the schema, in words without its values, or None where it fits; None: nobody asks."""
    on_invalid: Literal["keep", "reject", "fail"] | None
    output: Callable[[Scope], Any] | None
    input: Mapping[str, dict[str, Any]]
    reads_page: bool
    """Whether the request's templates read `page.…`, so that it is composed anew for every page."""
    concurrency: int | None
    """The endpoint's own limit of requests under way, beside the connector's."""
    side_by_side: int
    """How many numbered pages may be asked for at once."""

    def rows(self, body: Any) -> list[dict[str, Any]] | None:
        """The records of a decoded body; None where nothing is at their address."""
        return records_of(body, self.records) if self.records is not None else None


def compile_plan(spec: Spec, name: str, hooks: Hooks = NO_HOOKS) -> Plan:
    """The plan for an endpoint of the spec; raises ConfigError where there is none of that name.

    `hooks` are the functions that `transform` may call; one that is not among them is a ConfigError too.
    """
    endpoint = spec.endpoints.get(name)
    if endpoint is None:
        raise ConfigError(
            f"{spec.name} has no endpoint {name!r}{suggestion(name, spec.endpoints)}", code="endpoint.unknown"
        )
    pagination = endpoint.pagination if endpoint.readable and endpoint.pagination else NoPagination()
    auth = endpoint.auth or NoAuth()
    own = endpoint.rate_limit.concurrency if endpoint.rate_limit else None
    shared = spec.rate_limit.concurrency if spec.rate_limit else None
    return Plan(
        connector=spec.name,
        endpoint=name,
        readable=endpoint.readable,
        idempotent=endpoint.readable or endpoint.safe or endpoint.method == "get",
        compose=lambda scope: compose(endpoint, endpoint.method, endpoint.path, scope),
        auth=auth,
        signs=not isinstance(auth, NoAuth),
        pagination=pagination,
        rules=tuple(endpoint.errors),
        judges_success=any(rule.looks_at(status) for rule in endpoint.errors for status in range(200, 300)),
        records=endpoint.records,
        keep=_filter(endpoint),
        transform=fused(endpoint.transform, hooks) if endpoint.readable else None,
        judge=_judge(endpoint),
        on_invalid=endpoint.on_invalid,
        output=_output(endpoint.output),
        input=endpoint.input or {},
        reads_page=any(read[0] == "page" for value in _sent(endpoint) for read in value.reads),
        concurrency=own,
        side_by_side=min(own or shared or 1, shared or own or 1),
    )


def _sent(endpoint: Endpoint) -> Iterator[Any]:
    """Everything in a request that may read names."""
    yield endpoint.path
    for mapping in (endpoint.params, endpoint.headers, endpoint.body and endpoint.body.form):
        yield from (value for value in (mapping or {}).values() if value is not None)
    if endpoint.body is not None and endpoint.body.json_ is not None:
        yield endpoint.body.json_


def _filter(endpoint: Endpoint) -> Callable[[list[dict[str, Any]], Scope], list[dict[str, Any]]] | None:
    condition = endpoint.filter
    if condition is None:
        return None
    holds = condition.holds

    def kept(records: list[dict[str, Any]], scope: Scope) -> list[dict[str, Any]]:
        names: dict[str, Any] = {**scope}
        found = []
        for record in records:
            names["record"] = record  # one dict for the page: nothing keeps it
            if holds(names):
                found.append(record)
        return found

    return kept


def _judge(endpoint: Endpoint) -> Callable[[dict[str, Any]], str | None] | None:
    if endpoint.on_invalid is None or endpoint.schema_ is None or not endpoint.readable:
        return None
    return judge(endpoint.schema_)


def _output(output: Value | None) -> Callable[[Scope], Any] | None:
    """What a call gives: an address in the answer where it is written as one, else a rendered template."""
    if output is None:
        return None
    if output.literal and isinstance(output.raw, str):
        path = AnswerPath(output.source)
        return lambda scope: None if (found := path.take(scope)) is MISSING else found

    def rendered(scope: Scope) -> Any:
        try:
            found = output.value(scope)
        except (MissingError, TemplateError) as error:
            raise ResponseError(
                f"the output cannot be made: {error}",
                where=f"output: {output.source}",
                hint="the request was answered; compare the answer with the spec",
                code="output.unfit",
            ) from None
        return None if found is MISSING else found

    return rendered


def base_urls(spec: Spec) -> list[BaseUrl]:
    """Every base_url of the spec, the connector's first: the homes that credentials belong to."""
    found = [spec.base_url, *(endpoint.base_url for endpoint in spec.endpoints.values())]
    return list({url.source: url for url in found if url is not None}.values())
