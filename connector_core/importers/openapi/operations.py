"""Paths as endpoints: a GET whose answer holds a list is a read, everything else a call.

A read inside of another one's path (`/users/{id}/orders`, where `/users` is read) is read for each of its records; any
other path parameter makes a call, which takes it as an input.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from connector_core.exceptions import ConfigError
from connector_core.importers.openapi.access import Access
from connector_core.importers.openapi.document import Document
from connector_core.importers.openapi.inputs import Call, media, parameters
from connector_core.importers.openapi.names import RESERVED, identifier, singular, unique
from connector_core.importers.openapi.notes import Notes, sentence
from connector_core.importers.openapi.paging import CHANGED_SINCE, Listing, listing, paged, primary_key
from connector_core.importers.openapi.schemas import Schemas

__all__ = ["Operations", "hoisted"]

METHODS = ("get", "post", "put", "patch", "delete")
MOST = 2000
"""Operations of one document; a spec of so many has hardly 500 bytes for each."""
_FEWER = "take the paths that are not wanted out of it"
OTHERS = ("head", "options", "trace", "connect", "query")
_FIELD = re.compile(r"\{([^{}]*)\}")
_LITERAL = re.compile(r"[\w.~:@!$&'()*+,;=%-]*(/[\w.~:@!$&'()*+,;=%-]*)*", re.ASCII)
_DECODERS = {
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/plain": "text",
    "text/html": "text",
}
Made = dict[str, Any]


class Operation(Struct, frozen=True):
    """One method of one path."""

    name: str
    method: str
    path: str
    said: Mapping[str, Any]
    parameters: list[Mapping[str, Any]]
    decode: str
    """The decoder of its answer; empty: JSON, or nothing."""
    answer: Any
    """Its answer's schema as the document has it; None where there is none."""
    headers: frozenset[str]
    """Of its answer."""


class Parent(Struct, frozen=True):
    """A read that others may be read for."""

    endpoint: str
    path: str
    """As it is written in the spec."""
    fields: Mapping[str, Any]
    key: str
    names: frozenset[str]
    """What the partitions around it are called."""


