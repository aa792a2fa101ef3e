"""The store itself: records that are sealed, each the version that was written last, and no other.

::

    get    head ─opens─▶ generation of the page ─opens─▶ version and digest of the record ─opens─▶ the secret
    put    the same from the record up to the head, written as one change; whoever was slower begins again

Rule 1: what the ledger does not tell is refused: a copy of an earlier version, a record that was taken away or brought.
Rule 2: the key that the head names seals, until `rekey` names another one: those who have only the old key go on.
Rule 3: a change starts from a generation, and no other change comes between.
Rule 4: what is wrong with one record is no hindrance to the others, nor to replacing it.

What one database can't tell: that all of it was put back to an earlier day. Whoever had it open then notices.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from connector_core.exceptions import ConfigError, UnavailableError
from connector_core.secrets.store.keys import Keys
from connector_core.secrets.store.ledger import Ledger, keys_in, page_of
from connector_core.secrets.store.rows import Loaded, Name, Row, Rows
from connector_core.secrets.store.sealing import key_of

__all__ = ["Entry", "Found", "Listing", "Safe"]

ATTEMPTS = 1000
"""So often a change is begun again because others were quicker."""
BATCH = 100
"""Records that are moved to a new key at once."""
LARGEST = 64 * 1024
"""Bytes of a secret."""


class Found(Struct, frozen=True):
    """A secret with what is known of it."""

    value: str
    version: int
    """Counts from 1; what is removed and set again goes on counting."""
    at: int
    """When it was set, in milliseconds since 1970."""

    def __repr__(self) -> str:
        return f"Found({self.version})"


class Entry(Struct, frozen=True):
    """A line of the list, which shows no secret."""

    name: Name
    version: int
    at: int
    """When it was set, in milliseconds since 1970."""
    key: str
    """The id of the master key that opens it."""
    problem: str = ""
    """Why it can't be used."""


class Listing(Struct, frozen=True):
    """What a store holds."""

    entries: list[Entry]
    """By name."""
    missing: int = 0
    """Records, of whatever kind, that somebody else than this program has taken away."""


