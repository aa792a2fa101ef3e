"""Content-encodings: undone whole or not at all, and never beyond the cap."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.engine.content_encoding import Decoder, accepted
from connector_core.exceptions import ConnectionError, ResponseError

MANY = 1 << 27
TEXT = b"".join(b'{"id": %d},' % number for number in range(30_000))


def decoded(body: bytes, encodings: str, cap: int, step: int | None = None) -> bytes:
    decoder = Decoder(encodings, cap)
    chunks = [body] if step is None else [body[at : at + step] for at in range(0, len(body), step)]
    found = b"".join(part for chunk in chunks for part in decoder.feed(chunk))
    decoder.close()
    return found


def raw_deflate(data):
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def brotli(data):
    return import_module("brotli").compress(data, quality=5)


def zstd(data):
    try:
        return import_module("compression.zstd").compress(data)
    except ImportError:
        return import_module("backports.zstd").compress(data)


NO_BROTLI = pytest.mark.skipif("br" not in accepted(), reason="brotli (at least 1.2) is not installed")
NO_ZSTD = pytest.mark.skipif(
    "zstd" not in accepted(), reason="neither compression.zstd nor backports.zstd is installed"
)
ENCODINGS = [
    pytest.param(gzip.compress, "gzip", id="gzip"),
    pytest.param(zlib.compress, "deflate", id="deflate"),
    pytest.param(raw_deflate, "deflate", id="raw deflate"),
    pytest.param(brotli, "br", id="br", marks=NO_BROTLI),
    pytest.param(zstd, "zstd", id="zstd", marks=NO_ZSTD),
]


@pytest.mark.parametrize("encode, name", ENCODINGS)
def test_round_trip(encode, name):
    """What was encoded comes back, whatever its size; the name's case does not matter."""
    for data in (b"a", TEXT[:5000], TEXT):
        assert decoded(encode(data), name.upper(), MANY) == data
    assert decoded(b"", name, MANY) == b""


@pytest.mark.parametrize("encode, name", ENCODINGS)
def test_cap(encode, name):
    """A body of exactly the cap is whole; one byte more is refused."""
    assert decoded(encode(TEXT), name, len(TEXT)) == TEXT
    with pytest.raises(ResponseError) as caught:
        decoded(encode(TEXT), name, len(TEXT) - 1)
    assert str(caught.value) == f"the answer is larger than {len(TEXT) - 1} bytes — ask for less at a time"
    assert caught.value.code == "response.too_large"


@pytest.mark.parametrize("encode, name", ENCODINGS)
def test_cut_off(encode, name):
    """However little is missing, a body that was cut off is never taken for a whole one."""
    whole = encode(TEXT)
    for kept in (1, 2, 9, 1000, len(whole) // 2, len(whole) - 1):
        with pytest.raises(ConnectionError) as caught:
            decoded(whole[:kept], name, MANY)
        assert (caught.value.code, caught.value.phase) == ("connection.truncated", "answered")


@pytest.mark.parametrize("encode, name", ENCODINGS)
def test_bomb(encode, name):
    """A body that would become 200 MB is refused without ever being in memory."""
    bomb = encode(b"\0" * 200_000_000)
    assert len(bomb) < 250_000
    tracemalloc.start()
    with pytest.raises(ResponseError, match="the answer is larger than 1 MiB"):
        decoded(bomb, name, 1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * (1 << 20)


@given(st.binary(), st.sampled_from(accepted().split(", ")))
def test_any_bytes(data, name):
    """Bytes of every kind are decoded or refused by one of our errors."""
    try:
        decoded(data, name, 1000)
    except (ResponseError, ConnectionError) as error:
        assert error.__cause__ is None  # noqa: PT017 - either outcome is right


def test_several():
    """Several encodings are undone from the last to the first; identity is none."""
    assert decoded(gzip.compress(zlib.compress(b"body")), "deflate, identity , x-gzip", MANY) == b"body"
    assert decoded(b"body", "identity", MANY) == b"body"


def test_several_under_the_cap():
    """Each stage is held to the cap: a bomb in a bomb does not go off either."""
    with pytest.raises(ResponseError, match="larger than"):
        decoded(gzip.compress(gzip.compress(b"\0" * 50_000_000)), "gzip, gzip", 1 << 10)


def test_members():
    """A gzip body may have several members (RFC 1952 §2.2); what follows the last one is padding."""
    assert decoded(gzip.compress(TEXT) + gzip.compress(b"end") + b"\0\0", "gzip", MANY) == TEXT + b"end"


@pytest.mark.parametrize(
    "body, encodings, what",
    [
        (b"plain", "gzip", "the answer is not the gzip data that it claims to be"),
        (b"plain", "deflate", "the answer is not the deflate data that it claims to be"),
        (b"plain", "pack200-gzip", "the answer is in the content-encoding 'pack200-gzip', which was not asked for"),
        (b"plain", "gzip," * 9, "the answer is encoded 9 times over"),
    ],
    ids=["not gzip", "not deflate", "unknown", "too many"],
)
def test_refused(body, encodings, what):
    """What cannot be decoded is refused, with the way to ask for it plain."""
    with pytest.raises(ResponseError) as caught:
        decoded(body, encodings, MANY)
    assert str(caught.value) == f"{what} — ask for it plain: headers: {{Accept-Encoding: identity}}"
    assert caught.value.code == "response.encoding"
