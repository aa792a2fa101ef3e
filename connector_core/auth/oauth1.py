"""The kind where two key pairs sign the method, the address and the parameters: OAuth 1.0 (RFC 5849).

::

    base string: method & address & all parameters in order (the query's, a form's, and those of the signature)
    signature:   its digest, by the secrets of the app and of whoever lets it in
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import parse_qsl, quote, unquote

from msgspec.structs import replace
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from connector_core.auth.assertions import no_key, without_extra
from connector_core.auth.credentials import credential, expected, fields, optional, secret_form, sent_body, untimely
from connector_core.auth.family import Auth, SecretForm, Session, Text
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.template import Template

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["Oauth1"]

Pairs = list[tuple[str, str]]


class Oauth1(Auth):
    """OAuth 1.0: requests signed for an app and for who lets it in (RFC 5849).

    Example: `auth: {type: oauth1, consumer_key: "{{ secrets.id }}", consumer_secret: "{{ secrets.key }}"}`
    """

    type: Literal["oauth1"] = "oauth1"
    consumer_key: Text
    """The app's key."""
    consumer_secret: Text | None = None
    """The app's secret."""
    token: Text | None = None
    """The access token of who lets the app in; where it has no value, the app signs for itself."""
    token_secret: Text | None = None
    """What came with the token."""
    algorithm: Literal["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "RSA-SHA256", "PLAINTEXT"] = "HMAC-SHA1"
    """How it is signed; RSA-… by a private key (extra `jwt`), PLAINTEXT by the secrets as they are, for https only."""
    private_key: Text | None = None
    """The app's private key in PEM, for RSA-…, in place of a secret."""
    realm: Text | None = None
    """What the header names before all else, such as a NetSuite account."""
    parameters: Literal["header", "query", "body"] = "header"
    """Where what belongs to the signature goes: the Authorization header, the query, or a body that is a form."""
    body_hash: bool = False
    """Whether a hash of a body that is no form is signed, too (the extension `oauth_body_hash`)."""

    @model_validator(mode="after")
    def _has_its_key(self) -> Self:
        wanted, other = ("private_key", "consumer_secret")
        if not self.algorithm.startswith("RSA"):
            wanted, other = other, wanted
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            what = {"algorithm": self.algorithm, "wanted": wanted, "other": other}
            raise PydanticCustomError("oauth1_key", "{algorithm} signs with {wanted}, and not with {other}", what)
        return self

    def sign(self, session: Session, request: Request, now: float) -> Request:
        """The request with its signature, a new one for each attempt."""
        if self.parameters == "body" and request.encoding != "form":
            raise ConfigError(
                "the signature has no form to go into",
                where=f"{request.method} {request.url}",
                hint="auth.parameters: body is for bodies that are forms; use header",
                code="auth.body",
            )
        own = self._own(session, request, now)
        request = _unsigned(request)
        base = _base_string(request, [*_pairs(request), *own.items()])
        own["oauth_signature"] = self._signature(base, session)
        match self.parameters:
            case "query":
                return replace(request, query=(*_query(request), *own.items()), link="")
            case "body":
                return replace(request, body=(*request.body, *own.items()))
        realm = optional(self.realm, session, "auth.realm")
        listed = [*([("realm", realm)] if realm is not None else []), *own.items()]
        told = ", ".join([f'{name}="{_encoded(value)}"' for name, value in listed])
        return request.with_header("Authorization", f"OAuth {told}")

    def _own(self, session: Session, request: Request, now: float) -> dict[str, str]:
        """The parameters of the signature, without itself."""
        token = optional(self.token, session, "auth.token")
        own = {
            "oauth_consumer_key": credential(self.consumer_key, session, "auth.consumer_key"),
            "oauth_nonce": session.unique().replace("-", ""),
            "oauth_signature_method": self.algorithm,
            "oauth_timestamp": str(int(now)),
            "oauth_version": "1.0",
        }
        if token is not None:
            own["oauth_token"] = token
        if self.body_hash and request.encoding != "form":
            digest = hashlib.new("sha256" if self.algorithm.endswith("256") else "sha1", sent_body(request)).digest()
            own["oauth_body_hash"] = base64.b64encode(digest).decode()
        return own

    def _signature(self, base: str, session: Session) -> str:
        if self.private_key is not None:
            return self._by_key(self.private_key, base, session)
        app = "" if self.consumer_secret is None else credential(self.consumer_secret, session, "auth.consumer_secret")
        key = f"{_encoded(app)}&{_encoded(optional(self.token_secret, session, 'auth.token_secret') or '')}"
        return key if self.algorithm == "PLAINTEXT" else _digest(base, key, self.algorithm)

    def _by_key(self, key: Template, base: str, session: Session) -> str:
        """Signed by the private key, which is kept once it is read: that takes longer than signing."""
        pem, where = credential(key, session, "auth.private_key"), f"auth.private_key: {key.source}"
        kept = session.learnt.get("oauth1_key")
        if kept is None or kept[0] != pem:
            kept = session.learnt["oauth1_key"] = (pem, _rsa_key(pem, self.algorithm, where))
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        digest = hashes.SHA256() if self.algorithm.endswith("256") else hashes.SHA1()  # noqa: S303 - RFC 5849
        return base64.b64encode(kept[1].sign(base.encode(), padding.PKCS1v15(), digest)).decode()

    def secret_forms(self) -> Mapping[str, SecretForm]:
        """The private key's."""
        return secret_form(self.private_key, "RSA")

    def refusal(self, session: Session, request: Request) -> str | None:
        """Computes the signature of what came, with its own time and nonce, and compares."""
        return _refusal(self, session, request)


def _rsa_key(pem: str, algorithm: str, where: str) -> "RSAPrivateKey":
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError:
        raise without_extra(algorithm, where) from None
    try:  # an environment variable may hold its lines in one
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError):
        raise no_key(algorithm, "an RSA key", where) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise no_key(algorithm, "an RSA key", where)
    return key


