"""What a database has to do for a store: give what belongs together at one moment, and write it whole or not at all.

::

    head     store id, generation │ sealed: the generation of every page
    page     number               │ sealed: version and digest of each record on it
    record   kind, connection, field, version, at │ sealed: the secret
    lease    name, holder, until

Rule 1: a database understands nothing of what is sealed.
Rule 2: whoever writes says from which generation it starts; where that is no longer the one, nothing is written.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

__all__ = ["Change", "Loaded", "Name", "Row", "Rows", "longest"]


class Name(Struct, frozen=True, order=True):
    """What a record is called."""

    kind: Literal["secret", "token", "naming"]
    """`naming`: the key that names of tokens are made with."""
    connection: str
    field: str


class Row(Struct, frozen=True):
    """A record as it stands in the database."""

    name: Name
    version: int
    """Counts from 1; what is removed and set again goes on counting."""
    at: int
    """When it was written, in milliseconds since 1970."""
    body: bytes | None
    """None: it has been removed."""

    def __repr__(self) -> str:
        return f"Row({self.name!r}, {self.version})"


class Loaded(Struct, frozen=True):
    """What stood in the database at one moment."""

    store: bytes = b""
    """16 bytes that tell the store from others; none: nobody has written anything yet."""
    generation: int = 0
    """Counts from 1; every change has the next."""
    head: bytes | None = None
    pages: dict[int, bytes] = {}
    """Those that were asked for, as far as they exist."""
    rows: list[Row] = []


class Change(Struct, frozen=True):
    """What is written together."""

    head: bytes
    pages: dict[int, bytes] = {}
    rows: Sequence[Row] = ()


class Rows(ABC):
    """A database; every method raises ConfigError or UnavailableError where it can't be used."""

    shown: str
    """For messages: which it is, without a password."""

    @abstractmethod
    async def load(self, name: Name, page: int) -> Loaded:
        """The head, that page, and the record if there is one. Makes no database where there is none."""

    @abstractmethod
    async def load_all(self) -> Loaded:
        """The head, every page and every record, by name."""

    @abstractmethod
    async def stale(self, key: bytes, after: tuple[str, str, str], most: int) -> Loaded:
        """The head, every page and at most so many records, those after a name, that another key opens."""

    @abstractmethod
    async def make(self, store: bytes) -> None:
        """Makes the database where there is none, for a store of that id; else leaves the one that is there."""

    @abstractmethod
    async def save(self, generation: int, change: Change) -> bool:
        """Writes the change as the next generation, whole; False: another was quicker, and nothing is written."""

    @abstractmethod
    async def lease(self, name: str, holder: str, now: float, until: float) -> bool:
        """Whether the holder has the lease from now on; a lease of somebody else ends by itself."""

    @abstractmethod
    async def release(self, name: str, holder: str) -> None:
        """Ends the holder's lease."""

    @abstractmethod
    async def aclose(self) -> None:
        """Lets go of the database."""


def longest(now: float, until: float) -> float:
    """What no lease reaches beyond: where one does, a clock was put back since, and nobody could wait for its end."""
    return until + (until - now)
