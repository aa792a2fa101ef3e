"""Containers: opened whole or refused, never beyond the limit, however often something was packed."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zlib
from collections.abc import Mapping
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.address import BodyPath
from connector_core.compression import zstd
from connector_core.decode import Container, Decoding, Json, UndecodableError
from connector_core.decode.containers import Gzip, Zstd
from connector_core.decode.csv_body import Csv
from connector_core.decode.ndjson import Ndjson
from connector_core.decode.plain import Text
from connector_core.decode.zip_archive import Zip
from connector_core.exceptions import ConfigError
from tests.decode.chunks import begun, cuts, fed, streamed

TEXT = b"".join(b'{"id": %d}\n' % number for number in range(30_000))
NO_ZSTD = pytest.mark.skipif(zstd() is None, reason="neither compression.zstd nor backports.zstd is installed")


def zipped(members: Mapping[str, bytes], method: int = ZIP_DEFLATED) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def one_member(content: bytes) -> bytes:
    return zipped({"data/1.json": content})


def frames(content: bytes) -> bytes:
    packed: bytes = zstd().compress(content)
    return packed


def blocks(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


KINDS = [
    pytest.param(blocks, Gzip(), id="gzip"),
    pytest.param(one_member, Zip(), id="zip"),
    pytest.param(frames, Zstd(), id="zstd", marks=NO_ZSTD),
]


def refused(kind: Container, content: bytes, limit: int = 1 << 27) -> str:
    with pytest.raises(UndecodableError) as wrong:
        kind.opened(content, limit)
    return str(wrong.value)


# ── all of them ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pack, kind", KINDS)
def test_round_trip(pack, kind):
    """What was packed comes back, whatever its size."""
    for content in (b"", b"a", TEXT[:5000], TEXT):
        assert kind.opened(pack(content)) == content


@pytest.mark.parametrize("pack, kind", KINDS)
def test_limit(pack, kind):
    """What unpacks to exactly the limit is whole; one byte more is refused."""
    assert kind.opened(pack(TEXT), len(TEXT)) == TEXT
    what = refused(kind, pack(TEXT), len(TEXT) - 1)
    assert what == f"what the body unpacks to is larger than {len(TEXT) - 1} bytes"


@pytest.mark.parametrize("pack, kind", KINDS)
def test_bomb(pack, kind):
    """A body that would become 200 MB is refused without ever being in memory."""
    bomb = pack(b"\0" * 200_000_000)
    tracemalloc.start()
    try:
        assert refused(kind, bomb, 1 << 20) == "what the body unpacks to is larger than 1 MiB"
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pack, kind", KINDS)
def test_cut_off(pack, kind):
    """However little is missing, a body that was cut off is never taken for a whole one."""
    whole = pack(TEXT)
    for kept in (1, 2, 9, 1000, len(whole) // 2, len(whole) - 1):
        refused(kind, whole[:kept])


@pytest.mark.parametrize("pack, kind", KINDS)
@pytest.mark.parametrize(
    "content, what",
    [
        (b"", "the body is empty, where {} is expected"),
        (
            b"<!doctype html><title>Sign in</title>",
            "the body is an HTML page (its title: Sign in), where {} is expected",
        ),
        (b"<?xml version='1.0'?><Error/>", "the body is XML, where {} is expected"),
        (b'{"error": 1}', "the body is not the {}"),
    ],
)
def test_something_else(pack, kind, content, what):
    """A body that is no such container is told by what it is."""
    assert refused(kind, content).startswith(what.format(kind.kind()))


@pytest.mark.parametrize("pack, kind", [param for param in KINDS if param.id != "zstd"])  # it need not have a checksum
@given(data=st.data())
def test_damage_is_never_passed_on(pack, kind, data):
    """With any byte changed, the content is whole or refused."""
    content = TEXT[:2000]
    packed = bytearray(pack(content))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert kind.opened(bytes(packed)) == content
    except UndecodableError as wrong:
        assert str(wrong).isprintable()  # noqa: PT017 - some bytes mean nothing


@given(st.binary())
def test_any_bytes_are_opened_or_refused(content):
    """No bytes raise anything but UndecodableError."""
    for kind in (Gzip(), Zip(), *([Zstd()] if zstd() else [])):
        for start in (b"", b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"PK\x05\x06", b"\x28\xb5\x2f\xfd"):
            try:
                kind.opened(start + content)
            except UndecodableError as wrong:
                assert str(wrong).isprintable()  # noqa: PT017 - any bytes may as well be right


@pytest.mark.parametrize("pack, kind", KINDS)
@given(data=st.data())
def test_any_chunking_gives_every_record(pack, kind, data):
    """A stream through a container gives what the whole gives, wherever the body is cut."""
    content = b"".join(TEXT.splitlines(keepends=True)[:250])
    decoding = Decoding([kind, Ndjson()])
    packed = pack(content)
    values = decoding.read(packed)[0]
    assert len(values) > 200
    assert streamed(begun(decoding.stream(BodyPath("body"))), data.draw(cuts(packed))) == values


# ── one in the other ──────────────────────────────────────────────────────────────────────────────


def test_containers_in_containers():
    """The first container is the outermost."""
    packed = gzip.compress(zipped({"a.csv": b"id\n1\n"}))
    decoding = Decoding([Gzip(), Zip(), Csv()])
    assert decoding.read(packed) == ([{"id": "1"}], None)
    assert streamed(begun(decoding.stream(BodyPath("body"))), [packed[:10], packed[10:]]) == [{"id": "1"}]


def test_a_bomb_in_a_bomb(monkeypatch):
    """Every stage has the limit: what is packed twice a thousand times over is refused, whole and as it comes."""
    monkeypatch.setattr("connector_core.decode.steps.LIMIT", 1 << 20)
    bomb = gzip.compress(gzip.compress(b" " * 500_000_000))
    decoding = Decoding([Gzip(), Gzip(), Json()])
    tracemalloc.start()
    try:
        with pytest.raises(UndecodableError, match="what the body unpacks to is larger than 1 MiB"):
            decoding.read(bomb)
        with pytest.raises(UndecodableError, match="what the body unpacks to is larger than 1 MiB"):
            streamed(begun(decoding.stream(BodyPath("body"))), [bomb])
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_stream_may_be_larger_than_the_limit(monkeypatch):
    """What comes chunk by chunk has no limit as a whole but a far larger one."""
    monkeypatch.setattr("connector_core.decode.steps.LIMIT", 1 << 20)
    packed = gzip.compress(TEXT * 8, 1)
    decoding = Decoding([Gzip(), Ndjson()])
    chunks = [packed[at : at + 10_000] for at in range(0, len(packed), 10_000)]
    assert len(TEXT * 8) > 3 << 20
    assert len(streamed(begun(decoding.stream(BodyPath("body"))), chunks)) == 240_000
    monkeypatch.setattr("connector_core.decode.steps.ALTOGETHER", 2 << 20)
    with pytest.raises(UndecodableError, match="what the body unpacks to is larger than 2 MiB"):
        streamed(begun(decoding.stream(BodyPath("body"))), chunks)


# ── gzip and zstd ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pack, kind", [param for param in KINDS if param.id != "zip"])
def test_several_members(pack, kind):
    """Members follow each other, empty ones too; zero bytes at the end are padding."""
    assert kind.opened(pack(b"a") + pack(b"") + pack(b"b")) == b"ab"
    assert kind.opened(pack(b"a") + b"\0" * 1000) == b"a"
    assert kind.opened(pack(b"a") * 3000) == b"a" * 3000


@pytest.mark.parametrize("pack, kind", [param for param in KINDS if param.id != "zip"])
@pytest.mark.parametrize("trailing", [b"x", b"garbage at the end", b"\0\0\0x", b"\x1f"])
def test_trailing_garbage(pack, kind, trailing):
    """What follows the last member and is none is an error: it may be a member that was damaged."""
    assert refused(kind, pack(TEXT) + trailing) == f"the body goes on after its {kind.kind()} data"


@NO_ZSTD
def test_frames_without_data():
    """Skippable frames are passed over."""
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 5) + b"hello"
    assert Zstd().opened(skippable + frames(b"a") + skippable + frames(b"b") + skippable) == b"ab"


def test_zstd_without_its_library(monkeypatch):
    """Where the library for zstd is missing, the error names the extra, before anything is sent."""
    monkeypatch.setattr("connector_core.decode.containers.zstd", lambda: None)
    with pytest.raises(ConfigError) as wrong:
        Decoding([Zstd(), Json()])
    assert str(wrong.value) == (
        "decode: zstd needs a library that is not installed — pip install 'connector-core[speed]'"
    )


# ── zip ───────────────────────────────────────────────────────────────────────────────────────────

MEMBERS = {"a.csv": b"id\n1", "notes/": b"", "notes/b.txt": b"no table", "data/c.csv": b"id\n2\n"}


def test_members_by_name():
    """Without a name all members follow each other, each beginning on a line of its own; a pattern chooses."""
    packed = zipped(MEMBERS)
    assert Zip().opened(packed) == b"id\n1\nno table\nid\n2\n"
    assert Zip(member="a.csv").opened(packed) == b"id\n1"
    assert Zip(member="*.csv").opened(packed) == b"id\n1\nid\n2\n"
    assert Zip(member="data/?.csv").opened(packed) == b"id\n2\n"
    assert Decoding([Zip(member="*.csv"), Csv()]).read(packed)[0] == [{"id": "1"}, {"id": "2"}]
    assert Zip().opened(zipped(MEMBERS, ZIP_STORED)) == Zip().opened(packed)


def test_no_such_member():
    """A pattern that no member has is an error which says what there is."""
    assert refused(Zip(member="*.json"), zipped(MEMBERS)) == (
        "the zip archive has no member '*.json'; it has 'a.csv', 'notes/b.txt', 'data/c.csv'"
    )
    assert refused(Zip(member="x"), zipped({})) == "the zip archive has no member 'x'; it has nothing"


def test_names_are_no_paths(tmp_path, monkeypatch):
    """A member's name that leads elsewhere leads nowhere: nothing is written."""
    monkeypatch.chdir(tmp_path)
    evil = zipped({"../../evil": b"1", "/etc/evil": b"2", "\x1b[31m": b"3"})
    assert Zip().opened(evil) == b"1\n2\n3"
    assert list(tmp_path.iterdir()) == []
    assert "\x1b" not in refused(Zip(member="q"), evil)


