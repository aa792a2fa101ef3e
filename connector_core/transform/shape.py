"""The kinds that change the shape of a record: flatten, keys, prune, zip."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Annotated, Any, Literal

from pydantic import Field

from connector_core.address import MISSING
from connector_core.exceptions import ResponseError
from connector_core.template.filters.text import snake
from connector_core.template.written import kind_of
from connector_core.transform.family import NO_HOOKS, Hooks, Record, Scope, Step, Transform, some
from connector_core.transform.paths import FieldsPath, copied, holders

__all__ = ["Flatten", "Keys", "Prune", "Zip"]

Depth = Annotated[int, Field(ge=1)]


class _Shape(Transform):
    """A change that is the same for a record and for a page."""

    def change(self, record: Record) -> Record:
        """The record, changed in place, or another one."""
        raise NotImplementedError

    def apply(self, record: Record, scope: Scope, hooks: Hooks = NO_HOOKS) -> Record:  # noqa: ARG002 - the family's
        """What becomes of a copy."""
        return self.change(copied(record))

    def steps(self, hooks: Hooks) -> Iterator[Step]:  # noqa: ARG002 - the family's
        """One."""
        change = self.change

        def run(records: list[Record], _scope: Scope) -> None:
            records[:] = [change(record) for record in records]

        yield run


# ── flatten ───────────────────────────────────────────────────────────────────────────────────────


class Flatten(_Shape):
    """Puts the fields of objects into the object around them: `{customer: {id: 1}}` becomes `{customer_id: 1}`.

    Lists and empty objects stay as they are, and so does an object of which one field would get a name that is taken.

    Example: `transform: [{type: flatten, fields: [customer], separator: "_"}]`
    """

    type: Literal["flatten"] = "flatten"
    fields: Annotated[list[FieldsPath], some] | None = None
    """The objects; left out: every one in the record."""
    separator: Literal["_", "."] = "_"
    """What stands between the names."""
    depth: Depth | None = None
    """How many levels; left out: all."""

    def change(self, record: Record) -> Record:
        """The record with fewer objects in it."""
        for path in [("*",)] if self.fields is None else [path.keys for path in self.fields]:
            for holder, names in holders(record, path):
                if holder.__class__ is dict:
                    self._expand(holder, names)
        return record

    def _expand(self, holder: Record, names: Sequence[str]) -> None:
        for name in names:
            if holder[name].__class__ is not dict or not holder[name]:
                continue
            leaves = list(_leaves(holder[name], name + self.separator, self.separator, self.depth))
            fields = dict(leaves)
            if len(fields) == len(leaves) and fields.keys().isdisjoint(holder):
                del holder[name]
                holder.update(fields)


def _leaves(value: Record, before: str, separator: str, depth: int | None) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if inner.__class__ is dict and inner and depth != 1:
            yield from _leaves(inner, before + key + separator, separator, depth and depth - 1)
        else:
            yield before + key, inner


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


def _camel(words: list[str]) -> str:
    return words[0] + _pascal(words[1:])


def _pascal(words: list[str]) -> str:
    return "".join(word[:1].upper() + word[1:] for word in words)


_STYLES: dict[str, Callable[[list[str]], str]] = {
    "snake": "_".join,
    "kebab": "-".join,
    "camel": _camel,
    "pascal": _pascal,
}


class Keys(_Shape):
    """Writes the names of fields in one style, at every depth.

    A name without a letter stays, and so do underscores that it begins with. So does a name whose new form is taken.

    Example: `transform: [{type: keys, case: snake}]`
    """

    type: Literal["keys"] = "keys"
    case: Literal["snake", "camel", "pascal", "kebab", "lower", "upper"]
    """`customer_id`, `customerId`, `CustomerId`, `customer-id`; `lower` and `upper` change letters and nothing else."""
    depth: Depth | None = None
    """How many levels; left out: all."""

    def change(self, record: Record) -> Record:
        """Another record."""
        found: Record = _keyed(record, partial(_new_names, case=self.case), self.depth)
        return found

    def steps(self, hooks: Hooks) -> Iterator[Step]:  # noqa: ARG002 - the family's
        """One, which remembers the names of objects that are alike."""
        names = lru_cache(1024)(partial(_new_names, case=self.case))
        depth = self.depth

        def run(records: list[Record], _scope: Scope) -> None:
            records[:] = [_keyed(record, names, depth) for record in records]

        yield run


def _keyed(value: Any, names: Callable[[tuple[str, ...]], tuple[str, ...]], depth: int | None) -> Any:
    if depth == 0:
        return value
    if value.__class__ is list:
        return [_keyed(item, names, depth) for item in value]
    if value.__class__ is not dict:
        return value
    below = depth and depth - 1
    return {
        name: _keyed(item, names, below) if item.__class__ is dict or item.__class__ is list else item
        for name, item in zip(names(tuple(value)), value.values(), strict=True)
    }


def _new_names(names: tuple[str, ...], case: str) -> tuple[str, ...]:
    taken = set(names)
    found = []
    for name in names:
        new = _in_case(name, case)
        if new in taken:
            new = name
        taken.add(new)
        found.append(new)
    return tuple(found)


def _in_case(name: str, case: str) -> str:
    if case in ("lower", "upper"):
        return name.lower() if case == "lower" else name.upper()
    if not any(map(str.isalpha, name)):
        return name
    bare = name.lstrip("_")
    return name[: len(name) - len(bare)] + _STYLES[case](snake(bare).split("_"))


# ── prune ─────────────────────────────────────────────────────────────────────────────────────────

Emptiness = Literal["nulls", "texts", "lists", "objects"]
_CLASSES: dict[type, Emptiness] = {type(None): "nulls", str: "texts", list: "lists", dict: "objects"}


class Prune(_Shape):
    """Removes fields that are empty: null, `""`, `[]`, `{}`.

    An object that is empty once its own fields are pruned goes too. Items of lists stay, so that positions do.

    Example: `transform: [prune]`
    """

    type: Literal["prune"] = "prune"
    what: Annotated[list[Emptiness], some] = ["nulls", "texts", "lists", "objects"]
    """Which of them."""
    fields: Annotated[list[FieldsPath], some] | None = None
    """Where; left out: every field, at every depth."""

    def change(self, record: Record) -> Record:
        """The record without them."""
        classes = {cls for cls, name in _CLASSES.items() if name in self.what}
        if self.fields is None:
            _prune(record, classes)
        for path in self.fields or ():
            for holder, names in holders(record, path.keys):
                if holder.__class__ is dict:
                    _remove(holder, names, classes)
        return record

    def may_bring(self, field: Sequence[str]) -> bool:  # noqa: ARG002 - the family's
        """It makes no field."""
        return False


def _prune(value: Any, classes: set[type]) -> None:
    inner = value.values() if value.__class__ is dict else value
    for item in inner:
        if item.__class__ is dict or item.__class__ is list:
            _prune(item, classes)
    if value.__class__ is dict:
        _remove(value, list(value), classes)


def _remove(holder: Record, names: Sequence[str], classes: set[type]) -> None:
    for name in names:
        if not holder[name] and holder[name].__class__ in classes:
            del holder[name]


# ── zip ───────────────────────────────────────────────────────────────────────────────────────────


class Zip(_Shape):
    """Joins a list of names and a list of values to an object, or to one object for each row of values.

    `{columns: [id, name], rows: [[1, Tea], [2, Cup]]}` gives `[{id: 1, name: Tea}, {id: 2, name: Cup}]`. A row that
    ends early lacks its last names; one that is longer than the names is an error. The two lists stay: `drop` removes
    them.

    Example: `transform: [{type: zip, keys: columns.*.name, values: rows, into: items}]`
    """

    type: Literal["zip"] = "zip"
    keys: FieldsPath
    """Where the names are: a list of text."""
    values: FieldsPath
    """Where the values are: a list, or a list of lists."""
    into: str
    """The name of the field that holds what comes of it."""

    def change(self, record: Record) -> Record:
        """The record with one more field, if both lists are there."""
        keys, values = self.keys.take(record), self.values.take(record)
        if keys is not MISSING and keys is not None and values is not MISSING and values is not None:
            record[self.into] = self._joined(self._names(keys), self._list(values, self.values))
        return record

    def _names(self, keys: Any) -> list[str]:
        for name in self._list(keys, self.keys):
            if not isinstance(name, str):
                raise _unfit(f"{self.keys} is a list with {kind_of(name)} in it, and names are text")
        if len(set(keys)) < len(keys):
            raise _unfit(f"{self.keys} has the same name twice")
        return list(keys)

    def _list(self, value: Any, path: FieldsPath) -> list[Any]:
        if not isinstance(value, list):
            raise _unfit(f"{path} is {kind_of(value)}, not a list")
        return value

    def _joined(self, names: list[str], values: list[Any]) -> Any:
        if values and not any(isinstance(row, list) for row in values):
            return self._row(names, values)
        return [self._row(names, self._list(row, self.values)) for row in values]

    def _row(self, names: list[str], row: list[Any]) -> Record:
        if len(row) > len(names):
            raise _unfit(f"{self.values} has {len(row)} values where {self.keys} has {len(names)} names")
        return {name: copied(value) for name, value in zip(names, row, strict=False)}


def _unfit(what: str) -> ResponseError:
    return ResponseError(what, hint="compare the zip in the spec with what the service sends", code="transform.zip")
