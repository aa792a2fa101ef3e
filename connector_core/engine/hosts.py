"""Which hosts an account may talk to, and which of them see its credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec.structs import replace

from connector_core.auth import Session
from connector_core.engine.captured import Facts
from connector_core.engine.wire import origin_called
from connector_core.exceptions import ResponseError, one_line
from connector_core.http import Request, origin
from connector_core.plan import Plan, base_urls, base_urls_of
from connector_core.request import BaseUrl
from connector_core.sdk import home as home_of_sdk
from connector_core.spec import Host, Spec

__all__ = ["Hosts"]

_SAFE_ABROAD = frozenset({"accept", "accept-language"})
"""Headers that a host without credentials may see; any other may hold one."""


class Whose(Protocol):
    """The account, as far as its hosts follow from it."""

    spec: Spec
    facts: Facts
    scope: dict[str, Any]

    def plan(self, endpoint: str) -> Plan:
        """The endpoint, ready to run."""
        ...

    def session(self) -> Session:
        """What a kind of `auth` is given."""
        ...

    def mask(self, text: str) -> str:
        """The text without secrets."""
        ...


class Hosts:
    """The hosts of one account: its addresses by what is known of it, and those that the spec allows besides."""

    def __init__(self, account: Whose) -> None:
        self._account = account
        self._homes: dict[str, _Homes] = {}
        self._elsewhere = self._origins()

    @property
    def home(self) -> str:
        """The first origin that the account has; empty: none is known yet."""
        return self._elsewhere[0] if self._elsewhere else ""

    def led_anew(self) -> None:
        """An address is another now: a sign-in has said where the account lives."""
        self._homes.clear()
        self._elsewhere = self._origins()

    def _origins(self) -> list[str]:
        urls = base_urls(self._account.spec)
        return list(
            dict.fromkeys(origin(url) for names in self._account.facts.each() for url in self._rendered(urls, names))
        )

    def _rendered(self, urls: list[BaseUrl], names: Mapping[str, Any]) -> list[str]:
        """Those that need no fact of a sign-in that has not been yet."""
        awaited = {("connection", name) for name in self._account.spec.sign_in_facts.keys() - names.keys()}
        known = [url for url in urls if not any(read[:2] in awaited for read in url.reads)]
        return [url.render({**self._account.scope, "connection": names}) for url in known]

    def of_sign_in(self, plan: Plan) -> frozenset[str]:
        """The origins that the endpoint's sign-in may ask: its own addresses, and those of the endpoint."""
        own = {origin(url) for url in plan.auth.homes(self._account.session())}
        known = self._homes_of(plan.endpoint).known
        return frozenset(own | {home for home, trusted in known.items() if trusted})

    def _homes_of(self, endpoint: str) -> _Homes:
        """Where requests of an endpoint may go, worked out when the first of them does."""
        if (known := self._homes.get(endpoint)) is None:
            found = self._account.spec.endpoints.get(endpoint)
            urls = base_urls_of(found) if found is not None else []
            names = (
                self._account.facts.names
                if found is None
                else self._account.facts.of(self._account.plan(endpoint).credential)
            )
            own = self._rendered(urls, names)
            known = self._homes[endpoint] = _Homes(own, self._elsewhere, self._account.spec.hosts)
            if self._account.spec.sdk is not None and found is not None and found.sdk is not None:
                known.near = (home_of_sdk(self._account.spec.sdk.client),)
        return known

    def admit(self, request: Request, endpoint: str, led_by: str = "") -> tuple[Request, bool]:
        """The request as its host may see it, and whether it is to be signed; raises where the host is not allowed.

        `led_by`, where it is known who has led it there: ` by prepare_request`.
        """
        homes = self._homes_of(endpoint)
        if request.url.startswith(homes.near):  # the usual case, without taking the URL apart
            return request, True
        home = self._origin(request, endpoint)
        trusted = homes.known.get(home)
        if trusted is None and (trusted := self._wildcard(home)) is None:
            raise ResponseError(
                f"{self._account.spec.name} was led{led_by} to {home}, which is not one of its hosts",
                where=f"{endpoint}: {request.method} {request.url}",
                hint=_how_to_allow(home, homes),
                code="host.not_allowed",
            )
        return (request, True) if trusted else (self._without_credentials(request, endpoint), False)

    def _origin(self, request: Request, endpoint: str) -> str:
        try:
            return origin_called(request)
        except ValueError:
            shown = one_line(request.url.rpartition("@")[2])  # a name and password are not even shown
            raise ResponseError(
                f"{self._account.spec.name} was led to what is no address",
                where=f"{endpoint}: {request.method} {shown}",
                hint="compare the spec with the links and redirects that the service sends",
                code="host.invalid",
            ) from None

    def _without_credentials(self, request: Request, endpoint: str) -> Request:
        """The request without what may hold one; raises where that is what is to be sent, or where to."""
        holder = "a request with a body" if request.body is not None else ""
        if self._account.mask(request.url) != request.url or self._account.mask(request.link) != request.link:
            holder = "a URL that holds a secret"
        if holder:
            raise ResponseError(
                f"{holder} was led to a host that may not see the credentials",
                where=f"{endpoint}: {request.method} {request.url}",
                hint="allow it in the spec with hosts: [{host: …, credentials: true}], or correct the address",
                code="host.not_allowed",
            )
        headers = {name: value for name, value in request.headers.items() if name.lower() in _SAFE_ABROAD}
        query = tuple((name, value) for name, value in request.query if self._account.mask(value) == value)
        return replace(request, headers=headers, query=query, certificate=None)

    def _wildcard(self, home: str) -> bool | None:
        scheme, _, rest = home.partition("://")
        name, _, port = rest.rpartition(":")
        if scheme != "https" or port != "443":
            return None
        for host in self._account.spec.hosts:
            if host.host.startswith("*.") and name.endswith(host.host[1:]):
                return host.credentials
        return None


class _Homes:
    """Where the requests of one endpoint may go, and who of these sees the credentials."""

    def __init__(self, own: list[str], elsewhere: list[str], hosts: list[Host]) -> None:
        """`own`: the endpoint's addresses; `elsewhere`: the origins of the connector's other ones."""
        self.near = tuple("/".join(url.split("/")[:3]) + "/" for url in own)
        self.known = {origin(url): True for url in own}
        """Origin → whether it sees the credentials."""
        self.plain = any(url.startswith("http://") for url in own)
        """Whether one of them is called by http, so that links may lead to others by it."""
        for host in hosts:
            for scheme in ("https", "http") if self.plain else ("https",):
                self.known.setdefault(origin(f"{scheme}://{host.host}"), host.credentials)
        for home in elsewhere:
            self.known.setdefault(home, False)


def _how_to_allow(home: str, homes: _Homes) -> str:
    scheme, _, rest = home.partition("://")
    if scheme == "http" and not homes.plain:
        return "what is called by https leads nowhere by http: correct the link, or the address in the spec"
    host = rest.removesuffix({"https": ":443", "http": ":80"}[scheme])
    return f"if that is right, the spec says so: hosts: [{host}]"
