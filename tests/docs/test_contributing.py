"""Who wants to change something finds it: the table of contributing.md, and the drawing of the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contributing.md").read_text("utf-8")
ROWS = {
    row[0]: row[1:] for row in re.findall(r"^\| (an? [^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
}
ARCHITECTURE = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
DRAWING = ARCHITECTURE.split("```")[1]
PACKAGE = ROOT / "connector_core"
MODULES = sorted(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def test_rows():
    """The table tells where everything goes that is added often."""
    wanted = {"key", "kind of a key", "filter", "hook", "command", "event", "exception", "page"}
    assert wanted <= {re.sub(r"^an? ", "", name) for name in ROWS}


@pytest.mark.parametrize("name", ROWS)
def test_files(name):
    """Each row names files to open, one of them a test; all of them exist."""
    opened, tested, paged = (re.findall(r"`([\w.]+/[\w./-]+)`", cell) for cell in ROWS[name])
    assert opened
    assert [path for path in tested if path.startswith("tests/")]
    assert [path for path in [*opened, *tested, *paged] if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:\.ci|docs|specs|tests|connector_core)/[\w./-]+)`", PAGE)))
)
def test_every_path(path):
    """Whatever else the page names is there, but for the examples of fragments, which a release takes away."""
    assert (ROOT / path).exists() or path.startswith("docs/changes/unreleased/")


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("_")])
def test_drawing(module):
    """Every module and package of the top level has its place in the drawing of docs/explanation/architecture.md."""
    assert re.search(rf"\b{module}\b", DRAWING), f"{module} is missing from the drawing in architecture.md"
