"""What a body is instead of what was expected, in words."""

from __future__ import annotations

import re

__all__ = ["HEAD", "html", "instead", "title"]

HEAD = 4096
"""So much of a body's beginning is looked at."""

_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,1000}?-->\s*)?<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)


def html(content: bytes) -> str | None:
    """`an HTML page (its title: Sign in)` where it is one."""
    return f"an HTML page{title(content)}" if _HTML.match(content[:HEAD]) else None


def instead(content: bytes, expected: str) -> str | None:
    """`the body is …, where CSV is expected` for a body that is plainly something else."""
    start = content[:HEAD].lstrip()
    found = html(content)
    if found is None and not start:
        found = "empty"
    if found is None and start.startswith(b"<?xml"):
        found = "XML"
    return f"the body is {found}, where {expected} is expected" if found else None


def title(content: bytes) -> str:
    """` (its title: Sign in)`, on one line and without anything that a terminal would act on."""
    found = re.search(rb"<title[^>]{0,100}>([^<]{1,100})", content[:20000], re.IGNORECASE)
    words = found[1].decode("utf-8", "replace").split() if found else []
    shown = "".join(char for char in " ".join(words) if char.isprintable())
    return f" (its title: {shown})" if shown else ""
