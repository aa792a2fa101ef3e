"""The request line and the headers as they go out: what two programs could read in two ways is refused."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from connector_core.exceptions import ConfigError
from connector_core.http import Request, origin

__all__ = ["UNSENDABLE", "check_headers", "origin_called", "target"]

UNSENDABLE = frozenset({"request.url", "request.header", "request.cookie"})
"""The codes of errors for a request that cannot go out as it is."""

_PORT = r":(?:[0-5]?[0-9]{1,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = rf"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?:{_PORT})?"
_AUTHORITY = re.compile(_HOST)
_HOST_LENGTH = 4
_URL = re.compile(rf"https?://{_HOST}(?:/[!\"$->@-~]*)?")  # no `#`, no `?`
_HOME = re.compile(rf"https?://{_HOST}(?:/|$)")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = frozenset({"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"})


def target(request: Request) -> str:
    """The URL as it goes out; raises ConfigError where two programs could read it in two ways."""
    if not _URL.fullmatch(request.url):
        raise _bad_url(request)
    return request.target


def origin_called(request: Request) -> str:
    """Scheme, host and port that are called; raises ValueError where two programs could read them in two ways."""
    if not _HOME.match(request.url):
        raise ValueError
    return origin(request.url)


def check_headers(request: Request) -> None:
    """Raises ConfigError for a header that could smuggle something in."""
    headers = request.headers
    for name in headers:  # no variable holds a value: tools show variables beside a traceback
        if not _usable(name) or (not headers[name].isprintable() and _CONTROL.search(headers[name])):
            del headers
            raise _bad_header(name, request)
        if len(name) == _HOST_LENGTH and name.lower() == "host" and not _AUTHORITY.fullmatch(headers[name]):
            del headers
            raise _bad_host(name, request)


@lru_cache(1024)
def _usable(name: str) -> bool:
    return _HEADER_NAME.fullmatch(name) is not None and name.lower() not in _OURS


def _bad_header(name: str, request: Request) -> ConfigError:
    where = f"{request.method} {request.url}"
    if name.lower() in _OURS:
        return ConfigError(
            f"the header {name} is the transport's own",
            where=where,
            hint="take it out of `headers`",
            code="request.header",
        )
    if not _usable(name):
        return ConfigError(
            f"{name!r} cannot be the name of a header",
            where=where,
            hint="use letters, digits and -",
            code="request.header",
        )
    return ConfigError(
        f"the value of the header {name} holds a line break or another control character",
        where=where,
        hint="a secret that was read from a file may end with a line break",
        code="request.header",
    )


def _bad_host(name: str, request: Request) -> ConfigError:
    return ConfigError(
        f"the value of the header {name} is no host",
        where=f"{request.method} {request.url}",
        hint="it is a name with or without a port, such as api.example:8443; left out, it is that of the URL",
        code="request.header",
    )


def _bad_url(request: Request) -> ConfigError:
    """Without the URL, which may hold credentials."""
    what, hint = "is not a URL that can be called", "it must be like https://host:port/path, percent-encoded"
    try:
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        if parts.username is not None:
            what, hint = "holds a user or password", "sign in by `auth`"
        elif not host.isascii():
            what, hint = f"has the host {host!r}, which is not ASCII", f"write it as {host.encode('idna').decode()}"
        elif parts.scheme not in {"http", "https"}:
            what, hint = f"begins with {parts.scheme[:20]!r}", "only https: and http: can be called"
        elif parts.query or parts.fragment:
            what, hint = "holds a query or a fragment", "a query goes into `params`"
    except ValueError:  # brackets, ports, labels: the first text says it
        pass
    return ConfigError(f"the URL {what}", where=request.method, hint=hint, code="request.url")
