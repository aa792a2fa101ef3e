"""From a name, a path, a text or data to a spec; and whatever is wrong with any of them is told, never raised raw."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import copy
import difflib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_core import load as door
from connector_core.exceptions import ConfigError, SpecError
from connector_core.load import available, bundled, find, load, parse
from connector_core.spec import Spec

MINIMAL = (
    'connector: "1"\nname: shop\nbase_url: https://a.example\nendpoints: {orders: {get: /orders, records: body}}\n'
)

FULL: dict[str, Any] = {
    "$schema": "connector.schema.json",
    "connector": "1",
    "name": "shop",
    "title": "Shop",
    "version": "1.0.0",
    "description": "Customers and orders.",
    "x-owner": "orders team",
    "config": {"shop_url": {"type": "string", "format": "uri"}, "start": {"type": "string", "default": "2020-01-01"}},
    "secrets": {"token": {"description": "API token"}, "other": {"optional": True}},
    "base_url": "{{ config.shop_url }}/api/v1",
    "hosts": ["cdn.example", {"host": "api.example", "credentials": True}],
    "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
    "rate_limit": {"concurrency": 8},
    "pagination": {"type": "cursor", "take": "body.next", "put": "query.c", "size": {"put": "query.n", "value": 100}},
    "headers": {"X-Client": "connector"},
    "params": {"lang": "en", "since": "{{ config.start }}"},
    "timeout": "30s",
    "errors": [
        {"status": [403, "5xx"], "when": "'rate limit' in body.message", "category": "rate_limit"},
        {"when": "body.ok == false", "category": "validation", "code": "body.error", "message": "Says: {{ body.error }}"},
    ],
    "records": "body.data",
    "primary_key": "id",
    "endpoints": {
        "orders": {
            "get": "/customers/{{ config.start }}/orders",
            "params": {"tag": ["a", "b"], "lang": None},
            "pagination": {"size": {"value": 25}},
            "filter": "record.status != 'draft'",
            "schema": {"id": {"type": "integer"}, "status": {"enum": ["draft", "open"]}},
        },
        "create": {
            "post": "/orders",
            "input": {"items": {"type": "array", "items": {"type": "object"}}},
            "body": {"json": {"items": "{{ input.items }}", "x": 1}},
            "output": "body.order",
        },
        "search": {"post": "/search", "records": ["body.hits"][0], "body": {"form": {"q": "a"}}, "pagination": "none"},
    },
    "environments": {
        "sandbox": {"base_url": "https://s.example", "config": {"start": "2024-01-01"}, "auth": {"token": "t"}}
    },
    "docs": {"purpose": "Orders.", "troubleshooting": [{"problem": 401, "answer": "Renew it."}]},
}  # fmt: skip


def refused(*args: Any, **more: Any) -> str:
    with pytest.raises((ConfigError, SpecError)) as wrong:
        load(*args, **more)
    return str(wrong.value)


# ── where a spec is ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders, `first` and `second`, and a bundled one; the working directory is none of them."""
    for folder, title in (("first", "one"), ("second", "two"), ("bundle", "three"), ("work", "four")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "shop.yaml").write_text(f"{MINIMAL}title: {title}\n")
    (tmp_path / "second" / "desk.json").write_text(json.dumps({**FULL, "name": "desk"}))
    (tmp_path / "bundle" / "base.yml").write_text(MINIMAL)
    (tmp_path / "bundle" / "connector.schema.json").write_text("{}")
    (tmp_path / "bundle" / "notes.txt").write_text("no spec")
    (tmp_path / "bundle" / "folder.yaml").mkdir()
    (tmp_path / "work" / "only_here.yaml").write_text(MINIMAL)
    monkeypatch.setattr(door, "bundled", lambda: tmp_path / "bundle")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_a_name_is_looked_up_in_order(shelf):
    """The folders that are given come first, in their order, then the bundled one."""
    first, second = shelf / "first", shelf / "second"
    assert load("shop", [first, second]).title == "one"
    assert load("shop", [second, first]).title == "two"
    assert load("shop").title == "three"
    assert load("desk", [first, second]).name == "desk"
    assert load("base", [str(first)]).name == "shop"  # type: ignore[list-item]  # text is a path too
    assert list(available([second])) == ["base", "desk", "shop"]


