"""The kind where a service can be signed in to in several ways, and each account takes one of them.

::

    auth:
      type: any_of
      options:
        token: {type: bearer, token: "{{ secrets.token }}"}
        password: {type: basic, username: "{{ secrets.user }}", password: "{{ secrets.password }}"}

Rule 1: when a connection is opened one of them is taken: the one that its user names, else the first whose secrets are
        all given. The secrets of the others are not needed then. From there on the spec has that one alone.
Rule 2: the service takes whatever was signed in any of these ways.
"""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from msgspec.structs import replace
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from connector_core.auth.family import Auth, OneOf, SecretForm, Session
from connector_core.component import without_extensions
from connector_core.exceptions import ConfigError
from connector_core.http import Request, Response
from connector_core.template import MissingError, TemplateError, templates

__all__ = ["AnyOf"]

_WORD = "^[A-Za-z][A-Za-z0-9_-]*$"


def _word(name: str) -> str:
    if not name.isascii() or not name[:1].isalpha() or not name.replace("_", "").replace("-", "").isalnum():
        raise PydanticCustomError("pattern", "must be letters, digits, _ and -, and begin with a letter")
    return name


OptionName = Annotated[str, AfterValidator(_word), WithJsonSchema({"type": "string", "pattern": _WORD})]
Option = Annotated[
    Auth, OneOf(lambda kind: kind.kind() != "any_of", "cannot be one of several: name its ways here, beside the others")
]


class AnyOf(Auth):
    """One of several sign-ins: the user's choice, else the first whose secrets are all given.

    Example: `auth: {type: any_of, options: {token: {type: bearer, token: "{{ secrets.key }}"}, key: {type: api_key, put: header.X-Key, value: "{{ secrets.key }}"}}}`
    """  # noqa: E501 - an example is one line

    type: Literal["any_of"] = "any_of"
    holds_others: ClassVar[bool] = True

    options: Annotated[dict[OptionName, Option], Field(min_length=1), BeforeValidator(without_extensions)]
    """The sign-ins by name, the one to be preferred first."""

    def each(self) -> Iterator[Auth]:
        """Its options, and what these are made of."""
        for option in self.options.values():
            yield from option.each()

    def _taken(self, session: Session) -> Auth:
        """The first whose secrets are all there; raises ConfigError where there is none."""
        given = session.scope.get("secrets", {})
        missing = {name: _lacks(option, given) for name, option in self.options.items()}
        for name, option in self.options.items():
            if not missing[name]:
                return option
        needs = "; ".join(f"{name} needs {', '.join(lacks)}" for name, lacks in missing.items())
        raise ConfigError(f"nobody can sign in: {needs}", where="auth.options", code="sign_in.incomplete")

    # ── the client's side ─────────────────────────────────────────────────────────────────────────

    def flow(self, session: Session, request: Request, now: float) -> Generator[Request, Response, Request]:
        """Signs with the first option whose secrets are all there; the engine has an option signed with instead."""
        option = self._taken(session)
        if option.tokened:
            session.token = yield from option.obtain(session, session.token, now)
        return (yield from option.flow(session, request, now))

    def challenged(self, session: Session, response: Response) -> bool:
        """What that one learns."""
        return self._taken(session).challenged(session, response)

    def homes(self, session: Session) -> Sequence[str]:
        """Whom that one asks."""
        return self._taken(session).homes(session)

    @property
    def asks_by_path(self) -> bool:
        """Whether one of them does."""
        return any(option.asks_by_path for option in self.options.values())

    def made_up(self, path: Sequence[str | int]) -> Mapping[str, Collection[str] | None]:
        """What the option makes up."""
        match path:
            case ("options", str(name), *below) if name in self.options and below:
                return self.options[name].made_up(below)
        return {}

    def secret_forms(self) -> Mapping[str, SecretForm]:
        """Those of all."""
        return {name: form for option in self.options.values() for name, form in option.secret_forms().items()}

    # ── the service's side ────────────────────────────────────────────────────────────────────────

    def refusal(self, session: Session, request: Request) -> str | None:
        """Why none of them accepts the request."""
        found = {}
        for name, option in self.options.items():
            try:
                why = option.refusal(_inside(session, name), request)
            except (MissingError, TemplateError) as error:
                why = str(error)
            if why is None:
                return None
            found[name] = why
        return "; or ".join(f"{name}: {why}" for name, why in found.items())

    def challenge(self, session: Session, request: Request) -> Mapping[str, str]:
        """What they ask for, one after another (RFC 9110 §11.6.1)."""
        asked: list[str] = []
        for name, option in self.options.items():
            asked += option.challenge(_inside(session, name), request).values()
        return {"WWW-Authenticate": ", ".join(asked)} if asked else {}

    def serve(self, session: Session, request: Request, now: float) -> Response | None:
        """The answer of the first that has one."""
        for name in self.options:
            session.learnt.setdefault(name, {})
        answers = (option.serve(_inside(session, name), request, now) for name, option in self.options.items())
        return next((answer for answer in list(answers) if answer is not None), None)


def _lacks(option: Auth, given: Mapping[str, object]) -> list[str]:
    """The names of the secrets that it reads and that are not there."""
    read = {
        path[1]: None
        for _, found in templates(option)
        for path in sorted(found.reads)
        if path[0] == "secrets" and path[1:]
    }
    return [name for name in read if not str(given.get(name) or "").strip()]


def _inside(session: Session, name: str) -> Session:
    """The session of one of them, with what the service has learnt on its account."""
    return replace(session, learnt=session.learnt.get(name, {}))