def test_encrypted_member():
    """A member that is encrypted is refused by name."""
    packed = bytearray(zipped({"a.csv": b"id\n1\n"}, ZIP_STORED))
    packed[6] |= 1  # in the member's own header
    packed[packed.index(b"PK\x01\x02") + 8] |= 1  # and in the table of contents
    assert refused(Zip(), bytes(packed)) == "the zip archive's member 'a.csv' is encrypted"


def test_members_packed_in_another_way():
    """What the standard library would unpack without any limit is refused."""
    packed = zipped({"a.csv": b"\0" * 10_000_000}, ZIP_BZIP2)
    assert refused(Zip(), packed) == "the zip archive's member 'a.csv' is not packed with deflate (but by method 12)"


def test_damaged_member():
    """A member whose checksum is wrong is refused."""
    packed = bytearray(zipped({"a.csv": b"id\n1\n"}, ZIP_STORED))
    packed[packed.index(b"id\n1")] ^= 1
    assert refused(Zip(), bytes(packed)) == "the zip archive's member 'a.csv' is damaged"


def test_a_zip_that_lies_about_sizes():
    """What a member's header says of its size is not believed: the limit counts what comes out."""
    packed = bytearray(zipped({"a": b"\0" * 5_000_000}))
    table = packed.index(b"PK\x01\x02")
    packed[table + 24 : table + 28] = struct.pack("<I", 10)
    with pytest.raises(UndecodableError):
        Zip().opened(bytes(packed), 1 << 20)


