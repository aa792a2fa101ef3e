"""The operator's hand: integrations that are switched off, or under maintenance, until somebody says otherwise.

::

    {"shop": {"state": "maintenance", "until": 1900000000.0, "message": "We move house."}}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Protocol
from uuid import uuid4

import msgspec
from msgspec import Meta, Struct

from connector_core.exceptions import ConfigError

__all__ = ["LATEST", "FileSwitches", "Flags", "MemorySwitches", "Switch", "Switches"]

Flags = Callable[[str, bool, Mapping[str, str]], bool | Awaitable[bool]]
"""The app's feature flags: a flag's name, its default, and who asks (`connector`, `connection`) → whether it is on."""

LATEST = 253_402_300_799
"""The end of the year 9999, in seconds since 1970."""


class Switch(Struct, frozen=True, omit_defaults=True):
    """That an integration is not to be used."""

    state: Literal["disabled", "maintenance"]
    until: Annotated[float, Meta(ge=0, le=LATEST)] | None = None
    """Seconds since 1970 when that is over; None: when somebody says so."""
    message: str = ""
    """What whoever is refused is told."""


class Switches(Protocol):
    """Where switches are kept; asked before every request, so that it has to answer at once."""

    def get(self, name: str) -> Switch | None:
        """The switch of a connector, by its spec's name; None: it may be used."""

    def set(self, name: str, switch: Switch | None) -> None:
        """Sets it, or takes it away."""

    def all(self) -> Mapping[str, Switch]:
        """Every one there is, by name."""


class MemorySwitches:
    """Switches of one engine."""

    def __init__(self) -> None:
        self._known: dict[str, Switch] = {}

    def get(self, name: str) -> Switch | None:
        """The switch of that name."""
        return self._known.get(name)

    def set(self, name: str, switch: Switch | None) -> None:
        """Sets it, or takes it away."""
        if switch is None:
            self._known.pop(name, None)
        else:
            self._known[name] = switch

    def all(self) -> Mapping[str, Switch]:
        """Every one there is."""
        return dict(self._known)


class FileSwitches:
    """Switches in a file, which other processes see; it is read again when it has changed."""

    def __init__(self, path: str | Path) -> None:
        """`path`: the file, which need not be there; its folder is made when something is written."""
        self._path = Path(path)
        self._seen: tuple[int, int, int] | None = None
        self._known: dict[str, Switch] = {}

    def get(self, name: str) -> Switch | None:
        """The switch of that name; raises ConfigError where the file can't be read."""
        return self._read().get(name)

    def set(self, name: str, switch: Switch | None) -> None:
        """Writes the file anew, in one step; two who write at the same moment may lose one of both."""
        known = {key: found for key, found in self._read().items() if key != name}
        if switch is not None:
            known[name] = switch
        text = msgspec.json.format(msgspec.json.encode(dict(sorted(known.items()))), indent=2) + b"\n"
        beside = self._path.with_name(f"{self._path.name}.{uuid4().hex}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(text)
            beside.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise ConfigError(
                f"the switch cannot be written: {error.strerror}", where=str(self._path), code="switches.unwritable"
            ) from None

    def all(self) -> Mapping[str, Switch]:
        """Every one there is; raises ConfigError where the file can't be read."""
        return dict(self._read())

    def _read(self) -> dict[str, Switch]:
        try:
            found = self._path.stat()
            now = (found.st_mtime_ns, found.st_size, found.st_ino)
            if now != self._seen:
                self._known = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Switch])
                self._seen = now
        except FileNotFoundError:
            self._seen, self._known = None, {}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise ConfigError(
                f"the switches cannot be read: {why}",
                where=str(self._path),
                hint="correct the file, or remove it: then every connector may be used",
                code="switches.unreadable",
            ) from None
        return self._known
