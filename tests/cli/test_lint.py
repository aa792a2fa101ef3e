"""`connector lint`: findings on stdout, a tier, exit codes, and mending that never loses a spec."""

from __future__ import annotations

import json

from connector_core.load import bundled


def test_findings_are_lines(run):
    """Each finding is a line on stdout that editors can follow; the sum is told on stderr."""
    done = run("lint", "shop")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].startswith("specs/shop.yaml:1:1 C")
    assert "specs/shop.yaml: bronze, " in done.stderr


def test_a_bundled_spec(run, folder):
    """It is named as such, and not by where the package lies; validate names it the same way."""
    (folder / "specs" / "shop.yaml").unlink()
    done = run("lint", "github")
    assert done.exit_code == 0
    assert "bundled/github.yaml: silver, 1 piece of advice" in done.stderr
    assert done.stdout.startswith("bundled/github.yaml:1:1 C206 advice ")
    assert str(bundled()) not in done.output


def test_json(run):
    """With --json each finding is an object."""
    lines = [json.loads(line) for line in run("lint", "shop", "--json").stdout.splitlines()]
    assert {"code", "level", "file", "line", "column", "path", "what", "fixable"} == set(lines[0])


def test_strict(run):
    """With --strict any finding is exit code 3, unless it is ignored."""
    assert run("lint", "shop", "--strict").exit_code == 3
    codes = {json.loads(line)["code"] for line in run("lint", "shop", "--json").stdout.splitlines()}
    ignored = [word for code in codes for word in ("--ignore", code)]
    assert run("lint", "shop", "--strict", *ignored).exit_code == 0


def test_an_unknown_code(run):
    """A misspelt code is told with what is near."""
    done = run("lint", "shop", "--ignore", "C1011")
    assert (done.exit_code, "there is no rule 'C1011', did you mean 'C101'?" in done.stderr) == (2, True)


def test_fix(run, folder):
    """--fix writes the file once more, and what is left is told."""
    path = folder / "specs" / "shop.yaml"
    before = path.read_text("utf-8")
    done = run("lint", "shop", "--fix")
    assert done.exit_code == 0
    assert "specs/shop.yaml: mended C405" in done.stderr
    assert path.read_text("utf-8") == f"# yaml-language-server: $schema=connector.schema.json\n{before}"
    assert "C405" not in done.stdout
    assert [file.name for file in path.parent.iterdir()] == ["shop.yaml"]


def test_a_spec_that_is_wrong(run, folder):
    """Its mistakes are told as validate tells them, and the file is left alone."""
    path = folder / "specs" / "shop.yaml"
    path.write_text(path.read_text("utf-8").replace("records:", "recods:"), "utf-8")
    done = run("lint", "--fix")
    assert done.exit_code == 3
    assert "unknown key 'recods', did you mean 'records'?" in done.stderr
