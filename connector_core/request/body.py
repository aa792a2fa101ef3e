"""The body of a request, in exactly one form.

::

    body: {json: {customer: "{{ input.customer }}"}}        body: {text: "{{ input.note }}"}
    body: {form: {email: "{{ input.email }}"}}              body: {bytes: "{{ input.content }}"}
    body: {multipart: {photo: {file: "{{ input.photo }}"}}}
    body: {xml: {Order: {"@id": "{{ input.id }}", Item: [{Name: a}, {Name: b}]}}}

A template that is the whole body and has no value sends none.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from connector_core.address import MISSING
from connector_core.component import Model, NeverNull, alternatives, exactly_one
from connector_core.exceptions import ConfigError
from connector_core.http import Multipart
from connector_core.http.messages import Encoding
from connector_core.http.xml_text import document, is_name, is_text
from connector_core.request.parts import File, Parts, file_of, json_text, parts_of
from connector_core.request.values import FixedName, Sent, SentAlone, all_pairs, render, text
from connector_core.template import Reads, Template, Value

__all__ = ["Body", "composed", "not_multipart"]

Composed = tuple[Any, Encoding | None]
NOTHING: Composed = (None, None)


# ── what an XML structure may be ──────────────────────────────────────────────────────────────────


def _document(value: Value) -> Value:
    """Refuses at load what can never become XML; what templates insert is checked when it is known."""
    if isinstance(value.raw, str) and not value.literal:
        return value
    if not isinstance(value.raw, dict) or len(value.raw) != 1:
        code = "xml" if isinstance(value.raw, dict | str) else "xml_type"
        raise PydanticCustomError(code, "must be a mapping with one key, the root element, or one whole template")
    if wrong := list(_mistakes(value.raw, ())):
        raise ValidationError.from_exception_data("XML", [_detail(path, what) for path, what in wrong])
    return value


def _detail(path: tuple[str | int, ...], what: str) -> InitErrorDetails:
    return {"type": PydanticCustomError("xml", "{what}", {"what": what}), "loc": path, "input": None}


def _mistakes(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    match value:
        case dict():
            for key, item in value.items():
                yield from _mistakes_at(key, item, (*path, key))
        case list():
            for index, item in enumerate(value):
                if isinstance(item, list):
                    yield (*path, index), "is a list in a list, and an element is repeated once"
                yield from _mistakes(item, (*path, index))
        case str() if not is_text(value):
            yield path, "holds a control character, which XML has no form for"


def _mistakes_at(key: str, item: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    plain = key.startswith("@") or key == "#text"
    if len(path) == 1 and isinstance(item, list):
        yield path, "is the root element, and there is one: it cannot be a list"
    if len(path) == 1 and plain:
        yield (*path, "[key]"), "must be the root element, which its attributes and its text stand in"
    elif key != "#text" and not is_name(key.removeprefix("@")):
        yield (*path, "[key]"), "cannot be the name of an element or, after @, of an attribute"
    if plain and isinstance(item, dict | list):
        yield path, "must be a single value: attributes and text hold no elements"
    yield from _mistakes(item, path)


_Xml = Annotated[Value, AfterValidator(_document), Reads("request"), WithJsonSchema({"type": ["object", "string"]})]


# ── the body ──────────────────────────────────────────────────────────────────────────────────────


_SOMETHING = NeverNull("say what is sent, or leave the body out")


class Body(Model):
    """The body, in exactly one form."""

    json_: Sent | None = Field(default=None, alias="json")
    """Sent as JSON; a template that is the whole value keeps its type, and drops its key where it is missing."""
    form: dict[FixedName, SentAlone] = {}
    """Sent as a form, as browsers do."""
    multipart: dict[FixedName, Parts] = {}
    """Sent part by part, as browsers send files: text by name, or a mapping with `file`, `json` or `text`."""
    xml: Annotated[_Xml | None, _SOMETHING] = None
    """Sent as XML: keys are elements, `@name` attributes, `#text` the text, and a list repeats its element."""
    text: Annotated[Template | None, _SOMETHING, Reads("request")] = None
    """Sent as text in UTF-8."""
    bytes_: Annotated[File | None, _SOMETHING, Field(alias="bytes")] = None
    """Sent as it is: one whole template whose value is bytes, a path or an open file."""

    @model_validator(mode="before")
    @classmethod
    def _one_form(cls, value: Any) -> Any:
        return exactly_one(cls, value, _FORMS, "must have")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """One form, in an endpoint too: it is the form that is completed."""
        return super().__get_pydantic_json_schema__(schema, handler) | alternatives(_FORMS)

    @property
    def form_name(self) -> str:
        """The one form that it has, as the spec writes it."""
        [form] = self.model_fields_set
        return _FORMS_BY_FIELD[form]

    def templates(self) -> Iterator[Any]:
        """Everything in it that may read names."""
        single = (self.json_, self.xml, self.text, self.bytes_, *self.form.values())
        yield from (value for value in single if value is not None)
        for declared in self.multipart.values():
            for part in declared if isinstance(declared, list) else [declared]:
                written = (part.file, part.json_, part.text, part.filename, part.type)
                yield from (value for value in written if value is not None)


_FORMS_BY_FIELD = {name: field.alias or name for name, field in Body.model_fields.items()}
_FORMS = tuple(_FORMS_BY_FIELD.values())


def not_multipart(content_type: str) -> str:
    """What is wrong with a declared type of a multipart body; empty where nothing is."""
    if not content_type.strip().lower().startswith("multipart/"):
        return "contradicts the multipart body, which brings its own: leave the header out here, by null"
    return "has a boundary, which is the engine's to give" if "boundary" in content_type.lower() else ""


def composed(body: Body, scope: Mapping[str, Any]) -> Composed:
    """The body under these names and its encoding; raises ConfigError."""
    match body.form_name:
        case "form":
            return all_pairs("body.form", body.form, scope), "form"
        case "multipart":
            named = body.multipart.items()
            return Multipart(tuple(part for name, keys in named for part in parts_of(name, keys, scope))), "multipart"
        case "text":
            assert body.text is not None  # noqa: S101 - see _one_form
            written = text(body.text, scope, "body.text")
            return NOTHING if written is None else (written, "text")
        case "bytes":
            return _bytes(body, scope)
        case "xml":
            return _xml(body, scope)
    return _json(body, scope)


def _json(body: Body, scope: Mapping[str, Any]) -> Composed:
    content = render(body.json_, scope, "body.json") if body.json_ is not None else None
    if content is MISSING:
        return NOTHING
    json_text(content, "body.json")
    return content, "json"


def _bytes(body: Body, scope: Mapping[str, Any]) -> Composed:
    content = render(body.bytes_, scope, "body.bytes") if body.bytes_ is not None else None
    if content is MISSING or content is None:
        return NOTHING
    return file_of(content, "body.bytes"), "bytes"


def _xml(body: Body, scope: Mapping[str, Any]) -> Composed:
    structure = render(body.xml, scope, "body.xml") if body.xml is not None else None
    if structure is MISSING or structure is None:
        return NOTHING
    try:
        document(structure)
    except RecursionError:
        raise ConfigError("body.xml is nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"body.xml cannot be made: {error}", hint="compare the input with the spec") from None
    return structure, "xml"
