"""The kind where a keyed digest covers what the service says of each request: `sign` is that text.

::

    auth:
      type: hmac
      secret: "{{ secrets.secret }}"
      headers: {X-Key: "{{ secrets.key }}", X-Timestamp: "{{ timestamp }}"}    # put first, so they can be signed
      sign: "{{ timestamp }}{{ method }}{{ target }}{{ body }}"
      put: header.X-Signature

What a text reads of the request is as it goes out: `method url host path query sorted_query target body header`.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus

from msgspec.structs import replace
from pydantic import Field

from connector_core.address import MISSING, Put
from connector_core.auth.assertions import KeyEncoding, key_bytes
from connector_core.auth.credentials import (
    compared,
    credential,
    expected,
    fields,
    found_at,
    secret_form,
    sent_body,
    untimely,
)
from connector_core.auth.family import Auth, SecretForm, Session, Text
from connector_core.exceptions import ConfigError
from connector_core.formats import Format
from connector_core.http import Headers, Request
from connector_core.template import MissingError, Reads, Template, TemplateError

__all__ = ["Hmac"]

Signed = Annotated[Template, Reads("signed")]
"""A text that may read the request, the time and the nonce."""


class Hmac(Auth):
    """A keyed digest (RFC 2104) of a text that is made of the request.

    Example: `auth: {type: hmac, secret: "{{ secrets.key }}", sign: "{{ method }}{{ target }}", put: header.X-Sign}`
    """

    type: Literal["hmac"] = "hmac"
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    """The digest."""
    secret: Text
    """The key that both sides know."""
    secret_encoding: KeyEncoding = "text"  # noqa: S105 - no secret, how one is written
    """How the secret is written."""
    sign_: Signed = Field(alias="sign")
    """The text that is signed."""
    encoding: Literal["hex", "base64", "base64url"] = "hex"
    """How the digest is written as `signature`; `base64url` is without padding."""
    put: Put
    """Where the signature goes."""
    value: Annotated[Template, Reads("signing")] = Template("{{ signature }}")
    """The signature with what belongs around it."""
    timestamp: Format = Format("epoch_seconds")
    """How `timestamp` is written."""
    headers: dict[str, Signed] = {}
    """Headers that go with it."""
    params: dict[str, Signed] = {}
    """Query parameters that go with it."""

    def sign(self, session: Session, request: Request, now: float) -> Request:
        """The request with its signature; `headers` and `params` are there before it is made."""
        scope = {**session.scope, "timestamp": self._written(now)}
        if self._reads("nonce"):
            scope["nonce"] = session.unique()
        if self.put.root == "query":
            request = _unsigned(request, self.put.keys[0])
        for name, text in self.params.items():
            if (value := _filled(text, {**scope, **_names(text, request)}, f"auth.params.{name}")) is not MISSING:
                request = request.with_query(name, value)
        for name, text in self.headers.items():
            if (value := _filled(text, {**scope, **_names(text, request)}, f"auth.headers.{name}")) is not MISSING:
                request = request.with_header(name, value)
        told = _filled(self.sign_, {**scope, **_names(self.sign_, request)}, "auth.sign")
        if told is MISSING:
            raise ConfigError("there is nothing to sign", where=f"auth.sign: {self.sign_.source}", code="auth.unsigned")
        secret = credential(self.secret, session, "auth.secret")
        key = key_bytes(secret, self.secret_encoding, f"auth.secret: {self.secret.source}")
        digest = hmac.digest(key, told.encode(), self.algorithm)
        scope["signature"] = _encoded(digest, self.encoding)
        return self.put.put(request, credential(self.value, Session(scope), "auth.value"))

    def _written(self, now: float) -> str:
        """The time; whole seconds, unless the format has room for more."""
        finer = self.timestamp.name == "epoch_milliseconds" or "%f" in self.timestamp.name
        moment = datetime.fromtimestamp(int(now * 1000) / 1000 if finer else int(now), UTC)
        return str(self.timestamp.write(moment))

    def _reads(self, name: str) -> bool:
        texts = (self.sign_, self.value, *self.headers.values(), *self.params.values())
        return any(path[0] == name for text in texts for path in text.reads)

    def secret_forms(self) -> Mapping[str, SecretForm]:
        """The secret's, where it stands for other bytes."""
        return {} if (encoding := self.secret_encoding) == "text" else secret_form(self.secret, encoding)

    def refusal(self, session: Session, request: Request) -> str | None:
        """Computes the signature of what came, with its own time and nonce, and compares."""
        found = found_at(self.put, request)
        if len(found) != 1:
            return compared(found, "", str(self.put))
        told = {**session.scope, **_told_by(request, self.put)}
        told |= _sent_with(self, told, request, found[0])
        secret = expected(self.secret, session)
        match self.secret_encoding:
            case "hex":
                key = bytes.fromhex(secret)
            case "base64":
                key = base64.urlsafe_b64decode(secret.rstrip("=").replace("+", "-").replace("/", "_") + "==")
            case _:
                key = secret.encode()
        text = self.sign_.text(told)
        if not isinstance(text, str):
            raise MissingError(self.sign_.source)
        made = hmac.new(key, text.encode(), getattr(hashlib, self.algorithm))
        match self.encoding:
            case "hex":
                told["signature"] = made.hexdigest()
            case "base64":
                told["signature"] = base64.b64encode(made.digest()).decode()
            case _:
                told["signature"] = base64.urlsafe_b64encode(made.digest()).decode().replace("=", "")
        wrong = compared(found, expected(self.value, Session(told)), "the signature")
        return wrong or untimely(session, _moment(self, told.get("timestamp")), told.get("nonce", ""))


