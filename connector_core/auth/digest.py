"""The kind where a name and a password are shown as a digest of the request, over what the service asks for in a 401.

::

    request ──▶ 401, WWW-Authenticate: Digest … ──▶ the same request, signed ──▶ later ones are signed at once
                                                    401, stale ──▶ signed anew, once

Rule 1: what the service asked for last holds for all requests to that origin; they are counted.
Rule 2: a challenge that is refused at its first use means that the name or the password is wrong: nobody asks again.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Literal, Self
from urllib.parse import quote

from msgspec import Struct

from connector_core.auth.credentials import compared, credential, expected, fields, sent_body
from connector_core.auth.family import Auth, Session, Text
from connector_core.exceptions import AuthenticationError
from connector_core.http import Request, Response, as_sent, origin

__all__ = ["Digest"]


class Digest(Auth):
    """A name and a password, shown as a digest of each request (RFC 7616).

    Example: `auth: {type: digest, username: "{{ secrets.id }}", password: "{{ secrets.key }}"}`
    """

    type: Literal["digest"] = "digest"
    username: Text
    """The name."""
    password: Text
    """The password, which is never sent."""

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - challenges have no time
        """The request with its digest; as it is where the service has not said yet what it asks for."""
        username = credential(self.username, session, "auth.username")
        password = credential(self.password, session, "auth.password")
        held: _Held | None = session.learnt.get(origin(request.url))
        if held is None:
            return request
        held.count += 1
        return request.with_header("Authorization", f"Digest {_digest(held, username, password, request)}")

    def challenged(self, session: Session, response: Response) -> bool:
        """Keeps the strongest challenge of the answer; raises AuthenticationError where none can be met."""
        found = [_Challenge.of(given) for scheme, given in _challenges(response) if scheme == "digest"]
        if not found:
            return False
        best = min((each for each in found if each.can_be_met), key=lambda each: each.rank, default=None)
        if best is None:
            raise AuthenticationError(
                f"the service asks for a digest that nobody here can make: {', '.join(map(str, found))}",
                where="auth: digest",
                hint=f"there are {', '.join(_HASHES)}, each with the qop auth or auth-int",
                code="digest.unknown",
            )
        home, sent = origin(response.request.url), " ".join(fields(response.request, "authorization"))
        held: _Held | None = session.learnt.get(home)
        refused_at_once = held is not None and held.count == 1 and _quoted(held.challenge.nonce) in sent
        if held is None or held.challenge.nonce != best.nonce:
            session.learnt[home] = _Held(best, session.unique())
        return best.is_stale or not refused_at_once

    def refusal(self, session: Session, request: Request) -> str | None:
        """Computes the digest of what came, with the nonce that was given, and compares."""
        sent = fields(request, "authorization")
        if len(sent) != 1 or not sent[0].startswith("Digest "):
            return compared(sent, "", "the Authorization header")
        said = _said_by(request)
        target = f"{request.sent_path}?{request.sent_query}".removesuffix("?")
        name, password = expected(self.username, session), expected(self.password, session)
        nonce = said.get("nonce", "")
        if nonce != _nonce(nonce.partition(".")[0], password):
            return "the nonce was never given"
        if not 1 <= _uses(said) <= USES:
            return "the nonce has served too often"
        if said.get("uri") != target:
            return "the digest is of another address"
        if said.get("username") != _sha256(name, REALM):
            return "the user name is wrong"
        proof = nonce, said["nc"], said.get("cnonce", ""), "auth"
        made = _sha256(_sha256(name, REALM, password), *proof, _sha256(request.method, target))
        return compared([said.get("response", "")], made, "the digest")

    def challenge(self, session: Session, request: Request) -> Mapping[str, str]:
        """Asks for a digest, in two ways of which one is weak; a nonce that has served often enough is stale."""
        nonce = _nonce(session.unique(), expected(self.password, session))
        stale = "true" if _uses(_said_by(request)) > USES else "false"
        asked = f'Digest realm="{REALM}", qop="auth,auth-int", nonce="{nonce}", stale={stale}, userhash=true'
        return {"WWW-Authenticate": f"{asked}, algorithm=MD5, {asked}, algorithm=SHA-256"}


# ── what the service asks for ─────────────────────────────────────────────────────────────────────

_HASHES = {"SHA-512-256": "sha512_256", "SHA-512": "sha512", "SHA-256": "sha256", "MD5": "md5"}
"""The strongest first, by the names of RFC 7616; SHA-512 is not among those, and is asked for all the same."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's word
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)')
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+[A-Za-z0-9._~+/-]+=*\s*(?=,|$)|\s*(?=,|$)|\s+)")


def _challenges(response: Response) -> Iterator[tuple[str, dict[str, str]]]:
    """The schemes that are asked for, in small letters, each with its parameters (RFC 9110 §11.6.1)."""
    for line in response.headers.all("WWW-Authenticate"):
        scheme, given, at = "", dict[str, str](), 0
        while at < len(line):
            if line[at] in ", \t":
                at += 1
            elif scheme and (found := _PARAMETER.match(line, at)):
                quoted = re.sub(r"\\(.)", r"\1", found[2] or "")
                given[found[1].lower()] = as_sent(found[3] or quoted)
                at = found.end()
            elif found := _SCHEME.match(line, at):
                if scheme:
                    yield scheme, given
                scheme, given, at = found[1].lower(), {}, found.end()
            else:
                break
        if scheme:
            yield scheme, given


