"""The wheel that users install: what is in it, and that it runs outside of the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = "Scripts" if sys.platform == "win32" else "bin"


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built with the environment's own hatchling, so that no network is needed."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The scripts' folder of a virtual environment that holds the wheel, and borrows only its dependencies."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    python = folder / BIN / "python"
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    library = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (library / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return folder / BIN


def test_wheel_contents(wheel):
    """A wheel installs one top-level name; specs and connectors are inside of it, and the licence comes along."""
    names = zipfile.ZipFile(wheel).namelist()
    templates = {path.name for path in (ROOT / "connector_core/scaffold/templates").rglob("*.jinja")}
    assert {Path(name).name for name in names if "/scaffold/templates/" in name} == templates
    assert {name.split("/")[0] for name in names} == {"connector_core", "connector_core-0.1.0.dist-info"}
    assert "connector_core/py.typed" in names
    assert "connector_core/bundled/connectors/README.md" in names
    assert "connector_core-0.1.0.dist-info/licenses/docs/LICENSE" in names
    bundled = {Path(name).name for name in names if name.startswith("connector_core/bundled/specs/")}
    assert bundled == {path.name for path in (ROOT / "specs").iterdir() if path.is_file()}


def test_wheel_is_what_runs(installed, tmp_path):
    """The environment under test imports the installed package, not the checkout."""
    place = run(installed / "python", "-c", "import connector_core; print(connector_core.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(installed.parent)


def test_bundled_spec_validates(installed, tmp_path):
    """`connector validate` finds a bundled spec by its name, from any folder."""
    run(installed / "connector", "validate", "shop", cwd=tmp_path)


def test_bundled_spec_reads(installed, tmp_path):
    """`connector read --simulate` reads a bundled spec with nothing else present."""
    out = run(installed / "connector", "read", "shop", "orders", "--simulate", "--limit", "3", "--json", cwd=tmp_path)
    records = [json.loads(line) for line in out.splitlines()]
    assert len(records) == 3
    assert all(isinstance(record, dict) for record in records)


# ── a plug-in of somebody else's ──────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def plugged(installed, tmp_path_factory):
    """The same environment with the package of tests/plugin in it, built as its author would."""
    folder = tmp_path_factory.mktemp("plugin")
    run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder,
        ROOT / "tests/plugin",
        cwd=folder,
    )
    [path] = folder.glob("*.whl")
    run(installed / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", path, cwd=folder)
    yield installed
    run(installed / "python", "-m", "pip", "uninstall", "-q", "-y", "acme-connectors", cwd=folder)


def test_plugins_are_listed(plugged, tmp_path):
    """With what they bring; the one that cannot be used says why, and who brings it."""
    lines = [json.loads(line) for line in run(plugged / "connector", "plugins", "--json", cwd=tmp_path).splitlines()]
    hooks = [
        "prepare_request",
        "register_clients",
        "register_commands",
        "register_filters",
        "register_secrets",
        "register_specs",
        "register_stores",
        "register_transforms",
    ]
    acme = {"name": "acme", "distribution": "acme-connectors 1.2", "hooks": hooks, "problem": ""}
    why = (
        "TypeError: decode: the kind 'csv' is defined twice, by connector_core.decode.csv_body.Csv and "
        "acme_connectors.broken.Csv (broken.py, line 8)"
    )
    [first, second] = lines
    assert first == acme
    assert second["problem"] == why
    assert (second["name"], second["hooks"]) == ("broken", [])


def test_a_plugin_is_used(plugged, tmp_path):
    """Its kinds, filters, transforms and its spec, with the Python beside that, in a reading; and its command."""
    out = run(plugged / "connector", "read", "acme", "parts", "--simulate", "--json", cwd=tmp_path)
    records = [json.loads(line) for line in out.splitlines()]
    assert len({record["id"] for record in records}) == len(records) == 250
    assert all(record["own"] and record["label"] == f"acme {record['id']}" for record in records)
    assert run(plugged / "connector", "greet", cwd=tmp_path) == "hello from acme\n"
    assert "greet" in run(plugged / "connector", "--help", cwd=tmp_path)
    assert "letters" in run(plugged / "connector", "kinds", "pagination", cwd=tmp_path)
    assert '"pairs"' in run(plugged / "connector", "schema", cwd=tmp_path)
    shown = run(plugged / "connector", "plan", "acme", "parts", "--dry-run", cwd=tmp_path)
    assert "greeting=HELLO%21%21" in shown


USES = """
import asyncio
from connector_core import Engine, SecretRef
from connector_core.testing import FakeTransport, effects, respond

