"""A page as one HTML file that works by itself: no script, no font and no picture comes from anywhere.

It is well-formed XML too, so that a strict reader can check it. Everything passes through the template's autoescape,
and its Content-Security-Policy forbids what would be fetched or run if something ever got past that.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from connector_core.handbook.content import Block, Heading, clean, clean_lines
from connector_core.handbook.drawing import drawn

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["html"]


def html(blocks: Iterable[Block], *, title: str) -> str:
    """The page; its headings have their anchors already."""
    page = list(blocks)
    chapters = [block for block in page if isinstance(block, Heading) and block.level == 2]  # noqa: PLR2004 - h2
    return _template().render(
        blocks=page, title=clean(title), chapters=chapters, drawn=drawn, kind=_kind, clean_lines=clean_lines
    )


def _kind(block: Block) -> str:
    return type(block).__name__


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("connector_core.handbook", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