class Operations:
    """The endpoints of one document."""

    def __init__(self, document: Document, schemas: Schemas, access: Access, notes: Notes) -> None:
        self._document, self._schemas, self._access, self._notes = document, schemas, access, notes
        self._parents: dict[str, Parent] = {}

    def endpoints(self) -> dict[str, Made]:
        """Every endpoint by its name, in the document's order."""
        found: dict[str, Made] = {}
        operations = self._operations()
        for operation in sorted(operations, key=lambda one: one.path.count("{")):  # parents first
            found[operation.name] = self._made(operation)
        return {operation.name: found[operation.name] for operation in operations}

    def _operations(self) -> list[Operation]:
        found: dict[str, Operation] = {}
        for path, item in self._document.items(self._document.data.get("paths")):
            if path.startswith("x-"):
                continue
            if not path.startswith("/") or not _LITERAL.fullmatch(_FIELD.sub("", path)) or "//" in path or "/." in path:
                self._notes.left(f"paths.{sentence(path, 80)}", "it is no path that can be asked for")
                continue
            for method in METHODS:
                if isinstance(said := item.get(method), dict):
                    name = unique(_named(said, method, path), found)
                    found[name] = self._operation(name, method, path, item, said)
            if len(found) > MOST:
                raise ConfigError(f"it has more than {MOST} operations", where=self._document.file, hint=_FEWER)
            if others := [method for method in OTHERS if method in item]:
                self._notes.left(f"paths.{sentence(path, 80)}", f"the methods {', '.join(others)}")
        return list(found.values())

    def _operation(
        self, name: str, method: str, path: str, item: Mapping[str, Any], said: Mapping[str, Any]
    ) -> Operation:
        if said.get("servers") or item.get("servers"):
            self._notes.left(f"endpoints.{name}", "the servers of its own")
        if said.get("callbacks"):
            self._notes.left(f"endpoints.{name}", "its callbacks")
        answers = {str(status): answer for status, answer in self._document.items(said.get("responses"))}
        good = next((status for status in sorted(answers) if re.fullmatch(r"2\d\d|2XX", status)), "default")
        answer = answers.get(good, {})
        kinds = media(self._document, answer.get("content"))
        json = next((kind for kind in kinds if re.search(r"[/+]json$|^\*/\*$", kind)), None)
        chosen = json or next((kind for kind in kinds if kind in _DECODERS), None) or next(iter(kinds), None)
        decode = "" if json or chosen is None else _DECODERS.get(chosen, "bytes")
        return Operation(
            name,
            method,
            path,
            said,
            parameters(self._document, item, said, self._notes, f"endpoints.{name}"),
            decode,
            kinds[chosen].get("schema") if chosen else None,
            frozenset(self._document.mapping(answer.get("headers"))),
        )

    def _made(self, operation: Operation) -> Made:
        made: Made = {"description": _described(operation)}
        found = self._listing(operation)
        filters = self._needed_filters(operation, found) if found else []
        around = self._around(operation) if found and not filters else None
        if found is None or around is None:
            made |= self._call(operation)
            if found is None and (schema := self._answered(operation)):
                made["schema"] = schema
            if found:
                why = f"it needs {', '.join(filters)}" if filters else "its path takes inputs"
                self._notes.left(f"endpoints.{operation.name}", f"reading it to the end: {why}, so it is called")
        else:
            made |= self._read(operation, found, around)
        auth = self._access.signing(operation.said.get("security"), f"endpoints.{operation.name}.auth")
        if auth is not None and auth != self._access.auth:
            made["auth"] = auth
            self._access.question(("endpoints", operation.name, "auth"), auth, [])
        return made

    def _needed_filters(self, operation: Operation, found: Listing) -> list[str]:
        """The parameters that it cannot do without and that choose among records: whoever calls it says which."""
        fields = {identifier(name) for name in self._schemas.properties(found.item)}
        needed = [one["name"] for one in operation.parameters if one["in"] == "query" and one.get("required") is True]
        return [sentence(name, 40) for name in needed if identifier(name) in fields]

    def _listing(self, operation: Operation) -> Listing | None:
        if operation.method != "get" or operation.decode in ("bytes", "text", "xml"):
            return None
        if operation.decode in ("csv", "ndjson"):
            return Listing("body", self._schemas.flat(operation.answer).get("items"), "")
        return listing(self._schemas, operation.answer, operation.path)

    # ── calls ─────────────────────────────────────────────────────────────────────────────────────

    def _call(self, operation: Operation) -> Made:
        call = Call(self._document, self._schemas, self._notes, operation.name)
        in_path = {one["name"]: call.parameter(one) for one in operation.parameters if one["in"] == "path"}
        for name in _FIELD.findall(operation.path):
            if not in_path.get(name):
                in_path[name] = call.take(name or "value", {"type": "string"}, required=True)
        for one in operation.parameters:
            if one["in"] != "path":
                call.parameter(one)
        if body := self._document.mapping(operation.said.get("requestBody")):
            if operation.method == "get":
                self._notes.left(f"endpoints.{operation.name}.body", "the body of a GET")
            else:
                call.request(body)
        made: Made = {operation.method: _FIELD.sub(lambda found: in_path[found[1]], operation.path)}
        parts = {"input": call.input, "params": call.params, "headers": call.headers, "body": call.body}
        made |= {key: value for key, value in parts.items() if value}
        return {**made, "decode": operation.decode} if operation.decode else made

    def _answered(self, operation: Operation) -> Made:
        """The schema of the object that a call gives; empty where its answer is none."""
        if operation.decode or self._schemas.kind(operation.answer) != "object":
            return {}
        return self._schemas.record(operation.answer, f"endpoints.{operation.name}.schema")

    # ── reads ─────────────────────────────────────────────────────────────────────────────────────

    def _read(self, operation: Operation, found: Listing, around: tuple[str, list[Made], frozenset[str]]) -> Made:
        place = ("endpoints", operation.name)
        path, entries, names = around
        made: Made = {"get": path}
        if entries:
            made["for_each"] = entries[0] if len(entries) == 1 else entries
        query = {one["name"]: one for one in operation.parameters if one["in"] == "query"}
        pages = paged(self._document, self._schemas, query, operation.answer, operation.headers)
        made |= self._asked(operation, {name: one for name, one in query.items() if name not in pages.taken})
        if operation.decode:
            made["decode"] = operation.decode
        made["records"] = found.records
        if found.guess:
            self._notes.guess((*place, "records"), found.guess, "where an answer holds the records")
        schema = self._schemas.record(found.item, f"{'.'.join(place)}.schema")
        key, why = primary_key(schema, operation.name)
        if key and re.fullmatch(r"[\w-]+", key, re.ASCII):
            made["primary_key"] = key
            self._notes.guess((*place, "primary_key"), why, "that no two records share it")
        made["pagination"] = pages.pagination
        self._notes.guess((*place, "pagination"), pages.guess, "with connector check, or by reading more than one page")
        if pages.pagination != "none" and pages.pagination.get("take") == "record.id" and "id" not in schema:
            made["pagination"] = "none"
            self._notes.guess(
                (*place, "pagination"), "what its cursor is taken from is not to be seen", "how it is paged"
            )
        if schema:
            made["schema"] = schema
        self._parents.setdefault(operation.path, Parent(operation.name, path, schema, key, names))
        return made

    def _asked(self, operation: Operation, query: Mapping[str, Mapping[str, Any]]) -> Made:
        """The parameters of a read: what is required, or asks for changes, comes from config."""
        params: Made = {}
        headers: Made = {}
        further: list[str] = []
        place = f"endpoints.{operation.name}.params"
        others = [one for one in operation.parameters if one["in"] not in ("query", "path")]
        for one in (*query.values(), *others):
            name, required = one["name"], one.get("required") is True
            changed = one["in"] == "query" and identifier(name) in CHANGED_SINCE
            kind = self._schemas.kind(one.get("schema"))
            if one["in"] not in ("query", "header") or kind == "object" or not (required or changed):
                further.append(name)
            elif one["in"] == "query":
                params[name] = self._configured(one, required=required)
                if changed:
                    what = f"{name} asks for what has changed since a time; it is taken from config"
                    self._notes.guess(("endpoints", operation.name, "params"), what, "whether deleted records are told")
            elif name.lower() not in ("accept", "content-type", "authorization"):
                headers[name] = self._configured(one, required=required)
        if further:
            shown = ", ".join(sentence(name, 40) for name in further)
            self._notes.left(place, f"the parameters {shown}, which a read can do without or cannot send")
        return {key: value for key, value in (("params", params), ("headers", headers)) if value}

    def _configured(self, parameter: Mapping[str, Any], *, required: bool) -> str:
        """The template of a config value; parameters of the same name and schema share it."""
        name = identifier(parameter["name"])
        schema = self._schemas.value(parameter.get("schema"), f"config.{name}")
        schema["description"] = sentence(parameter.get("description")) or f"The parameter {parameter['name']}"
        if not required and "default" not in schema:
            schema["optional"] = True
        while name in self._access.config and self._access.config[name] != schema:
            name = unique(name, self._access.config)
        self._access.config[name] = schema
        return f"{{{{ config.{name} }}}}"

    def _around(self, operation: Operation) -> tuple[str, list[Made], frozenset[str]] | None:
        """The path of a read, what it is read for and how that is called; None where a parameter has no parent."""
        if "{" not in operation.path:
            return operation.path, [], frozenset()
        before, _, behind = operation.path.rpartition("{")
        field, _, rest = behind.partition("}")
        parent = self._parents.get(before.rstrip("/")) or self._parents.get(before)
        if parent is None or not before.endswith("/") or (rest and not rest.startswith("/")):
            return None
        key = _key_of(parent, field)
        if not key:
            return None
        own = identifier(singular(identifier(before.rstrip("/").rpartition("/")[2])), "parent")
        name = unique(f"{own}_record" if own in RESERVED else own, parent.names)
        path = f"{parent.path.rstrip('/')}/{{{{ {name}.{key} }}}}{rest}"
        what = f"{field} of the path is {key} of {parent.endpoint}"
        self._notes.guess(
            ("endpoints", operation.name, "for_each"), what, "that it is, and that all of them are wanted"
        )
        return path, [{"endpoint": parent.endpoint, "as": name}], parent.names | {name}