def test_the_working_directory_is_never_searched(shelf):
    """A name that only a file in the working directory has is not found; its path is."""
    assert refused("only_here", [shelf / "nowhere"]) == (
        "there is no spec named 'only_here' (one of: base, shop) "
        "— name one of these, or give the path of a .yaml or .json file"
    )
    assert load("only_here.yaml").name == "shop"
    assert load(Path("only_here.yaml")).name == "shop"
    assert load(shelf / "second" / "desk.json").name == "desk"


@pytest.mark.parametrize("name", ["../first/shop", "/etc/passwd", "", ".", "shop.", "SHOP"])
def test_a_name_is_no_path(shelf, name):
    """A name leads to nothing but the specs that there are."""
    assert refused(name).startswith(f"there is no spec named {name!r}")


@pytest.mark.parametrize(
    "spec, what",
    [
        ("shpo", "there is no spec named 'shpo', did you mean 'shop'? — name one of these, or give the path of a .yaml or .json file"),
        ("gone.yaml", "there is no such spec — gone.yaml — a path leads to a .yaml or .json file"),
        ("../bundle/folder.yaml", "that is a folder, not a spec — ../bundle/folder.yaml — a path leads to a .yaml or .json file"),
        ("a\0b.yaml", "there is no such spec — a b.yaml — a path leads to a .yaml or .json file"),
    ],
)  # fmt: skip
def test_a_spec_that_is_not_there(shelf, spec, what):
    """What is missing is told with the nearest name, or with what a path has to be."""
    assert refused(spec) == what


def test_a_file_that_cannot_be_read(shelf, monkeypatch):
    """The system's reason is told, with the file's name."""

    def denied(*_: Any) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert refused("only_here.yaml") == "the spec cannot be read: Permission denied — only_here.yaml"


def test_files_are_named_as_a_person_would(shelf):
    """A path stands in messages as it was given; a name as its path from the working directory, where it is below."""
    (shelf / "work" / "specs").mkdir()
    (shelf / "work" / "specs" / "bad.yaml").write_text("name: bad")
    what = ":1:1 missing key 'connector': begin with connector: \"1\", the version of the language"
    assert refused("specs/bad.yaml") == f"specs/bad.yaml{what}"
    assert refused(Path("./specs/bad.yaml")) == f"specs/bad.yaml{what}"
    assert refused("bad", [shelf / "work" / "specs"]) == f"specs/bad.yaml{what}"
    (shelf / "first" / "bad.yaml").write_text("name: bad")
    assert refused("bad", [shelf / "first"]) == f"{shelf}/first/bad.yaml{what}"


def test_a_bundled_spec_is_named_shortly(shelf, monkeypatch):
    """Where the package lies is nobody's business: a bundled spec stands in messages as such."""
    (shelf / "bundle" / "bad.yaml").write_text("name: bad")
    assert (
        refused("bad")
        == "bundled/bad.yaml:1:1 missing key 'connector': begin with connector: \"1\", the version of the language"
    )
    monkeypatch.chdir(shelf)
    assert (
        refused("bad")
        == "bundle/bad.yaml:1:1 missing key 'connector': begin with connector: \"1\", the version of the language"
    )


def test_no_more_of_a_file_is_read_than_a_spec_may_have(shelf, monkeypatch):
    """The size of a file is no matter: what goes beyond the bound is not read."""
    given: list[int] = []

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            given.append(len(content := super().read(size)))
            return content

    monkeypatch.setattr(Path, "open", lambda *_, **__: Counting(b"#" * 8_000_000))
    assert refused("only_here.yaml") == "only_here.yaml:1:1 the file has more than the 1 MiB that a spec may have"
    assert sum(given) <= 1_048_577


def test_a_name_that_no_file_can_have(shelf):
    """What the system says to a path is told, whatever it is."""
    path = "x" * 300 + ".yaml"
    assert refused(path) == f"the spec cannot be read: File name too long — {path}"


def test_a_version_of_thousands_of_digits(shelf):
    """A number that Python does not read is no version."""
    assert refused({"connector": "1" * 5000, "name": "x"}) == (
        'spec.json:1:15 connector: must be "1", the version of the language, in quotes'
    )


def test_the_bundled_specs_are_found():
    """The package brings its specs, wherever it is installed."""
    assert find("shop") == bundled() / "shop.yaml"
    assert load("shop").name == "shop"


