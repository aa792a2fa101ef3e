"""`file:`: what is read, and what is refused before it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connector_core.exceptions import ConfigError
from connector_core.secrets.file import LARGEST, File
from tests.secrets.world import NOBODY

SECRET = "s3cr3t-väl ue"


def kept(folder: Path, content: bytes = SECRET.encode(), mode: int = 0o600) -> Path:
    path = folder / "shop token"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
async def test_a_file(tmp_path, end):
    """Its text, without the line's end that editors add; one line's end, and no other space."""
    path = kept(tmp_path, f" {SECRET}\n{end}".encode())
    assert await File().fetch(str(path), NOBODY) == f" {SECRET}" + ("\n" if end else "")
    assert await File().fetch(str(kept(tmp_path, SECRET.encode() + end.encode())), NOBODY) == SECRET


async def test_a_home(tmp_path, monkeypatch):
    """No shell replaces the `~` of `token=file:~/token`; this does."""
    monkeypatch.setenv("HOME", str(tmp_path))
    kept(tmp_path)
    assert await File().fetch("~/shop token", NOBODY) == SECRET


async def test_a_link(tmp_path):
    """A link is followed, since mounted secrets are links; what counts is what it leads to."""
    path = kept(tmp_path)
    (tmp_path / "link").symlink_to(path)
    assert await File().fetch(str(tmp_path / "link"), NOBODY) == SECRET
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="may be read or written by others"):
        await File().fetch(str(tmp_path / "link"), NOBODY)


@pytest.mark.parametrize(
    "mode, who",
    [(0o640, "its group"), (0o620, "its group"), (0o604, "others"), (0o602, "others"), (0o644, "others")],
)
async def test_a_file_that_others_may_read(tmp_path, mode, who):
    """It is refused with the command that mends it, before anything is read, also when a connection is opened."""
    path = kept(tmp_path, mode=mode)
    with pytest.raises(ConfigError) as refused:
        File().check(str(path))
    assert str(refused.value) == f"the file {path} may be read or written by {who} — chmod 600 '{path}'"
    assert refused.value.code == "secret.exposed"
    with pytest.raises(ConfigError, match="may be read"):
        await File().fetch(str(path), NOBODY)
    path.chmod(0o400)
    assert await File().fetch(str(path), NOBODY) == SECRET


@pytest.mark.parametrize(
    "content, what",
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"t0p\xff", "is no text in UTF-8"),
        (b"s" * (LARGEST + 1), "is larger than 64 KiB"),
    ],
)
def test_what_is_no_secret(tmp_path, content, what):
    """It is told by its file's name alone."""
    path = kept(tmp_path, content)
    with pytest.raises(ConfigError) as refused:
        File().check(str(path))
    assert refused.value.what == f"the file {path} {what}"
    assert "t0p" not in str(refused.value).replace(str(path), "")
    assert len(str(refused.value)) < 500


def test_what_is_no_file(tmp_path):
    """Nothing, a folder, a pipe that nobody writes to, and names that no path can have."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, what in (
        ("nothing", "is not there"),
        (".", "cannot be read: Is a directory"),
        ("pipe", "is no file"),
        ("a\0b", "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=what):
            File().check(str(tmp_path / name))
    with pytest.raises(ConfigError, match="cannot be read"):
        File().check("~nobody-of-that-name/token")