class Safe:
    """A store in a database, opened by the keys."""

    def __init__(self, rows: Rows, keys: Keys, now: Callable[[], float]) -> None:
        """`now`: seconds since 1970."""
        self.keys = keys
        self._rows, self._now = rows, now
        self._seen: dict[bytes, int] = {}

    def __repr__(self) -> str:
        return f"Safe({self._rows.shown!r})"

    @property
    def shown(self) -> str:
        """Where it is, for messages."""
        return self._rows.shown

    async def get(self, name: Name) -> Found | None:
        """The secret of that name; raises ConfigError where what stands there is not what was written last."""
        _check(name)
        ledger, loaded = await self._ledger(self._rows.load(name, page_of(name)))
        row = next(iter(loaded.rows), None)
        if ledger is None:
            return None
        ledger.check(name, row)
        if row is None or row.body is None:
            return None
        return Found(ledger.text(row).decode(), row.version, row.at)

    async def put(self, name: Name, value: str, version: int | None = None) -> Found | None:
        """Keeps the secret in place of that version (0: of none; None: of any); None: somebody else was quicker."""
        _check(name, value)
        row = await self._put(name, value.encode(), version)
        return None if row is None else Found(value, row.version, row.at)

    async def drop(self, name: Name) -> bool:
        """Keeps it no more; False: it was not there."""
        _check(name)
        return await self._put(name, None, None) is not None

    async def _put(self, name: Name, text: bytes | None, version: int | None) -> Row | None:
        for _ in range(ATTEMPTS):
            ledger, loaded = await self._ledger(self._rows.load(name, page_of(name)))
            if ledger is None:
                if text is None:
                    return None
                if not loaded.store:
                    await self._rows.make(os.urandom(16))
                    continue
                ledger = Ledger(loaded, await self.keys.ring(loaded.store, make=True), self.shown)
            note = ledger.of(name)
            known = 0 if note.digest is None else note.version
            if version not in (None, known) or (text is None and not known):
                return None
            row, change = ledger.written(name, text, int(self._now() * 1000))
            if await self._rows.save(ledger.generation, change):
                self._seen[ledger.store] = max(self._seen.get(ledger.store, 0), ledger.generation + 1)
                return row
        raise self._busy()

    async def listing(self, kind: Literal["secret", "token"]) -> Listing:
        """Every record of the kind, with what is wrong with it."""
        ledger, loaded = await self._ledger(self._rows.load_all())
        if ledger is None:
            return Listing([])
        entries = [_entry(row, ledger) for row in loaded.rows if row.name.kind == kind]
        return Listing([found for found in entries if found.key or found.problem], sum(1 for _ in ledger.unlisted()))

    async def state(self) -> tuple[bytes, str]:
        """The id of the store, and of the key that seals; empty where there is none yet."""
        ledger, loaded = await self._ledger(self._rows.load(_NOBODY, page_of(_NOBODY)))
        return loaded.store, "" if ledger is None else ledger.key.id.hex()

    async def rekey(self) -> tuple[int, list[ConfigError]]:
        """Has everything opened by the newest key of the ring; how many records that were, what is wrong with others.

        Whenever this ends, also by a power cut, the old keys and the new one together open everything. Raises
        ConfigError where somebody else moves it to yet another key.
        """
        ledger, loaded = await self._ledger(self._rows.load(_NOBODY, page_of(_NOBODY)))
        if ledger is None:
            return 0, []
        target = (await self.keys.ring(loaded.store, anew=True)).keys[0]
        moved, problems, failures, begun = 0, list[ConfigError](), 0, False
        after = ("", "", "")
        while failures < ATTEMPTS:
            ledger, loaded = await self._ledger(self._rows.stale(target.id, after, BATCH))
            if ledger is None or (begun and ledger.key.id != target.id):
                raise ConfigError(
                    "somebody else gives the store a new key at this moment", where=self.shown, code="store.busy"
                )
            if not loaded.rows and not loaded.pages and ledger.key.id == target.id:
                return moved, problems
            change, wrong = ledger.moved(target)
            if not await self._rows.save(ledger.generation, change):
                failures += 1
                continue
            failures, begun = 0, True
            moved += len(change.rows)
            problems += wrong
            if loaded.rows:
                last = loaded.rows[-1].name
                after = (last.kind, last.connection, last.field)
        raise self._busy()

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether the holder has what is leased for so long; asking again while it holds makes it longer."""
        now = self._now()
        return await self._rows.lease(name, holder, now, now + seconds)

    async def release(self, name: str, holder: str) -> None:
        """Ends the holder's lease."""
        await self._rows.release(name, holder)

    async def aclose(self) -> None:
        """Lets go of the database."""
        await self._rows.aclose()

    async def _ledger(self, loading: Awaitable[Loaded]) -> tuple[Ledger | None, Loaded]:
        """What was loaded, with its ledger; None: nothing has been written yet. Raises ConfigError."""
        before = dict(self._seen)
        loaded = await loading
        if loaded.head is None and not (loaded.generation or loaded.pages or loaded.rows):
            generation, ledger = 0, None
        else:
            ring = await self.keys.ring(loaded.store)
            if any(ring.of(key) is None for key in keys_in(loaded)):
                ring = await self.keys.ring(loaded.store, anew=True)
            ledger = Ledger(loaded, ring, self.shown)
            generation = ledger.generation
        if generation < before.get(loaded.store, 0):
            raise ConfigError(
                "the store has been put back to an earlier state while it was in use",
                where=self.shown,
                hint="if that was you, start this program again; else find out who can write there",
                code="store.rolled_back",
            )
        if loaded.store:
            self._seen[loaded.store] = max(self._seen.get(loaded.store, 0), generation)
        return ledger, loaded

    def _busy(self) -> UnavailableError:
        return UnavailableError(
            "the store is written by too many at once", where=self.shown, code="store.busy", retryable=True
        )


_NOBODY = Name("secret", "", "")
"""Of no record."""


def _entry(row: Row, ledger: Ledger) -> Entry:
    entry = Entry(row.name, row.version, row.at, "" if row.body is None else key_of(row.body).hex())
    try:
        ledger.check(row.name, row)
    except ConfigError as error:
        return replace(entry, problem=error.what)
    return entry


def _check(name: Name, value: str = "") -> None:
    """Raises ConfigError for what can be no name, or no secret."""
    for part in (name.connection, name.field):
        if "\0" in part or not _encodable(part):
            raise ConfigError("a name in the store is text without NUL", code="store.name")
    if not _encodable(value):
        raise ConfigError("the secret is no text in UTF-8", code="store.value")
    if len(value.encode()) > LARGEST:
        raise ConfigError(f"the secret is larger than {LARGEST // 1024} KiB", code="store.value")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
