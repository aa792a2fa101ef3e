"""What every kind of transform is, and the list of them as one function over a page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.component import Component

__all__ = ["NO_HOOKS", "Hooks", "Record", "Scope", "Step", "Transform", "fused", "some"]

Record = dict[str, Any]
Scope = Mapping[str, Any]
Step = Callable[[list[Record], Scope], None]
"""Changes the records of a page in place, or puts others into the list."""
Hooks = Mapping[str, Callable[[Record], Record | None]]
"""The functions that plug-ins brought, by name."""
NO_HOOKS: Hooks = {}


class Transform(Component, key="transform"):
    """One change to every record of a page."""

    def apply(self, record: Record, scope: Scope, hooks: Hooks = NO_HOOKS) -> Record:
        """What it makes of one record, which stays as it is; raises ResponseError where it can't be done."""
        raise NotImplementedError

    def steps(self, hooks: Hooks) -> Iterator[Step]:
        """The same for a page of records that nobody else holds; raises ConfigError for a hook that is not there."""
        raise NotImplementedError

    def may_bring(self, field: Sequence[str]) -> bool:  # noqa: ARG002 - for kinds that know
        """Whether a field that was not there may be there afterwards."""
        return True

    def loses(self, field: Sequence[str]) -> str | None:  # noqa: ARG002 - for kinds that know
        """How a field that was there is lost, as in `drops`; None: it is not."""
        return None


def fused(
    transforms: Sequence[Transform], hooks: Hooks = NO_HOOKS
) -> Callable[[list[Record], Scope], list[Record]] | None:
    """All of them over a page, which is changed and given back; None where there are none.

    Every step runs over the whole page before the next one does: what can be decided once is decided once for all its
    records, and what is left to do for each of them is what one would write by hand.
    """
    steps = [step for transform in transforms for step in transform.steps(hooks)]
    if not steps:
        return None

    def run(records: list[Record], scope: Scope) -> list[Record]:
        for step in steps:
            step(records, scope)
        return records

    return run


def _some(fields: Any) -> Any:
    if not fields:
        raise PydanticCustomError("empty", "names no field")
    return fields


class _Some:
    """In an annotation: a mapping or list that may not be empty."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(_some, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        written = handler(schema)
        return {**written, "minProperties" if written["type"] == "object" else "minItems": 1}


some: _Some = _Some()
