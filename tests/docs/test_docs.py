"""The pages say what is: every YAML block loads, every table is current, nothing is left out, no link leads nowhere."""

from __future__ import annotations

import re
import tomllib
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connector_core import events, exceptions, hookspecs
from connector_core.component import families
from connector_core.config import settle
from connector_core.connections import Connections
from connector_core.exceptions import ConfigError, IntegrationError
from connector_core.load import load, parse
from connector_core.source import read
from connector_core.template import FILTERS
from tests.docs.codes import CODES, VARYING, in_source, raised
from tests.docs.reference import GIVEN, PAGES, attributes_of, every_example, models, rewritten

ROOT = PAGES.parents[1]
EVERY_PAGE = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
REFERENCE = {path.stem: path.read_text("utf-8") for path in sorted(PAGES.glob("*.md"))}

MINIMAL: dict[str, Any] = {
    "connector": "1",
    "name": "fragment",
    "config": {
        "shop_url": {"type": "string", "format": "uri"},
        "start_date": {"type": "string"},
        "plan": {"type": "string"},
    },
    "secrets": {"token": {}, "key": {}, "id": {}},
    "base_url": "https://api.shop.example",
    "endpoints": {"orders": {"get": "/orders", "records": "body"}},
}
"""What a fragment of a page is put into; its own keys replace these, and add to config and secrets."""


class Block(NamedTuple):
    """A block of YAML in a page."""

    page: str
    line: int
    inside: str
    """What the comment above it says that it is a fragment of; empty: of the top level, or a whole spec."""
    text: str