class _Challenge(Struct, frozen=True):
    """One way in which a digest may be made."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str | None
    """As the service writes it."""
    qop: str
    """`auth`, `auth-int`, nothing as in RFC 2069, or what nobody knows."""
    is_stale: bool
    """Whether only the nonce of before is wrong."""
    hides_name: bool

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """The challenge with these parameters."""
        ways = [way.strip().lower() for way in given.get("qop", "").split(",") if way.strip()]
        return cls(
            realm=given.get("realm", ""),
            nonce=given.get("nonce", ""),
            opaque=given.get("opaque"),
            algorithm=given.get("algorithm"),
            qop=next((way for way in ("auth", "auth-int") if way in ways), ",".join(ways)),
            is_stale=given.get("stale", "").lower() == "true",
            hides_name=given.get("userhash", "").lower() == "true",
        )

    def __str__(self) -> str:
        return " ".join(filter(None, (self.algorithm, self.qop))) if self.nonce else "one without a nonce"

    @property
    def hash(self) -> str:
        """The hash's name in the RFC."""
        return (self.algorithm or "MD5").upper().removesuffix("-SESS")

    @property
    def in_session(self) -> bool:
        """Whether the key is worked out once for all that the nonce serves."""
        return (self.algorithm or "").upper().endswith("-SESS")

    @property
    def can_be_met(self) -> bool:
        """Whether it is known how to make it."""
        return bool(self.nonce) and self.hash in _HASHES and self.qop in ("", "auth", "auth-int")

    @property
    def rank(self) -> int:
        """0 for the strongest."""
        return list(_HASHES).index(self.hash)

    def hashed(self, *texts: str | bytes) -> str:
        """The hash of texts with colons between them."""
        content = b":".join(text.encode() if isinstance(text, str) else text for text in texts)
        return hashlib.new(_HASHES[self.hash], content, usedforsecurity=False).hexdigest()


class _Held(Struct):
    """What is kept for the next request to an origin."""

    challenge: _Challenge
    client_nonce: str
    """The same for all of them: services that work out a session's key once, and those that do each time, agree."""
    count: int = 0
    """How many requests were signed with it."""


# ── the digest ────────────────────────────────────────────────────────────────────────────────────


def _digest(held: _Held, username: str, password: str, request: Request) -> str:
    """The parameters that show that the password is known, in the order of the RFC."""
    challenge, count, client_nonce = held.challenge, f"{held.count:08x}", held.client_nonce
    hashed, nonce, qop = challenge.hashed, challenge.nonce, challenge.qop
    target = f"{request.sent_path}?{request.sent_query}".removesuffix("?")
    key = hashed(username, challenge.realm, password)
    if challenge.in_session:
        key = hashed(key, nonce, client_nonce)
    content = (hashed(sent_body(request)),) if qop == "auth-int" else ()
    tried = hashed(request.method, target, *content)
    proof = (nonce, count, client_nonce, qop) if qop else (nonce,)
    parts = {
        **_named(challenge, username),
        "realm": _quoted(challenge.realm),
        "uri": _quoted(target),
        "algorithm": challenge.algorithm,
        "nonce": _quoted(nonce),
        "nc": count if qop else None,
        "cnonce": _quoted(client_nonce) if qop or challenge.in_session else None,
        "qop": qop or None,
        "response": _quoted(hashed(key, *proof, tried)),
        "opaque": _quoted(challenge.opaque) if challenge.opaque is not None else None,
        "userhash": "true" if challenge.hides_name else None,
    }
    return ", ".join(f"{name}={value}" for name, value in parts.items() if value is not None)


def _named(challenge: _Challenge, username: str) -> dict[str, str]:
    """The user name: hashed, as it is, or spelt out where a header has no room for it (RFC 5987)."""
    if challenge.hides_name:
        return {"username": _quoted(challenge.hashed(username, challenge.realm))}
    if username.isascii():
        return {"username": _quoted(username)}
    return {"username*": f"UTF-8''{quote(username, safe='')}"}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# ── the provider's side ───────────────────────────────────────────────────────────────────────────

REALM = "simulated"
USES = 100
"""How often a nonce serves."""
_SAID = re.compile(r'(?:^Digest|,)\s*(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))')


def _said_by(request: Request) -> dict[str, str]:
    """What the client says that its digest was made of."""
    shown = ", ".join(fields(request, "authorization"))
    return {name: re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in _SAID.findall(shown)}


def _uses(said: Mapping[str, str]) -> int:
    """How often the client says that it has used the nonce."""
    return int(count, 16) if re.fullmatch("[0-9a-f]{8}", count := said.get("nc", "")) else 0


def _nonce(number: str, key: str) -> str:
    """A nonce that only this service can have given."""
    return f"{number}.{hmac.new(key.encode(), number.encode(), hashlib.sha256).hexdigest()}"


def _sha256(*texts: str) -> str:
    return hashlib.sha256(":".join(texts).encode()).hexdigest()
