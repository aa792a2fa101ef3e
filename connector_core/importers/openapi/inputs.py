"""What a call takes: parameters and bodies as `input`, and as the `params`, `headers` and `body` that send it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connector_core.importers.openapi.document import Document
from connector_core.importers.openapi.names import identifier, unique
from connector_core.importers.openapi.notes import Notes, sentence
from connector_core.importers.openapi.schemas import Schemas

__all__ = ["Call", "media", "parameters"]

MOST_INPUTS = 80
_STANDARD = frozenset({"accept", "content-type", "authorization"})
"""Header fields that OpenAPI says elsewhere."""
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_JOINED = {"spaceDelimited": " ", "pipeDelimited": "|"}
_MOST_NAME = 100
_UNSENT = re.compile(r"[\x00-\x1f\x7f-\x9f]|\{\{|\}\}|\{[%#]")
"""What no parameter's name may hold: control characters, and what would be a template."""


def parameters(
    document: Document, item: Mapping[str, Any], operation: Mapping[str, Any], notes: Notes, where: str
) -> list[Mapping[str, Any]]:
    """The parameters of an operation, the path's first; its own replace those of one name and place."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for given in (*document.list(item.get("parameters")), *document.list(operation.get("parameters"))):
        parameter = document.mapping(given)
        name, place = parameter.get("name"), parameter.get("in")
        if (
            isinstance(name, str)
            and isinstance(place, str)
            and 0 < len(name) <= _MOST_NAME
            and not _UNSENT.search(name)
        ):
            found[name, place] = parameter
        else:
            notes.left(
                where, f"the parameter {sentence(name, 40) or 'without a name'}, which has no name that can be sent"
            )
    return list(found.values())


def media(document: Document, content: Any) -> dict[str, Mapping[str, Any]]:
    """What is sent or answered, by media type without its parameters."""
    return {kind.partition(";")[0].strip().lower(): said for kind, said in document.items(content)}


class Call:
    """Collects what one call takes."""

    def __init__(self, document: Document, schemas: Schemas, notes: Notes, name: str) -> None:
        self._document, self._schemas, self._notes = document, schemas, notes
        self._where = f"endpoints.{name}"
        self.input: dict[str, dict[str, Any]] = {}
        self.params: dict[str, Any] = {}
        self.headers: dict[str, Any] = {}
        self.body: dict[str, Any] = {}

    def take(self, name: str, schema: Any, *, required: bool, about: Any = "") -> str:
        """The template of a further input."""
        own = unique(identifier(name), self.input)
        found = self._schemas.value(schema, f"{self._where}.input.{own}")
        if not found.get("description") and sentence(about):
            found["description"] = sentence(about)
        if not required and "default" not in found:
            found["optional"] = True
        self.input[own] = found
        return f"{{{{ input.{own} }}}}"

    def parameter(self, said: Mapping[str, Any]) -> str:
        """Sends a parameter of the query or the headers; gives the template of one in the path."""
        name, place, schema = said["name"], said["in"], said.get("schema")
        required, about = said.get("required") is True, said.get("description")
        if schema is None and isinstance(said.get("content"), dict):
            self._notes.left(f"{self._where}.params", f"{sentence(name, 60)}, which is sent as a document of its own")
            return ""
        if place == "path":
            return self.take(name, schema, required=True, about=about)
        kind = self._schemas.kind(schema)
        if place == "query" and kind == "object":
            self._deep(name, said)
        elif place == "query":
            template = self.take(name, schema, required=required, about=about)
            self.params[name] = _joined(template, said) if kind == "array" else template
        elif place == "header" and name.lower() not in _STANDARD:
            if not _HEADER.fullmatch(name) or name.lower() in {known.lower() for known in self.headers}:
                self._notes.left(f"{self._where}.headers", f"{sentence(name, 60)}: it cannot be a header's name")
            else:
                self.headers[name] = self.take(name, schema, required=required, about=about)
        elif place not in ("header", "query"):
            self._notes.left(
                f"{self._where}.params", f"{sentence(name, 60)}, which goes into the {sentence(place, 20)}"
            )
        return ""

    def _deep(self, name: str, said: Mapping[str, Any]) -> None:
        """An object in the query: `filter[status]` for each of its properties."""
        properties = self._schemas.properties(said.get("schema"))
        plain = {
            key: inner for key, inner in properties.items() if self._schemas.kind(inner) not in ("object", "array")
        }
        style = said.get("style", "form")
        for key, inner in list(plain.items())[:MOST_INPUTS]:
            if style == "deepObject":
                self.params[f"{name}[{key}]"] = self.take(f"{name}_{key}", inner, required=False)
            elif said.get("explode", True) is not False and key not in self.params:
                self.params[key] = self.take(key, inner, required=False)
        if not plain or len(plain) < len(properties):
            self._notes.left(f"{self._where}.params", f"{sentence(name, 60)}, as far as it is an object of objects")

    # ── bodies ────────────────────────────────────────────────────────────────────────────────────

    def request(self, body: Mapping[str, Any]) -> None:
        """Sends the request's body, in the first form that the language has too."""
        kinds = media(self._document, body.get("content"))
        chosen = next((kind for test in _FORMS for kind in kinds if re.fullmatch(test, kind)), None)
        if chosen is None:
            if kinds:
                self._notes.left(f"{self._where}.body", f"its form, {', '.join(sentence(kind, 40) for kind in kinds)}")
            return
        schema, required = kinds[chosen].get("schema"), body.get("required") is True
        if re.fullmatch(_JSON, chosen):
            self.body = {"json": self._json(schema, required=required)}
            if chosen != "application/json":
                self.headers["Content-Type"] = chosen
        elif chosen == "application/x-www-form-urlencoded":
            self.body = {"form": self._fields(schema, required=required, files=False)}
        elif chosen == "multipart/form-data":
            self.body = {"multipart": self._fields(schema, required=required, files=True)}
        elif chosen.startswith("text/"):
            self.body = {"text": self.take("body", {"type": "string"}, required=required)}
            self._typed(chosen, "text/plain")
        else:
            self.body = {"bytes": self.take("content", {"type": "string", "format": "binary"}, required=required)}
            self._typed(chosen, "application/octet-stream")
        if not next(iter(self.body.values())):
            self._notes.left(f"{self._where}.body", f"what {chosen} holds, which the document does not say")
            self.body = {}

    def _typed(self, chosen: str, usual: str) -> None:
        if chosen != usual and "*" not in chosen:
            self.headers["Content-Type"] = chosen

    def _json(self, schema: Any, *, required: bool) -> Any:
        properties = self._sent(schema)
        if self._schemas.kind(schema) != "object" or not 0 < len(properties) <= MOST_INPUTS:
            return self.take("body", schema, required=required)
        needed = self._needed(schema)
        return {
            name: self.take(name, inner, required=required and name in needed) for name, inner in properties.items()
        }

    def _fields(self, schema: Any, *, required: bool, files: bool) -> dict[str, Any]:
        needed, found = self._needed(schema), {}
        for name, inner in list(self._sent(schema).items())[:MOST_INPUTS]:
            template = self.take(name, inner, required=required and name in needed)
            own = next(reversed(self.input))
            kind = self._schemas.kind(inner)
            if _binary(self.input[own]) or _binary(self.input[own].get("items")):
                found[name] = {"file": template} if files else template
            elif kind == "object" or (
                kind == "array" and self._schemas.kind(self._schemas.flat(inner).get("items")) == "object"
            ):
                found[name] = {"json": template} if files else f"{{{{ input.{own} | json }}}}"
            else:
                found[name] = template
        return found

    def _sent(self, schema: Any) -> dict[str, Any]:
        """The properties that a client sends."""
        found = {}
        for name, inner in self._schemas.properties(schema).items():
            if not 0 < len(name) <= _MOST_NAME or _UNSENT.search(name):
                self._notes.left(f"{self._where}.body", f"the property {sentence(name, 40) or 'without a name'}")
            elif self._schemas.flat(inner).get("readOnly") is not True:
                found[name] = inner
        return found

    def _needed(self, schema: Any) -> set[str]:
        return {
            name for name in self._document.list(self._schemas.flat(schema).get("required")) if isinstance(name, str)
        }


_JSON = r"(application|text)/json|application/[\w.+-]+\+json"
_FORMS = (
    "application/json",
    _JSON,
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    r"text/(plain|csv|markdown|html)",
    r"application/(octet-stream|pdf|zip|gzip)|(image|audio|video)/[\w.+*-]+|\*/\*",
)
"""The media types that can be sent, the first choice first."""


def _binary(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("format") == "binary"


def _joined(template: str, said: Mapping[str, Any]) -> str:
    """A list in the query: its name is repeated, or its items stand in one text."""
    style = said.get("style", "form")
    if said.get("explode", style == "form") is not False:
        return template
    return template.replace(" }}", f" | join('{_JOINED.get(str(style), ',')}') }}}}")
