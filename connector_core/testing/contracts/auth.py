"""What every kind of sign-in must keep: its two sides agree, it comes to an end, and no secret is ever shown."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

from msgspec.structs import replace

from connector_core.auth import Auth, Session, Token
from connector_core.exceptions import ConfigError, IntegrationError
from connector_core.http import Headers, Request, Response
from connector_core.request import BaseUrl
from connector_core.template import MissingError, TemplateError
from connector_core.testing.accounts import in_form
from connector_core.testing.contracts.claim import Claim, refuse
from connector_core.testing.contracts.purity import answer, pure, same
from connector_core.testing.contracts.samples import Samples

__all__ = ["claims"]

NOW = 1_700_000_000.0
HOME = BaseUrl("https://api.shop.example/v1")
GET = Request("GET", "https://api.shop.example/v1/things", (("page", "2"),), {"Accept": "*/*"})
POST = replace(GET, method="POST", body={"name": "tea"}, encoding="json")
MOST = 10
"""Requests that a flow may ask before it signs one."""
ANSWERS = (
    (200, b""), (200, b"{}"), (200, b"null"), (200, b"[]"), (200, b"<html>Sign in</html>"),
    (200, b'{"access_token": null}'),
    (200, b'{"access_token": "", "expires_in": -1}'), (200, b'{"access_token": {"x": 1}, "expires_in": "soon"}'),
    (200, b'{"access_token": "a-token-of-the-service", "token_type": "Bearer", "expires_in": 3600}'), (204, b""),
    (302, b""), (400, b'{"error": "invalid_grant"}'), (401, b"{}"), (403, b""), (429, b""),
    (500, b"oops"), (503, b"\xff\x00"),
)  # fmt: skip
"""What a service may answer a flow, whatever was asked."""


def claims(samples: Samples) -> Iterator[Claim]:
    """The claims about a kind of sign-in."""

    def claim(name: str, must: str, run: Callable[[Auth, _World], None]) -> Claim:
        return Claim(samples.name, name, must, partial(_each, samples, run))

    yield claim("flow-ends", f"sign or raise an IntegrationError after at most {MOST} requests, for any answers", _ends)
    yield claim(
        "accepted", "have the provider accept what was signed, however the names of headers are written", _accepted
    )
    yield claim("refused", "have the provider refuse what was not signed, or with other secrets", _refused)
    yield claim(
        "no-secret", "sign nothing without its secrets, but raise a ConfigError that names what is missing", _empty
    )
    yield claim(
        "unseen", "never show a secret: in its repr, in the signed request's, in what it refuses and raises", _unseen
    )
    yield claim("pure", "have methods that give the same answer again and change nothing", _pure)
    yield claim(
        "interleaved", "keep nothing: what one connection signs is its own, whoever signs in between", _interleaved
    )


class _World:
    """The names that templates read on one connection."""

    def __init__(self, samples: Samples, whose: str = "") -> None:
        self.secrets = {name: f"s3cr3t{whose}-{name}-0123456789" for name in samples.secrets}
        for kind in samples:
            self.secrets |= in_form(kind.secret_forms(), Random(0), samples.secrets)  # noqa: S311 - keys of nobody
        self._config = {name: f"config-{name}" for name in samples.config}

    def session(self, secrets: Mapping[str, Any] | None = None) -> Session:
        """A session that has learnt nothing yet."""
        scope = {
            "config": self._config,
            "secrets": self.secrets if secrets is None else secrets,
            "connection": {"id": "example"},
            "endpoint": {"name": "things"},
            "now": "2023-11-14T22:13:20Z",
        }
        unique = "0b9d6f0e-6c3f-4a55-8d67-27a7a2f1c0de"
        return Session(scope, {}, unique=lambda: unique, base_url=HOME)


def _each(samples: Samples, run: Callable[[Auth, _World], None]) -> None:
    for component in samples:
        run(component, _World(samples))


def _answered(kind: Auth, session: Session, request: Request, status: int, content: bytes) -> Request:
    """What the flow signs where every request of its own gets that answer; raises what it raises."""
    flow = _signing(kind, session, copy.deepcopy(request))
    found: Any = None
    try:
        asked = next(flow)
        for _ in range(MOST):
            asked = flow.send(Response(status, Headers({"Content-Type": "application/json"}), content, asked))
    except StopIteration as done:
        found = done.value
    else:
        refuse(f"it asks more than {MOST} requests where each is answered with {status} {content!r}")
    if not isinstance(found, Request):
        refuse(f"`flow` returns {found!r}, not the signed request")
    return found


def _signing(kind: Auth, session: Session, request: Request) -> Generator[Request, Response, Request]:
    """What is asked for a token, where it signs with one, and for the request."""
    if kind.tokened:
        session.token = yield from kind.obtain(session, session.token, NOW)
    return (yield from kind.flow(session, request, NOW))


class _Talk:
    """What a connection and the provider say to each other until a request is signed."""

    def __init__(self, kind: Auth, session: Session, provider: Session, request: Request = GET) -> None:
        self.asked: list[Request] = []
        """What was sent on the way, and the signed request at the end."""
        self.signed: Request | None = None
        """None: it did not come to that."""
        with suppress(IntegrationError, MissingError, TemplateError):
            self._driven(_signing(kind, session, copy.deepcopy(request)), kind, provider)
            if self._is_challenged(kind, session, provider):
                self._driven(kind.flow(session, copy.deepcopy(request), NOW), kind, provider)

    def _driven(self, flow: Generator[Request, Response, Request], kind: Auth, provider: Session) -> None:
        try:
            self.asked.append(next(flow))
            for _ in range(MOST):
                if (answered := kind.serve(provider, self.asked[-1], NOW)) is None:
                    return  # nobody here can tell what the service says to that
                self.asked.append(flow.send(answered))
        except StopIteration as done:
            self.signed = done.value
            self.asked.append(done.value)

    def _is_challenged(self, kind: Auth, session: Session, provider: Session) -> bool:
        """Whether the provider refuses what was signed, and says how to sign it."""
        if self.signed is None or _refusal(kind, provider, self.signed) is None:
            return False
        told = Headers(kind.challenge(provider, self.signed))
        return kind.challenged(session, Response(401, told, b"", self.signed))


def _signed(kind: Auth, world: _World, request: Request = GET, session: Session | None = None) -> Request | None:
    """The request as a connection signs it; None where no answer here makes it sign."""
    if (signed := _Talk(kind, session or world.session(), world.session(), request).signed) is not None:
        return signed
    for status, content in ANSWERS:
        try:
            return _answered(kind, session or world.session(), request, status, content)
        except IntegrationError:
            continue
    return None


def _refusal(kind: Auth, session: Session, request: Request) -> str | None:
    """The provider's answer; what the provider cannot expect, it does not accept."""
    try:
        return kind.refusal(session, request)
    except (MissingError, TemplateError) as error:
        return str(error)


