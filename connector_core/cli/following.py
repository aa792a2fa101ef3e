"""What goes on while a command works, told on standard error: progress, warnings, and every request with --trace."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from connector_core.cli.terminal import CLEAR, say, told, watched
from connector_core.events import (
    AnswerRepaired,
    CacheHit,
    CacheRevalidated,
    CircuitChanged,
    Event,
    FellBack,
    GaveUp,
    HealthChanged,
    JobPolled,
    PageRead,
    PaginationMissing,
    PartitionFinished,
    RateLimited,
    RateLimitHeld,
    ReadFinished,
    ReadRestarted,
    RecordInvalid,
    RecordsMissing,
    RequestFailed,
    RequestFinished,
    RequestRefused,
    RetryScheduled,
    TokenRefreshed,
    TokenRefreshFailed,
)
from connector_core.exceptions import ConfigError

__all__ = ["Progress", "SavedTrace", "Trace", "Warnings"]


class Warnings:
    """A line for what was read all the same though it was not right; the same line is said once."""

    def __init__(self, *, trying: bool = False) -> None:
        """`trying`: whether the spec itself is tried, so that what may be right is told too."""
        self._trying = trying
        self._said: set[str] = set()
        self._left_out: dict[str, int] = {}

    def __call__(self, event: Event) -> None:  # noqa: C901 - a line for each
        """The listener."""
        match event:
            case RecordsMissing(endpoint=endpoint, address=address):
                line = f"{endpoint}: nothing is at {address}, where the records should be; the page was read as empty"
            case PaginationMissing(endpoint=endpoint, key="take", address=address):
                line = f"{endpoint}: nothing is at {address}, where pagination looks for the next page; "
                line += "if this is not the only page, correct pagination.take"
                if not self._trying:
                    return
            case PaginationMissing(endpoint=endpoint, key=key, address=address):
                line = f"{endpoint}: no number is at {address}, where pagination.{key} should be; "
                line += "the end of the pages is told without it"
            case AnswerRepaired(endpoint=endpoint, repair=repair):
                line = f"{endpoint}: the service sends invalid JSON, which was read all the same: {repair}"
            case RecordInvalid(endpoint=endpoint, what=what, on_invalid=on_invalid):
                become = "left out" if on_invalid == "reject" else "kept"
                line = f"{endpoint}: records do not fit the schema and are {become}: {what}"
            case FellBack(endpoint=endpoint, source=source, age=age, reason=reason):
                old = f", {age:.0f} s old" if age else ""
                line = (
                    f"{endpoint}: this is not from the service, but from {_SOURCES.get(source, source)}{old}: {reason}"
                )
            case PageRead(endpoint=endpoint, received=received, records=records):
                self._left_out[endpoint] = -1 if records else self._left_out.get(endpoint, 0) + received
                return
            case ReadFinished(endpoint=endpoint, records=0) if (count := self._left_out.get(endpoint, 0)) > 0:
                line = f"{endpoint}: none of the {_records(count)} that came is kept (filter, on_invalid); "
                line += "a comparison with a field that is not there is false"
            case _:
                return
        if line not in self._said:
            self._said.add(line)
            say(f"warning: {line}")


_SOURCES = {"cache": "what it answered earlier", "value": "the spec's fallback"}


class Trace:
    """A line for every request, decision and page, and for the end of the reading with its reason."""

    def __call__(self, event: Event) -> None:  # noqa: C901, PLR0912 - a line for each
        """The listener."""
        match event:
            case RequestFinished(method=method, url=url, status=status, elapsed=elapsed, size=size):
                say(f"{method} {url} {status} {elapsed * 1000:.0f} ms {size:,} bytes ({_why(event)})")
            case RequestFailed(method=method, url=url, code=code):
                say(f"{method} {url} {code} ({_why(event)})")
            case JobPolled(waited=waited, wait=wait):
                say(f"the job is not done after {waited:.0f} s; again in {wait:.0f} s")
            case RetryScheduled(wait=wait, reason=reason):
                say(f"again in {wait:.1f} s: {reason}")
            case GaveUp(reason=reason):
                say(reason)
            case TokenRefreshed(first=first, expires_in=left):
                ends = "" if left is None else f", which ends in {left:.0f} s"
                say(f"there is a {'' if first else 'new '}token{ends}")
            case TokenRefreshFailed(reason=reason, final=final):
                say(f"there is no new token{', and only signing in helps' if final else ''}: {reason}")
            case CircuitChanged(host=host, before=before, after=after, reason=reason):
                say(f"the circuit of {host} was {_words(before)} and is {_words(after)}: {_words(reason)}")
            case RequestRefused(code=code, wait=wait):
                say(f"not sent: {code}" if wait is None else f"not sent: {code}, for {wait:.1f} s")
            case HealthChanged(before=before, after=after):
                say(f"the service is {after}" + (f", after {before}" if before else ""))
            case RateLimited(wait=wait, reason=reason):
                say(f"in line for {wait:.1f} s at least: {reason}")
            case RateLimitHeld(wait=wait):
                say(f"too many requests: nothing is sent for {wait:.1f} s")
            case CacheHit(age=age):
                say(f"not sent: what is kept is fresh, and {age:.0f} s old")
            case CacheRevalidated(age=age):
                say(f"not modified: what is kept, {age:.0f} s old, still holds")
            case FellBack(source=source, reason=reason):
                say(f"from {_SOURCES.get(source, source)}: {reason}")
            case PageRead(page=page, records=records, received=received):
                say(f"page {page}: {'' if received == records else f'{records} of '}{_records(received)}")
            case ReadRestarted(reason=reason):
                say(f"from the first page again: {reason}")
            case PartitionFinished(partition=partition, pages=pages, records=records, reason=reason):
                say(f"end of {json.dumps(partition)}: {reason} ({_records(records)} on {_pages(pages)})")
            case ReadFinished(pages=pages, records=records, reason=reason):
                say(f"end: {reason} ({_records(records)} on {_pages(pages)})")


class SavedTrace:
    """Every event as a line of JSON in a file, for a bug report: no query, no header, no body, no secret."""

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        """`about` becomes the first line; raises ConfigError where the file can't be written."""
        try:
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=0)
        except OSError as error:
            raise ConfigError(f"the trace cannot be written: {error.strerror}", where=str(path)) from None
        self._started = time.monotonic()
        self._write(about)

    def __call__(self, event: Event) -> None:
        """The listener."""
        self._write({"at": round(time.monotonic() - self._started, 4), "event": type(event).__name__, **asdict(event)})

    def _write(self, data: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(data, ensure_ascii=False, default=str).encode() + b"\n")

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


