"""Inheritance is one step, by overlay: an endpoint's mapping laid over the top level's, key by key, all the way down.

Rule 1: it happens on the raw document, before anything is validated, and remembers where each part was written.
Rule 2: another `type` replaces a component whole; a bare kind name does too, and may itself be completed.
Rule 3: `errors` and `transform` are joined, the endpoint's first; every other list replaces, and so does the other form
        of a body. Names of headers ignore case.
Rule 4: `rate_limit` is not inherited: the connector's bucket stands beside the endpoint's. `records` are inherited by
        `get`, `graphql` and `job` alone: a `post` is a search only where it says so itself. Those inherit no body.
Rule 5: one entry of a list of entries (`for_each`) may be written without the list.
Rule 6: an environment's `auth` is laid over the top level's in the same way; its other keys replace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connector_core.component import families
from connector_core.spec import INHERITED

__all__ = ["Origins", "TooMuchError", "expand"]

Path = tuple[str | int, ...]

MOST_INHERITED = 100_000
"""Values that the endpoints and environments of a spec may inherit together; 100 characters of text count as one."""
_REPLACED = ("base_url", "auth", "hosts")
"""What an environment says instead of the top level."""
_LISTED = ("for_each",)
"""Keys of an endpoint that are lists, and may be one item without the list."""
_JOINED = ("errors", "transform")
"""The lists that an endpoint adds to."""


class Origins:
    """Where the parts of an expanded document were written."""

    def __init__(self) -> None:
        self._moved: dict[Path, Path] = {}

    def inherit(self, path: Path, written: Path) -> None:
        """What stands at `path` stands at `written` in the document without inheritance."""
        self._moved[path] = written

    def written(self, path: Path) -> Path:
        """The place in the file that a place in the expanded document comes from."""
        for stage in range(3):  # an endpoint has it from the top level, that from an environment, that from the top
            if _stage(path) == stage:
                path = self._before(path)
        return path

    def _before(self, path: Path) -> Path:
        for end in range(len(path), 0, -1):
            if (source := self._moved.get(path[:end])) is not None:
                return source + path[end:]
        return path


def _stage(path: Path) -> int:
    return {"endpoints": 0, "environments": 2}.get(str(path[0]), 1) if path else 1


def expand(document: Mapping[str, Any], environment: str | None = None) -> tuple[dict[str, Any], Origins]:
    """The document with every endpoint and environment complete, and where its parts come from.

    Raises TooMuchError where it would be out of all proportion to the file.
    """
    origins = Origins()
    top = dict(document)
    _bounded(top, top.get("environments"), ("auth",), lambda own, key: key in own)
    top = _with_environments(top, origins)
    if environment is not None:
        top = _in_environment(top, environment, origins)
    endpoints = top.get("endpoints")
    if not isinstance(endpoints, dict):
        return top, origins
    _bounded(top, endpoints, INHERITED, _inherits)
    complete = {
        name: _endpoint(name, endpoint, top, origins) if isinstance(endpoint, dict) else endpoint
        for name, endpoint in endpoints.items()
    }
    return {**top, "endpoints": complete}, origins


class TooMuchError(ValueError):
    """What is inherited is too much in all; `path` is what makes up most of it."""

    def __init__(self, path: Path, count: int) -> None:
        super().__init__(
            f"what is inherited comes to {count:,} values, and may come to {MOST_INHERITED:,}: "
            "write this key in the endpoints that need it"
        )
        self.path = path


def _bounded(
    top: dict[str, Any], heirs: Any, keys: Sequence[str], inherits: Callable[[dict[str, Any], str], bool]
) -> None:
    """Counts what will be inherited before any of it is; an heir that has the key may replace it, and counts too."""
    own = [heir for heir in heirs.values() if isinstance(heir, dict)] if isinstance(heirs, dict) else []
    shares = {key: _weight(top[key]) * sum(inherits(heir, key) for heir in own) for key in keys if key in top}
    if (count := sum(shares.values())) > MOST_INHERITED:
        raise TooMuchError((max(shares, key=shares.__getitem__),), count)


def _weight(value: Any) -> int:
    """How many values it is made of."""
    if isinstance(value, dict):
        return 1 + sum(len(key) // 100 + _weight(item) for key, item in value.items())
    if isinstance(value, list):
        return 1 + sum(map(_weight, value))
    return 1 + len(value) // 100 if isinstance(value, str) else 1


def _endpoint(name: str, own: dict[str, Any], top: dict[str, Any], origins: Origins) -> dict[str, Any]:
    merged = dict(own)
    for key in INHERITED:
        if key not in top or not _inherits(own, key):
            continue
        path: Path = ("endpoints", name, key)
        if key not in own:
            merged[key] = top[key]
            origins.inherit(path, (key,))
        elif key in _JOINED:
            merged[key] = _joined(key, own[key], top[key], path, origins)
        else:
            merged[key] = _laid_key(key, own[key], top[key], path, origins)
    for key in _LISTED:
        if isinstance(item := own.get(key), dict):
            merged[key] = [item]
            origins.inherit(("endpoints", name, key, 0), ("endpoints", name, key))
    return merged


def _inherits(own: dict[str, Any], key: str) -> bool:
    match key:
        case "rate_limit":
            return False
        case "records":
            return not {"get", "graphql", "sdk", "job"}.isdisjoint(own)
        case "body":
            return {"get", "graphql", "sdk", "job"}.isdisjoint(own)
        case "auth" | "base_url" | "cache" | "decode" | "headers" | "params":
            return "sdk" not in own
    return True


def _joined(key: str, own: Any, inherited: Any, path: Path, origins: Origins) -> Any:
    if not isinstance(own, list) or not isinstance(inherited, list):
        return own
    for index in range(len(inherited)):
        origins.inherit((*path, len(own) + index), (key, index))
    return [*own, *inherited]


def _laid_key(key: str, over: Any, under: Any, path: Path, origins: Origins) -> Any:
    """The value of one inherited key laid over the top level's; each sort of key has its reason to replace instead."""
    if key in families():
        if isinstance(under, str) and isinstance(over, dict):
            under = {"type": under}
            origins.inherit((*path, "type"), (key,))
        if isinstance(over, dict) and isinstance(under, dict) and not _same_kind(key, over, under):
            return over
    if key == "body" and isinstance(over, dict) and isinstance(under, dict) and not _shared(over, under):
        return over
    if key == "headers" and isinstance(over, dict) and isinstance(under, dict):
        own = {name.lower() for name in over}
        under = {name: value for name, value in under.items() if name in over or name.lower() not in own}
    return _laid(over, under, path, (key,), origins)


