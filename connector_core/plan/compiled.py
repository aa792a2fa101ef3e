"""From an endpoint to its plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from msgspec.structs import replace

from connector_core.address import MISSING, AnswerPath, BodyPath, FieldPath
from connector_core.auth import Auth, NoAuth
from connector_core.circuit_breaker import Terms
from connector_core.component import suggestion
from connector_core.decode import Decoding
from connector_core.errors import GRAPHQL, Rule
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.graphql import with_query
from connector_core.http import Request
from connector_core.job import Job
from connector_core.json_schema import judge
from connector_core.pagination import NoPagination, Pagination
from connector_core.plan.plan import JobPlan, Plan
from connector_core.request import BaseUrl, InlineRequest, compose
from connector_core.retry import Exponential, Retry
from connector_core.sdk import invocation
from connector_core.spec import Endpoint, Spec, templates
from connector_core.template import MissingError, TemplateError, Value
from connector_core.transform import NO_HOOKS, Hooks, fused

__all__ = ["base_urls", "base_urls_of", "compile_plan", "credential_of", "endpoint_of"]

Scope = Mapping[str, Any]


def compile_plan(spec: Spec, name: str, hooks: Hooks = NO_HOOKS) -> Plan:
    """The plan for an endpoint of the spec; raises ConfigError where there is none of that name.

    `hooks` are the functions that `transform` may call; one that is not among them is a ConfigError too.
    """
    endpoint, plan = endpoint_of(spec, name), _compiled(spec, name, hooks)
    return plan if endpoint.job is None else replace(plan, job=_job(plan, endpoint, endpoint.job))


def _job(plan: Plan, endpoint: Endpoint, job: Job) -> JobPlan:
    def step(request: InlineRequest) -> Plan:
        keys = request.under(endpoint)
        return replace(
            plan,
            readable=False,
            cache=None,
            keeps=False,
            idempotent=(harmless := keys.method == "get" or keys.safe) or endpoint.idempotency is not None,
            idempotency=None if harmless else endpoint.idempotency,
            compose=lambda scope: compose(keys, keys.method, keys.path, scope),
            decode=Decoding(None).read,  # the endpoint's own is the result's
        )

    result = job.result
    return JobPlan(
        start=step(job.start),
        poll=step(job.poll),
        locate=step(job.locate) if job.locate is not None else None,
        done=job.done,
        failed=job.failed,
        empty=job.empty,
        every=job.every,
        timeout=job.timeout,
        fetches=result is not None,
        each=result.each if result is not None else None,
        as_=(result.as_ or "") if result is not None else "",
        handle=_handle(endpoint),
    )


def _handle(endpoint: Endpoint) -> frozenset[str] | None:
    """What the endpoint's templates read of `job.start`; None where one reads all of it."""
    reads = [read for _, value in templates(endpoint) for read in value.reads if read[0] == "job"]
    found = [read for read in reads if read[1:2] in ((), ("start",))]
    return None if any(len(read) < 3 for read in found) else frozenset(read[2] for read in found)  # noqa: PLR2004


def endpoint_of(spec: Spec, name: str) -> Endpoint:
    """The endpoint of that name; raises ConfigError where there is none."""
    endpoint = spec.endpoints.get(name)
    if endpoint is None:
        raise ConfigError(
            f"{spec.name} has no endpoint {name!r}{suggestion(name, spec.endpoints)}", code="endpoint.unknown"
        )
    return endpoint


