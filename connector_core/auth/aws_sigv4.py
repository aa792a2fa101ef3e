"""The kind where AWS's own signature covers the whole request: Signature Version 4, in a header or in the query.

::

    canonical request: method, path, query, headers, hash of the body
    string to sign:    algorithm, time, scope (day/region/service), hash of the canonical request
    signature:         its HMAC, by a key derived from the secret for one day, region and service

S3 has rules of its own: its paths are taken as they are, and a header repeats the hash of the body.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from itertools import starmap
from typing import Any, Literal, Self
from urllib.parse import quote, unquote

from msgspec import Struct
from msgspec.structs import replace
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from connector_core.auth.credentials import credential, expected, fields, optional, sent_body
from connector_core.auth.family import Auth, Session, Text
from connector_core.formats import Format
from connector_core.http import Request, Response
from connector_core.template import Template
from connector_core.units import Duration

__all__ = ["AwsSigv4", "Terms", "signed"]

ALGORITHM, UNSIGNED = "AWS4-HMAC-SHA256", "UNSIGNED-PAYLOAD"
S3 = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})
"""Services whose paths are signed as they are sent."""
OWN = frozenset({"authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"})
"""Headers that are written here."""
CHANGED = frozenset({"connection", "expect", "te", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id"})
"""Headers that proxies change."""
LONGEST = 604800
"""Seconds that a signature in the query may hold at most."""
TOLERATED = 300.0
"""Seconds by which AWS lets a clock be wrong."""
_HTTP_DATE = Format("http_date")
_PLAIN = re.compile(r"[A-Za-z0-9/._~-]*")


class AwsSigv4(Auth):
    """AWS's signature of the whole request, in its headers or in its query.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html

    Example: `auth: {type: aws_sigv4, service: s3, access_key: "{{ secrets.id }}", secret_key: "{{ secrets.key }}"}`
    """

    type: Literal["aws_sigv4"] = "aws_sigv4"
    service: Text
    """Whose request it is, as AWS names it in signatures: `s3`, `dynamodb`, `execute-api`."""
    region: Text = Template("us-east-1")
    """Where that is."""
    access_key: Text
    """The access key's ID."""
    secret_key: Text
    """The secret access key."""
    session_token: Text | None = None
    """What comes with temporary credentials; where it has no value, there are none."""
    query: bool = False
    """Whether the signature goes into the query: a presigned URL."""
    expires: Duration | None = None
    """How long a signature in the query holds, at most 7 days; 5 minutes where it is left out."""
    unsigned_payload: bool = False
    """Whether the body is not signed, for services that take that: S3 does, and files are sent to it so."""

    @model_validator(mode="after")
    def _expires_in_the_query(self) -> Self:
        if self.expires is not None and not self.query:
            raise PydanticCustomError("expires", "only a signature in the query expires: add query: true")
        if self.expires is not None and not 1 <= self.expires <= LONGEST:
            raise PydanticCustomError("expires", "'expires' is from 1s to 7d")
        return self

    def sign(self, session: Session, request: Request, now: float) -> Request:
        """The request with its signature."""
        return signed(request, self.terms(session, now))

    def terms(self, session: Session, now: float) -> "Terms":
        """What the signature is made of, besides the request; the derived key is kept for as long as it holds."""
        access = credential(self.access_key, session, "auth.access_key")
        secret = credential(self.secret_key, session, "auth.secret_key")
        region = credential(self.region, session, "auth.region")
        service = credential(self.service, session, "auth.service")
        stamp = _stamp(now + session.learnt.get("aws_skew", 0.0))
        scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
        kept = session.learnt.get("aws_key")
        if kept is None or kept[0] != scope or kept[1] != secret:
            kept = session.learnt["aws_key"] = (scope, secret, _derived(secret, scope))
        return Terms(
            access_key=access,
            key=kept[2],
            stamp=stamp,
            scope=scope,
            token=optional(self.session_token, session, "auth.session_token"),
            expires=int(self.expires or TOLERATED) if self.query else None,
            as_sent=service in S3,
            tells_hash=service in S3 or self.unsigned_payload,
            unsigned=self.unsigned_payload or (self.query and service in S3),
        )

    def challenged(self, session: Session, response: Response) -> bool:
        """Whether the service's clock shows that this one is wrong; the difference is kept, and signed with."""
        sent = response.request
        stamp = next(iter(fields(sent, "x-amz-date")), dict(sent.query).get("X-Amz-Date", ""))
        try:
            here = datetime.strptime(stamp, "%Y%m%dT%H%M%S%z").timestamp()
            there = _HTTP_DATE.read(response.headers.get("Date")).timestamp()
        except ValueError:
            return False
        if abs(there - here) <= TOLERATED:
            return False
        session.learnt["aws_skew"] = session.learnt.get("aws_skew", 0.0) + there - here
        return True

    def refusal(self, session: Session, request: Request) -> str | None:
        """Computes the signature of what came, and compares."""
        return _Came(self, session, request).refusal()