_LONG = 10.0  # seconds of a wait for a rate limit that are worth a line


class Progress:
    """How far a reading is, where somebody may be watching: a line that is overwritten, and the sum at the end."""

    def __init__(self, *, live: bool) -> None:
        """`live`: whether standard output leaves the terminal to that line; else only the sum is told."""
        self._watched, self._live = watched(), live
        self._started = time.monotonic()
        self._shown = 0.0
        self._pages = self._records = 0

    def __call__(self, event: Event) -> None:
        """The listener: says why nothing happens for a while."""
        if not self._watched:
            return
        if isinstance(event, RetryScheduled) and event.wait >= 1:
            say(f"asking again in {event.wait:.0f} s: {event.reason}")
        elif isinstance(event, RateLimited) and event.wait >= _LONG:
            say(f"waiting for {event.wait:.0f} s at least: {event.reason}")
        elif isinstance(event, JobPolled):
            say(f"the job is not done after {event.waited:.0f} s")

    def page(self, records: int) -> None:
        """A page was written."""
        self._pages += 1
        self._records += records
        now = time.monotonic()
        if self._watched and self._live and now - self._shown >= 0.1:  # noqa: PLR2004 - seconds; more is flicker
            self._shown = now
            told(CLEAR + self._said(now))

    def done(self) -> None:
        """Everything was written."""
        if self._watched:
            say(self._said(time.monotonic()))

    def _said(self, now: float) -> str:
        seconds = max(now - self._started, 0.001)
        rate = f"{self._records / seconds:,.0f}/s"
        return f"{_records(self._records)} on {_pages(self._pages)}, {seconds:.1f} s, {rate}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _why(event: RequestFinished | RequestFailed) -> str:
    return f"{event.why}, attempt {event.attempt}" if event.attempt > 1 else event.why


def _records(count: int) -> str:
    return f"{count:,} {'record' if count == 1 else 'records'}"


def _pages(count: int) -> str:
    return f"{count:,} {'page' if count == 1 else 'pages'}"
