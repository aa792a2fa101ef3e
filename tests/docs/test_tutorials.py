"""The tutorials come out: each is done in an empty folder, by somebody who types what it says."""

from __future__ import annotations

import os
import re
import socket
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.docs.walkthrough import Walk, blocks, printed

DOCS = Path(__file__).parents[2] / "docs"
WEB_APP = DOCS / "how-to" / "use-it-in-a-web-app.md"
TUTORIALS = [*sorted((DOCS / "tutorials").glob("*.md")), DOCS / "how-to" / "add-a-kind.md", WEB_APP]
TERMINAL = {
    "COLUMNS": "120",
    "LANG": "C.UTF-8",
    "NO_COLOR": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONUTF8": "1",
}
# pip as if it could ask an index: what it would find there, the environment has already
OFFLINE = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_NO_DEPS": "1",
    "PIP_NO_INDEX": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}


@pytest.fixture
def environment(tmp_path):
    """A reader's: a virtual environment that borrows what this one has, and nothing exported."""
    pytest.importorskip("editables", reason="editables came into the dev extra later: pip install -e '.[dev]'")
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    binaries = home / "bin"
    [library] = home.glob("lib/python*/site-packages")
    (library / "borrowed.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", "utf-8")
    for command, module in [("connector", "connector_core"), ("pip", "pip"), ("pytest", "pytest")]:
        script = binaries / command
        script.write_text(f'#!/bin/sh\nexec {binaries / "python"} -m {module} "$@"\n', "utf-8")
        script.chmod(0o755)
    return {**TERMINAL, **OFFLINE, "HOME": str(tmp_path), "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.skipif(sys.platform == "win32", reason="the tutorials are written for a shell")
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda path: path.stem)
def test_it_comes_out(page, environment, tmp_path):
    """Every file is written, every command does what it should, and prints what the page shows."""
    if page == WEB_APP:
        pytest.importorskip("fastapi", reason="fastapi came into the dev extra later: pip install -e '.[dev]'")
        pytest.importorskip("httpx2", reason="httpx2 came into the dev extra later: pip install -e '.[dev]'")
    folder = tmp_path / "desk"
    folder.mkdir()
    with Walk(folder, environment, {"8700": free_port()}) as walk:
        for block in blocks(page.read_text("utf-8")):
            walk.do(block)


def walked(page: str, folder: Path) -> None:
    with Walk(folder, dict(os.environ), {}) as walk:
        for block in blocks(page):
            walk.do(block)


@pytest.mark.parametrize(
    "page, wrong",
    [
        ("```sh\nfalse\n```\n", "line 1: false\nends with 1"),
        ("```sh\necho one\n```\n\n<!-- output -->\n```text\ntwo\n```\n", "two\n\nand the commands have printed\none"),
        ("<!-- exit: 3 -->\n```sh\ntrue\n```\n", "ends with 0"),
    ],
)
def test_what_does_not_come_out(page, wrong, tmp_path):
    """A command that fails, or prints something else, is told with its line."""
    with pytest.raises(AssertionError, match=re.escape(wrong)):
        walked(page, tmp_path)


@pytest.mark.parametrize(
    "page, wrong",
    [
        ("```yaml\na: 1\n```\n", "line 1: a block of yaml does not say what it is for"),
        ("<!-- fiel: a.yaml -->\n```yaml\na: 1\n```\n", "line 2: fiel says nothing that can be done"),
    ],
)
def test_blocks_say_what_they_are_for(page, wrong):
    """No block of a tutorial is passed over by mistake."""
    with pytest.raises(ValueError, match=wrong):
        list(blocks(page))


def test_files(tmp_path):
    """Files are written, added to and changed; what is exported lasts from one block to the next."""
    page = (
        "<!-- file: sub/a.txt -->\n```text\none\ntwo: 2\n```\n\n<!-- append: sub/a.txt 2 -->\n```text\nthree\n```\n\n"
        "<!-- replace: sub/a.txt two: -->\n```text\n2\n```\n\n```sh\nexport WHERE=sub\n```\n\n"
        "```sh\ncat $WHERE/a.txt\n```\n\n<!-- output -->\n```text\none\n2\n  three\n```\n"
    )
    walked(page, tmp_path)


def test_ellipsis():
    """`…` in an output is anything, within a line or across lines; everything else is exact."""
    assert printed("one …\nlast.\n").fullmatch("one two\nthree\nlast.")
    assert not printed("one …\nlast.\n").fullmatch("one two\nlast!")
