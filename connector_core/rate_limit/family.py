"""What a spec says about the pace: rates, a bucket that refills, how many at once, and where answers tell what is left.

::

    rate_limit:
      rates: [10/second, 5000/hour]
      concurrency: 8
      feedback: {remaining: header.X-Remaining, reset: {take: header.X-Reset, format: epoch_seconds}}
"""

from typing import Annotated, Any, Literal, Self

from msgspec import Struct
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from connector_core.address import AnswerPath
from connector_core.component import Component, Late, Model
from connector_core.formats import FormattedTake
from connector_core.rate_limit.bucket import Terms
from connector_core.template import Reads, Template
from connector_core.units import Duration, Rate

__all__ = ["ExactWindow", "Feedback", "RateLimit", "Where"]

READ_WAITS, CALL_WAITS = 3600.0, 90.0
"""Seconds that the page of a read, and a call, wait for their turn at most where the spec says nothing."""


class Where(Struct, frozen=True):
    """In an annotation: an address in the answer, or a template that reads it; and the long form with a format."""

    formatted: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        if not self.formatted:
            return core_schema.no_info_plain_validator_function(_place)
        return core_schema.no_info_wrap_validator_function(
            lambda value, mapping: mapping(value) if isinstance(value, dict) else _place(value),
            handler.generate_schema(FormattedTake),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Text, and the mapping of the long address."""
        text = {"type": "string", "examples": ["header.X-RateLimit-Remaining", "{{ body.limits.left }}"]}
        return {"anyOf": [text, handler(schema)]} if self.formatted else text


def _place(value: Any) -> AnswerPath | Template | FormattedTake:
    if isinstance(value, FormattedTake):
        return value
    if isinstance(value, Template) or (isinstance(value, str) and "{{" in value):
        return Template.parse(value)
    return AnswerPath.parse(value)


Place = Annotated[AnswerPath | Template, Where(), Reads("errors")]


class Feedback(Model):
    """Where answers tell how much is left; what they say can only make the pace slower.

    Example: `rate_limit: {rates: [10/second], feedback: {remaining: header.X-Remaining, reset: header.X-Reset}}`
    """

    remaining: Place | None = None
    """How much may still be asked for."""
    limit: Place | None = None
    """How much it was at first: tells which of several rates is meant where there is no `reset`."""
    reset: Annotated[AnswerPath | FormattedTake | Template, Where(formatted=True), Reads("errors")] | None = None
    """When that changes: in seconds from now, if no format says otherwise."""
    cost: Place | None = None
    """What the request did cost, where that is known only afterwards."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.remaining is None and self.cost is None:
            raise ValueError("says nothing: give it 'remaining', or 'cost'")
        return self

    @property
    def reads_body(self) -> bool:
        """Whether the body has to be decoded for it."""
        for place in (self.remaining, self.limit, self.reset, self.cost):
            address = place.take if isinstance(place, FormattedTake) else place
            if isinstance(address, AnswerPath) and address.root == "body":
                return True
            if isinstance(address, Template) and any(read[0] == "body" for read in address.reads):
                return True
        return False


class RateLimit(Component, key="rate_limit", default="exact_window"):
    """The pace that the service asks for."""

    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Requests under way at once, at most. Numbered pages are read side by side up to that; left out, one by one."""
    scope: Annotated[Template, Reads("base_url")] | None = None
    """Who shares it. A name: the endpoints of one connection that give the same name. A template: all connections that
    it gives the same value for. Left out: this connection alone, and where an endpoint says it, this endpoint alone."""
    feedback: Late[Feedback] | None = None
    """Where answers tell how much is left; the `RateLimit` fields of the IETF are understood without it."""
    max_wait: Duration | None = None
    """How long a request waits for its turn at most; left out: a page of a read 1h, a call 90s. One that would have to
    wait longer fails at once."""

    def terms(self) -> Terms:
        """What the kind's fields come to."""
        return Terms(concurrency=self.concurrency)

    def patience(self, *, readable: bool) -> float:
        """Seconds that a request waits at most."""
        return self.max_wait if self.max_wait is not None else READ_WAITS if readable else CALL_WAITS


class ExactWindow(RateLimit):
    """At most so many requests in any window of that length, and so many at once.

    Example: `rate_limit: {rates: [10/second, 5000/hour], concurrency: 8}`
    """

    type: Literal["exact_window"] = "exact_window"
    rates: Annotated[list[Rate], Field(max_length=8)] = []
    """How many in which time; every one of them holds."""

    @model_validator(mode="after")
    def _one_for_each_period(self) -> Self:
        periods = [period for _, period in self.rates]
        if len(periods) != len(set(periods)):
            raise ValueError("has two rates for the same time: keep the smaller one")
        return self

    def terms(self) -> Terms:
        """One window for each rate."""
        return Terms(tuple((float(count), period) for count, period in self.rates), concurrency=self.concurrency)
