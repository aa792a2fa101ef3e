"""A vendor's SDK, as small as one can be: a client with one service that pages by itself, and an error of its own."""

from collections.abc import Iterator
from dataclasses import dataclass


class LedgerError(Exception):
    """What the service refuses."""


@dataclass
class Entry:
    """One line of the ledger."""

    id: int
    amount: float


class Entries:
    """The service."""

    def __init__(self, key: str) -> None:
        self._key = key

    def all(self, year: int) -> Iterator[Entry]:
        """Every entry of a year."""
        if self._key != "k3y":
            raise LedgerError(f"{self._key} is no key")
        yield from (Entry(number, year + number / 100) for number in range(250))


class Ledger:
    """The client."""

    def __init__(self, key: str) -> None:
        self.entries = Entries(key)
