"""What every kind of sign-in is, and the session that it is given."""

from collections.abc import Generator, Mapping
from typing import Annotated, Any, Literal

from msgspec import Struct

from connector_core.component import Component
from connector_core.http import Request, Response
from connector_core.template import Reads, Template

__all__ = ["Auth", "NoAuth", "Session", "Text"]

Text = Annotated[Template, Reads("auth")]
"""A credential's template."""


class Session(Struct):
    """One connection's side of signing in: the names that templates may read, and what was learnt from the service."""

    scope: Mapping[str, Any]
    """The names that a credential's template may read: config, secrets, now, and what else its place has."""
    learnt: dict[str, Any] = {}
    """What a flow keeps for the next one, such as a token; a kind itself keeps nothing."""

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
