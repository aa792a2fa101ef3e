"""The provider's reading of a request, for `serve`: apart from the client's code, so that each proves the other."""

from __future__ import annotations

import re
from typing import Any

from connector_core.address import AnswerPath, Put
from connector_core.http import Multipart, Request
from connector_core.pagination.family import Size
from connector_core.template import Flag

__all__ = ["asked", "asked_number", "asked_size", "flagged", "told"]

_WHOLE = re.compile(r"-?[0-9]{1,15}")
_SHOWN = 60
"""Characters of what was sent that an answer repeats."""


def asked(request: Request, put: Put | None) -> str | None:
    """What the request says at the place where the client puts something."""
    if put is None:
        raise ValueError("a template sends the position; the simulator can't know where")
    name = put.keys[0]
    match put.root:
        case "query":
            return next((value for key, value in request.query if key == name), None)
        case "header":
            return next((value for key, value in request.headers.items() if key.lower() == name.lower()), None)
        case "cookie":
            jar = next((value for key, value in request.headers.items() if key.lower() == "cookie"), "")
            return dict(pair.split("=", 1) for pair in jar.split("; ") if "=" in pair).get(name)
    found: Any = dict(request.body) if request.encoding == "form" else request.body
    if isinstance(found, Multipart):
        found = {part.name: part.value for part in found.parts}
    for key in put.keys:
        found = found.get(key) if isinstance(found, dict) else None
    return None if found is None else str(found)


def asked_size(request: Request, size: Size | None) -> int:
    """How many records a page has: what the request says, else what is declared."""
    declared = size.value if size else 30  # many services' own default
    return asked_number(request, size.put, declared, least=1) if size and size.put else declared


def asked_number(request: Request, put: Put | None, otherwise: int, *, least: int = 0, prefix: str = "") -> int:
    """The whole number at the place, behind the prefix of the service's own tokens; `otherwise` at an empty one.

    Raises ValueError, in words for whoever asked, where it is none.
    """
    sent = asked(request, put)
    if not sent:
        return otherwise
    digits = sent.removeprefix(prefix)
    if _WHOLE.fullmatch(digits) is None or (prefix and digits == sent):
        shown = repr(sent if len(sent) <= _SHOWN else f"{sent[:_SHOWN]}…")
        if prefix:
            raise ValueError(f"{put} is {shown}, which this service never handed out; leave it out for the first page")
        raise ValueError(f"{put} is {shown}; send a whole number from {least} on")
    if int(digits) < least:
        raise ValueError(f"{put} is {digits}; send a whole number from {least} on")
    return int(digits)


def told(path: AnswerPath | None, value: int) -> dict[str, Any]:
    """The number at the address where the client looks for it, if it does."""
    return {} if path is None else {str(path): value}


def flagged(flag: Flag | None, more: bool) -> dict[str, Any]:
    """Values that make the condition come out as `more`, where it is a plain one."""
    if flag is None:
        return {}
    plain = re.fullmatch(r"\s*(not\s+)?((?:body|header)(?:\.\w+)+)\s*", flag.source)
    if plain is None:
        raise ValueError(f"has_more is computed ({flag.source}); the simulator can only set a plain flag")
    return {plain[2]: more != bool(plain[1])}
