"""Sends one request and returns one whole answer, over aiohttp: the only module that knows it.

What aiohttp would do on its own is off: redirects, cookies, proxies and .netrc from the environment, decompression
without a limit, and sending a request again behind the caller's back. Whatever goes wrong is raised as one of ours:

    not sent               ConnectionError, phase `unsent`      connection.refused .unreachable .dns .tls .certificate
                                                                .client_certificate, timeout.connect, forbidden_address
    no answer came         ConnectionError, phase `sent`        connection.closed .reset, timeout.read .total
    the answer broke off   ConnectionError, phase `answered`    connection.truncated, timeout.read .total
    an answer that is none ResponseError                        response.too_large .headers .malformed .encoding
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from time import perf_counter
from types import AsyncGeneratorType, MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast
from weakref import finalize

from connector_core.engine.body import IN_MEMORY, Spool, taken_in
from connector_core.engine.client_tls import alert
from connector_core.engine.deadline import Deadlines, Exchange
from connector_core.engine.guard import Network
from connector_core.engine.pool import Sockets, client_session, forgotten, open_until
from connector_core.engine.upload import Upload, outgoing
from connector_core.engine.wire import check_headers, target
from connector_core.exceptions import ConfigError, ConnectionError, IntegrationError, ResponseError, TimeoutError
from connector_core.http import Headers, Request, Response, origin

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from multidict import CIMultiDict

__all__ = ["AiohttpTransport", "Transport"]

_NO_ROUTES: Mapping[str, str] = MappingProxyType({})

_SENT_AT_ONCE = 64 * 1024  # bytes that fit into the buffers of a socket
_SLOWEST = 1024 * 1024  # bytes in a second: what is longer under way at that speed has longer
_UNTYPED = ("Content-Type",)  # aiohttp would make one up

_IS_IT_UP = "is the service up, and is the address right?"
_MAY_HAVE_ACTED = "the service may have acted on the request"


class Transport(Protocol):
    """What the engine needs of HTTP; tests and the simulator have others."""

    async def send(self, request: Request) -> Response:
        """The answer, whatever its status; raises ConnectionError, ResponseError or ConfigError where none came."""

    async def aclose(self) -> None:
        """Closes every socket."""


class AiohttpTransport:
    """A pool of connections that may reach one level of addresses; opened by its first request, in that loop."""

    tells_when_connected: ClassVar[bool] = True
    """A request that waits for its socket is not taken for one that was sent; see `deadline.WHEN_CONNECTED`."""

    def __init__(
        self,
        *,
        network: Network = "public",
        max_body: int = 128 * 1024 * 1024,
        max_spool: int = 16 * 1024 * 1024 * 1024,
        connect_timeout: float = 10.0,
        read_timeout: float = 30.0,
        timeout: float = 60.0,
        limit: int = 100,
        routes: Mapping[str, str] = _NO_ROUTES,
    ) -> None:
        """`max_body` in bytes, as received and as decompressed, `max_spool` in a file; timeouts in seconds.

        `limit`: sockets open to one host.
        `timeout` is for the whole exchange; where a request brings its own, that one replaces `read_timeout` too.
        `routes`: what is really called in place of an origin (`https://api.shop.example:443`), for a simulator.
        """
        self._network = network
        self._max_body, self._max_spool = max_body, max_spool
        self._connect_timeout, self._read_timeout, self._timeout = connect_timeout, read_timeout, timeout
        self._limit = limit
        self._routes = routes
        self._sockets: Sockets | None = None
        self._closed = False
        self._url: Callable[..., Any]  # these three come with aiohttp, which is imported by the first request
        self._fields: Callable[[Mapping[str, str]], CIMultiDict[str]]
        self._deadlines: Deadlines
        self._until: AsyncGeneratorType[None]
        self._forgotten: finalize[..., Any]

    async def send(self, request: Request) -> Response:
        """The answer, whatever its status; raises ConnectionError, ResponseError or ConfigError where none came."""
        session = await self._lent(request)
        check_headers(request)
        url, headers = target(request), self._fields(request.headers)
        if self._routes:
            url = self._rerouted(request, url, headers)
        body = self._body(request, headers)
        answer: ClientResponse | None = None
        exchange = self._begin(request, 0 if body is None else body.size if isinstance(body, Upload) else len(body))
        started = perf_counter()
        try:
            answer = exchange.answer = await session.request(
                request.method,
                self._url(url, encoded=True),
                headers=headers,
                data=body.chunks() if isinstance(body, Upload) else body,
                skip_auto_headers=None if request.method == "GET" or "Content-Type" in headers else _UNTYPED,
                allow_redirects=False,
            )
            body_in = await self._taken_in(answer, request, exchange)
        except asyncio.CancelledError:
            if exchange.ours():
                closed = exchange.broken == "closed"
                cause: Exception = _closed(exchange) if closed else self._timed_out(exchange, request)
            elif self._closed and not exchange.wanted_to_end():
                cause = _closed()  # aiohttp cancels who waits for a free connection when it is closed
            else:
                raise
            failure = self._failure(cause, request, answered=answer is not None)
        except Exception as error:  # noqa: BLE001 - whatever aiohttp raises, its callers know ours alone
            broken = body.broken if isinstance(body, Upload) else None
            failure = self._failure(broken or error, request, answered=answer is not None)
        else:
            content, spool = (b"", body_in) if isinstance(body_in, Spool) else (body_in, None)
            headers_in, elapsed = Headers(answer.raw_headers), perf_counter() - started
            return Response(answer.status, headers_in, content, request, elapsed, spool)
        finally:
            self._deadlines.end(exchange)
            if answer is not None and not answer.closed:
                answer.close()
            if isinstance(body, Upload):
                body.close()
        del url, headers, body, answer, exchange  # else tools that write variables beside a traceback show credentials
        raise failure  # out here it has no __context__: aiohttp's own errors print Authorization headers

    async def aclose(self) -> None:
        """Closes every socket; what is sent afterwards is refused."""
        self._closed = True
        sockets, self._sockets = self._sockets, None
        if sockets is None:
            return
        self._deadlines.close()
        try:
            await sockets.aclose()
        finally:
            if not self._until.ag_running:  # else the event loop comes to its end, and closes it right now
                await self._until.aclose()
            self._forgotten.detach()

    async def _lent(self, request: Request) -> ClientSession:
        """The sockets that the request may go over; raises ConfigError where there are none."""
        sockets = self._sockets or await self._open()
        if not self._deadlines.here():
            raise ConfigError(
                "the sockets belong to another event loop", hint="use an engine in one loop, and close it there",
                code="connection.loop",
            )  # fmt: skip
        if request.certificate is None:
            return sockets.plain
        session = await sockets.showing(request.certificate)
        if self._closed:
            raise _closed()
        return session

    async def _open(self) -> Sockets:
        if self._closed:
            raise _closed()
        from multidict import CIMultiDict
        from yarl import URL

        self._url, self._fields, self._deadlines = URL, CIMultiDict, Deadlines()
        connected, network = self._deadlines.connected, self._network
        limit, connect_timeout = self._limit, self._connect_timeout  # not self: who forgets it has it told
        self._sockets = sockets = Sockets(
            lambda tls: client_session(tls, connected, network, limit=limit, connect_timeout=connect_timeout)
        )
        self._until = cast("AsyncGeneratorType[None]", open_until(sockets, self._deadlines.close))
        self._forgotten = finalize(self, forgotten, sockets, asyncio.get_running_loop())
        await anext(self._until)  # from here on its loop knows it; nothing is waited for
        return sockets

    def _body(self, request: Request, headers: CIMultiDict[str]) -> bytes | Upload | None:
        """The body, opened where it is a file, and the headers that tell of it."""
        if request.encoding is None:
            return None
        try:
            body = outgoing(request)
        except ConfigError as error:
            raise self._failure(error, request, answered=False) from None
        headers["Content-Type"] = request.content_type or ""
        if isinstance(body, Upload) and body.size is not None:
            headers["Content-Length"] = str(body.size)
        return body

    def _begin(self, request: Request, size: int | None) -> Exchange:
        if request.timeout is not None:
            return self._deadlines.begin(request.timeout, None)
        if size is not None and size <= _SENT_AT_ONCE:
            return self._deadlines.begin(self._timeout, self._read_timeout)
        return self._deadlines.begin(self._timeout + (size or 0) // _SLOWEST, None)  # nothing is heard meanwhile

    def _rerouted(self, request: Request, target: str, headers: CIMultiDict[str]) -> str:
        instead = self._routes.get(origin(request.url))
        if instead is None:
            return target
        scheme, _, rest = target.partition("://")
        host = re.split(r"[/?]", rest, maxsplit=1)[0]
        headers.setdefault("Host", host.removesuffix(":443" if scheme == "https" else ":80"))
        headers["X-Forwarded-Proto"] = scheme
        headers.pop("Client-Cert", None)
        if request.certificate is not None:  # as who ends TLS tells whom it stands before (RFC 9440)
            headers["Client-Cert"] = f":{b64encode(request.certificate.leaf).decode()}:"
        return instead.rstrip("/") + rest[len(host) :]

    async def _taken_in(self, answer: ClientResponse, request: Request, exchange: Exchange) -> bytes | Spool:
        spools = request.spools and 200 <= answer.status < 300  # noqa: PLR2004 - RFC 9110 §15.3
        return await taken_in(
            answer,
            self._max_spool if spools else self._max_body,
            in_memory=IN_MEMORY if spools else self._max_body,
            exchange=exchange,
            slowest=_SLOWEST if request.timeout is None else None,
        )

    # ── what went wrong ───────────────────────────────────────────────────────────────────────────

    def _failure(self, error: Exception, request: Request, *, answered: bool) -> IntegrationError:
        if not isinstance(error, IntegrationError):
            error = self._translated(error, request, "answered" if answered else "sent")
        about: dict[str, Any] = {"phase": error.phase} if isinstance(error, ConnectionError) else {}
        return type(error)(
            error.what,
            where=f"{request.method} {request.url}",
            hint=error.hint,
            code=error.code,
            retryable=error.retryable,
            context={"method": request.method, "url": request.url},
            **about,
        )

    def _translated(self, error: Exception, request: Request, phase: str) -> IntegrationError:
        import aiohttp

        peer = origin(request.url)
        if (judged := alert(getattr(error, "os_error", None) or error.__cause__)) is not None:
            return _refused(judged, peer, shown=request.certificate is not None)
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            what = f"no connection to {_named(peer)} within {self._connect_timeout:g} s"
            return TimeoutError(what, hint=_IS_IT_UP, code="timeout.connect", phase="unsent", retryable=True)
        if isinstance(error, aiohttp.ClientConnectorError):
            return _not_connected(error, peer)
        if isinstance(error, aiohttp.ClientResponseError):
            return _not_http(error, peer)
        if isinstance(error, aiohttp.ClientError | OSError) and not isinstance(error, ValueError):
            return _cut_off(peer) if phase == "answered" else _hung_up(error, peer)
        if isinstance(error, ValueError) and phase == "sent":
            return ConfigError("the host or port of the URL is not valid", hint="compare it with the service's address")
        return ConnectionError(
            f"the exchange with {_named(peer)} failed in an unforeseen way ({type(error).__name__})",
            hint="please report it with the version of aiohttp",
            code="connection.failed",
            phase=phase,
            retryable=True,
        )

    def _timed_out(self, exchange: Exchange, request: Request) -> TimeoutError:
        peer, phase = _named(origin(request.url)), "sent" if exchange.answer is None else "answered"
        if not exchange.is_connected:
            return TimeoutError(
                f"no connection to {peer} within {exchange.total:g} s",
                hint=_IS_IT_UP,
                code="timeout.connect",
                phase="unsent",
                retryable=True,
            )
        what = f"{peer} sent nothing for {self._read_timeout:g} s"
        if exchange.broken == "total":
            what = f"no complete answer from {peer} within {exchange.total:g} s"
        hint = f"{_MAY_HAVE_ACTED}; where it needs longer, say so by `timeout`"
        return TimeoutError(what, hint=hint, code=f"timeout.{exchange.broken}", phase=phase, retryable=True)


def _closed(exchange: Exchange | None = None) -> ConfigError:
    hint = "use it inside its `async with`"
    if exchange is not None and exchange.is_connected:
        hint += f"; {_MAY_HAVE_ACTED}"
    return ConfigError("the connection is closed", hint=hint, code="connection.closed")


def _not_connected(error: Any, peer: str) -> ConnectionError:
    """For an `aiohttp.ClientConnectorError`: nothing was sent."""
    kind, cause = type(error).__name__, error.os_error
    hint, retryable = _IS_IT_UP, True
    if kind == "ClientConnectorDNSError":
        what, code = f"cannot find the host {_named(peer).rpartition(':')[0]}", "connection.dns"
        hint = "is the name right, and do other names resolve?"
    elif kind == "ClientConnectorCertificateError":
        reason = getattr(cause, "verify_message", "").rstrip(".") or "it does not fit the host"
        what, code = f"the certificate of {_named(peer)} is not accepted: {reason}", "connection.certificate"
        hint, retryable = "is the address right? an authority of your own is named by SSL_CERT_FILE", False
    elif kind == "ClientConnectorSSLError":
        reason = (cause.reason or "handshake failed").replace("_", " ").lower()
        what, code = f"cannot connect to {_named(peer)}: TLS: {reason}", "connection.tls"
        hint = "does this port speak https?"
    else:
        reason = os.strerror(cause.errno).lower() if cause.errno else "no address of it could be connected"
        code = "connection.refused" if cause.errno == errno.ECONNREFUSED else "connection.unreachable"
        what = f"cannot connect to {_named(peer)}: {reason}"
    return ConnectionError(what, hint=hint, code=code, phase="unsent", retryable=retryable)


def _refused(judged: str, peer: str, *, shown: bool) -> ConnectionError:
    """What the service says to the client's certificate, before it looks at the request."""
    what, hint = f"{_named(peer)} refuses the client certificate: {judged}", "is it the one that the service knows?"
    if not shown:
        what, hint = f"{_named(peer)} asks for a client certificate", "the spec says which: auth: {type: mtls, …}"
    return ConnectionError(what, hint=hint, code="connection.client_certificate", phase="unsent", retryable=False)


