"""What only shows in a process of its own: pipes, terminals, Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pseudo-terminals are POSIX's")


@pytest.fixture
def simulator(program):
    """A simulated shop with many orders, and the options that lead there."""
    process = program("simulate", "shop", "--records", "20000")
    line = process.stdout.readline()
    url = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert url, line + process.stderr.read()
    return process, ["--config", f"shop_url={url[0]}", "--network", "loopback"]


TOKEN = {"CONNECTOR_SHOP_TOKEN": "simulated-token"}


def test_simulate_is_read_and_stopped(program, simulator):
    """`simulate` serves what it prints how to read, and Ctrl-C is its normal end."""
    process, words = simulator
    done, _ = program("read", "shop", "orders", *words, "--limit", "150", env=TOKEN).communicate(timeout=20)
    assert [json.loads(line)["id"] for line in done.splitlines()] == list(range(1, 151))
    process.send_signal(signal.SIGINT)
    out, err = process.stdout.read(), process.stderr.read()
    assert (process.wait(timeout=10), err) == (0, "stopped\n")
    assert "  secret token: simulated-token\n" in out
    assert re.search(
        r"\n  curl -H 'Accept: application/json' -H 'Authorization: Bearer simulated-token'"
        r" 'http://127\.0\.0\.1:\d+/api/v1/orders\?limit=100'\n",
        out,
    )
    assert (
        "  CONNECTOR_SHOP_TOKEN=simulated-token connector read shop orders --config shop_url=http://127.0.0.1:" in out
    )


def test_port_in_use(program, simulator):
    """A port that is taken is told in a line."""
    port = simulator[1][1].rpartition(":")[2]
    process = program("simulate", "shop", "--port", port)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 2
    assert err.startswith(f"error: the simulator cannot listen on 127.0.0.1:{port}: ")


def test_reader_leaves(program, simulator):
    """A reader who leaves early (`| head -1`) ends the reading silently, with exit code 0."""
    process = program("read", "shop", "orders", *simulator[1], env=TOKEN)
    assert json.loads(process.stdout.readline())["id"] == 1
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=10) == 0


def test_interrupted_before_a_full_pipe(program, simulator):
    """Ctrl-C ends a command at once although nobody takes its output: one line, exit code 130."""
    process = program("read", "shop", "orders", *simulator[1], env=TOKEN)
    assert process.stdout.readline()
    time.sleep(0.3)  # until the pipe is full
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    assert process.stderr.read() == "interrupted\n"


def test_disk_full(program):
    """An output that cannot be written is told in a line; exit code 1."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with Path("/dev/full").open("w") as full:
        process = program("read", "shop", "orders", "--simulate", stdout=full)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (1, "error: the output cannot be written: No space left on device\n")


FILES = """\
connector: "1"
name: files
base_url: https://files.example
endpoints:
  upload:
    post: /files
    input: {file: {type: string, format: binary}}
    body: {multipart: {file: {file: "{{ input.file }}"}}}
"""
CLOSED = "error: the output cannot be written: Bad file descriptor\n"


def in_a_shell(folder, words: str) -> subprocess.CompletedProcess[str]:
    """Runs a command line as a shell does, which can close its streams."""
    line = f"{shlex.quote(sys.executable)} -m connector_core {words}"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = ["/bin/sh", "-c", line]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=env, timeout=30)


@pytest.mark.parametrize(
    "words",
    [
        "read shop orders --simulate --json --limit 2",
        "read shop orders --simulate --limit 2",
        "call shop orders --simulate",
        "check shop --simulate",
        "plan shop orders",
        "lint --strict",
        "schema",
        "kinds",
        "--help",
        "--version",
    ],
)
def test_closed_output(folder, words):
    """An output that the caller has closed (`>&-`) is told as a full disk is; with stderr closed too, by the code."""
    done = in_a_shell(folder, f"{words} >&-")
    assert (done.returncode, done.stderr) == (1, CLOSED)
    assert in_a_shell(folder, f"{words} >&- 2>&- <&-").returncode == 1


