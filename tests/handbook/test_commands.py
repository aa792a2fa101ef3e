"""The commands that the pages show work as they stand."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from connector_core.handbook import in_markdown
from connector_core.handbook.commands import Commands
from connector_core.load import available, load
from tests.handbook.reading import commands

SHOWN = sorted(
    {(name, line) for name in available() for line in commands(in_markdown(load(name))) if "--simulate" in line}
)


@pytest.mark.parametrize("name, line", SHOWN)
def test_they_work(name, line, run, folder):
    """Each command that needs no account is run, and gives something."""
    (folder / "specs" / "shop.yaml").unlink()
    done = run(*shlex.split(line)[1:])
    assert done.exit_code == 0, done.output
    assert done.output


def test_every_endpoint_has_one():
    """No endpoint of the bundled specs is left without a command."""
    for name in available():
        spec = load(name)
        assert [endpoint for endpoint in spec.endpoints if Commands(spec, (name,)).tried(endpoint) is None] == []


def test_the_spec_is_named_as_it_was():
    """A path and the folders of --specs stand in the commands, quoted for the shell."""
    called = ("my shop.yaml", "--specs", "a; b")
    assert Commands(load("shop"), called).tried("orders") == (
        "connector read 'my shop.yaml' orders --specs 'a; b' --simulate --limit 5"
    )


@pytest.mark.parametrize(
    "schema, given",
    [
        ({"type": "string"}, "--input x=x"),
        ({"type": "string", "minLength": 3}, "--input x=x00"),
        ({"type": "string", "examples": ["$(reboot)"]}, "--input 'x=$(reboot)'"),
        ({"type": "integer", "minimum": 7, "maximum": 7}, "--input x=7"),
        ({"type": "string", "optional": True}, ""),
        ({"type": "string", "default": "a"}, ""),
    ],
)
def test_input(schema, given):
    """What has to be given is made up, and what a shell would obey is quoted."""
    assert command(schema) == f"connector call a make --simulate {given}".rstrip()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "binary"},
        {"type": "array", "items": {"type": "string", "format": "binary"}},
        {"type": "string", "examples": ["a\nb"]},
        {"type": "string", "examples": ["@file"]},
        {"type": "object", "required": ["id"]},
    ],
)
def test_no_command(schema):
    """Where nothing can be typed that fits, there is none."""
    assert command(schema) is None


def command(schema: dict[str, Any]) -> str | None:
    body = {"json": {"x": "{{ input.x }}"}}
    return one({"make": {"post": "/", "input": {"x": schema}, "body": body}}, "make")


def one(endpoints: dict[str, Any], name: str) -> str | None:
    spec = load({"connector": "1", "name": "a", "base_url": "https://a.example", "endpoints": endpoints})
    return Commands(spec, ("a",)).tried(name)


THINGS = {
    "get": "/things",
    "records": "body",
    "primary_key": "id",
    "schema": {"id": {"type": "integer", "minimum": 40}},
}


@pytest.mark.parametrize("verb", ["get", "patch", "delete"])
def test_a_record_that_is_there(verb):
    """A call of one record names one that the simulator has."""
    call = {verb: "/things/{{ input.id }}", "input": {"id": {"type": "integer"}}}
    assert one({"things": THINGS, "thing": call}, "thing") == "connector call a thing --simulate --input id=40"


def test_calls_that_nobody_can_answer_for():
    """Where the simulator has nothing to answer with, or a call is made of others, no command is shown."""
    steps = {"steps": [{"call": "make"}], "input": {}}
    assert one({"gone": {"get": "/gone", "output": "body"}}, "gone") is None
    assert one({"make": {"post": "/make"}, "all": steps}, "all") is None


def test_a_service_that_cannot_be_simulated():
    """That is said, and no command promises otherwise."""
    spec = load({"connector": "1", "name": "a", "config": {"x": {"type": "string", "minLength": 9, "maxLength": 1}}})
    text = in_markdown(spec)
    assert "The service cannot be simulated; `connector simulate a` says why." in text
    assert "--simulate" not in text
