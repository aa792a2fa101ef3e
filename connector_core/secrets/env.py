"""Secrets in variables of the process's environment: `env:SHOP_TOKEN`."""

from __future__ import annotations

import os

from connector_core.exceptions import ConfigError
from connector_core.secrets.backend import Backend, World

__all__ = ["Env"]


class Env(Backend):
    """The variable of that name; it is looked at when a connection is opened, too."""

    scheme = "env"

    def check(self, rest: str) -> None:
        """Raises ConfigError where it is not set."""
        if not os.environ.get(rest):
            raise ConfigError(
                f"the environment variable {rest} is {'empty' if rest in os.environ else 'not set'}",
                hint=f"export {rest} first",
                code="secret.missing",
            )

    async def fetch(self, rest: str, world: World) -> str:  # noqa: ARG002 - nobody is asked
        """Its value."""
        self.check(rest)
        return os.environ[rest]
