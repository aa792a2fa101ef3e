"""The public API as users type it, in `app/`: right lines pass mypy and pyright, and wrong ones are found by both.

A wrong line names what either says of it: `# type: ignore[code]  # pyright: ignore[rule]`. Both are told to refuse such
a comment where nothing is wrong, so that each is an expectation, and `assert_type` says what a right line gives.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import venv
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from connector_core.load import load
from connector_core.types import written

APP = Path(__file__).parent / "app"
ROOT = APP.parents[2]
PYRIGHT = "pyright came into the dev extra later: pip install -e '.[dev]'"
NEEDS_PYRIGHT = pytest.mark.skipif(
    shutil.which("node") is None or find_spec("pyright") is None,
    reason="pyright needs node, which is not installed" if find_spec("pyright") else PYRIGHT,
)
PUBLIC = ["component", "connector", "events", "exceptions", "hookspecs", "http", "spec", "testing"]
"""The modules that apps and plug-ins import from, besides the door."""
CHECKERS = ["mypy", pytest.param("pyright", marks=NEEDS_PYRIGHT)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where mypy keeps what it has read, for all tests here."""
    return tmp_path_factory.mktemp("mypy")


def mistakes(checker: str, folder: Path, cache: Path) -> list[str]:
    """What the checker finds in a folder, as `file.py:line [code] words`; `pyrightconfig.json` there is pyright's."""
    options = ["--pythonpath", sys.executable, "--outputjson"]
    if checker == "mypy":
        options = ["--strict", "--config-file=", "--explicit-package-bases", "--output=json", f"--cache-dir={cache}"]
    command = [sys.executable, "-m", checker, *options, "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        found = list(_told(checker, done.stdout))
    except ValueError:
        found = []
    assert (done.returncode == 0) == (found == []), done.stdout + done.stderr
    return found


def _told(checker: str, output: str) -> Iterator[str]:
    if checker == "mypy":
        for error in map(json.loads, output.splitlines()):
            yield f"{Path(error['file']).name}:{error['line']} [{error['code']}] {error['message']}"
    else:
        for error in json.loads(output)["generalDiagnostics"]:
            place = f"{Path(error['file']).name}:{error['range']['start']['line'] + 1}"
            yield f"{place} [{error.get('rule')}] {error['message']}"


def test_the_types_are_current():
    """The app's types are those that `connector types shop` writes today."""
    assert (APP / "shop_types.py").read_text("utf-8") == written(load("shop")), (
        "connector types shop --output tests/typing/app/shop_types.py"
    )


@pytest.mark.parametrize("checker", CHECKERS)
def test_app(checker, cache):
    """Every line that is right passes, gives what it says, and every line that is wrong is found."""
    assert mistakes(checker, APP, cache) == []


WRONG = [
    ('assert_type(shop.read("orders"), int)', "assert-type", "reportAssertTypeFailure"),
    ('shop.read("ordrs")', "call-overload", "reportCallIssue"),
    ("shop.spoon", "attr-defined", "reportAttributeAccessIssue"),
    (
        'shop.read("orders")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]',
        "unused-ignore",
        "reportUnnecessaryTypeIgnoreComment",
    ),
]
"""Lines that give something else, are a mistake, or expect one that is none; and what the checkers call that."""


@pytest.mark.parametrize("checker", CHECKERS)
def test_these_tests_can_fail(checker, cache, tmp_path):
    """Each wrong line of an app is told."""
    for name in ("shop_types.py", "pyrightconfig.json"):
        shutil.copy(APP / name, tmp_path)
    head = "from typing import assert_type\nfrom shop_types import Shop\n\ndef f(shop: Shop) -> None:\n"
    (tmp_path / "app.py").write_text(head + "".join(f"    {line}\n" for line, *_ in WRONG), "utf-8")
    found = mistakes(checker, tmp_path, cache)
    for number, (_, *codes) in enumerate(WRONG, 5):
        place = f"app.py:{number} [{codes[checker == 'pyright']}]"
        assert [words for words in found if words.startswith(place)], (place, found)


HOW_TO = (ROOT / "docs/how-to/type-your-app.md").read_text("utf-8")


@pytest.mark.parametrize("checker", CHECKERS)
def test_how_to(checker, cache, tmp_path):
    """The Python of the how-to, in one app, passes with the shop's types."""
    shutil.copy(APP / "shop_types.py", tmp_path)
    first, *further = (textwrap.dedent(block) for block in re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL))
    head = (
        "from connector_core import Connector\n"
        "from shop_types import ShopConfig, ShopSecrets\n\n"
        "async def sync(shop: Shop) -> None: ...\n\n"
        "async def main(config: ShopConfig, secrets: ShopSecrets) -> None:\n"
    )
    inside = textwrap.indent("".join([*further, "await sync(shop)\n"]), "    ")
    (tmp_path / "app.py").write_text(f"{first}\n{head}{inside}", "utf-8")
    assert mistakes(checker, tmp_path, cache) == []


# ── the package itself ────────────────────────────────────────────────────────────────────────────


@NEEDS_PYRIGHT
def test_the_package_is_typed(tmp_path):
    """Installed, the package says that it is typed, and pyright knows every type of its public modules.

    Elsewhere some may be left to inference, which checkers need not agree on.
    """
    venv.create(tmp_path, with_pip=False, symlinks=True)
    [library] = tmp_path.glob("lib/python3*/site-packages")
    shutil.copytree(ROOT / "connector_core", library / "connector_core", ignore=shutil.ignore_patterns("__pycache__"))
    (library / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    command = [sys.executable, "-m", "pyright", "--verifytypes", "connector_core", "--ignoreexternal", "--outputjson"]
    path = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, env={**os.environ, **path}, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["typeCompleteness"]
    left = {symbol["name"] for symbol in found["symbols"] if symbol["isExported"] and not symbol["isTypeKnown"]}
    public = re.compile(rf"connector_core\.(?:(?:{'|'.join(PUBLIC)})\.)?\w+(?:\.\w+)?")
    assert found["pyTypedPath"].endswith("connector_core/py.typed")
    assert {name for name in left if public.fullmatch(name)} == set()
    assert found["completenessScore"] > 0.95
