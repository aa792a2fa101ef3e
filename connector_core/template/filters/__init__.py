"""What stands after a `|`: small pure functions from a value to a value, the closed list of the spec language.

Every filter is bounded: what it makes is no longer than a template may be, and no value makes it slow. The list below
is all that there is; the modules hold the filters by theme. Arguments that only some texts can be are checked when the
template is made, where they are written out: `LITERALS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from inspect import signature, unwrap
from typing import Any

from connector_core.template.filters import matching, times
from connector_core.template.filters.encodings import (
    base64,
    base64_decode,
    from_json,
    hash_,
    hmac,
    host,
    json,
    path,
    query,
    url,
)
from connector_core.template.filters.lists import first, last, length, max_, min_, pluck, sort, sum_, unique, where
from connector_core.template.filters.text import join, lower, replace, snake, split, trim, upper
from connector_core.template.filters.values import default, float_, get, int_, round_, string

__all__ = ["ADDED", "FILTERS", "LITERALS", "WRITTEN_OUT", "add_filter", "default"]


def _by_name(functions: Iterable[Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    return {function.__name__.rstrip("_"): function for function in functions}


FILTERS: dict[str, Callable[..., Any]] = _by_name(
    (
        *(default, get, int_, float_, string, round_),
        *(lower, upper, trim, replace, split, join, matching.regex, snake),
        *(first, last, length, sort, unique, min_, max_, sum_, pluck, where),
        *(json, from_json, base64, base64_decode, url, path, query, host),
        *(hash_, hmac),
        *(times.add, times.start_of, times.date, times.parse),
    )
)
"""Every filter by the name that expressions use."""

ADDED: set[str] = set()
"""Those of plug-ins, whose ValueErrors are written for who uses them."""


def add_filter(name: str, function: Callable[..., Any]) -> None:
    """Makes a plug-in's filter known; raises ValueError where another has its name, TypeError where it can't be one."""
    if name in ADDED and unwrap(FILTERS[name]) is unwrap(function):  # in a second engine
        return
    if name in FILTERS:
        raise ValueError(f"there is a filter {name!r} already")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} cannot be the name of a filter: use lower-case letters, digits and _")
    signature(function).bind(None)
    FILTERS[name] = function
    ADDED.add(name)


LITERALS: Mapping[str, Callable[..., object]] = {
    "add": times.way,
    "date": times.time_format,
    "parse": times.declared,
    "regex": lambda pattern, group=0: matching.group_of(pattern, group),
    "start_of": times.period_of,
}
"""Filter → what raises TemplateError, in words, for arguments that it can't have; asked where all are literals."""

WRITTEN_OUT = frozenset({"regex"})
"""Filters whose arguments are literals always: what only an answer knows could not be checked beforehand."""
