"""A backend that a plug-in brings: a function, run in a thread since it may wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector_core.exceptions import ConfigError
from connector_core.secrets.backend import Backend, World
from connector_core.secrets.waiting import in_thread

__all__ = ["Brought"]


class Brought(Backend):
    """What `register_secrets` gives for a scheme."""

    def __init__(self, scheme: str, find: Callable[[str], Any]) -> None:
        """`find`: from what stands after the scheme to the secret, or None; raises what its plug-in raises."""
        self.scheme, self._find = scheme, find

    async def fetch(self, rest: str, world: World) -> str:  # noqa: ARG002 - it has a world of its own
        """What the function gives; raises ConfigError where that is no text."""
        found = await in_thread(lambda: self._find(rest))
        if found is None:
            raise ConfigError(f"there is no {self.scheme}:{rest}", hint="put it there first", code="secret.missing")
        if not isinstance(found, str):
            raise ConfigError(
                f"the plug-in that brings {self.scheme}: gives a {type(found).__name__} for {rest}, no text",
                hint="tell whoever made it",
                code="plugin.failed",
            )
        return found