_BLOCK = re.compile(r"(?:<!-- fragment: (\w+) -->\n)?^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks() -> list[Block]:
    found = []
    for path in EVERY_PAGE:
        page = path.read_text("utf-8")
        for block in _BLOCK.finditer(page):
            line = page.count("\n", 0, block.start()) + 1
            found.append(Block(path.relative_to(ROOT).as_posix(), line, block[1] or "", block[2]))
    return found


EVERY_BLOCK = blocks()
BLOCKS = [block for block in EVERY_BLOCK if block.inside not in ("plugin", "connections")]
"""Specs, or parts of one; those of a plug-in load where the page's plug-in is installed."""


def shown(block: Block) -> str:
    return f"{block.page}:{block.line}"


def placed(fragment: dict[str, Any], inside: str) -> dict[str, Any]:
    """A whole spec with the fragment in it."""
    if inside == "endpoint":
        return {**MINIMAL, "endpoints": {"orders": fragment if _sends(fragment) else {**_orders(), **fragment}}}
    joined = {key: {**MINIMAL[key], **fragment.get(key, {})} for key in ("config", "secrets")}
    return {**MINIMAL, **fragment, **joined}


def _orders() -> dict[str, Any]:
    return dict(MINIMAL["endpoints"]["orders"])


def _sends(fragment: dict[str, Any]) -> bool:
    return any(method in fragment for method in ("get", "post", "put", "patch", "delete", "graphql", "sdk"))


@pytest.mark.parametrize("block", BLOCKS, ids=shown)
def test_yaml(block):
    """A YAML block is a spec that loads, or a fragment of one that does."""
    data = read(block.text, f"{shown(block)}.yaml").data
    if "connector" in data:
        parse(block.text, block.page)
    else:
        load(placed(data, block.inside))


@pytest.mark.parametrize("block", [block for block in EVERY_BLOCK if block.inside == "connections"], ids=shown)
def test_connections(block):
    """A block of connections says what such a file says."""
    assert Connections(shown(block), block.text)


@pytest.mark.parametrize("name, text", every_example().items())
def test_examples(name, text):
    """The line of YAML in a docstring loads."""
    load(placed(read(text, f"{name}.yaml").data, ""))


@pytest.mark.parametrize("page", REFERENCE)
def test_current(page):
    """The tables of a reference page are what the code says today."""
    assert REFERENCE[page] == rewritten(REFERENCE[page]), (
        f"docs/reference/{page}.md is not current: python -m tests.docs.reference"
    )


def test_every_family():
    """Every family has its page, with each of its kinds."""
    for key in families():
        assert f"# {key}\n" in REFERENCE[key]
        assert f"<!-- generated: kinds {key} -->" in REFERENCE[key]


@pytest.mark.parametrize("key", families())
def test_every_method(key):
    """What an author of kinds can write is told for each family, and for each type that stands in it."""
    assert f"<!-- generated: methods {key} -->" in REFERENCE["kinds"]


@pytest.mark.parametrize("name", GIVEN)
def test_everything_given(name):
    """Each field of what a kind is given says what it is."""
    assert [attribute for attribute, _, doc in attributes_of(GIVEN[name]) if not doc] == []
    assert f"<!-- generated: given {name} -->" in REFERENCE["kinds"]


def test_every_extra():
    """Each extra of the package is in the list of what to install."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    told = (ROOT / "docs" / "index.md").read_text("utf-8").partition("## What to install")[2]
    assert set(re.findall(r"^\| `([\w-]+)` \|", told, re.MULTILINE)) == set(declared)


def test_every_default_of_a_duration():
    """What is shown as a default can be written so: seconds and shares have their units."""
    bare = re.findall(
        r"^\| `\w+` \| (?:duration|percentage)[^|]*\| `[\d.]+` \|.*$", "\n".join(REFERENCE.values()), re.MULTILINE
    )
    assert bare == []


def test_every_hook():
    """Each hook has its heading and its signature, in the order in which the hooks fire; there are few."""
    hooks = [name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.NAME}_spec")]
    assert re.findall(r"^### `(\w+)`$", REFERENCE["hooks"], re.MULTILINE) == hooks
    for name in hooks:
        assert f"`{name}({', '.join(signature(getattr(hookspecs, name)).parameters)})`" in REFERENCE["hooks"]
    assert len(hooks) <= 12


def test_every_mapping():
    """The fields of every mapping are in a table."""
    told = set(re.findall(r"<!-- generated: (?:fields|kinds) (\w+) -->", "".join(REFERENCE.values())))
    families_told = {kind for key in told & set(families()) for kind in families()[key].kinds.values()}
    left_out = {
        model.__name__
        for model in models()
        if not model.__name__.startswith("_")
        and model not in families_told
        and model.__name__ not in told
        and not model.__subclasses__()
    }
    assert left_out == set()


def test_every_filter():
    """Every filter is in the table."""
    named = set(re.findall(r"^\| `(\w+)", REFERENCE["templates"].partition("generated: filters")[2], re.MULTILINE))
    assert named == set(FILTERS)


def test_every_event_and_exception():
    """Every event and every exception has its line."""
    kinds = [getattr(events, name) for name in events.__all__]
    for event in kinds:
        if isinstance(event, type) and event is not events.Event:
            assert f"| `{event.__name__}` |" in REFERENCE["events"]
    for name in exceptions.__all__:
        if issubclass(getattr(exceptions, name), IntegrationError):
            assert f"| `{name}` |" in REFERENCE["exceptions"]


def test_every_code():
    """Each code that the source writes has its line, and each line is of a code that the source writes."""
    assert set(CODES) == {code for written in in_source() for code in VARYING.get(written, [written])}
    for code, told in CODES.items():
        assert raised(code), f"no exception is known for {code}"
        assert f"<!-- generated: codes {told.mended_by} -->" in REFERENCE["exceptions"]


def test_codes_that_are_put_together():
    """What a code with a changing part becomes is in the table: each word that `settle` is given, for example."""
    for what in ("config", "secret", "input"):
        with pytest.raises(ConfigError) as caught:
            settle({}, {"a": 1}, what=what)
        assert caught.value.code in CODES


_LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")
_CODE = re.compile(r"^```.*?^```$|``.+?``|`[^`\n]+`", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", EVERY_PAGE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links(path):
    """Links between pages lead to pages and headings that are there."""
    for target, heading in _LINK.findall(_CODE.sub("", path.read_text("utf-8"))):
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), target
        if heading:
            assert heading in headings(found), f"{target}#{heading}"


@pytest.mark.parametrize("path", EVERY_PAGE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tables(path):
    """No cell has a bar inside of code: Git hosts show it, while the site shows the backslash before it as well."""
    tables = re.findall(
        r"^\|.*\|$", re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE), re.MULTILINE
    )
    assert [row for row in tables if re.search(r"`[^`|]*\\\|[^`]*`", row)] == []


def headings(path: Path) -> set[str]:
    """The anchors of a page's headings, as Git hosts make them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