class Terms(Struct, frozen=True):
    """What a signature is made of, besides the request."""

    access_key: str
    key: bytes
    """Derived from the secret for the scope."""
    stamp: str
    """When, such as `20150830T123600Z`."""
    scope: str
    """The day, the region and the service."""
    token: str | None = None
    expires: int | None = None
    """Seconds, where the signature goes into the query; None: into a header."""
    as_sent: bool = False
    """Whether the path is signed as it is sent; else it is normalised and encoded once more."""
    normalised: bool = True
    tells_hash: bool = False
    """Whether a header repeats the hash of the body."""
    unsigned: bool = False
    """Whether the body is left out."""
    token_signed: bool = True

    def __repr__(self) -> str:
        return f"Terms({self.scope})"  # the key signs whatever somebody wants


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y%m%dT%H%M%SZ")


def _derived(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signed(request: Request, terms: Terms) -> Request:
    """The request with its signature; raises ConfigError where a file is in its body, which would have to be read."""
    payload = UNSIGNED if terms.unsigned else hashlib.sha256(sent_body(request)).hexdigest()
    headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN}
    lower = ((name.lower(), value) for name, value in headers.items())
    signs = {name: " ".join(value.split()) for name, value in lower if name not in CHANGED}
    signs["host"] = request.host
    if request.encoding is not None:
        signs["content-type"] = request.content_type or ""
    if terms.expires is not None:
        return _presigned(request, terms, signs, payload)
    own = {"X-Amz-Date": terms.stamp}
    if terms.tells_hash:
        own["X-Amz-Content-Sha256"] = payload
    if terms.token is not None and terms.token_signed:
        own["X-Amz-Security-Token"] = terms.token
    signs.update((name.lower(), value) for name, value in own.items())
    if terms.token is not None:
        own["X-Amz-Security-Token"] = terms.token
    names = ";".join(sorted(signs))
    signature = _signature(request, terms, _canonical_query(_pairs(request)), signs, payload)
    own["Authorization"] = (
        f"{ALGORITHM} Credential={terms.access_key}/{terms.scope}, SignedHeaders={names}, Signature={signature}"
    )
    return replace(request, headers={**headers, **own})


def _presigned(request: Request, terms: Terms, signs: dict[str, str], payload: str) -> Request:
    own = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{terms.access_key}/{terms.scope}",
        "X-Amz-Date": terms.stamp,
        "X-Amz-SignedHeaders": ";".join(sorted(signs)),
        "X-Amz-Expires": str(terms.expires),
    }
    token = {} if terms.token is None else {"X-Amz-Security-Token": terms.token}
    if terms.token_signed:
        own |= token
    for name, value in own.items():
        request = request.with_query(name, value)
    pairs = [pair for pair in _pairs(request) if pair[0] != "X-Amz-Signature"]
    own = {**token, "X-Amz-Signature": _signature(request, terms, _canonical_query(pairs), signs, payload)}
    for name, value in own.items():
        request = request.with_query(name, value)
    return request


def _signature(request: Request, terms: Terms, query: str, signs: dict[str, str], payload: str) -> str:
    names = sorted(signs)
    listed = "".join([f"{name}:{signs[name]}\n" for name in names])
    path = _canonical_path(request.sent_path, terms)
    canonical = f"{request.method}\n{path}\n{query}\n{listed}\n{';'.join(names)}\n{payload}"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    told = f"{ALGORITHM}\n{terms.stamp}\n{terms.scope}\n{hashed}"
    return hmac.digest(terms.key, told.encode(), "sha256").hex()


def _canonical_path(path: str, terms: Terms) -> str:
    if terms.as_sent:
        if _PLAIN.fullmatch(path):
            return path
        return "/".join([quote(unquote(segment), safe="~") for segment in path.split("/")])
    if terms.normalised and ("//" in path or "/." in path):
        path = _normalised(path)
    return path if _PLAIN.fullmatch(path) else quote(path, safe="/~")


def _normalised(path: str) -> str:
    """Without empty and dotted segments (RFC 3986 §5.2.4)."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    ends = "/" if kept and path.endswith(("/", "/.", "/..")) else ""
    return f"/{'/'.join(kept)}{ends}"


def _pairs(request: Request) -> list[tuple[str, str]]:
    """The query's names and values, decoded; a plus of a link that is followed is one."""
    if not request.link:
        return list(request.query)
    pairs = (pair.partition("=") for pair in request.sent_query.split("&"))
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def _canonical_query(pairs: list[tuple[str, str]]) -> str:
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    return "&".join(starmap("{}={}".format, encoded))


