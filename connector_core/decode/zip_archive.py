"""The container of many things: zip."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from connector_core.compression import STEP
from connector_core.decode.family import LIMIT, Container, UndecodableError, Unpacking, too_large
from connector_core.decode.instead import HEAD, instead

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

__all__ = ["Zip"]


class Zip(Container):
    """A zip archive: its members one after the other, a line's end between them. No file is ever written.

    Example: `decode: [{type: zip, member: "*.csv"}, csv]`
    """

    media = "application/zip"

    type: Literal["zip"] = "zip"
    member: str | None = None
    """Which of them, by name; `*` stands for anything. Left out: all of them, in the archive's order."""

    def unpacking(self) -> Unpacking:
        """Nothing before the end, where an archive has its table of contents."""
        return _Unpacking(self.member)

    def pack(self, content: bytes) -> bytes:
        """An archive of one member, beside another one where a name tells them apart."""
        from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

        packed = BytesIO()
        with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
            if self.member is not None:
                archive.writestr(ZipInfo("__left_out__/README"), "not what was asked for\n")
            archive.writestr(ZipInfo(re.sub(r"[*?]", "1", self.member or "1")), content, ZIP_DEFLATED)
        return packed.getvalue()


class _Unpacking(Unpacking):
    def __init__(self, wanted: str | None) -> None:
        self._wanted, self._packed = wanted, bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        self._packed += chunk
        if len(self._packed) > LIMIT:
            raise too_large("the zip archive", LIMIT)
        return iter(())

    def close(self) -> Iterator[bytes]:
        from zipfile import ZipFile

        packed, self._packed = bytes(self._packed), bytearray()
        try:
            with ZipFile(BytesIO(packed)) as archive:
                yield from _joined(archive, self._wanted)
        except UndecodableError:
            raise
        except Exception:  # noqa: BLE001 - what a broken archive makes of zipfile is anybody's guess
            cut = packed.startswith(b"PK\x03\x04")
            what = "a zip archive that breaks off or is damaged" if cut else "not the zip archive that is expected"
            raise UndecodableError(instead(packed[:HEAD], "zip") or f"the body is {what}") from None


def _joined(archive: "ZipFile", wanted: str | None) -> Iterator[bytes]:
    """The members' bytes in pieces; a member that does not end its last line has it ended."""
    last = b"\n"
    for info in _chosen(archive, wanted):
        if not last.endswith(b"\n"):
            yield b"\n"
        for part in _pieces(archive, info):
            yield part
            last = part


def _chosen(archive: "ZipFile", wanted: str | None) -> "list[ZipInfo]":
    members = [info for info in archive.infolist() if not info.is_dir()]
    if wanted is None:
        return members
    found = [info for info in members if fnmatchcase(info.filename, wanted)]
    if not found:
        has = ", ".join(_shown(info) for info in members[:5]) or "nothing"
        raise UndecodableError(f"the zip archive has no member {wanted!r}; it has {has}")
    return found


def _pieces(archive: "ZipFile", info: "ZipInfo") -> Iterator[bytes]:
    """What a member holds. Only what is stored or deflated: the others are unpacked without any limit."""
    from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile
    from zlib import error as broken

    if info.flag_bits & 1:
        raise UndecodableError(f"the zip archive's member {_shown(info)} is encrypted")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UndecodableError(
            f"the zip archive's member {_shown(info)} is not packed with deflate (but by method {info.compress_type})"
        )
    try:
        with archive.open(info) as member:
            while part := member.read(STEP):
                yield part
    except (BadZipFile, EOFError, broken):
        raise UndecodableError(f"the zip archive's member {_shown(info)} is damaged") from None


def _shown(info: "ZipInfo") -> str:
    return repr("".join(char for char in info.filename if char.isprintable())[:100])
