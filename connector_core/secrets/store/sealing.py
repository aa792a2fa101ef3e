"""Sealing: a text becomes bytes that only a key of the ring opens, and only at the place that they were sealed for.

::

    01 │ key id 8 │ nonce 12 │ data key 32 + tag 16  │ nonce 12 │ text + tag 16
       └────────  by the master key  ────────────────┴─  by the data key  ─────────

Rule 1: AES-256-GCM (NIST SP 800-38D); every sealing has a data key of its own, which the master key wraps.
Rule 2: both are bound to the label, each of whose parts is preceded by its length: no two labels read the same.
Rule 3: a key's id is made of the key: nobody gives one, so that none is wrong.

One master key wraps at most 2³² data keys, as random nonces allow; at three for each change that is over a thousand
million changes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from base64 import b64decode, b64encode
from binascii import Error as BinasciiError
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Key", "Label", "Ring", "check_form", "digest", "key_of", "opened", "rewrapped", "sealed", "tampered"]

_FORM = b"\x01"
_ID, _NONCE, _TAG, _KEY = 8, 12, 16, 32
_WRAPPED = 1 + _ID
_DATA = _WRAPPED + _NONCE + _KEY + _TAG
_LEAST = _DATA + _NONCE + _TAG


class Key(Struct, frozen=True):
    """A master key."""

    secret: bytes
    """32 bytes."""

    @property
    def id(self) -> bytes:
        """8 bytes that tell it from others, and nothing of it."""
        return hmac.digest(self.secret, b"connector-core: id of a master key", "sha256")[:_ID]

    @classmethod
    def new(cls) -> Key:
        """One that nobody has had."""
        return cls(os.urandom(_KEY))

    def written(self) -> str:
        """As it is kept: base64."""
        return b64encode(self.secret).decode()

    def __repr__(self) -> str:
        return f"Key({self.id.hex()})"


class Ring:
    """Master keys: the first is the newest, and each opens what it has sealed."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys: tuple[Key, ...] = tuple(keys)

    @classmethod
    def read(cls, text: str, where: str) -> Ring:
        """From keys in base64, the newest first, with white space between; raises ConfigError, which repeats none."""
        return cls(list(_keys(text, where)))

    def __repr__(self) -> str:
        return f"Ring({', '.join(key.id.hex() for key in self.keys)})"

    def of(self, key_id: bytes) -> Key | None:
        """The key of that id."""
        return next((key for key in self.keys if key.id == key_id), None)


def _keys(text: str, where: str) -> Iterator[Key]:
    words = text.split()
    for word in words:
        secret = b""
        if re.fullmatch(r"[A-Za-z0-9+/_-]{43}=?", word):
            try:
                secret = b64decode(word.replace("-", "+").replace("_", "/") + "=" * (len(word) == 43))  # noqa: PLR2004 - without its end
            except BinasciiError:
                secret = b""
        if len(secret) != _KEY:
            raise _no_key("holds something else than keys", where)
        yield Key(secret)
    if not words:
        raise _no_key("holds no key", where)


def _no_key(what: str, where: str) -> ConfigError:
    return ConfigError(
        f"the place of the store's key {what}",
        where=where,
        hint="a key is 32 bytes in base64: openssl rand -base64 32",
        code="store.key",
    )


class Label(Struct, frozen=True):
    """What something is sealed for: it opens under the same label alone."""

    parts: tuple[bytes, ...]
    shown: str
    """For messages."""
    where: str = ""
    """Where it stands, for messages."""

    def bound(self, layer: bytes) -> bytes:
        """The associated data: every part with its length before it. `layer`: which of both sealings."""
        return b"".join(len(part).to_bytes(4, "big") + part for part in (layer, _FORM, *self.parts))


_KEY_LAYER, _TEXT_LAYER = b"connector-core: data key", b"connector-core: text"


def sealed(text: bytes, label: Label, key: Key) -> bytes:
    """The text, which only that key opens, and only for the label."""
    data_key, nonce = os.urandom(_KEY), os.urandom(_NONCE)
    return _wrapped(data_key, label, key) + nonce + _cipher(data_key).encrypt(nonce, text, label.bound(_TEXT_LAYER))


def key_of(found: bytes) -> bytes:
    """The id of the key that opens it."""
    return found[1:_WRAPPED]


def check_form(found: bytes, label: Label) -> None:
    """Raises ConfigError for what can have been sealed by no key at all."""
    if len(found) < _LEAST or found[:1] != _FORM:
        raise tampered(label)


def digest(found: bytes) -> bytes:
    """What tells one sealed text from every other, and stays when it is wrapped anew."""
    return hashlib.sha256(found[_DATA:]).digest()


def opened(found: bytes, label: Label, key: Key) -> bytes:
    """The text; raises ConfigError where it is not what was sealed, or was sealed for something else."""
    data_key = _unwrapped(found, label, key)
    at = _DATA + _NONCE
    text = _decrypted(data_key, found[_DATA:at], found[at:], label.bound(_TEXT_LAYER))
    if text is None:
        raise tampered(label)
    return text


def rewrapped(found: bytes, label: Label, old: Key, new: Key) -> bytes:
    """The same, opened by the new key; raises ConfigError where the old one does not open it."""
    return _wrapped(_unwrapped(found, label, old), label, new) + found[_DATA:]


def tampered(label: Label) -> ConfigError:
    """The error for what is not what was sealed."""
    return ConfigError(
        f"{label.shown} is not what was written: it was changed, cut, or brought from another place",
        where=label.where,
        hint="restore the store from a copy, or set it anew; and find out who can write there",
        code="store.tampered",
    )


def _wrapped(data_key: bytes, label: Label, key: Key) -> bytes:
    nonce = os.urandom(_NONCE)
    bound = label.bound(_KEY_LAYER)
    return _FORM + key.id + nonce + _cipher(key.secret).encrypt(nonce, data_key, bound)


def _unwrapped(found: bytes, label: Label, key: Key) -> bytes:
    check_form(found, label)
    if key_of(found) != key.id:
        raise tampered(label)
    at = _WRAPPED + _NONCE
    data_key = _decrypted(key.secret, found[_WRAPPED:at], found[at:_DATA], label.bound(_KEY_LAYER))
    if data_key is None:
        raise tampered(label)
    return data_key


def _decrypted(key: bytes, nonce: bytes, data: bytes, bound: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        return _cipher(key).decrypt(nonce, data, bound)
    except InvalidTag:
        return None


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
