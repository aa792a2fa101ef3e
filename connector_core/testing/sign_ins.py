"""Where a simulated service gives tokens, and the person who signs in to it.

What is given lasts as long as the simulator. Where a spec's sign-in begins with a person, that person is played here:
who goes to the address, comes back with a code, and has it exchanged, so that the connector finds a token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connector_core.auth import Auth, Session, Token
from connector_core.auth.oauth2.people import DeviceCode, Wait
from connector_core.http import Request, Response, origin
from connector_core.plan import credential_of
from connector_core.spec import Spec
from connector_core.testing.accounts import addresses, host, ways_in
from connector_core.testing.reply import Reply

__all__ = ["SignIns"]

BACK = "http://127.0.0.1/signed-in"
"""Where the person comes back to; nobody listens there."""


def _made(spec: Spec, name: str) -> str:
    """A fact: an address where one of the spec's begins with it, else a name with a number."""
    leads = any(re.match(rf"\{{\{{\s*connection\.{name}\b", url) for url in addresses(spec))
    return f"https://{host(spec)}" if leads else f"{name}-000001"


class SignIns:
    """The ways in that a spec describes, each with what its service has given."""

    def __init__(self, spec: Spec, scope: Mapping[str, Any], now: Callable[[], float]) -> None:
        """`scope` holds `config` and `secrets`; `now`: seconds since 1970."""
        self.facts: dict[str, Any] = {name: _made(spec, name) for name in spec.sign_in_facts}
        """What comes with a sign-in, by the name that the spec gives it."""
        self._scope = {"connection": {"id": spec.name, **self.facts}, **scope}
        self._now, self._numbers, self._base_url = now, 0, spec.base_url
        self._ways: dict[str, tuple[Auth, dict[str, Any]]] = {}
        for auth in ways_in(spec):
            self._ways.setdefault(credential_of(spec, auth), (auth, self._learnt(spec)))

    def _learnt(self, spec: Spec) -> dict[str, Any]:
        """What is given along with every token, and with every person who comes back."""
        given: dict[str, dict[str, Any]] = {"facts": {}, "redirect": {}}
        for name, path in spec.sign_in_facts.items():
            inside = given["facts" if path.root == "token" else "redirect"]
            for key in path.keys[:-1]:
                inside = inside.setdefault(key, {})
            inside[path.keys[-1]] = self.facts[name]
        return given

    @property
    def origins(self) -> set[str]:
        """Where tokens are asked for."""
        return {origin(url) for auth, learnt in self._ways.values() for url in auth.homes(self._session(learnt))}

    def _session(self, learnt: dict[str, Any], scope: Mapping[str, Any] = {}) -> Session:
        return Session({**self._scope, **scope}, learnt, None, self._unique, now=self._now(), base_url=self._base_url)

    def _unique(self) -> str:
        self._numbers += 1
        return f"simulated-{self._numbers:06d}"

    def session(self, auth: Auth, scope: Mapping[str, Any]) -> Session:
        """The provider's side of that way in, with further names."""
        options = getattr(auth, "options", None)
        if options is None:
            return self._session(self._learnt_by(auth), scope)
        return self._session({name: self._learnt_by(option) for name, option in options.items()}, scope)

    def _learnt_by(self, auth: Auth) -> dict[str, Any]:
        return next((learnt for known, learnt in self._ways.values() if known == auth), {})

    def answer(self, request: Request) -> Reply | None:
        """The answer to what signs in; None: the request is for an endpoint."""
        found = self._served(request)
        if found is None:
            return None
        headers = {name: value for name, value in found.headers.items() if name != "set-cookie"}
        return Reply(found.status, None, headers, found.content, found.headers.all("Set-Cookie"))

    def _served(self, request: Request) -> Response | None:
        answers = (auth.serve(self._session(learnt), request, self._now()) for auth, learnt in self._ways.values())
        return next((found for found in list(answers) if found is not None), None)

    # ── the person ────────────────────────────────────────────────────────────────────────────────

    def signed_in(self) -> Iterator[tuple[str, Token]]:
        """The tokens of those ways in that begin with a person, by the name of the way."""
        for name, (auth, learnt) in self._ways.items():
            if auth.ways:
                yield name, self._signed_in(auth, self._session(dict(learnt)))

    def _signed_in(self, auth: Any, session: Session) -> Token:
        now = self._now()
        if "device" in auth.ways:
            return self._driven(auth.device(session, now))
        begun = {"state": self._unique(), "verifier": self._unique() * 4, "nonce": self._unique()}
        url, _, query = auth.authorize(session, redirect_uri=BACK, **begun).partition("?")
        sent_back = self._asked(Request("GET", url, tuple(parse_qsl(query, keep_blank_values=True))))
        redirect = dict(parse_qsl(urlsplit(sent_back.headers["Location"]).query, keep_blank_values=True))
        return self._driven(auth.exchange(session, redirect=redirect, redirect_uri=BACK, now=now, **begun))

    def _driven(self, flow: Generator[Request | DeviceCode | Wait, Any, Token]) -> Token:
        try:
            step = next(flow)
            while True:
                step = flow.send(self._asked(step) if isinstance(step, Request) else self._now())
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # what the generator returns

    def _asked(self, request: Request) -> Response:
        found = self._served(request)
        assert found is not None, f"nobody answers {request}"  # noqa: S101 - the address is the spec's own
        return found
