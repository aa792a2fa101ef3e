"""One account's memory: its config and secrets, who it may talk to, and what is under way."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

from connector_core.address import MISSING, Put
from connector_core.auth import Auth, Session, Token
from connector_core.config import SecretRef, settled_account
from connector_core.engine.captured import Facts
from connector_core.engine.circuits import Circuits
from connector_core.engine.credentials import Asks, Credential, credential_name
from connector_core.engine.effects import Effects
from connector_core.engine.gate import Gate
from connector_core.engine.guard import Network
from connector_core.engine.hosts import Hosts
from connector_core.engine.line import Line, with_room
from connector_core.engine.masks import Masks
from connector_core.engine.pace import Pace
from connector_core.engine.references import Referred
from connector_core.engine.repetitions import Repetitions
from connector_core.engine.store import Place
from connector_core.engine.transport import Transport
from connector_core.events import Event
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.formats import instant, written
from connector_core.http import without_credentials
from connector_core.plan import Plan, base_urls, compile_plan
from connector_core.plugins import Plugins
from connector_core.rate_limit import RateLimit
from connector_core.spec import Spec
from connector_core.template import MissingError, Template, TemplateError

if TYPE_CHECKING:
    from connector_core.engine.sdk import SdkTransport

__all__ = ["Connection"]


class Reading(Protocol):
    """What is under way and can be ended."""

    async def cut(self) -> None:
        """Ends it, so that whoever goes on with it is told."""


_LEADING = re.compile(r"^\{\{\s*connection\.(\w+)")
"""The fact that an address begins with."""

LONGEST_QUOTED = 10_000
"""Characters of what a service says that are looked at; nothing shows more."""


class Connection:
    """One account of one service, open in one engine; it shares sockets and plans, and nothing that an account has."""

    def __init__(
        self,
        spec: Spec,
        effects: Effects,
        plugins: Plugins,
        *,
        config: Mapping[str, Any],
        secrets: Mapping[str, Any],
        name: str,
        network: Network,
        plans: dict[str, Plan] | None = None,
    ) -> None:
        """`plans`: those that are made already, where connections of the spec share them."""
        self.spec: Spec = spec
        self.effects: Effects = effects
        self.name: str = name
        self.network: Network = network
        self.plugins: Plugins = plugins
        self._plans = {} if plans is None else plans
        self.config: dict[str, Any]
        self.config, self._secrets = settled_account(spec.config, spec.secrets, (config, secrets))
        self.facts: Facts = Facts(spec, name)
        self.scope: dict[str, Any] = {
            "config": self.config,
            "secrets": self._secrets,
            "connection": self.facts.names,
        }
        """The names that hold for everything this connection does."""
        self._credentials: dict[str, Credential] = {}
        self._client = self._sdk(effects.reach(network))
        self.transport: Transport = self._client or effects.reach(network)
        self.gate: Gate = Gate(self)
        self.circuits: Circuits = Circuits(self)
        self.repetitions: Repetitions = Repetitions()
        self._paces: dict[tuple[str, bool], Pace] = {}
        self._lines: dict[str, Line] = {}
        self.flights: dict[Place, asyncio.Event] = {}
        """Requests under way whose answers others wait for, who ask the same; set when they are over."""
        self.writes: int = 0
        """How many requests are over that may have changed what is kept."""
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readings: WeakSet[Reading] = WeakSet()
        self.hosts: Hosts = Hosts(self)
        referred = {key: given for key, given in self._secrets.items() if isinstance(given, SecretRef)}
        for key in referred:
            del self._secrets[key]
        self._masks = Masks(self._secrets)
        self._named: tuple[frozenset[str], frozenset[str]] | None = None
        """Headers and parameters that sign-ins of the spec put something into."""
        self.referred: Referred | None = None
        """The secrets that are given by reference, which requests wait for; None: there are none."""
        if referred:
            self.referred = Referred(effects.references(), referred, spec.secrets, self._secrets, self._masks.learn)

    def __repr__(self) -> str:
        return f"Connection({self.spec.name}, {self.name!r})"  # no config, no secrets

    def plan(self, endpoint: str) -> Plan:
        """The endpoint's plan, made once for every connection of this spec."""
        if endpoint not in self._plans:
            functions = {**self.plugins.transforms(self.spec.name), **self.effects.hooks}
            self._plans[endpoint] = compile_plan(self.spec, endpoint, functions)
        return self._plans[endpoint]

    def names(self, plan: Plan) -> dict[str, Any]:
        """The scope of one reading or call of an endpoint."""
        return {
            **self.scope,
            "connection": self.facts.of(plan.credential),
            "endpoint": {"name": plan.endpoint},
            "now": written(instant(int(self.effects.now()))),  # whole seconds: what every service reads
            "uuid": self.effects.unique(),
        }

    @property
    def credentials(self) -> Any:
        """What tells this account's answers from those that other secrets would get."""
        return self._secrets if self.referred is None else self.referred.told_apart()

    def own(self, reading: Reading) -> None:
        """Closing the connection closes the reading, as long as somebody still holds it."""
        self._readings.add(reading)

    def ready(self) -> None:
        """Raises ConfigError once the connection is closed."""
        if self._closed:
            raise ConfigError(f"{self.name} is closed", hint="use it inside its `async with`", code="connection.closed")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ConfigError(
                f"{self.name} belongs to another event loop", hint="open one in each loop", code="connection.loop"
            )

    async def aclose(self) -> None:
        """Ends every reading that is under way; nothing can be started afterwards."""
        self._closed = True
        for reading in list(self._readings):
            await reading.cut()
        for credential in self._credentials.values():
            await credential.aclose()
            credential.session.learnt.clear()  # with what sockets were held for
        if self._client is not None:
            await self._client.aclose()

    def _sdk(self, transport: Transport) -> SdkTransport | None:
        """What calls the methods of the spec's client; None where there is none, or the transport answers for it."""
        if self.spec.sdk is None or getattr(transport, "answers_for_sdks", False):
            return None
        from connector_core.engine.sdk import SdkTransport  # few specs have one

        account = {"config": self.config, "secrets": self._secrets}
        return SdkTransport(transport, self.spec.sdk, lambda: self.plugins.clients(self.spec.name), account)

    # ── who asks ──────────────────────────────────────────────────────────────────────────────────

    def credential(self, plan: Plan, asks: Asks) -> Credential:
        """The endpoint's sign-in, which all endpoints of the same `auth` share."""
        if (known := self._credentials.get(plan.credential)) is None:
            name = credential_name(self._whose(plan.auth), self.spec, plan.credential)
            known = self._credentials[plan.credential] = Credential(
                self, plan.auth, self.session(), name, asks, plan.credential
            )
        return known

    def _whose(self, auth: Auth) -> str:
        """Whose tokens they are: of the account that is called so; where no person signs in, with these secrets too."""
        if auth.ways or not auth.tokened:
            return self.name
        held = self._secrets if self.referred is None else self.referred.given()
        told = json.dumps([self.config, held], sort_keys=True, default=str)
        return f"{self.name} {sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"

    def session(self) -> Session:
        """What a kind of `auth` is given."""
        return Session(self.scope, unique=self.effects.unique, mask=self.quote, base_url=self.spec.base_url)

    def learn(self, token: Token, credential: str = "auth") -> None:
        """A token is used from now on, for that `auth` of the spec: its texts are secrets, what came with it facts."""
        self._masks.learn([token.access, token.refresh, list(_secrets_in(token.answer))])
        came = {"token": token.names, "redirect": token.redirect}
        found = {name: path.take(came) for name, path in self.spec.sign_in_facts.items()}
        known = {name: value for name, value in found.items() if value is not MISSING and value is not None}
        self._check_instance(known, credential)
        if self.facts.came(credential, known):  # an address among it is the service's own, as who gave the token is
            self.hosts.led_anew()

    def _check_instance(self, found: Mapping[str, Any], credential: str) -> None:
        """Raises ResponseError for an address of the service's own without TLS, where the token came over TLS."""
        leading = {name for url in base_urls(self.spec) for name in _LEADING.findall(url.source)} & found.keys()
        plain = [name for name in leading if str(found[name]).lower().startswith("http://")]
        if plain and credential in self._credentials:
            homes = self._credentials[credential].auth.homes(self.session())
            if all(home.startswith("https://") for home in homes):
                raise ResponseError(
                    f"{self.spec.name} was led to an address without TLS by the token that came over TLS",
                    where=f"capture.{plain[0]}: {found[plain[0]]}",
                    hint="ask the service for the address that begins with https://, and sign in again",
                    code="host.not_allowed",
                )

    def sign_in_homes(self, plan: Plan) -> frozenset[str]:
        """The origins that the endpoint's sign-in may ask."""
        return self.hosts.of_sign_in(plan)

    # ── how fast ──────────────────────────────────────────────────────────────────────────────────

    def pace(self, plan: Plan) -> Pace | None:
        """Where requests of that endpoint stand in line; None where there is no limit."""
        if not plan.limits:
            return None
        key = (plan.endpoint, plan.readable)  # a job's requests are calls
        if (known := self._paces.get(key)) is None:
            lines = [self._line(plan, limit, own=limit is not self.spec.rate_limit) for limit in plan.limits]
            known = self._paces[key] = Pace(self, plan, lines)
        return known

    def _line(self, plan: Plan, limit: RateLimit, *, own: bool) -> Line:
        """The line of the limit: of the endpoint, a group of endpoints, the connection, or of all of one scope."""
        scope, lines = limit.scope, self._lines
        if scope is None:
            name = f"endpoint {plan.endpoint}" if own else "connection"
        elif scope.literal:
            name = f"group {scope.source}"
        else:
            name, lines = f"scope {self._shared_by(scope)}", self.effects.lines
        home = self.hosts.home
        whose = [self.spec.name, home] if lines is self.effects.lines else [self.spec.name, home, self.name]
        key = json.dumps([*whose, name])
        line = lines.pop(key, None)
        if line is None:
            terms = limit.terms()
            line = Line(self.effects.bucket(key, terms), terms)
        with_room(lines)[key] = line  # the last one is the one that was looked for last
        return line

    def _shared_by(self, scope: Template) -> Any:
        try:
            found = scope.text({**self.scope, "endpoint": {}})
        except (MissingError, TemplateError) as error:
            raise ConfigError(str(error), where=f"rate_limit.scope: {scope.source}") from None
        if found is MISSING:
            raise ConfigError("the scope has no value", where=f"rate_limit.scope: {scope.source}")
        return found

    def announce(self, event: type[Event], endpoint: str, **about: Any) -> None:
        """Tells whoever listens of something on that endpoint; where nobody does, no event is made."""
        if self.effects.listeners:
            self.effects.announce(event(connection=self.name, endpoint=endpoint, **about))

    def mask(self, text: str) -> str:
        """The text with this connection's secrets taken out, in whatever form."""
        return self._masks.masked(text)

    def quote(self, text: str) -> str:
        """What a service says, fit to be shown: cut, without secrets, and without what is one by its name."""
        if self._named is None:
            self._named = _named(self.spec)
        return without_credentials(self.mask(text)[:LONGEST_QUOTED], *self._named)


def _named(spec: Spec) -> tuple[frozenset[str], frozenset[str]]:
    """The headers and the parameters that are signed with, by the spec's own word."""
    auths = [spec.auth, *(endpoint.auth for endpoint in spec.endpoints.values())]
    found = [getattr(one, "put", None) for auth in auths if auth is not None for one in auth.each()]
    puts = [put for put in found if isinstance(put, Put)]
    headers = frozenset(put.keys[0] for put in puts if put.root == "header")
    return headers, frozenset(put.keys[0] for put in puts if put.root == "query")


def _secrets_in(answer: Mapping[str, Any]) -> Iterator[Any]:
    """What of a token's answer is one: an instance's address, or how many seconds are left, is not."""
    for name, value in answer.items():
        if isinstance(value, Mapping):
            yield from value.values() if name == "cookies" else _secrets_in(value)
        elif name != "token_type" and any(word in name.lower() for word in ("token", "secret", "password", "key")):
            yield value
