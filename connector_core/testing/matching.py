"""Which endpoint a request means: by host, method and path, a literal segment before one that a template fills.

What a template fills is one segment; with `| path`, as many as there are. A path that is one whole template is known
only where it reads nothing but config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from connector_core.exceptions import ConfigError
from connector_core.http import Request, origin
from connector_core.request import METHODS, InlineRequest
from connector_core.sdk import SCHEME
from connector_core.spec import Endpoint, Spec
from connector_core.template import MissingError, Template, TemplateError
from connector_core.testing.dataset import text_of

__all__ = ["PARTS", "Part", "Route", "Routes"]

Part = Literal["start", "poll", "locate", "result"]
PARTS: tuple[Part, ...] = ("start", "poll", "locate", "result")
"""The requests of a job, in their order."""
OWN = "/simulated"
"""Where this service puts what a spec takes from an answer as a whole address."""

_EXPRESSION = re.compile(r"(\{\{.*?\}\})", re.DOTALL)
_MANY_SEGMENTS = re.compile(r"\|\s*path\s*\}\}$")


class Route(Struct, frozen=True):
    """Where an endpoint is found, or one of the requests of its job."""

    name: str
    endpoint: Endpoint
    """With the keys of that request, where it is a job's."""
    origin: str
    shape: str
    """The path with `{}` for what templates fill, so that two endpoints of one path are seen to be that."""
    pattern: re.Pattern[str]
    fills: tuple[Template, ...] = ()
    """Those templates."""
    part: Part | None = None
    """Which request of a job it is."""
    own: bool = False
    """Whether the path is this service's own choice, which the client takes from an earlier answer."""
    fixed: frozenset[tuple[str, str]] = frozenset()
    """What the spec always sends in the query, and in a JSON body or a form by its dotted names."""

    @property
    def place(self) -> tuple[str, str]:
        """The origin and the path: what endpoints of one collection share; a query and a job have one of their own."""
        alone = self.endpoint.graphql or self.part
        return self.origin, f"{self.shape}#{self.name}" if alone else self.shape

    @property
    def readable(self) -> bool:
        """Whether records are read there."""
        return self.part == "result" or self.endpoint.readable

    @property
    def rank(self) -> tuple[tuple[bool, int], ...]:
        """Sorts literal segments before filled ones, and those with more text around what is filled before others."""
        return tuple(("{}" in segment, -len(segment)) for segment in self.shape.split("/"))

    def filled(self, request: Request) -> list[str]:
        """What the request has in place of the path's templates."""
        found = self.pattern.fullmatch(urlsplit(request.url).path)
        return [unquote(value) for value in found.groups()] if found else []


class Routes:
    """Every endpoint of a spec by what requests it; raises ConfigError where a base_url cannot be filled in."""

    def __init__(self, spec: Spec, scope: Mapping[str, Any]) -> None:
        self.known: list[Route] = []
        self.unknown: list[tuple[str, Endpoint]] = []
        """Endpoints whose whole address comes from somewhere else."""
        for name, endpoint in spec.endpoints.items():
            names, where = {**scope, "endpoint": {"name": name}}, f"{spec.name}.{name}"
            if endpoint.job:
                self.known += _of_job(name, endpoint, names, where)
            elif not endpoint.steps:  # they are calls of others
                address = _address(endpoint, names, where) if endpoint.sdk is None else _of_sdk(spec, endpoint)
                if address is None:
                    self.unknown.append((name, endpoint))
                else:
                    self.known.append(_route(name, endpoint, *address))
        self.known.sort(key=lambda route: route.rank)
        self.origins: set[str] = {route.origin for route in self.known}
        self.parts: dict[tuple[str, str], Route] = {
            (route.name, route.part): route for route in self.known if route.part is not None
        }

    def find(self, request: Request) -> Route | None:
        """The endpoint that is meant; of several with the same path, the one whose fixed values were sent."""
        fitting = list(self._fitting(request))
        best = [route for route in fitting if route.shape == fitting[0].shape]
        if isinstance(request.body, dict) and "query" in request.body:
            best = [route for route in best if route.endpoint.graphql in (None, request.body["query"])]
        sent = {*request.query, *_named_in(request.body)}
        return max(best, key=lambda route: _score(route.fixed, sent), default=None)

    def _fitting(self, request: Request) -> Iterator[Route]:
        home, path = origin(request.url), urlsplit(request.url).path or "/"
        for route in self.known:
            # an address that is no endpoint's is this server's own: whoever calls it directly may mean any
            at_home = route.own or route.origin == home or home not in self.origins
            if at_home and route.endpoint.method.upper() == request.method and route.pattern.fullmatch(path):
                yield route


