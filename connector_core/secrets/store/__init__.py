"""Secrets in a store of one's own, sealed by a master key: `store:acme-shop/token` is the field `token` of `acme-shop`.

::

    sealing ◀─ ledger ◀─ safe ◀─ secret_store      rows ◀─ sqlite, postgres      keys ◀─ key_file
"""

from __future__ import annotations

from connector_core.exceptions import ConfigError
from connector_core.secrets.backend import Backend, World
from connector_core.secrets.store.safe import Listing
from connector_core.secrets.store.secret_store import Rekeyed, SecretStore

__all__ = ["Listing", "Rekeyed", "SecretStore", "Store"]


class Store(Backend):
    """A secret that `connector secrets set`, or an app, has put into the store; the last slash parts the field off."""

    scheme = "store"

    def __init__(self, store: SecretStore | None = None) -> None:
        """`store`: left out, there is none, and every reference is refused."""
        self._store = store

    def check(self, rest: str) -> None:
        """Raises ConfigError where it names no field, or there is no store."""
        connection, _, field = rest.rpartition("/")
        if not connection or not field:
            raise ConfigError(
                "the reference does not say which field of which connection in the store",
                hint="such as store:acme-shop/token",
                code="secret.reference",
            )
        if self._store is None:
            raise ConfigError(
                "there is no store of secrets here",
                hint='Engine(secret_store="sqlite:///secrets.db") opens one',
                code="secret.backend",
            )

    async def fetch(self, rest: str, world: World) -> str:  # noqa: ARG002 - its key is asked for by the engine
        """The secret; raises ConfigError where it is not what was put there."""
        self.check(rest)
        connection, _, field = rest.rpartition("/")
        found = None if self._store is None else await self._store.get(connection, field)
        if found is None:
            raise ConfigError(
                f"the store has no {field} of {connection}",
                hint=f"connector secrets set {connection} {field}",
                code="secret.missing",
            )
        return found

    async def since(self, rest: str, world: World) -> float | None:  # noqa: ARG002 - the store has noted it
        """When it was put there."""
        connection, _, field = rest.rpartition("/")
        return None if self._store is None else await self._store.since(connection, field)
