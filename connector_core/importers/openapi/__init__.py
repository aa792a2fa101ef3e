"""A first spec from an OpenAPI document (3.0 or 3.1): what it says is carried over, what it leaves open is guessed.

Rule 1: nothing is fetched. References lead into the document itself; one that leads elsewhere is told.
Rule 2: no guess goes unmarked, and nothing is dropped silently: both stand as comments in the spec and in the report.
Rule 3: whatever the document holds, the result is a spec that loads, or a ConfigError in one line. The cost is bounded
        by the size of the document and of what a spec may have.

::

    document    bytes → plain data, references          schemas     JSON Schema of OpenAPI → the language's
    access      servers and security                    operations  paths → endpoints
    paging      records, keys, pages: the guesses       inputs      parameters and bodies → input, params, body
    writing     the spec as YAML with comments          notes       guesses, and what is left out
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from connector_core.exceptions import ConfigError, SpecError
from connector_core.importers.openapi.access import Access
from connector_core.importers.openapi.document import Document, read
from connector_core.importers.openapi.notes import Notes, sentence
from connector_core.importers.openapi.operations import Operations, hoisted
from connector_core.importers.openapi.schemas import Schemas, TooManyError
from connector_core.importers.openapi.writing import written
from connector_core.load import parse

__all__ = ["Imported", "imported"]

DEPTHS = (6, 2, 0, -1)
"""How deep records are described; less where the spec would be too large."""
ROUNDS = 20
"""So often is what the language refuses taken out."""


class Imported(Struct, frozen=True):
    """A spec's text, and what whoever asked for it has to know."""

    text: str
    guesses: list[str]
    """What was guessed, each with its place and what to check."""
    left_out: list[str]
    """What the document says and the spec does not, each with its place."""
    reads: list[str]
    """The endpoints that can be read."""


def imported(content: bytes, file: str, name: str, title: str) -> Imported:
    """The spec called `name` for the document in `content`; raises ConfigError, whose place is `file`.

    `title` stands in where the document has none.
    """
    document = read(content, file)
    for depth in DEPTHS:
        notes = Notes()
        try:
            spec = _spec(document, Schemas(document, notes, depth), notes, (name, title))
        except TooManyError:
            continue
        if not spec["endpoints"]:
            raise ConfigError("there is no operation in it that could be carried over", where=file, hint=_why(notes))
        done = _loading(spec, notes, file, name)
        if done is not None:
            return done
    raise ConfigError(
        "it comes to more than the 1 MiB that a spec may have",
        where=file,
        hint="take the paths that are not wanted out of it",
    )


def _spec(document: Document, schemas: Schemas, notes: Notes, names: tuple[str, str]) -> dict[str, Any]:
    name, title = names
    info = document.mapping(document.data.get("info"))
    access = Access(document, notes)
    endpoints = Operations(document, schemas, access, notes).endpoints()
    described = sentence(info.get("description")) or sentence(info.get("summary"))
    spec: dict[str, Any] = {
        "connector": "1",
        "name": name,
        "title": sentence(info.get("title"), 60) or title,
        "version": "0.1.0",
        "description": described or f"What {sentence(info.get('title'), 60) or title} offers.",
        "config": access.config,
        "secrets": access.secrets,
        "base_url": access.base_url,
        "environments": access.environments,
        "auth": access.auth,
        **hoisted(endpoints, notes),
        "endpoints": endpoints,
        "docs": access.docs,
    }
    for key in ("webhooks", "callbacks"):
        if document.mapping(document.data.get(key)):
            notes.left(key, "are not carried over")
    return {key: value for key, value in spec.items() if value or key == "endpoints"}


def _loading(spec: dict[str, Any], notes: Notes, file: str, name: str) -> Imported | None:
    """The spec without what the language refuses; None where it is too large as it is."""
    for _ in range(ROUNDS):
        text = written(spec, notes)
        if text is None:
            return None
        try:
            loaded = parse(text, f"{name}.yaml")
        except SpecError as error:
            if not _taken_out(spec, error, notes):
                raise ConfigError(f"it leads to a spec that is wrong: {error}", where=file) from None
        else:
            reads = [name for name, endpoint in loaded.endpoints.items() if endpoint.readable]
            return Imported(text, notes.guesses(), notes.left_out(), reads)
    raise ConfigError("what it leads to is no spec, whatever is left out", where=file)


def _taken_out(spec: dict[str, Any], error: SpecError, notes: Notes) -> bool:
    """Whether something could be taken out that the error is about: a schema, else the endpoint."""
    endpoints = spec["endpoints"]
    done = False
    for problem in error.problems:
        root, _, rest = problem.path.partition(".")
        name, _, inside = rest.partition(".")
        if root != "endpoints" or name not in endpoints:
            continue
        done = True
        key = inside.partition(".")[0]
        if key == "schema" and endpoints[name].pop("schema", None) is not None:
            notes.left(f"endpoints.{name}.schema", problem.what)
        else:
            del endpoints[name]
            notes.forget(name)
            notes.left(f"endpoints.{name}", f"{inside}: {problem.what}" if inside else problem.what)
    return done and bool(endpoints)


def _why(notes: Notes) -> str:
    return next((line for line in notes.left_out() if line.startswith(("paths", "endpoints"))), "it has no paths")