# ── both sides ────────────────────────────────────────────────────────────────────────────────────


def _ends(kind: Auth, world: _World) -> None:
    for request in (GET, POST):
        for status, content in ANSWERS:
            try:
                _answered(kind, world.session(), request, status, content)
            except IntegrationError:
                continue


def _accepted(kind: Auth, world: _World) -> None:
    for request in (GET, POST):
        provider = world.session()
        talk = _Talk(kind, world.session(), provider, request)
        if talk.signed is None and talk.asked:
            return  # it signs with what the service hands out first, which nobody here can tell from anything else
        if talk.signed is None:
            refuse("it never signs anything here; give an example that does")
        for spelt in (str, str.lower, str.upper, str.title):
            sent = replace(talk.signed, headers={spelt(name): value for name, value in talk.signed.headers.items()})
            if (why := _refusal(kind, provider, sent)) is not None:
                refuse(f"`refusal` says {why!r} to what `flow` signed, its headers being {', '.join(sent.headers)}")


def _refused(kind: Auth, world: _World) -> None:
    provider = world.session()
    talk = _Talk(kind, world.session(), provider)
    if talk.signed is None or talk.signed == GET:
        return  # nothing is signed, so there is nothing to tell apart
    if _refusal(kind, provider, GET) is None:
        refuse("`refusal` accepts a request that was not signed")
    forms = kind.secret_forms()
    for name in world.secrets:
        if "certificate" in forms.values() and forms.get(name) not in (None, "certificate"):
            continue  # a certificate's key, which no service ever sees: TLS proves that it fits
        secrets = {**world.secrets, name: "another-value"}
        if _Talk(kind, world.session(secrets), world.session(secrets)).asked == talk.asked:
            continue  # it is the secret of another example
        stranger = world.session(secrets)
        signed = _Talk(kind, world.session(), stranger).signed
        if signed is not None and _refusal(kind, stranger, signed) is None:
            refuse(f"`refusal` accepts a request that was signed with another secret {name!r}")


