"""The whole document, from its title to its last section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector_core.handbook.commands import Commands
from connector_core.handbook.content import Block, Items, code, heading, link, paragraph, said, whole
from connector_core.handbook.html import html
from connector_core.handbook.markdown import markdown
from connector_core.handbook.operation import error_handling, monitoring, testing
from connector_core.handbook.sections import SECTIONS, api_reference, configuration, overview, prerequisites
from connector_core.spec import Spec

__all__ = ["handbook", "in_html", "in_markdown"]


def in_markdown(spec: Spec, *, called: Sequence[str] = (), opened: str = "") -> str:
    """The documents of the integration as Markdown.

    `called` is how the spec is named on the command line, for the commands that are shown: its name or path, and
    options that say where it is looked for; `opened` is the name or path that an app opens. Both are the spec's name
    where they are left out.
    """
    return markdown(handbook(spec, called=called, opened=opened, contents=True))


def in_html(spec: Spec, *, called: Sequence[str] = (), opened: str = "") -> str:
    """The same as one HTML page that fetches nothing."""
    return html(handbook(spec, called=called, opened=opened), title=f"{spec.title or spec.name}: integration")


def handbook(spec: Spec, *, called: Sequence[str] = (), opened: str = "", contents: bool = False) -> list[Block]:
    """The same as blocks; with a list of its sections where whoever writes it down makes none."""
    words = tuple(called) or (spec.name,)
    return whole(_blocks(spec, Commands(spec, words), opened or words[0], contents=contents))


def _blocks(spec: Spec, commands: Commands, opened: str, *, contents: bool) -> Iterator[Block]:
    yield heading(1, spec.title or spec.name)
    if spec.description:
        yield paragraph(spec.description)
    yield paragraph("Written from the spec by ", code(f"connector docs {commands.named}"), ": change that, not this.")
    if contents:
        yield Items(tuple(said(link(section, f"#{section}")) for section in SECTIONS))
    yield from overview(spec)
    yield from prerequisites(spec)
    yield from configuration(spec, commands, opened)
    yield from api_reference(spec, commands)
    yield from error_handling(spec)
    yield from testing(spec, commands)
    yield from monitoring(spec, commands)
