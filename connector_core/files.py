"""Files beside a spec that it names in place of their text: a query's (`.graphql`), a schema's (`.json`, `.yaml`).

::

    endpoints:
      orders: {graphql: queries/orders.graphql, schema: schemas/order.json}

Only the spec's own folder and what is below it is read: no `..`, no absolute path, no link that leads out of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from connector_core.exceptions import Problem, SpecError
from connector_core.graphql import FILE
from connector_core.source import Source, read

__all__ = ["with_files"]

MAX_BYTES = 1024 * 1024
_SCHEMA = re.compile(r"[^\s{}]+\.(?:json|ya?ml)")


def with_files(source: Source, folder: Path | None) -> dict[str, Any]:
    """The document with the files' contents in place of their names; raises SpecError with all that is wrong."""
    endpoints = source.data.get("endpoints")
    if not isinstance(endpoints, dict):
        return source.data
    problems: list[Problem] = []
    changed: dict[str, dict[str, Any]] = {}
    for name, endpoint in endpoints.items():
        for key, content in _contents(endpoint if isinstance(endpoint, Mapping) else {}):
            path = ("endpoints", name, key)
            try:
                changed.setdefault(name, {**endpoint})[key] = content(folder, endpoint[key])
            except _FileError as error:
                problems.append(Problem(source.name, *source.at(path), ".".join(path), str(error)))
    if problems:
        raise SpecError(problems)
    return {**source.data, "endpoints": {**endpoints, **changed}} if changed else source.data


def _contents(endpoint: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[Path | None, str], Any]]]:
    """The keys that name a file, each with what reads it."""
    for key, pattern, content in (("graphql", FILE, _text), ("schema", _SCHEMA, _schema)):
        value = endpoint.get(key)
        if isinstance(value, str) and pattern.fullmatch(value.strip()):
            yield key, content


class _FileError(ValueError):
    """A file cannot stand in for its text; says why."""


def _text(folder: Path | None, name: str) -> str:
    """The file's text."""
    if folder is None:
        raise _FileError("names a file, and a spec that is not a file itself can name none: write the text here")
    relative = PurePosixPath(name.strip())
    if relative.is_absolute() or ".." in relative.parts or "\\" in name:
        raise _FileError("must be the name of a file beside the spec or below it, without ..")
    try:
        path = (folder / relative).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise _FileError("leads out of the spec's folder")
        content = path.read_bytes()
    except OSError as error:
        raise _FileError(f"cannot be read beside the spec: {(error.strerror or 'it is not there').lower()}") from None
    if len(content) > MAX_BYTES:
        raise _FileError("is a file of more than 1 MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _FileError("is a file that is not UTF-8") from None


def _schema(folder: Path | None, name: str) -> Any:
    """The properties that a file of JSON Schema describes: those of its object, or the names themselves."""
    try:
        data = read(_text(folder, name), name.strip()).data
    except SpecError as error:
        raise _FileError(f"is a file with a mistake: {error.problems[0]}") from None
    properties = data.get("properties")
    return properties if data.get("type") == "object" and isinstance(properties, dict) else data