def _shared(over: dict[str, Any], under: dict[str, Any]) -> bool:
    """Whether both have a key that is no author's own."""
    return any(not key.startswith("x-") for key in over.keys() & under.keys())


def _same_kind(key: str, over: dict[str, Any], under: dict[str, Any]) -> bool:
    kind = under.get("type", families()[key].default)
    return bool(over.get("type", kind) == kind)


def _laid(over: Any, under: Any, path: Path, under_path: Path, origins: Origins) -> Any:
    if not isinstance(over, dict) or not isinstance(under, dict):
        return over
    merged = dict(over)
    for key, value in under.items():
        if key in over:
            merged[key] = _laid(over[key], value, (*path, key), (*under_path, key), origins)
        else:
            merged[key] = value
            origins.inherit((*path, key), (*under_path, key))
    return merged


# ── environments ──────────────────────────────────────────────────────────────────────────────────


def _with_environments(top: dict[str, Any], origins: Origins) -> dict[str, Any]:
    environments = top.get("environments")
    if not isinstance(environments, dict) or "auth" not in top:
        return top
    complete = {
        name: {**own, "auth": _laid_key("auth", own["auth"], top["auth"], ("environments", name, "auth"), origins)}
        if isinstance(own, dict) and "auth" in own
        else own
        for name, own in environments.items()
    }
    return {**top, "environments": complete}


def _in_environment(top: dict[str, Any], name: str, origins: Origins) -> dict[str, Any]:
    """The document as the environment wants it; its config values become defaults."""
    at: Path = ("environments", name)
    changes = top["environments"][name]
    if not isinstance(changes, dict):
        return top
    merged = {**top, **{key: changes[key] for key in _REPLACED if key in changes}}
    for key in _REPLACED:
        if key in changes:
            origins.inherit((key,), (*at, key))
    if isinstance(top.get("config"), dict) and isinstance(changes.get("config"), dict):
        merged["config"] = _with_defaults(top["config"], changes["config"], at, origins)
    return merged


def _with_defaults(config: dict[str, Any], defaults: dict[str, Any], at: Path, origins: Origins) -> dict[str, Any]:
    for name in defaults:
        origins.inherit(("config", name, "default"), (*at, "config", name))
    return {
        name: {**schema, "default": defaults[name]} if name in defaults and isinstance(schema, dict) else schema
        for name, schema in config.items()
    }
