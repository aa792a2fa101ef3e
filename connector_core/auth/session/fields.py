"""What a spec says about logging in by requests, and what of it does not go together."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from connector_core.address import AnswerPath, Put
from connector_core.auth.family import Auth, SoleAuth
from connector_core.component import Model
from connector_core.formats import FormattedTake
from connector_core.request import FreeName, InlineRequest
from connector_core.template import Reads, Template, Value
from connector_core.units import Duration

__all__ = ["ANSWER", "Fields", "LoginRequest", "SessionPath", "SessionToken"]

ANSWER = ("body", "header", "cookie", "status")
"""What a name that a step has given its answer stands for."""
_CREDENTIAL = re.compile(r"(^|[-_.])(pass(word|wd|phrase)?|pwd|secret|pin|api[-_]?key)([-_.]|$)", re.IGNORECASE)


class SessionPath(AnswerPath):
    """A place in the last answer of a login: in its body, its headers or the cookies that it sets."""

    roots: ClassVar[tuple[str, ...]] = ("body", "header", "cookie")
    bare: ClassVar[frozenset[str]] = frozenset({"body"})
    __slots__ = ()

    @classmethod
    def example(cls) -> str:
        """One such address."""
        return "body.token"


class SessionToken(Model):
    """Where the parts of a session stand in the service's last answer."""

    access: SessionPath
    """What is shown to the service: `body.token`, `header.X-Token`, `cookie.sid`, or `body` where that is all."""
    expires: FormattedTake | None = None
    """When it ends, as a time or a number of seconds from now; left out, the service says so by refusing it."""
    lifetime: Duration | None = None
    """How long it holds where the answer does not say."""


class LoginRequest(InlineRequest):
    """One request that logs in.

    Where it says nothing, `base_url` is the connector's; headers and timeout are its own alone.
    """

    as_: FreeName | None = Field(default=None, alias="as")
    """The name of its answer for later steps, which has `body`, `header`, `cookie` and `status`."""
    auth: SoleAuth | None = None
    """How this request itself is signed, where it is."""

    @model_validator(mode="after")
    def _not_said(self) -> Self:
        if "safe" in self.model_fields_set:
            raise ValueError("must not say 'safe': whoever logs in twice is logged in")
        if wrong := list(_literal_credentials(self)):
            raise ValidationError.from_exception_data("login", [_detail(path) for path in wrong])
        return self


def _detail(path: tuple[str, ...]) -> InitErrorDetails:
    what = "holds the credential itself: declare it under secrets, and read it: '{{ secrets.NAME }}'"
    return InitErrorDetails(type=PydanticCustomError("literal_secret", "{what}", {"what": what}), loc=path, input=None)


def _literal_credentials(request: InlineRequest) -> Iterator[tuple[str, ...]]:
    """Where what is called a password or the like stands as it is."""
    named: dict[str, Mapping[str, Value | None]] = {"params": request.params or {}, "headers": request.headers or {}}
    for above, values in named.items():
        yield from _in_json((above,), {name: value.raw for name, value in values.items() if value is not None})
    if request.body is not None:
        yield from _in_json(("body", "form"), {name: value.raw for name, value in request.body.form.items()})
        yield from _in_json(("body", "json"), request.body.json_.raw if request.body.json_ is not None else None)


def _in_json(path: tuple[str, ...], value: Any) -> Iterator[tuple[str, ...]]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, str) and inner and "{{" not in inner and _CREDENTIAL.search(name):
            yield (*path, name)
        yield from _in_json((*path, name), inner)


def _different(cookies: list[str]) -> list[str]:
    if len({*cookies}) < len(cookies):
        raise ValueError("names a cookie twice")
    return cookies


CookieName = Annotated[str, Field(pattern=r"^[!#-'*+.^_`|~0-9A-Za-z-]+$")]
"""What RFC 6265 lets a cookie be called."""


class Fields(Auth):
    """The fields of the kind."""

    login: LoginRequest | None = None
    """The request that logs in."""
    steps: Annotated[list[LoginRequest], Field(min_length=1, max_length=20)] | None = None
    """Several, one after another; each may read the answers of those before it by their names."""
    token: SessionToken
    """Where the session stands in the last answer."""
    put: Put
    """Where it goes in requests: `header.X-Session`, `query.session`, `cookie.sid` or `body.session`."""
    value: Annotated[Template, Reads("signing")] = Template("{{ token.access }}")
    """What goes there, with what belongs around it, such as `Session {{ token.access }}`."""
    cookies: Annotated[list[CookieName], AfterValidator(_different)] = []
    """Further cookies that the login sets and that go along with requests, by name."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.login is None) == (self.steps is None):
            raise ValueError("must have exactly one of: login, steps")
        if self.put.root == "cookie" and self.put.keys[0] in self.cookies:
            raise ValueError(f"puts the cookie {self.put.keys[0]} twice: leave it out of 'cookies'")
        names = [step.as_ for step in self.requests if step.as_ is not None]
        if len({*names}) < len(names):
            raise ValueError("gives two answers one name: choose another for one of the steps")
        return self

    @property
    def requests(self) -> list[LoginRequest]:
        """The requests that log in, in order."""
        return [self.login] if self.login is not None else self.steps or []
