"""What the loader finds wrong with the structure of a document, apart from what its texts and its parts mean.

A mistake of structure is told by the code that the validation gives it, never by its words: STRUCTURE and MEANING hold
every code, and one that is in neither is an error here. What the rules across keys find is never one of structure: they
come later, and judge a document that has the right shape.

Two things the loader alone can know, and they are left out: what inheritance brings into a mapping, or fails to. Such a
mapping is misshapen where it fits no kind at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from connector_core.component import families
from connector_core.overlay import expand
from connector_core.spec import INHERITED, SCHEMA_FILE, Spec

__all__ = ["misshapen"]

Place = tuple[Any, ...]
"""Where something stands, and in pydantic's locations also which branch of a union refuses it."""
Found = list[tuple[Place, str]]
"""Mistakes, each with its location and its code."""

STRUCTURE = {
    "address_type", "bool_type", "category", "component_type", "dict_type", "docs_type", "empty",
    "extra_forbidden", "float_type", "for_each_type", "format_name",
    "format_type", "greater_than_equal", "host_type", "int_type", "json_schema", "less_than_equal",
    "list_type", "literal_error", "missing", "missing_type", "model_attributes_type", "model_type", "one_of",
    "pattern", "retry_on", "retry_on_type",
    "status", "string_too_long", "string_too_short", "string_type", "structure", "template_type", "too_long",
    "too_short", "unit_type",
    "unknown_type", "xml_type",
}  # fmt: skip
"""Codes of mistakes in keys, types, kinds and bounds, and in the spelling of names."""
LACKING = {"missing", "missing_type"}
"""Codes of what may be inherited."""
MEANING = {
    "address", "binary", "decode", "expires", "format", "graphql", "host", "literal_secret",
    "media_type", "mtls", "name", "oauth1_key", "oauth2", "path", "regex", "template",
    "timeout", "transform", "unit", "value_error", "xml",
}  # fmt: skip
"""Codes of mistakes in what a text of the right type says, or in how the keys of one mapping go together."""


def misshapen(written: dict[str, Any]) -> list[Place]:
    """The places where the document has a mistake of structure."""
    expanded, _ = expand(_without_files(written))
    completed = dict(_completed(written))
    every = _mistakes(Spec, expanded)
    found = [one for one in every if not _decided_above(*one, completed)]
    unfit = [place for place, (key, own) in completed.items() if "type" not in own and not _fits_a_kind(key, own)]
    return [*_misshapen(found, expanded), *unfit, *_unfit_inside(every, completed, expanded)]


def _mistakes(model: Any, value: Any) -> Found:
    try:
        model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        assert {detail["type"] for detail in details} <= STRUCTURE | MEANING
        return [(detail["loc"], detail["type"]) for detail in details]
    return []


def _without_files(written: dict[str, Any]) -> dict[str, Any]:
    """Without the schemas that stand in files, which are read before anything is validated."""
    endpoints = written.get("endpoints")
    if not isinstance(endpoints, dict):
        return written
    kept = {name: _without_file(own) if isinstance(own, dict) else own for name, own in endpoints.items()}
    return {**written, "endpoints": kept}


def _without_file(endpoint: dict[str, Any]) -> dict[str, Any]:
    schema = endpoint.get("schema")
    named = isinstance(schema, str) and re.fullmatch(SCHEMA_FILE, schema.strip())
    return {key: item for key, item in endpoint.items() if key != "schema" or not named}


# ── what inheritance decides ──────────────────────────────────────────────────────────────────────


def _completed(written: dict[str, Any]) -> Iterator[tuple[Place, tuple[str, dict[str, Any]]]]:
    """The mappings that are laid over others, by their place, each with its family and what it says itself."""
    for above, inherited in (("endpoints", {*INHERITED} - {"rate_limit"}), ("environments", {"auth"})):
        homes = written.get(above)
        for name, home in homes.items() if isinstance(homes, dict) else ():
            for key in inherited & families().keys() & (home.keys() if isinstance(home, dict) else set()):
                if isinstance(home[key], dict):
                    yield (above, name, key), (key, home[key])


def _decided_above(place: Place, code: str, completed: Mapping[Place, tuple[str, dict[str, Any]]]) -> bool:
    """Whether what is inherited decides if this is a mistake; a mapping that says no kind is judged by itself."""
    if place[:1] + place[2:3] == ("endpoints", "idempotency"):
        return code == "missing"
    return place[:3] in completed and (code in LACKING or "type" not in completed[place[:3]][1])


def _unfit_inside(
    found: Found, completed: Mapping[Place, tuple[str, dict[str, Any]]], written: dict[str, Any]
) -> Iterator[Place]:
    """The sign-ins inside others that may inherit their kind, and fit none."""
    for location, code in found:
        place = _in_document(location, written)
        if code == "missing_type" and place[:3] in completed and place != place[:3]:
            own = _at(place, written)
            if isinstance(own, dict) and not _fits_a_kind(completed[place[:3]][0], own):
                yield place


def _fits_a_kind(key: str, own: dict[str, Any]) -> bool:
    """Whether it may be a part of one of the family's kinds."""
    for name, kind in families()[key].kinds.items():
        whole = {"type": name, **own}
        if not _misshapen([one for one in _mistakes(kind, whole) if one[1] not in LACKING], whole):
            return True
    return False


# ── what a union refuses ──────────────────────────────────────────────────────────────────────────


def _misshapen(found: Found, written: Any) -> list[Place]:
    """The places of mistakes of structure; a value that may be one of several things has to be none of them."""
    by_place: dict[Place, Found] = {}
    for location, code in found:
        place = _in_document(location, written)
        by_place.setdefault(place, []).append((location[len(place) :], code))
    return [place for place, mistakes in by_place.items() if _structural(mistakes, _at(place, written))]


def _structural(mistakes: Found, value: Any) -> bool:
    """Whether mistakes at one place are of structure: its own, that of its key, or one in each branch of a union."""
    branches: dict[Any, Found] = {}
    for rest, code in mistakes:
        if rest in ((), ("[key]",)):
            if code in STRUCTURE:
                return True
        else:
            branches.setdefault(rest[0], []).append((rest[1:], code))
    return bool(branches) and all(_misshapen(inner, value) for inner in branches.values())


def _in_document(location: Place, written: Any) -> Place:
    """The location up to pydantic's first word of its own: a branch of a union, or a key that is missing."""
    for end, step in enumerate(location):
        known = written if isinstance(written, dict) else range(len(written)) if isinstance(written, list) else ()
        if step not in known:
            return location[:end]
        written = written[step]
    return location


def _at(place: Place, written: Any) -> Any:
    for step in place:
        written = written[step]
    return written
