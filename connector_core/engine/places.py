"""From an address to what is kept there: `redis://127.0.0.1:6379/0`, or one whose scheme a plug-in knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from connector_core.engine.buckets import Buckets
from connector_core.engine.tokens import Tokens
from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from connector_core.secrets.store import SecretStore
    from connector_core.secrets.store.keys import Find

__all__ = ["Places"]

Opener = Callable[[str], Any]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")


def _redis_buckets(address: str) -> Buckets:
    from connector_core.engine.redis_buckets import RedisBuckets

    return RedisBuckets(address)


def _stored_tokens(address: str) -> Tokens:
    from connector_core.engine.stored_tokens import StoredTokens
    from connector_core.secrets.store import SecretStore

    return StoredTokens(SecretStore(address))


_KEPT: Mapping[str, tuple[type, Mapping[str, Opener]]] = {
    "buckets": (Buckets, dict.fromkeys(("redis", "rediss", "unix"), _redis_buckets)),
    "tokens": (Tokens, dict.fromkeys(("sqlite", "postgresql"), _stored_tokens)),
}
"""What can be kept, by the argument of Engine that says where: what the place has to be, and what opens it."""


class Places:
    """What one engine has opened, and closes."""

    def __init__(self, brought: Callable[[], Mapping[str, Opener]], find: Find) -> None:
        """`brought`: what plug-ins open; asked for where nothing built-in does. `find`: looks keys of stores up."""
        self._brought, self._find = brought, find
        self._open: list[Any] = []
        self._lent: list[SecretStore] = []

    def opened(self, what: Literal["buckets", "tokens"], place: Any) -> Any:
        """What is at an address; a place of one's own is that already. Raises ConfigError where there can't be one.

        An address may hold a password, and is never repeated.
        """
        if not isinstance(place, str):
            return place
        found = _SCHEME.match(place)
        scheme = found[1] if found is not None else ""
        kind, own = _KEPT[what]
        self._open.append(at := own[scheme](place) if scheme in own else self._of_a_plugin(what, kind, scheme, place))
        if (store := getattr(at, "store", None)) is not None and scheme in own:
            store.find_keys(self._find)
        return at

    def store(self, place: str | SecretStore | None) -> SecretStore | None:
        """The store of secrets at an address, or the app's own; raises ConfigError where there can't be one."""
        if place is None:
            return None
        from connector_core.secrets.store import SecretStore

        store = SecretStore(place) if isinstance(place, str) else place
        store.find_keys(self._find)
        (self._open if isinstance(place, str) else self._lent).append(store)
        return store

    def _of_a_plugin(self, what: str, kind: type, scheme: str, address: str) -> Any:
        brought = self._brought()
        if scheme not in brought:
            known = [*_KEPT[what][1], *sorted(brought)]
            raise ConfigError(
                f"{what} cannot be kept {f'at {scheme}://…' if scheme else 'there: it is no address'}",
                where=f"Engine({what}=…)",
                hint=f"an address begins with {', '.join(f'{name}://' for name in known)}",
                code=f"{what}.unknown",
            )
        at = brought[scheme](address)
        if not isinstance(at, kind):
            lacking = [name for name in _methods(kind) if not hasattr(at, name)]
            raise ConfigError(
                f"what a plug-in has at {scheme}://… keeps no {what}: {type(at).__name__} has no {', '.join(lacking)}",
                where=f"Engine({what}=…)",
                hint="use another address, or tell whoever made the plug-in",
                code=f"{what}.unknown",
            )
        return at

    async def aclose(self) -> None:
        """Closes what was opened by its address."""
        for store in self._lent:
            store.find_keys(None)
        for place in self._open:
            await place.aclose()


def _methods(protocol: type) -> list[str]:
    return sorted(name for name, value in vars(protocol).items() if callable(value) and not name.startswith("_"))
