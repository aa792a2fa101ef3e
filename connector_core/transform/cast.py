"""The kind that turns values into other types: text into numbers, numbers into text."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from connector_core.component import Model
from connector_core.decode import decode_json
from connector_core.exceptions import ResponseError
from connector_core.formats import Format
from connector_core.template.filters.encodings import json
from connector_core.template.written import kind_of
from connector_core.transform.family import NO_HOOKS, Hooks, Record, Scope, Step, Transform, some
from connector_core.transform.paths import FieldName, changed, holders, keys_of

__all__ = ["Cast"]

Type = Literal["integer", "number", "boolean", "text", "json"]
Read = Callable[[Any], Any]
"""A value that is not null as another type; raises ValueError where it has no such form."""

_INTEGER = re.compile(r"[+-]?[0-9]+(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TRUTHS = dict.fromkeys(("true", "yes", "y", "t", "on", "1"), True) | dict.fromkeys(
    ("false", "no", "n", "f", "off", "0"), False
)


def _integer(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    if isinstance(value, float) and not value.is_integer():  # infinities and NaN are none either
        raise ValueError
    return int(_numeric(value))


def _number(value: Any) -> int | float:
    if isinstance(value, str) and _NUMBER.fullmatch(text := value.strip()):
        found = int(text) if text.lstrip("+-").isdigit() else float(text)
        if isinstance(found, float) and not math.isfinite(found):
            raise ValueError
        return found
    return _numeric(value)


def _numeric(value: Any) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    raise ValueError


def _boolean(value: Any) -> bool:
    if isinstance(value, str) and (found := _TRUTHS.get(value.strip().lower())) is not None:
        return found
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    raise ValueError


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json(value)


def _json(value: Any) -> Any:
    return decode_json(value.encode())[0] if isinstance(value, str) else value


CASTS: Mapping[Type, tuple[Read, str]] = {
    "integer": (_integer, "a whole number"),
    "number": (_number, "a number"),
    "boolean": (_boolean, "true or false"),
    "text": (_text, "text"),
    "json": (_json, "JSON"),
}
"""How a value is read as each type, and what that is called in messages."""


class Recast(Model):
    """A value that is read in one format and written in another."""

    from_: Format = Field(alias="from")
    """The format that it comes in, such as `epoch_seconds` or `%d.%m.%Y`."""
    to: Format = Format("rfc3339")
    """The format that it is written in."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if self.from_.kind != self.to.kind:
            raise ValueError(f"{self.from_.name} is a {self.from_.kind}, and {self.to.name} is a {self.to.kind}")
        return self

    def recast(self, value: Any) -> Any:
        """The value in the other format; raises ValueError."""
        return self.to.write(self.from_.read(value))


def _written(value: Any) -> str:
    return "formats" if isinstance(value, (dict, Recast)) else "type"


To = Annotated[Annotated[Type, Tag("type")] | Annotated[Recast, Tag("formats")], Discriminator(_written)]


class Cast(Transform):
    """Turns values into another type; null stays null.

    `integer` and `number` read numbers, text that writes one, and true and false as 1 and 0; nothing is rounded.
    `boolean` reads 1 and 0, and the words true, yes, y, t, on and their opposites. `text` writes numbers, objects and
    lists as JSON does. `json` reads text that holds JSON, and leaves every other value as it is. A time or duration is
    read in one format and written in another: `{from: epoch_seconds, to: rfc3339}`. What has no such form is an error
    that names the field.

    Example: `transform: [{type: cast, fields: {total: number, items.*.quantity: integer, metadata: json}}]`
    """

    type: Literal["cast"] = "cast"
    fields: Annotated[dict[FieldName, To], some]
    """The type of each field, or the formats that it changes from and to, by its path."""

    def apply(self, record: Record, scope: Scope, hooks: Hooks = NO_HOOKS) -> Record:  # noqa: ARG002 - the family's
        """A copy with the values as other types."""
        for path, to in self.fields.items():
            read = _told(path, to)
            record = changed(record, keys_of(path), read)
        return record

    def may_bring(self, field: Sequence[str]) -> bool:  # noqa: ARG002 - the family's
        """It makes no field."""
        return False

    def steps(self, hooks: Hooks) -> Iterator[Step]:  # noqa: ARG002 - the family's
        """One for each field."""
        for path, to in self.fields.items():
            keys = keys_of(path)
            read = _told(path, to)
            yield _casting(keys[0], read) if len(keys) == 1 and keys != ("*",) else _casting_below(keys, read)


def _told(path: str, to: Type | Recast) -> Read:
    """Reads a value as the type; raises ResponseError, which shows the kind of value and not the value."""
    read, words = (to.recast, to.from_.name) if isinstance(to, Recast) else CASTS[to]

    def told(value: Any) -> Any:
        try:
            return None if value is None else read(value)
        except ValueError:
            raise ResponseError(
                f"{path} is {kind_of(value)} that has no form as {words}",
                hint="correct the cast in the spec, or remove before it what the service means by nothing",
                code="transform.cast",
            ) from None

    return told


def _casting(name: str, read: Read) -> Step:
    def run(records: list[Record], _scope: Scope) -> None:
        for record in records:
            if (value := record.get(name)) is not None:
                record[name] = read(value)

    return run


def _casting_below(keys: tuple[str, ...], read: Read) -> Step:
    def run(records: list[Record], _scope: Scope) -> None:
        for record in records:
            for holder, names in holders(record, keys):
                for name in names:
                    holder[name] = read(holder[name])

    return run
