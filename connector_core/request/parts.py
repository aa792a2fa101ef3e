"""The parts of a multipart body: text, JSON or files.

::

    multipart:
      title: "{{ input.title }}"
      about: {json: {tags: "{{ input.tags }}"}}
      photo: {file: "{{ input.photo }}", filename: photo.png, type: image/png}

A value that is a list repeats its part; what is null or missing sends none, except null in JSON.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, GetJsonSchemaHandler, Tag, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.address import MISSING
from connector_core.component import Model, alternatives, exactly_one
from connector_core.exceptions import ConfigError
from connector_core.http import Part, is_binary
from connector_core.request.values import Sent, encodable, pairs, render, text
from connector_core.template import Reads, Template
from connector_core.template.written import kind_of

__all__ = ["File", "PartKeys", "Parts", "file_of", "json_text", "parts_of"]

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110 §5.6.2
_TYPE = rf'{_TOKEN}/{_TOKEN}(?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|"[^"\\\x00-\x1f\x7f]*"))*'
_WHAT = ("file", "json_", "text")
_WRITTEN = ("file", "json", "text")
NO_FILE = "declare the input as {type: string, format: binary}, and pass bytes, a path or a file opened in binary mode"


def _whole(template: Template) -> Template:
    if not template.whole:
        raise PydanticCustomError(
            "binary", "must be one whole template such as {{ input.file }}: a spec holds no files"
        )
    return template


def _media_type(template: Template) -> Template:
    if template.literal and not re.fullmatch(_TYPE, template.source):
        raise PydanticCustomError("media_type", "must be a media type such as image/png")
    return template


File = Annotated[Template, AfterValidator(_whole), Reads("request")]
Text = Annotated[Template, Reads("request")]


class PartKeys(Model):
    """One part: a file, JSON, or text. Text that needs nothing said about it stands there by itself."""

    file: File | None = None
    """What is sent as a file: one whole template whose value is bytes, a path or an open file."""
    json_: Sent | None = Field(default=None, alias="json")
    """What is sent as JSON, with the type application/json."""
    text: Sent | None = None
    """What is sent as text."""
    filename: Text | None = None
    """What the file is called; left out: what the path or the open file is called, else the part's name."""
    type: Annotated[Template, AfterValidator(_media_type), Reads("request")] | None = None
    """The part's media type; left out: application/octet-stream for a file, and for text it is not said."""

    @model_validator(mode="before")
    @classmethod
    def _one_thing(cls, value: Any) -> Any:
        return exactly_one(cls, value, _WRITTEN, "a part has")

    @model_validator(mode="after")
    def _something(self) -> Self:
        given = self.model_fields_set.intersection(_WHAT)
        if given != {"json_"} and getattr(self, given.pop()) is None:
            raise ValueError("a part holds something: leave it out where it is not wanted")
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The bare text is legal too."""
        written = super().__get_pydantic_json_schema__(schema, handler)
        return {"anyOf": [{"type": ["string", "number", "boolean"]}, written | alternatives(_WRITTEN)]}


def _part(value: Any) -> Any:
    """Text that stands by itself, as a part."""
    return value if isinstance(value, dict | PartKeys) else {"text": value}


def _form(value: Any) -> str:
    return "(several)" if isinstance(value, list) else "(one)"


_One = Annotated[PartKeys, BeforeValidator(_part)]
Parts = Annotated[
    Annotated[_One, Tag("(one)")] | Annotated[list[_One], Tag("(several)")],
    Discriminator(_form),
]


# ── as they are sent ──────────────────────────────────────────────────────────────────────────────


def parts_of(name: str, declared: PartKeys | list[PartKeys], scope: Mapping[str, Any]) -> Iterator[Part]:
    """The parts of that name under these names; raises ConfigError."""
    encodable(name, "body.multipart")
    for keys in declared if isinstance(declared, list) else [declared]:
        where = f"body.multipart.{name}"
        filename = text(keys.filename, scope, f"{where}.filename") if keys.filename is not None else None
        type_ = _type(keys, scope, where)
        for value in _values(name, keys, scope, where):
            if keys.file is None:
                yield Part(name, value, filename, type_)
            else:
                yield Part(name, value, filename or _called(value) or name, type_)


def _values(name: str, keys: PartKeys, scope: Mapping[str, Any], where: str) -> Iterator[Any]:
    if keys.file is not None:
        found = render(keys.file, scope, f"{where}.file")
        for item in found if isinstance(found, list) else [found]:
            if item is not MISSING and item is not None:
                yield file_of(item, f"{where}.file")
    elif keys.text is not None:
        yield from (value for _, value in pairs("body.multipart", name, keys.text, scope))
    else:
        content = render(keys.json_, scope, f"{where}.json") if keys.json_ is not None else None
        if content is not MISSING:
            yield json_text(content, f"{where}.json")


def _type(keys: PartKeys, scope: Mapping[str, Any], where: str) -> str | None:
    given = text(keys.type, scope, f"{where}.type") if keys.type is not None else None
    if given is not None and not re.fullmatch(_TYPE, given):
        raise ConfigError(f"{where}.type is not a media type", hint="it is like image/png")
    if given is None and keys.file is not None:
        return "application/octet-stream"
    return given or ("application/json" if "json_" in keys.model_fields_set else None)


def _called(file: Any) -> str:
    """The name of a path or an open file, without its folder."""
    named = file if isinstance(file, Path) else getattr(file, "name", None)
    return PurePath(named).name if isinstance(named, str | Path) else ""


def file_of(value: Any, where: str) -> Any:
    """The value as it is kept in a request: bytes that nobody changes any more, a path or an open file."""
    if not is_binary(value):
        raise ConfigError(f"{where} is {kind_of(value)}, not a file", hint=NO_FILE)
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


def json_text(content: Any, where: str) -> str:
    """The value as JSON; raises ConfigError where that has no form for it."""
    try:
        written = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ConfigError(f"{where} holds what JSON has no form for", hint=_JSON_VALUES) from None
    encodable(written, where)
    return written


_JSON_VALUES = "pass text, finite numbers, true, false, None, lists and dicts"
