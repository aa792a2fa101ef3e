"""A token as the service gave it: what it opens, what renews it, and until when it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

__all__ = ["LEEWAY", "Token"]

LEEWAY = 60.0
"""Seconds before its end at which a token is renewed; a tenth of its life where that is less."""


class Token(Struct, frozen=True):
    """What signs requests until it ends; a value, so that those who hold it see no other while they use it."""

    access: str
    """What is shown to the service."""
    refresh: str | None = None
    """What a new token is asked for with; None: whatever the first one was."""
    expires: float | None = None
    """When it ends, in seconds since 1970; None: when the service says so."""
    obtained: float = 0.0
    """When it came, in seconds since 1970."""
    answer: Mapping[str, Any] = {}
    """The service's whole answer, and those that it renews: templates read it as `token.…`."""
    redirect: Mapping[str, str] = {}
    """What the service sent back with a person who signed in: templates read it as `redirect.…`."""

    def __repr__(self) -> str:
        return f"Token(expires={self.expires})"

    def holds(self, now: float) -> bool:
        """Whether it has not ended."""
        return self.expires is None or now < self.expires

    def fresh(self, now: float, dice: float = 0.0) -> bool:
        """Whether it need not be renewed yet; `dice` in [0, 1) brings that forward, so that not all come at once."""
        if self.expires is None:
            return True
        leeway = min(LEEWAY, (self.expires - self.obtained) / 10)
        return now < self.expires - leeway * (1 + dice / 10)

    def after(self, held: Token | None) -> Token:
        """The token with what it leaves out of the one that it replaces: services repeat only what has changed."""
        if held is None:
            return self
        return replace(
            self,
            refresh=self.refresh or held.refresh,
            answer={**held.answer, **self.answer},
            redirect=self.redirect or held.redirect,
        )

    @property
    def names(self) -> dict[str, Any]:
        """What templates read below `token`; what renews it is not among it."""
        hidden = {"refresh_token", "refresh"}
        return {**{name: value for name, value in self.answer.items() if name not in hidden}, "access": self.access}
