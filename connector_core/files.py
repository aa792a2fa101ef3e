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
from connector_core.source import MAX_BYTES, MAX_PROBLEMS, Source, read
from connector_core.spec import SCHEMA_FILE

__all__ = ["with_files"]

MOST_BYTES = 4 * MAX_BYTES
"""For all files of a spec, each counted as often as it is named."""
_Read = Callable[[Path | None, str], tuple[Any, int]]
_SCHEMA = re.compile(SCHEMA_FILE)


def with_files(source: Source, folder: Path | None) -> dict[str, Any]:
    """The document with the files' contents in place of their names; raises SpecError with all that is wrong."""
    endpoints = source.data.get("endpoints")
    if not isinstance(endpoints, dict):
        return source.data
    problems: list[Problem] = []
    changed: dict[str, dict[str, Any]] = {}
    files = _Files(folder)
    for name, endpoint in endpoints.items():
        for key, content in _contents(endpoint if isinstance(endpoint, Mapping) else {}):
            path = ("endpoints", name, key)
            try:
                changed.setdefault(name, {**endpoint})[key] = files.content(content, endpoint[key])
            except _FileError as error:
                problems.append(Problem(source.name, *source.at(path), ".".join(path), str(error)))
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise SpecError(problems)
    return {**source.data, "endpoints": {**endpoints, **changed}} if changed else source.data


def _contents(endpoint: Mapping[str, Any]) -> Iterator[tuple[str, _Read]]:
    """The keys that name a file, each with what reads it."""
    for key, pattern, content in (("graphql", FILE, _text), ("schema", _SCHEMA, _schema)):
        value = endpoint.get(key)
        if isinstance(value, str) and pattern.fullmatch(value.strip()):
            yield key, content


class _FileError(ValueError):
    """A file cannot stand in for its text; says why."""


class _Files:
    """The files of one spec: each is read once, and what stands in for their names is bounded in all."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._read: dict[tuple[_Read, str], tuple[Any, int] | _FileError] = {}
        self._bytes = 0

    def content(self, read_: _Read, name: str) -> Any:
        """What a file holds; raises _FileError."""
        if (read_, name) not in self._read:
            try:
                self._read[read_, name] = read_(self._folder, name)
            except _FileError as error:
                self._read[read_, name] = error
        found = self._read[read_, name]
        if isinstance(found, _FileError):
            raise found
        self._bytes += found[1]
        if self._bytes > MOST_BYTES:
            raise _FileError(
                "is one file too many: a spec's may have 4 MiB together, counted as often as they are named"
            )
        return found[0]


def _text(folder: Path | None, name: str) -> tuple[str, int]:
    """The file's text, and its size."""
    if folder is None:
        raise _FileError("names a file, and a spec that is not a file itself can name none: write the text here")
    relative = PurePosixPath(name.strip())
    if relative.is_absolute() or ".." in relative.parts or {"\\", "\0"} & set(name):
        raise _FileError("must be the name of a file beside the spec or below it, without ..")
    try:
        path = (folder / relative).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise _FileError("leads out of the spec's folder")
        if path.exists() and not path.is_file():
            raise _FileError("is no file")  # a pipe would be waited for
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except RuntimeError:
        raise _FileError("is a link that leads to itself") from None
    except OSError as error:
        raise _FileError(f"cannot be read beside the spec: {(error.strerror or 'it is not there').lower()}") from None
    if len(content) > MAX_BYTES:
        raise _FileError("is a file of more than 1 MiB")
    try:
        return content.decode("utf-8-sig"), len(content)
    except UnicodeDecodeError:
        raise _FileError("is a file that is not UTF-8") from None


def _schema(folder: Path | None, name: str) -> tuple[Any, int]:
    """The properties that a file of JSON Schema describes, its object's or the names themselves; and its size."""
    text, size = _text(folder, name)
    try:
        data = read(text, name.strip()).data
    except SpecError as error:
        raise _FileError(f"is a file with a mistake: {error.problems[0]}") from None
    properties = data.get("properties")
    return properties if data.get("type") == "object" and isinstance(properties, dict) else data, size
