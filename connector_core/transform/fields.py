"""The kinds that move and remove fields: rename, drop, keep."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from connector_core.address import MISSING
from connector_core.transform.family import NO_HOOKS, Hooks, Record, Scope, Step, Transform, some
from connector_core.transform.paths import (
    FieldName,
    FieldsPath,
    changed,
    covers,
    holders,
    keys_of,
    meet,
    names_in,
    reached,
)

__all__ = ["Drop", "Keep", "Rename"]

Keys = tuple[str, ...]

# ── rename ────────────────────────────────────────────────────────────────────────────────────────


def _split(old: Keys, new: Keys) -> tuple[Keys, Keys, Keys]:
    """What runs over lists, which both paths share, and what is left of each."""
    end = len(old) - old[::-1].index("*") if "*" in old else 0
    return old[:end], old[end:], new[end:] if new[:end] == old[:end] else ()


def _names(fields: dict[str, FieldsPath]) -> dict[str, FieldsPath]:
    sources = {keys_of(old) for old in fields}
    targets: set[Keys] = set()
    for old, new in fields.items():
        _, here, there = _split(keys_of(old), new.keys)
        if not here or not there or "*" in there:
            wrong = f"{old!r} cannot become {str(new)!r}: both run over the same lists, and end in a name"
        elif there[: len(here)] == here and there != here:
            wrong = f"{old!r} cannot become {str(new)!r}, which is inside of it"
        elif new.keys in targets:
            wrong = f"two fields become {str(new)!r}"
        elif new.keys in sources:
            wrong = f"{str(new)!r} is renamed itself; write two steps, in the order that is meant"
        else:
            targets.add(new.keys)
            continue
        raise PydanticCustomError("transform", "{wrong}", {"wrong": wrong})
    return fields


class Rename(Transform):
    """Moves fields: another name in the same object, or another object that is there.

    Both sides are paths from the record's root. What had the new name is replaced. Where the field is not there, or the
    object that it is to stand in, nothing happens.

    Example: `transform: [{type: rename, fields: {cust_id: customer_id, customer.mail: customer.email}}]`
    """

    type: Literal["rename"] = "rename"
    fields: Annotated[dict[FieldName, FieldsPath], some, AfterValidator(_names)]
    """The new path of each field, by the old one."""

    def apply(self, record: Record, scope: Scope, hooks: Hooks = NO_HOOKS) -> Record:  # noqa: ARG002 - the family's
        """A copy with the new names."""
        for old, new in self.fields.items():
            shared, here, there = _split(keys_of(old), new.keys)

            def move(base: Any, here: Keys = here, there: Keys = there) -> Any:
                found = list(reached([base], here))
                if not found or not any(isinstance(holder, dict) for holder in reached([base], there[:-1])):
                    return base
                without = changed(base, here, lambda _value: MISSING)
                return changed(without, there[:-1], lambda holder: {**holder, there[-1]: found[0]})

            record = changed(record, shared, move)
        return record

    def may_bring(self, field: Sequence[str]) -> bool:
        """Under a new name."""
        return any(meet(new.keys, field) for new in self.fields.values())

    def loses(self, field: Sequence[str]) -> str | None:
        """Under an old name."""
        return "renames" if any(covers(keys_of(old), field) for old in self.fields) else None

    def steps(self, hooks: Hooks) -> Iterator[Step]:  # noqa: ARG002 - the family's
        """One for each field."""
        for old, new in self.fields.items():
            keys = keys_of(old)
            if len(keys) == len(new.keys) == 1:
                yield _renaming(keys[0], new.keys[0])
            else:
                yield _moving(*_split(keys, new.keys))


def _renaming(old: str, new: str) -> Step:
    def run(records: list[Record], _scope: Scope) -> None:
        for record in records:
            if old in record:
                record[new] = record.pop(old)

    return run


def _moving(shared: Keys, here: Keys, there: Keys) -> Step:
    def run(records: list[Record], _scope: Scope) -> None:
        for base in reached(records, shared):
            for target in reached((base,), there[:-1]):
                for holder in reached((base,), here[:-1]):
                    if target.__class__ is dict and names_in(holder, here[-1]):
                        target[there[-1]] = holder.pop(here[-1])

    return run


# ── drop and keep ─────────────────────────────────────────────────────────────────────────────────


class Drop(Transform):
    """Removes fields.

    Example: `transform: [{type: drop, fields: [internal_notes, items.*.cost]}]`
    """

    type: Literal["drop"] = "drop"
    fields: Annotated[list[FieldsPath], some]
    """What is removed."""

    def apply(self, record: Record, scope: Scope, hooks: Hooks = NO_HOOKS) -> Record:  # noqa: ARG002 - the family's
        """A copy without the fields."""
        for path in self.fields:
            record = changed(record, path.keys, lambda _value: MISSING)
        return record

    def may_bring(self, field: Sequence[str]) -> bool:  # noqa: ARG002 - the family's
        """It makes no field."""
        return False

    def loses(self, field: Sequence[str]) -> str | None:
        """What is named."""
        return "drops" if any(covers(path.keys, field) for path in self.fields) else None

    def steps(self, hooks: Hooks) -> Iterator[Step]:  # noqa: ARG002 - the family's
        """One for each field."""
        for path in self.fields:
            yield _dropping(path.keys[0]) if len(path.keys) == 1 and path.keys != ("*",) else _clearing(path.keys)


def _dropping(name: str) -> Step:
    def run(records: list[Record], _scope: Scope) -> None:
        for record in records:
            if name in record:
                del record[name]

    return run


def _clearing(keys: Keys) -> Step:
    def run(records: list[Record], _scope: Scope) -> None:
        for record in records:
            for holder, names in holders(record, keys):
                for name in reversed(names):  # positions stay right from the end on
                    del holder[name]

    return run


Tree = dict[str, "Tree | None"]
"""The paths that are kept, as a tree; None: everything there."""


class Keep(Transform):
    """Removes every other field.

    An object or list on the way to a kept field stays, with what is kept of it.

    Example: `transform: [{type: keep, fields: [id, customer.id, items.*.sku]}]`
    """

    type: Literal["keep"] = "keep"
    fields: Annotated[list[FieldsPath], some]
    """What stays."""

    def apply(self, record: Record, scope: Scope, hooks: Hooks = NO_HOOKS) -> Record:  # noqa: ARG002 - the family's
        """A record of the kept fields."""
        picked: Record = _picked(record, _tree([path.keys for path in self.fields]))
        return picked

    def may_bring(self, field: Sequence[str]) -> bool:  # noqa: ARG002 - the family's
        """It makes no field."""
        return False

    def loses(self, field: Sequence[str]) -> str | None:
        """What is not named."""
        return None if any(meet(path.keys, field) for path in self.fields) else "does not keep"

    def steps(self, hooks: Hooks) -> Iterator[Step]:  # noqa: ARG002 - the family's
        """One."""
        tree = _tree([path.keys for path in self.fields])
        names = tuple(tree)
        if any(below is not None for below in tree.values()) or "*" in names:

            def run(records: list[Record], _scope: Scope) -> None:
                records[:] = [_picked(record, tree) for record in records]

        else:

            def run(records: list[Record], _scope: Scope) -> None:
                records[:] = [{name: record[name] for name in names if name in record} for record in records]

        yield run


def _tree(paths: Sequence[Keys]) -> Tree:
    tree: Tree = {}
    for keys in paths:
        below: Tree | None = None
        for key in reversed(keys):
            below = {key: below}
        tree = _joined(tree, below) or {}
    return _with_any(tree)


def _joined(one: Tree | None, other: Tree | None) -> Tree | None:
    """What either of them keeps."""
    if one is None or other is None:
        return None
    return {
        key: _joined(one[key], other[key]) if key in one and key in other else {**one, **other}[key]
        for key in {**one, **other}
    }


def _with_any(tree: Tree) -> Tree:
    """The tree in which what is kept of any key is kept of those that are named as well."""
    joined = {key: _joined(below, tree["*"]) if "*" in tree else below for key, below in tree.items()}
    return {key: below if below is None else _with_any(below) for key, below in joined.items()}


def _picked(value: Any, tree: Tree | None) -> Any:
    """What is kept of the value; MISSING where nothing lies below it."""
    if tree is None:
        return value
    if value.__class__ is list and "*" in tree:
        return [item for inner in value if (item := _picked(inner, tree["*"])) is not MISSING]
    if value.__class__ is not dict:
        return MISSING
    names = [*(name for name in tree if name in value), *(name for name in value if "*" in tree and name not in tree)]
    found = {name: _picked(value[name], tree[name if name in tree else "*"]) for name in names}
    return {name: item for name, item in found.items() if item is not MISSING}
