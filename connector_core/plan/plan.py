"""What the engine sees of an endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from connector_core.address import BodyPath
from connector_core.auth import Auth
from connector_core.batch import BatchWrite
from connector_core.cache import Terms as CacheTerms
from connector_core.circuit_breaker import Terms
from connector_core.decode import Stream
from connector_core.errors import Rule
from connector_core.fallback import Fallback
from connector_core.for_each import ForEach
from connector_core.http import Request
from connector_core.idempotency import Idempotency
from connector_core.pagination import Pagination
from connector_core.rate_limit import RateLimit
from connector_core.response import records_of, rows_of
from connector_core.retry import Retry
from connector_core.steps import Step
from connector_core.template import Condition, Flag, Template

__all__ = ["JobPlan", "Plan"]

Scope = Mapping[str, Any]


class Plan(Struct, frozen=True):
    """One endpoint, compiled."""

    connector: str
    endpoint: str
    readable: bool
    """Whether it is read page by page; else it is called once."""
    idempotent: bool
    """Whether sending it twice does no harm."""
    idempotency: Idempotency | None
    """The key that makes it so; None: it has none."""
    retry: Retry
    compose: Callable[[Scope], Request]
    """The endpoint's request under a scope's names, not yet paged or signed."""
    auth: Auth
    credential: str
    """Which of the spec's `auth` that is: endpoints of the same one share its token."""
    signs: bool
    """Whether requests are signed at all."""
    pagination: Pagination
    rules: tuple[Rule, ...]
    judges_success: bool
    """Whether a 2xx answer has to be decoded at once: a rule may make it an error, or it says what a limit has left."""
    decode: Callable[[bytes], tuple[Any, str | None]]
    """The value of a body and what had to be repaired; raises UndecodableError."""
    decode_error: Callable[[bytes], tuple[Any, str | None]]
    """The same for an answer that reports an error."""
    stream: Callable[[], Stream] | None
    """Makes a stream of one answer's items, before `filter`; None where something needs the whole body."""
    records: BodyPath | None
    columns: BodyPath | None
    """Where the names of the columns stand, where records are lists."""
    reads_key: bool
    """Whether anything reads `key`, so that it has to be looked for."""
    keep: Callable[..., list[dict[str, Any]]] | None
    """The declared filter over a page, given a scope and the records' keys, if they have any; None: there is none, and
    no record is looked at."""
    transform: Callable[[list[dict[str, Any]], Scope], list[dict[str, Any]]] | None
    """The declared changes over a page, in place; None: there are none, and no record is looked at."""
    judge: Callable[[dict[str, Any]], str | None] | None
    """How a record breaks the schema, in words without its values, or None where it fits; None: nobody asks."""
    on_invalid: Literal["keep", "reject", "fail"] | None
    output: Callable[[Scope], Any] | None
    input: Mapping[str, dict[str, Any]]
    reads_page: bool
    """Whether the request's templates read `page.…`, so that it is composed anew for every page."""
    limits: tuple[RateLimit, ...]
    """The rate limits that hold for it: its own, then the connector's."""
    cost: Template | None
    """What one of its requests takes of them; None: 1."""
    learns: bool
    """Whether a body says what is left of a limit, so that every one has to be decoded."""
    breaker: Terms | None
    """When its host is left alone; None: never."""
    group: str
    """Which circuit of its host is meant; empty: the one of all that have no group."""
    cache: CacheTerms | None
    """How long its answers are used again; None: each request is sent."""
    keeps: bool
    """Whether its answers are kept, to be used again or for bad times."""
    forgets: bool
    """Whether it changes what is kept of its address, so that this has to be asked for again."""
    fallback: tuple[Fallback, ...]
    """Where its answer is taken from while the service fails."""
    side_by_side: int
    """How many numbered pages may be asked for at once."""
    for_each: tuple[ForEach, ...]
    """What it is read for, one partition after another; empty: it is read once."""
    lanes: int
    """How many partitions are read side by side."""
    key_of: Callable[[Mapping[str, Any]], Any]
    """A record's primary key: a value, a list of them where it has several parts, None where the spec names none."""

    captures: frozenset[str]
    """The captured facts that it reads."""
    secrets: frozenset[str] | None
    """The secrets that it reads; None: it may read any."""
    own_secrets: frozenset[str] | None
    """Those of them that the request is composed of, and not only signed with."""
    steps: tuple[Step, ...]
    """The calls that it is made of; empty: it is one."""
    batch: BatchWrite | None
    """How a list is sent in several requests."""
    job: JobPlan | None = None
    """The job that makes what is read; its result is fetched by this plan's request."""

    def rows(self, body: Any) -> list[dict[str, Any]] | None:
        """The records of a decoded body; None where nothing is at their address."""
        if self.records is None:
            return None
        return records_of(body, self.records) if self.columns is None else rows_of(body, self.records, self.columns)

    def keys(self, body: Any) -> list[str | None] | None:
        """The keys of `rows`, one each; None where they have none, or nothing reads it."""
        return self.records.names({"body": body}) if self.reads_key and self.records is not None else None


class JobPlan(Struct, frozen=True):
    """A job's requests, each a plan of its own, and what its answers mean."""

    start: Plan
    poll: Plan
    locate: Plan | None
    done: Flag
    failed: Condition | None
    empty: Condition | None
    every: float
    timeout: float
    fetches: bool
    """Whether the result is fetched; else the last poll's answer holds it."""
    each: Template | None
    as_: str
    handle: frozenset[str] | None
    """The names in the answer to `start` that the job is gone on with; None: all of it."""