# ── one meaning, several notations ────────────────────────────────────────────────────────────────


def test_notations_agree():
    """YAML, JSON, data, and a mapping that is no dict give equal specs."""
    specs = [
        parse(yaml.safe_dump(FULL, sort_keys=False), "shop.yaml"),
        parse(json.dumps(FULL), "shop.json"),
        parse(json.dumps(FULL).encode(), "shop.yaml"),
        load(FULL),
        load(MappingProxyType({**FULL, "config": MappingProxyType(FULL["config"])})),
    ]
    assert all(spec == specs[0] for spec in specs)
    assert isinstance(specs[0], Spec)


def test_data_is_not_changed():
    """Loading leaves the mapping that it is given alone."""
    before = copy.deepcopy(FULL)
    load(FULL)
    assert before == FULL


@pytest.mark.parametrize(
    "value, what",
    [
        ({1, 2}, "a spec that is given as data holds what JSON has no form for: a set"),
        (b"x", "a spec that is given as data holds what JSON has no form for: a bytes"),
        (Path("x"), "a spec that is given as data holds what JSON has no form for: a PosixPath"),
        (float("nan"), "spec.json:1:67 description: NaN is not a number that a request can carry: quote it if it is text"),
    ],
)  # fmt: skip
def test_data_is_what_json_can_say(value, what):
    """Values that no file could hold are refused."""
    data = {"connector": "1", "name": "shop", "base_url": "", "description": value}
    assert refused(data) == what


def test_data_that_holds_itself():
    """A circle in the data is refused."""
    data: dict[str, Any] = {"connector": "1"}
    data["docs"] = data
    assert refused(data) == "a spec that is given as data holds what JSON has no form for: Circular reference detected"


def test_extensions_pass_everywhere():
    """`x-…` keys are the author's own at every level, whatever they hold; `$schema` is the editor's."""

    def extended(value: Any) -> Any:
        if isinstance(value, dict):
            return {"x-note": {"anything": [1]}, **{key: extended(item) for key, item in value.items()}}
        return [extended(item) for item in value] if isinstance(value, list) else value

    noted = extended(FULL)
    for request in (noted, noted["endpoints"]["orders"]):
        del request["params"]["x-note"]  # a parameter may be called that, and a header
    del noted["endpoints"]["search"]["body"]["form"]["x-note"]  # and a form's field
    del noted["headers"]["x-note"], noted["endpoints"]["orders"]["schema"]["x-note"]  # and so may a record's field
    del noted["environments"]["sandbox"]["config"]["x-note"]
    spec = load(noted)
    assert spec.endpoints.keys() == FULL["endpoints"].keys()
    assert spec.config.keys() == FULL["config"].keys()
    assert spec.environments.keys() == FULL["environments"].keys()


# ── versions ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "head, what",
    [
        ('connector: "2"\nunknown: 1', ["1:12 connector: this spec is in version 2 of the language, and this package knows 1: update the package"]),
        ("connector: 1\nname: shop", ['1:12 connector: must be "1", the version of the language, in quotes']),
        ("connector: one\nname: shop", ['1:12 connector: must be "1", the version of the language, in quotes']),
        ('connector: "0"\nname: shop', ['1:12 connector: must be "1", the version of the language, in quotes']),
        ("name: shop", ["1:1 missing key 'connector': begin with connector: \"1\", the version of the language"]),
        ('connector: "1"', ["1:1 missing key 'name'"]),
        ("title: Shop", ["1:1 missing key 'connector': begin with connector: \"1\", the version of the language", "1:1 missing key 'name'"]),
        ('connector: "1"\nname: Shop', ["2:7 name: must be lower-case letters, digits, _ and -, and begin with a letter"]),
        ('connector: "1"\nname: 3\ntitel: x', ['2:7 name: must be text; quote it: "3"', "3:1 titel: unknown key 'titel', did you mean 'title'?"]),
        ("", ["1:1 the file is empty: a spec starts with connector: and name:"]),
        ("- a", ["1:1 a spec is a mapping (name: shop), not a list"]),
    ],
)  # fmt: skip
def test_the_head_of_a_spec(head, what):
    """The language's version and the name are there; a newer language is refused with what to do."""
    with pytest.raises(SpecError) as wrong:
        parse(head, "shop.yaml")
    assert [str(problem).removeprefix("shop.yaml:") for problem in wrong.value.problems] == what


