"""What the commands of one folder have counted, one run after another: `.connector/metrics.json`.

::

    {"shop": {"since": 1900000000.0, "latest": 1900000500.0, "runs": 2, "counters": {"requests": 12, …}}}

Rule 1: a run adds what it counted at its end, also where it failed; two that end at the same moment lose nothing.
Rule 2: counting is nobody's wish, so that no run fails of it: where the folder can't be written, nothing is kept.
Rule 3: a file that is broken is left as it is, and told; it is for a person to remove it.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from connector_core.cli.output import replace_file
from connector_core.cli.terminal import say
from connector_core.engine.switches import LATEST
from connector_core.exceptions import ConfigError
from connector_core.metrics import Counters, Metrics

__all__ = ["Run", "Tally", "kept", "tally"]

MOST = 1000
"""So many connectors are remembered; of more, those that were not used for longest go."""
_PATIENCE, _STEP = 2.0, 0.02
"""Seconds that a run waits for another one to have written, and between two looks."""


_Moment = Annotated[float, Meta(ge=0, le=LATEST)]


class Run(Struct):
    """What all runs with one connector have counted."""

    since: _Moment
    """Seconds since 1970 when the first of them ended."""
    latest: _Moment
    """And the last one."""
    runs: int = 0
    counters: Counters = field(default_factory=Counters)


class Tally:
    """The counters in a file, by the connector's name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[str, Run]:
        """Every connector's; raises ConfigError where the file can't be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Run])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise ConfigError(
                f"the counters cannot be read: {why}",
                where=str(self._path),
                hint="remove the file: connector metrics --reset",
                code="metrics.unreadable",
            ) from None

    def add(self, name: str, counters: Counters) -> None:
        """Adds what one run has counted; raises ConfigError or OSError where that can't be kept."""
        now = time.time()
        with self._alone():
            known = self.all()
            run = known.pop(name, None) or Run(now, now)
            run.counters.join(counters)
            run.runs, run.latest = run.runs + 1, now
            while len(known) >= MOST:
                del known[min(known, key=lambda other: known[other].latest)]
            self._write({**known, name: run})

    def forget(self, name: str | None = None) -> None:
        """Takes away the counters of a connector, or all, whatever the file holds; raises ConfigError."""
        try:
            with self._alone():
                if name is None:
                    self._path.unlink(missing_ok=True)
                elif name in (known := self.all()):
                    self._write({other: run for other, run in known.items() if other != name})
        except OSError as error:
            raise ConfigError(
                f"the counters cannot be removed: {error.strerror}", where=str(self._path), code="metrics.unwritable"
            ) from None

    def _write(self, known: dict[str, Run]) -> None:
        text = msgspec.json.format(msgspec.json.encode(dict(sorted(known.items()))), indent=2).decode()
        replace_file(self._path, text + "\n", "counters")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While this lasts, no other run writes; one that is held up for long is not waited for."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            until = time.monotonic() + _PATIENCE
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        raise
                    time.sleep(_STEP)
            yield


def tally() -> Tally:
    """What was counted in this folder."""
    return Tally(Path(".connector") / "metrics.json")


@contextmanager
def kept(name: str) -> Iterator[Metrics]:
    """Counts what one run does with a connector, and keeps it at the end."""
    metrics = Metrics()
    try:
        yield metrics
    finally:
        found = Counters()
        for counters in metrics.all().values():
            found.join(counters)
        if found.operations:
            _keep(name, found)


def _keep(name: str, counters: Counters) -> None:
    try:
        with suppress(OSError):
            tally().add(name, counters)
    except ConfigError as error:
        if error.code == "metrics.unreadable":
            say(f"warning: this run is not counted: {error}")
