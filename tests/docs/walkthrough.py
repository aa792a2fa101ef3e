"""Does what a page tells its reader to do: writes its files, runs its commands, and compares what they print.

What a block is for stands in comments right above it, which readers do not see::

    <!-- file: orders.yaml -->             the block is the file
    <!-- append: orders.yaml 4 -->         it is added to the file's end, indented by so many spaces
    <!-- replace: orders.yaml base_url --> it takes the place of the line that begins so
    <!-- output -->                        the commands of the block before have printed it; … stands for anything
    <!-- exit: 3 -->                       the last of its commands ends with this code
    <!-- another terminal -->              its command goes on running until the page ends
    <!-- skip: why -->                     nothing is done

A block of `sh` without such a comment is run; every other one must say what it is for.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

__all__ = ["Block", "Walk", "blocks"]

_BLOCK = re.compile(r"((?:^<!-- [^\n]* -->\n)*)^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!-- ([\w ]+?)(?:: (.*))? -->")
_OTHERS = {"fragment"}  # comments that are somebody else's
_KNOWN = {"file", "append", "replace", "output", "exit", "another terminal", "skip"}


class Block(NamedTuple):
    """One fenced block of a page."""

    line: int
    language: str
    text: str
    about: Mapping[str, str]
    """What the comments above it say, by their first word."""


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page in order; raises ValueError where one does not say what it is for."""
    for found in _BLOCK.finditer(page):
        about = {name: value for name, value in _COMMENT.findall(found[1]) if name not in _OTHERS}
        line = page.count("\n", 0, found.start(2)) + 1
        if about.keys() - _KNOWN:
            raise ValueError(f"line {line}: {', '.join(about.keys() - _KNOWN)} says nothing that can be done")
        if found[2] != "sh" and not about:
            raise ValueError(f"line {line}: a block of {found[2]} does not say what it is for")
        yield Block(line, found[2], found[3], about)


class Walk:
    """A reader at work in a folder; leaving it ends the commands that still run."""

    def __init__(self, folder: Path, environment: Mapping[str, str], changed: Mapping[str, str]) -> None:
        """`changed`: what stands in place of texts of the page, such as a port that is free."""
        self._folder = folder
        self._environment = dict(environment)
        self._changed = changed
        self._printed = ""
        self._running: list[subprocess.Popen[str]] = []
        self._state = folder.parent / f"{folder.name}.environment"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self._running:
            os.killpg(process.pid, signal.SIGINT)
            _, told = process.communicate(timeout=30)
            assert process.returncode == 0 or error is not None, f"Ctrl-C is no normal end: {told}"

    def do(self, block: Block) -> None:
        """What the page says of the block; raises AssertionError where that does not come out."""
        text = self._replaced(block.text)
        match block.about:
            case {"skip": _}:
                pass
            case {"file": name}:
                path = self._folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            case {"append": where}:
                name, indent = where.split()
                lines = [f"{' ' * int(indent)}{line}" if line.strip() else line for line in text.splitlines(True)]
                path = self._folder / name
                path.write_text(path.read_text("utf-8") + "".join(lines), "utf-8")
            case {"replace": where}:
                name, _, beginning = where.partition(" ")
                self._replace(name, beginning, text)
            case {"output": _}:
                assert printed(text).fullmatch(self._printed.rstrip()), (
                    f"line {block.line}: it says\n{text}\nand the commands have printed\n{self._printed}"
                )
            case {"another terminal": _}:
                self._start(text)
            case _:
                self._run(block, text)

    def _replaced(self, text: str) -> str:
        for old, new in self._changed.items():
            text = text.replace(old, new)
        return text

    def _replace(self, name: str, beginning: str, text: str) -> None:
        path = self._folder / name
        lines = path.read_text("utf-8").splitlines(keepends=True)
        [at] = [number for number, line in enumerate(lines) if line.startswith(beginning)]
        path.write_text("".join([*lines[:at], text, *lines[at + 1 :]]), "utf-8")

    def _run(self, block: Block, text: str) -> None:
        """In a shell that knows what the ones before have exported."""
        script = f"[ ! -f {self._state} ] || . {self._state}\n{text}\nended=$?; export -p > {self._state}; exit $ended"
        done = self._shell(script)
        self._printed, told = done.communicate(timeout=120)
        assert done.returncode == int(block.about.get("exit", "0")), (
            f"line {block.line}: {text}ends with {done.returncode}\n{self._printed}\n{told}"
        )

    def _start(self, text: str) -> None:
        process = self._shell(f"exec {text}")
        self._running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline(), "a command that goes on running says that it runs"

    def _shell(self, script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-uo", "pipefail", "-c", script],  # noqa: S607 - the reader's shell
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )


def printed(text: str) -> re.Pattern[str]:
    """What fits an output as a page shows it."""
    return re.compile(".*?".join(re.escape(part) for part in text.rstrip().split("…")), re.DOTALL)
