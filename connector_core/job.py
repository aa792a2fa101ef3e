"""A read whose records are made by the service in the background: an export is started, polled, and its result fetched.

::

    endpoints:
      orders_export:
        job:
          start: {post: /exports, body: {json: {type: orders}}}
          poll: {get: "/exports/{{ job.start.id }}"}
          done: body.status == 'ready'
          failed: body.status == 'failed'
          every: 10s
          timeout: 2h
          result: {each: "{{ job.poll.urls }}", as: url, get: "{{ url }}"}
        records: body

    start ──> poll ──┬─ failed ──> ServerError
               ↑     ├─ empty ───> no records
               └─────┤ (wait)
                     └─ done ────> [locate] ──> result, once for each ──> pages

The answers to start, poll and locate are JSON, known as `job.start`, `job.poll` and `job.locate`. What else speaks of
an answer (`decode`, `records`, `pagination`) speaks of the result, or of the last poll's answer without a `result`.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from connector_core.component import Model
from connector_core.request import FreeName, InlineRequest
from connector_core.template import Condition, Flag, Reads, Template
from connector_core.units import Duration

__all__ = ["Job", "JobResult"]


class JobResult(InlineRequest):
    """The request that fetches what the job made; its keys are a request's."""

    each: Annotated[Template, Reads("request")] | None = None
    """The list of what is fetched one after another: one whole template, such as `"{{ job.poll.urls }}"`."""
    as_: FreeName | None = Field(default=None, alias="as")
    """The name of the item that is fetched."""

    @model_validator(mode="after")
    def _each_has_a_name(self) -> Self:
        if (self.each is None) != (self.as_ is None):
            raise ValueError("'each' and 'as' belong together: the list, and the name of one of its items")
        return self


class Job(Model):
    """A job of the service, from its start to its result."""

    start: InlineRequest
    """The request that starts it."""
    poll: InlineRequest
    """The request that asks how it is doing."""
    done: Annotated[Flag, Reads("poll")]
    """A condition on the poll's answer that is true when the result is there."""
    failed: Annotated[Condition, Reads("poll")] | None = None
    """A condition on the poll's answer that is true when there will be no result."""
    empty: Annotated[Condition, Reads("poll")] | None = None
    """A condition on the poll's answer that is true when there is nothing to fetch."""
    locate: InlineRequest | None = None
    """A further request that tells where the result is, once it is there."""
    every: Duration = 5.0
    """The time between two polls; a longer `Retry-After` of the service is kept."""
    timeout: Duration = 3600.0
    """The longest that the job may take, from its start to its result."""
    result: JobResult | None = None
    """The request that fetches the result; left out where the last poll's answer holds the records."""
