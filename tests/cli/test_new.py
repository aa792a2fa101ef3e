from __future__ import annotations

import pytest


def test_a_spec(run, folder):
    """`connector new NAME` tells what it wrote and what to do next; and the spec works by its name."""
    done = run("new", "my-shop")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "wrote specs/my-shop.yaml\n"
        "wrote tests/test_my_shop.py\n"
        "wrote .github/workflows/connectors.yml\n"
        "wrote specs/connector.schema.json\n"
        "next:\n"
        "  fill in what is marked with <- in specs/my-shop.yaml\n"
        "  connector validate specs/my-shop.yaml\n"
        "  connector lint specs/my-shop.yaml\n"
        "  connector read specs/my-shop.yaml items --simulate --limit 5\n"
        "  pytest tests\n"
    )
    assert run("validate", "my-shop").exit_code == 0
    assert run("lint", "--strict", "my-shop").exit_code == 0
    assert run("read", "my-shop", "items", "--simulate", "--limit", "5", "--json").stdout.count("\n") == 5
    made = run("call", "my-shop", "create_item", "--simulate", "--input", "name=Tea", "--json")
    assert '"name":"Tea"' in made.stdout


def test_a_second_spec(run, folder):
    """It shares the CI job and the schema with the first."""
    run("new", "one")
    said = run("new", "two").stdout
    assert said.startswith("wrote specs/two.yaml\nwrote tests/test_two.py\nnext:\n")


def test_output(run, folder):
    """With --output it is written there, and the next steps name that place."""
    said = run("new", "shop", "--output", "else/where").stdout
    assert "wrote else/where/specs/shop.yaml\n" in said
    assert "connector validate else/where/specs/shop.yaml\n" in said
    assert (folder / "else/where/tests/test_shop.py").exists()


def test_the_next_steps_are_for_a_shell(run, folder):
    """Each path is one word of it, whatever the folder is called."""
    said = run("new", "shop", "--output", "a b;$(id)").stdout
    assert "connector validate 'a b;$(id)/specs/shop.yaml'\n" in said
    assert "pytest 'a b;$(id)/tests'\n" in said
    assert "cd 'a b;$(id)/shop-connectors'\n" in run("new", "plugin", "shop", "--output", "a b;$(id)").stdout


@pytest.mark.parametrize(
    "words, said",
    [
        (["shop"], "it is there already — specs/shop.yaml — choose another name or another --output"),
        ([], "it takes a NAME: connector new NAME, or connector new plugin NAME — see connector new --help"),
        (["plugin"], "it takes a NAME: connector new NAME, or connector new plugin NAME — see connector new --help"),
        (["a", "b"], "it takes one NAME: connector new NAME, or connector new plugin NAME — see connector new --help"),
    ],
)
def test_refused(run, words, said):
    """What cannot be made is told in one line, with exit code 2, and nothing is written."""
    done = run("new", *words)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"error: {said}\n")


def test_a_plugin(run, folder):
    """`connector new plugin NAME` writes a package, and tells how to try it."""
    done = run("new", "plugin", "acme", "--output", "else")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("wrote else/acme-connectors/pyproject.toml\n")
    assert done.stdout.endswith(
        "next:\n  cd else/acme-connectors\n  pip install -e '.[test]'\n  pytest\n  connector plugins\n"
    )
    again = run("new", "plugin", "acme", "--output", "else")
    assert again.exit_code == 2
    assert "it is there already — else/acme-connectors/pyproject.toml" in again.stderr


ITEMS = """\
openapi: 3.1.0
info: {title: Things, description: Things that there are.}
servers: [{url: "https://api.things.example"}]
paths:
  /things:
    get:
      operationId: listThings
      parameters: [{name: page, in: query}, {name: sort, in: query}]
      responses:
        200:
          content:
            application/json: {schema: {type: array, items: {type: object, properties: {id: {type: integer}}}}}
"""


def test_from_openapi(run, folder):
    """--from-openapi makes the spec from the document, and lists guesses and what is left out before the next steps."""
    (folder / "things.yaml").write_text(ITEMS, "utf-8")
    done = run("new", "things", "--from-openapi", "things.yaml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.partition("guessed")[2] == (
        ", so have a look:\n"
        "  primary_key of list_things: a field is called id; check that no two records share it\n"
        "  pagination of list_things: the parameter page looks like a page's number; "
        "check with connector check, or by reading more than one page\n"
        "left out:\n"
        "  endpoints.list_things.params: the parameters sort, which a read can do without or cannot send\n"
        "next:\n"
        "  connector lint specs/things.yaml\n"
        "  connector read specs/things.yaml list_things --simulate --limit 5\n"
        "  pytest tests\n"
    )
    assert run("validate", "things").exit_code == 0
    assert run("read", "things", "list_things", "--simulate", "--limit", "5", "--json").stdout.count("\n") == 5
    assert (folder / "tests" / "test_things.py").exists()


@pytest.mark.parametrize(
    "words, said",
    [
        (
            ["plugin", "x"],
            "--from-openapi makes a spec, and a plug-in package is made without it — see connector new --help",
        ),
        (["X"], "'X' cannot be the name of a spec: it has lower-case letters"),
        (["shop"], "it is there already — specs/shop.yaml"),
    ],
)
def test_from_openapi_refused(run, folder, words, said):
    """Names and files are refused as without a document."""
    (folder / "things.yaml").write_text(ITEMS, "utf-8")
    done = run("new", *words, "--from-openapi", "things.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {said}")


def test_from_junk(run, folder):
    """A document that gives no spec is told with its name, and leaves no file behind."""
    (folder / "junk.json").write_text("{}", "utf-8")
    done = run("new", "things", "--from-openapi", "junk.json")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: it is no OpenAPI document: it has no key 'openapi' — junk.json\n",
    )
    assert not (folder / "tests").exists()
    assert run("new", "things", "--from-openapi", "none.json").exit_code == 2
