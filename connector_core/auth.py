"""How requests are signed, one kind per scheme, with both its sides: the client's `flow` and the provider's `refusal`.

::

    auth: {type: bearer, token: "{{ secrets.token }}"}

Rule 1: `flow` is a generator: it yields requests that it needs answered first (a token, a challenge), is sent their
        answers, and returns the signed request. Kinds that need none only define `sign`.
Rule 2: a session belongs to one connection and is passed in; a kind keeps nothing.
Rule 3: `refusal` is the provider's check of the same scheme, for the simulator; it shares no code with `sign`.
"""

import base64
import hmac
from collections.abc import Generator, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Struct

from connector_core.address import MISSING, Put
from connector_core.component import Component
from connector_core.exceptions import ConfigError
from connector_core.http import Multipart, Request, Response
from connector_core.template import MissingError, Reads, Template, TemplateError

__all__ = ["ApiKey", "Auth", "Basic", "Bearer", "NoAuth", "Session"]

Text = Annotated[Template, Reads("auth")]


class Session(Struct):
    """One connection's side of signing in: the names that templates may read, and what was learnt from the service."""

    scope: Mapping[str, Any]
    learnt: dict[str, Any] = {}

    def __repr__(self) -> str:
        return "Session()"  # it holds the secrets, and what is learnt becomes some


class Auth(Component, key="auth"):
    """How the service knows who is asking."""

    def sign(self, session: Session, request: Request, now: float) -> Request:
        """The request with its credentials; `now` in seconds since 1970."""
        raise NotImplementedError

    def flow(self, session: Session, request: Request, now: float) -> Generator[Request, Response, Request]:
        """Yields what has to be asked first and returns the signed request."""
        return self.sign(session, request, now)
        yield  # a generator, though this one asks nothing

    def refusal(self, session: Session, request: Request) -> str | None:
        """Why the provider does not accept the request; None: it does."""
        raise NotImplementedError


class NoAuth(Auth):
    """Requests go out as they are.

    Example: `auth: none`
    """

    type: Literal["none"] = "none"

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - nothing to sign with
        """The request as it is."""
        return request

    def refusal(self, session: Session, request: Request) -> None:
        """Everybody is let in."""


class ApiKey(Auth):
    """A key at a place of the service's choosing.

    Example: `auth: {type: api_key, put: header.X-Api-Key, value: "{{ secrets.key }}"}`
    """

    type: Literal["api_key"] = "api_key"
    put: Put
    """Where the key goes: a header, a query parameter or a cookie."""
    value: Text
    """The key with what belongs around it, such as `Token {{ secrets.key }}`."""

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - keys are timeless
        """The key put where it belongs."""
        return self.put.put(request, _credential(self.value, session, "auth.value"))

    def refusal(self, session: Session, request: Request) -> str | None:
        """Compares what stands at the place with the rendered value."""
        name = self.put.keys[0]
        match self.put.root:
            case "query":
                found = [value for key, value in request.query if key == name]
            case "header":
                found = _fields(request, name)
            case "cookie":
                pairs = [pair.partition("=") for jar in _fields(request, "cookie") for pair in jar.split("; ")]
                found = [value for key, _, value in pairs if key == name]
            case _:
                found = _in_body(request.body, self.put.keys)
        return _compared(found, _expected(self.value, session), str(self.put))


class Bearer(Auth):
    """A token in the Authorization header (RFC 6750).

    Example: `auth: {type: bearer, token: "{{ secrets.token }}"}`
    """

    type: Literal["bearer"] = "bearer"
    token: Text
    """The token, without the word Bearer."""

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - tokens are timeless here
        """The token put into the Authorization header."""
        return request.with_header("Authorization", f"Bearer {_credential(self.token, session, 'auth.token')}")

    def refusal(self, session: Session, request: Request) -> str | None:
        """Compares the header's token."""
        expected = f"Bearer {_expected(self.token, session)}"
        return _compared(_fields(request, "authorization"), expected, "the Authorization header")