def _hung_up(error: Exception, peer: str) -> ConnectionError:
    """The connection ended after something was sent, before any answer."""
    what, code = f"{_named(peer)} closed the connection without an answer", "connection.closed"
    if isinstance(error, OSError) and error.errno:
        what, code = f"the connection to {_named(peer)} broke: {os.strerror(error.errno).lower()}", "connection.reset"
    return ConnectionError(what, hint=f"try again; {_MAY_HAVE_ACTED}", code=code, phase="sent", retryable=True)


def _cut_off(peer: str) -> ConnectionError:
    """The answer began and did not end."""
    return ConnectionError(
        f"the answer of {_named(peer)} broke off before its end",
        hint=f"try again; {_MAY_HAVE_ACTED}",
        code="connection.truncated",
        phase="answered",
        retryable=True,
    )


def _not_http(error: Exception, peer: str) -> ResponseError:
    """For an `aiohttp.ClientResponseError`: what came could not be parsed."""
    if str(getattr(error, "message", "")).startswith(("Got more than", "Too many headers")):
        return ResponseError(
            f"the headers of the answer of {_named(peer)} are too large",
            hint="a line may have 8190 bytes, and there may be 128 lines",
            code="response.headers",
        )
    return ResponseError(
        f"{_named(peer)} sent what is not an HTTP answer",
        hint="is the port right, and does it speak http rather than https?",
        code="response.malformed",
    )


def _named(peer: str) -> str:
    """`api.shop.example:443` of an origin."""
    return peer.partition("://")[2]
