"""The first files of a spec and of a plug-in package, made from templates that lie beside this module.

Rule 1: what is made works at once: the spec is valid and lint has nothing to say, the tests pass.
Rule 2: nothing that exists is changed. A file that is shared by several specs (the JSON Schema, the CI job) stays as it
        is; any other that is there already refuses the whole.

The templates are Jinja's with `<<name>>`, since braces are the spec language's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["File", "camel", "checked", "for_plugin", "for_spec", "suggested", "titled", "write"]

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
"""What a spec may be called."""


class File(Struct, frozen=True):
    """A file to be written."""

    path: str
    """Its place below the folder, with `/`."""
    text: str
    shared: bool = False
    """Whether others use it too: where it is there already, it is left as it is."""


_SPEC = {
    "specs/<<name>>.yaml": "spec/spec.yaml",
    "tests/test_<<module>>.py": "spec/test_spec.py",
    ".github/workflows/connectors.yml": "spec/workflow.yml",
}
_PLUGIN = {
    "pyproject.toml": "plugin/pyproject.toml",
    "README.md": "plugin/README.md",
    ".gitignore": "plugin/gitignore",
    ".github/workflows/test.yml": "plugin/workflow.yml",
    "<<module>>_connectors/__init__.py": "plugin/init.py",
    "<<module>>_connectors/auth.py": "plugin/auth.py",
    "<<module>>_connectors/decode.py": "plugin/decode.py",
    "<<module>>_connectors/filters.py": "plugin/filters.py",
    "<<module>>_connectors/pagination.py": "plugin/pagination.py",
    "<<module>>_connectors/transforms.py": "plugin/transforms.py",
    "<<module>>_connectors/py.typed": "plugin/py.typed",
    "<<module>>_connectors/specs/<<name>>.yaml": "plugin/spec.yaml",
    "<<module>>_connectors/specs/<<name>>.py": "plugin/spec.py",
    "tests/test_<<module>>.py": "plugin/test_plugin.py",
}
_SHARED = frozenset({".github/workflows/connectors.yml", "specs/connector.schema.json"})


def for_spec(name: str, spec: str | None = None) -> list[File]:
    """A spec, its tests, a CI job and the schema for editors; `spec` stands in for the first one's text.

    Raises ConfigError for what cannot be a spec's name.
    """
    checked(name, "a spec")
    made = _made(_SPEC, _words(name))
    if spec is not None:
        made[0] = File(made[0].path, spec)
    return [*made, File("specs/connector.schema.json", _editor_schema(), shared=True)]


def for_plugin(name: str) -> list[File]:
    """A package with kinds, hooks, a spec, tests and a CI job, all in one folder; raises ConfigError for its name."""
    name = re.sub(r"[-_]connectors?$", "", name)
    checked(name, "a plug-in")
    words = _words(name)
    folder = f"{words['host']}-connectors"
    return [File(f"{folder}/{file.path}", file.text) for file in _made(_PLUGIN, words)]


def write(files: Iterable[File], folder: Path) -> list[Path]:
    """Writes all of the files or none, and gives the paths of those that were not there; raises ConfigError."""
    try:
        return _written(files, folder)
    except OSError as error:
        where = str(error.filename or folder)
        raise ConfigError(f"it cannot be written: {error.strerror}", where=where) from None


def _written(files: Iterable[File], folder: Path) -> list[Path]:
    files = [file for file in files if not (file.shared and (folder / file.path).exists())]
    for file in files:
        if there := _in_the_way(folder / file.path):
            raise ConfigError("it is there already", where=str(there), hint="choose another name or another --output")
    done: list[Path] = []
    made: list[Path] = []
    try:
        for file in files:
            path = folder / file.path
            for parent in reversed([parent for parent in path.parents if not parent.exists()]):
                made.append(parent)
                parent.mkdir(exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as target:
                done.append(path)
                target.write(file.text)
    except BaseException:  # Ctrl-C too
        for path in done:
            path.unlink(missing_ok=True)
        for parent in reversed(made):
            with suppress(OSError):  # somebody else has put something there
                parent.rmdir()
        raise
    return done


def _in_the_way(path: Path) -> Path | None:
    """What has the name already; of a spec, in any of its endings."""
    endings = (".yaml", ".yml", ".json") if path.parent.name == "specs" else (path.suffix,)
    return next((there for there in map(path.with_suffix, endings) if there.exists() or there.is_symlink()), None)


# ── names ─────────────────────────────────────────────────────────────────────────────────────────


def checked(name: str, what: str) -> None:
    """Raises ConfigError for what cannot be the name of `what`."""
    if not NAME.fullmatch(name):
        near = suggested(name)
        raise ConfigError(
            f"{name!r} cannot be the name of {what}: it has lower-case letters, digits, _ and -, begins with a letter, "
            "and has at most 63 characters",
            hint=f"such as {near}" if near else "",
        )


def suggested(text: str) -> str:
    """A name that is like the text; empty where nothing is left of it."""
    return re.sub(r"[^a-z0-9-]+", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text).lower()).strip("_-0123456789")[:63]


def titled(name: str) -> str:
    """`my_shop` as people write it: `My Shop`."""
    return " ".join(word.capitalize() for word in re.split(r"[_-]+", name) if word)


def camel(name: str) -> str:
    """`my_shop` as a class is called: `MyShop`."""
    return titled(name).replace(" ", "")


def _words(name: str) -> dict[str, str]:
    """What the templates read."""
    return {
        "name": name,
        "module": name.replace("-", "_"),
        "host": re.sub(r"[_-]+", "-", name).strip("-"),
        "title": titled(name),
        "camel": camel(name),
    }


# ── templates ─────────────────────────────────────────────────────────────────────────────────────


_NO_TEXT = frozenset({"null", "true", "false"})
"""Names that YAML takes for something else where they stand without quotes."""


def _made(table: Mapping[str, str], words: Mapping[str, str]) -> list[File]:
    render = _templates()
    files = []
    for place, template in table.items():
        path = render.from_string(place).render(words)
        files.append(File(path, render.get_template(f"{template}.jinja").render(words), path in _SHARED))
    return files


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - text, and names that were checked
    )
    environment.filters["scalar"] = lambda word: f'"{word}"' if word.lower() in _NO_TEXT else word
    return environment


def _editor_schema() -> str:
    import json

    from connector_core.schema import json_schema

    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
