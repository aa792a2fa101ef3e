from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from connector_core.cli import COMMANDS, connector

PAGE = (Path(__file__).parent.parent.parent / "docs" / "reference" / "commands.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
EXAMPLES = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_sections():
    """The page has a section for every command, in the order of the help, and no other."""
    assert list(SECTIONS) == ["For all commands", *COMMANDS]


@pytest.mark.parametrize("name", COMMANDS)
def test_options(name):
    """Every option and argument of a command stands in its section, and no option that it does not have."""
    command = connector.get_command(click.Context(connector), name)
    assert command is not None
    parts = command.commands.values() if isinstance(command, click.Group) else [command]
    params = [param for part in parts for param in part.params]
    options = {word for param in params if isinstance(param, click.Option) for word in param.opts}
    usage = SECTIONS[name].split("\n\n")[0]
    assert set(re.findall(r"--[a-z-]+", usage)) == options
    for param in params:
        if isinstance(param, click.Argument):
            assert (param.metavar or param.human_readable_name).strip("[].") in usage


def test_shared_options():
    """What holds for all commands is explained once, with the exit codes."""
    for word in ("--config", "--secret", "--environment", "--network", "--simulate", "--specs", "--debug", "--version"):
        assert word in SECTIONS["For all commands"]
    assert re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE) == ["0", "1", "2", "3", "70", "130"]


@pytest.mark.parametrize("line", [line for line in EXAMPLES if not line.startswith("connector simulate")])
def test_examples(line, run, folder):
    """Every example does what it says, with the bundled specs alone."""
    (folder / "specs" / "shop.yaml").unlink()
    words = shlex.split(line.partition(" > ")[0])
    done = run(*words[1:])
    assert done.exit_code == 0, done.output
    assert done.output
