"""What is known of an account because a service said so; the names under `connection` in templates.

Rule 1: what came with a token is the fact of the `auth` that the token is for: two may lead to two instances.
Rule 2: requests of an `auth` that has been given nothing of that name read what another was given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from connector_core.spec import Spec

__all__ = ["Facts"]


class Facts:
    """What was captured about one account, when, and with whose token it came."""

    def __init__(self, spec: Spec, name: str) -> None:
        """`name`: the connection's, which templates read as `connection.id`."""
        self._spec = spec
        self.names: dict[str, Any] = {"id": name}
        """What everybody may read; what came with a token is that of whoever was given it first."""
        self._views: dict[str, dict[str, Any]] = {}
        self._own: dict[str, set[str]] = {}
        """The names of what came with the tokens of each `auth`."""
        self._since: dict[str, float] = {}
        self.locks: dict[str, asyncio.Lock] = {}
        """Held while a fact is asked for."""

    def of(self, credential: str) -> dict[str, Any]:
        """What requests that are signed by that `auth` of the spec may read, from now on: it grows."""
        return self._views.setdefault(credential, dict(self.names))

    def each(self) -> Iterator[dict[str, Any]]:
        """What requests may read, by whichever `auth` they are signed."""
        yield from (self.names, *self._views.values())

    def fresh(self, name: str, credential: str, now: float) -> bool:
        """Whether the fact is there and not too old; `now` in seconds of a monotonic clock."""
        if name in self._spec.sign_in_facts:
            return name in self._own.get(credential, ())
        every = getattr(self._spec.capture[name], "every", None)
        return name in self._since and (every is None or now - self._since[name] < every)

    def keep(self, name: str, value: Any, now: float) -> None:
        """Keeps the fact for templates to read."""
        self._since[name] = now
        for names in self.each():
            names[name] = value

    def came(self, credential: str, found: Mapping[str, Any]) -> bool:
        """Keeps what came with a token of that `auth`; whether anything is another than before."""
        own, view = self._own.setdefault(credential, set()), self.of(credential)
        changed = any(name not in own or view[name] != value for name, value in found.items())
        own |= found.keys()
        view |= found
        first = next(iter(self._own)) == credential
        for name, value in found.items():
            for whose, names in (("", self.names), *self._views.items()):
                if name not in names or (first and name not in self._own.get(whose, ())):
                    names[name] = value
        return changed
