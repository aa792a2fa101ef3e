"""What a spec says about signing in with OAuth 2.0, and what of it does not go together."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import parse_qsl

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from connector_core.address import AnswerPath, Put
from connector_core.auth.assertions import Assertion
from connector_core.auth.family import Auth, Text
from connector_core.component import Late, Model
from connector_core.formats import FormattedTake
from connector_core.request import BaseUrl
from connector_core.template import Reads, Template
from connector_core.units import Duration

__all__ = ["BY_A_PERSON", "Extra", "Fields", "Grant", "SignInUrl", "TokenParts", "TokenPath"]

Grant = Literal["authorization_code", "client_credentials", "device_code", "jwt_bearer", "password", "refresh_token"]

BY_A_PERSON = frozenset({"authorization_code", "device_code"})
"""Grants that begin with a person who signs in."""


class SignInUrl(BaseUrl):
    """An absolute URL that is asked as it stands, with its query and its last slash: `https://id.example/token`."""

    place = "sign_in_url"
    what = "the address of a sign-in"

    def __init__(self, source: str) -> None:
        """Raises ValueError where it can't become an address."""
        base, _, query = source.partition("?")
        super().__init__(base)
        self.query: tuple[tuple[str, str], ...] = tuple(parse_qsl(query, keep_blank_values=True))
        if any("{{" in name + value for name, value in self.query):
            raise ValueError("must not hold a template in its query; say it under `extra`")
        self.source = source

    def render(self, scope: Mapping[str, Any]) -> str:
        """The address without its query; raises ConfigError where it is none."""
        address = super().render(scope)
        return f"{address}/" if str(self.template.value(scope)).endswith("/") else address


class TokenPath(AnswerPath):
    """A place in the answer of a token endpoint."""

    roots: ClassVar[tuple[str, ...]] = ("body", "header")
    bare: ClassVar[frozenset[str]] = frozenset()
    __slots__ = ()

    @classmethod
    def example(cls) -> str:
        """One such address."""
        return "body.access_token"


class TokenParts(Model):
    """Where the parts of a token stand in the service's answer."""

    access: TokenPath = TokenPath("body.access_token")
    """What is shown to the service."""
    refresh: TokenPath = TokenPath("body.refresh_token")
    """What a new one is asked for with."""
    expires: FormattedTake | None = None
    """When it ends, as a time or a number of seconds from now; left out: `body.expires_in`, in seconds."""
    lifetime: Duration | None = None
    """How long it holds where the service does not say; left out: until the service refuses it."""


class Extra(Model):
    """Further parameters, by name, for those requests that take any."""

    authorize: dict[str, Annotated[Template, Reads("sign_in_url")]] = {}
    """For the address that a person is sent to."""
    token: dict[str, Text] = {}
    """For what a token is asked for with."""
    refresh: dict[str, Text] = {}
    """For what it is renewed with, instead of those for `token`."""


def _secret(template: Template) -> Template:
    """Raises where the credential itself stands in the spec."""
    if template.literal:
        what = "holds the credential itself: declare it under secrets, and read it: '{{ secrets.NAME }}'"
        raise PydanticCustomError("literal_secret", "{what}", {"what": what})
    return template


Secret = Annotated[Text, AfterValidator(_secret)]
"""A credential's template that reads the credential from somewhere."""

_NEEDS: dict[Grant, tuple[str, ...]] = {
    "authorization_code": ("authorize_url", "client_id"),
    "client_credentials": ("client_id",),
    "device_code": ("device_url", "client_id"),
    "jwt_bearer": ("jwt",),
    "password": ("username", "password"),
    "refresh_token": ("refresh_token",),
}
_ONLY: dict[str, Grant] = {
    "authorize_url": "authorization_code",
    "pkce": "authorization_code",
    "issuer": "authorization_code",
    "device_url": "device_code",
    "username": "password",
    "password": "password",
    "refresh_token": "refresh_token",
}
"""Fields that one grant alone reads."""


_DECIDED = {
    "authorize": ("redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method"),
    "token": ("redirect_uri", "code", "code_verifier"),
}
"""Parameters that bind the way back to the way there (RFC 9700 §2.1), by the requests that hold them."""


