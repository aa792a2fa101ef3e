"""The ledger: which version of each record was the last, so that no earlier one passes for it.

It has 256 pages, by the hash of a record's name, and a head that tells of each page which change wrote it last; all of
them are sealed like the records themselves. A change to one record writes the record, its page and the head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from connector_core.exceptions import ConfigError
from connector_core.secrets.store.rows import Change, Loaded, Name, Row
from connector_core.secrets.store.sealing import (
    Key,
    Label,
    Ring,
    check_form,
    digest,
    key_of,
    opened,
    rewrapped,
    sealed,
    tampered,
)

__all__ = ["Ledger", "Note", "keys_in", "page_of"]

PAGES = 256


class Note(Struct, frozen=True, array_like=True):
    """What is known of a record."""

    version: int
    digest: bytes | None
    """None: it was removed."""


Page = dict[bytes, Note]
"""Of the records whose hash begins with its number."""
_page = msgspec.msgpack.Decoder(Page)
_head = msgspec.msgpack.Decoder(list[int])


def keys_in(loaded: Loaded) -> set[bytes]:
    """The ids of the keys that open what was loaded."""
    bodies = [loaded.head, *loaded.pages.values(), *(row.body for row in loaded.rows)]
    return {key_of(body) for body in bodies if body is not None}


def page_of(name: Name) -> int:
    """The page that tells of a record."""
    return _hash(name)[0]


class Ledger:
    """The ledger of one moment, as far as it was loaded."""

    def __init__(self, loaded: Loaded, ring: Ring, shown: str) -> None:
        """Raises ConfigError where it is not what was written last, or no key of the ring opens it."""
        self.store, self.generation = loaded.store, loaded.generation
        self._ring, self._shown = ring, shown
        self.key: Key = ring.keys[0]
        """Which one seals."""
        self._generations, self._pages = [0] * PAGES, dict[int, Page]()
        if loaded.head is not None:
            self.key = self._key(loaded.head, self._head_label(self.generation))
            self._generations = _head.decode(opened(loaded.head, self._head_label(self.generation), self.key))
        elif loaded.generation or loaded.pages or loaded.rows:
            raise tampered(self._head_label(self.generation))
        for number, written in enumerate(self._generations):
            if written and number in loaded.pages:
                found, label = loaded.pages[number], self._page_label(number)
                self._pages[number] = _page.decode(opened(found, label, self._key(found, label)))
        for number in loaded.pages:
            if number not in range(PAGES) or not self._generations[number]:
                raise tampered(self._labelled("a page of the store's ledger", b"page", number))  # somebody brought it
        self._loaded = loaded

    def of(self, name: Name) -> Note:
        """What is known of a record; version 0: nothing."""
        return self._noted(page_of(name)).get(_hash(name), Note(0, None))

    def _noted(self, number: int) -> Page:
        if number not in self._pages and self._generations[number]:
            raise tampered(self._page_label(number))  # it was taken away
        return self._pages.get(number, {})

    def check(self, name: Name, row: Row | None) -> None:
        """Raises ConfigError where the record is not the one that was written last."""
        note, shown = self.of(name), _shown(name)
        version = 0 if row is None else row.version
        if version < note.version and row is None:
            raise ConfigError(
                f"{shown} was taken away from the store by somebody else than this program",
                where=self._shown,
                hint="restore the store from a copy, or set it anew",
                code="store.tampered",
            )
        if version < note.version:
            raise ConfigError(
                f"{shown} is an old copy: version {version} stands where {note.version} was written",
                where=self._shown,
                hint="set it anew; and find out who can write there",
                code="store.rolled_back",
            )
        found = None if row is None or row.body is None else digest(row.body)
        if row is not None and (version, found) != (note.version, note.digest):
            raise tampered(self._label(row))

    def text(self, row: Row) -> bytes:
        """What is sealed in a record that is there; raises ConfigError."""
        assert row.body is not None  # noqa: S101 - whoever calls has looked
        label = self._label(row)
        return opened(row.body, label, self._key(row.body, label))

    def unlisted(self) -> Iterator[bytes]:
        """The hashes of records that have been written, and that were not loaded."""
        there = {_hash(row.name) for row in self._loaded.rows}
        for number in range(PAGES):
            yield from self._noted(number).keys() - there

    # ── changes ───────────────────────────────────────────────────────────────────────────────────

    def written(self, name: Name, text: bytes | None, at: int) -> tuple[Row, Change]:
        """The record's next version, and the change that writes it. None: it is removed."""
        row = Row(name, self.of(name).version + 1, at, None)
        if text is not None:
            row = replace(row, body=sealed(text, self._label(row), self.key))
        number = page_of(name)
        note = Note(row.version, None if row.body is None else digest(row.body))
        page = {**self._noted(number), _hash(name): note}
        self._generations[number] = self.generation + 1
        body = sealed(msgspec.msgpack.encode(page), self._page_label(number), self.key)
        return row, Change(self._sealed_head(self.key), {number: body}, [row])

    def moved(self, key: Key) -> tuple[Change, list[ConfigError]]:
        """The change that has what was loaded opened by another key; and what is wrong with records that stay."""
        rows, wrong = [], []
        for row in self._loaded.rows:
            try:
                rows.append(replace(row, body=self._moved(row.body, self._label(row), key)))
            except ConfigError as error:
                wrong.append(error)
        pages = {
            number: self._moved(found, self._page_label(number), key) for number, found in self._loaded.pages.items()
        }
        return Change(self._sealed_head(key), pages, rows), wrong

    def _moved(self, body: bytes | None, label: Label, key: Key) -> bytes:
        return rewrapped(body or b"", label, self._key(body or b"", label), key)

    def _sealed_head(self, key: Key) -> bytes:
        return sealed(msgspec.msgpack.encode(self._generations), self._head_label(self.generation + 1), key)

    # ── labels and keys ───────────────────────────────────────────────────────────────────────────

    def _head_label(self, generation: int) -> Label:
        return self._labelled("the ledger of the store", b"head", generation)

    def _page_label(self, number: int) -> Label:
        return self._labelled("a page of the store's ledger", b"page", number, self._generations[number])

    def _label(self, row: Row) -> Label:
        name = row.name
        return self._labelled(
            _shown(name), b"record", name.kind, name.connection, name.field, row.version, row.at
        )  # fmt: skip

    def _labelled(self, shown: str, *parts: bytes | str | int) -> Label:
        return Label((self.store, *(_bytes(part) for part in parts)), shown, self._shown)

    def _key(self, body: bytes, label: Label) -> Key:
        check_form(body, label)
        if (key := self._ring.of(key_of(body))) is not None:
            return key
        raise ConfigError(
            f"the key {key_of(body).hex()}, which opens what is kept, is not at hand",
            where=self._shown,
            hint=f"the keys here are {', '.join(key.id.hex() for key in self._ring.keys)}: put it to them",
            code="store.key",
        )


def _bytes(part: bytes | str | int) -> bytes:
    if isinstance(part, bytes):
        return part
    return part.encode() if isinstance(part, str) else part.to_bytes(8, "big", signed=True)


def _hash(name: Name) -> bytes:
    parts = (name.kind.encode(), name.connection.encode(), name.field.encode())
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()[:16]


def _shown(name: Name) -> str:
    if name.kind == "naming":
        return "the key for the names of tokens"
    return f"{name.connection}/{name.field}" if name.kind == "secret" else f"the token {name.connection}"
