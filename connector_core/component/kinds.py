"""The kinds of a family by name: those that are defined, and those that stand in a package and are not imported yet."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector_core.component import Component

__all__ = ["Kinds"]


class Kinds(MutableMapping[str, "type[Component]"]):
    """The kinds of a family by name, in alphabetical order; those that are late are imported when one looks at them."""

    def __init__(self) -> None:
        self._defined: dict[str, type[Component]] = {}
        self._packages: list[str] = []
        self._found: dict[str, str] | None = None

    def live_in(self, package: str) -> None:
        """Has the modules of a package looked through for kinds, which are imported when one of them is looked up."""
        self._packages.append(package)
        self._found = None

    @property
    def late(self) -> dict[str, str]:
        """The module of each kind in those packages, by the kind's name; told from the text, without importing it."""
        if self._found is None:
            self._found = {}  # what is imported on the way looks here, too
            found: dict[str, str] = {}
            for name, module in (kind for package in self._packages for kind in _kinds_in(package)):
                if found.setdefault(name, module) != module:
                    self._found = None
                    raise TypeError(f"the kind {name!r} is defined twice, in {found[name]} and in {module}")
            self._found = found
        return self._found

    def __getitem__(self, name: str) -> type[Component]:
        if name not in self._defined and name in self.late:
            import_module(self.late[name])
        return self._defined[name]

    def __setitem__(self, name: str, kind: type[Component]) -> None:
        self._defined[name] = kind

    def __delitem__(self, name: str) -> None:
        del self._defined[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self.late, *self._defined}))

    def __len__(self) -> int:
        return len({*self.late, *self._defined})


_TYPE = re.compile(r"""^ +type: Literal\[["']([^"']+)["']\] = """, re.MULTILINE)
"""The line that makes a class a kind."""


def _kinds_in(package: str) -> Iterator[tuple[str, str]]:
    """Each kind that the package's modules define, with its module's name; a module without its text is imported."""
    return _kinds_below(sys.modules[package].__path__, package)


def _kinds_below(path: Iterable[str], package: str) -> Iterator[tuple[str, str]]:
    from pkgutil import iter_modules

    for found in iter_modules(path, f"{package}."):
        finder: Any = found.module_finder  # asked itself: nothing above the module is imported for that
        spec = finder.find_spec(found.name)
        source = spec.loader.get_source(found.name)
        if source is None:
            import_module(found.name)
        for name in _TYPE.findall(source or ""):
            yield name, found.name
        if found.ispkg:
            yield from _kinds_below(spec.submodule_search_locations, found.name)