# ── the provider's side ───────────────────────────────────────────────────────────────────────────

_PARTS = re.compile(r"AWS4-HMAC-SHA256 +Credential=([^,]+), *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})")


class _Came:
    """A request as it came in, taken apart by the provider."""

    def __init__(self, kind: AwsSigv4, session: Session, request: Request) -> None:
        self._kind, self._session, self._request = kind, session, request
        raw = [pair.split("=", 1) for pair in request.sent_query.split("&") if pair]
        self._query = [(unquote(pair[0]), unquote(pair[1]) if len(pair) > 1 else "") for pair in raw]
        self._asked = dict(self._query)

    def refusal(self) -> str | None:
        """Why it is not accepted; None: it is."""
        told = self._told()
        if isinstance(told, str):
            return told
        whose, names, signature, stamp = told
        access, _, scope = whose.partition("/")
        kind, session = self._kind, self._session
        wanted = f"{stamp[:8]}/{expected(kind.region, session)}/{expected(kind.service, session)}/aws4_request"
        if access != expected(kind.access_key, session):
            return "the access key is not known"
        if scope != wanted:
            return f"the signature is for {scope}, and not for {wanted}"
        if "host" not in names.split(";"):
            return "the signature does not cover the host"
        token = expected(kind.session_token, session) if self._has_token() and kind.session_token is not None else None
        if token is not None and token not in self._values("x-amz-security-token"):
            return "the session token is missing or wrong"
        payload = self._payload()
        if payload is None:
            return "the hash of the body is wrong"
        same = hmac.compare_digest(self._expected(scope, names, stamp, payload).encode(), signature.encode())
        return None if same else "the signature is wrong"

    def _has_token(self) -> bool:
        token = self._kind.session_token
        return token is not None and bool(optional(token, self._session, ""))

    def _told(self) -> tuple[str, str, str, str] | str:
        """Whose it is, what is signed, the signature, and when; or why that cannot be read."""
        if self._kind.query:
            names = ("Credential", "SignedHeaders", "Signature", "Date")
            found = [self._asked.get(f"X-Amz-{name}", "") for name in names]
            return (found[0], found[1], found[2], found[3]) if all(found) else "the query holds no signature"
        header = fields(self._request, "authorization")
        if len(header) != 1:
            return f"the Authorization header {f'is there {len(header)} times' if header else 'is missing'}"
        parts = _PARTS.fullmatch(header[0])
        stamp = fields(self._request, "x-amz-date")
        if parts is None or len(stamp) != 1:
            return "the Authorization header holds no signature of version 4, or there is no X-Amz-Date"
        return parts[1], parts[2], parts[3], stamp[0]

    def _values(self, name: str) -> list[str]:
        match name:
            case "host":
                return [self._request.host]
            case "content-type" if self._request.arrived is None:
                return [self._request.content_type or ""]
            case "x-amz-security-token" if self._kind.query:
                return [self._asked.get("X-Amz-Security-Token", "")]
        return fields(self._request, name)

    def _payload(self) -> str | None:
        """What stands for the body; None where it is not that body's hash."""
        of_s3 = expected(self._kind.service, self._session).startswith("s3")
        if self._kind.unsigned_payload or (of_s3 and self._kind.query):
            return "UNSIGNED-PAYLOAD"
        content = hashlib.new("sha256", self._request.content or b"").hexdigest()
        said = self._values("x-amz-content-sha256")
        return content if said == [content] or (not said and not (of_s3 and not self._kind.query)) else None

    def _expected(self, scope: str, names: str, stamp: str, payload: str) -> str:
        query = sorted(
            f"{quote(name, safe='')}={quote(value, safe='')}"
            for name, value in self._query
            if name != "X-Amz-Signature"
        )
        path = self._request.sent_path
        if expected(self._kind.service, self._session).startswith("s3"):
            path = "/".join(quote(unquote(segment), safe="") for segment in path.split("/"))
        else:
            path = quote(re.sub("/{2,}", "/", path), safe="/")
        lines = [self._request.method, path, "&".join(query)]
        lines += [f"{name}:{re.sub(' +', ' ', ','.join(self._values(name)).strip())}" for name in names.split(";")]
        written = "\n".join([*lines, "", names, payload])
        told = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(written.encode()).hexdigest()])
        key: Any = b"AWS4" + expected(self._kind.secret_key, self._session).encode()
        for part in (*scope.split("/"), told):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return bytes(key).hex()
