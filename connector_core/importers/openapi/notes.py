"""What the importer tells besides the spec: its guesses, and what it left out."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Notes", "cleaned", "sentence"]

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]+")
LONGEST = 160


def cleaned(text: str) -> str:
    """The text on one line, without what no line may hold."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def sentence(value: Any, longest: int = LONGEST) -> str:
    """The first sentence of a text, cut where it is long; empty where it is no text."""
    if not isinstance(value, str):
        return ""
    text = cleaned(value[: 20 * LONGEST].strip().partition("\n\n")[0])
    first = re.match(r".+?[.!?](?=\s|$)", text)
    text = first[0] if first else text
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


class Notes:
    """Collected while a spec is made; each note once."""

    def __init__(self) -> None:
        self._guesses: dict[tuple[str, ...], tuple[str, str]] = {}
        self._left: dict[tuple[str, str], None] = {}

    def guess(self, path: tuple[str, ...], what: str, check: str) -> None:
        """What stands at `path` was guessed, from `what`; `check` tells what to look at."""
        self._guesses[path] = (cleaned(what), cleaned(check))

    def left(self, where: str, what: str) -> None:
        """Something of the document at `where` is not in the spec."""
        self._left[cleaned(where), cleaned(what)] = None

    def move(self, path: tuple[str, ...], to: tuple[str, ...]) -> None:
        """What was guessed at `path` stands at `to` now."""
        if found := self._guesses.pop(path, None):
            self._guesses.setdefault(to, found)

    def forget(self, endpoint: str) -> None:
        """The endpoint is not in the spec."""
        self._guesses = {path: told for path, told in self._guesses.items() if path[:2] != ("endpoints", endpoint)}

    def comment(self, path: tuple[str, ...]) -> str:
        """What stands above the key at `path`; empty: nothing."""
        found = self._guesses.get(path)
        return f"guessed: {found[0]}" if found else ""

    def guesses(self) -> list[str]:
        """Every guess in a line; those that say the same of several endpoints in one."""
        told: dict[tuple[str, str, str], list[str]] = {}
        for path, (what, check) in self._guesses.items():
            inside = path[:1] == ("endpoints",)
            place = f"{'.'.join(path[2:])} of " if inside else ".".join(path)
            told.setdefault((place, what, check), []).extend(path[1:2] if inside else ())
        return [f"{place}{named(names)}: {what}; check {check}" for (place, what, check), names in told.items()]

    def left_out(self) -> list[str]:
        """Everything that is left out, in a line each; what is said of several places in one."""
        told: dict[str, list[str]] = {}
        for where, what in self._left:
            told.setdefault(what, []).append(where)
        return [f"{named(places)}: {what}" for what, places in told.items()]


_MOST_NAMED = 8


def named(names: list[str]) -> str:
    """`a, b and 3 more`."""
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else shown
