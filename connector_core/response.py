"""What comes back: how the body is decoded, and the records in it.

::

    decode: json
    records: body.data
    primary_key: id
    filter: record.status != 'draft'
    on_invalid: reject
"""

from typing import Annotated, Any, Literal

from connector_core.address import MISSING, AnswerPath, BodyPath, FieldPath
from connector_core.component import Model, NeverNull
from connector_core.decode import Steps
from connector_core.exceptions import ResponseError
from connector_core.template import Condition, Reads

__all__ = ["ResponseKeys", "as_objects", "records_of", "rows_of"]


class ResponseKeys(Model):
    """The keys of an answer that the connector may set for all its endpoints."""

    decode: Annotated[Steps | None, NeverNull("leave the key out")] = None
    """How the body becomes a value: a decoder, or a list of containers and the decoder for what is in them."""
    records: BodyPath | None = None
    """Where the records stand. An object is one record, a scalar becomes `{value: …}`."""
    columns: BodyPath | None = None
    """Where the names of the columns stand, where records are lists of values; each becomes an object."""
    primary_key: FieldPath | list[FieldPath] | None = None
    """What tells one record from another as they are handed out: a field, or a list of them."""
    filter: Annotated[Condition, Reads("filter")] | None = None
    """A condition on `record` as it came and `key`; only records for which it is true are kept."""
    on_invalid: Literal["keep", "reject", "fail"] | None = None
    """What becomes of a record that does not fit the endpoint's `schema`: `keep` and `reject` report it, `fail` ends
    the reading. Left out: no record is looked at."""


_OBJECTS = frozenset({dict})


def records_of(body: Any, path: AnswerPath) -> list[dict[str, Any]] | None:
    """The records at `path` of a decoded body, each an object; None where nothing is there at all."""
    found = path.take({"body": body})
    if found is MISSING:
        return None
    if found is None:
        return []
    return as_objects(found if isinstance(found, list) else [found])


def as_objects(items: list[Any]) -> list[dict[str, Any]]:
    """The records that the items are: an object is one, anything else becomes the `value` of one."""
    if set(map(type, items)) <= _OBJECTS:  # a fifth of what a loop over them costs
        return items
    return [record if isinstance(record, dict) else {"value": record} for record in items]


def rows_of(body: Any, path: BodyPath, columns: BodyPath) -> list[dict[str, Any]] | None:
    """The records at `path`, each a list of values in the body, as objects; raises ResponseError where they don't fit.

    A row that is shorter than the columns has null for the rest: services leave empty values at the end out. Where the
    columns stand among the rows, they are no record.
    """
    scope = {"body": body}
    found = path.take(scope)
    if found is MISSING:
        return None
    if found is None or found == []:
        return []
    names = _names(columns.take(scope), columns)
    rows = list(found) if isinstance(found, list) else [found]
    if (at := columns.index_in(path)) is not None:
        del rows[at]
    return [_row(row, names, number) for number, row in enumerate(rows, 1)]


def _names(found: Any, columns: AnswerPath) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise _unfit(f"there are no names of columns at {columns}, and the records need them")
    if len(set(found)) < len(found):
        raise _unfit(f"two of the columns at {columns} have the same name")
    return found


def _row(row: Any, names: list[str], number: int) -> dict[str, Any]:
    if isinstance(row, dict):
        return row
    if not isinstance(row, list):
        raise _unfit(f"record {number} is no list of values, and columns say that it is")
    if len(row) > len(names):
        raise _unfit(f"record {number} has {len(row)} values for {len(names)} columns")
    return {**dict.fromkeys(names[len(row) :]), **dict(zip(names, row, strict=False))}


def _unfit(what: str) -> ResponseError:
    return ResponseError(what, hint="compare records and columns with what the service sends", code="response.columns")
