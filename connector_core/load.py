"""From a file to a spec: read, overlaid, validated and checked, with every mistake of the file told at once.

Nothing is sent and no environment variable is read. Where a spec is looked for is the caller's business: in the folders
it names, then among the specs that come with the package.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from connector_core.component import few_suggestions, suggestion
from connector_core.exceptions import ConfigError, Problem, SpecError
from connector_core.files import with_files
from connector_core.overlay import Origins, TooMuchError, expand
from connector_core.plugins import Plugins
from connector_core.problems import Locator, remainder, told
from connector_core.rules import broken
from connector_core.source import MAX_BYTES, MAX_PROBLEMS, Source, dotted, read
from connector_core.spec import Spec
from connector_core.template.filters import add_filter

__all__ = ["Loaded", "add_filters", "available", "bundled", "find", "found", "load", "loaded", "parse"]

log: logging.Logger = logging.getLogger("connector_core")

VERSION = "1"
ENDINGS = (".yaml", ".yml", ".json")


def load(
    spec: str | Path | Mapping[str, Any],
    folders: Sequence[Path] = (),
    environment: str | None = None,
    *,
    trusted: Sequence[Path] | None = None,
) -> Spec:
    """A spec by name, by path (it ends in .yaml, .yml or .json), or as data; raises SpecError or ConfigError.

    `trusted`: the folders whose Python is run with their specs; left out: `folders`.
    """
    if isinstance(spec, Mapping):
        return parse(_written(spec), "spec.json", environment)
    content, name, folder = found(spec, folders)
    loaded_spec = parse(content, name, environment, folder=folder)
    python = _python(folder, loaded_spec.name, folders if trusted is None else trusted)
    return loaded_spec if python is None else loaded_spec.with_python(python)


def _python(folder: Path, name: str, trusted: Sequence[Path]) -> Path | None:
    """The Python beside a spec, where it lies in a trusted folder, or is bundled; None: there is none.

    A spec from anywhere else brings no code: whoever is sent one may try it before they have read what is beside it.
    """
    here = folder.resolve()
    if here == bundled().resolve():
        python = here.parent / "connectors" / f"{name}.py"
    elif here in [Path(known).resolve() for known in (*trusted, *_extended().specs())]:
        python = here / f"{name}.py"
    else:
        return None
    return python if python.is_file() else None


def found(spec: str | Path, folders: Sequence[Path] = ()) -> tuple[bytes, str, Path]:
    """The file of a spec: its content, its name as messages show it, and its folder; raises ConfigError."""
    path = find(spec, folders)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)  # the one byte more tells that it is too large
    except OSError as error:
        raise _unreadable(path, error) from None
    return content, str(spec) if str(path) == str(spec) else _shown(path), path.parent


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"the spec cannot be read: {error.strerror}", where=str(path))


def _written(data: Mapping[str, Any]) -> str:
    try:
        return json.dumps(data, default=_mapping)
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError(f"a spec that is given as data holds what JSON has no form for: {error}") from None


def _mapping(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__}")


def parse(text: str | bytes, name: str, environment: str | None = None, *, folder: Path | None = None) -> Spec:
    """The spec that a text describes; `name` stands in messages, and `.json` at its end makes it JSON.

    `folder` is where files lie that it names, such as a query's text; None: it can name none.
    """
    return loaded(text, name, environment, folder=folder).spec


class Loaded(Struct, frozen=True):
    """A spec with the file that it was read from."""

    spec: Spec
    source: Source
    locate: Locator


def loaded(text: str | bytes, name: str, environment: str | None = None, *, folder: Path | None = None) -> Loaded:
    """As `parse`, with the places of everything."""
    _extended()
    source = read(text, name)
    _known_version(source)
    if environment is not None:
        _known_environment(source, environment)
    with few_suggestions(MAX_PROBLEMS):
        return _checked(source, folder, environment)


@cache
def _extended() -> Plugins:
    """The installed plug-ins, whose kinds and filters are known from the first spec on."""
    plugins = Plugins()
    add_filters(plugins)
    return plugins


def add_filters(plugins: Plugins) -> None:
    """Makes the filters of plug-ins known to the process; one that cannot be is left out with a warning."""
    for name, function in plugins.filters().items():
        try:
            add_filter(name, function)
        except (ValueError, TypeError) as error:
            log.warning("a plug-in's filter is left out: %s", error)


def _checked(source: Source, folder: Path | None, environment: str | None) -> Loaded:
    expanded, origins = _expanded(source, folder, environment)
    locate = Locator(source, origins)
    problems: list[Problem] = []
    spec: Spec | None
    try:
        spec, trusted = Spec.model_validate(expanded), None
    except ValidationError as error:
        problems = told(error, expanded, locate)
        spec, trusted = remainder(error, expanded)
    mistakes = broken(spec) if spec else ()
    further = locate.located((path, what) for path, what in mistakes if trusted is None or trusted(path))
    problems += islice(further, max(MAX_PROBLEMS - len(problems), 0))
    if problems or spec is None:
        raise SpecError(problems[:MAX_PROBLEMS])
    return Loaded(spec.within(environment), source, locate)


def _expanded(source: Source, folder: Path | None, environment: str | None) -> tuple[dict[str, Any], Origins]:
    try:
        return expand(with_files(source, folder), environment)
    except TooMuchError as error:
        raise SpecError([Problem(source.name, *source.at_key(error.path), dotted(error.path), str(error))]) from None


def _known_version(source: Source) -> None:
    """Raises for a newer language: what else is wrong with such a file, nobody here can say."""
    given = source.data.get("connector")
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,9}", given) and int(given) > int(VERSION):
        what = f"this spec is in version {given} of the language, and this package knows {VERSION}: update the package"
        raise SpecError([Problem(source.name, *source.at(("connector",)), "connector", what)])


def _known_environment(source: Source, name: str) -> None:
    known = source.data.get("environments")
    if not isinstance(known, dict) or name not in known:
        raise ConfigError(
            f"there is no environment {name!r}{suggestion(name, known if isinstance(known, dict) else ())}",
            where=source.name,
            hint="" if known else "the spec declares none",
        )


# ── where specs are ───────────────────────────────────────────────────────────────────────────────


@cache
def bundled() -> Path:
    """The folder of the specs that come with the package: inside it when installed, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    return here / "bundled" / "specs" if (here / "bundled").is_dir() else here.parent / "specs"


