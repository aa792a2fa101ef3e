"""Where answers are kept that are used again: in this process, as many as fit."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Protocol

from connector_core.cache import Kept

__all__ = ["InMemory", "Place", "Store"]

Place = tuple[bytes, bytes]
"""An address of one account, and one request for it; neither can be told from its bytes."""


class Store(Protocol):
    """Keeps answers; it may lose any of them at any time."""

    salt: bytes
    """Makes places that nobody can guess secrets from."""

    async def get(self, place: Place) -> Kept | None:
        """The answer that is kept there."""

    async def put(self, place: Place, kept: Kept) -> None:
        """Keeps the answer, in place of the one that is there."""

    async def drop(self, place: Place) -> None:
        """Keeps it no more."""

    async def drop_all(self, address: bytes) -> None:
        """Keeps no answer to any request for the address."""


class InMemory:
    """Keeps answers in this process; those that nobody wanted for the longest time make room for others."""

    PART = 8
    """An answer that would take a larger part of the room than one in so many is not kept."""

    def __init__(self, room: int) -> None:
        """`room` in bytes."""
        self.salt: bytes = os.urandom(32)
        self.taken: int = 0
        """Bytes in use."""
        self._room = room
        self._kept: OrderedDict[Place, Kept] = OrderedDict()
        self._at: dict[bytes, set[bytes]] = {}

    async def get(self, place: Place) -> Kept | None:
        """The answer that is kept there."""
        kept = self._kept.get(place)
        if kept is not None:
            self._kept.move_to_end(place)
        return kept

    async def put(self, place: Place, kept: Kept) -> None:
        """Keeps the answer, unless it is too large, in place of the one that is there."""
        self._drop(place)
        if kept.size * self.PART > self._room:
            return
        self._kept[place] = kept
        self._at.setdefault(place[0], set()).add(place[1])
        self.taken += kept.size
        while self.taken > self._room:
            self._drop(next(iter(self._kept)))

    async def drop(self, place: Place) -> None:
        """Keeps it no more."""
        self._drop(place)

    async def drop_all(self, address: bytes) -> None:
        """Keeps no answer to any request for the address."""
        for request in tuple(self._at.get(address, ())):
            self._drop((address, request))

    def _drop(self, place: Place) -> None:
        if (kept := self._kept.pop(place, None)) is None:
            return
        self.taken -= kept.size
        address, request = place
        self._at[address].discard(request)
        if not self._at[address]:
            del self._at[address]
