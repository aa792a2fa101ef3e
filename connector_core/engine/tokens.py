"""Where tokens are kept: in this process, as long as nobody says where else.

Rule 1: a token replaces the version that was read, and no other: of two who renew one, the slower learns of it.
Rule 2: who renews has the lease, so that a service which takes each refresh token once is asked once; a lease ends by
        itself, since its holder may have died.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from msgspec import Struct

from connector_core.auth import Token

__all__ = ["InMemoryTokens", "Kept", "Tokens"]


class Kept(Struct, frozen=True):
    """A token as it is kept."""

    token: Token
    version: int
    """Counts from 1; every token that replaces one has the next."""


@runtime_checkable
class Tokens(Protocol):
    """Keeps tokens by name; every method may raise what its place raises when it cannot be reached."""

    async def get(self, name: str) -> Kept | None:
        """The token of that name."""

    async def put(self, name: str, token: Token, version: int | None) -> Kept | None:
        """Keeps the token in place of that version (0: of none; None: of any); None: somebody else was quicker."""

    async def drop(self, name: str) -> None:
        """Keeps it no more."""

    async def names(self) -> list[str]:
        """Every name that a token is kept under, in alphabetical order."""

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether the holder may renew the token now, for so long; asking again while it holds makes it longer."""

    async def release(self, name: str, holder: str) -> None:
        """Ends the holder's lease."""

    async def aclose(self) -> None:
        """Lets go of the place."""


class InMemoryTokens:
    """Keeps tokens as long as the process runs."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """`monotonic`: seconds from some fixed point, for the leases."""
        self._monotonic = monotonic
        self._kept: dict[str, Kept] = {}
        self._leases: dict[str, tuple[str, float]] = {}

    def __repr__(self) -> str:
        return f"InMemoryTokens({', '.join(self._kept)})"

    async def get(self, name: str) -> Kept | None:
        """The token of that name."""
        return self._kept.get(name)

    async def put(self, name: str, token: Token, version: int | None) -> Kept | None:
        """Keeps the token in place of that version; None: somebody else was quicker."""
        known = self._kept[name].version if name in self._kept else 0
        if version not in (None, known):
            return None
        self._kept[name] = Kept(token, known + 1)
        return self._kept[name]

    async def drop(self, name: str) -> None:
        """Keeps it no more."""
        self._kept.pop(name, None)

    async def names(self) -> list[str]:
        """Every name that a token is kept under, in alphabetical order."""
        return sorted(self._kept)

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether the holder may renew the token now, for so long."""
        now = self._monotonic()
        held = self._leases.get(name)
        if held is not None and held[0] != holder and now < held[1]:
            return False
        self._leases[name] = (holder, now + seconds)
        return True

    async def release(self, name: str, holder: str) -> None:
        """Ends the holder's lease."""
        if self._leases.get(name, ("",))[0] == holder:
            del self._leases[name]

    async def aclose(self) -> None:
        """Nothing is open."""