def available(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """Every spec that a name finds, by that name."""
    known: dict[str, Path] = {}
    for folder in [*map(Path, folders), *_extended().specs(), bundled()]:
        for ending in ENDINGS:
            for path in sorted(folder.glob(f"*{ending}")):
                if not path.name.endswith(".schema.json") and path.is_file():
                    known.setdefault(path.stem, path)
    return dict(sorted(known.items()))


def find(spec: str | Path, folders: Sequence[Path] = ()) -> Path:
    """The file that a name or a path stands for; raises ConfigError."""
    if str(spec).endswith(ENDINGS):
        path = Path(spec)
        try:
            if path.is_file():
                return path
            what = "that is a folder, not a spec" if path.is_dir() else "there is no such spec"
        except OSError as error:  # a name that no file can have, or a folder that nobody may look into
            raise _unreadable(path, error) from None
        raise ConfigError(what, where=str(spec), hint="a path leads to a .yaml or .json file")
    known = available(folders)
    if str(spec) not in known:
        raise ConfigError(
            f"there is no spec named {str(spec)!r}{suggestion(str(spec), known)}",
            hint="name one of these, or give the path of a .yaml or .json file",
        )
    return known[str(spec)]


def _shown(path: Path) -> str:
    """The path as a person in the working directory would write it; of a bundled spec, wherever it lies, its name."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return f"bundled/{path.name}" if path.parent == bundled() else str(path)
