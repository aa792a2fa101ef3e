"""The kind where requests carry what the service gave when somebody logged in by requests of the spec."""

from collections.abc import Collection, Generator, Mapping, Sequence
from typing import ClassVar, Literal

from connector_core.address import Put
from connector_core.auth import family
from connector_core.auth.credentials import credential
from connector_core.auth.family import SecretForm
from connector_core.auth.session.fields import ANSWER, Fields
from connector_core.auth.session.login import logged_in
from connector_core.auth.session.provider import refusal, serve
from connector_core.auth.token import Token
from connector_core.exceptions import ConfigError
from connector_core.http import Request, Response

__all__ = ["Session"]


class Session(Fields):
    """A login by requests of the spec; what came back goes along with later requests.

    Example: `auth: {type: session, login: {post: /login, body: {json: {key: "{{ secrets.key }}"}}}, token: {access: body.token}, put: header.X-Token}`
    """  # noqa: E501 - an example is one line

    type: Literal["session"] = "session"
    tokened: ClassVar[bool] = True

    # ── what the engine asks ──────────────────────────────────────────────────────────────────────

    def sign(self, session: family.Session, request: Request, now: float) -> Request:  # noqa: ARG002 - it has its time
        """The session put where it belongs, and its cookies."""
        token = session.token
        if token is None:
            raise ConfigError("nobody has logged in", where="auth", code="session.no_token")
        scope = {**session.scope, "token": token.names}
        signed = self.put.put(request, credential(self.value, family.Session(scope), "auth.value"))
        for name in self.cookies:
            signed = Put(f'cookie."{name}"').put(signed, token.answer["cookies"][name])
        return signed

    def obtain(
        self, session: family.Session, held: Token | None, now: float  # noqa: ARG002 - it is not renewed, but begun anew
    ) -> Generator[Request, Response, Token]:  # fmt: skip
        """Logs in, whatever was held."""
        return (yield from logged_in(self, session, now))

    @property
    def asks_by_path(self) -> bool:
        """Where one of the requests says no `base_url`."""
        return any(step.base_url is None for step in self.requests)

    def homes(self, session: family.Session) -> Sequence[str]:
        """Where the requests go that log in."""
        urls = {step.base_url or session.base_url for step in self.requests}
        return [url.render(session.scope) for url in urls if url is not None]

    def made_up(self, path: Sequence[str | int]) -> Mapping[str, Collection[str] | None]:
        """The answers of earlier steps."""
        if path[0] != "steps" or len(path) < 2:  # noqa: PLR2004 - the key, and which of them
            return {}
        return {step.as_: ANSWER for step in self.requests[: int(path[1])] if step.as_ is not None}

    def secret_forms(self) -> Mapping[str, SecretForm]:
        """Those of the sign-ins of its requests."""
        return {
            name: form
            for step in self.requests
            if step.auth is not None
            for name, form in step.auth.secret_forms().items()
        }

    # ── the service's side ────────────────────────────────────────────────────────────────────────

    def refusal(self, session: family.Session, request: Request) -> str | None:
        """Looks whether `serve` gave it, and it has not ended since."""
        return refusal(self, session, request)

    def serve(self, session: family.Session, request: Request, now: float) -> Response | None:
        """Lets in whoever logs in with the right secrets."""
        return serve(self, session, request, now)
