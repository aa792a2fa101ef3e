"""What the parts of a connection see of the whole: whose they are, what is impure, and who is told."""

from __future__ import annotations

from typing import Any, Protocol

from connector_core.auth import Token
from connector_core.engine.effects import Effects
from connector_core.engine.references import Referred
from connector_core.engine.transport import Transport
from connector_core.events import Event
from connector_core.plan import Plan
from connector_core.spec import Spec

__all__ = ["Account"]


class Account(Protocol):
    """One account of one service; the connection is one."""

    spec: Spec
    name: str
    effects: Effects
    transport: Transport
    referred: Referred | None
    """The secrets that are given by reference; None: there are none."""

    def announce(self, event: type[Event], endpoint: str, **about: Any) -> None:
        """Tells whoever listens of something on that endpoint."""

    def names(self, plan: Plan) -> dict[str, Any]:
        """The names that templates may read in what is done for that endpoint."""

    def learn(self, token: Token, credential: str = "auth") -> None:
        """A token is used from now on, for that `auth` of the spec: its facts can be read, its texts are secrets."""

    def sign_in_homes(self, plan: Plan) -> frozenset[str]:
        """The origins that the endpoint's sign-in may ask."""

    def mask(self, text: str) -> str:
        """The text with the account's secrets taken out."""
