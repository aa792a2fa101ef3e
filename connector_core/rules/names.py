"""What templates may read: every name that they read is there, at the place where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from connector_core.auth import Auth
from connector_core.rules.relations import made_up
from connector_core.spec import Spec, templates
from connector_core.template import unknown_names

__all__ = ["of_names"]

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]


def of_names(spec: Spec) -> Iterator[Mistake]:
    """Every name that a template cannot read."""
    invented: dict[str, Any] = {}
    for name in spec.endpoints:
        invented |= made_up(spec, name)
    known: dict[str, Any] = {
        "config": spec.config,
        "secrets": spec.secrets,
        "connection": {"id", *spec.capture},
        "input": None,
    }
    made_up_in = lru_cache(1)(partial(made_up, spec))  # the templates of one endpoint or step follow each other
    for path, value in templates(spec):
        inside = spec.endpoints.get(str(path[1])) if path[0] == "endpoints" else None
        if (found_in := _sign_in(spec, path)) is not None:
            auth, below = found_in
            place = _ON_THE_WAY.get(value.place, value.place)
            found = unknown_names(value.reads, place, known, auth.made_up(below))
        elif inside is not None:
            place = value.place if inside.readable else _IN_A_CALL.get(value.place, value.place)
            names = {**known, "input": inside.input or ()}
            here = int(path[3]) if path[2] == "steps" else None
            found = unknown_names(value.reads, place, names, made_up_in(str(path[1]), here))
        else:
            found = _unknown_everywhere(value, known, invented)
        for what in found:
            yield path, what


def _sign_in(spec: Spec, path: Path) -> tuple[Auth, Path] | None:
    """The sign-in that the path leads into, and the path inside of it."""
    match path:
        case ("auth", *below) if spec.auth is not None:
            return spec.auth, tuple(below)
        case ("endpoints", name, "auth", *below) if (auth := spec.endpoints[str(name)].auth) is not None:
            return auth, tuple(below)
    return None


_ON_THE_WAY = {"request": "auth", "path": "sign_in_url"}
"""The row of the table that a request on the way to a token has: it belongs to no page and to no call."""

_IN_A_CALL = {"request": "call", "path": "call_path"}
"""The row of the table of names that a call has in place of a read's."""


def _unknown_everywhere(value: Any, known: Mapping[str, Any], made_up: Mapping[str, Any]) -> list[str]:
    """At the top level, what neither a read nor a call may say: each endpoint that inherits it is checked again."""
    found = unknown_names(value.reads, value.place, known, made_up)
    place = _IN_A_CALL.get(value.place, value.place)
    in_a_call = unknown_names(value.reads, place, known, made_up) if found else []
    return found if in_a_call else []
