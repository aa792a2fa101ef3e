"""What must hold of endpoints that are methods of an SDK: they have arguments, and nothing that only HTTP has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connector_core.address import Put
from connector_core.component import Component, Model
from connector_core.spec import Endpoint, Spec

__all__ = ["of_sdk"]

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]

_INSTEAD = {
    "auth": "the client signs in by itself: the plug-in makes it with config and secrets",
    "base_url": "the client knows where its service is; what it needs the plug-in takes from config",
    "body": "a method has arguments: give them under 'args'",
    "cache": "what a method gives is not kept: leave it out, or write none",
    "decode": "a method gives values, and no bytes",
    "headers": "a method has arguments: give them under 'args'",
    "params": "a method has arguments: give them under 'args'",
}


_NOT_KEPT = "what a method gives is not kept: name another endpoint, or a value"


def of_sdk(spec: Spec) -> Iterator[Mistake]:
    """Every mistake in what is said of an SDK."""
    for name, endpoint in spec.endpoints.items():
        path: Path = ("endpoints", name)
        if endpoint.sdk is None:
            yield from _without(path, endpoint, spec)
            continue
        if spec.sdk is None:
            yield (*path, "sdk"), "needs a client: say which at the top level, such as sdk: {client: stripe}"
        yield from (((*path, key), why) for key, why in _INSTEAD.items() if _says_something(endpoint, key))
        if (kind := _kind(endpoint)) in ("next_url", "link_header"):
            yield (*path, "pagination"), f"{kind} follows links, and a method has none"
        kept = [index for index, entry in enumerate(endpoint.fallback) if entry.keeps]
        yield from (((*path, "fallback", index), _NOT_KEPT) for index in kept)
        for at, put in _puts(endpoint):
            if put.root != "args":
                yield (*path, *at), f"{put} is no place in a call: a method has arguments, such as args.{put.keys[0]}"


def _without(path: Path, endpoint: Endpoint, spec: Spec) -> Iterator[Mistake]:
    if endpoint.args is not None:
        yield (*path, "args"), "are a method's: there is no sdk here"
    if _kind(endpoint) == "iterator" and endpoint.pagination != spec.pagination:
        yield (*path, "pagination"), "an iterator is what a method gives: there is no sdk here"
    for at, put in _puts(endpoint):
        if put.root == "args":
            yield (*path, *at), f"{put} is an argument of a method: there is no sdk here"


def _says_something(endpoint: Endpoint, key: str) -> bool:
    found = getattr(endpoint, key)
    return found is not None and not (isinstance(found, Component) and found.kind() == "none")


def _kind(endpoint: Endpoint) -> str | None:
    return endpoint.pagination.kind() if endpoint.pagination is not None and endpoint.readable else None


def _puts(endpoint: Endpoint) -> Iterator[tuple[Path, Put]]:
    """Every place in a request that the endpoint's keys put something."""
    keys = ("pagination", "idempotency", "batch", "for_each") if endpoint.readable else ("idempotency", "batch")
    for key in keys:
        if getattr(endpoint, key) is not None:
            yield from _inside((key,), getattr(endpoint, key))


def _inside(path: Path, value: Any) -> Iterator[tuple[Path, Put]]:
    if isinstance(value, Put):
        yield path, value
    elif isinstance(value, Model):
        for name in type(value).model_fields:
            yield from _inside((*path, name), getattr(value, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _inside((*path, index), item)
