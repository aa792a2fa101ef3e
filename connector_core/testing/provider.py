"""The service that a spec describes, as far as its keys tell: from a request to an answer, without any socket.

It shares no code with the side that sends: the pages are `pagination.serve`, the check of credentials is
`auth.refusal`, and everything else is here and in the modules beside it. What it cannot know it answers with 501 and
the key in question; an endpoint of which no page can be served is refused at the start.

No transform can be run backwards: records are served as the schema describes them, which is how they are handed out,
and the client transforms them on top of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from connector_core.address import AnswerPath, BodyPath, FieldPath, Put
from connector_core.auth import NoAuth
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.job import Job
from connector_core.pagination import NoPagination, Pagination
from connector_core.pagination.cursor import Cursor
from connector_core.pagination.links import LinkHeader, NextUrl
from connector_core.pagination.provider import asked
from connector_core.spec import Endpoint, Spec
from connector_core.template import MissingError, TemplateError
from connector_core.testing.calls import called
from connector_core.testing.dataset import Dataset, text_of
from connector_core.testing.encoded import encoded
from connector_core.testing.facts import Facts
from connector_core.testing.jobs import Ending, Jobs, Started
from connector_core.testing.limits import Limits
from connector_core.testing.matching import Route, Routes
from connector_core.testing.partitions import Told, belonging, told
from connector_core.testing.reply import Reply, headers_of, placed, refused
from connector_core.testing.sign_ins import SignIns
from connector_core.testing.validators import validated

__all__ = ["Provider"]

AFTER = Put("query.after")
"""Where links say which page they lead to."""


class Provider:
    """The datasets of one service and what it does with requests; raises ConfigError for what it can never serve."""

    def __init__(
        self, spec: Spec, scope: Mapping[str, Any], *,
        records: int, seed: int, jobs: Ending = "done", clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """`scope` holds `config` and `secrets`; `records`: how many each path has at first; `jobs`: how they end.

        `clock`: seconds, for the rate limits; `now`: those since 1970, for tokens.
        """
        self._limits = Limits(spec, clock)
        self.sign_ins: SignIns = SignIns(spec, scope, now)
        scope = {**scope, "connection": {"id": spec.name, **self.sign_ins.facts}}
        self.spec: Spec = spec
        self._scope, self._seed = scope, seed
        self.routes: Routes = Routes(spec, scope)
        self.jobs: Jobs = Jobs(self.routes, scope, jobs)
        self._facts = Facts(spec)
        self.datasets: dict[tuple[str, str], Dataset] = {}
        """By origin and path, so that endpoints of one path see the same records."""
        for route in self.routes.known:
            if route.readable:
                self._fill(route, records)
        for name, endpoint in spec.endpoints.items():
            if endpoint.job is not None:
                self._learn(name, endpoint.job)
        for route in self.routes.known:
            if route.readable:
                self._rehearse(route)

    def answer(self, request: Request) -> Reply:
        """What the service says to the request."""
        if (signed_in := self.sign_ins.answer(request)) is not None:
            return signed_in
        route = self.routes.find(request)
        if route is None:
            return self._nowhere(request)
        if (too_many := self._limits.refusal(route.name, route.endpoint)) is not None:
            return too_many
        if route.part is not None:
            route = self.jobs.meant(route, request)
        auth = route.endpoint.auth or NoAuth()
        session = self.sign_ins.session(auth, {"endpoint": {"name": route.name}})
        try:
            refusal = auth.refusal(session, request)
            challenge = {} if refusal is None else auth.challenge(session, request)
        except (MissingError, TemplateError) as error:
            return refused(501, f"auth cannot be simulated: {error}")
        if refusal is not None:
            return replace(refused(401, refusal), headers=challenge)
        if route.part is not None:
            return self._of_job(route, request)
        return validated(route.endpoint, request, self._of_endpoint(route, request))

    def _of_endpoint(self, route: Route, request: Request) -> Reply:
        """The answer to a read or a call."""
        if route.endpoint.readable:
            return self._page(route, request)
        try:
            reply = called(
                route, request, self.datasets, self._dataset, expected=self._facts.are_taken_from(route.name)
            )
            if reply.status < 300:  # noqa: PLR2004 - an error is JSON
                return self._in_form(self._facts.added(route.name, reply), route)
            return reply
        except ValueError as error:
            return refused(501, f"endpoints.{route.name} cannot be simulated: {error}")

    def _nowhere(self, request: Request) -> Reply:
        for name, endpoint in self.routes.unknown:
            if endpoint.method.upper() == request.method:
                return refused(
                    501, f"endpoints.{name}.{endpoint.method} is a whole address, so the simulator can't know it"
                )
        return refused(404, f"there is no {request.method} {request.url.partition('://')[2].partition('/')[2] or '/'}")

    def _of_job(self, route: Route, request: Request) -> Reply:
        """The answer to one of the requests of a job."""
        if route.part == "result":
            started, number = self.jobs.asked_about(route, request)
            if started is None:
                return refused(404, "there is no such job; start one, and ask with what the answer holds")
            if started.state != "done":
                return refused(409, f"{started.token} is {started.state}, so there is no result")
            return self._page(route, request, started, number)
        reply = self.jobs.answer(route, request)
        started, number = self.jobs.asked_about(route, request)
        job = self.spec.endpoints[route.name].job
        done = route.part == "poll" and started is not None and started.state == "done"
        if job is None or not done or not self.jobs.shares_its_answer(route.name, job):
            return reply
        page = self._page(self.routes.parts[route.name, "result"], request, started, number)
        if page.status != 200:  # noqa: PLR2004 - OK
            return page
        return replace(reply, body=_beside(page.body, reply.body), headers={**page.headers, **reply.headers})

    # ── datasets ──────────────────────────────────────────────────────────────────────────────────

    def _fill(self, route: Route, records: int) -> None:
        known = self.datasets.get(route.place)
        if known is None or (not known.schema and route.endpoint.schema_):
            try:
                self.datasets[route.place] = self._dataset(route, records)
            except ValueError as error:
                raise self._impossible(route, "schema", error) from None

    def _dataset(self, route: Route, records: int = 0) -> Dataset:
        """A new dataset of what the endpoint describes."""
        return Dataset(
            _noun(route), route.endpoint.schema_ or {}, _keys(route.endpoint), count=records, seed=self._seed
        )

    def _learn(self, name: str, job: Job) -> None:
        """Finds out how a job's requests are answered, or says that they cannot be."""
        result = self.routes.parts[name, "result"]
        try:
            self.jobs.learn(name, job)
            if self.jobs.shares_its_answer(name, job):
                if result.endpoint.decode is not None:
                    raise ValueError("the records are in the poll's answer, which is JSON: leave out decode")
                _beside(_body(result.endpoint, [], self.datasets[result.place]), self.jobs.last_answer(name))
        except ValueError as error:
            raise self._impossible(result, "job", error) from None

    # ── pages ─────────────────────────────────────────────────────────────────────────────────────

    def _rehearse(self, route: Route) -> None:
        """Serves one page, so that what can never be served is said at the start."""
        path = route.shape.replace("{}", "1")
        body = {"query": route.endpoint.graphql, "variables": {}} if route.endpoint.graphql else None
        request = Request(
            route.endpoint.method.upper(), route.origin + path, body=body, encoding="json" if body else None
        )
        try:
            self._serve(route, request, self.datasets[route.place].records)
        except (ValueError, ArithmeticError) as error:
            raise self._impossible(route, "pagination", error) from None

    def _impossible(self, route: Route, key: str, error: Exception) -> ConfigError:
        return ConfigError(
            f"{self.spec.name}.{route.name} cannot be simulated: {error}",
            where=f"endpoints.{route.name}.{key}",
            hint="test this endpoint against the service itself, or against fakes",
            code="simulator.impossible",
        )

    def _page(self, route: Route, request: Request, started: Started | None = None, number: int | None = None) -> Reply:
        """A page of what the request asks for; of the result of a job, or of a part of it, where one is given."""
        records = self.datasets[route.place].matching(self._filters(route, request))
        records = self._of_partitions(route, [*told(route, request), *(started.places if started else ())], records)
        at, files = self.jobs.file_of(started, number) if started is not None else (0, 1)
        size = -(-len(records) // files)
        try:
            reply, count = self._serve(route, request, records[at * size : (at + 1) * size])
        except (ValueError, ArithmeticError) as error:
            return refused(400, f"there is no such page: {error}")
        if not count and _is_later_link(route, request):
            return refused(404, "the link leads past the last page")
        return reply

    def _serve(self, route: Route, request: Request, records: list[dict[str, Any]]) -> tuple[Reply, int]:
        endpoint, pagination = route.endpoint, _as_served(route.endpoint)
        served = pagination.serve(request, records)
        job = self.spec.endpoints[route.name].job
        if job is not None and job.result is None:  # one answer holds everything, and says that nothing follows
            served = replace(pagination.serve(request, records[:1]), records=records)
        body = _body(endpoint, served.records, self.datasets[route.place])
        for address, value in served.values.items():
            if (path := AnswerPath(address)).root == "body":
                body = placed(body, path, value)
        reply = self._facts.added(route.name, Reply(200, body, headers_of(served.values)), beside=endpoint.records)
        return self._in_form(reply, route), len(served.records)

    def _in_form(self, reply: Reply, route: Route) -> Reply:
        """The reply in the form that the endpoint declares; JSON is written later."""
        decode = route.endpoint.decode
        if decode is None or reply.body is None:
            return reply
        content, media = encoded(reply.body, decode, list(route.endpoint.schema_ or {}))
        return replace(reply, content=content, headers={"Content-Type": media, **reply.headers})

    def _of_partitions(self, route: Route, places: list[Told], records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The records of those partitions that the request speaks of."""
        for entry in route.endpoint.for_each or ():
            parent = next(
                (known for known in self.routes.known if known.name == entry.endpoint and known.readable), None
            )
            parents = self.datasets[parent.place].records if parent is not None else None
            records = belonging(records, entry, places, parents, self._scope, self.datasets[route.place])
        return records

    def _filters(self, route: Route, request: Request) -> list[tuple[str, str]]:
        """The query without what pagination and sign-in put there."""
        pagination = route.endpoint.pagination
        if isinstance(pagination, Cursor) and pagination.alone and asked(request, pagination.put):
            return sorted(route.fixed)  # the token stands for what the first request asked for
        puts = [put for put in _puts(route.endpoint) if put.root == "query"]
        taken = {name for put in puts for name in (put.keys[:1] or ("from", "continue"))}
        asked_for = [(name, value) for name, value in request.query if name not in taken]
        return asked_for + _variables(route.endpoint, request)


def _variables(endpoint: Endpoint, request: Request) -> list[tuple[str, str]]:
    """The variables of a query that the endpoint itself gives: what is asked for, as a query's parameters are."""
    sent = request.body.get("variables") if endpoint.graphql and isinstance(request.body, dict) else None
    given = sent if isinstance(sent, dict) else {}
    return [(name, text_of(given[name])) for name in endpoint.variables or {} if given.get(name) is not None]


def _beside(body: Any, further: Any) -> Any:
    """The body with what else an answer holds; raises ValueError where there is no room for it."""
    for name, value in further.items() if isinstance(further, dict) else [("", further)]:
        if not isinstance(body, dict) or not isinstance(further, dict):
            raise ValueError(f"the records stand where job.done looks: {further!r}")  # noqa: TRY004 - see above
        inner = body.get(name)
        if inner is not None and not (isinstance(inner, dict) and isinstance(value, dict)):
            raise ValueError(f"the records stand where job.done looks: body.{name}")
        body = {**body, name: _beside(inner, value) if inner is not None else value}
    return body


def _body(endpoint: Endpoint, records: Sequence[Mapping[str, Any]], dataset: Dataset) -> Any:
    """A body with the records in their place: under names, or as rows with their columns, where the spec says so."""
    place, columns = endpoint.records or BodyPath("body"), endpoint.columns
    if columns is not None:
        return _table(records, list(dataset.schema), place, columns)
    if place.keys.count("*") == 1 and str(place).endswith(".*"):
        named = {dataset.key_of(record) or str(number): record for number, record in enumerate(records)}
        return placed(None, BodyPath(str(place).removesuffix(".*")), named)
    return placed(None, place, list(records))


def _table(records: Sequence[Mapping[str, Any]], schema: list[str], place: BodyPath, columns: BodyPath) -> Any:
    names = schema or list(dict.fromkeys(name for record in records for name in record))
    rows = [[record.get(name) for name in names] for record in records]
    at = columns.index_in(place)
    if at is None:
        return placed(placed(None, place, rows), columns, names)
    if at:
        raise ValueError(f"columns are only simulated as the first of the records, not at {columns}")
    return placed(None, place, [names, *rows])


def _puts(endpoint: Endpoint) -> list[Put]:
    """The places of a request that are not the endpoint's own."""
    pagination = endpoint.pagination or NoPagination()
    found = [getattr(pagination, "put", None)]
    found += [getattr(auth, "put", None) for auth in (endpoint.auth or NoAuth()).each()]
    found.append(getattr(getattr(pagination, "size", None), "put", None))
    if isinstance(pagination, LinkHeader | NextUrl):
        found.append(AFTER)
    return [put for put in found if put is not None]


def _is_later_link(route: Route, request: Request) -> bool:
    linked = isinstance(route.endpoint.pagination, LinkHeader | NextUrl)
    return linked and asked(request, AFTER) is not None


def _as_served(endpoint: Endpoint) -> Pagination:
    """The pagination; a token that is taken from the last of the records in the body is a record's."""
    pagination = endpoint.pagination or NoPagination()
    if isinstance(pagination, Cursor) and endpoint.records is not None:
        last = (*endpoint.records.keys, "-1")
        if pagination.take.root == "body" and pagination.take.keys[: len(last)] == last:
            inside = ".".join(f'"{key}"' for key in pagination.take.keys[len(last) :])
            return pagination.model_copy(update={"take": AnswerPath(f"record.{inside}")})
    return pagination


def _keys(endpoint: Endpoint) -> list[FieldPath]:
    """The fields that tell records apart: the primary key, else what the cursor counts by, else `id`."""
    key, pagination, schema = endpoint.primary_key, _as_served(endpoint), endpoint.schema_
    if key is not None:
        found = list(key) if isinstance(key, list) else [key]
    elif isinstance(pagination, Cursor) and pagination.take.root == "record":
        found = [FieldPath(".".join(f'"{key}"' for key in pagination.take.keys))]
    else:
        found = [FieldPath("id")]
    found = [path for path in found if not schema or path.keys[0] in schema]
    return [*found, *_asked_by(pagination, found)] if endpoint.transform else found


def _asked_by(pagination: Pagination, keys: list[FieldPath]) -> list[FieldPath]:
    """The field of the last record that the next page is asked by, which every record has then."""
    if not isinstance(pagination, Cursor) or pagination.take.root != "record":
        return []
    if any(path.keys == pagination.take.keys for path in keys):
        return []
    return [FieldPath(".".join(f'"{key}"' for key in pagination.take.keys))]


def _noun(route: Route) -> str:
    """What text keys begin with: the last word of the path."""
    words = [segment for segment in route.shape.split("/") if segment and "{}" not in segment]
    return words[-1] if words else route.name
