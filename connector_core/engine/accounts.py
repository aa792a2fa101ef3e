"""What a connection is opened with: what an app says, over what `connections.yaml` has under that name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from connector_core.config import hidden
from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from connector_core.connections import Connections
    from connector_core.engine.guard import Network
    from connector_core.spec import Spec

__all__ = ["Given", "told_where", "with_settings"]


class Given(Struct, frozen=True):
    """What `Engine.open` is told."""

    spec: str | Path | Mapping[str, Any] | Spec
    environment: str | None
    config: Any
    secrets: Any
    name: str | None
    network: Network | None
    sign_in: str | None = None
    at: str = ""
    """Where its settings stand, such as `connections.yaml:2:3`; empty: there are none."""


def with_settings(given: Given, connections: Connections | None) -> Given:
    """The same, where its spec is the name of a connection with what was set up under that; what is given wins."""
    name = given.spec
    if connections is None or not isinstance(name, str) or name not in connections:
        return given
    settings = connections[name]
    return replace(
        given,
        spec=connections.spec_of(name),
        environment=given.environment or settings.environment,
        config=_over(settings.config, given.config),
        secrets=hidden(_over(settings.secrets, given.secrets)),
        name=given.name or name,
        network=given.network or settings.network,
        sign_in=given.sign_in or settings.sign_in,
        at=connections.at(name),
    )


def _over(settings: Mapping[str, Any], given: Any) -> Any:
    """The values by name; what is no mapping stays what it is, and is refused where that is told."""
    if given is None:
        return settings
    return {**settings, **given} if isinstance(given, Mapping) else given


@contextmanager
def told_where(at: str) -> Iterator[None]:
    """Has a ConfigError say where the settings stand, beside what it says already."""
    try:
        yield
    except ConfigError as error:
        if not at or at in error.where:
            raise
        where = f"{error.where}, for {at}" if error.where else at
        raise ConfigError(error.what, where=where, hint=error.hint, code=error.code) from None
