"""How fast a service may be asked.

::

    rate_limit: {concurrency: 8}
"""

from typing import Annotated, Literal

from pydantic import Field

from connector_core.component import Component

__all__ = ["ExactWindow", "RateLimit"]


class RateLimit(Component, key="rate_limit", default="exact_window"):
    """The pace that the service asks for."""

    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Requests under way at once, at most. Numbered pages are read side by side up to that; left out, one by one."""


class ExactWindow(RateLimit):
    """At most so many requests at once.

    Example: `rate_limit: {concurrency: 8}`
    """

    type: Literal["exact_window"] = "exact_window"