def _key_of(parent: Parent, field: str) -> str:
    """The field of a parent's record that a path parameter stands for."""
    by_name = {identifier(name): name for name in parent.fields}
    wanted = identifier(field)
    found = by_name.get(wanted) or (by_name.get("id") if wanted.endswith("id") else None)
    found = found or by_name.get(wanted.rpartition("_")[2]) or parent.key
    return found if re.fullmatch(r"[A-Za-z_]\w*", found, re.ASCII) else ""


def _named(said: Mapping[str, Any], method: str, path: str) -> str:
    given = said.get("operationId")
    if isinstance(given, str) and re.search("[A-Za-z]", given):
        return identifier(given)
    words = "_".join(part for part in re.split(r"[/{}]+", path) if part)
    return identifier(words if method == "get" else f"{method}_{words}", method)


def _described(operation: Operation) -> str:
    text = sentence(operation.said.get("summary")) or sentence(operation.said.get("description"))
    text = text or f"{operation.method.upper()} {operation.path}"[:200]
    return f"Deprecated: {text}" if operation.said.get("deprecated") is True else text


def hoisted(endpoints: dict[str, Made], notes: Notes) -> Made:
    """What most reads say alike, taken out of them to stand at the top level."""
    common: Made = {}
    for key in ("pagination", "primary_key"):
        said = Counter(repr(made[key]) for made in endpoints.values() if "records" in made and key in made)
        reads = sum("records" in made for made in endpoints.values())
        if not said or said.most_common(1)[0][1] < 2 or sum(said.values()) < reads:  # noqa: PLR2004 - nothing in common
            continue
        usual = said.most_common(1)[0][0]
        alike = {name: made for name, made in endpoints.items() if "records" in made and repr(made.get(key)) == usual}
        common[key] = next(iter(alike.values()))[key]
        for name, made in alike.items():
            del made[key]
            notes.move(("endpoints", name, key), (key,))
    return common
