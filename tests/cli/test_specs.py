"""The commands about specs: validate, schema, kinds."""

from __future__ import annotations

import json
from types import ModuleType

import jsonschema
import pytest

from connector_core.cli.kinds import distribution_of
from connector_core.component import families
from connector_core.plugins import Plugin

MISSPELT = 'connector: "1"\nname: bad\nbase_url: https://bad.example\nrecods: body.data\n'
UNKNOWN = 'connector: "1"\nname: worse\nbase_url: https://bad.example\npagination: {type: curser}\n'


def test_validate_all(run):
    """Without a name every spec of ./specs is checked, and a right one leaves stdout empty."""
    done = run("validate")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "1 spec checked, nothing is wrong\n")


def test_validate_wrong(run, folder):
    """Each mistake is exactly `file:line:column path: what` on stderr, and the last line is the sum; exit code 3."""
    (folder / "specs" / "bad.yaml").write_text(MISSPELT, "utf-8")
    (folder / "specs" / "worse.json").write_text("{}", "utf-8")
    (folder / "specs" / "connector.schema.json").write_text("{}", "utf-8")
    done = run("validate")
    assert (done.exit_code, done.stdout) == (3, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "specs/bad.yaml:4:1 recods: unknown key 'recods', did you mean 'records'?"
    assert lines[1].startswith("specs/worse.json:1:1 ")
    assert lines[-1] == "3 specs checked, 2 of them wrong"


def test_validate_unknown_kind(run, folder):
    """A path is told as it was written, and an unknown kind with the nearest known one."""
    (folder / "worse.yaml").write_text(UNKNOWN, "utf-8")
    done = run("validate", "worse.yaml")
    assert done.exit_code == 3
    assert done.stderr.splitlines() == [
        "worse.yaml:4:20 pagination.type: unknown type 'curser', did you mean 'cursor'?",
        "1 spec checked, 1 of them wrong",
    ]


def test_validate_json(run, folder):
    """--json writes each mistake as an object on a line of stdout."""
    (folder / "specs" / "bad.yaml").write_text(MISSPELT, "utf-8")
    done = run("validate", "bad", "--json")
    assert done.exit_code == 3
    assert json.loads(done.stdout) == {
        "file": "specs/bad.yaml",
        "line": 4,
        "column": 1,
        "path": "recods",
        "what": "unknown key 'recods', did you mean 'records'?",
    }
    assert done.stderr == "1 spec checked, 1 of them wrong\n"


def test_validate_environments(run, folder):
    """A mistake that only an environment makes is found."""
    text = (folder / "specs" / "shop.yaml").read_text("utf-8")
    (folder / "specs" / "shop.yaml").write_text(text.replace("sandbox: {", "sandbox: {hosts: [A b], "), "utf-8")
    done = run("validate")
    assert done.exit_code == 3
    assert "environments.sandbox.hosts" in done.stderr


def test_validate_a_folder_once(run):
    """A folder that is named and is ./specs is one folder."""
    assert run("validate", "--specs", "specs").stderr == "1 spec checked, nothing is wrong\n"


def test_validate_nothing(run, folder):
    """With no name and no folder there is nothing to check, which is told; exit code 2."""
    (folder / "specs" / "shop.yaml").unlink()
    done = run("validate")
    assert done.exit_code == 2
    assert done.stderr == (
        "error: there is nothing to check: name a spec, or a folder that holds some with --specs — see "
        "connector validate --help\n"
    )


def test_schema(run):
    """The schema is a valid JSON Schema on stdout, and knows the language's keys."""
    done = run("schema")
    assert done.exit_code == 0
    schema = json.loads(done.stdout)
    jsonschema.validators.validator_for(schema).check_schema(schema)
    assert {"connector", "name", "endpoints"} <= set(schema["properties"])


def test_kinds(run):
    """Every family and every kind is listed with what it is and where it comes from."""
    done = run("kinds")
    assert done.exit_code == 0
    for key, family in families().items():
        assert f"{key}: " in done.stdout
        for name in family.kinds:
            lines = [line for line in done.stdout.splitlines() if line.startswith(f"  {name} ")]
            assert lines
            assert all("(connector-core: connector_core." in line for line in lines)


def test_the_columns_of_kinds_stand_apart(run, monkeypatch):
    """However long a plug-in's name is, what a kind does begins at one column, after a gap."""
    name = "smallest_id_of_the_page"
    monkeypatch.setitem(families()["pagination"].kinds, name, families()["pagination"].kinds["cursor"])
    shown = [line for line in run("kinds").stdout.splitlines() if line.startswith("  ")]
    begins = {len(line) - len(line[2:].partition(" ")[2].lstrip()) for line in shown}
    assert begins == {2 + len(name) + 2}


def test_kinds_of_a_family(run):
    """A family's kinds as JSON Lines, each with its sentence."""
    done = run("kinds", "pagination", "--json")
    kinds = [json.loads(line) for line in done.stdout.splitlines()]
    assert {kind["family"] for kind in kinds} == {"pagination"}
    assert {"cursor", "next_url", "none"} <= {kind["kind"] for kind in kinds}
    assert all(kind["description"] for kind in kinds)
    assert {kind["distribution"] for kind in kinds} == {"connector-core"}


def test_who_brings_a_kind(monkeypatch):
    """A plug-in's kinds bear the name of its distribution, also where that is editable and lists no modules."""
    plugin = Plugin("acme", "acme-connectors 1.2", ModuleType("acme_connectors"))
    monkeypatch.setattr("connector_core.plugins.installed", lambda: (plugin, Plugin("lost", "lost 1", problem="gone")))
    assert distribution_of("acme_connectors.paging") == "acme-connectors"
    assert distribution_of("connector_core.pagination.cursor") == "connector-core"
    assert distribution_of("nobodys") == "not installed"


@pytest.mark.parametrize("command", ["schema", "kinds"])
def test_needs_no_spec(run, folder, command):
    """What is about the language needs no folder of specs."""
    (folder / "specs" / "shop.yaml").unlink()
    (folder / "specs").rmdir()
    assert run(command).exit_code == 0
