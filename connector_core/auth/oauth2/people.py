"""Where a person has to sign in: the address for a browser and the way back, or a code for another device.

::

    address = kind.authorize(session, redirect_uri=…, state=…, verifier=…, nonce=…)    # open it in a browser
    flow = kind.exchange(session, redirect={…}, redirect_uri=…, …)                     # what the browser came back with

    flow = kind.device(session, now)    # yields a Request, then the DeviceCode to show, then Wait and Request in turn

Rule 1: whoever drives these keeps `state`, `verifier` and `nonce` for one way there and back, and no longer; they are
        made of what nobody can guess, here is no chance.
Rule 2: of what comes back with a person nothing is believed before the state is compared.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from connector_core.auth.credentials import credential
from connector_core.auth.family import Session
from connector_core.auth.oauth2.answers import error_in, name_of, refused, token_in
from connector_core.auth.oauth2.endpoint import asked_scope, named, posted
from connector_core.auth.token import Token
from connector_core.decode.family import UndecodableError
from connector_core.decode.json_body import decode_json
from connector_core.exceptions import AuthenticationError, ResponseError
from connector_core.http import Request, Response, encode_query

if TYPE_CHECKING:
    from connector_core.auth.oauth2.fields import Fields

__all__ = ["DeviceCode", "Wait", "authorize", "device", "exchange"]

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
INTERVAL, SLOWER, LIVES = 5.0, 5.0, 1800.0
"""Seconds: between two looks, what `slow_down` adds to them (RFC 8628 §3.5), and the life of a code without one."""
LONGEST_WAIT, LONGEST_LIFE = 300.0, 86_400.0
"""Seconds, whatever the service says."""
_PROTOCOL = frozenset({"code", "state", "iss", "session_state", "scope"})
"""What a redirect holds for the exchange alone."""

Asking = Generator[Request, Response, Token]


# ── by a browser ──────────────────────────────────────────────────────────────────────────────────


def authorize(kind: Fields, session: Session, *, redirect_uri: str, state: str, verifier: str, nonce: str) -> str:
    """The address that the person is sent to (RFC 6749 §4.1.1, RFC 7636)."""
    url = kind.authorize_url
    assert url is not None and kind.client_id is not None  # noqa: S101, PT018 - the fields are checked together
    pairs = {
        "response_type": "code",
        "client_id": credential(kind.client_id, session, "auth.client_id"),
        "redirect_uri": redirect_uri,
        **asked_scope(kind, session),
        "state": state,
    }
    if kind.pkce:
        pairs |= {"code_challenge": _challenge(verifier), "code_challenge_method": "S256"}
    if _is_openid(pairs):
        pairs["nonce"] = nonce
    pairs |= named(kind.extra.authorize, session, "auth.extra.authorize")
    return f"{url.render(session.scope)}?{encode_query((*url.query, *pairs.items()))}"


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _is_openid(pairs: Mapping[str, str]) -> bool:
    return "openid" in pairs.get("scope", "").replace(",", " ").split()


def exchange(
    kind: Fields, session: Session, *,
    redirect: Mapping[str, str], redirect_uri: str, verifier: str, state: str, nonce: str, now: float,
) -> Asking:  # fmt: skip
    """The token for what came back with the person; raises IntegrationError where it is not what was begun."""
    _check_return(kind, session, redirect, state)
    pairs = {"grant_type": "authorization_code", "code": redirect["code"], "redirect_uri": redirect_uri}
    if kind.pkce:
        pairs["code_verifier"] = verifier
    answer = yield posted(kind, session, kind.token_url, pairs, now, kind.extra.token)
    token = token_in(answer, kind.token, now, session.mask)
    _check_nonce(token.answer.get("id_token"), nonce, required=_is_openid(asked_scope(kind, session)))
    return replace(token, redirect={name: value for name, value in redirect.items() if name not in _PROTOCOL})


def _check_return(kind: Fields, session: Session, redirect: Mapping[str, str], state: str) -> None:
    """Raises unless the person comes from where they were sent to, and with a code."""
    if not state or not hmac.compare_digest(redirect.get("state", "").encode(), state.encode()):
        raise AuthenticationError(
            "somebody came back who was not sent: the state is another one", where="auth: the way back",
            hint="begin again, and finish in the same browser", code="oauth.state",
        )  # fmt: skip
    if kind.issuer is not None:
        issuer = str(kind.issuer.text(session.scope))
        if not hmac.compare_digest(redirect.get("iss", "").encode(), issuer.encode()):  # RFC 9207 §2.4
            raise AuthenticationError(
                "another service sent the person back than the one they were sent to: iss is not auth.issuer",
                where="auth: the way back", hint="begin again; if it goes on, compare auth.issuer with what is sent",
                code="oauth.issuer",
            )  # fmt: skip
    if (error := redirect.get("error")) is not None:
        asked = Request("GET", kind.authorize_url.render(session.scope) if kind.authorize_url else "")
        said = session.mask(redirect.get("error_description", ""))
        raise refused(asked, 400, name_of({"error": error}, session.mask), said)
    if not redirect.get("code"):
        raise ResponseError(
            "the person came back without a code", where="auth: the way back",
            hint="compare auth.authorize_url with what the service describes", code="oauth.no_code",
        )  # fmt: skip


def _check_nonce(id_token: Any, nonce: str, *, required: bool) -> None:
    """Raises where the identity that came along is of another sign-in.

    Its signature need not be checked: it came from the token endpoint itself, over TLS (OpenID Connect Core §3.1.3.7).
    """
    if not isinstance(id_token, str):
        return
    try:
        part = id_token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        found = claims.get("nonce")
    except (ValueError, IndexError, AttributeError):
        raise ResponseError(
            "the id_token that came with the token cannot be read", where="auth: the answer to the code",
            hint="try again; the service may have failed", code="oauth.id_token",
        ) from None  # fmt: skip
    if (found is None and not required) or (isinstance(found, str) and hmac.compare_digest(found, nonce)):
        return
    raise AuthenticationError(
        "the service answers another sign-in: the nonce is another one", where="auth: the answer to the code",
        hint="begin again", code="oauth.nonce",
    )  # fmt: skip


# ── on another device ─────────────────────────────────────────────────────────────────────────────


class DeviceCode(Struct, frozen=True):
    """What a person is shown, to sign in on another device (RFC 8628 §3.2)."""

    code: str
    """What they type there."""
    address: str
    """Where."""
    direct: str | None
    """The address with the code in it, where the service has one."""
    expires: float
    """Until when, in seconds since 1970."""

    def __repr__(self) -> str:
        return f"DeviceCode({self.address})"


class Wait(Struct, frozen=True):
    """Whoever drives the flow waits so long, and sends it the time then, in seconds since 1970."""

    seconds: float


Driven = Generator["Request | DeviceCode | Wait", Any, Token]
"""Is sent the Response of a Request, the time after a Wait, and nothing after a DeviceCode."""


def device(kind: Fields, session: Session, now: float) -> Driven:
    """Asks for a code, has it shown, and asks until the person has signed in or the code has ended."""
    assert kind.device_url is not None  # noqa: S101 - the fields are checked together
    begun = yield posted(kind, session, kind.device_url, asked_scope(kind, session), now)
    found = _device_answer(begun, session)
    lives = min(_seconds(found, "expires_in", LIVES), LONGEST_LIFE)
    interval = min(_seconds(found, "interval", INTERVAL), LONGEST_WAIT)
    address, direct = _address(found), found.get("verification_uri_complete")
    shown = DeviceCode(
        str(found["user_code"]), str(address), direct if _can_be_opened(direct) else None, expires=now + lives
    )
    yield shown
    pairs = {"grant_type": DEVICE_GRANT, "device_code": str(found["device_code"])}
    while True:
        now = yield Wait(interval)
        if now >= shown.expires:
            raise _too_late(kind, session)
        answer = yield posted(kind, session, kind.token_url, pairs, now, kind.extra.token)
        error = error_in(answer, session.mask)
        match error.context["error"] if error is not None else None:
            case None:
                return token_in(answer, kind.token, now, session.mask)
            case "authorization_pending":
                continue
            case "slow_down":
                interval = min(interval + SLOWER, LONGEST_WAIT)
            case "expired_token":
                raise _too_late(kind, session)
            case _:
                assert error is not None  # noqa: S101 - see above
                raise error


def _device_answer(answer: Response, session: Session) -> dict[str, Any]:
    if (error := error_in(answer, session.mask)) is not None:
        raise error
    try:
        found = decode_json(answer.content)[0]
    except UndecodableError:
        found = None
    wanted = ("device_code", "user_code")
    if (
        isinstance(found, dict)
        and all(isinstance(found.get(name), str) for name in wanted)
        and found["user_code"].isprintable()
        and _can_be_opened(_address(found))
    ):
        return found
    raise ResponseError(
        "the sign-in has no code for another device, or no address to type it in",
        where=f"auth: POST {answer.request.url}", hint="check auth.device_url", code="oauth.device",
    )  # fmt: skip


def _address(found: Mapping[str, Any]) -> Any:
    return found.get("verification_uri", found.get("verification_url"))


def _can_be_opened(address: Any) -> bool:
    """Whether it is an address that can be shown: a terminal obeys what is not printable."""
    return isinstance(address, str) and address.startswith(("https://", "http://")) and address.isprintable()


def _seconds(found: Mapping[str, Any], name: str, otherwise: float) -> float:
    value = found.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else otherwise


def _too_late(kind: Fields, session: Session) -> AuthenticationError:
    return AuthenticationError(
        "nobody has signed in before the code ended", where=f"auth: POST {kind.token_url.render(session.scope)}",
        hint="begin again", code="oauth.expired_token",
    )  # fmt: skip
