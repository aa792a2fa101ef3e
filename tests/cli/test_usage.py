from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest
from click import Context

from connector_core.cli import COMMANDS, connector

HEAVY = (
    "aiohttp",
    "asyncio",
    "connector_core.cli.read",
    "connector_core.spec",
    "jinja2",
    "jsonschema",
    "msgspec",
    "pydantic",
    "rich",
    "yaml",
)


def test_help_is_light():
    """`connector --help` imports nothing that is heavy, and no command."""
    code = (
        "import sys\n"
        "from connector_core.cli import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_one_line_help(name):
    """What the group says about a command is the first line of the command's own help."""
    command = connector.get_command(Context(connector), name)
    assert command is not None
    assert (command.help or "").splitlines()[0] == COMMANDS[name]


def test_help_tells_exit_codes(run):
    """The help lists every command and every exit code; without a command it is shown as well."""
    shown = run("--help")
    assert shown.exit_code == 0
    for word in [*COMMANDS, "  0    done", "  3    the spec is wrong", "  130  interrupted"]:
        assert word in shown.stdout
    assert run().stdout == shown.stdout


def test_version(run, monkeypatch):
    """`--version` tells the installed version, or that nothing is installed."""

    def absent(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", lambda _: "1.2.3")
    assert run("--version").stdout == "connector-core 1.2.3\n"
    monkeypatch.setattr(metadata, "version", absent)
    assert run("--version").stdout == "connector-core from a checkout that is not installed\n"


@pytest.mark.parametrize(
    "words, said",
    [
        (["raed"], "there is no command 'raed', did you mean 'read'? — see connector --help"),
        (
            ["zzz"],
            f"there is no command 'zzz', one of: {', '.join(COMMANDS)} — see connector --help",
        ),
        (["read"], "missing argument 'NAME' — see connector read --help"),
        (["read", "shop"], "missing ENDPOINT; shop has these to be read: orders — see connector read --help"),
        (
            ["call", "shop"],
            "missing ENDPOINT; shop has these to be called: orders, create_order — see connector call --help",
        ),
        (
            ["read", "shop", "orders", "--limit", "0"],
            "invalid value for '--limit': 0 is not in the range x>=1 — see connector read --help",
        ),
        (
            ["read", "shop", "orders", "--limit", "-3"],
            "invalid value for '--limit': -3 is not in the range x>=1 — see connector read --help",
        ),
        (
            ["read", "shop", "orders", "--config", "page_size"],
            "invalid value for '--config': 'page_size' is not NAME=VALUE — see connector read --help",
        ),
        (
            ["read", "shop", "orders", "--secret", "token=abc123"],
            (
                "invalid value for '--secret': a secret is not written on the command line, where the shell's history "
                "and the list of processes show it: put it into an environment variable, and pass "
                "--secret token=env:VARIABLE — see connector read --help"
            ),
        ),
        (
            ["read", "shop", "orders", "--secret", "token"],
            (
                "invalid value for '--secret': it is written NAME=env:VARIABLE, or with another reference to the "
                "secret — see connector read --help"
            ),
        ),
        (
            ["read", "shop", "orders", "--secret", "token=env:"],
            (
                "invalid value for '--secret': it is written NAME=env:VARIABLE, or with another reference to the "
                "secret — see connector read --help"
            ),
        ),
        (
            ["call", "shop", "create_order", "--input", "customer_id"],
            "invalid value for '--input': 'customer_id' is neither NAME=VALUE, @FILE nor - — see connector call --help",
        ),
        (
            ["kinds", "paginaton"],
            "there is no family 'paginaton', did you mean 'pagination'? — see connector kinds --help",
        ),
    ],
)
def test_wrong_usage(run, words, said):
    """What is wrong with a command line is said in one line on stderr that names what helps; exit code 2."""
    done = run(*words)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"error: {said}\n")


def test_bug(run, monkeypatch):
    """A failure of our own asks for a report in one line, and shows its traceback with --debug only; exit code 70."""

    def fail() -> None:
        raise KeyError("t0p-secret")

    monkeypatch.setattr("connector_core.component.families", fail)
    done = run("kinds")
    assert (done.exit_code, done.stderr) == (
        70,
        "error: connector-core itself failed (KeyError) — run it again with --debug, and please report what is shown\n",
    )
    shown = run("kinds", "--debug")
    assert shown.exit_code == 70
    assert shown.stderr.startswith("Traceback (most recent call last):\n")
    assert shown.stderr.endswith("error: connector-core itself failed (KeyError) — please report what is shown\n")


def test_debug_of_an_error(run):
    """--debug shows where an error was raised, before or after the command's name, and the line comes last."""
    for words in (["--debug", "read", "shop", "ordres"], ["read", "shop", "ordres", "--debug"]):
        done = run(*words)
        assert done.exit_code == 2
        assert "Traceback" in done.stderr
        assert done.stderr.endswith("\nerror: shop has no endpoint 'ordres', did you mean 'orders'?\n")
