"""Specs drawn from the JSON Schema: each loads or is refused where it is wrong; editors and loader see the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from jsonschema import Draft202012Validator

from connector_core.exceptions import Problem, SpecError
from connector_core.load import load, parse
from connector_core.schema import json_schema
from connector_core.source import Source, dotted, read
from tests.drawn import MISTAKES, documents
from tests.misshapen import misshapen

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
ALWAYS = ("base_url", "endpoints")
"""Without them a document says little."""
OF_STRUCTURE = [mistake for mistake in MISTAKES if mistake != "misspelt"]
EVERYWHERE = settings(
    derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
"""The same documents on every machine; one of some forty values takes its time."""


def written_as(notation: str, drawn: Any) -> str:
    text = json.dumps(drawn, ensure_ascii=False, indent=1)
    if notation == "json":
        return text
    unshared = json.loads(text)  # what stands twice would become an alias
    return yaml.dump(unshared, Dumper=Quoting, allow_unicode=True, sort_keys=False, width=100)


class Quoting(yaml.SafeDumper):
    """Writes plain words plainly and quotes the rest: what is text in YAML 1.1 may be a number in 1.2, as 1e9 is."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if re.fullmatch(r"[a-z/_][\w/. -]*", text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


Quoting.add_representer(str, _text)


def positions(source: Source) -> dict[str, set[tuple[int, int]]]:
    """Where each thing stands, its key and its value, by its path as messages write it."""
    found: dict[str, set[tuple[int, int]]] = {}
    for path in places(source.data):
        found.setdefault(dotted(path), set()).update({source.at(path), source.at_key(path)})
    return found


def standing(problem: Problem, known: dict[str, set[tuple[int, int]]]) -> set[tuple[int, int]]:
    """Where the problem may be told: at what its path names; of what is missing, where it would stand."""
    if problem.path not in known and problem.what.startswith("is missing"):
        return known.get(problem.path.rpartition(".")[0], set())
    return known.get(problem.path, set())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


@settings(EVERYWHERE, max_examples=300)
@given(documents(SCHEMA, [*MISTAKES], most=4, always=ALWAYS), st.sampled_from(["json", "yaml"]), st.integers(0, 9))
def test_a_document_loads_or_is_refused_where_it_is_wrong(drawn, notation, which):
    """Of a document with up to four mistakes of any sort, each problem has the line and column of what its path names.

    What loads, editors do not mark.
    """
    name, text = f"drawn.{notation}", written_as(notation, drawn)
    source = read(text, name)
    homes = source.data.get("environments")
    choices = [None, *homes] if isinstance(homes, dict) else [None]
    try:
        parse(text, name, choices[which % len(choices)])
    except SpecError as refused:
        problems, known = refused.problems, positions(source)
        assert problems
        for problem in problems:
            assert (problem.line, problem.column) in standing(problem, known), problem
            assert problem.what.strip(), problem
    else:
        assert [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(source.data)] == []


@settings(EVERYWHERE, max_examples=1000)
@given(documents(SCHEMA, OF_STRUCTURE, always=ALWAYS))
def test_editors_and_loader_see_one_structure(drawn):
    """Of a document, whole or with one mistake of structure, the schema refuses what the loader finds misshapen."""
    marked = [] if VALIDATOR.is_valid(drawn) else [error.json_path for error in VALIDATOR.iter_errors(drawn)]
    found = misshapen(drawn)
    assert bool(marked) == bool(found), (marked, found)
    if found:
        with pytest.raises(SpecError):
            load(drawn)


@pytest.mark.parametrize("mistake", OF_STRUCTURE)
def test_every_sort_of_mistake_is_drawn(mistake):
    """What is drawn without a mistake the schema accepts; with one of each sort there are documents that it refuses."""
    first = settings(EVERYWHERE, max_examples=200, phases=[Phase.generate])
    assert not VALIDATOR.is_valid(find(documents(SCHEMA, [mistake], always=ALWAYS), _marked, settings=first))
    with pytest.raises(NoSuchExample):
        find(documents(SCHEMA, always=ALWAYS), _marked, settings=settings(first, max_examples=20))


def _marked(drawn: Any) -> bool:
    return not VALIDATOR.is_valid(drawn)