def test_members_in_each_other():
    """Many names for one and the same data, as in the archives that are made as bombs, are limited altogether."""
    info = ZipInfo("0")
    body = zlib.compress(b"\0" * 1_000_000)[2:-4]
    local = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 33, zlib.crc32(b"\0" * 1_000_000), len(body), 10**6, 1, 0
    )
    packed = local + info.filename.encode() + body
    entry = struct.pack(
        "<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 8, 0, 33, zlib.crc32(b"\0" * 1_000_000), len(body), 10**6,
        1, 0, 0, 0, 0, 0, 0,
    ) + b"0"  # fmt: skip
    count = 500
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, len(packed), 0)
    with pytest.raises(UndecodableError):
        Zip().opened(packed + entry * count + end)


def test_only_the_packed_bytes_are_held(monkeypatch):
    """An archive that is itself too large is refused as it comes."""
    monkeypatch.setattr("connector_core.decode.zip_archive.LIMIT", 1 << 20)
    stream = begun(Decoding([Zip(), Ndjson()]).stream(BodyPath("body")))
    with pytest.raises(UndecodableError, match="the zip archive is larger than 1 MiB"):
        fed(stream, b"PK\x03\x04" * 30_000, 20)


def test_text_in_a_container_has_no_stream():
    """What is in the container decides whether there is a stream."""
    assert Decoding([Gzip(), Text()]).stream(BodyPath("body")) is None