def _digest(base: str, key: str, algorithm: str) -> str:
    made = hmac.digest(key.encode(), base.encode(), "sha256" if algorithm.endswith("256") else "sha1")
    return base64.b64encode(made).decode()


def _encoded(text: str) -> str:
    return text if text.isalnum() and text.isascii() else quote(text, safe="~")


def _unsigned(request: Request) -> Request:
    """Without a signature of before, which a link may repeat."""
    if not any(name.startswith("oauth_") for name, _ in (*_query(request), *_form(request))):
        return request
    kept = tuple(pair for pair in _query(request) if not pair[0].startswith("oauth_"))
    body = tuple(pair for pair in _form(request) if not pair[0].startswith("oauth_"))
    return replace(request, query=kept, link="", body=body if request.encoding == "form" else request.body)


def _query(request: Request) -> Pairs:
    return parse_qsl(request.sent_query, keep_blank_values=True) if request.link else list(request.query)


def _form(request: Request) -> Pairs:
    return list(request.body) if request.encoding == "form" else []


def _pairs(request: Request) -> Pairs:
    return [*_query(request), *_form(request)]


def _base_string(request: Request, pairs: Pairs) -> str:
    """RFC 5849 §3.4.1."""
    scheme = request.url.partition("://")[0].lower()
    address = f"{scheme}://{request.host.lower()}{request.sent_path}"
    sorted_ = sorted([(_encoded(name), _encoded(value)) for name, value in pairs])
    listed = "&".join([f"{name}={value}" for name, value in sorted_])
    return f"{request.method.upper()}&{_encoded(address)}&{_encoded(listed)}"


# ── the provider's side ───────────────────────────────────────────────────────────────────────────

_FIELD = re.compile(r'(\w+)="([^"]*)"')


def _refusal(kind: Oauth1, session: Session, request: Request) -> str | None:
    told, others = _told(kind, request)
    if not told:
        return "there are no parameters of OAuth 1.0"
    signature = told.pop("oauth_signature", "")
    if told.get("oauth_consumer_key") != expected(kind.consumer_key, session):
        return "the consumer key is not known"
    token = "" if kind.token is None else optional(kind.token, session, "") or ""
    if told.get("oauth_token", "") != token:
        return "the token is not known"
    if told.get("oauth_signature_method") != kind.algorithm:
        return f"the request is not signed with {kind.algorithm}"
    if not told.get("oauth_nonce") or not told.get("oauth_timestamp", "").isdecimal():
        return "there is no nonce, or no time"
    content = request.content or b""
    hashed = base64.b64encode(getattr(hashlib, "sha256" if "256" in kind.algorithm else "sha1")(content).digest())
    if kind.body_hash and request.encoding != "form" and told.get("oauth_body_hash") != hashed.decode():
        return "the hash of the body is wrong"
    pairs = sorted([quote(name, safe=""), quote(value, safe="")] for name, value in [*others, *told.items()])
    scheme, after = request.url.split("://", 1)
    path = after[after.index("/") :] if "/" in after else "/"
    parts = [request.method, f"{scheme}://{request.host.lower()}{path}", "&".join("=".join(pair) for pair in pairs)]
    base = "&".join(quote(part, safe="") for part in parts)
    if not _signed_by(kind, session, base, signature):
        return "the signature is wrong"
    return untimely(session, float(told["oauth_timestamp"]), told["oauth_nonce"])


def _told(kind: Oauth1, request: Request) -> tuple[dict[str, str], Pairs]:
    """The parameters of the signature, and all others."""
    query = parse_qsl(request.sent_query, keep_blank_values=True)
    form = parse_qsl((request.content or b"").decode(), keep_blank_values=True) if request.encoding == "form" else []
    if kind.parameters == "header":
        header = fields(request, "authorization")
        if len(header) != 1 or not header[0].startswith("OAuth "):
            return {}, []
        found = {name: unquote(value) for name, value in _FIELD.findall(header[0]) if name != "realm"}
        return found, query + form
    own, rest = (query, form) if kind.parameters == "query" else (form, query)
    found = {name: value for name, value in own if name.startswith("oauth_")}
    return found, [pair for pair in own if pair[0] not in found] + rest


def _signed_by(kind: Oauth1, session: Session, base: str, signature: str) -> bool:
    if kind.private_key is not None:
        return _signed_by_key(kind.algorithm, expected(kind.private_key, session), base, signature)
    halves = [kind.consumer_secret, kind.token_secret]
    key = "&".join(quote((optional(half, session, "") if half else "") or "", safe="") for half in halves)
    if kind.algorithm == "PLAINTEXT":
        return hmac.compare_digest(signature.encode(), key.encode())
    made = hmac.new(key.encode(), base.encode(), hashlib.sha256 if "256" in kind.algorithm else hashlib.sha1)
    return hmac.compare_digest(signature.encode(), base64.b64encode(made.digest()))


def _signed_by_key(algorithm: str, pem: str, base: str, signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    private: Any = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        return False
    digest: Any = hashes.SHA256() if "256" in algorithm else hashes.SHA1()  # noqa: S303 - what services ask for
    try:
        private.public_key().verify(base64.b64decode(signature), base.encode(), padding.PKCS1v15(), digest)
    except (InvalidSignature, ValueError):
        return False
    return True
