"""Values inside a path: percent-encoded as segments, and never one that climbs out of its place."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from connector_core.template.written import TemplateError

__all__ = ["checked_path", "encoded"]

_SEPARATORS = re.compile(r"[/\\]")


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
    if any(map(_climbs, path.partition("?")[0].split("/"))):
        raise TemplateError("a segment of the path is . or ..; write the path that is meant")
    return path


def _climbs(segment: str) -> bool:
    """Whether a server may see `.` or `..` in it, also after decoding it once too often."""
    if "." not in segment and "%" not in segment:
        return False
    while (decoded := unquote(segment)) != segment:
        segment = decoded
    return not {".", ".."}.isdisjoint(_SEPARATORS.split(segment))
