"""A call that sends a list in several requests.

::

    endpoints:
      add_contacts:
        post: /contacts/batch
        input: {contacts: {type: array}}
        batch: {of: "{{ input.contacts }}", size: 100, put: body.inputs, results: body.results, failed: result.error}

The call gives the items' results in the order of the items. Where the service refuses some of them the call raises
BatchError, which holds the results of all.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from connector_core.address import MISSING, AnswerPath, Put
from connector_core.component import Model
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.request import render
from connector_core.template import Condition, Reads, Template

__all__ = ["BatchWrite"]


class BatchWrite(Model):
    """How a list is sent in parts."""

    of: Annotated[Template, Reads("call")]
    """The list: one whole template, such as `"{{ input.contacts }}"`."""
    size: Annotated[int, Field(ge=1, le=100_000)]
    """How many items a request takes."""
    put: Put
    """Where they go."""
    results: AnswerPath | None = None
    """Where the answer has their results, in the same order."""
    failed: Annotated[Condition, Reads("batch")] | None = None
    """A condition on `result`, true where the item was refused."""

    def parts(self, scope: Mapping[str, Any]) -> Iterator[list[Any]]:
        """The list in parts; raises ConfigError where it is none."""
        found = render(self.of, scope, "batch.of")
        if found is MISSING or found is None:
            found = []
        if not isinstance(found, list):
            raise ConfigError("batch.of is not a list", where=self.of.source, hint="pass a list")
        return (found[start : start + self.size] for start in range(0, len(found), self.size))

    def taken(self, scope: Mapping[str, Any], count: int) -> list[Any]:
        """The results of a part's items; raises ResponseError where they are not as many."""
        if self.results is None:
            return [None] * count
        found = self.results.take(scope)
        if not isinstance(found, list) or len(found) != count:
            got = f"{len(found)} results" if isinstance(found, list) else "no list"
            raise ResponseError(
                f"there is {got} at {self.results} for {count} items",
                hint="compare batch.results with the service's documentation",
                code="batch.results",
            )
        return found

    def refused(self, result: Any, scope: Mapping[str, Any]) -> bool:
        """Whether an item's result says that it was refused."""
        return self.failed is not None and self.failed.holds({**scope, "result": result})
