"""Claims that a key has signed: JSON Web Tokens (RFC 7519), of a `jwt:` block and of the kind `jwt`.

::

    jwt:
      algorithm: RS256
      key: "{{ secrets.private_key }}"
      key_id: "{{ config.key_id }}"
      issuer: "{{ config.account }}"
      claims: {scope: read}
      lifetime: 10m

HS… needs nothing but Python; the others need the extra `jwt`, which is imported when the first token is made.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from connector_core.address import MISSING
from connector_core.auth.credentials import credential, secret_form
from connector_core.auth.family import SecretForm, Session, Text
from connector_core.component import Model
from connector_core.exceptions import ConfigError
from connector_core.template import MissingError, Reads, TemplateError, Value
from connector_core.units import Duration

if TYPE_CHECKING:
    from joserfc.jwk import Key

__all__ = ["Assertion", "KeyEncoding", "key_bytes", "no_key", "without_extra"]

Claim = Annotated[Value, Reads("auth")]
"""What a claim or a field of the header says."""

KeyEncoding = Literal["text", "hex", "base64"]
"""How a secret stands for the bytes of a key."""


class Assertion(Model):
    """A token that this side signs: what it says, with which key, and for how long it holds.

    Source: https://www.rfc-editor.org/rfc/rfc7519
    """

    algorithm: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
    """How it is signed: HS… by a secret that both sides know, the others by a private key (extra `jwt`)."""
    key_: Text = Field(alias="key")
    """The secret, or the private key in PEM."""
    key_encoding: KeyEncoding = "text"
    """How the secret of HS… is written."""
    key_id: Text | None = None
    """Which key of ours it is, where the service knows several; the header's `kid`."""
    issuer: Text | None = None
    """Who signs; the claim `iss`."""
    subject: Text | None = None
    """For whom; the claim `sub`."""
    audience: Claim | None = None
    """Who is to read it, text or a list; the claim `aud`."""
    claims: dict[str, Claim] = {}
    """Further claims, or others than are made of the rest, such as `iat`; null leaves one out."""
    headers: dict[str, Claim] = {}
    """Further fields of its header, such as `x5t`."""
    lifetime: Duration = 300.0
    """How long it holds; the claims `iat` and `exp`."""

    def made(self, session: Session, now: float, where: str, usual: Mapping[str, Any] = {}) -> str:
        """The token; raises ConfigError, which begins with `where`, such as `auth.jwt`.

        `usual`: claims that it has where the spec does not say otherwise.
        """
        claims = {"iat": int(now), "exp": int(now + self.lifetime), **usual, **self._named(session, where)}
        claims |= _values(self.claims, session, f"{where}.claims")
        header = {"alg": self.algorithm, "typ": "JWT"}
        if self.key_id is not None:
            header["kid"] = credential(self.key_id, session, f"{where}.key_id")
        header |= _values(self.headers, session, f"{where}.headers")
        signed_part = f"{_part(_present(header))}.{_part(_present(claims))}"
        return f"{signed_part}.{_base64url(self._signature(signed_part.encode(), session, f'{where}.key'))}"

    def key_forms(self) -> Mapping[str, SecretForm]:
        """What its key is, by the secret's name, where any text would not do."""
        if self.algorithm.startswith("HS"):
            return {} if self.key_encoding == "text" else secret_form(self.key_, self.key_encoding)
        return secret_form(self.key_, _form(self.algorithm))

    def _named(self, session: Session, where: str) -> dict[str, Any]:
        texts = {"issuer": ("iss", self.issuer), "subject": ("sub", self.subject)}
        said = {
            claim: credential(text, session, f"{where}.{name}")
            for name, (claim, text) in texts.items()
            if text is not None
        }
        return said if self.audience is None else {**said, **_values({"aud": self.audience}, session, where)}

    def _signature(self, content: bytes, session: Session, where: str) -> bytes:
        secret = credential(self.key_, session, where)
        if self.algorithm.startswith("HS"):
            key = key_bytes(secret, self.key_encoding, f"{where}: {self.key_.source}")
            return hmac.digest(key, content, f"sha{self.algorithm[2:]}")
        return _signed(content, self.algorithm, secret, f"{where}: {self.key_.source}")


def _form(algorithm: str) -> SecretForm:
    match algorithm:
        case "ES256":
            return "P-256"
        case "ES384":
            return "P-384"
    return "RSA"


def _values(claims: Mapping[str, Value], session: Session, where: str) -> dict[str, Any]:
    """The claims that have a value; raises ConfigError where one cannot be made."""
    found: dict[str, Any] = {}
    for name, claim in claims.items():
        try:
            found[name] = claim.value(session.scope)
        except (MissingError, TemplateError) as wrong:
            raise ConfigError(f"the claim cannot be made: {wrong}", where=f"{where}.{name}: {claim.source}") from None
    return {name: value for name, value in found.items() if value is not MISSING}


def _present(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def _part(said: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def key_bytes(secret: str, encoding: KeyEncoding, where: str) -> bytes:
    """The key that a secret stands for; raises ConfigError, which does not show it."""
    try:
        match encoding:
            case "hex":
                return bytes.fromhex(secret)
            case "base64":
                plain = secret.strip().rstrip("=").translate(str.maketrans("-_", "+/"))
                return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        raise ConfigError(
            f"the secret is not {encoding}", where=where, code="auth.key",
            hint="copy it as the service shows it, or leave out the encoding that the spec gives it",
        ) from None  # fmt: skip
    return secret.encode()


# ── private keys ──────────────────────────────────────────────────────────────────────────────────


def _signed(content: bytes, algorithm: str, pem: str, where: str) -> bytes:
    try:
        from joserfc.errors import JoseError
        from joserfc.jws import JWSRegistry
    except ImportError:
        raise without_extra(algorithm, where) from None
    try:
        signer = JWSRegistry.algorithms[algorithm]
        key = _key(pem, algorithm)
        signer.check_key(key)
        found: bytes = signer.sign(content, key)
    except (JoseError, ValueError, TypeError):  # its own words may hold a part of the key
        what = "an RSA key" if algorithm[0] in "RP" else f"a key of the curve P-{algorithm[2:]}"
        raise no_key(algorithm, what, where) from None
    return found


def without_extra(algorithm: str, where: str) -> ConfigError:
    """What private keys are read with is not installed."""
    hint = "pip install 'connector-core[jwt]'"
    return ConfigError(f"{algorithm} needs the extra jwt", where=where, hint=hint, code="extra.missing")


def no_key(algorithm: str, what: str, where: str) -> ConfigError:
    """A text is not `what` an algorithm signs with."""
    hint = f"it takes {what} in PEM, without a password: -----BEGIN PRIVATE KEY-----"
    return ConfigError(f"this is no private key that {algorithm} signs with", where=where, hint=hint, code="auth.key")


def _key(pem: str, algorithm: str) -> "Key":
    from joserfc.jwk import ECKey, RSAKey

    kind = RSAKey if algorithm[0] in "RP" else ECKey
    key = kind.import_key(pem.replace("\\n", "\n"))  # an environment variable may hold its lines in one
    if not key.is_private:
        raise ValueError("public")
    return key
