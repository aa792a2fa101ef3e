"""Whether an integration may be used now: the operator's switch, the provider's maintenance, then the app's flag.

An open circuit is not asked: it refuses requests by itself, and if it counted here, nobody would find out that the
service works again.
"""

from __future__ import annotations

import logging
from inspect import isawaitable

from connector_core.engine.account import Account
from connector_core.engine.switches import Flags
from connector_core.engine.until import awaited
from connector_core.events import RequestRefused
from connector_core.exceptions import TimeoutError, UnavailableError
from connector_core.formats import instant, written

__all__ = ["Gate"]

log = logging.getLogger("connector_core")


class Gate:
    """What one connection has to ask before it sends anything."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._spec, self._effects = account.spec, account.effects
        declared = account.spec.availability
        self._away = [(each.begins, each.ends, each.message) for each in declared.maintenance] if declared else []
        self._flag = (declared.flag if declared else None) or f"integration.{account.spec.name}"

    @property
    def watched(self) -> bool:
        """Whether there is anything to ask."""
        effects = self._effects
        return bool(self._away) or effects.switches is not None or effects.flags is not None

    async def check(self, endpoint: str) -> None:
        """Raises UnavailableError where it may not be used."""
        if (refused := await self.refused()) is not None:
            refused.where = endpoint
            refused.args = (" — ".join(part for part in (refused.what, endpoint, refused.hint) if part),)
            refused.context["endpoint"] = endpoint
            self._account.announce(RequestRefused, endpoint, code=refused.code, wait=refused.retry_after)
            raise refused

    async def refused(self) -> UnavailableError | None:
        """Why it may not be used, as the error that a request would meet; None: it may."""
        name, now = self._spec.name, self._effects.now()
        switch = self._effects.switches.get(name) if self._effects.switches is not None else None
        if switch is not None and (switch.until is None or now < switch.until):
            state = "switched off" if switch.state == "disabled" else "under maintenance"
            return self._error(f"{name} is {state}", switch.message, f"switch.{switch.state}", switch.until)
        for begins, ends, message in self._away:
            if begins <= now < ends:
                return self._error(f"{name} is under maintenance by its provider", message, "maintenance", ends)
        if self._effects.flags is not None and not await self._on(self._effects.flags):
            return self._error(f"{name} is switched off by the flag {self._flag}", "", "flag", None)
        return None

    async def _on(self, flags: Flags) -> bool:
        try:
            found = flags(self._flag, True, {"connector": self._spec.name, "connection": self._account.name})
            if isawaitable(found):
                found = await awaited(found, self._effects.monotonic, f"availability.flag: {self._flag}")
            return bool(found)
        except TimeoutError:  # ours: whoever asks has no time left
            raise
        except Exception:
            log.exception("the flag %s can't be told, and counts as on", self._flag)
            return True

    def _error(self, what: str, message: str, why: str, until: float | None) -> UnavailableError:
        now = self._effects.now()
        hint = f"until {written(instant(int(until)))}" if until is not None else "whoever has done that can undo it"
        return UnavailableError(
            f"{what}: {message}" if message else what,
            hint=hint,
            code=f"unavailable.{why}",
            retryable=until is not None,
            retry_after=max(until - now, 0.0) if until is not None else None,
            context={"connector": self._spec.name, "connection": self._account.name},
        )
