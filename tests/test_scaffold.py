from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from subprocess import run

import pytest

from connector_core.exceptions import ConfigError
from connector_core.lint import findings
from connector_core.scaffold import File, camel, for_plugin, for_spec, suggested, titled, write
from connector_core.schema import json_schema
from connector_core.source import read


def spec_of(name: str) -> str:
    return for_spec(name)[0].text


@pytest.mark.parametrize("name", ["shop", "my-shop", "a", "a_", "x--y", "null", "true", "no", "on", "x" * 63])
def test_a_spec_is_gold(name):
    """Whatever it is called: the spec is valid, and lint has nothing to say."""
    assert findings(spec_of(name), f"{name}.yaml") == []


def test_the_files_of_a_spec():
    """The spec where the command line finds it, its tests, a CI job, and the schema that its first line names."""
    files = {file.path: file for file in for_spec("my-shop")}
    assert list(files) == [
        "specs/my-shop.yaml",
        "tests/test_my_shop.py",
        ".github/workflows/connectors.yml",
        "specs/connector.schema.json",
    ]
    assert files["specs/my-shop.yaml"].text.startswith("# yaml-language-server: $schema=connector.schema.json\n")
    assert json.loads(files["specs/connector.schema.json"].text) == json_schema()
    assert [path for path, file in files.items() if file.shared] == list(files)[2:]


def test_the_tests_of_a_spec_pass(tmp_path):
    """They run as they are, with pytest alone, and read every endpoint that can be read."""
    write(for_spec("my-shop"), tmp_path)
    done = run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-W", "error", "tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


@pytest.mark.parametrize(
    "name, hint",
    [
        ("My Shop", " — such as my_shop"),
        ("MyShop", " — such as my_shop"),
        ("../shop", " — such as shop"),
        ("shop.yaml", " — such as shop_yaml"),
        ("4shop", " — such as shop"),
        ("Ünter", " — such as nter"),
        ("x" * 64, " — such as " + "x" * 63),
        ("42", ""),
        ("", ""),
    ],
)
def test_names(name, hint):
    """A name that no spec can have is refused, with one that is near."""
    with pytest.raises(ConfigError) as caught:
        for_spec(name)
    assert str(caught.value) == (
        f"{name!r} cannot be the name of a spec: it has lower-case letters, digits, _ and -, begins with a letter, "
        f"and has at most 63 characters{hint}"
    )


def test_the_files_of_a_plugin():
    """All of them lie in one folder that has the distribution's name; the suffix is not said twice."""
    files = [file.path for file in for_plugin("acme-tea")]
    assert {path.split("/")[0] for path in files} == {"acme-tea-connectors"}
    assert files == [file.path for file in for_plugin("acme-tea-connectors")]
    assert files == [file.path for file in for_plugin("acme-tea_connectors")]
    assert "acme-tea-connectors/acme_tea_connectors/specs/acme-tea.yaml" in files


@pytest.mark.parametrize("name", ["acme", "null", "a_", "x--y"])
def test_a_plugin_is_python(name):
    """Whatever it is called, its modules and its pyproject can be read, and no file holds an unfilled place."""
    for file in for_plugin(name):
        assert "<<" not in file.text + file.path
        if file.path.endswith(".py"):
            compile(file.text, file.path, "exec")
        if file.path.endswith(".toml"):
            assert tomllib.loads(file.text)["project"]["name"].endswith("-connectors")


@pytest.mark.parametrize("file", [for_plugin("acme-tea")[3], for_spec("tea")[2]], ids=lambda file: file.path)
def test_the_ci_job_says_where_the_framework_comes_from(file):
    """One line at its top is to be filled in, and what it names is installed before anything that needs it."""
    job = read(file.text, file.path).data
    assert job["env"] == {"CONNECTOR_CORE": "connector-core"}
    assert "# <- what pip gets it from" in file.text
    [first, *_] = [step["run"] for step in job["jobs"].popitem()[1]["steps"] if "run" in step]
    assert first.startswith('pip install "$CONNECTOR_CORE"')


def test_headers_of_a_plugin():
    """Header fields are written as they are everywhere, whatever the case of the name."""
    [auth] = [file.text for file in for_plugin("acme-tea") if file.path.endswith("/auth.py")]
    assert "X-Acme-Tea-Time" in auth
    assert "X-Acme-Tea-Signature" in auth


def test_a_plugin_needs_a_name():
    """What is no name is refused, and the message says of what."""
    with pytest.raises(ConfigError, match=r"'Acme!' cannot be the name of a plug-in: .* — such as acme"):
        for_plugin("Acme!")


def test_words():
    """Names in the forms that texts and classes need, and names out of any text."""
    assert (titled("my_shop-eu"), camel("my_shop-eu")) == ("My Shop Eu", "MyShopEu")
    assert suggested("Petstore API (v2)") == "petstore_api_v"


def test_nothing_is_overwritten(tmp_path):
    """One file in the way refuses all of them; what is shared stays as it is."""
    (tmp_path / "b.txt").write_text("mine", "utf-8")
    files = [File("a.txt", "a"), File("b.txt", "b")]
    with pytest.raises(ConfigError, match=r"it is there already — .*b\.txt — choose another name"):
        write(files, tmp_path)
    assert not (tmp_path / "a.txt").exists()
    assert write([File("b.txt", "b", shared=True), files[0]], tmp_path) == [tmp_path / "a.txt"]
    assert (tmp_path / "b.txt").read_text("utf-8") == "mine"


@pytest.mark.parametrize("ending", ["yml", "json"])
def test_a_spec_in_another_form_is_in_the_way(tmp_path, ending):
    """Two specs of one name in a folder would hide each other."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / f"shop.{ending}").write_text("", "utf-8")
    with pytest.raises(ConfigError, match="it is there already"):
        write(for_spec("shop"), tmp_path)


def test_a_link_that_leads_nowhere_is_in_the_way(tmp_path):
    """Nothing is written through it."""
    (tmp_path / "a.txt").symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(ConfigError, match="it is there already"):
        write([File("a.txt", "a")], tmp_path)


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    """Where a file cannot be written, those before it are taken back."""
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigError, match=r"it cannot be written: .* — .*file"):
        write([File("a.txt", "a"), File("file/b.txt", "b")], tmp_path)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["file"]


def test_an_interrupted_writing_leaves_nothing(tmp_path, monkeypatch):
    """Ctrl-C takes back the files and the folders that were made, and those alone."""
    (tmp_path / "kept").mkdir()
    opened = Path.open

    def interrupted(self, *how, **more):
        if self.name == "d.txt":
            raise KeyboardInterrupt
        return opened(self, *how, **more)

    monkeypatch.setattr(Path, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write([File("a/b/c.txt", "c"), File("a/d.txt", "d")], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_place_that_cannot_be_looked_at(tmp_path):
    """A name that no file can have is a mistake of whoever gave it."""
    with pytest.raises(ConfigError, match="it cannot be written: File name too long"):
        write([File("a.txt", "a", shared=True)], tmp_path / ("a" * 300))