@pytest.mark.parametrize(
    "line, what",
    [
        ("base_url: {{ config.x }}", '3:11 base_url: an unquoted {{ starts a mapping; quote the whole value: base_url: "{{ config.x }}"'),
        ("filter: 'x' in record.y", "3:9 text goes on after the closing quote; quote the whole value: filter: \"'x' in record.y\""),
        ("title: a\ntitle: b", "4:1 title: duplicate key 'title' (first on line 3): keep one"),
        ("title: &a x", '3:8 title: anchors are refused: write the value out where it is used (a schema that endpoints share is a file: schema: schemas/ticket.json), or if this is text, quote the whole value: title: "&a x"'),
    ],
)  # fmt: skip
def test_what_is_no_document_is_told_first(line, what):
    """Mistakes of the notation are told with how to write what was meant."""
    with pytest.raises(SpecError) as wrong:
        parse(f'connector: "1"\nname: shop\n{line}', "shop.yaml")
    assert str(wrong.value) == f"shop.yaml:{what}"


# ── environments ──────────────────────────────────────────────────────────────────────────────────


def test_an_environment_is_chosen_by_name():
    """Address, sign-in and defaults are the environment's; without one they are the spec's own."""
    plain, sandbox = load(FULL), load(FULL, environment="sandbox")
    assert (plain.base_url.source, sandbox.base_url.source) == ("{{ config.shop_url }}/api/v1", "https://s.example")  # type: ignore[union-attr]
    assert sandbox.endpoints["orders"].base_url.source == "https://s.example"  # type: ignore[union-attr]
    assert sandbox.config["start"]["default"] == "2024-01-01"
    assert sandbox.auth.token.source == "t"  # type: ignore[union-attr]
    assert sandbox.endpoints["orders"].auth == sandbox.auth


@pytest.mark.parametrize(
    "spec, name, what",
    [
        (FULL, "sandbx", "there is no environment 'sandbx', did you mean 'sandbox'? — spec.json"),
        (FULL, "", "there is no environment '' (one of: sandbox) — spec.json"),
        ({"connector": "1", "name": "shop"}, "live", "there is no environment 'live' — spec.json — the spec declares none"),
        ({"connector": "1", "name": "shop", "environments": [1]}, "live", "there is no environment 'live' — spec.json"),
        ({"connector": "1", "name": "shop", "environments": {"live": 3}}, "live", "spec.json:1:61 environments.live: must be a mapping, not a number"),
    ],
)  # fmt: skip
def test_an_environment_that_is_not_there(spec, name, what):
    """An unknown environment is told with the known ones."""
    assert refused(spec, environment=name) == what


# ── any mistake at all ────────────────────────────────────────────────────────────────────────────


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from places(item, (*path, key))


PLACES = [path for path in places(FULL) if path]
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, 0, -1, 1.5, 10**30, "", "x", "none", "{{", "{{ config.nope }}", "{{ input.x }}", "{% if %}", "body.x",
        "body.*", "header.X", "{{ secrets.token }}", "/a/../b", "https://u:p@h", "10/second", "5s", "\x7f", "é", "a\nb",
        [], {}, [None], [[]], {"type": "cursor"}, {"type": "nope"}, {"type": None}, {"x": {"y": "{{ a.b }}"}}, [{"status": 1}],
    ]
).map(copy.deepcopy)  # fmt: skip
NAMES = st.sampled_from(
    [
        "type",
        "get",
        "post",
        "records",
        "x-y",
        "size",
        "nope",
        "",
        "a b",
        "1",
        "auth",
        "default",
        "format",
        "$ref",
        "a.b",
    ]
)


@st.composite
def broken_documents(draw: st.DrawFn) -> Any:
    """The full spec with up to three parts dropped, renamed, retyped or put in anew, at any depth."""
    document = copy.deepcopy(FULL)
    for _ in range(draw(st.integers(1, 3))):
        *above, key = draw(st.sampled_from(PLACES))
        try:
            parent = document
            for step in above:
                parent = parent[step]
            match draw(st.sampled_from(["drop", "rename", "retype", "insert"])):
                case "drop":
                    del parent[key]
                case "rename":
                    parent[draw(NAMES)] = parent.pop(key)
                case "retype":
                    parent[key] = draw(VALUES)
                case "insert" if isinstance(parent[key], dict):
                    parent[key][draw(NAMES)] = draw(VALUES)
                case "insert" if isinstance(parent[key], list):
                    parent[key].append(draw(VALUES))
        except (AttributeError, KeyError, IndexError, TypeError):
            pass  # an earlier change took the place away
    return document


