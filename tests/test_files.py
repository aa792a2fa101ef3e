"""Files that a spec names in place of their text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from connector_core.exceptions import SpecError
from connector_core.load import load

HEAD = (
    "connector: '1'\nname: shop\nbase_url: https://a.example\nendpoints:\n  orders:\n    get: /o\n    records: body\n"
)


def spec(folder, line: str):
    path = folder / "shop.yaml"
    path.write_text(f"{HEAD}    {line}\n", "utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}',
        '{"id": {"type": "integer"}}',
    ],
)
def test_a_schema_in_a_file(tmp_path, text):
    """A file gives the properties of an object's schema, or the names themselves."""
    (tmp_path / "order.json").write_text(text, "utf-8")
    assert load(spec(tmp_path, "schema: order.json")).endpoints["orders"].schema_ == {"id": {"type": "integer"}}


def test_a_schema_in_yaml(tmp_path):
    """YAML is read as a spec's YAML is."""
    (tmp_path / "order.yaml").write_text("id: {type: string, const: NO}\n", "utf-8")
    assert load(spec(tmp_path, "schema: order.yaml")).endpoints["orders"].schema_ == {
        "id": {"type": "string", "const": "NO"}
    }


def test_a_mistake_in_a_file(tmp_path):
    """A file that cannot be read as data is told with its own place, where it is named."""
    (tmp_path / "order.yaml").write_text("id: 1\nid: 2\n", "utf-8")
    path = spec(tmp_path, "schema: order.yaml")
    with pytest.raises(SpecError) as error:
        load(path)
    assert str(error.value).startswith(
        f"{path}:8:13 endpoints.orders.schema: is a file with a mistake: order.yaml:2:1 "
    )


def test_a_schema_of_a_file_is_checked(tmp_path):
    """What the file says is checked like what stands in the spec, and told where the file is named."""
    (tmp_path / "order.json").write_text('{"id": {"type": "integr"}}', "utf-8")
    path = spec(tmp_path, "schema: order.json")
    with pytest.raises(SpecError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}:8:13 endpoints.orders.schema")


def test_other_text_is_no_file(tmp_path):
    """What does not look like a file's name is told as what it is."""
    path = spec(tmp_path, "schema: orders")
    with pytest.raises(SpecError, match=r"endpoints\.orders\.schema: must be a mapping, not text"):
        load(path)


def many(folder, line: str, count: int):
    path = folder / "many.yaml"
    endpoints = "".join(f"  e{number}: {{get: /o, records: body, {line}}}\n" for number in range(count))
    path.write_text(HEAD.partition("  orders")[0] + endpoints, "utf-8")
    return path


def test_a_file_is_read_once(tmp_path, monkeypatch):
    """However many endpoints name a file, it is read and parsed once."""
    (tmp_path / "order.json").write_text('{"id": {}}', "utf-8")
    path, opened = many(tmp_path, "schema: order.json", 20), Path.open
    names: list[str] = []

    def counting(path: Path, *how: Any) -> Any:
        names.append(path.name)
        return opened(path, *how)

    monkeypatch.setattr(Path, "open", counting)
    assert len(load(path).endpoints) == 20
    assert names.count("order.json") == 1


def test_files_are_bounded_in_all(tmp_path):
    """What stands in the spec in place of names has a bound of its own."""
    (tmp_path / "order.json").write_text('{"id": {"description": "' + "x" * 500_000 + '"}}', "utf-8")
    with pytest.raises(SpecError) as error:
        load(many(tmp_path, "schema: order.json", 9))
    assert [(problem.line, problem.path) for problem in error.value.problems] == [(13, "endpoints.e8.schema")]
    assert error.value.problems[0].what.startswith("is one file too many: a spec's may have 4 MiB together")


def test_what_is_no_file(tmp_path):
    """A pipe is not waited for."""
    os.mkfifo(tmp_path / "order.json")
    with pytest.raises(SpecError, match=r"endpoints.orders.schema: is no file$"):
        load(spec(tmp_path, "schema: order.json"))