def _compiled(spec: Spec, name: str, hooks: Hooks) -> Plan:
    endpoint = endpoint_of(spec, name)
    pagination = _paged(endpoint) if endpoint.readable else NoPagination()
    auth = endpoint.auth or NoAuth()
    own = endpoint.rate_limit.concurrency if endpoint.rate_limit else None
    shared = spec.rate_limit.concurrency if spec.rate_limit else None
    side_by_side = min(own or shared or 1, shared or own or 1)
    for_each = tuple(endpoint.for_each or ()) if endpoint.readable else ()
    limits = tuple(limit for limit in (endpoint.rate_limit, spec.rate_limit) if limit is not None)
    learns = any(limit.feedback is not None and limit.feedback.reads_body for limit in limits)
    rules: tuple[Rule, ...] = (*endpoint.errors, GRAPHQL) if endpoint.graphql else tuple(endpoint.errors)
    judges_success = learns or any(rule.looks_at(status) for rule in rules for status in range(200, 300))
    reads_key = endpoint.filter is not None and any(read[0] == "key" for read in endpoint.filter.reads)
    decoding, records = Decoding(endpoint.decode), endpoint.records
    needs_all = judges_success or reads_key or endpoint.columns or _reads_into(pagination, records)
    is_kept = endpoint.harmless and not (endpoint.job or endpoint.steps or endpoint.sdk)
    cache = endpoint.cache.terms() if endpoint.cache is not None and is_kept else None
    return Plan(
        connector=spec.name,
        endpoint=name,
        readable=endpoint.readable,
        idempotent=endpoint.harmless or endpoint.idempotency is not None,
        idempotency=None if endpoint.harmless else endpoint.idempotency,
        retry=endpoint.retry or _usual(),
        compose=_composer(spec, endpoint),
        auth=auth,
        credential=credential_of(spec, auth),
        signs=not isinstance(auth, NoAuth),
        pagination=pagination,
        rules=rules,
        judges_success=judges_success,
        decode=decoding.read,
        decode_error=decoding.read_error,
        stream=decoding.stream(records) if endpoint.readable and records is not None and not needs_all else None,
        records=records,
        columns=endpoint.columns,
        reads_key=reads_key,
        keep=_filter(endpoint),
        transform=fused(endpoint.transform, hooks) if endpoint.readable else None,
        judge=_judge(endpoint),
        on_invalid=endpoint.on_invalid,
        output=_output(endpoint.output),
        input=endpoint.input or {},
        reads_page=any(read[0] == "page" for value in _sent(endpoint) for read in value.reads),
        limits=limits,
        cost=endpoint.cost,
        learns=learns,
        breaker=_breaker(endpoint),
        group=getattr(endpoint.circuit_breaker, "group", None) or "",
        cache=cache,
        keeps=cache is not None or (is_kept and _keeps(endpoint)),
        forgets=not endpoint.harmless and any(map(_keeps, spec.endpoints.values())),
        fallback=tuple(entry for entry in endpoint.fallback if entry.leads_to() != name) if endpoint.harmless else (),
        side_by_side=side_by_side,
        for_each=for_each,
        lanes=min((entry.concurrency for entry in for_each if entry.concurrency is not None), default=side_by_side),
        key_of=_key(endpoint.primary_key),
        captures=frozenset(
            read[1] for _, found in templates(endpoint) for read in found.reads if read[0] == "connection" and read[1:]
        )
        - {"id"},
        secrets=_secrets(endpoint),
        own_secrets=_secrets(endpoint, signing=False),
        steps=tuple(endpoint.steps or ()),
        batch=endpoint.batch,
    )


def _paged(endpoint: Endpoint) -> Pagination:
    """How a read is paged: as it says, else as what a method of an SDK gives, else not at all."""
    if endpoint.pagination is not None:
        return endpoint.pagination
    if endpoint.sdk is None:
        return NoPagination()
    from connector_core.pagination.iterator import Iterator as OfIterator  # few specs have one

    return OfIterator()


def credential_of(spec: Spec, auth: Auth) -> str:
    """Which of the spec's `auth` it is: `auth`, or that of the first endpoint that has it; an option has its name."""
    known = {f"endpoints.{name}.auth": endpoint.auth for name, endpoint in spec.endpoints.items()}
    for place, other in {"auth": spec.auth, **known}.items():
        if other == auth:
            return f"{place}.options.{spec.choice[place]}" if place in spec.choice else place
        for name, option in getattr(other, "options", {}).items():
            if option == auth:
                return f"{place}.options.{name}"
    return "none"


def _secrets(endpoint: Endpoint, *, signing: bool = True) -> frozenset[str] | None:
    """The names of the secrets in its templates, those of its sign-in as well if `signing`; None: all may be needed."""
    read = [(path, names) for path, value in templates(endpoint) for names in value.reads if names[0] == "secrets"]
    found = [names[1:2] for path, names in read if signing or path[0] != "auth"]
    return None if endpoint.sdk or () in found or ("*",) in found else frozenset(name for (name,) in found)


