"""One answer that is kept: how old it is, whether it may be used, and how the service is asked whether it still holds.

Everything here is RFC 9111 for a private cache; times are seconds since 1970, ages and lifetimes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from msgspec import Struct
from msgspec.structs import replace

from connector_core.cache.family import Terms
from connector_core.http import Headers, Request, Response

__all__ = ["Kept", "keep"]

OK = 200
_DIRECTIVE = re.compile(r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?""")
_OF_THE_MESSAGE = frozenset(
    {"content-encoding", "content-length", "content-range", "content-type", "transfer-encoding"}
)
"""Fields that speak of the body that came with them, so that an answer without one does not change them."""
_LONGEST = 2**31
"""Seconds; whatever is larger is this (RFC 9111 §1.2.2)."""

_LONGEST_TAG = 1024
"""Characters of an ETag, or of a date, by which the service is asked."""


class Kept(Struct, frozen=True):
    """An answer and what was said of it."""

    headers: tuple[tuple[str, str], ...]
    content: bytes
    url: str
    """Where it came from, without a query, which may hold credentials."""
    at: float
    """When it came, or was confirmed last."""
    age_then: float
    """How old it was by then."""
    lifetime: float | None
    """How long the service says that it is fresh; None: it says nothing."""
    always_ask: bool
    """Whether it may never be used without asking (`no-cache`)."""
    never_stale: bool
    """Whether it may not even be used when the service can't be asked (`must-revalidate`, `no-cache`)."""

    def age(self, now: float) -> float:
        """How old it is (§4.2.3)."""
        return self.age_then + max(0.0, now - self.at)

    def fresh(self, terms: Terms, now: float) -> bool:
        """Whether it may be used without asking; where the clock was set back since, nobody knows how old it is."""
        return not self.always_ask and now >= self.at and self.age(now) < self._lifetime(terms)

    def stale_for(self, terms: Terms, now: float) -> float:
        """For how long it has not been fresh."""
        return max(0.0, self.age(now) - self._lifetime(terms))

    def usable_in_need(self, terms: Terms, now: float) -> bool:
        """Whether `stale_if_error` lets it be used while the service fails (RFC 5861 §4)."""
        return not self.never_stale and self.stale_for(terms, now) < terms.stale_if_error

    def _lifetime(self, terms: Terms) -> float:
        said = [seconds for seconds in (self.lifetime, terms.ttl) if seconds is not None]
        return min(said, default=0.0)

    def conditions(self) -> dict[str, str]:
        """The fields that ask whether it still holds (§4.3.1); empty where it has nothing to ask by."""
        known = dict(self.headers)
        found = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("last-modified")}
        return {name: value for name, value in found.items() if value and _repeatable(value)}

    def confirmed(self, said: Headers, now: float) -> Kept | None:
        """The same after the service said "not modified" (§4.3.4); None where it speaks of another answer."""
        known = {name: value for name, value in self.headers if name not in ("age", "date")}
        tags = [tag.removeprefix("W/") for tag in (said.get("etag"), known.get("etag")) if tag]
        if len(set(tags)) == 2:  # noqa: PLR2004 - its own, and another
            return None
        headers = Headers(known | {name: value for name, value in _pairs(said) if name not in _OF_THE_MESSAGE})
        return None if _forbidden(headers) else _judged(headers, self.content, self.url, now)

    def response(self, request: Request) -> Response:
        """It as the answer to a request."""
        return Response(OK, Headers(self.headers), self.content, replace(request, url=self.url))

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return 500 + len(self.content) + sum(len(name) + len(value) for name, value in self.headers)


def keep(response: Response, asked: Request, now: float) -> Kept | None:
    """The answer as it is kept; None where it may not be (§3).

    `asked`: the request before it was signed. What was sent may differ from it by what the account signs with, which is
    in the key, and by nothing that the answer varies with.
    """
    headers = response.headers
    if response.status != OK or response.spool is not None or response.request.url != asked.url or _forbidden(headers):
        return None
    if any(_field(asked.headers, name) != _field(response.request.headers, name) for name in _varying(headers)):
        return None
    return _judged(headers, response.content, response.request.url, now)


def _forbidden(headers: Headers) -> bool:
    return "no-store" in _directives(headers) or "*" in _vary(headers)


def _vary(headers: Headers) -> list[str]:
    return [name.strip().lower() for name in headers.get("vary", "").split(",") if name.strip()]


def _varying(headers: Headers) -> list[str]:
    """The fields that the answer varies with, apart from those that say who asks and from what is always the same."""
    return [name for name in _vary(headers) if name not in ("authorization", "cookie", "accept-encoding", "user-agent")]


def _repeatable(value: str) -> bool:
    """Whether what a service has sent can be sent back to it as it was."""
    return value.isascii() and value.isprintable() and len(value) <= _LONGEST_TAG


def _field(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _judged(headers: Headers, content: bytes, url: str, now: float) -> Kept:
    said = _directives(headers)
    date = _date(headers.get("date"))
    lifetime: float | None = None
    if "max-age" in said:
        lifetime = _seconds(said["max-age"])
    elif "expires" in headers:
        expires = _date(headers["expires"])
        lifetime = max(0.0, expires - (now if date is None else date)) if expires is not None else 0.0
    apparent = max(0.0, now - date) if date is not None else 0.0
    return Kept(
        headers=tuple(_pairs(headers)),
        content=content,
        url=url,
        at=now,
        age_then=max(apparent, _seconds(headers.get("age", "0"))),
        lifetime=lifetime,
        always_ask="no-cache" in said,
        never_stale="no-cache" in said or "must-revalidate" in said,
    )


def _pairs(headers: Headers) -> list[tuple[str, str]]:
    """The fields, those of one name joined; without cookies, which are an account's own."""
    return [(name, headers[name]) for name in headers if name != "set-cookie"]


def _directives(headers: Headers) -> dict[str, str]:
    """What `Cache-Control` says; of what is said twice, the first holds (§4.2.1)."""
    found: dict[str, str] = {}
    for name, quoted, plain in _DIRECTIVE.findall(headers.get("cache-control", "")):
        found.setdefault(name.lower(), quoted or plain)
    return found


def _seconds(text: str) -> float:
    """The seconds; what is no number means that it is old (§4.2.1)."""
    text = text.strip()
    return float(min(int(text[:12]), _LONGEST)) if text.isascii() and text.isdigit() else 0.0


def _date(text: str | None) -> float | None:
    try:
        found = parsedate_to_datetime(text) if text else None
        return None if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