def _score(fixed: frozenset[tuple[str, str]], sent: set[tuple[str, str]]) -> int:
    return sum(1 if pair in sent else -1 for pair in fixed)


def _fixed(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    for name, value in (endpoint.params or {}).items():
        if value is not None and value.literal:
            yield from ((name, text_of(item)) for item in (value.raw if isinstance(value.raw, list) else [value.raw]))
    if endpoint.body is not None:
        written = endpoint.body.json_.raw if endpoint.body.json_ else None
        given = written if isinstance(written, dict) else {name: v.raw for name, v in endpoint.body.form.items()}
        yield from ((name, text) for name, text in _named_in(given) if "{{" not in text)


def _named_in(body: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """The single values of a JSON object or a form, by names that say where they stand."""
    pairs = body.items() if isinstance(body, dict) else body if isinstance(body, tuple) else ()
    for name, value in pairs:
        if isinstance(value, dict):
            yield from _named_in(value, f"{above}{name}.")
        elif not isinstance(value, list):
            yield f"body:{above}{name}", text_of(value)


def _of_job(name: str, endpoint: Endpoint, scope: Mapping[str, Any], where: str) -> Iterator[Route]:
    """The routes of a job's requests; without a request for the result the records are where it is polled."""
    job = endpoint.job
    assert job is not None  # noqa: S101 - the caller has looked
    first = None
    for part, given in zip(PARTS, (job.start, job.poll, job.locate, job.result or job.poll), strict=True):
        if given is None:
            continue
        asked = _asking(endpoint, given, readable=part == "result")
        base, path = _address(asked, scope, where) or (_base(asked, scope, where), None)
        first = first or base
        route = _route(
            name, asked, *((base, path) if path is not None else (first, f"{OWN}/{name}/{part}/{{{{ job }}}}"))
        )
        yield replace(route, part=part, own=path is None)


def _asking(endpoint: Endpoint, given: InlineRequest, *, readable: bool) -> Endpoint:
    """An endpoint that sends one of a job's requests, and is read where that fetches the result."""
    keys = given.under(endpoint)
    sent: dict[str, Any] = {"job": None, **dict.fromkeys(METHODS), keys.method: keys.path}
    sent |= {key: getattr(keys, key) for key in ("base_url", "params", "headers", "body")}
    return endpoint.model_copy(update=sent if readable else {**sent, "records": None, "output": None, "schema_": None})


def _route(name: str, endpoint: Endpoint, base: str, path: str) -> Route:
    prefix = re.sub("/+", "/", urlsplit(base).path).rstrip("/")
    pieces = _EXPRESSION.split(prefix + path or "/")
    pattern = "".join(
        (r"(.+)" if _MANY_SEGMENTS.search(piece) else r"([^/]+)") if index % 2 else re.escape(piece)
        for index, piece in enumerate(pieces)
    )
    return Route(
        name,
        endpoint,
        origin(base),
        _EXPRESSION.sub("{}", prefix + path or "/"),
        re.compile(pattern),
        tuple(Template(piece) for piece in pieces[1::2]),
        fixed=frozenset(_fixed(endpoint)),
    )


def _address(endpoint: Endpoint, scope: Mapping[str, Any], where: str) -> tuple[str, str] | None:
    """The base and the path; None where both come whole from what this server cannot know."""
    if endpoint.path is None:
        return _base(endpoint, scope, where), ""
    path = endpoint.path.source
    if endpoint.path.whole:
        try:
            path = str(endpoint.path.text(scope))
        except (MissingError, TemplateError):
            return None
        if not path.startswith("/"):
            parts = urlsplit(path)
            return (f"{parts.scheme}://{parts.netloc}", parts.path or "/") if parts.netloc else None
    return _base(endpoint, scope, where), path


def _of_sdk(spec: Spec, endpoint: Endpoint) -> tuple[str, str]:
    """Where a method of the client is called."""
    assert spec.sdk is not None  # noqa: S101 - no such spec is loaded
    return f"{SCHEME}{spec.sdk.client}", f"/{endpoint.sdk}"


def _base(endpoint: Endpoint, scope: Mapping[str, Any], where: str) -> str:
    if endpoint.base_url is None:
        raise ConfigError("there is no base_url to serve at", where=where, hint="give the spec a base_url")
    try:
        base = str(endpoint.base_url.template.text(scope))
    except (MissingError, TemplateError) as error:
        raise ConfigError(
            f"base_url cannot be filled in: {error}", where=where, hint="pass the config it reads"
        ) from None
    if not urlsplit(base).hostname:
        raise ConfigError("base_url has no host", where=where, hint="pass an address such as https://shop.example")
    return base