def test_closed_output_that_is_not_needed(folder):
    """A command that writes nothing to standard output does not miss it."""
    done = in_a_shell(folder, "validate >&-")
    assert (done.returncode, done.stderr) == (0, "1 spec checked, nothing is wrong\n")


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_closed_errors(folder, closed):
    """Without a standard error the work is done, and the exit code tells the rest; stdout stays clean."""
    if "full" in closed and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    done = in_a_shell(folder, f"read shop orders --simulate --limit 2 {closed}")
    assert (done.returncode, done.stdout.count("\n")) == (0, 2)
    assert in_a_shell(folder, f"validate {closed}").returncode == 0
    done = in_a_shell(folder, f"read shop nosuch --debug {closed}")
    assert (done.returncode, done.stdout) == (2, "")


def test_closed_input(folder):
    """An input that the caller has closed (`<&-`) is told; commands that read none do not miss it."""
    (folder / "specs" / "files.yaml").write_text(FILES, "utf-8")
    for words in ("shop create_order --input -", "files upload --input file=@-"):
        done = in_a_shell(folder, f"call {words} --simulate <&-")
        assert (done.returncode, done.stderr) == (2, "error: there is no input: standard input is closed\n")
    assert in_a_shell(folder, "read shop orders --simulate --limit 2 <&-").returncode == 0


@pytest.mark.parametrize("words", [["schema"], ["plan", "shop", "orders"], ["--help"], ["kinds"]])
def test_disk_full_in_every_command(program, words):
    """An output that cannot be written is told in a line, whichever command writes it."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with Path("/dev/full").open("w") as full:
        process = program(*words, stdout=full)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (1, "error: the output cannot be written: No space left on device\n")


def test_interrupted_while_it_starts(program, tmp_path):
    """Ctrl-C before a command has begun ends in a line, not in a traceback."""
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    process = program("schema", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert process.communicate(timeout=20) == ("", "interrupted\n")
    assert process.returncode == 130


def on_a_terminal(program, *words: str, **pipes: object) -> str:
    """What a person sees of a command."""
    ours, theirs = pty.openpty()
    env = {"COLUMNS": "60", "NO_COLOR": "1", "TERM": "xterm"}
    process = program(*words, **{"stdout": theirs, "stderr": theirs, **pipes}, env=env)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # EIO: how a pseudo-terminal ends on Linux
    os.close(ours)
    assert process.wait(timeout=10) == 0
    return shown.decode()


def test_table_on_a_terminal(program):
    """A person sees a table of the columns that fit, and the sum."""
    shown = on_a_terminal(program, "read", "shop", "orders", "--simulate", "--limit", "2")
    plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", shown).replace("\r", "")
    heading, first, second, last = plain.splitlines()[:4]
    assert heading.split() == ["id", "status", "customer"]
    assert first.split()[0] == "1"
    assert second.split()[0] == "2"
    assert last.startswith("2 records on 1 page, ")


def test_json_on_a_terminal(program):
    """With --json a person sees JSON as well, and a call's JSON is indented for them unless they say so."""
    shown = on_a_terminal(program, "read", "shop", "orders", "--simulate", "--limit", "1", "--json")
    assert shown.startswith('{"id":1,')
    shown = on_a_terminal(program, "call", "shop", "orders", "--simulate")
    assert shown.startswith('[\r\n  {\r\n    "id": 1,')


def test_progress(program):
    """Where stdout goes elsewhere, a terminal shows how far it is; elsewhere stderr stays empty."""
    shown = on_a_terminal(program, "read", "shop", "orders", "--simulate", stdout=subprocess.DEVNULL)
    assert re.search(r"\r\x1b\[K100 records on 1 page, ", shown)
    assert re.search(r"\r\x1b\[K250 records on 3 pages, \d+\.\d s, [\d,]+/s\r\n$", shown)
