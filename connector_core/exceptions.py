"""Every exception that leaves this package, grouped by what whoever catches it does next.

::

    IntegrationError                   everything below; catch it to catch all
    ├── SpecError                      the spec is wrong: fix the file (`problems` says where)
    ├── ConfigError                    config, secrets or arguments are wrong: fix what was passed
    ├── ConnectionError                no answer came: check the network, try again later
    │   └── TimeoutError               the answer took too long
    ├── AuthenticationError            the credentials are not accepted: renew them
    │   └── ReauthenticationError      a person has to sign in again
    ├── AuthorizationError             signed in, but not allowed: ask for the permission
    ├── ValidationError                the service refuses the input: change it
    │   └── BatchError                 it refuses some items of a list (`failed` says which)
    ├── ResourceError                  the thing itself is the trouble
    │   ├── NotFoundError              it is not there
    │   └── ConflictError              it is in another state than assumed
    ├── RateLimitError                 too many requests: wait `retry_after` seconds
    ├── ServerError                    the service failed: try again later
    │   └── ResponseError              it answered, but not what the spec describes: compare the two
    ├── CircuitOpenError               not asked at all, it failed too often: wait `retry_after` seconds
    └── UnavailableError               switched off or under maintenance

The text is always *what — where — what to do*. It never holds a secret, a query string or a body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "BatchError",
    "CircuitOpenError",
    "ConfigError",
    "ConflictError",
    "ConnectionError",
    "IntegrationError",
    "NotFoundError",
    "Problem",
    "RateLimitError",
    "ReauthenticationError",
    "ResourceError",
    "ResponseError",
    "ServerError",
    "SpecError",
    "TimeoutError",
    "UnavailableError",
    "ValidationError",
]


class IntegrationError(Exception):
    """Something went wrong between this process and a service; the base of every exception here."""

    category: ClassVar[str] = "server"
    """The standard's word for this kind of failure; what `errors: [{category: …}]` names."""

    code: str
    """Stable and fit for a metric label, such as `connection.refused` or the spec's own `code`."""
    retryable: bool
    """Whether the same call may work later without anybody changing anything."""
    retry_after: float | None
    """Seconds until it may work, where somebody said so."""
    context: dict[str, Any]
    """Identifiers for logs: connector, endpoint, method, url (no query), status, attempts."""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        hint: str = "",
        code: str = "",
        retryable: bool = False,
        retry_after: float | None = None,
        context: dict[str, Any] | None = None,
    ) -> None:
        what, where, hint = _harmless(what), _harmless(where), _harmless(hint)
        super().__init__(" — ".join(part for part in (what, where, hint) if part))
        self.what: str = what
        self.where: str = where
        self.hint: str = hint
        self.code = code or self.category
        self.retryable, self.retry_after = retryable, retry_after
        self.context = context if context is not None else {}


def alone(error: BaseException) -> None:
    """Takes away what stands behind an exception raised `from None`: tracebacks hide it, and many tools do not."""
    seen: BaseException | None = error
    while seen is not None:
        if seen.__suppress_context__ and seen.__cause__ is None:
            seen.__context__ = None
        seen = seen.__cause__ or seen.__context__


_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
"""Control characters, and those that turn the direction of text: names and messages from services may hold any."""


def one_line(text: str) -> str:
    """The text as one line that only says something: no terminal obeys it."""
    return _OBEYED.sub(" ", text)


def _harmless(text: str) -> str:
    """The same line by line: a message may have several of its own, and may quote a spec that nobody knows."""
    return text if text.isprintable() else "\n".join(map(one_line, text.split("\n")))


# ── ours to mend ──────────────────────────────────────────────────────────────────────────────────


class Problem(NamedTuple):
    """One mistake in a spec: `specs/shop.yaml:41:25 endpoints.orders.pagination.type: unknown type…`."""

    file: str
    line: int
    column: int
    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column} {self.path + ': ' if self.path else ''}{self.what}"


def _each_once(problems: list[Problem]) -> list[Problem]:
    """In the order of the file; the same words about the same place are one, by whatever paths they came."""
    shown = [one._replace(path=one_line(one.path), what=one_line(one.what)) for one in reversed(problems)]
    return sorted({(one.file, one.line, one.column, one.what): one for one in shown}.values())


class SpecError(IntegrationError):
    """A spec does not say what a spec can say; `problems` holds every mistake of the file, in file order."""

    category = "spec"

    def __init__(self, problems: list[Problem] | str, **about: Any) -> None:
        self.problems: list[Problem] = [] if isinstance(problems, str) else _each_once(problems)
        """Every mistake, in the order of the file; each has `file`, `line`, `column`, `path` and `what`."""
        super().__init__(problems if isinstance(problems, str) else "\n".join(map(str, self.problems)), **about)


class ConfigError(IntegrationError):
    """What the user of a spec passed (config, secrets, input, an endpoint's name) does not fit it."""

    category = "config"


# ── the network's ─────────────────────────────────────────────────────────────────────────────────


class ConnectionError(IntegrationError):  # noqa: A001 - the standard's name; the builtin is a different thing
    """No complete answer came; `phase` tells what the service may have seen of the request."""

    category = "connection"

    def __init__(self, what: str, *, phase: str = "unsent", **about: Any) -> None:
        self.phase: str = phase
        """`unsent`: never reached the service. `sent`: it may have acted on it. `answered`: the answer broke off."""
        super().__init__(what, **about)


class TimeoutError(ConnectionError):  # noqa: A001 - the standard's name; the builtin is a different thing
    """The service took longer than the declared timeout."""


# ── the service's ─────────────────────────────────────────────────────────────────────────────────


class AuthenticationError(IntegrationError):
    """The service does not accept the credentials."""

    category = "authentication"


class ReauthenticationError(AuthenticationError):
    """The credentials can no longer be renewed without a person."""


class AuthorizationError(IntegrationError):
    """The credentials are accepted, but not for this."""

    category = "authorization"


class ValidationError(IntegrationError):
    """The service refuses the input."""

    category = "validation"


class BatchError(ValidationError):
    """The service refuses some items of a list; the others are done."""

    def __init__(self, what: str, *, results: Sequence[Any] = (), failed: Sequence[int] = (), **about: Any) -> None:
        super().__init__(what, **about)
        self.results: Sequence[Any] = results
        """Every item's result, in the order of the items."""
        self.failed: Sequence[int] = failed
        """The positions of the items that were refused."""


class ResourceError(IntegrationError):
    """The addressed thing is missing or in the wrong state."""

    category = "not_found"


class NotFoundError(ResourceError):
    """The addressed thing does not exist, or not for these credentials."""


class ConflictError(ResourceError):
    """The addressed thing is in another state than the request assumes."""

    category = "conflict"


class RateLimitError(IntegrationError):
    """The service asks for fewer requests."""

    category = "rate_limit"


class ServerError(IntegrationError):
    """The service failed."""

    category = "server"


class ResponseError(ServerError):
    """The service answered, but not in the way that the spec describes."""


class CircuitOpenError(IntegrationError):
    """The circuit is open: the service failed too often and is left alone for a while."""

    category = "connection"


class UnavailableError(IntegrationError):
    """The integration is switched off or under maintenance."""

    category = "connection"