async def main():
    transport = FakeTransport(lambda request: respond(json={"parts": []}))
    async with Engine(effects=effects(transport), buckets="acme://host") as engine:
        async with engine.open("acme", secrets={"badge": SecretRef("acme:badge")}) as acme:
            await acme.call("parts")
        shared = engine._effects.buckets
    print(transport.requests[0].headers["X-Acme-Badge"], shared.address, shared.names[-1])

asyncio.run(main())
"""


def test_a_plugin_keeps_things(plugged, tmp_path):
    """Its backend of secrets is found by a reference, its store by an address; an unknown one names what is there."""
    assert run(plugged / "python", "-c", USES, cwd=tmp_path) == "b4dge-7 acme://host closed\n"
    told = subprocess.run(
        [plugged / "connector", "check", "acme", "--secret", "badge=acmee:badge"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert told.returncode == 2
    assert "the schemes here are acme, " in told.stderr


LEDGER = """
import asyncio
from connector_core import Connector

async def main():
    for key in ("k3y", "wrong"):
        async with Connector.open("acme-ledger", secrets={"key": key}) as ledger:
            try:
                records = [record async for record in ledger.read("entries")]
                print(len(records), records[1])
            except Exception as error:
                print(type(error).__name__, error.code, error)

asyncio.run(main())
"""


def test_a_plugin_brings_a_client(plugged, tmp_path):
    """The methods of its SDK are read as endpoints; what they raise is told without secrets. No client is simulated."""
    assert run(plugged / "python", "-c", LEDGER, cwd=tmp_path).splitlines() == [
        "250 {'id': 1, 'amount': 2024.01}",
        (
            "AuthenticationError ledger.key acme-ledger raised LedgerError: *** is no key — "
            "entries: POST sdk://acme-ledger/entries.all — check the secrets that were passed"
        ),
    ]
    out = run(plugged / "connector", "read", "acme-ledger", "entries", "--simulate", "--json", cwd=tmp_path)
    assert len(out.splitlines()) == 250
    assert "entries.all" in run(plugged / "connector", "docs", "acme-ledger", cwd=tmp_path)
    assert "class " in run(plugged / "connector", "types", "acme-ledger", cwd=tmp_path)
    shown = run(plugged / "connector", "plan", "acme-ledger", "entries", "--dry-run", "--json", cwd=tmp_path)
    assert json.loads(shown)["url"] == "sdk://acme-ledger/entries.all"


# ── what `connector new` makes ────────────────────────────────────────────────────────────────────


def test_a_new_plugin_passes_its_tests(plugged, tmp_path):
    """What `connector new plugin` writes is built, installed beside another plug-in, and tested as it is."""
    run(plugged / "connector", "new", "plugin", "fresh-tea", cwd=tmp_path)
    made = tmp_path / "fresh-tea-connectors"
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, made, cwd=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    content = zipfile.ZipFile(wheel).namelist()
    assert {name for name in content if "/specs/" in name} == {
        "fresh_tea_connectors/specs/fresh-tea.py",
        "fresh_tea_connectors/specs/fresh-tea.yaml",
    }
    run(plugged / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    try:
        pytest_ = ("-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider", "-W", "error", made / "tests")
        assert "10 passed" in run(plugged / "python", *pytest_, cwd=tmp_path)
        out = run(plugged / "connector", "lint", "fresh-tea", "--strict", cwd=tmp_path)
        assert out == ""
        out = run(plugged / "connector", "read", "fresh-tea", "settings", "--simulate", "--json", cwd=tmp_path)
        assert out.count("\n") == 250
    finally:
        run(plugged / "python", "-m", "pip", "uninstall", "-q", "-y", "fresh-tea-connectors", cwd=tmp_path)
