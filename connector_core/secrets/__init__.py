"""Where secrets are kept: one backend a module, found by its name when a reference first leads there.

::

    secrets={"token": SecretRef("vault:secret/shop#token")}          # in an app
    --secret token=file:/run/secrets/shop                            # on the command line

Rule 1: only who passes secrets passes references: no spec, no answer and no record is ever looked at for one.
Rule 2: the scheme names the backend, and the module is called like it: `aws-sm:` is `aws_sm.py`.
Rule 3: a backend is asked again and again and keeps nothing; how long a secret is good for, the engine decides.
Rule 4: an error tells where the secret is kept, never what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from connector_core.component import suggestion
from connector_core.exceptions import ConfigError
from connector_core.secrets.backend import Backend, World
from connector_core.secrets.brought import Brought

__all__ = ["Backend", "Backends", "World", "built_in"]

_OURS = ("backend", "brought", "service", "waiting")
"""Modules that are no backend."""


@cache
def built_in() -> Mapping[str, str]:
    """The module of each built-in backend, by its scheme."""
    names = sorted(found.name for found in iter_modules(__path__) if found.name not in _OURS)
    return {name.replace("_", "-"): f"{__name__}.{name}" for name in names}


def _made(scheme: str) -> Backend:
    """The built-in backend, as it is without options: the class is called like its scheme, in CamelCase."""
    module = import_module(built_in()[scheme])
    made: Backend = getattr(module, re.sub(r"(?:^|-)(\w)", lambda found: found[1].upper(), scheme))()
    return made


class Backends(Mapping[str, Backend]):
    """The backends that may be used, by scheme, each made when it is first asked for."""

    def __init__(
        self, allowed: Sequence[str | Backend] | None = None, brought: Mapping[str, Callable[[str], Any]] | None = None,
        made: Sequence[Backend] = (),
    ) -> None:  # fmt: skip
        """`allowed`: schemes, and backends with options of one's own; None: every one. `brought`: what plug-ins have.

        `made`: built-in ones with options, which may be named by their scheme.
        Raises ConfigError for what is neither.
        """
        brought = {} if brought is None else brought
        known: dict[str, Backend | None] = {scheme: Brought(scheme, find) for scheme, find in brought.items()}
        known |= dict.fromkeys(built_in())  # a plug-in takes the place of none
        known |= {backend.scheme: backend for backend in made}
        self._backends = known if allowed is None else dict(_chosen(allowed, known))

    def __getitem__(self, scheme: str) -> Backend:
        found = self._backends[scheme]
        if found is None:
            found = self._backends[scheme] = _made(scheme)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._backends)

    def __len__(self) -> int:
        return len(self._backends)

    def of(self, scheme: str) -> Backend:
        """The backend; raises ConfigError where there is none, or it is not allowed. Never repeats what was passed."""
        if scheme in self._backends:
            return self[scheme]
        raise ConfigError(
            "the reference leads to no place that may be asked for secrets",
            hint=f"the schemes here are {', '.join(sorted(self._backends)) or 'none'}; a secret itself is no reference",
            code="secret.reference",
        )


def _chosen(allowed: Sequence[Any], known: Mapping[str, Backend | None]) -> Iterator[tuple[str, Backend | None]]:
    for item in [allowed] if isinstance(allowed, str) else allowed:
        if isinstance(item, Backend):
            yield item.scheme, item
        elif isinstance(item, str) and item in known:
            yield item, known[item]
        else:
            what = f"{item!r} is no backend of secrets" + (suggestion(item, known) if isinstance(item, str) else "")
            raise ConfigError(
                what,
                where="Engine(secret_backends=…)",
                hint=f"name some of {', '.join(sorted(known))}, or pass a Backend",
                code="secret.backend",
            )
