"""Serves any spec's endpoints on loopback, from their schemas: a service to try a connector with, without the live one.

::

    async with Simulator(spec) as service:
        effects = Effects(transport=service.transport)
        async with Connector.open(spec, config=service.config, secrets=service.secrets, effects=effects) as shop:
            ...

The client keeps the service's real addresses; the transport sends them here instead, with the real host in `Host` and
the scheme in `X-Forwarded-Proto`. So the links in answers lead to the real hosts, and what pins them stays in force.
"""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from connector_core.connector import Connector, Engine
from connector_core.engine.credentials import credential_name
from connector_core.engine.effects import Effects
from connector_core.engine.guard import Network
from connector_core.engine.opening import Opening
from connector_core.engine.tokens import Tokens
from connector_core.engine.transport import AiohttpTransport, Transport
from connector_core.events import Listener
from connector_core.exceptions import ConfigError, ConnectionError
from connector_core.http import Arrived, ClientCertificate, Request, Response, origin
from connector_core.http.messages import Encoding
from connector_core.sdk import SCHEME
from connector_core.spec import Spec
from connector_core.testing.accounts import account
from connector_core.testing.arrived import body_of
from connector_core.testing.chaos import Reply as Answer
from connector_core.testing.chaos import answered, unasked
from connector_core.testing.fakes import PassingClock
from connector_core.testing.faults import Faults, Misfortunes
from connector_core.testing.jobs import Ending
from connector_core.testing.provider import Provider
from connector_core.testing.reply import Reply, refused

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["Seen", "Simulator", "simulated"]

REMEMBERED = 10_000
"""So many requests are kept for a look; older ones are forgotten."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a body that the service takes; of a larger one the rest is read and dropped."""

PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


