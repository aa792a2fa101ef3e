"""A read that is done once for each record of another endpoint, or for each value of a list.

::

    for_each: {endpoint: customers, as: customer}                       # {{ customer.id }} in path, params, transform
    for_each: {endpoint: customers, as: ids, take: id, batch: {size: 50, put: query.ids, join: ","}}
    for_each: {values: "{{ config.regions }}", as: region}
    for_each: [{endpoint: teams, as: team}, {values: [open, done], as: state}]      # every pair

Each value is a *partition*: pages of its own, read beside those of other partitions. The names of the parent's own
partitions stay visible. A list is the product of its entries, the first entry's values outermost.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.address import MISSING, FieldPath, Put, as_text
from connector_core.component import Late, Model
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.request import FreeName
from connector_core.template import MissingError, Reads, Template, TemplateError, Value

__all__ = ["WHOLE", "Batch", "Distinct", "ForEach", "Partition", "ProductOf"]


class Partition(Struct, frozen=True):
    """One value to read for: what its names mean, and what tells it from the others."""

    names: Mapping[str, Any]
    """`as` name → the parent's record or the value; the ancestors' too."""
    key: Mapping[str, Any]
    """`as` name → the parent's primary key or the value, as JSON."""
    batch: tuple[Any, list[Any]] | None = None
    """The batch's place and its values, where several go into one request."""
    endpoint: str = ""
    """The name of the endpoint that it is, where `for_each.name` makes it one."""

    def placed(self, request: Request) -> Request:
        """The request with the batch's values in it."""
        return request if self.batch is None else self.batch[0].placed(request, self.batch[1])


WHOLE = Partition({}, {})
"""The one partition of a read that is done once."""


class Batch(Model):
    """Several values in one request."""

    size: Annotated[int, Field(ge=1, le=100_000)]
    """How many values at most."""
    put: Put
    """Where they go."""
    join: str | None = None
    """The text between them; left out: a query's name is repeated, and a body gets a list."""

    def placed(self, request: Request, values: list[Any]) -> Request:
        """The request with the values where they go."""
        if self.join is not None:
            return self.put.put(request, self.join.join(map(as_text, values)))
        if self.put.root == "query":
            name = self.put.keys[0]
            kept = tuple(pair for pair in request.query if pair[0] != name)
            return replace(request, query=(*kept, *((name, as_text(value)) for value in values)))
        return self.put.put(request, list(values))

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.join is None and self.put.root in ("header", "cookie"):
            raise ValueError(f"a {self.put.root} holds one text: say what stands between the values, join: ','")
        return self


class ForEach(Model):
    """What a read is done for, one partition after another."""

    endpoint: str | None = None
    """The endpoint whose records it is done for."""
    values: Annotated[Value, Reads("base_url")] | None = None
    """The values it is done for: a list, or a template that gives one; where it is not empty, it stands in for
    `endpoint`."""
    as_: FreeName = Field(alias="as")
    """The name of the record or value in templates."""
    take: FieldPath | None = None
    """The part of the parent's record that is meant; a list in it counts as several values, and each value once."""
    only: Literal["all", "changed"] = "all"
    """In a sync: `changed` reads the partitions of those parents alone that changed."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many partitions are read side by side; left out: as many as `rate_limit.concurrency` allows requests."""
    batch: Batch | None = None
    """Puts several values into one request; the name then stands for the list of them."""
    name: Annotated[Template, Reads("base_url")] | None = None
    """Makes each value an endpoint of its own, by this name."""

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.endpoint is None and self.values is None:
            raise ValueError("says nothing to read for: give it an 'endpoint' or 'values'")
        if self.take is not None and self.endpoint is None:
            raise ValueError("'take' is a part of a parent's record, and there is no 'endpoint'")
        if self.name is not None and self.batch is not None:
            raise ValueError("a batch has no name: each value is an endpoint, or several share a request")
        return self

    def given(self, scope: Mapping[str, Any]) -> list[Any] | None:
        """The list that `values` stand for; None where it has none, so that the endpoint is read."""
        if self.values is None:
            return None
        try:
            found = self.values.value(scope)
        except (MissingError, TemplateError) as error:
            raise ConfigError(str(error), where=f"for_each.values: {self.values.source}") from None
        if found is MISSING or found is None or found == []:
            return None if self.endpoint is not None else []
        if not isinstance(found, list):
            raise ConfigError(
                "for_each.values is not a list", where=self.values.source, hint="make it one: | split(','), or [value]"
            )
        return found

    def taken(self, record: Mapping[str, Any]) -> list[Any]:
        """What of a parent's record is meant: the record, or the values at `take`."""
        if self.take is None:
            return [record]
        found = self.take.take(record)
        values = found if isinstance(found, list) else [found]
        return [value for value in values if value is not MISSING and value is not None]

    def below(self, before: Partition, value: Any, key: Any) -> Partition:
        """The partition of one value, or of a batch's values, inside of another partition."""
        batch = before.batch if self.batch is None else (self.batch, value)
        return Partition({**before.names, self.as_: value}, {**before.key, self.as_: key}, batch, before.endpoint)

    def named(self, partition: Partition, scope: Mapping[str, Any]) -> Partition:
        """The partition with the name that makes it an endpoint of its own, if it has one."""
        if self.name is None:
            return partition
        try:
            return replace(partition, endpoint=str(self.name.text({**scope, **partition.names})))
        except (MissingError, TemplateError) as error:
            raise ConfigError(str(error), where=f"for_each.name: {self.name.source}") from None


class Distinct:
    """Lets each value through once; values are told apart as JSON."""

    def __init__(self) -> None:
        self._seen: set[Any] = set()

    def of(self, values: Iterable[Any]) -> Iterator[Any]:
        """The values that did not come before."""
        for value in values:
            mark = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str).encode()
            if mark not in self._seen:
                self._seen.add(mark)
                yield value


class _OneOrMany:
    """In an annotation of a list: the JSON Schema has the item without the list too, which overlay makes one."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        written = handler(schema)
        return {"anyOf": [written["items"], written]}


def _entries(value: Any) -> Any:
    if isinstance(value, str):
        raise PydanticCustomError(
            "for_each_type",
            "must be a mapping, not text: {shown}",
            {"shown": f"{{endpoint: {value[:40]}, as: …}}, where `as` is the name of each record"},
        )
    return value


ProductOf = Annotated[list[Late[ForEach]], Field(min_length=1, max_length=20), BeforeValidator(_entries), _OneOrMany()]
"""One entry, or a list of them: the product."""
