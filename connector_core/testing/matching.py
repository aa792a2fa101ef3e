"""Which endpoint a request means: by host, method and path, a literal segment before one that a template fills.

What a template fills is one segment; with `| path`, as many as there are. A path that is one whole template is known
only where it reads nothing but config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from connector_core.exceptions import ConfigError
from connector_core.http import Request, origin
from connector_core.spec import Endpoint, Spec
from connector_core.template import MissingError, Template, TemplateError
from connector_core.testing.dataset import text_of

__all__ = ["Route", "Routes"]

_EXPRESSION = re.compile(r"(\{\{.*?\}\})", re.DOTALL)
_MANY_SEGMENTS = re.compile(r"\|\s*path\s*\}\}$")


@dataclass(frozen=True, slots=True)
class Route:
    """Where an endpoint is found."""

    name: str
    endpoint: Endpoint
    origin: str
    shape: str
    """The path with `{}` for what templates fill, so that two endpoints of one path are seen to be that."""
    pattern: re.Pattern[str]
    reads: tuple[frozenset[tuple[str, ...]], ...] = ()
    """The names that each of those templates reads."""

    @property
    def place(self) -> tuple[str, str]:
        """The origin and the path: what endpoints of one collection share; a query has one of its own."""
        return self.origin, f"{self.shape}#{self.name}" if self.endpoint.graphql else self.shape

    @property
    def rank(self) -> tuple[tuple[bool, int], ...]:
        """Sorts literal segments before filled ones, and those with more text around what is filled before others."""
        return tuple(("{}" in segment, -len(segment)) for segment in self.shape.split("/"))

    @property
    def fixed(self) -> list[tuple[str, str]]:
        """The query parameters that the spec always sends, as they are written."""
        return [
            (name, text_of(item))
            for name, value in (self.endpoint.params or {}).items()
            if value is not None and value.literal
            for item in (value.raw if isinstance(value.raw, list) else [value.raw])
        ]

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
            if endpoint.steps or endpoint.job:
                continue  # the ones are calls of others, the others need a service that works in the background
            address = _address(endpoint, {**scope, "endpoint": {"name": name}}, f"{spec.name}.{name}")
            if address is None:
                self.unknown.append((name, endpoint))
            else:
                self.known.append(_route(name, endpoint, *address))
        self.known.sort(key=lambda route: route.rank)
        self.origins = {route.origin for route in self.known}

    def find(self, request: Request) -> Route | None:
        """The endpoint that is meant; of several with the same path, the one whose fixed parameters were sent."""
        fitting = list(self._fitting(request))
        best = [route for route in fitting if route.shape == fitting[0].shape]
        if isinstance(request.body, dict) and "query" in request.body:
            best = [route for route in best if route.endpoint.graphql in (None, request.body["query"])]
        sent = set(request.query)
        return max(best, key=lambda route: _score(route.fixed, sent), default=None)

    def _fitting(self, request: Request) -> Iterator[Route]:
        home, path = origin(request.url), urlsplit(request.url).path
        for route in self.known:
            # an address that is no endpoint's is this server's own: whoever calls it directly may mean any
            at_home = route.origin == home or home not in self.origins
            if at_home and route.endpoint.method.upper() == request.method and route.pattern.fullmatch(path):
                yield route


def _score(fixed: list[tuple[str, str]], sent: set[tuple[str, str]]) -> int:
    return sum(1 if pair in sent else -1 for pair in fixed)


def _route(name: str, endpoint: Endpoint, base: str, path: str) -> Route:
    prefix = re.sub("/+", "/", urlsplit(base).path).rstrip("/")
    pieces = _EXPRESSION.split(prefix + path)
    pattern = "".join(
        (r"(.+)" if _MANY_SEGMENTS.search(piece) else r"([^/]+)") if index % 2 else re.escape(piece)
        for index, piece in enumerate(pieces)
    )
    reads = tuple(Template(piece).reads for piece in pieces[1::2])
    return Route(name, endpoint, origin(base), _EXPRESSION.sub("{}", prefix + path), re.compile(pattern), reads)


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
