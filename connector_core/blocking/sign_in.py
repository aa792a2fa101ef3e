"""How a person signs in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from connector_core.engine import sign_in as awaited
from connector_core.engine.thread import LoopThread

if TYPE_CHECKING:
    from connector_core.auth.oauth2.people import DeviceCode
    from connector_core.exceptions import IntegrationError

__all__ = ["SignIn"]


class SignIn:
    """The sign-in of one connection by a person; see `connector_core.engine.sign_in.SignIn`."""

    def __init__(self, sign_in: awaited.SignIn, loop: LoopThread) -> None:
        self._sign_in, self._loop = sign_in, loop

    @property
    def ways(self) -> Collection[str]:
        """How a person can sign in: by `browser`, on another `device`; empty: nobody has to."""
        return self._sign_in.ways

    def begin(self, redirect_uri: str) -> awaited.Begun:
        """The way there; the person comes back to `redirect_uri`, which is registered at the service."""
        return self._loop.run(self._sign_in.begin(redirect_uri))

    def finish(self, redirect: str | Mapping[str, str], cookie: str) -> None:
        """Keeps the token of whoever came back; raises AuthenticationError where it is not that way."""
        self._loop.run(self._sign_in.finish(redirect, cookie))

    def on_device(self, show: Callable[[DeviceCode], None]) -> None:
        """Has a code shown, by the background thread, and keeps the token once it was typed on another device."""
        self._loop.run(self._sign_in.on_device(show))

    def status(self) -> awaited.SignedIn | None:
        """Whether somebody has signed in."""
        return self._loop.run(self._sign_in.status())

    def end(self) -> IntegrationError | None:
        """Forgets the token, and gives it back where the spec says how; what keeps the service from taking it back."""
        return self._loop.run(self._sign_in.end())
