"""One claim: a sentence about a kind, and the check that shows whether it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from msgspec import Struct

from connector_core.plugins import place_of

__all__ = ["Claim", "refuse"]


class Claim(Struct, frozen=True):
    """What a kind must keep. Calling it raises AssertionError where the kind does not; its text is its short name."""

    kind: str
    """Whose, such as `pagination letters`."""
    name: str
    """The short name, in words joined by hyphens."""
    must: str
    """What the kind must do: `must` and this make a sentence."""
    run: Callable[[], None]

    def __str__(self) -> str:
        return self.name

    def __call__(self) -> None:
        """Checks it; raises AssertionError."""
        try:
            self.run()
        except AssertionError as error:
            raise AssertionError(f"{self._sentence}:\n  {error}") from None
        except Exception as error:
            what = f"it raises {type(error).__name__}: {error}{place_of(error)}"
            raise AssertionError(f"{self._sentence}:\n  {what}") from error

    def broken(self) -> str | None:
        """What is wrong, in words; None where it holds."""
        try:
            self()
        except AssertionError as error:
            return str(error)
        return None

    @property
    def _sentence(self) -> str:
        return f"{self.kind} must {self.must} ({self.name})"


def refuse(what: str) -> NoReturn:
    """Raises AssertionError."""
    raise AssertionError(what)
