"""An OpenAPI document as plain data: JSON or YAML of bounded size and depth, whose references lead into itself."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NoReturn
from urllib.parse import unquote

from connector_core.exceptions import ConfigError

__all__ = ["Document", "read"]

MAX_BYTES = 32 * 1024 * 1024
MAX_VALUES = 3_000_000
"""Values, each counted as often as it is written or stands for an alias."""
MAX_DEPTH = 150
LONGEST_CHAIN = 32
"""References that lead to references."""


class Document:
    """The data of a document; what is asked of it is always there, empty where the document has something else."""

    def __init__(self, data: Mapping[str, Any], file: str) -> None:
        self.data, self.file = data, file

    def mapping(self, value: Any) -> Mapping[str, Any]:
        """The mapping that the value is, or refers to; empty where it is none."""
        found, _ = self.followed(value)
        return found if isinstance(found, dict) else {}

    def items(self, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The mappings in a mapping, by name."""
        return ((name, self.mapping(item)) for name, item in self.mapping(value).items())

    def list(self, value: Any) -> list[Any]:
        """The list that the value is; empty where it is none."""
        return value if isinstance(value, list) else []

    def followed(self, value: Any) -> tuple[Any, tuple[str, ...]]:
        """What the value refers to in the end, with the references on the way; None where that is not here."""
        way: list[str] = []
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            reference = value["$ref"]
            if reference in way or len(way) >= LONGEST_CHAIN:
                return None, tuple(way)
            way.append(reference)
            value = self._target(reference)
        return value, tuple(way)

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            return None
        found: Any = self.data
        for token in reference[1:].split("/")[1:]:
            key = unquote(token).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list):
                found = found[int(key)] if re.fullmatch("[0-9]{1,6}", key) and int(key) < len(found) else None
            else:
                found = found.get(key) if isinstance(found, dict) else None
        return found


def read(content: bytes, file: str) -> Document:
    """The document; raises ConfigError where it is none of OpenAPI 3.0 or 3.1."""
    if len(content) > MAX_BYTES:
        _refuse("it has more than 32 MiB", file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(f"byte {error.start + 1} is not UTF-8", file)
    data = _Plain(file).value(_json(text, file) if text.lstrip()[:1] == "{" else _yaml(text, file))
    if not isinstance(data, dict):
        _refuse(
            "it is empty" if data is None else "it is no mapping",
            file,
            "an OpenAPI document begins with openapi: 3.1.0",
        )
    if "swagger" in data:
        _refuse(f"it is in Swagger {_short(data['swagger'])}", file, "convert it to OpenAPI 3 first")
    if "openapi" not in data:
        _refuse("it is no OpenAPI document: it has no key 'openapi'", file)
    if not re.fullmatch(r"3\.[01](\.[0-9]+)?(-.*)?", str(data["openapi"])):
        _refuse(f"it is in OpenAPI {_short(data['openapi'])}, and 3.0 and 3.1 are known", file)
    return Document(data, file)


def _short(value: Any) -> str:
    return re.sub(r"[^\w.-]+", " ", str(value))[:20]


def _refuse(what: str, file: str, hint: str = "") -> NoReturn:
    raise ConfigError(what, where=file, hint=hint)


def _json(text: str, file: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if ":" in text and not text.lstrip().startswith('{"'):
            return _yaml(text, file)  # a flow mapping
        _refuse(f"line {error.lineno}, column {error.colno}: it is not JSON: {error.msg}", file)
    except RecursionError:
        _refuse("it is nested too deeply", file)
    except ValueError:
        _refuse("it holds a number of too many digits", file)


def _yaml(text: str, file: str) -> Any:
    import yaml

    try:
        return yaml.load(text, _loader())  # noqa: S506 - the loader below is a safe one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        _refuse(f"{place}it is not YAML: {error.problem or 'it ends too early'}", file)
    except yaml.YAMLError as error:
        _refuse(f"it is not YAML: {str(error).splitlines()[0]}", file)
    except RecursionError:
        _refuse("it is nested too deeply", file)
    except (ValueError, TypeError):
        _refuse("it holds what plain YAML does not have", file)


@cache
def _loader() -> Any:
    """A safe loader with YAML 1.2's core meaning: dates, `NO` and `1_000` are text."""
    import yaml

    class Core(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers: dict[str, Any] = {}

    for tag, pattern, first in (
        ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
        ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
        ("int", r"[-+]?(0|[1-9][0-9]{0,300})", [*"-+0123456789"]),
        ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
    ):
        Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})$"), first)
    return Core


class _Plain:
    """Copies data, so that it is made of plain values alone: names are text, numbers finite, nothing is shared."""

    def __init__(self, file: str) -> None:
        self._file, self._left = file, MAX_VALUES

    def value(self, value: Any, depth: int = 0) -> Any:
        """The copy; raises ConfigError where there is too much of it."""
        self._left -= 1
        if self._left < 0:
            _refuse("it holds too many values: are there aliases of aliases in it?", self._file)
        if depth > MAX_DEPTH:
            _refuse("it is nested too deeply, or an alias in it leads to itself", self._file)
        match value:
            case dict():
                return {_text(str(key)): self.value(item, depth + 1) for key, item in value.items()}
            case list() | tuple():
                return [self.value(item, depth + 1) for item in value]
            case str():
                return _text(value)
            case float() if not math.isfinite(value):
                return None
            case bool() | int() | float() | None:
                return value
        return None


def _text(text: str) -> str:
    """Without half of a surrogate pair, which no file in UTF-8 can hold."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)
