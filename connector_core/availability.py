"""When an integration may be used at all: the app's flag for it, and when its provider is known to be away.

::

    availability:
      flag: shop-orders
      maintenance:
        - {from: "2030-01-31T02:00:00Z", to: "2030-01-31T04:00:00Z", message: The provider moves its databases.}

Rule 1: nothing here looks at circuits: a service that fails is left alone by its circuit, and comes back by itself.
Rule 2: a flag that can't be told is the default: what decides about flags must not become an outage.
"""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from connector_core.component import Model
from connector_core.formats import rfc3339

__all__ = ["Availability", "Maintenance"]


def _time(text: str) -> str:
    rfc3339(text)
    return text


Time = Annotated[
    str,
    AfterValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2030-01-31T02:00:00Z"]}),
]


class Maintenance(Model):
    """A time in which the provider is away."""

    from_: Time = Field(alias="from")
    """When it begins, such as `2030-01-31T02:00:00Z`."""
    to: Time
    """When it is over."""
    message: str = ""
    """What whoever is refused is told."""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.begins >= self.ends:
            raise ValueError("is over before it begins: 'to' must be later than 'from'")
        return self

    @property
    def begins(self) -> float:
        """Seconds since 1970."""
        return rfc3339(self.from_).timestamp()

    @property
    def ends(self) -> float:
        """Seconds since 1970."""
        return rfc3339(self.to).timestamp()


class Availability(Model):
    """When the integration may be used.

    Example: `availability: {flag: shop-orders}`
    """

    flag: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The name under which the app's feature flags know it; left out: `integration.` and the connector's name."""
    maintenance: Annotated[list[Maintenance], Field(max_length=100)] = []
    """When the provider is away: nothing is sent then."""
