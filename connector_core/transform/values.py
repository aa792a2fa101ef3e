"""The kind that gives fields a value: set."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from connector_core.address import MISSING
from connector_core.exceptions import ResponseError
from connector_core.template import PLACES, MissingError, Reads, TemplateError, Value
from connector_core.template.places import EVERYWHERE
from connector_core.transform.family import NO_HOOKS, Hooks, Record, Scope, Step, Transform, some
from connector_core.transform.paths import FieldName, changed, copied, keys_of, meet, names_in

__all__ = ["Set"]

_VARYING: Final = PLACES["transform"] - EVERYWHERE
"""The names that are others for each record; what reads none of them is the same for a page."""


class Set(Transform):
    """Gives fields a value; a template may read the `record` as the steps before have left it.

    Objects on the way are made where nothing or null is; what else stands in the way stays as it is. Where one whole
    template is missing, its field is not set.

    Example: `transform: [{type: set, fields: {source: shop, customer_id: "{{ record.customer.id }}"}}]`
    """

    type: Literal["set"] = "set"
    fields: Annotated[dict[FieldName, Annotated[Value, Reads("transform")]], some]
    """The value of each field, by its path; later ones see those before."""

    def apply(self, record: Record, scope: Scope, hooks: Hooks = NO_HOOKS) -> Record:  # noqa: ARG002 - the family's
        """A copy with the values."""
        for path, value in self.fields.items():
            found = _rendered(path, value, {**scope, "record": record})
            if found is not MISSING:
                record = _with(record, keys_of(path), found)
        return record

    def may_bring(self, field: Sequence[str]) -> bool:
        """What is named."""
        return any(meet(keys_of(path), field) for path in self.fields)

    def steps(self, hooks: Hooks) -> Iterator[Step]:  # noqa: ARG002 - the family's
        """One for each field."""
        for path, value in self.fields.items():
            keys = keys_of(path)
            if not any(read[0] in _VARYING for read in value.reads):
                yield _setting_all(path, value)
            elif len(keys) == 1 and keys != ("*",) and (taken := _taken(value)):
                yield _taking(keys[0], taken)
            else:
                yield _setting_each(path, value)


def _rendered(path: str, value: Value, names: Mapping[str, Any]) -> Any:
    try:
        return value.value(names)
    except (MissingError, TemplateError) as error:
        raise _unset(path, value, error) from None


def _unset(path: str, value: Value, error: Exception) -> ResponseError:
    return ResponseError(
        f"{path} cannot be set: {error}",
        hint=f"the spec makes it from {value.source!r}; say what an absence means, such as | default('')",
        code="transform.set",
    )


def _with(value: Any, keys: Sequence[str], new: Any) -> Any:
    """A copy with the new value at the path."""
    if not keys:
        return copied(new)
    key, rest = keys[0], keys[1:]
    if key == "*":
        return changed(value, ["*"], lambda inner: _with(inner, rest, new))
    if value is None and "*" not in keys:
        value = {}
    if not isinstance(value, dict) or ("*" in rest and key not in value):
        return value
    return {**value, key: _with(value.get(key), rest, new)}


def _put(holder: Any, keys: tuple[str, ...], value: Any) -> None:
    """Puts a value of its own at the path."""
    key, rest = keys[0], keys[1:]
    names = (key,) if key != "*" and "*" not in rest and holder.__class__ is dict else names_in(holder, key)
    for name in names:
        if not rest:
            holder[name] = copied(value)
            continue
        below = holder.get(name) if holder.__class__ is dict else holder[name]
        if below is None and "*" not in rest:
            below = holder[name] = {}
        _put(below, rest, value)


def _setting_all(path: str, value: Value) -> Step:
    """For a value that is the same for the whole page."""
    keys = keys_of(path)
    name = keys[0] if len(keys) == 1 else "*"

    def run(records: list[Record], scope: Scope) -> None:
        found = _rendered(path, value, scope) if records else MISSING
        if found is MISSING:
            return
        if name == "*" or found.__class__ is dict or found.__class__ is list:
            for record in records:
                _put(record, keys, found)
        else:
            for record in records:
                record[name] = found

    return run


def _setting_each(path: str, value: Value) -> Step:
    """For a value that each record has its own of."""
    keys = keys_of(path)

    def run(records: list[Record], scope: Scope) -> None:
        names: dict[str, Any] = {**scope}
        for record in records:
            names["record"] = record  # one dict for the page: nothing keeps it
            if (found := _rendered(path, value, names)) is not MISSING:
                _put(record, keys, copied(found))  # as it is now: it may hold what changes on the way

    return run


def _taking(name: str, keys: Sequence[str]) -> Step:
    """For a value that stands elsewhere in the record; what a template makes of it, without a call for each record."""

    def run(records: list[Record], _scope: Scope) -> None:
        for record in records:
            found: Any = record
            try:
                for key in keys:
                    found = found[key]
            except (KeyError, TypeError):
                continue
            record[name] = copied(found) if found.__class__ is dict or found.__class__ is list else found

    return run


def _taken(value: Value) -> Sequence[str]:
    """The keys of a value that is a place in the record and no more: `{{ record.customer.id }}`; else none."""
    [(root, *keys), *others] = value.reads
    if others or root != "record" or not isinstance(value.raw, str):
        return ()
    written = value.raw.strip().removeprefix("{{").removesuffix("}}").strip()
    return tuple(keys) if written == ".".join((root, *keys)) else ()
