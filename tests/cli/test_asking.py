"""What a person is asked for: told what it is, asked again where it does not fit, and never shown a secret."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from connector_core.cli.asking import ask, described


def asked(schema: dict[str, Any], typed: list[str], *, secret: bool = False) -> tuple[list[Any], Result]:
    """What comes of it when these lines are typed, and what the terminal shows."""
    found: list[Any] = []

    @click.command
    def command() -> None:
        found.append(ask("size", schema, secret=secret))

    done = CliRunner().invoke(command, input="".join(f"{line}\n" for line in typed))
    return found, done


@pytest.mark.parametrize(
    "schema, line",
    [
        ({}, "size"),
        ({"description": "How many"}, "How many"),
        ({"type": "integer", "default": 5}, "size (integer, left out: 5)"),
        ({"enum": ["a", "b"], "optional": True}, "size (one of a, b, may be left out)"),
        ({"format": "uri", "pattern": "^https:"}, "size (uri, as ^https:)"),
        ({"description": "Two\nlines\x1b[31m", "examples": ["sk_1"]}, "Two lines [31m (such as sk_1)"),
    ],
)
def test_described(schema, line):
    """One line, without anything that a terminal would obey."""
    assert described("size", schema) == line


def test_a_value():
    """It is what the spec declares, not always text."""
    assert asked({"type": "integer"}, ["7"])[0] == [7]
    assert asked({"type": "string"}, ["7"])[0] == ["7"]
    assert asked({"type": "array"}, ['["a"]'])[0] == [["a"]]


def test_left_out():
    """An empty line leaves out what may be left out; it asks again for what may not."""
    assert asked({"default": 5}, [""])[0] == [None]
    assert asked({"optional": True}, [""])[0] == [None]
    found, done = asked({"description": "How many"}, ["", "7"])
    assert found == [7]
    assert "  size is missing\n" in done.stderr


def test_asked_again():
    """What does not fit is told, and asked for again; in the end it gives up."""
    found, done = asked({"type": "integer", "maximum": 9}, ["ten", "10", "9"])
    assert found == [9]
    assert '  size must be a whole number, not "ten"\n' in done.stderr
    assert "  size must be at most 9, not 10\n" in done.stderr
    found, done = asked({"type": "integer"}, ["ten"] * 9)
    assert (found, done.exit_code) == ([], 1)


def test_a_secret_is_not_shown():
    """Neither as it is typed, nor where it is refused."""
    found, done = asked({"pattern": "^sk_"}, ["hunter2-hunter2", "sk_hunter2"], secret=True)
    assert found == ["sk_hunter2"]
    assert "hunter2" not in done.output
    assert "as ^sk_" in done.stderr
