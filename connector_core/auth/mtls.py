"""The kind where a client certificate is shown while the connection is made, and another sign-in may come on top.

::

    auth:
      type: mtls
      certificate: "{{ secrets.certificate }}"
      key: "{{ secrets.private_key }}"
      auth: {type: bearer, token: "{{ secrets.token }}"}

Rule 1: everything that it sends shows the certificate: requests, and what the sign-in on top asks for a token, so that
        a token which is bound to a certificate (RFC 8705) is used with the one that it was given for.
Rule 2: nothing goes out over plain http, where nothing is shown.
Rule 3: as long as the secrets stay what they are, the certificate is one object: the sockets that it opened are used
        again as long as that is there.
"""

import base64
import json
import re
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from connector_core.auth.credentials import credential, expected, optional, secret_form
from connector_core.auth.family import Auth, NoAuth, SecretForm, Session, Text
from connector_core.auth.token import Token
from connector_core.auth.validity import validity
from connector_core.component import NeverNull
from connector_core.exceptions import ConfigError
from connector_core.http import ClientCertificate, Headers, Request, Response
from connector_core.http.certificate import ToldAs
from connector_core.template import Template

__all__ = ["Mtls"]

_KEPT = "mtls"
"""Where the session has the certificate."""


class _Shown(Struct):
    """The certificate as it was made of the secrets, and when it holds."""

    certificate: ClientCertificate
    holds: tuple[float, float] | None

    def __repr__(self) -> str:
        return "_Shown()"