class Seen(Struct, frozen=True):
    """A request that came in, and the answer's status; no header, no body, and no secret in the query."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int
    """What the service answered, whether it arrived or not; 0: it was not asked."""
    fault: str = ""
    """How it ended, where one of the `faults` came about: `reset`, `503`."""


class Simulator:
    """One spec's service on loopback, while its `async with` lasts; raises ConfigError for what it can never serve."""

    def __init__(
        self,
        spec: str | Path | Mapping[str, Any] | Spec,
        *,
        records: int = 250,
        seed: int = 0,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, Any] | None = None,
        port: int = 0,
        jobs: Ending = "done",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        faults: str | Faults = "",
        environment: str | None = None,
        specs: Sequence[str | Path] = (),
        plugins: Sequence[Any] = (),
    ) -> None:
        """`records`: how many each path has at first; `config` and `secrets`: in place of made up ones; port 0: any.

        `environment`, `specs`, `plugins`: with what the spec is found and read, as for Engine and Engine.open.
        `jobs`: how jobs end, as far as the spec has that condition: done, failed, or empty. `clock`: seconds, by which
        declared rate limits are counted; what exceeds them is answered with 429. `now`: seconds since 1970, by which
        tokens end. `faults`: what goes wrong, such as `reset=2%,503=5%`; `seed` decides when.
        """
        _check_numbers(records, seed)
        spec = Engine(specs=specs, plugins=plugins).load(spec, environment)
        self.config: dict[str, Any]
        self.secrets: dict[str, Any]
        self.config, self.secrets = account(spec, config or {}, secrets or {}, seed=seed)
        """What a client has to be given; its addresses are never the live service's default, and lead nowhere else."""
        self._spec, self._port = spec, port
        self._misfortunes = Misfortunes(faults, seed=seed, clock=clock)
        scope = {"config": self.config, "secrets": self.secrets}
        self._provider = Provider(spec, scope, records=records, seed=seed, jobs=jobs, clock=clock, now=now)
        self._seen: deque[Seen] = deque(maxlen=REMEMBERED)
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:49152`; raises ConfigError while it does not."""
        if self._runner is None:
            raise ConfigError("the simulator is not running", hint="use it inside its `async with`")
        return f"http://127.0.0.1:{self._port}"

    @property
    def routes(self) -> dict[str, str]:
        """The service's origins, each with where it really is: what `AiohttpTransport(routes=…)` takes."""
        further = {
            origin(f"{scheme}://{host.host}")
            for host in self._spec.hosts
            if not host.host.startswith("*.")
            for scheme in ("https", "http")
        }
        return dict.fromkeys(
            sorted(self._provider.routes.origins | self._provider.sign_ins.origins | further), self.url
        )

    @property
    def requests(self) -> list[Seen]:
        """The requests that came in, the latest last."""
        return list(self._seen)

    def transport(self, network: Network = "loopback") -> Transport:  # noqa: ARG002 - its own network is loopback
        """A transport that reaches this service and nothing else; made for `Effects(transport=…)`."""
        return _OnlyHere(self.routes)

    async def sign_in(self, tokens: Tokens, connection: str = "") -> None:
        """Keeps a token for each sign-in that begins with a person, as if that person had signed in.

        `connection`: the id that the connector is opened with; empty: the spec's name.
        """
        for name, token in self._provider.sign_ins.signed_in():
            await tokens.put(credential_name(connection or self._spec.name, self._spec, name), token, None)

    # ── the server ────────────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        from aiohttp import web

        log = logging.getLogger(__name__)
        log.addFilter(_is_told)
        runner = web.ServerRunner(
            web.Server(self._serve, access_log=None, logger=log, handler_cancellation=bool(self._misfortunes)),
            shutdown_timeout=1.0,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigError(
                f"the simulator cannot listen on 127.0.0.1:{self._port}: {error.strerror}", hint="choose another port"
            ) from None
        self._runner, self._port = runner, runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _serve(self, received: web.BaseRequest) -> web.StreamResponse:
        request, problem = await _read(received)
        treatment = self._misfortunes.next()
        answer = unasked(treatment)
        if answer is None:
            reply = problem or self._provider.answer(request)
            content = reply.content
            if content is None:
                content = b"" if reply.body is None else json.dumps(reply.body, ensure_ascii=False).encode()
            from multidict import CIMultiDict

            headers = CIMultiDict({"Content-Type": "application/json", **reply.headers})
            for cookie in reply.cookies:
                headers.add("Set-Cookie", cookie)
            answer = Answer(reply.status, headers, content)
        path, fault = received.raw_path.partition("?")[0], treatment.ending.name if treatment.ending is not None else ""
        self._seen.append(Seen(request.method, path, self._masked(request.query), answer.status, fault))
        return await answered(received, answer, treatment)

    def _masked(self, query: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        secrets = [str(value) for value in self.secrets.values() if value]
        return tuple((name, "***" if any(s in value for s in secrets) else value) for name, value in query)


def _is_told(record: logging.LogRecord) -> bool:
    """Whether the server's log tells it: what a client did wrong is answered with 400, and is no failure here."""
    from aiohttp.http_exceptions import HttpProcessingError
    from aiohttp.web import RequestPayloadError

    return not record.exc_info or not isinstance(record.exc_info[1], HttpProcessingError | RequestPayloadError)


async def _read(received: web.BaseRequest) -> tuple[Request, Reply | None]:
    """The request as the service sees it, at the address that the client meant; and what is wrong with it."""
    path, _, query = _text(received.raw_path).partition("?")
    headers = {name: _text(", ".join(received.headers.getall(name))) for name in received.headers}
    url = f"{headers.get('X-Forwarded-Proto', 'http')}://{_text(received.host)}{path}"
    pairs, shown = tuple(parse_qsl(query, keep_blank_values=True)), _shown(headers.get("Client-Cert"))
    content, body, encoding, problem = await _body(received, headers.get("Content-Type", ""))
    try:
        origin(url)
    except ValueError as error:
        problem = refused(400, f"the request's address is none: {error}")
    return Request(
        received.method, url, pairs, headers, body, encoding, arrived=Arrived(query, content), certificate=shown
    ), problem


def _shown(field: str | None) -> ClientCertificate | None:
    """What the client showed in TLS, as whoever ends it tells (RFC 9440)."""
    return None if field is None else ClientCertificate(PEM.format(field.strip(": ")), key="")


def _text(told: str) -> str:
    """What the head of a request says; aiohttp keeps bytes that are no UTF-8 as surrogates, which nothing can write."""
    return told.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def _body(received: web.BaseRequest, content_type: str) -> tuple[bytes, Any, Encoding | None, Reply | None]:
    """The body's bytes, the body, its encoding, and what is wrong with it."""
    from aiohttp.web import RequestPayloadError

    try:
        content = await _content(received)
    except RequestPayloadError:
        return b"", None, None, refused(400, "the body is not what Content-Encoding or Transfer-Encoding says")
    if len(content) > LARGEST:
        return b"", None, None, refused(413, f"the simulator takes bodies of up to {LARGEST >> 20} MiB")
    try:
        return content, *body_of(content, content_type), None
    except ValueError as error:
        return content, None, None, refused(400, str(error))


async def _content(received: web.BaseRequest) -> bytes:
    """The body; of one that is too large, no more than shows that it is."""
    parts, size = [], 0
    async for part in received.content.iter_any():
        if size <= LARGEST:
            parts.append(part)
        size += len(part)
    return b"".join(parts)


class _OnlyHere:
    """Refuses what is not simulated, so that nothing meant for a simulator reaches a live service."""

    answers_for_sdks: ClassVar[bool] = True
    """Endpoints of an SDK are served too, and no plug-in is needed."""

    def __init__(self, routes: Mapping[str, str]) -> None:
        self._routes = routes
        self._inner = AiohttpTransport(network="loopback", routes=routes)

    async def send(self, request: Request) -> Response:
        if origin(request.url) not in self._routes:
            raise ConnectionError(
                f"{origin(request.url)} is not simulated",
                where=f"{request.method} {request.url}",
                hint="the simulator stands for base_url and for hosts without a wildcard",
                code="simulator.unknown_host",
            )
        if not request.url.startswith(SCHEME):
            return await self._inner.send(request)
        scheme, _, client = origin(request.url).rpartition(":")[0].partition("://")
        headers = {**request.headers, "Host": client, "X-Forwarded-Proto": scheme}
        here = self._routes[origin(request.url)] + request.sent_path
        return replace(await self._inner.send(replace(request, url=here, headers=headers)), request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _check_numbers(records: object, seed: object) -> None:
    for name, number, least in (("records", records, 0), ("seed", seed, None)):
        if type(number) is not int or (least is not None and number < least):
            what = "a number of records, from 0 on" if least is not None else "a whole number"
            raise ConfigError(f"{name} is {what}, not {number!r}", code="simulator.invalid")


def simulated(
    spec: str | Path | Mapping[str, Any] | Spec,
    *,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, Any] | None = None,
    records: int = 250,
    seed: int = 0,
    environment: str | None = None,
    specs: Sequence[str | Path] = (),
    listeners: Sequence[Listener] = (),
    jobs: Ending = "done",
    plugins: Sequence[Any] = (),
    faults: str | Faults = "",
    sign_in: str | None = None,
) -> AbstractAsyncContextManager[Connector]:
    """A connector of the spec, wired to a simulator; config and secrets given hold on both sides.

    `specs`, `plugins`: as for Engine; `sign_in`: as for Engine.open. See Simulator for the rest. Waits, such as those
    between two polls of a job, pass at once.
    """

    async def enter(stack: AsyncExitStack) -> Connector:
        loaded = Engine(specs=specs, plugins=plugins).load(spec, environment)
        clock = PassingClock()
        service = await stack.enter_async_context(
            Simulator(
                loaded,
                records=records,
                seed=seed,
                config=config,
                secrets=secrets,
                jobs=jobs,
                clock=clock.monotonic,
                now=clock.now,
                faults=faults,
            )
        )
        effects = Effects(transport=service.transport, monotonic=clock.monotonic, now=clock.now, sleep=clock.sleep)
        await service.sign_in(effects.tokens_kept())
        return await stack.enter_async_context(
            Connector.open(
                loaded,
                config=service.config,
                secrets=service.secrets,
                listeners=listeners,
                effects=effects,
                plugins=plugins,
                sign_in=sign_in,
            )
        )

    return Opening(enter)
