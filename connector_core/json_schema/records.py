"""Whether a record fits the schemas of its fields: one verdict per record, without anything of its values in it.

jsonschema judges, and jsonschema-rs before it where that is installed: what it passes is passed, many times faster;
what it refuses is judged again, so that the verdicts and the words are the same with and without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from connector_core.json_schema.formats import FORMATS
from connector_core.json_schema.judgement import judgement, validator
from connector_core.source import dotted

__all__ = ["judge"]

Schema = Mapping[str, Any]

_OTHERWISE = frozenset({"multipleOf", "pattern"})
"""Keywords that the two read differently: steps of decimal fractions, and regular expressions."""


def judge(properties: Mapping[str, Schema]) -> Callable[[Any], str | None]:
    """Gives the first way in which a record breaks the schemas of its fields, in words; None where it fits.

    No field is required. The words name fields that the schema declares, and `*` for items and for every other name.
    """
    schema = {"type": "object", "properties": dict(properties)}

    @cache
    def careful() -> tuple[Any, frozenset[str]]:
        return validator()(schema), frozenset(_declared(schema))

    def told(record: Any) -> str | None:
        judging, names = careful()
        try:
            error = next(judging.iter_errors(record), None)
        except RecursionError:
            return "is nested too deeply"
        return None if error is None else _words(error, names)

    fits = _quick(schema)
    return told if fits is None else lambda record: None if fits(record) else told(record)


def _words(error: Any, names: frozenset[str]) -> str:
    path = tuple(step if step in names else "*" for step in error.absolute_path)
    return f"{dotted(path)}: {judgement(error, secret=True)}"


def _quick(schema: Schema) -> Callable[[Any], bool] | None:
    """The fast judge, if there is one that reads this schema as we do; false where it cannot tell."""
    if any(keyword in _OTHERWISE for part in _parts(schema) for keyword in part):
        return None
    try:
        from jsonschema_rs import (  # type: ignore[import-not-found, unused-ignore]  # an extra, fast-validate
            Draft202012Validator,
        )
    except ImportError:
        return None
    formats = {name: format_.holds for name, format_ in FORMATS.items()}
    is_valid = Draft202012Validator(schema, formats=formats, validate_formats=True).is_valid

    def fits(record: Any) -> bool:
        try:
            return bool(is_valid(record))
        except ValueError:  # what JSON has no form for, or nested beyond its bound
            return False

    return fits


def _declared(schema: Schema) -> Iterator[str]:
    for part in _parts(schema):
        yield from part.get("properties", ())


def _parts(schema: Any) -> Iterator[Schema]:
    """The schema and every schema in it."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for keyword, argument in schema.items():
        if keyword == "properties":
            inner = argument.values()
        elif keyword in ("items", "not", "additionalProperties"):
            inner = [argument]
        else:
            inner = argument if keyword in ("allOf", "anyOf", "oneOf", "prefixItems") else ()
        for below in inner:
            yield from _parts(below)
