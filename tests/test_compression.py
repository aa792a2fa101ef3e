"""Frames undone as they come: in pieces of bounded size, one after the other, and never cut off in silence."""

from __future__ import annotations

import bz2
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.compression import STEP, Frames, Inflate, gunzipped
from tests.decode.chunks import cuts

TEXT = b"".join(b'{"id": %d},' % number for number in range(300))


def undone(frames: Frames, chunks: list[bytes]) -> bytes:
    found = [piece for chunk in chunks for piece in frames.feed(chunk)]
    frames.close()
    assert all(0 < len(piece) <= STEP for piece in found)
    return b"".join(found)


@given(st.lists(st.sampled_from([b"", b"a", TEXT, b"\0" * 200_000]), min_size=1, max_size=4), st.data())
def test_any_chunking_gives_every_member(members, data):
    """Wherever the bytes are cut, all members come back, in pieces of bounded size."""
    padding = data.draw(st.sampled_from([b"", b"\0", b"\0" * 700]))
    packed = padding.join(gzip.compress(member) for member in members) + padding
    frames = gunzipped()
    assert undone(frames, data.draw(cuts(packed))) == b"".join(members)
    assert not frames.trailing


@given(st.sampled_from([b"x", b"\0x", b"\x1f", b"\x1f\x00", b"garbage"]), st.data())
def test_what_follows_is_noticed(trailing, data):
    """What follows the last member and is none is passed over, and told."""
    frames = gunzipped()
    assert undone(frames, data.draw(cuts(gzip.compress(TEXT) + trailing))) == TEXT
    assert frames.trailing


def test_every_decompressor_of_that_interface():
    """zlib, raw deflate, and what the standard library has besides."""
    raw = zlib.compressobj(wbits=-15)
    assert undone(Frames(lambda: Inflate(15)), [zlib.compress(TEXT)]) == TEXT
    assert undone(Frames(lambda: Inflate(-15)), [raw.compress(TEXT) + raw.flush()]) == TEXT
    assert undone(Frames(bz2.BZ2Decompressor, (b"BZh",)), [bz2.compress(TEXT), bz2.compress(TEXT)]) == TEXT * 2


def test_one_frame_where_no_further_one_is_known():
    """Without a mark for further frames, what follows the first is something else."""
    frames = Frames(lambda: Inflate(15))
    assert undone(frames, [zlib.compress(TEXT), zlib.compress(TEXT)]) == TEXT
    assert frames.trailing


@pytest.mark.parametrize("kept", [0, 1, 9, 50, -9, -1])
def test_cut_off(kept):
    """A frame that is not whole is no frame."""
    frames = gunzipped()
    list(frames.feed(gzip.compress(TEXT)[:kept]))
    with pytest.raises(EOFError):
        frames.close()


def test_frames_that_hold_nothing():
    """Each frame costs a step of work, so that many of them have to hold something."""
    frames = gunzipped()
    with pytest.raises(ValueError, match="frames that hold next to nothing"):
        undone(frames, [gzip.compress(b"") * 11_000])
