"""Whether a service is well, found out with one harmless request that is never sent more often than the spec says.

Rule 1: a check ends in time, whatever the service does; all who ask meanwhile share it, and later ones its answer.
Rule 2: what is told holds no text of the service: a code, and times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from connector_core.engine.read import found
from connector_core.engine.rotation import SecretDue, secrets_due
from connector_core.events import HealthChanged
from connector_core.exceptions import ConfigError, IntegrationError, UnavailableError
from connector_core.health import Health, Seen, judge

if TYPE_CHECKING:
    from connector_core.engine.connection import Connection

__all__ = ["Checkup", "HealthReport"]


class HealthReport(Struct, frozen=True, kw_only=True):
    """How a service is, as far as is known."""

    name: str
    """The connector's name."""
    status: Literal["healthy", "degraded", "unhealthy", "unavailable"]
    """`unavailable`: it is switched off or under maintenance, and was not asked."""
    code: str | None = None
    """What the last check ran into, as the code of an exception; None: it went well."""
    response_time: float | None = None
    """Seconds that the last check took; None: there was no answer."""
    checked_at: float
    """Seconds since 1970 when the last check ended."""
    retry_after: float | None = None
    """Seconds until it may be better, where somebody said so."""
    secrets_due: tuple[SecretDue, ...] = ()
    """Secrets that should have been replaced by now; no status follows from them."""


class Checkup:
    """The checks of one connection."""

    def __init__(self, connection: Connection, ask: Callable[[str], Awaitable[object]]) -> None:
        """`ask` calls an endpoint."""
        self._connection, self._ask = connection, ask
        self._seen: Seen | None = None
        self._last: HealthReport | None = None
        self._fresh_until = float("-inf")
        self._running: asyncio.Task[HealthReport] | None = None

    async def report(self) -> HealthReport:
        """How the service is; asks it where the last answer is too old. Raises ConfigError without `health`."""
        connection = self._connection
        connection.ready()
        spec, effects = connection.spec, connection.effects
        if spec.health is None:
            raise ConfigError(
                f"{spec.name} does not say how its health is checked",
                hint="name a harmless endpoint in the spec: health: {endpoint: …}",
                code="health.undeclared",
            )
        if connection.gate.watched and (refused := await connection.gate.refused()) is not None:
            return self._away(refused)
        if self._last is not None and effects.monotonic() < self._fresh_until:
            return self._last
        if self._running is None or self._running.done():
            connection.own(self)
            self._running = asyncio.ensure_future(self._check(spec.health))
        return await found(asyncio.shield(self._running), connection)

    def _away(self, refused: UnavailableError) -> HealthReport:
        now = self._connection.effects.now()
        return HealthReport(
            name=self._connection.spec.name,
            status="unavailable",
            code=refused.code,
            checked_at=now,
            retry_after=refused.retry_after,
        )

    async def _check(self, health: Health) -> HealthReport:
        effects, name = self._connection.effects, self._connection.spec.name
        (error, took), due = await asyncio.gather(self._timed(health), secrets_due(self._connection))
        elapsed = took if error is None else None
        before, self._seen = self._seen, judge(self._seen, health.found(elapsed))
        self._last = HealthReport(
            name=name,
            status=self._seen.told,
            code=error.code if error is not None else None,
            response_time=elapsed,
            checked_at=effects.now(),
            retry_after=error.retry_after if error is not None else None,
            secrets_due=due,
        )
        self._fresh_until = effects.monotonic() + health.every
        if before is None or before.told != self._seen.told:
            told = before.told if before is not None else ""
            self._connection.announce(HealthChanged, health.endpoint, before=told, after=self._seen.told)
        return self._last

    async def _timed(self, health: Health) -> tuple[IntegrationError | None, float]:
        """The same as `_in_time`, with the seconds that it took."""
        begun = self._connection.effects.monotonic()
        error = await self._in_time(health)
        return error, self._connection.effects.monotonic() - begun

    async def _in_time(self, health: Health) -> IntegrationError | None:
        """What the check ran into; None: it went well."""
        asking = asyncio.ensure_future(self._ask(health.endpoint))
        waiting = asyncio.ensure_future(self._connection.effects.sleep(health.timeout))
        try:
            await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                return IntegrationError("the check took too long", code="timeout.health")
            asking.result()
        except IntegrationError as error:
            return error
        finally:
            for task in (asking, waiting):
                task.cancel()
            await asyncio.gather(asking, waiting, return_exceptions=True)
        return None

    async def cut(self) -> None:
        """Ends a check that is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
