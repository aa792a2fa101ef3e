"""Sealing: what is opened is what was sealed, for the same label and by a key that may; all else is refused."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.exceptions import ConfigError
from connector_core.secrets.store.sealing import Key, Label, Ring, digest, key_of, opened, rewrapped, sealed

KEY, OTHER = Key(b"\x01" * 32), Key(b"\x02" * 32)
TEXT = b"s3cr3t"
PARTS = st.lists(st.binary(max_size=6), max_size=4).map(tuple)


def label(*parts: bytes) -> Label:
    return Label(parts, "acme/token", "secrets.db")


@given(st.binary(max_size=200), PARTS)
def test_there_and_back(text, parts):
    """Any text, for any label; sealed twice it never looks the same, and never shows."""
    one, two = (sealed(text, label(*parts), KEY) for _ in range(2))
    assert opened(one, label(*parts), KEY) == opened(two, label(*parts), KEY) == text
    assert one != two
    assert digest(one) != digest(two)
    assert len(text) < 6 or text not in one


@given(st.data())
def test_any_bit(data):
    """Whatever bit is another, it is refused: the form, the key's id, nonces, the data key, the text and both tags."""
    found = bytearray(sealed(TEXT, label(b"a"), KEY))
    bit = data.draw(st.integers(0, len(found) * 8 - 1))
    found[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ConfigError) as refused:
        opened(bytes(found), label(b"a"), KEY)
    assert refused.value.code == "store.tampered"
    assert "s3cr3t" not in str(refused.value)


@given(st.data())
def test_cut(data):
    """A part of it is refused, and so is more than it."""
    found = sealed(TEXT, label(b"a"), KEY)
    for wrong in (found[: data.draw(st.integers(0, len(found) - 1))], found + data.draw(st.binary(min_size=1))):
        with pytest.raises(ConfigError) as refused:
            opened(wrong, label(b"a"), KEY)
        assert refused.value.code == "store.tampered"


@given(PARTS, PARTS)
def test_no_two_labels_read_the_same(one, other):
    """`ab`, `c` is not `a`, `bc`: what was sealed for one label does not open under another."""
    assert (label(*one).bound(b"x") == label(*other).bound(b"x")) == (one == other)
    found = sealed(TEXT, label(*one), KEY)
    if one != other:
        with pytest.raises(ConfigError, match=r"acme/token is not what was written: .* — secrets.db — "):
            opened(found, label(*other), KEY)


def test_another_key():
    """Another key opens nothing, though the id is changed to its own."""
    found = sealed(TEXT, label(b"a"), KEY)
    assert key_of(found) == KEY.id != OTHER.id
    with pytest.raises(ConfigError):
        opened(found[:1] + OTHER.id + found[9:], label(b"a"), OTHER)


def test_the_layers_are_no_exchange():
    """The data key's sealing does not pass for a text's: both are bound to their layer."""
    assert label(b"a").bound(b"key") != label(b"a").bound(b"text")


def test_wrapped_anew():
    """The new key opens it, the old one does not, and the sealed text stays the same."""
    found = sealed(TEXT, label(b"a"), KEY)
    moved = rewrapped(found, label(b"a"), KEY, OTHER)
    assert (key_of(moved), digest(moved)) == (OTHER.id, digest(found))
    assert opened(moved, label(b"a"), OTHER) == TEXT
    with pytest.raises(ConfigError):
        opened(moved, label(b"a"), KEY)
    with pytest.raises(ConfigError):
        rewrapped(found, label(b"b"), KEY, OTHER)


def test_a_ring():
    """Keys in base64, also as addresses have it and without its end; the newest first; none of them shows."""
    secrets = [bytes([0xFB, number]) * 16 for number in range(3)]
    one, two, three = (b64encode(secret).decode() for secret in secrets)
    ring = Ring.read(f" {one}\n{two.replace('+', '-').replace('/', '_')} {three.rstrip('=')}\n", "env:KEY")
    assert [key.secret for key in ring.keys] == secrets
    assert ring.of(ring.keys[1].id) == ring.keys[1]
    assert ring.of(b"") is None
    assert [Ring.read(key.written(), "").keys[0] for key in ring.keys] == list(ring.keys)
    assert all(text not in repr(ring) + repr(ring.keys[0]) for text in (one, secrets[0].hex()))


@pytest.mark.parametrize("text", ["hunter2", b64encode(b"x" * 31).decode(), b64encode(b"x" * 33).decode(), "é" * 43])
def test_what_is_no_key(text):
    """It is told without being repeated, and so is a place that holds none."""
    with pytest.raises(ConfigError) as refused:
        Ring.read(text, "env:KEY")
    assert str(refused.value) == (
        "the place of the store's key holds something else than keys — env:KEY — "
        "a key is 32 bytes in base64: openssl rand -base64 32"
    )
    with pytest.raises(ConfigError, match="holds no key"):
        Ring.read(" \n", "env:KEY")
