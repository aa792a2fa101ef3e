"""Commands that try an endpoint against the simulator, as they are typed: they need no account and send nothing out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from random import Random  # noqa: TID251 - the same throws each time
from typing import Any

from connector_core.exceptions import ConfigError
from connector_core.handbook.schemas import required
from connector_core.json_schema import violations
from connector_core.spec import VERBS, Endpoint, Spec, templates
from connector_core.testing.accounts import account
from connector_core.testing.examples import check_makeable, example
from connector_core.testing.matching import Route
from connector_core.testing.provider import Provider

__all__ = ["Commands"]

_SPEAKING = frozenset({"const", "enum", "examples", "format", "pattern"})
"""Keywords that say more of a text than its length; where there is none, the name does as well as any other."""


class Commands:
    """The command lines of one spec."""

    def __init__(self, spec: Spec, called: Sequence[str]) -> None:
        """`called` is how the spec is named: its name or path, and the options that say where it is looked for."""
        self._spec = spec
        self._name, *self._options = called
        self.named: str = shlex.join(called)
        """The same as it is typed."""
        self._provider: Provider | None = None
        try:
            config = {name: value for found in spec.endpoints.values() for name, value in self._config(found).items()}
            made = account(spec, config, {}, seed=0)
            scope = dict(zip(("config", "secrets"), made, strict=True))
            self._provider = Provider(spec, scope, records=1, seed=0)
        except (ConfigError, ValueError):
            return  # why, is said by the simulator itself: the message may tell more than a page should

    @property
    def simulated(self) -> bool:
        """Whether the service can be simulated at all."""
        return self._provider is not None

    def tried(self, endpoint: str) -> str | None:
        """The command that reads or calls an endpoint of the simulated service; None where none is known to work."""
        found = self._spec.endpoints[endpoint]
        if self._provider is None:
            return None
        try:
            given = [*_options("--config", self._config(found)), *_options("--input", self._input(endpoint, found))]
        except ValueError:
            return None
        words = ["connector", "read" if found.readable else "call", self._name, endpoint, *self._options, "--simulate"]
        return shlex.join([*words, *(("--limit", "5") if found.readable else ()), *given])

    @property
    def first_read(self) -> str | None:
        """The first endpoint that can be read, one that is read for nothing else before others."""
        known = self._spec.endpoints
        reads = [name for name, endpoint in known.items() if endpoint.readable and not endpoint.private]
        return min(reads, key=lambda name: bool(known[name].for_each), default=None)

    @property
    def first_call(self) -> str | None:
        """The first endpoint that is called."""
        known = self._spec.endpoints
        return next((name for name, found in known.items() if not found.readable and not found.private), None)

    def _config(self, endpoint: Endpoint) -> dict[str, str]:
        """Config that may be left out in general, and that this endpoint's address does not do without."""
        read = _read(endpoint, "config")
        return {
            name: _text(schema, name)
            for name, schema in self._spec.config.items()
            if name in read and schema.get("optional") and "default" not in schema
        }

    def _input(self, name: str, endpoint: Endpoint) -> dict[str, str]:
        """What has to be given to a call; raises ValueError where nothing is known that the simulator takes."""
        if endpoint.readable:
            return {}
        [route] = self._routes(name)
        found = {key: _text(schema, key) for key, schema in (endpoint.input or {}).items() if required(schema)}
        return {**found, **self._key(route)}

    def _routes(self, name: str) -> list[Route]:
        """Where a call arrives; none for those that are made of others, whose answers nobody knows beforehand."""
        known = self._provider.routes.known if self._provider is not None else []
        return [route for route in known if route.name == name and route.endpoint.batch is None]

    def _key(self, route: Route) -> dict[str, str]:
        """The input that names a record which is there; raises ValueError where the service has none to answer with."""
        assert self._provider is not None  # noqa: S101 - see tried
        above = self._provider.datasets.get((route.origin, route.shape.removesuffix("/{}")))
        if route.shape.endswith("/{}") and above is not None:
            key = above.key_of(above.records[0])
            named = [path[1] for path in route.fills[-1].reads if path[0] == "input" and len(path) > 1]
            if key is None or len(named) != 1:
                raise ValueError("no input names a record")
            return {named[0]: key}
        if (
            route.endpoint.method != "post"
            and not route.endpoint.schema_
            and route.place not in self._provider.datasets
        ):
            raise ValueError("there is nothing to answer with")
        return {}


def _read(endpoint: Endpoint, root: str) -> set[str]:
    """The names below a root that the endpoint's address reads."""
    needed = [value for place, value in templates(endpoint) if place[0] in (*VERBS, "base_url")]
    return {path[1] for value in needed for path in value.reads if path[0] == root and len(path) > 1}


def _options(option: str, values: Mapping[str, str]) -> Iterator[str]:
    for name, value in values.items():
        yield from (option, f"{name}={value}")


def _text(schema: Mapping[str, Any], name: str) -> str:
    """A made-up value as it is typed; raises ValueError where there is none, or where it would be a file."""
    if '"binary"' in json.dumps(schema, default=str):
        raise ValueError(f"{name} may be a file")
    check_makeable(schema, name)
    found = example(schema, name, Random(0))  # noqa: S311 - an example that repeats, no secret
    if isinstance(found, str) and not _SPEAKING.intersection(schema):
        found = name.ljust(schema.get("minLength", 0), "0")[: schema.get("maxLength")]
    if any(violations(schema, found)):
        raise ValueError(f"nothing was found that fits {name}")
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    if not text.isprintable() or text.startswith("@"):
        raise ValueError(f"{name} cannot be typed")
    return text
