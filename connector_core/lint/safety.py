"""C3: what may give a secret away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from connector_core.component import Model
from connector_core.lint.rule import Place, rule
from connector_core.load import Loaded
from connector_core.request import BaseUrl
from connector_core.spec import Spec, templates

_PLAIN = re.compile(r"http://(?!(?:localhost|127[0-9.]+|\[::1\])(?:[:/]|$))", re.IGNORECASE)
"""Clear text, to another machine."""


@rule("C301", "warning")
def _plain_http(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An address begins with http://, so that credentials and data travel in clear text."""
    for place, model in _with_base_url(whole.spec):
        base = getattr(model, "base_url", None)
        if base is not None and _PLAIN.match(base.source):
            yield (*place, "base_url"), "http:// sends credentials and data in clear text: use https://"


def _with_base_url(spec: Spec) -> Iterator[tuple[Place, Model]]:
    yield (), spec
    for name, endpoint in spec.endpoints.items():
        if "base_url" in endpoint.model_fields_set and endpoint.base_url != spec.base_url:
            yield ("endpoints", name), endpoint
    for name, environment in spec.environments.items():
        yield ("environments", name), environment


@rule("C302", "warning")
def _secret_in_query(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A secret is sent in the query, where logs and proxies keep it; a header is safer if the service takes one."""
    found = () if whole.spec.auth is None else whole.spec.auth.each()
    if any(getattr(getattr(one, "put", None), "root", "") == "query" for one in found):
        yield ("auth",), "the secret goes into the query, where logs keep it; use a header if the service takes one"
    for place, value in templates(whole.spec):
        if "params" in place and any(read[0] == "secrets" for read in value.reads):
            yield place, "the secret goes into the query, where logs keep it; use a header if the service takes one"


@rule("C303", "warning")
def _wide_host(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """Credentials are shown to every host below a domain."""
    for index, host in enumerate(whole.spec.hosts):
        if host.credentials and host.host.startswith("*."):
            yield ("hosts", index), "every host below that domain is shown the credentials: name those that need them"


@rule("C304", "warning")
def _plain_sign_in(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An address of a sign-in begins with http://, so that what it gives and is shown travels in clear text."""
    spec = whole.spec
    ways = [((), spec.auth), *((("endpoints", name), each.auth) for name, each in spec.endpoints.items())]
    for place, auth in ways:
        if auth is not None and (not place or auth != spec.auth):
            for path, url in _addresses(auth):
                if _PLAIN.match(url.source):
                    yield (*place, "auth", *path), "http:// sends credentials in clear text: use https://"


def _addresses(found: object) -> Iterator[tuple[Place, BaseUrl]]:
    """The addresses in a model, wherever they stand."""
    inside: Iterable[tuple[str | int, object]] = ()
    if isinstance(found, BaseUrl):
        yield (), found
    elif isinstance(found, Model):
        inside = ((name, getattr(found, name)) for name in found.model_fields_set)
    elif isinstance(found, list):
        inside = enumerate(found)
    for key, value in inside:
        yield from (((key, *path), url) for path, url in _addresses(value))
