"""Every hook, in the order in which they fire.

A plug-in implements those that it wants, with the arguments that it wants of them::

    from connector_core.hookspecs import hookimpl

    @hookimpl
    def register_transforms():
        return {"mask_email": mask_email}          # transform: [{type: hook, name: mask_email}]

Rule 1: a hook is called once per process, connection, request or page, never per record, and one that nobody implements
        costs nothing. It is no coroutine, and must not wait for anything; what `register_secrets` gives may.
Rule 2: `register_…` gives what is to be known by name, `prepare_…` may give another value in place of what it was given
        (None: it stays), and `observe_…` gives nothing.
Rule 3: connectors and endpoints are told by their names; requests and answers are the values of `connector_core.http`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    import click

    from connector_core.events import Event
    from connector_core.http import Request, Response

__all__ = ["NAME", "hookimpl"]

Transform = Callable[[dict[str, Any]], dict[str, Any] | None]

NAME = "connector_core"
"""What the hooks belong to; also the group of entry points that plug-ins stand under."""

hookspec: HookspecMarker = HookspecMarker(NAME)
hookimpl: HookimplMarker = HookimplMarker(NAME)
"""Marks a function of a plug-in as the implementation of the hook of its name."""


# ── once, before the first spec is loaded ─────────────────────────────────────────────────────────


@hookspec
def register_specs() -> Sequence[str | Path]:  # type: ignore[empty-body]
    """Folders whose specs are found by their names, after the folders that an engine was given."""


@hookspec
def register_filters() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """Filters of expressions by name: functions of the value and of the arguments that are written."""


@hookspec
def register_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Further commands of the command line."""


# ── when an engine first needs it ─────────────────────────────────────────────────────────────────


@hookspec
def register_stores() -> Mapping[str, Callable[[str], Any]]:  # type: ignore[empty-body]
    """Places to keep things at, by the scheme of their addresses: functions from an address to what is there."""


@hookspec
def register_secrets() -> Mapping[str, Callable[[str], str | None]]:  # type: ignore[empty-body]
    """Backends of secrets by the scheme of their references: functions of the rest, run in a thread; they may wait."""


# ── when a connection is opened ───────────────────────────────────────────────────────────────────


@hookspec
def register_transforms(connector: str) -> Mapping[str, Transform]:  # type: ignore[empty-body]
    """Functions that `transform: [{type: hook, name: …}]` calls with each record; see the key for what they may do."""


@hookspec
def register_clients(connector: str) -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """What makes the clients of SDKs, by the name that `sdk: {client: …}` has: functions of `config` and `secrets`."""


# ── for every request ─────────────────────────────────────────────────────────────────────────────


@hookspec
def prepare_request(connector: str, endpoint: str, request: Request) -> Request | None:
    """The request to send in place of this one, before it is signed; a plug-in sees what the one before made of it."""


@hookspec
def observe_response(connector: str, endpoint: str, response: Response) -> None:
    """An answer is here, whatever its status, before anybody has judged it."""


# ── for every page ────────────────────────────────────────────────────────────────────────────────


@hookspec
def prepare_page(connector: str, endpoint: str, records: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """The records in place of these, which `filter` has kept and `transform` has not seen; they may be changed."""


# ── for everything that happens ───────────────────────────────────────────────────────────────────


@hookspec
def observe_event(event: Event) -> None:
    """Something happened (`connector_core.events`); where a plug-in implements this, every event is made."""
