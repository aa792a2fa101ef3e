"""The kind where every request carries a token that this side has signed itself."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from connector_core.address import Put
from connector_core.auth.assertions import Assertion
from connector_core.auth.credentials import credential, expected, found_at
from connector_core.auth.family import Auth, SecretForm, Session
from connector_core.http import Request
from connector_core.template import Reads, Template

__all__ = ["Jwt", "out_of_time", "verified"]

LEEWAY = 0.1
"""The part of its life in which a token is no longer used: it is still under way when it ends."""


class Jwt(Assertion, Auth):
    """A JSON Web Token that this side signs, as the credential itself (RFC 7519).

    Example: `auth: {type: jwt, algorithm: HS256, key: "{{ secrets.key }}", lifetime: 10m}`
    """

    type: Literal["jwt"] = "jwt"
    put: Put = Put("header.Authorization")
    """Where the token goes."""
    value: Annotated[Template, Reads("signing")] = Template("Bearer {{ token }}")
    """The token with what belongs around it."""

    def sign(self, session: Session, request: Request, now: float) -> Request:
        """The token put where it belongs; one is used until nine tenths of its life are over."""
        key = credential(self.key_, session, "auth.key")
        kept = session.learnt.get("jwt")
        if kept is None or kept[0] != key or not kept[1] <= now < kept[2]:
            made = self.made(session, now, "auth")
            kept = session.learnt["jwt"] = (key, now, now + self.lifetime * (1 - LEEWAY), made)
        scope = {**session.scope, "token": kept[3]}
        return self.put.put(request, credential(self.value, Session(scope), "auth.value"))

    def secret_forms(self) -> Mapping[str, SecretForm]:
        """The key's."""
        return self.key_forms()

    def refusal(self, session: Session, request: Request) -> str | None:
        """Looks whether the token was signed with that key, and says who signed it, for whom, and until when."""
        before, mark, after = expected(self.value, Session({**session.scope, "token": _MARK})).partition(_MARK)
        found = found_at(self.put, request)
        if not mark or len(found) != 1:
            return f"{self.put} {f'is there {len(found)} times' if found else 'is missing'}"
        token = found[0]
        if not (token.startswith(before) and token.endswith(after)):
            return f"{self.put} holds no token in that form"
        parts = token[len(before) : len(token) - len(after)].split(".")
        if len(parts) != _PARTS:
            return f"{self.put} holds no token of three parts"
        try:
            header, claims, signature = _read(parts[0]), _read(parts[1]), _bytes(parts[2])
        except ValueError:
            return f"{self.put} holds a token that cannot be read"
        if header.get("alg") != self.algorithm:
            return f"the token is not signed with {self.algorithm}"
        if not verified(self, expected(self.key_, session), ".".join(parts[:2]).encode(), signature):
            return "the token's signature is wrong"
        return _unwanted(self, session, claims)


# ── the provider's side ───────────────────────────────────────────────────────────────────────────

_MARK, _PARTS = "\0", 3


def _bytes(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)


def _read(part: str) -> dict[str, Any]:
    found = json.loads(_bytes(part))
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - what cannot be read is one error
    return found


def _unwanted(kind: Jwt, session: Session, claims: dict[str, Any]) -> str | None:
    """Which of the claims is not what the service knows."""
    for claim, text in (("iss", kind.issuer), ("sub", kind.subject)):
        if text is not None and claim not in kind.claims and claims.get(claim) != expected(text, session):
            return f"the token's {claim} is wrong"
    if "exp" not in kind.claims and not isinstance(claims.get("exp"), int):
        return "the token never ends"
    return out_of_time(session, claims)


SKEW = 60.0
"""Seconds that two clocks may differ by."""


def out_of_time(session: Session, claims: Mapping[str, Any]) -> str | None:
    """Why the claims do not hold when the provider looks (RFC 7519 §4.1.4 to §4.1.6); None: they do."""
    if session.now is None:
        return None
    ends, *begins = (claims.get(name) for name in ("exp", "nbf", "iat"))
    if isinstance(ends, int | float) and ends <= session.now - SKEW:
        return f"the token ended {session.now - ends:.0f} s ago"
    later = [begin - session.now for begin in begins if isinstance(begin, int | float)]
    return f"the token begins to hold in {max(later):.0f} s" if max(later, default=0) > SKEW else None


def verified(kind: Assertion, key: str, content: bytes, signature: bytes) -> bool:
    """Whether the key that the client signs with has made the signature."""
    digest = f"sha{kind.algorithm[2:]}"
    if kind.algorithm.startswith("HS"):
        match kind.key_encoding:
            case "hex":
                secret = bytes.fromhex(key)
            case "base64":
                secret = base64.urlsafe_b64decode(key.replace("+", "-").replace("/", "_") + "==")
            case _:
                secret = key.encode()
        return hmac.compare_digest(hmac.new(secret, content, getattr(hashlib, digest)).digest(), signature)
    return _verified_by_key(kind.algorithm, key, content, signature)


def _verified_by_key(algorithm: str, key: str, content: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    digests: dict[str, Any] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
    digest = digests[algorithm[2:]]()
    private = serialization.load_pem_private_key(key.replace("\\n", "\n").encode(), None)
    try:
        if isinstance(private, rsa.RSAPrivateKey):
            by = padding.PKCS1v15() if algorithm[0] == "R" else padding.PSS(padding.MGF1(digest), digest.digest_size)
            private.public_key().verify(signature, content, by, digest)
        elif isinstance(private, ec.EllipticCurvePrivateKey):
            half = len(signature) // 2
            pair = (int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
            private.public_key().verify(encode_dss_signature(*pair), content, ec.ECDSA(digest))
        else:
            return False
    except InvalidSignature:
        return False
    return True
