"""Fragments of the changelog are well-formed, and a release gathers all of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOWNCRIER = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]
TYPES = [kind["directory"] for kind in TOWNCRIER["type"]]
UNRELEASED = ROOT / TOWNCRIER["directory"]
FRAGMENTS = sorted(path.name for path in UNRELEASED.iterdir() if not path.name.startswith("."))
LINK = re.compile(r"\]\((?!https://)([^)#]*)")


def problems(name: str, text: str) -> list[str]:
    """What is wrong with a fragment, in words; empty: nothing."""
    found = []
    if not re.fullmatch(rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(TYPES)})\.md", name):
        found.append(f"its name is SLUG.TYPE.md, the slug in small letters with hyphens, the type one of {TYPES}")
    if not text.endswith("\n") or text != text.strip() + "\n" or "\n\n" in text:
        found.append("it is one paragraph, and ends with its line")
    if not text.rstrip().endswith(".") or text[:1].islower():
        found.append("it is made of sentences: a capital or a name first, a full stop at the end")
    if re.match(r"[-*#]|(?i:added|changed|fixed|removed):", text):
        found.append("it is a paragraph, no list or heading; its type stands in its name")
    if any(len(line) > 130 for line in text.splitlines()):
        found.append("its lines have at most 130 characters")
    if not all(target.startswith("../../") for target in LINK.findall(text)):
        found.append("its links are written from its folder: ../../reference/hooks.md")
    return found


@pytest.mark.parametrize("name", FRAGMENTS)
def test_fragments(name):
    """Each fragment is one paragraph of sentences, with a name that says what kind of change it tells."""
    assert problems(name, (UNRELEASED / name).read_text("utf-8")) == []


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("Max_Pages.changed.md", "More pages.\n", "SLUG.TYPE.md"),
        ("max-pages.md", "More pages.\n", "SLUG.TYPE.md"),
        ("max-pages.feature.md", "More pages.\n", "SLUG.TYPE.md"),
        ("max-pages.added.md", "More pages.\n\nMany more.\n", "one paragraph"),
        ("max-pages.added.md", "More pages.", "one paragraph"),
        ("max-pages.added.md", "more pages\n", "sentences"),
        ("max-pages.added.md", "* More pages.\n", "no list"),
        ("max-pages.added.md", "Added: more pages.\n", "its type stands in its name"),
        ("max-pages.added.md", f"{'More ' * 30}pages.\n", "130"),
        ("max-pages.added.md", "More [pages](../reference/pagination.md).\n", "from its folder"),
    ],
)
def test_what_is_refused(name, text, words):
    """A malformed fragment is told what is wrong with it, and nothing else."""
    [problem] = problems(name, text)
    assert words in problem


def test_a_release(tmp_path):
    """`towncrier build` tells every fragment under its type, links seen from the page, and keeps what was there."""
    pytest.importorskip("towncrier", reason="towncrier came into the dev extra later: pip install -e '.[dev]'")
    changes = tmp_path / "docs" / "changes"
    shutil.copytree(ROOT / "docs" / "changes", changes, ignore=shutil.ignore_patterns("*.md"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, text in [
        ("hooks.added.md", "More [hooks](../../reference/hooks.md),\nand two lines.\n"),
        ("pages.removed.md", "No pages.\n"),
        ("zebra.added.md", "`zebra`.\n"),
        ("loop.fixed.md", "No loop.\n"),
        ("now.changed.md", "Now is text.\n"),
    ]:
        (changes / "unreleased" / name).write_text(text, "utf-8")
    before = "# Changes\n\n<!-- towncrier release notes start -->\n\n## 0.1.0\n\n* The first.\n"
    (changes / "README.md").write_text(before, "utf-8")
    build = [sys.executable, "-m", "towncrier", "build", "--version", "0.2.0", "--date", "2030-01-31", "--yes"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = (
        "## 0.2.0 (2030-01-31)\n\n### Added\n\n* `zebra`.\n* More [hooks](../reference/hooks.md),\n  and two lines.\n\n"
        "### Changed\n\n* Now is text.\n\n### Fixed\n\n* No loop.\n\n### Removed\n\n* No pages.\n\n"
    )
    assert " ".join((changes / "README.md").read_text("utf-8").split()) == " ".join(
        before.replace("## 0.1.0", f"{told}## 0.1.0").split()
    )
    assert [path.name for path in (changes / "unreleased").iterdir()] == [".gitignore"]


def test_nothing_is_written_by_hand():
    """The page of changes holds releases alone: what is not released is in fragments."""
    page = (ROOT / TOWNCRIER["filename"]).read_text("utf-8")
    head, mark, releases = page.partition("<!-- towncrier release notes start -->\n")
    assert mark
    assert "\n* " not in head
    assert releases.strip() == "" or re.match(r"\s*## \d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)\n", releases)
