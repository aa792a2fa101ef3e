"""From an address to what is kept there: `redis://127.0.0.1:6379/0`, or one whose scheme a plug-in knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from connector_core.engine.buckets import Buckets
from connector_core.engine.tokens import Tokens
from connector_core.exceptions import ConfigError

__all__ = ["Places"]

Opener = Callable[[str], Any]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")


def _redis_buckets(address: str) -> Buckets:
    from connector_core.engine.redis_buckets import RedisBuckets

    return RedisBuckets(address)


def _sqlite_tokens(address: str) -> Tokens:
    _, _, path = address.partition(":///")
    if not path:
        raise ConfigError(
            "the address names no file",
            where="Engine(tokens=…)",
            hint="write one such as sqlite:///tokens.db, with four slashes for an absolute path",
            code="tokens.unknown",
        )
    from connector_core.engine.sqlite_tokens import SqliteTokens

    return SqliteTokens(path)


_KEPT: Mapping[str, tuple[type, Mapping[str, Opener]]] = {
    "buckets": (Buckets, dict.fromkeys(("redis", "rediss", "unix"), _redis_buckets)),
    "tokens": (Tokens, {"sqlite": _sqlite_tokens}),
}
"""What can be kept, by the argument of Engine that says where: what the place has to be, and what opens it."""


class Places:
    """What one engine has opened, and closes."""

    def __init__(self, brought: Callable[[], Mapping[str, Opener]]) -> None:
        """`brought`: what plug-ins open; asked for where nothing built-in does."""
        self._brought = brought
        self._open: list[Any] = []

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
        return at

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
        for place in self._open:
            await place.aclose()


def _methods(protocol: type) -> list[str]:
    return sorted(name for name, value in vars(protocol).items() if callable(value) and not name.startswith("_"))
