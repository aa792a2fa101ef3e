"""The kind where requests carry a token that a service gave and renews."""

from collections.abc import Collection, Generator, Mapping, Sequence
from typing import ClassVar, Literal

from connector_core.auth.credentials import credential
from connector_core.auth.family import SecretForm, Session
from connector_core.auth.oauth2.answers import GONE, GOOD, error_in, token_in
from connector_core.auth.oauth2.endpoint import asked_scope, assertion, posted
from connector_core.auth.oauth2.fields import BY_A_PERSON, Fields
from connector_core.auth.oauth2.people import Asking, Driven, authorize, device, exchange
from connector_core.auth.oauth2.provider import refusal, serve
from connector_core.auth.token import Token
from connector_core.exceptions import ConfigError, IntegrationError, ReauthenticationError
from connector_core.http import Request, Response

__all__ = ["OAuth2"]

_REFUSED = (400, 401)
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523 §2.1


class OAuth2(Fields):
    """A token that the service gives for an account, and renews (RFC 6749).

    Example: `auth: {type: oauth2, grant: client_credentials, token_url: "https://id.example/token", client_id: shop, client_secret: "{{ secrets.key }}"}`
    """  # noqa: E501 - an example is one line

    type: Literal["oauth2"] = "oauth2"
    tokened: ClassVar[bool] = True

    def secret_forms(self) -> Mapping[str, SecretForm]:
        """The key's that signs assertions."""
        return self.jwt.key_forms() if self.jwt is not None else {}

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - the token has its time
        """The token put where it belongs."""
        token = session.token
        if token is None:
            raise ConfigError("there is no token to sign with", where="auth", code="oauth.no_token")
        scope = {**session.scope, "token": token.names, "redirect": token.redirect}
        return self.put.put(request, credential(self.value, Session(scope), "auth.value"))

    def obtain(self, session: Session, held: Token | None, now: float) -> Generator[Request, Response, Token]:
        """Renews the token where something is held to do that with; else asks for one as the grant says."""
        refused = False
        for refresh in self._renewing(session, held):
            if (token := (yield from self._renewed(session, refresh, now))) is not None:
                return token
            refused = True
        if self.grant in BY_A_PERSON or self.grant == "refresh_token":
            raise self._nobody(session, held, refused=refused)
        pairs = self._first(session, now)
        answer = yield posted(self, session, self.token_url, pairs, now, self.extra.token)
        return token_in(answer, self.token, now, session.mask)

    def _renewing(self, session: Session, held: Token | None) -> list[str]:
        """The refresh tokens that may serve, the best first: what was given last, what the user has brought."""
        given = [held.refresh] if held is not None and held.refresh else []
        brought = [credential(self.refresh_token, session, "auth.refresh_token")] if self.refresh_token else []
        return list(dict.fromkeys(given + brought))

    def _renewed(
        self, session: Session, refresh: str, now: float
    ) -> Generator[Request, Response, Token | None]:  # fmt: skip
        """A token for the refresh token; None: the service does not take it any more."""
        url = self.refresh_url or self.token_url
        pairs = {"grant_type": "refresh_token", "refresh_token": refresh}
        given = "refresh" in self.extra.model_fields_set
        answer = yield posted(self, session, url, pairs, now, self.extra.refresh if given else self.extra.token)
        if (error := error_in(answer, session.mask)) is not None:
            name = error.context["error"]
            if name in GONE or (not name and answer.status in _REFUSED):
                return None
            raise error
        return token_in(answer, self.token, now, session.mask)

    def revoke(self, session: Session, token: Token, now: float) -> Generator[Request, Response, None]:
        """Gives back what renews the token and the token itself (RFC 7009); services may know one of them alone."""
        if self.revoke_url is None:
            return
        held = {"refresh_token": token.refresh, "access_token": token.access}
        problems: list[IntegrationError] = []
        for name, text in [(name, text) for name, text in held.items() if text is not None]:
            answer = yield posted(self, session, self.revoke_url, {"token": text, "token_type_hint": name}, now)
            error = error_in(answer, session.mask) if answer.status not in GOOD else None
            if error is not None and error.context["error"] != "unsupported_token_type":
                problems.append(error)
        if problems:
            raise problems[0]

    def _first(self, session: Session, now: float) -> dict[str, str]:
        """What a grant that needs nobody asks for its token with."""
        scope = asked_scope(self, session)
        match self.grant:
            case "password":
                assert self.username is not None and self.password is not None  # noqa: S101, PT018 - checked at load
                username = credential(self.username, session, "auth.username")
                password = credential(self.password, session, "auth.password")
                return {"grant_type": "password", "username": username, "password": password, **scope}
            case "jwt_bearer":
                issuer = {"iss": credential(self.client_id, session, "auth.client_id")} if self.client_id else {}
                signed = assertion(self, session, self.token_url, now, issuer)
                return {"grant_type": _JWT_GRANT, "assertion": signed, **scope}
        return {"grant_type": "client_credentials", **scope}

    def _nobody(self, session: Session, held: Token | None, *, refused: bool) -> ReauthenticationError:
        """Only a person can go on."""
        name = str(session.scope.get("connection", {}).get("id", "")) or "NAME"
        if self.grant == "refresh_token":
            what, hint = "the refresh token is not accepted any more", "bring a new one, as the secret that auth reads"
        else:
            what = "nobody has signed in" if held is None else "the sign-in has ended, and nothing can renew it"
            what = "the sign-in has ended: its refresh token is not accepted any more" if refused else what
            hint = f"sign in: connector login {name}"
        return ReauthenticationError(what, where=f"{name}: auth", hint=hint, code="oauth.sign_in")

    def homes(self, session: Session) -> Sequence[str]:
        """Where tokens are asked for, renewed and given back; a browser goes to authorize_url by itself."""
        urls = (self.token_url, self.refresh_url, self.device_url, self.revoke_url)
        return [url.render(session.scope) for url in urls if url is not None]

    def refusal(self, session: Session, request: Request) -> str | None:
        """Looks whether the token was given by `serve`, and has not ended since."""
        return refusal(self, session, request)

    def serve(self, session: Session, request: Request, now: float) -> Response | None:
        """Gives tokens, renews them, and sends people back from where they sign in."""
        return serve(self, session, request, now)

    # ── for people ────────────────────────────────────────────────────────────────────────────────

    @property
    def ways(self) -> Collection[str]:
        """By a browser, or on another device, where the grant is one for people."""
        return {"authorization_code": ("browser",), "device_code": ("device",)}.get(self.grant, ())

    def authorize(self, session: Session, *, redirect_uri: str, state: str, verifier: str, nonce: str) -> str:
        """The address that a person is sent to, who comes back to `redirect_uri`."""
        return authorize(self, session, redirect_uri=redirect_uri, state=state, verifier=verifier, nonce=nonce)

    def exchange(
        self, session: Session, *,
        redirect: Mapping[str, str], redirect_uri: str, verifier: str, state: str, nonce: str, now: float,
    ) -> Asking:  # fmt: skip
        """Yields what has to be asked and returns the token; `redirect`: the parameters that they came back with."""
        return exchange(
            self, session,
            redirect=redirect, redirect_uri=redirect_uri, verifier=verifier, state=state, nonce=nonce, now=now,
        )  # fmt: skip

    def device(self, session: Session, now: float) -> Driven:
        """Yields requests, the code to show and times to wait, and returns the token; see `people`."""
        return device(self, session, now)
