"""The site: it builds without a warning, every page is in its navigation, and it fetches nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
LEFT_OUT = DOCS / "changes" / "unreleased"
PAGES = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md") if LEFT_OUT not in path.parents)


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(folder / "mkdocs.yml")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    """A copy of the pages."""
    pytest.importorskip("zensical", reason="zensical came into the dev extra later: pip install -e '.[dev]'")
    folder = tmp_path_factory.mktemp("site") / "docs"
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns(".site", ".cache"))
    return folder


@pytest.fixture(scope="module")
def site(docs):
    """The folder that it is built to."""
    done = build(docs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    return docs / ".site"


def address(page: Path) -> str:
    """Where a page is on the site: `reference/keys/`, or the folder whose index it is."""
    folder = page.parent if page.name in ("index.md", "README.md") else page.with_suffix("")
    return "" if folder == Path() else f"{folder.as_posix()}/"


def test_every_page_is_in_the_navigation(site):
    """Whoever opens the first page finds all the others beside it; fragments of the changelog are no pages."""
    first = (site / "index.html").read_text("utf-8")
    navigation = re.search(r'<nav class="md-nav md-nav--primary.*?<div class="md-content"', first, re.DOTALL)
    assert navigation is not None
    listed = {link.partition("#")[0].removeprefix("./") for link in re.findall(r'<a href="([^"]*)"', navigation[0])}
    addresses = {address(page) for page in PAGES}
    assert addresses - listed == set()
    assert {place for place in addresses if not (site / place / "index.html").exists()} == set()
    assert not (site / "changes" / "unreleased").exists()


def test_nothing_is_fetched_from_elsewhere(site):
    """No page has fonts, scripts, styles or pictures of another site."""
    fetched = re.compile(r'<(?:link|script|img|iframe)\b[^>]*?(?:href|src)="?(?:https?:)?//')
    assert [path.name for path in site.rglob("*.html") if fetched.search(path.read_text("utf-8"))] == []


def test_broken_links_fail_the_build(docs, tmp_path):
    """A link to a page or a heading that is not there ends the build with an error that shows it."""
    folder = tmp_path / "docs"
    shutil.copytree(docs, folder, ignore=shutil.ignore_patterns(".site", ".cache"))
    with (folder / "index.md").open("a", encoding="utf-8") as page:
        page.write("\n[gone](gone.md), [nowhere](reference/keys.md#nowhere)\n")
    done = build(folder)
    assert done.returncode != 0
    assert "2 issues found" in done.stdout + done.stderr
