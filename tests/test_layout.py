"""The laws of the repository that no linter knows; and that the linters keep theirs."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import connector_core
import connector_core.spec
from connector_core.component import families

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "connector_core"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

TOP_LEVEL = {"pyproject.toml", "connector_core", "connectors", "specs", "tests", "docs", "README.md"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "factory", "handler", "handlers", "misc"}
LONGEST = 400


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def in_layers(first: str, last: str) -> list[str]:
    """The modules that exist in the declared layers from the one that holds `first` down to that of `last`."""
    layers = [
        [name.strip(" ()") for name in layer.replace(":", "|").split("|")]
        for layer in PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    ]
    [top] = [i for i, layer in enumerate(layers) if first in layer]
    [bottom] = [i for i, layer in enumerate(layers) if last in layer]
    names = sorted(name for layer in layers[top : bottom + 1] for name in layer)
    return [name for name in names if (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir()]


def test_top_level():
    """The top level holds what architecture knows, and dot-files; nothing else is tracked there."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what is tracked cannot be known")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 - git as the developer has it
    top = {path.split("/")[0] for path in tracked.split("\0") if path}
    assert {name for name in top if not name.startswith(".")} - TOP_LEVEL == set()


def of_models(path: Path) -> bool:
    bases = {"Model", "Component", *(family.__name__ for family in families().values())}
    classes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef)]
    names = {base.id for node in classes for base in node.bases if isinstance(base, ast.Name)}
    return any(isinstance(s, ast.AnnAssign) for node in classes for s in node.body) and bool(names & bases)


@pytest.mark.parametrize("path", [path for path in sources(PACKAGE) if of_models(path)], ids=named)
def test_annotations_of_models_are_read_once(path):
    """Text that pydantic has to compile is a third of what defining a model costs at import."""
    assert "from __future__ import annotations" not in path.read_text("utf-8").splitlines()


@pytest.mark.parametrize("path", sources(PACKAGE, ROOT / "connectors"), ids=named)
def test_module(path):
    """A module is named for what it holds, opens with the sentence that captions it, and fits on a few screens."""
    text = path.read_text("utf-8")
    caption, *_ = (ast.get_docstring(ast.parse(text)) or "").splitlines() or [""]
    assert caption.endswith(".")
    assert len(text.splitlines()) <= LONGEST
    assert VAGUE.isdisjoint({path.stem.strip("_"), path.parent.name})


@pytest.mark.parametrize("name", in_layers("plan", "units"))
def test_module_has_its_test(name):
    """Every module of the language, the keys and the compiler has the test file that bears its name."""
    assert (ROOT / "tests" / f"test_{name}.py").exists()


@pytest.mark.parametrize("path", sources(ROOT / "tests"), ids=named)
def test_claims(path):
    """Every test says in its docstring what it proves."""
    functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, FUNCTIONS)]
    assert [f.name for f in functions if f.name.startswith("test_") and not ast.get_docstring(f)] == []


def test_door():
    """`import connector_core` offers at most 15 names, sorted, and all of them are there."""
    names = connector_core.__all__
    assert list(names) == sorted(set(names))
    assert 0 < len(names) <= 15
    assert [name for name in names if not hasattr(connector_core, name)] == []


@pytest.mark.parametrize("path", sources(PACKAGE), ids=named)
def test_nobody_below_uses_the_door(path):
    """The package itself imports from the modules that hold a thing; the door is for those who come from outside."""
    imports = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports if node.module == "connector_core" for alias in node.names}
    assert names <= {module.stem for module in PACKAGE.iterdir()}


@pytest.mark.parametrize(
    "path, refused",
    [
        ("connector_core/pagination.py", 5),
        ("connector_core/auth/oauth2.py", 5),
        ("connector_core/load.py", 5),
        ("connector_core/connector.py", 0),
        ("connector_core/engine/call.py", 0),
        ("connector_core/cli/read.py", 0),
        ("connector_core/testing/simulator.py", 0),
    ],
)
def test_only_engine_and_surfaces_act(path, refused):
    """The linter refuses the loop, the network, the clock, the dice and the system below the engine, and only there."""
    source = "".join(f"import {name}\n" for name in ("aiohttp", "asyncio", "os", "random", "time"))
    ruff = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251",
        "--output-format",
        "concise",
        "--stdin-filename",
    ]
    found = subprocess.run([*ruff, path, "-"], cwd=ROOT, input=source, capture_output=True, text=True, check=False)
    assert found.stdout.count("TID251") == refused, found.stdout + found.stderr
