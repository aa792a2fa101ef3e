"""The canary: whatever a test leaves behind, in text or in files, holds no secret of a connection that it opened.

While a test runs, the secrets of every account are remembered, those that come later too (a token, a secret that was
looked up). At its end they are searched for, as they are and in the forms that they travel in, in all that others may
see: standard output and error, log records, every error that reached the test (with what stands behind it, also where
tracebacks hide that), every event that somebody listened to, and every file.

What a test writes itself is marked: `@pytest.mark.shows_secrets("why")`.
"""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from _pytest._code import ExceptionInfo

from connector_core.engine.effects import Effects
from connector_core.engine.masks import Masks

__all__ = ["Canary"]

SHORTEST = 8
"""Characters of a secret that is looked for: shorter ones stand in other words."""
MOST = 2000
"""Events and errors of one test that are looked at."""
LARGEST = 4 * 1024 * 1024
"""Bytes of a file that is looked through."""


class Canary:
    """Watches every test of the run; one that leaves a secret behind fails."""

    def __init__(self) -> None:
        self._accounts: list[Mapping[str, Any]] = []
        self._learnt: list[Any] = []
        self._seen: list[tuple[str, str]] = []
        self._undo = [
            _around(Masks, "__init__", lambda _self, secrets: self._accounts.append(secrets)),
            _around(Masks, "learn", lambda _self, secret: self._learnt.append(secret)),
            _around(Effects, "announce", lambda _self, event: self._note("an event", event)),
            _around(ExceptionInfo, "fill_unfilled", lambda _self, found: self._caught(found[1])),
        ]

    def pytest_unconfigure(self) -> None:
        """Puts everything back."""
        for undo in self._undo:
            undo()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Knows nothing of the test before."""
        for kept in (self._accounts, self._learnt, self._seen):
            kept.clear()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Fails a test that has passed, and left a secret behind."""
        outcome: Any = yield
        report = outcome.get_result()
        if call.when != "call" or not report.passed or any(item.iter_markers("shows_secrets")):
            return
        values = (*self._values(), *self._learnt)
        secrets = {text for value in values for text in _texts(value) if len(text) >= SHORTEST}
        if not secrets:
            return
        forms = {form: text for text in secrets for form in _forms(text)}
        sections = [(f"captured {name}", text) for name, text in report.sections]
        for where, text in (*sections, *self._seen, *_files(getattr(item, "funcargs", {}).get("tmp_path"))):
            found = next((form for form in forms if form in text), None)
            if found is not None:
                report.outcome = "failed"
                report.longrepr = f"{where} holds the secret {forms[found]!r}, as {found!r}:\n{text[:3000]}"
                return

    def _values(self) -> Iterator[Any]:
        for account in self._accounts:
            yield from account.values()

    def _note(self, where: str, what: Any) -> None:
        if len(self._seen) < MOST and (self._accounts or isinstance(what, str)):
            self._seen.append((where, repr(what) if not isinstance(what, str) else what))

    def _caught(self, error: BaseException) -> None:
        """An error that reached the test, with all that stands behind it."""
        seen: set[int] = set()
        waiting: list[BaseException | None] = [error]
        while waiting:
            one = waiting.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            lines = traceback.format_exception_only(one)
            self._note("an error", "".join(lines) + repr(getattr(one, "context", "")))
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _around(cls: type, name: str, tell: Any) -> Any:
    """Has a method tell what it is called with; gives what puts it back."""
    original = getattr(cls, name)

    def called(self: Any, *args: Any, **named: Any) -> Any:
        tell(self, *args, **named)
        return original(self, *args, **named)

    setattr(cls, name, called)
    return lambda: setattr(cls, name, original)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for item in value.values():
                yield from _texts(item)
        case list() | tuple():
            for item in value:
                yield from _texts(item)


def _forms(text: str) -> Iterator[str]:
    """The text as it may travel: this is written apart from what masks it."""
    yield text
    yield quote(text, safe="", errors="replace")
    yield quote_plus(text, errors="replace")
    yield json.dumps(text)[1:-1]
    raw = text.encode("utf-8", "replace")
    for shift in range(3):
        inner = base64.b64encode(b"?" * shift + raw)[(4 if shift else 0) :]
        kept = inner[: len(inner) // 4 * 4 - 4].decode()
        if len(kept) >= SHORTEST:
            yield kept
            yield kept.replace("+", "-").replace("/", "_")
    yield raw.hex()


def _files(folder: Path | None) -> Iterator[tuple[str, str]]:
    """Every file that is left in a test's folder."""
    for path in sorted(folder.rglob("*")) if folder is not None and folder.is_dir() else ():
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST:
            try:
                yield f"the file {path.name}", path.read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
