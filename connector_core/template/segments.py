"""Values inside a path: percent-encoded as segments, and never one that climbs out of its place."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from connector_core.template.written import TemplateError

__all__ = ["checked_path", "climbs", "encoded"]

_SEPARATORS = re.compile(r"[/\\]")
_MOST_DECODED = 8
"""Times; what is encoded more often hides something, and undoing that takes the square of its length."""


def encoded(text: str, *, keep_slashes: bool) -> str:
    """One value of a path; raises TemplateError where it is empty, or `.` or `..` however often it is decoded.

    With `keep_slashes` it is several segments, which the filter `path` has encoded already.
    """
    segments = text.split("/") if keep_slashes else [text]
    if not all(segments):
        raise TemplateError("an empty segment would make it another path" if keep_slashes else "empty in a path")
    if any(map(_climbs, segments)):
        raise TemplateError("a segment that is . or .. would make it another path")
    try:
        return text if keep_slashes else quote(text, safe="")
    except UnicodeEncodeError:
        raise TemplateError("it holds half a character (a lone surrogate), which has no place in a URL") from None


def checked_path(path: str) -> str:
    """The whole path, if its parts do not make `.` or `..` together."""
    if climbs(path.partition("?")[0]):
        raise TemplateError("a segment of the path is . or ..; write the path that is meant")
    return path


def climbs(path: str) -> bool:
    """Whether a server may see `.` or `..` among the path's segments, in whatever form they are written."""
    return any(map(_climbs, path.split("/")))


def _climbs(segment: str) -> bool:
    """Whether a server may see `.` or `..` in it, also after decoding it once too often, or nobody can tell."""
    if "." not in segment and "%" not in segment:
        return False
    for _ in range(_MOST_DECODED):
        if (decoded := unquote(segment)) == segment:
            return not {".", ".."}.isdisjoint(_SEPARATORS.split(segment))
        segment = decoded
    return True
