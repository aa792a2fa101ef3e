"""Whether a value fits a schema, and how it does not, in words.

A scalar under `type`, `enum`, `const` and `format` is judged here; only what says more imports jsonschema, with the
same verdicts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from connector_core.component import suggestion
from connector_core.http import is_binary
from connector_core.identity import identity
from connector_core.json_schema.dialect import ANNOTATIONS, LONGEST_MATCHED, TYPES, compiled
from connector_core.json_schema.formats import BINARY, FORMATS
from connector_core.source import dotted

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

__all__ = ["judgement", "validator", "violations"]

MOST_VIOLATIONS = 20
LONGEST_SHOWN = 60
MOST_SHOWN = 50

_SIMPLE = {*ANNOTATIONS, "const", "enum", "format", "optional", "rotate_every", "type"}


def violations(schema: Mapping[str, Any], value: Any, *, secret: bool = False, files: bool = False) -> list[str]:
    """How the value breaks a schema that `check` accepts, in words that follow its name; at most 20, none if it fits.

    Nothing of a `secret` value is in them. `files`: text of the format `binary` is bytes, a path or an open file, and
    nothing else is; without it that format only tells readers something.
    """
    if isinstance(value, dict | list) or any(key not in _SIMPLE and not key.startswith("x-") for key in schema):
        return _deeply(schema, value, secret=secret, files=files)
    if files and schema.get("format") == "binary":
        return _no_file(schema, value, secret=secret)
    return [_words(key, schema[key], value, secret=secret) for key in schema if _breaks(key, schema[key], value)]


def _no_file(schema: Mapping[str, Any], value: Any, *, secret: bool) -> list[str]:
    """As `violations` of a simple schema whose text is binary."""
    if isinstance(value, str):
        return [_words("format", "binary", value, secret=secret)]
    if is_binary(value) and "string" in _listed(schema.get("type", "string")):
        schema = {key: argument for key, argument in schema.items() if key != "type"}
    return [_words(key, schema[key], value, secret=secret) for key in schema if _breaks(key, schema[key], value)]


def _deeply(schema: Mapping[str, Any], value: Any, *, secret: bool, files: bool) -> list[str]:
    try:
        errors = list(islice(validator(files=files)(schema).iter_errors(value), MOST_VIOLATIONS))
    except RecursionError:
        return ["is nested too deeply"]
    return list(dict.fromkeys(_told(error, secret=secret) for error in errors))


def _breaks(keyword: str, argument: Any, value: Any) -> bool:
    match keyword:
        case "type":
            return not any(_is(value, name) for name in _listed(argument))
        case "enum":
            return not any(_same(value, other) for other in argument)
        case "const":
            return not _same(value, argument)
        case "format":
            return argument in FORMATS and isinstance(value, str) and not FORMATS[argument].holds(value)
    return False


def _listed(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else types


def _is(value: Any, type_: str) -> bool:
    match type_:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "integer":
            return _is(value, "number") and (isinstance(value, int) or value.is_integer())
    return False


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


@cache
def validator(*, files: bool = False) -> Callable[[Mapping[str, Any]], Validator]:
    """The draft's own validator, with our formats, a cap on what patterns are tried on, exact steps, and no squares."""
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

    def pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not _fits(pattern, value):
            yield ValidationError("pattern")

    def multiple_of(validator: Any, step: float, value: Any, _schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(value, "number") and not _divides(step, value):
            yield ValidationError("multipleOf")

    def unique_items(validator: Any, wanted: bool, value: Any, _schema: Any) -> Iterator[ValidationError]:
        if wanted and validator.is_type(value, "array") and len(set(map(identity, value))) < len(value):
            yield ValidationError("uniqueItems")

    def type_(validator: Any, types: str | list[str], value: Any, schema: Any) -> Iterator[ValidationError]:
        if is_binary(value) and schema.get("format") == "binary" and "string" in _listed(types):
            return
        yield from Draft202012Validator.VALIDATORS["type"](validator, types, value, schema)

    formats = FormatChecker(formats=())
    for name, format_ in {**FORMATS, **({"binary": BINARY} if files else {})}.items():
        formats.checks(name)(partial(_text_holds, format_.holds))
    extended: Any = validators.extend(  # type: ignore[no-untyped-call]  # its stub has no types
        Draft202012Validator,
        {
            "pattern": pattern,
            "multipleOf": multiple_of,
            "uniqueItems": unique_items,
            **({"type": type_} if files else {}),
        },
    )
    return partial(extended, format_checker=formats)


def _fits(pattern: str, value: str) -> bool:
    try:
        return compiled(pattern).matches(value)
    except ValueError:  # it is too long, or holds half a character
        return False


def _text_holds(holds: Callable[[str], bool], value: object) -> bool:
    return not isinstance(value, str) or holds(value)


def _divides(step: Any, value: Any) -> bool:
    """Compared as written: 0.3 is three times 0.1."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return (_exactly(value) / _exactly(step)).denominator == 1


def _exactly(number: Any) -> Fraction:
    return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)


# ── in words ──────────────────────────────────────────────────────────────────────────────────────


def _told(error: Any, *, secret: bool) -> str:
    where = "" if secret or not error.absolute_path else f"{dotted(tuple(error.absolute_path))}: "
    return where + judgement(error, secret=secret)


def judgement(error: Any, *, secret: bool) -> str:
    """What one of the validator's errors means, in words; nothing of a `secret` value is in them."""
    match error.validator:
        case "required":
            missing = [repr(name) for name in error.validator_value if name not in error.instance]
            return f"lacks {', '.join(missing)}"
        case "additionalProperties":
            known = error.schema.get("properties", ())
            unknown = next(name for name in error.instance if name not in known)
            return f"has a key that is not known{suggestion('', known)}" if secret else _unknown_key(unknown, known)
        case "anyOf" | "oneOf":
            return _alternatives(error, secret=secret)
        case "not":
            return "is what the schema's 'not' excludes"
        case "items":  # false: nothing may follow what prefixItems describes
            return _SENTENCES["maxItems"].format(len(error.schema.get("prefixItems", ())))
        case None:  # without a path: jsonschema does not say where
            return "holds what the schema 'false' refuses"
    return _words(str(error.validator), error.validator_value, error.instance, secret=secret)


def _unknown_key(name: str, known: Any) -> str:
    return f"unknown key {name!r}{suggestion(name, known)}"


def _alternatives(error: Any, *, secret: bool) -> str:
    forms = error.context or []
    if not forms:
        return "fits more than one of the schemas under 'oneOf', and may fit only one"
    if any(form.relative_path for form in forms) or len(forms) > len(TYPES):
        return f"fits none of the {len(error.validator_value)} schemas under {str(error.validator)!r}"
    sentences = ", or ".join(dict.fromkeys(judgement(form, secret=True) for form in forms))
    return sentences if secret else f"{sentences}, not {_shown(error.instance)}"


_SENTENCES: Mapping[str, str] = {
    "exclusiveMaximum": "must be less than {0}",
    "exclusiveMinimum": "must be greater than {0}",
    "maxItems": "must have at most {0} items",
    "maxLength": "must have at most {0} characters",
    "maximum": "must be at most {0}",
    "minItems": "must have at least {0} items",
    "minLength": "must have at least {0} characters",
    "minimum": "must be at least {0}",
    "multipleOf": "must be a multiple of {0}",
    "uniqueItems": "must not hold the same item twice",
}


def _words(keyword: str, argument: Any, value: Any, *, secret: bool) -> str:
    """`must be a whole number, not "x"`; without the value where it is secret, or too long to help."""
    if keyword == "pattern" and len(value) > LONGEST_MATCHED:
        return f"must have at most {LONGEST_MATCHED} characters, since it is matched with a pattern"
    sentence = _sentence(keyword, argument)
    if secret or keyword.endswith(("Items", "Length")):
        return sentence
    return f"{sentence}, not {_shown(value)}"


def _sentence(keyword: str, argument: Any) -> str:
    match keyword:
        case "type":
            return f"must be {' or '.join(TYPES[name] for name in _listed(argument))}"
        case "enum":
            more = ", …" if len(argument) > MOST_SHOWN else ""
            return f"must be one of {', '.join(map(_shown, argument[:MOST_SHOWN]))}{more}"
        case "const":
            return f"must be {_shown(argument)}"
        case "format":
            return f"must be {FORMATS.get(argument, BINARY).words}"
        case "pattern":
            return f"must match the pattern {argument}"
    return _SENTENCES[keyword].format(argument)


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if is_binary(value):
        return "a file or bytes"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # no JSON, or an integer of thousands of digits
        return f"that {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
