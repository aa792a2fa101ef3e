"""`connector docs`: Markdown or HTML, to stdout or to a file, with the exit codes of every command."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector_core.handbook import in_html, in_markdown
from connector_core.load import load


def test_markdown(run, folder):
    """The page goes to stdout, for the spec of ./specs, which an app opens by its path."""
    done = run("docs", "shop")
    assert done.exit_code == 0
    assert done.stdout.startswith("# shop\n\nWritten from the spec by `connector docs shop`")
    assert "Connector.open('specs/shop.yaml'" in done.stdout
    assert not done.stderr


def test_a_bundled_spec(run, folder):
    """It is opened by its name, and the page is the same as from Python."""
    (folder / "specs" / "shop.yaml").unlink()
    assert run("docs", "shop").stdout == in_markdown(load("shop"))
    assert run("docs", "shop", "--html").stdout == in_html(load("shop"))


def test_a_folder(run, folder):
    """The folders of --specs stand in the commands, so that these work where the page was written."""
    (folder / "specs").rename(folder / "mine")
    done = run("docs", "shop", "--specs", "mine")
    assert "connector read shop orders --specs mine --simulate --limit 5" in done.stdout
    assert "Connector.open('mine/shop.yaml'" in done.stdout


def test_output(run, folder):
    """A file is replaced as a whole, in UTF-8, and nothing else is left beside it."""
    path = folder / "out" / "shop.html"
    path.parent.mkdir()
    path.write_text("before", "utf-8")
    done = run("docs", "shop", "--html", "--output", str(path))
    assert (done.exit_code, done.output) == (0, "")
    assert path.read_bytes() == run("docs", "shop", "--html").stdout_bytes
    assert [file.name for file in path.parent.iterdir()] == ["shop.html"]


def test_an_output_that_is_no_file(run, folder):
    """A link stays one, and so does what its file may be used for; a pipe is written to."""
    path, link, pipe = folder / "shop.md", folder / "link.md", folder / "pipe"
    path.write_text("before", "utf-8")
    path.chmod(0o640)
    link.symlink_to(path)
    assert run("docs", "shop", "--output", str(link)).exit_code == 0
    assert (link.is_symlink(), path.stat().st_mode & 0o777) == (True, 0o640)
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text, "utf-8")
        assert run("docs", "shop", "--output", str(pipe)).exit_code == 0
        assert read.result(5) == path.read_text("utf-8")
    assert pipe.is_fifo()
    (folder / "loop").symlink_to("loop")
    assert run("docs", "shop", "--output", "loop").exit_code in (0, 2)  # later Pythons replace what leads nowhere


def test_an_output_that_cannot_be_written(run, folder):
    """What is wrong is told with the place, and no half of a file is left."""
    done = run("docs", "shop", "--output", "none/shop.md")
    assert done.exit_code == 2
    assert done.stderr == "error: the documents cannot be written: No such file or directory — none/shop.md\n"
    assert [path.name for path in folder.iterdir()] == ["specs"]


def test_an_unknown_spec(run):
    """A misspelt name is told with what is near."""
    done = run("docs", "shpo")
    assert (done.exit_code, "did you mean 'shop'?" in done.stderr) == (2, True)


def test_a_spec_that_is_wrong(run, folder):
    """Its mistakes are told as validate tells them; nothing is written."""
    path = folder / "specs" / "shop.yaml"
    path.write_text(path.read_text("utf-8").replace("records:", "recods:"), "utf-8")
    done = run("docs", "shop", "--output", "shop.md")
    assert done.exit_code == 3
    assert "unknown key 'recods', did you mean 'records'?" in done.stderr
    assert not (folder / "shop.md").exists()


@pytest.mark.parametrize("more", [(), ("--html",)])
def test_no_secret(run, more):
    """What the environment holds is on no page."""
    done = run("docs", "shop", *more, env={"CONNECTOR_SHOP_TOKEN": "s3cret-token"})
    assert "CONNECTOR_SHOP_TOKEN" in done.stdout
    assert "s3cret" not in done.stdout


def test_it_is_text_of_any_language(run, folder):
    """A spec in another script is written as it is."""
    spec = {"connector": "1", "name": "a", "title": "Größe 漢字", "docs": {"purpose": "𝔸 — ok"}}
    (folder / "specs" / "a.json").write_text(json.dumps(spec), "utf-8")
    assert "# Größe 漢字\n" in run("docs", "a").stdout