def _unsigned(request: Request, name: str) -> Request:
    """Without a signature of before, which a link may repeat."""
    cleared = request.with_query(name, "")
    return replace(cleared, query=tuple(pair for pair in cleared.query if pair[0] != name))


_READ: Mapping[str, Callable[[Request], Any]] = {
    "method": lambda request: request.method,
    "url": lambda request: request.target,
    "host": lambda request: request.host,
    "path": lambda request: request.sent_path,
    "query": lambda request: request.sent_query,
    "sorted_query": lambda request: "&".join(sorted(request.sent_query.split("&"))),
    "target": lambda request: f"{request.sent_path}?{request.sent_query}".removesuffix("?"),
    "body": lambda request: _text(sent_body(request)),
    "header": lambda request: Headers(_headers(request)),
}


def _names(text: Template, request: Request) -> dict[str, Any]:
    """What a text reads of the request."""
    return {name: _READ[name](request) for name in {path[0] for path in text.reads} & _READ.keys()}


def _headers(request: Request) -> dict[str, str]:
    own = {"Host": request.host, "Content-Type": request.content_type}
    declared = {name.lower() for name in request.headers}
    return {**request.headers, **{name: value for name, value in own.items() if value and name.lower() not in declared}}


def _text(content: bytes) -> str | bytes:
    """Bytes that are no text stay what they are: they can be hashed."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _filled(text: Template, scope: dict[str, Any], where: str) -> Any:
    try:
        return text.text(scope)
    except (MissingError, TemplateError) as wrong:
        raise ConfigError(f"the text cannot be made: {wrong}", where=f"{where}: {text.source}") from None


def _encoded(digest: bytes, encoding: str) -> str:
    if encoding == "hex":
        return digest.hex()
    if encoding == "base64":
        return base64.b64encode(digest).decode()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


# ── the provider's side ───────────────────────────────────────────────────────────────────────────

_TIME, _NONCE, _SIGNATURE = "\x01", "\x02", "\x03"
_GROUPS = {_TIME: "(?P<timestamp>.+?)", _NONCE: "(?P<nonce>.+?)", _SIGNATURE: ".+?"}


def _told_by(request: Request, put: Put) -> dict[str, Any]:
    """The request as it was before the signature was put there."""
    content, query = request.content or b"", request.sent_query
    if put.root == "query":
        query = "&".join(pair for pair in query.split("&") if unquote_plus(pair.split("=")[0]) != put.keys[0])
    if put.root == "body":
        content = replace(request, body=_without(request.body, put.keys), arrived=None).content or b""
    after = request.url.split("://", 1)[1]
    path = after[after.index("/") :] if "/" in after else "/"
    target = "?".join(filter(None, (path, query)))
    came = {name.lower(): value for name, value in request.headers.items()}
    sent = {"content-type": request.content_type or "", "host": request.host, **came}
    return {
        "method": request.method,
        "url": request.url + target[len(path) :],
        "host": request.host,
        "path": path,
        "query": query,
        "sorted_query": "&".join(sorted(pair for pair in query.split("&") if pair)),
        "target": target,
        "body": _text(content),
        "header": Headers({name: value for name, value in sent.items() if value}),
    }


def _moment(kind: Hmac, written: str | None) -> float | None:
    """When the client says that it signed; None where it does not, or where that cannot be told from what is around."""
    try:
        found = kind.timestamp.read(written)
    except ValueError:
        return None
    return found.timestamp() if isinstance(found, datetime) else None


def _without(body: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(body, dict) and keys:
        inner = {name: value for name, value in body.items() if name != keys[0]}
        return {**inner, keys[0]: _without(body[keys[0]], keys[1:])} if keys[1:] else inner
    return tuple(pair for pair in body if pair[0] != keys[0]) if isinstance(body, tuple) else body


def _sent_with(kind: Hmac, told: dict[str, Any], request: Request, found: str) -> dict[str, str]:
    """The time and the nonce that the client says it signed with, wherever they stand."""
    marked = {**told, "timestamp": _TIME, "nonce": _NONCE, "signature": _SIGNATURE}
    places = [(kind.value, [found])]
    places += [(text, fields(request, name)) for name, text in kind.headers.items()]
    places += [(text, [value for key, value in request.query if key == name]) for name, text in kind.params.items()]
    said: dict[str, str] = {}
    for text, values in places:
        try:
            form = re.escape(str(text.text(marked)))
        except (MissingError, TemplateError):
            continue  # a filter does something with it that only the time itself can be put through
        for mark, group in _GROUPS.items():
            form = form.replace(re.escape(mark), group, 1).replace(re.escape(mark), ".+?")
        for value in values[:1]:
            if (match := re.fullmatch(form, value)) is not None:
                said |= match.groupdict()
    return said
