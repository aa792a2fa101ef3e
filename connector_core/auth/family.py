"""What every kind of sign-in is, and the session that it is given."""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.auth.token import Token
from connector_core.component import Component
from connector_core.exceptions import ConfigError
from connector_core.http import Request, Response
from connector_core.request import BaseUrl
from connector_core.template import Reads, Template

__all__ = ["Auth", "NoAuth", "OneOf", "Session", "SoleAuth", "Text"]

Text = Annotated[Template, Reads("auth")]
"""A credential's template."""

SecretForm = Literal["hex", "base64", "RSA", "P-256", "P-384", "certificate"]
"""Bytes that are written as text, the private key of that sort in PEM, or a certificate of the key `P-256`."""


def _nothing_unique() -> str:
    raise ConfigError(
        "nothing unique was given to sign with", hint="make the Session with unique=…", code="auth.unique"
    )


class Session(Struct):
    """One connection's side of signing in: the names that templates may read, and what was learnt from the service."""

    scope: Mapping[str, Any]
    """The names that a credential's template may read: config, secrets, now, and what else its place has."""
    learnt: dict[str, Any] = {}
    """What a flow keeps for the next one, such as a challenge; a kind itself keeps nothing."""
    token: Token | None = None
    """The token to sign with, which is kept, renewed and shared by the engine; None: there is none."""

    unique: Callable[[], str] = _nothing_unique
    """Gives a text that never comes twice, such as a nonce is made of."""
    mask: Callable[[str], str] = str
    """Takes the account's secrets out of what a service says, before it is quoted or cut."""
    now: float | None = None
    """When the provider looks, in seconds since 1970; None: it looks at no time, and remembers no nonce."""
    base_url: BaseUrl | None = None
    """The connector's, for paths that are asked on the way to a token."""

    def __repr__(self) -> str:
        return "Session()"  # it holds the secrets, and what is learnt becomes some


class Auth(Component, key="auth"):
    """How the service knows who is asking."""

    tokened: ClassVar[bool] = False
    """Whether it signs with a token that `obtain` asks for."""
    holds_others: ClassVar[bool] = False
    """Whether it is made of other sign-ins, so that it cannot be a part of one."""

    def sign(self, session: Session, request: Request, now: float) -> Request:
        """The request with its credentials; `now` in seconds since 1970."""
        raise NotImplementedError

    def flow(self, session: Session, request: Request, now: float) -> Generator[Request, Response, Request]:
        """Yields what has to be asked first and returns the signed request."""
        return self.sign(session, request, now)
        yield  # a generator, though this one asks nothing

    def obtain(  # kinds that sign with a token have their own
        self,
        session: Session,  # noqa: ARG002
        held: Token | None,  # noqa: ARG002
        now: float,  # noqa: ARG002
    ) -> Generator[Request, Response, Token]:
        """Yields what has to be asked for a token and returns it; `held`: the one that it replaces.

        Raises ReauthenticationError where only a person can go on, and other errors of the service as they are.
        """
        raise NotImplementedError
        yield

    def revoke(self, session: Session, token: Token, now: float) -> Generator[Request, Response, None]:  # noqa: ARG002
        """Yields what has to be asked so that the service takes the token no more; raises where it refuses that."""
        return
        yield

    @property
    def ways(self) -> Collection[str]:
        """How a person can sign in: by `browser` (it has `authorize` and `exchange`), on another `device`."""
        return ()

    def challenged(self, session: Session, response: Response) -> bool:  # noqa: ARG002 - most have nothing to learn
        """The service refuses what was signed: whether its answer says how to sign better, which the session keeps."""
        return False

    def homes(self, session: Session) -> Sequence[str]:  # noqa: ARG002 - most ask nobody
        """The addresses that `obtain` and `flow` ask, where these are not the service's own."""
        return ()

    def each(self) -> Iterator["Auth"]:
        """The sign-ins that an account may have: itself, or those that it chooses from."""
        yield self

    @property
    def asks_by_path(self) -> bool:
        """Whether `obtain` or `flow` asks for paths below the connector's `base_url`."""
        return False

    def made_up(self, path: Sequence[str | int]) -> Mapping[str, Collection[str] | None]:  # noqa: ARG002
        """The names that templates at that path inside of it may read besides, each with what it has."""
        return {}

    def secret_forms(self) -> Mapping[str, SecretForm]:
        """What secrets are, by name, where any text would not do; for whoever makes them up."""
        return {}

    def refusal(self, session: Session, request: Request) -> str | None:
        """Why the provider does not accept the request; None: it does."""
        raise NotImplementedError

    def challenge(self, session: Session, request: Request) -> Mapping[str, str]:  # noqa: ARG002
        """The headers of the provider's refusal that say how to sign."""
        return {}

    def serve(self, session: Session, request: Request, now: float) -> Response | None:  # noqa: ARG002
        """The provider's answer to what `obtain` and `flow` ask; None: the request is for somebody else."""
        return None


class OneOf(Struct, frozen=True):
    """In an annotation: only kinds that fit, for a sign-in that is a part of another."""

    fits: Callable[[type[Any]], bool]
    why_not: str
    """What is said of a kind that does not fit."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._resolve)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Those kinds alone."""
        return Auth.alternatives([kind for kind in Auth.kinds.values() if self.fits(kind)], handler)

    def _resolve(self, value: Any) -> Auth:
        name = value.get("type") if isinstance(value, dict) else value
        if isinstance(name, str) and name in Auth.kinds and not self.fits(Auth.kinds[name]):
            known = ", ".join(other for other, kind in Auth.kinds.items() if self.fits(kind))
            what = {"got": name, "why": self.why_not, "known": known}
            raise PydanticCustomError("unknown_type", "{got} {why} (one of: {known})", what)
        return Auth.resolve(value)


def _is_sole(kind: type[Any]) -> bool:
    return not kind.tokened and not kind.holds_others


SoleAuth = Annotated[
    Auth, OneOf(_is_sole, "cannot sign this request: it is itself made of requests or of other sign-ins")
]
"""A sign-in that asks for no token and is made of no other."""


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