class Basic(Auth):
    """A name and a password in the Authorization header (RFC 7617).

    Example: `auth: {type: basic, username: "{{ secrets.key }}"}`
    """

    type: Literal["basic"] = "basic"
    username: Text
    """The name; some services take a key here and no password."""
    password: Text = Template("")
    """The password; empty where left out."""

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - passwords are timeless
        """`Authorization: Basic …`, both parts as UTF-8."""
        username = _credential(self.username, session, "auth.username")
        if ":" in username:
            raise ConfigError(
                "the user name for basic sign-in has a colon in it", hint="RFC 7617 has no way to send one; use another"
            )
        password = "" if self.password.source == "" else _credential(self.password, session, "auth.password")
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        return request.with_header("Authorization", f"Basic {pair}")

    def refusal(self, session: Session, request: Request) -> str | None:
        """Decodes the header and compares name and password."""
        sent = _fields(request, "authorization")
        if len(sent) != 1:
            return _compared(sent, "", "the Authorization header")
        scheme, _, encoded = sent[0].partition(" ")
        if scheme.lower() != "basic":
            return "the Authorization header is not Basic"
        try:
            found = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            return "the Authorization header is not base64"
        password = _expected(self.password, session) if self.password.source else ""
        return _compared([found], f"{_expected(self.username, session)}:{password}", "the Authorization header")


def _credential(template: Template, session: Session, where: str) -> str:
    """The rendered credential; an empty one is an error here rather than a puzzling 401 there."""
    try:
        rendered = template.text(session.scope)
    except MissingError:
        rendered = MISSING
    except TemplateError as wrong:
        raise ConfigError(f"the credential cannot be made: {wrong}", where=f"{where}: {template.source}") from None
    if isinstance(rendered, str) and not _is_text(rendered):
        raise ConfigError(
            "the credential holds bytes that are no text",
            where=f"{where}: {template.source}",
            hint="it was read from something that is not UTF-8; check where the secret comes from",
        )
    if not isinstance(rendered, str) or not rendered.strip() or _reads_nothing(template, session):
        raise ConfigError(
            "the credential is empty", where=f"{where}: {template.source}", hint="pass the secret it reads"
        )
    return rendered


def _is_text(rendered: str) -> bool:
    try:
        return rendered.isascii() or bool(rendered.encode())
    except UnicodeEncodeError:
        return False


def _reads_nothing(template: Template, session: Session) -> bool:
    """Whether all the secrets inside a text are empty: what is around them is no credential."""
    if template.whole or template.literal:
        return False
    secrets = session.scope.get("secrets", {})
    read = [secrets.get(path[1]) for path in template.reads if path[0] == "secrets" and len(path) > 1]
    return bool(read) and not any(str(secret or "").strip() for secret in read)


# ── the provider's side ───────────────────────────────────────────────────────────────────────────


def _expected(template: Template, session: Session) -> str:
    """What the client should send; raises MissingError where there is nothing, which must never match."""
    rendered = template.text(session.scope)
    if not isinstance(rendered, str) or not rendered.strip():
        raise MissingError(template.source)
    return rendered


def _fields(request: Request, name: str) -> list[str]:
    return [value for key, value in request.headers.items() if key.lower() == name.lower()]


def _in_body(body: Any, keys: Sequence[str]) -> list[str]:
    if isinstance(body, Multipart):
        return [part.value for part in body.parts if part.name == keys[0] and isinstance(part.value, str)]
    if isinstance(body, (tuple, list)):  # a form: pairs
        return [value for key, value in body if key == keys[0]]
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return [] if body is None else [str(body)]


def _compared(found: list[str], expected: str, where: str) -> str | None:
    if not found:
        return f"{where} is missing"
    if len(found) > 1:
        return f"{where} is there {len(found)} times"
    return None if hmac.compare_digest(found[0].encode(), expected.encode()) else f"{where} is wrong"
