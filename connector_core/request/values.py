"""What a spec writes, as it is sent: rendered values, names with texts, and what can't be sent as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from connector_core.address import MISSING, as_text
from connector_core.exceptions import ConfigError
from connector_core.http import is_binary
from connector_core.template import MissingError, Reads, Template, TemplateError, Value

__all__ = ["FieldName", "FixedName", "Sent", "SentAlone", "all_pairs", "encodable", "pairs", "render", "text"]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2


def _fixed(name: str) -> str:
    if "{{" in name:
        raise PydanticCustomError("name", "holds a template; only values can")
    return name


def _field_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise PydanticCustomError("name", "cannot be the name of a header: use letters, digits and hyphens")
    return name


def _single(value: Value) -> Value:
    items = value.raw if isinstance(value.raw, list) else [value.raw]
    if any(isinstance(item, (dict, list)) for item in items):
        raise PydanticCustomError(
            "structure", "{what}: name its parts one by one, such as filter[status]: open", {"what": _STRUCTURE}
        )
    return value


_STRUCTURE = "is an object or a list of lists, and only text and numbers can be sent there"

Sent = Annotated[Value, Reads("request")]
_SINGLE = {"type": ["string", "number", "boolean", "null"]}
SentAlone = Annotated[
    Value,
    AfterValidator(_single),
    Reads("request"),
    WithJsonSchema({"anyOf": [_SINGLE, {"type": "array", "items": _SINGLE}]}),
]
"""A value, or a list of them, that is sent as text under a name."""
FixedName = Annotated[str, AfterValidator(_fixed)]
FieldName = Annotated[str, AfterValidator(_field_name)]


def render(template: Template | Value, scope: Mapping[str, Any], where: str) -> Any:
    """The template's value; what can't be rendered becomes an error that says where in the spec it stands."""
    try:
        return template.value(scope)
    except (MissingError, TemplateError) as error:
        raise _unrendered(error, template, where) from None


def text(template: Template, scope: Mapping[str, Any], where: str) -> str | None:
    """The template's value as text that UTF-8 can write; None where it is one template that is missing or null."""
    try:
        found = template.text(scope)
    except (MissingError, TemplateError) as error:
        raise _unrendered(error, template, where) from None
    if found is MISSING:
        return None
    encodable(found, where)
    return str(found)


def _unrendered(error: Exception, template: Template | Value, where: str) -> ConfigError:
    return ConfigError(str(error), where=where, hint=f"the spec reads it in {template.source!r}")


def pairs(where: str, name: str, value: Value | None, scope: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The name with each of its values; none where the value is null or missing."""
    found = render(value, scope, f"{where}.{name}") if value is not None else None
    items = found if isinstance(found, list) else [found]
    if any(isinstance(item, (dict, list)) for item in items):
        raise ConfigError(
            f"{where}.{name} {_STRUCTURE}",
            hint=f"name its parts one by one: {name}[key]: …, or write it as JSON: | json",
        )
    if any(is_binary(item) for item in items):
        raise ConfigError(
            f"{where}.{name} is a file or bytes, and only text and numbers can be sent there", hint=_SENDS_FILES
        )
    texts = [as_text(item) for item in items if item is not None and item is not MISSING]
    for item in texts:
        encodable(item, f"{where}.{name}")
    return [(name, item) for item in texts]


_SENDS_FILES = "body.bytes sends one, and body.multipart does where it says file: …"


def all_pairs(
    where: str, declared: Mapping[str, Value | None], scope: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    """The names with their values, in order."""
    return tuple(pair for name, value in declared.items() for pair in pairs(where, name, value, scope))


def encodable(written: str, where: str) -> None:
    """Raises ConfigError for text that UTF-8 has no form for."""
    try:
        written.isascii() or written.encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"{where} holds half a character (a lone surrogate), which UTF-8 has no form for", hint="pass whole text"
        ) from None
