"""C4: what a person has to guess."""

from __future__ import annotations

from collections.abc import Iterator

from connector_core.lint.rule import Place, rule
from connector_core.load import Loaded
from connector_core.source import Source

_EDITOR = "# yaml-language-server: $schema=connector.schema.json\n"


def _with_editor_line(lines: list[str], line: int, column: int) -> list[str]:  # noqa: ARG001 - it is the first
    return [_EDITOR, *lines]


@rule("C401", "advice")
def _no_description(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """The spec has no `title` or no `description`: who chooses a connector sees only its name."""
    for key in ("title", "description"):
        if not getattr(whole.spec, key):
            yield (), f"there is no {key}"


@rule("C402", "advice")
def _no_endpoint_description(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """An endpoint has no `description`."""
    for name, endpoint in whole.spec.endpoints.items():
        if not endpoint.description:
            yield ("endpoints", name), "has no description"


@rule("C403", "warning")
def _no_property_description(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """A config value or secret has no `description`: who fills it in has to guess."""
    for key in ("config", "secrets"):
        for name, schema in getattr(whole.spec, key).items():
            if not schema.get("description"):
                yield (key, name), "has no description: who fills it in has to guess"


@rule("C404", "advice")
def _no_docs(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """There is no `docs.purpose`, `docs.account` or `docs.credentials`: how an account comes about is not told."""
    docs = whole.spec.docs
    missing = [key for key in ("purpose", "account", "credentials") if not getattr(docs, key, None)]
    if missing:
        yield ("docs",) if docs is not None else (), f"docs tells nothing of: {', '.join(missing)}"


@rule("C405", "advice", _with_editor_line)
def _no_editor_line(whole: Loaded) -> Iterator[tuple[Place, str]]:
    """Editors are not told the language's JSON Schema, and complete nothing."""
    if not _tells_editors(whole.source) and whole.spec.editor_schema is None:
        yield (), f"editors are not told the schema; the first line does it: {_EDITOR.strip()}"


def _tells_editors(source: Source) -> bool:
    return source.name.endswith(".json") or source.first_line.startswith("# yaml-language-server:")