def _breaker(endpoint: Endpoint) -> Terms | None:
    return endpoint.circuit_breaker.terms() if endpoint.circuit_breaker is not None else Terms()


def _keeps(endpoint: Endpoint) -> bool:
    """Whether it has answers kept, if it is an endpoint that can."""
    used_again = endpoint.cache is not None and endpoint.cache.terms() is not None
    return used_again or any(entry.keeps for entry in endpoint.fallback)


@cache
def _usual() -> Retry:
    """What holds where a spec says nothing; made without the model being built, which has nothing to check here."""
    return Exponential.model_construct()


def _reads_into(pagination: Pagination, records: BodyPath | None) -> bool:
    """Whether pagination looks at the records where they stand: they are gone from a body that is read as it comes.

    What stands above them counts too, since a computed subscript (`body[config.name]`) may lead anywhere below it.
    """
    if records is None:
        return False
    place = (records.root, *records.keys)
    fields = [getattr(pagination, name) for name in type(pagination).model_fields]
    found = [(field.root, *field.keys) for field in fields if isinstance(field, AnswerPath)]
    found += [read for _, value in templates(pagination) for read in value.reads]
    return any(all("*" in pair or pair[0] == pair[1] for pair in zip(place, read, strict=False)) for read in found)


def _key(fields: FieldPath | list[FieldPath] | None) -> Callable[[Mapping[str, Any]], Any]:
    if fields is None:
        return lambda _record: None
    if not isinstance(fields, list):
        return lambda record: None if (found := fields.take(record)) is MISSING else found
    return lambda record: [None if (found := field.take(record)) is MISSING else found for field in fields]


def _composer(spec: Spec, endpoint: Endpoint) -> Callable[[Scope], Request]:
    if endpoint.job is not None and endpoint.job.result is not None:
        result = endpoint.job.result.under(endpoint)
        return lambda scope: compose(result, result.method, result.path, scope)
    if endpoint.sdk is not None and spec.sdk is not None:
        client = spec.sdk.client
        return lambda scope: invocation(client, endpoint, scope)
    method, path = endpoint.method, endpoint.path
    if endpoint.graphql is None:
        return lambda scope: compose(endpoint, method, path, scope)
    return lambda scope: with_query(compose(endpoint, method, path, scope), endpoint, scope)


def _sent(endpoint: Endpoint) -> Iterator[Any]:
    """Everything in the request for a page that may read names."""
    if endpoint.job is not None and endpoint.job.result is not None:
        yield from (value for _, value in templates(endpoint.job.result))
    if endpoint.path is not None:
        yield endpoint.path
    for mapping in (endpoint.params, endpoint.headers, endpoint.variables, endpoint.args):
        yield from (value for value in (mapping or {}).values() if value is not None)
    if endpoint.body is not None:
        yield from endpoint.body.templates()


def _filter(endpoint: Endpoint) -> Callable[..., list[dict[str, Any]]] | None:
    condition = endpoint.filter
    if condition is None:
        return None
    holds = condition.holds

    def kept(records: list[dict[str, Any]], scope: Scope, keys: list[str | None] | None = None) -> list[dict[str, Any]]:
        names: dict[str, Any] = {**scope}
        found = []
        for index, record in enumerate(records):
            names["record"] = record  # one dict for the page: nothing keeps it
            if keys is not None:
                names["key"] = MISSING if keys[index] is None else keys[index]
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
    """Every base_url of the spec, the connector's first."""
    own = [url for endpoint in spec.endpoints.values() for url in base_urls_of(endpoint)]
    found = [spec.base_url, *own]
    return list({url.source: url for url in found if url is not None}.values())


def base_urls_of(endpoint: Endpoint) -> list[BaseUrl]:
    """Where an endpoint's own requests go: the homes that its credentials belong to."""
    job = endpoint.job
    requests = (job.start, job.poll, job.locate, job.result) if job is not None else ()
    found = [endpoint.base_url, *(request.base_url for request in requests if request is not None)]
    return list({url.source: url for url in found if url is not None}.values())