@given(broken_documents(), st.sampled_from([None, "sandbox"]), st.booleans())
@settings(max_examples=150)
def test_any_mistake_is_told_with_its_place(document, environment, as_yaml):
    """Whatever is changed anywhere, the spec loads or every problem has a place in the file and words."""
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False) if as_yaml else json.dumps(document, indent=1)
    lines = text.splitlines()
    try:
        parse(text, "shop.yaml" if as_yaml else "shop.json", environment)
    except ConfigError as wrong:
        what = str(wrong)
        assert what.startswith("there is no environment 'sandbox'")
    except SpecError as wrong:
        problems = wrong.problems
        assert problems
        assert problems == sorted(set(problems))
        for problem in problems:
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
            assert problem.what


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_any_data_is_a_spec_or_refused(data):
    """Whatever mapping is given, nothing but SpecError comes out."""
    with pytest.raises(SpecError):
        load(data)


# ── many endpoints ────────────────────────────────────────────────────────────────────────────────


def test_what_is_written_once_is_compiled_once():
    """Endpoints that inherit a template share its compiled expression, so that many of them cost little."""
    spec = load({**FULL, "endpoints": {f"e{i}": {"get": f"/e/{i}"} for i in range(3)}})
    conditions = [endpoint.errors[0].when for endpoint in spec.endpoints.values()]
    assert len({id(condition._expression) for condition in conditions if condition is not None}) == 1


# ── what a file may cost ──────────────────────────────────────────────────────────────────────────


def test_mistakes_are_told_up_to_a_hundred(monkeypatch):
    """Of mistakes of any sort the first hundred are told, and no name is looked for beyond them."""
    names = [f"name_{number}" for number in range(300)]
    unknown_keys = {name: {"get": "/a", f"x{name}": 1} for name in names}
    params = {name: f"{{{{ config.x{name} }}}}" for name in names}
    compared = 0

    def counted(self: difflib.SequenceMatcher[str], other: str) -> None:
        nonlocal compared
        compared += 1
        set_seq1(self, other)

    set_seq1 = difflib.SequenceMatcher.set_seq1
    monkeypatch.setattr(difflib.SequenceMatcher, "set_seq1", counted)
    for endpoints in (unknown_keys, {"orders": {"get": "/orders", "params": params}}):
        document = {"connector": "1", "name": "x", "config": {name: {} for name in names}, "endpoints": endpoints}
        with pytest.raises(SpecError) as wrong:
            load({**document, "base_url": "https://a.example"})
        assert len(wrong.value.problems) == 100
    assert compared <= 2 * 100 * 100


@pytest.mark.parametrize(
    "top, own, at",
    [
        ({"headers": {f"h{number}": "a" for number in range(400)}}, {}, "headers"),
        ({"headers": {f"h{number}": "a" for number in range(400)}}, {"headers": {"own": "a"}}, "headers"),
        ({"params": {"long": "x" * 50_000}, "headers": {"X": "a"}}, {}, "params"),
    ],
)
def test_what_is_inherited_is_bounded(top, own, at):
    """Endpoints times what they inherit may not be out of all proportion to the file."""
    endpoints = {f"e{number}": {"get": "/a", **own} for number in range(400)}
    with pytest.raises(SpecError) as wrong:
        load({"connector": "1", "name": "x", "base_url": "https://a.example", **top, "endpoints": endpoints})
    [problem] = wrong.value.problems
    assert problem.path == at
    assert problem.column > 1
    assert "values, and may come to 100,000: write this key in the endpoints that need it" in problem.what


def test_what_environments_inherit_is_bounded():
    """The sign-in that environments are laid over counts too."""
    auth = {"type": "none", **{f"x-{number}": 1 for number in range(500)}}
    environments = {f"e{number}": {"auth": {"x-own": 1}} for number in range(300)}
    with pytest.raises(SpecError, match="auth: what is inherited comes to 150,600 values"):
        load({"connector": "1", "name": "x", "auth": auth, "environments": environments})