class Mtls(Auth):
    """A client certificate, shown while the TLS connection is made (RFC 8446); a further sign-in may come on top.

    Example: `auth: {type: mtls, certificate: "{{ secrets.id }}", key: "{{ secrets.key }}"}`
    """

    type: Literal["mtls"] = "mtls"
    holds_others: ClassVar[bool] = True

    certificate: Text
    """The certificate in PEM, followed by those that it was issued by, where the service needs them."""
    key_: Text = Field(alias="key")
    """Its private key in PEM; it may stand in the same secret as the certificate."""
    password: Text | None = None
    """What the key is encrypted with."""
    auth: Annotated[Auth | None, NeverNull("leave it out where the certificate is all")] = None
    """What requests are signed with beside it, such as `bearer` or `oauth2`, whose own requests show it too."""

    @field_validator("auth")
    @classmethod
    def _one_certificate(cls, auth: Auth | None) -> Auth | None:
        if isinstance(auth, Mtls):
            raise PydanticCustomError("mtls", "one connection shows one certificate: mtls stands inside of mtls")
        if auth is not None and auth.kind() == "any_of":
            raise PydanticCustomError("mtls", "any_of stands inside of mtls: name its options outside, each an mtls")
        return auth

    @property
    def _inner(self) -> Auth:
        return self.auth or NoAuth()

    # ── the client's side ─────────────────────────────────────────────────────────────────────────

    @property
    def tokened(self) -> bool:  # type: ignore[override]  # it is as what is on top
        """Whether what is on top signs with a token."""
        return self._inner.tokened

    def sign(self, session: Session, request: Request, now: float) -> Request:
        """The request with the certificate that is to be shown, signed by what is on top."""
        return self._showing(self._inner.sign(session, request, now), session, now)

    def flow(self, session: Session, request: Request, now: float) -> Generator[Request, Response, Request]:
        """Asks what the sign-in on top asks."""
        signed = yield from self._all_showing(self._inner.flow(session, request, now), session, now)
        return self._showing(signed, session, now)

    def obtain(self, session: Session, held: Token | None, now: float) -> Generator[Request, Response, Token]:
        """The token of what is on top."""
        found: Token = yield from self._all_showing(self._inner.obtain(session, held, now), session, now)
        return found

    def revoke(self, session: Session, token: Token, now: float) -> Generator[Request, Response, None]:
        """Gives back the token of what is on top."""
        yield from self._all_showing(self._inner.revoke(session, token, now), session, now)

    def challenged(self, session: Session, response: Response) -> bool:
        """Whether what is on top has learnt something."""
        return self._inner.challenged(session, response)

    def homes(self, session: Session) -> Sequence[str]:
        """Whom the sign-in on top asks."""
        return self._inner.homes(session)

    def each(self) -> Iterator[Auth]:
        """Itself: with another sign-in on top it is another."""
        yield self

    @property
    def asks_by_path(self) -> bool:
        """As what is on top does."""
        return self._inner.asks_by_path

    def made_up(self, path: Sequence[str | int]) -> Mapping[str, Collection[str] | None]:
        """What the sign-in on top makes up."""
        return self._inner.made_up(path[1:]) if path[0] == "auth" and path[1:] else {}

    def secret_forms(self) -> Mapping[str, SecretForm]:
        """The certificate's and its key's, and those of what is on top."""
        own = {**secret_form(self.key_, "P-256"), **secret_form(self.certificate, "certificate")}
        return {**self._inner.secret_forms(), **own}

    def _all_showing(self, flow: Generator[Any, Any, Any], session: Session, now: float) -> Generator[Any, Any, Any]:
        """The flow, its requests showing the certificate."""
        try:
            step = next(flow)
            while True:
                asked = self._showing(step, session, now) if isinstance(step, Request) else step
                step = flow.send((yield asked))
        except StopIteration as done:
            return done.value
        finally:
            flow.close()

    def _showing(self, request: Request, session: Session, now: float) -> Request:
        if not request.url.lower().startswith("https://"):
            raise ConfigError(
                "a client certificate is shown over https alone",
                where=f"auth: {request.method} {request.url}",
                hint="write https into the address, or leave mtls to the endpoints that need it",
                code="auth.certificate",
            )
        shown = self._shown(session)
        self._check(shown, now)
        return replace(request, certificate=shown.certificate)

    def _shown(self, session: Session) -> _Shown:
        """The session's certificate; it is another as soon as one of its secrets is."""
        told_as = ToldAs(*(f"auth.{name}: {_source(text)}" for name, text in self._parts().items()))
        certificate = ClientCertificate(
            _pem(credential(self.certificate, session, "auth.certificate")),
            _pem(credential(self.key_, session, "auth.key")),
            optional(self.password, session, "auth.password"),
            told_as,
        )
        kept: _Shown | None = session.learnt.get(_KEPT)
        if kept is None or kept.certificate != certificate:
            kept = session.learnt[_KEPT] = _Shown(certificate, validity(_read(certificate)))
        return kept

    def _parts(self) -> dict[str, Text | None]:
        return {"certificate": self.certificate, "key": self.key_, "password": self.password}

    def _check(self, shown: _Shown, now: float) -> None:
        """Raises ConfigError where the certificate does not hold at that time."""
        begin, end = shown.holds or (now, now)
        if begin <= now <= end:
            return
        what = f"expired on {_day(end)}" if now > end else f"holds from {_day(begin)} on"
        raise ConfigError(
            f"the client certificate {what}",
            where=shown.certificate.told_as.certificate,
            hint="bring the one that replaces it" if now > end else "is the clock of this machine right?",
            code="auth.certificate",
        )

    # ── for people ────────────────────────────────────────────────────────────────────────────────

    @property
    def ways(self) -> Collection[str]:
        """As a person signs in to what is on top."""
        return self._inner.ways

    def authorize(self, session: Session, **about: str) -> str:
        """The address that a person is sent to."""
        person: Any = self._inner
        found: str = person.authorize(session, **about)
        return found

    def exchange(self, session: Session, *, now: float, **about: Any) -> Generator[Request, Response, Token]:
        """Has the code that a person came back with exchanged for a token."""
        person: Any = self._inner
        found: Token = yield from self._all_showing(person.exchange(session, now=now, **about), session, now)
        return found

    def device(self, session: Session, now: float) -> Generator[Any, Any, Token]:
        """Has a person sign in on another device."""
        person: Any = self._inner
        found: Token = yield from self._all_showing(person.device(session, now), session, now)
        return found

    # ── the provider's side ───────────────────────────────────────────────────────────────────────

    def refusal(self, session: Session, request: Request) -> str | None:
        """Compares the certificate, and lets what is on top judge the rest; that the key fits, TLS itself proves."""
        return self._stranger(session, request) or self._inner.refusal(session, request)

    def _stranger(self, session: Session, request: Request) -> str | None:
        if request.certificate is None:
            return "no client certificate was shown"
        wanted = expected(self.certificate, session).replace("\\n", "\n")
        lines = wanted.partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0].split()
        try:
            shown = request.certificate.leaf
        except ValueError:
            return "the client certificate is none"
        return (
            None if lines and base64.b64encode(shown).decode() == "".join(lines) else "the client certificate is wrong"
        )

    def challenge(self, session: Session, request: Request) -> Mapping[str, str]:
        """What is on top says, to whoever has shown the certificate."""
        return {} if self._stranger(session, request) is not None else self._inner.challenge(session, request)

    def serve(self, session: Session, request: Request, now: float) -> Response | None:
        """The answers of what is on top, to whoever shows the certificate; a person's browser has none."""
        found = self._inner.serve(session, request, now)
        if found is None or request.method == "GET" or (why := self._stranger(session, request)) is None:
            return found
        content = json.dumps({"error": "invalid_client", "error_description": why}).encode()
        return Response(401, Headers({"Content-Type": "application/json"}), content, request)


def _source(text: Template | None) -> str:
    return "" if text is None else text.source


def _pem(text: str) -> str:
    return text.replace("\\n", "\n")  # an environment variable may hold its lines in one


def _read(certificate: ClientCertificate) -> bytes:
    """The certificate in DER; raises ConfigError where one of the texts is not what it should be."""
    if not re.search("-----BEGIN [A-Z ]*PRIVATE KEY-----", certificate.key):
        raise ConfigError(
            "this is no private key in PEM",
            where=certificate.told_as.key,
            hint="it begins with -----BEGIN PRIVATE KEY-----, or says EC, RSA or ENCRYPTED before PRIVATE",
            code="auth.key",
        )
    try:
        return certificate.leaf
    except ValueError:
        raise ConfigError(
            "this is no certificate in PEM",
            where=certificate.told_as.certificate,
            hint="it begins with -----BEGIN CERTIFICATE-----",
            code="auth.certificate",
        ) from None


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"
