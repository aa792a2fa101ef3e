"""An earlier answer, another endpoint, a fixed value."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from connector_core.fallback.family import Failure, Fallback, FromCache, FromEndpoint, FromValue
from connector_core.units import Duration

__all__ = ["Cached", "Constant", "Elsewhere"]


def _fixed(value: Any) -> Any:
    """The value, in which nothing is a template: it is the same whatever was asked for."""
    found = [value]
    for item in found:
        if isinstance(item, str) and "{{" in item:
            raise PydanticCustomError("template", "is a fixed value: there are no templates in it")
        found += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return value


class Cached(Fallback):
    """What the service answered to the same request earlier.

    Example: `fallback: [{type: cache, max_age: 1d}]`
    """

    keeps: ClassVar[bool] = True
    type: Literal["cache"] = "cache"
    max_age: Duration
    """How old it may be."""

    def source(self, failure: Failure) -> FromCache:  # noqa: ARG002 - the same for all
        """The cache."""
        return FromCache(self.max_age)


class Elsewhere(Fallback):
    """What another endpoint gives; it is called with those inputs that it has too.

    Example: `fallback: [{type: endpoint, endpoint: orders}]`
    """

    type: Literal["endpoint"] = "endpoint"
    endpoint: str
    """Its name."""

    def source(self, failure: Failure) -> FromEndpoint:  # noqa: ARG002 - the same for all
        """The endpoint."""
        return FromEndpoint(self.endpoint)

    def leads_to(self) -> str:
        """The endpoint."""
        return self.endpoint


class Constant(Fallback):
    """A fixed value, the last resort.

    Example: `fallback: [{type: value, value: []}]`
    """

    type: Literal["value"] = "value"
    value: Annotated[Any, AfterValidator(_fixed)]
    """The output of a call, or the list of records of a read."""

    def source(self, failure: Failure) -> FromValue:  # noqa: ARG002 - the same for all
        """The value."""
        return FromValue(self.value)

    def holds(self) -> list[Any]:
        """The value."""
        return [self.value]