def _empty(kind: Auth, world: _World) -> None:
    signed = _signed(kind, world)
    for name in world.secrets:
        for secrets in ({**world.secrets, name: ""}, {key: v for key, v in world.secrets.items() if key != name}):
            if _signed_alike(kind, world, secrets, signed):
                continue
            how = "empty" if name in secrets else "missing"
            for status, content in ANSWERS:
                try:
                    _answered(kind, world.session(secrets), GET, status, content)
                except ConfigError:
                    break
                except IntegrationError:
                    continue  # it was asked for something first, and the answer was none
                except Exception as error:
                    what = f"where the secret {name!r} is {how}, it raises {type(error).__name__}: {error}"
                    raise AssertionError(what) from error
                refuse(f"where the secret {name!r} is {how}, it signs all the same")


def _signed_alike(kind: Auth, world: _World, secrets: Mapping[str, Any], signed: Request | None) -> bool:
    """Whether it makes no difference, since the secret is of another example."""
    try:
        return signed is not None and _signed(kind, world, session=world.session(secrets)) == signed
    except Exception:  # noqa: BLE001 - told by the caller
        return False


# ── what is shown, and what is kept ───────────────────────────────────────────────────────────────


def _unseen(kind: Auth, world: _World) -> None:
    session = world.session()
    shown = {"repr(kind)": repr(kind), "the session's repr": repr(session)}
    for request in (GET, POST):
        for status, content in ANSWERS:
            try:
                signed = _answered(kind, session, request, status, content)
            except IntegrationError as error:
                shown["the error that `flow` raises"] = f"{error} {error!r}"
            else:
                shown["the signed request's repr"] = repr(signed)
                other = world.session(dict.fromkeys(world.secrets, "another-value"))
                shown["what `refusal` says"] = (
                    f"{_refusal(kind, other, signed)} {_refusal(kind, world.session(), request)}"
                )
            for where, text in shown.items():
                for name, value in world.secrets.items():
                    if value in text:
                        refuse(f"{where} shows the secret {name!r}")


def _pure(kind: Auth, world: _World) -> None:
    for request in (GET, POST):
        if type(kind).sign is not Auth.sign:
            session, asked = world.session(), copy.deepcopy(request)
            session.token = Token("a-token", obtained=NOW) if kind.tokened else None
            first = answer(kind.sign, session, asked, NOW)  # which may keep in the session what costs much to make
            if not same(pure(kind, "sign", session, asked, NOW), first):
                refuse("`sign` signs another way once it has signed: what a session keeps may only save time")
        if (signed := _signed(kind, world, request)) is not None:
            pure(kind, "refusal", world.session(), signed)


def _interleaved(kind: Auth, world: _World) -> None:
    other = world.session({name: f"{value}-of-another" for name, value in world.secrets.items()})
    first = _signed(kind, world)
    _signed(kind, world, session=other)
    if _signed(kind, world) != first:
        refuse("it signs another way after somebody else's connection has signed")
