"""What the engine announces while it works, as frozen values; logs, progress bars and metrics are listeners.

A listener is any callable that takes one event. It is called in the event loop, in order, and should return at once;
what it raises is reported once and never disturbs the work. Where nobody listens, no event is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

__all__ = [
    "AnswerRepaired",
    "Attempt",
    "CacheHit",
    "CacheRevalidated",
    "CircuitChanged",
    "Event",
    "FellBack",
    "GaveUp",
    "HealthChanged",
    "JobPolled",
    "Listener",
    "OperationFinished",
    "PageRead",
    "PaginationMissing",
    "PartitionFinished",
    "RateLimitHeld",
    "RateLimited",
    "ReadFinished",
    "ReadRestarted",
    "ReadStarted",
    "RecordInvalid",
    "RecordsMissing",
    "RequestFailed",
    "RequestFinished",
    "RequestRefused",
    "RequestStarted",
    "RetryScheduled",
    "TokenRefreshFailed",
    "TokenRefreshed",
]


class Event(Struct, frozen=True, kw_only=True):
    """Something happened on one connection's endpoint."""

    connection: str
    endpoint: str


Listener = Callable[[Event], None]
"""Whoever wants to know; see the module's first lines for what it may do."""


# ── one request ───────────────────────────────────────────────────────────────────────────────────


class RequestStarted(Event, frozen=True, kw_only=True):
    """A request is about to be sent; `url` carries no query, `attempt` counts from 1, `why` is in words."""

    method: str
    url: str
    attempt: int
    why: str = ""


class RequestFinished(Event, frozen=True, kw_only=True):
    """An answer is here, whatever its status; `elapsed` in seconds, `size` in bytes after decompression."""

    method: str
    url: str
    attempt: int
    why: str = ""
    status: int
    elapsed: float
    size: int


class RequestFailed(Event, frozen=True, kw_only=True):
    """No complete answer came; `code` is the exception's."""

    method: str
    url: str
    attempt: int
    why: str = ""
    code: str


class Attempt(Struct, frozen=True, kw_only=True):
    """One request of an operation; a redirect is a further one of the same `number`."""

    number: int
    """From 1 on."""
    method: str
    url: str
    """Without query."""
    status: int | None
    """What was answered; None: no complete answer came."""
    code: str
    """What it ran into, as the exception's code, where no complete answer came."""
    elapsed: float
    """Seconds."""


class OperationFinished(Event, frozen=True, kw_only=True):
    """A page or a call is over, with all of its attempts; `why` says in words what it was for.

    `code` is the exception's, `cancelled`, or empty where it went well; `elapsed` in seconds, waits included.
    """

    connector: str
    why: str
    code: str
    elapsed: float
    attempts: tuple[Attempt, ...]


class RetryScheduled(Event, frozen=True, kw_only=True):
    """The request will be sent again after `wait` seconds; `reason` in words."""

    attempt: int
    wait: float
    reason: str


class RateLimited(Event, frozen=True, kw_only=True):
    """A request waits for its turn, for `wait` seconds at least; `reason` says what for: a rate, others, a pause."""

    wait: float
    reason: str
    again: bool = False
    """Whether that was told of the same request before, for another reason."""


class RateLimitHeld(Event, frozen=True, kw_only=True):
    """The service has refused a request as one too many: nothing more is sent to it for `wait` seconds."""

    wait: float


class CircuitChanged(Event, frozen=True, kw_only=True):
    """A circuit is in another state; `endpoint` is empty where a person has changed it.

    `before` and `after` are `closed`, `open`, `half_open`, `forced_open` or `forced_closed`. `reason` is why:
    `failures`, `slow_calls`, `waited`, `recovered`, `relapsed`, `forced_open`, `forced_closed` or `reset`. An open one
    stays so for `wait` seconds.
    """

    host: str
    group: str
    before: str
    after: str
    reason: str
    wait: float


class RequestRefused(Event, frozen=True, kw_only=True):
    """A request was not sent; `code` is the exception's, `wait` the seconds until it may be, None: nobody knows."""

    code: str
    wait: float | None


class HealthChanged(Event, frozen=True, kw_only=True):
    """A check found that the service is better or worse than it was; `before` is empty at the first one.

    Both are `healthy`, `degraded` or `unhealthy`; `endpoint` is the one that was asked.
    """

    before: str
    after: str


class TokenRefreshed(Event, frozen=True, kw_only=True):
    """There is a new token, the first one or in place of another; `expires_in` in seconds, None: nobody says."""

    expires_in: float | None
    first: bool


class TokenRefreshFailed(Event, frozen=True, kw_only=True):
    """There is no new token; `final`: only a person can go on."""

    reason: str
    final: bool


class GaveUp(Event, frozen=True, kw_only=True):
    """A request failed and is not sent again, after so many attempts; `reason` in words, `code` is the exception's."""

    attempts: int
    code: str
    reason: str


class AnswerRepaired(Event, frozen=True, kw_only=True):
    """A body was not quite JSON and was read all the same; `repair` says what was changed."""

    repair: str


class CacheHit(Event, frozen=True, kw_only=True):
    """A request was not sent: what is kept is fresh, and `age` seconds old."""

    age: float


class CacheRevalidated(Event, frozen=True, kw_only=True):
    """The service said that what is kept still holds (304); it was `age` seconds old and is new again."""

    age: float


class FellBack(Event, frozen=True, kw_only=True):
    """The service failed, and the answer comes from elsewhere; see `Degraded` for what the fields say."""

    source: str
    age: float | None
    reason: str


class JobPolled(Event, frozen=True, kw_only=True):
    """A job is not done yet; it was started `waited` seconds ago and will be asked again after `wait` seconds."""

    waited: float
    wait: float


# ── one reading ───────────────────────────────────────────────────────────────────────────────────


class ReadStarted(Event, frozen=True, kw_only=True):
    """The first page of an endpoint is about to be asked for."""


class RecordsMissing(Event, frozen=True, kw_only=True):
    """A page has nothing where its records should stand, and was read as empty."""

    address: str


class PaginationMissing(Event, frozen=True, kw_only=True):
    """The first page has nothing at the address under `key` of its pagination, so that the end may be told too early.

    `total` and `pages`: there is no such number. `take`: there is no token, though the page is not known to be short;
    where there is one page alone, that is as it should be.
    """

    key: str
    address: str


class RecordInvalid(Event, frozen=True, kw_only=True):
    """So many records of a page do not fit the schema; `what` is wrong with the first, without any value of it.

    `on_invalid` says what became of them: `keep` or `reject`.
    """

    page: int
    count: int
    what: str
    on_invalid: str


class PageRead(Event, frozen=True, kw_only=True):
    """A page was handed out; `page` counts from 1, `records` are those that were handed out with it."""

    page: int
    records: int
    received: int
    """Records that came; `filter` and `on_invalid` may have left some out."""
    partition: Mapping[str, Any] | None = None
    """Which partition of a `for_each` it belongs to."""


class ReadRestarted(Event, frozen=True, kw_only=True):
    """A reading, or its partition, begins again from the first page; `reason` in words."""

    partition: Mapping[str, Any] | None
    reason: str


class PartitionFinished(Event, frozen=True, kw_only=True):
    """The last page of one partition of a `for_each` was handed out; its totals, and why it was the last."""

    partition: Mapping[str, Any]
    pages: int
    records: int
    reason: str


class ReadFinished(Event, frozen=True, kw_only=True):
    """The last page was handed out; totals of this reading, and why it was the last."""

    pages: int
    records: int
    reason: str
