"""What an answer says about the limit: in the fields that a spec declares, and in those of the IETF.

::

    RateLimit-Policy: "burst";q=100;w=60, "daily";q=5000;w=86400
    RateLimit: "burst";r=50;t=30

draft-ietf-httpapi-ratelimit-headers: lists of strings with parameters (RFC 9651). What is malformed is ignored, whole;
an answer with `Retry-After` says all in that. Older drafts and `X-RateLimit-…` differ from service to service: a spec
declares those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from msgspec import Struct

from connector_core.address import MISSING, AnswerPath
from connector_core.formats import Format, FormattedTake, take_from
from connector_core.rate_limit.family import Feedback
from connector_core.template import MissingError, Template, TemplateError

__all__ = ["Told", "cost_of", "told"]

SECONDS = Format("seconds")
_STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_VALUE = rf"(?:-?[0-9]{{1,15}}(?:\.[0-9]{{1,3}})?|{_STRING}|:[A-Za-z0-9+/=]*:|\?[01]|[A-Za-z*][!#-'*+.^-z|~0-9A-Z:/-]*)"
_ITEM = rf"(?P<name>{_STRING})(?P<parameters>(?:;[ ]*[a-z*][a-z0-9_.*-]*(?:={_VALUE})?)*)[ \t]*"
_PARAMETER = rf"[ ]*([a-z*][a-z0-9_.*-]*)(?:=({_VALUE}))?;?"
_LONGEST = 4096  # characters of a field that are looked at


class Told(Struct, frozen=True):
    """How much the service says is left: for `reset` seconds, if it says for how long."""

    remaining: float
    reset: float | None = None
    limit: float | None = None
    name: str = ""
    """The policy's name; the service may have several."""


def told(feedback: Feedback | None, scope: Mapping[str, Any], headers: Mapping[str, str], now: float) -> list[Told]:
    """All that an answer says of what is left; `scope` as in error rules, `now` in seconds since 1970."""
    if headers.get("Retry-After") is not None:
        return []  # it wins over every other field
    found = list(_in_rfc_form(headers)) if headers.get("RateLimit") is not None else []
    if feedback is not None and (remaining := _number(feedback.remaining, scope)) is not None:
        found.append(Told(remaining, _reset(feedback.reset, scope, now), _number(feedback.limit, scope)))
    return found


def cost_of(feedback: Feedback | None, scope: Mapping[str, Any]) -> float | None:
    """What the request did cost; None where nothing sensible says it."""
    return _number(feedback.cost, scope) if feedback is not None else None


def _number(place: AnswerPath | Template | None, scope: Mapping[str, Any]) -> float | None:
    if place is None:
        return None
    try:
        found = place.value(scope) if isinstance(place, Template) else place.take(scope)
        number = -1.0 if isinstance(found, bool) or found is MISSING or found is None else float(found)
    except (ValueError, TypeError, OverflowError, MissingError, TemplateError):
        return None
    return number if isfinite(number) and number >= 0 else None


def _reset(place: AnswerPath | FormattedTake | Template | None, scope: Mapping[str, Any], now: float) -> float | None:
    if place is None or isinstance(place, Template):
        return _number(place, scope)
    try:
        found = take_from(place, scope, SECONDS)
    except ValueError:
        return None
    if isinstance(found, datetime):
        return max(0.0, found.timestamp() - now)
    return max(0.0, float(found)) if isinstance(found, int | float) else None


# ── the IETF's fields ─────────────────────────────────────────────────────────────────────────────


def _in_rfc_form(headers: Mapping[str, str]) -> Iterator[Told]:
    policies = dict(_items(headers.get("RateLimit-Policy") or "") or ())
    for name, told_of in _items(headers["RateLimit"]) or ():
        policy = policies.get(name, {})
        remaining, reset = _count(told_of.get("r")), _count(told_of.get("t"))
        if remaining is None or policy.get("qu", "requests") != "requests":
            continue  # bytes, or requests under way at once: not what is counted here
        if (window := reset if reset is not None else _count(policy.get("w"))) is not None:
            yield Told(remaining, window, _count(policy.get("q")), name)


def _items(field: str) -> list[tuple[str, dict[str, str]]] | None:
    """The members of a list of strings, with their parameters; None where it is malformed."""
    found, at = [], 0
    if len(field) > _LONGEST:
        return None
    while at < len(field):
        match = re.compile(_ITEM).match(field, at)
        if match is None:
            return None
        parameters = {key: value.strip('"') for key, value in re.findall(_PARAMETER, match["parameters"][1:])}
        found.append((match["name"][1:-1], parameters))
        at = match.end()
        if at < len(field):
            if field[at] != "," or not field[at + 1 :].strip():
                return None
            at += 1 + (len(field[at + 1 :]) - len(field[at + 1 :].lstrip()))
    return found


def _count(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"[0-9]{1,15}", text) else None