class Fields(Auth):
    """The fields of the kind, and what a grant needs of them."""

    grant: Grant
    """What the first token is asked for with."""
    token_url: SignInUrl
    """Where tokens are asked for."""
    refresh_url: SignInUrl | None = None
    """Where they are renewed, if that is elsewhere."""
    authorize_url: SignInUrl | None = None
    """Where a person is sent to sign in."""
    device_url: SignInUrl | None = None
    """Where a code for another device is asked for."""
    revoke_url: SignInUrl | None = None
    """Where a token is given back when somebody signs out (RFC 7009); left out, the service is not told."""
    client_id: Text | None = None
    """The application, as the service knows it."""
    client_secret: Secret | None = None
    """What only the application knows."""
    client_auth: Literal["basic", "post", "private_key_jwt", "none"] | None = None
    """How the application shows who it is: in the Authorization header, in the body, by a token that it signs (`jwt`),
    or by its name alone. Left out: `basic` where there is a client_secret, else `none`."""
    username: Text | None = None
    """Whose account it is."""
    password: Secret | None = None
    """What only they know."""
    refresh_token: Secret | None = None
    """A refresh token that the user has brought."""
    jwt: Late[Assertion] | None = None
    """The token that is signed for `jwt_bearer` or `private_key_jwt`."""
    scopes: list[Annotated[Template, Reads("sign_in_url")]] = []
    """What is asked to be allowed."""
    scope_separator: str = " "
    """What stands between two of them."""
    pkce: bool = True
    """Whether the code is bound to whoever asked for it (RFC 7636, S256)."""
    issuer: Annotated[Template, Reads("sign_in_url")] | None = None
    """Who must have sent a person back (RFC 9207); left out, it is not looked at."""
    token_body: Literal["form", "json", "query"] = "form"  # noqa: S105 - no password
    """How what is asked for is written."""
    extra: Extra = Field(default_factory=Extra)
    """Further parameters."""
    token: TokenParts = Field(default_factory=TokenParts)
    """Where the token stands in the answer."""
    put: Put = Put("header.Authorization")
    """Where the token goes in requests."""
    value: Annotated[Template, Reads("signing")] = Template("Bearer {{ token.access }}")
    """The token with what belongs around it."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if wrong := list(_mistakes(self)):
            raise ValidationError.from_exception_data("oauth2", [_detail(name, what) for name, what in wrong])
        return self

    @property
    def shows(self) -> str:
        """How the application shows who it is."""
        return self.client_auth or ("none" if self.client_secret is None else "basic")


def _detail(name: str, what: str) -> InitErrorDetails:
    error = PydanticCustomError("oauth2", "{what}", {"what": what})
    return InitErrorDetails(type=error, loc=(name,) if name else (), input=None)


def _mistakes(kind: Fields) -> Iterator[tuple[str, str]]:
    """What does not go together, by the field that is too much or too little."""
    for name in _NEEDS[kind.grant]:
        if getattr(kind, name) is None:
            yield "", f"missing key {name!r}, which the grant {kind.grant} needs"
    for name, grant in _ONLY.items():
        if grant != kind.grant and getattr(kind, name) != type(kind).model_fields[name].default:
            yield name, f"is for the grant {grant}, and this one is {kind.grant}"
    yield from _of_the_client(kind)
    yield from _of_the_way_back(kind)
    if kind.grant not in BY_A_PERSON and kind.extra.authorize:
        yield "extra", f"authorize is for what a person is sent to, and nobody is with {kind.grant}"


def _of_the_way_back(kind: Fields) -> Iterator[tuple[str, str]]:
    said = [("extra", "authorize", name) for name in kind.extra.authorize]
    said += [("extra", "token", name) for name in kind.extra.token]
    if kind.authorize_url is not None:
        said += [("authorize_url", "authorize", name) for name, _ in kind.authorize_url.query]
    for field, request, name in said:
        if name in _DECIDED[request]:
            yield field, f"{name} is decided for each sign-in, by no spec"


def _of_the_client(kind: Fields) -> Iterator[tuple[str, str]]:
    shown = kind.shows
    wanted = {"basic": "client_secret", "post": "client_secret", "private_key_jwt": "jwt"}.get(shown)
    if wanted is not None and getattr(kind, wanted) is None:
        yield "client_auth", f"{shown} needs {wanted}"
    if shown != "none" and kind.client_id is None:
        yield "", f"missing key 'client_id', which client_auth {shown} needs"
    if kind.client_secret is not None and wanted != "client_secret":
        yield "client_secret", f"is not sent with client_auth {shown}"
    if kind.jwt is not None and shown != "private_key_jwt" and kind.grant != "jwt_bearer":
        yield "jwt", "is for the grant jwt_bearer, or for client_auth private_key_jwt"
    if shown == "private_key_jwt" and kind.grant == "jwt_bearer":
        yield "client_auth", "private_key_jwt signs another token than jwt_bearer does, and there is one jwt block"
