"""From references to the secrets that they stand for, when a request needs them.

::

    unknown ──fetch──▶ known ──`ttl` over, or refused by the service──▶ old ──fetch──▶ known
                                                                         └─nobody answers──▶ known, for a while

Rule 1: whoever needs the same secret shares one look-up, which goes on when they give up.
Rule 2: a look-up ends in time, whoever it asks.
Rule 3: where nobody answers, what is known is used further; where the secret is gone, it is not.
Rule 4: nothing is raised where a variable holds a secret: tools show the variables beside a traceback.
"""

from __future__ import annotations

import asyncio
import logging
from builtins import TimeoutError as BuiltinTimeoutError
from collections.abc import Collection, Mapping
from contextvars import Context
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from connector_core.config import SecretRef, settled_secrets, typed_secret
from connector_core.engine.until import awaited
from connector_core.exceptions import ConfigError, ConnectionError, IntegrationError, UnavailableError, alone
from connector_core.plugins import place_of
from connector_core.secrets import Backends, World

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["References", "Referred"]

log: logging.Logger = logging.getLogger("connector_core")

TTL = 300.0
"""Seconds that a secret is used before it is looked up again."""
LONGEST = 30.0
"""Seconds that a look-up may take."""
DATED = 5.0
"""Seconds that a backend may take to say how old a secret is."""
REST = 30.0
"""Seconds before a secret that could not be looked up, or that is refused as it is, is looked up again."""


class _Known(Struct):
    """A secret that has been looked up."""

    text: str
    until: float
    """When it is old."""
    rests_until: float = float("-inf")
    """Until when it is not looked up again because a service refuses it."""

    def __repr__(self) -> str:
        return "_Known()"


class References:
    """The secrets of one engine by their references: every connection that names one has the same."""

    def __init__(self, backends: Backends, world: World, monotonic: Callable[[], float], ttl: float = TTL) -> None:
        """`monotonic`: a clock in seconds; `ttl`: how many a secret is used before it is looked up again."""
        self._backends, self._world = backends, world
        self._monotonic, self._ttl = monotonic, ttl
        self._known: dict[SecretRef, _Known] = {}
        self._flights: dict[SecretRef, asyncio.Task[str | IntegrationError]] = {}
        self._dates: dict[SecretRef, tuple[float | None, float]] = {}
        """When secrets were put there, and until when that is not asked for again."""

    def __repr__(self) -> str:
        return f"References({len(self._known)})"

    def problem(self, reference: SecretRef) -> ConfigError | None:
        """Why it leads nowhere, as far as can be told at once; None: it may be looked up."""
        try:
            self._backends.of(reference.scheme).check(reference.rest)
        except ConfigError as error:
            return error
        return None

    async def found(self, reference: SecretRef, where: str) -> str:
        """The secret; raises IntegrationError. `where`: what it is wanted for."""
        known = self._known.get(reference)
        if known is not None and self._monotonic() < known.until:
            return known.text
        return await self._looked_up(reference, where)

    async def found_anew(self, reference: SecretRef, where: str) -> str:
        """The secret as it is now, since a service refuses it as it is known; raises IntegrationError."""
        before = self._known.get(reference)
        if before is not None and self._monotonic() < before.rests_until:
            return before.text
        text = await self._looked_up(reference, where)
        if before is not None and text == before.text:
            self._known[reference].rests_until = self._monotonic() + REST
        return text

    async def since(self, reference: SecretRef) -> float | None:
        """When the secret was put where it is kept, in seconds since 1970; None: nobody can tell, for whatever reason.

        It is asked for no more often than the secret itself.
        """
        known = self._dates.get(reference)
        if known is not None and self._monotonic() < known[1]:
            return known[0]
        at: float | None = None
        try:
            async with asyncio.timeout(DATED):
                at = await self._backends.of(reference.scheme).since(reference.rest, self._world)
        except Exception as error:  # noqa: BLE001 - an app's own backend; that a secret is old is no reason to fail
            log.debug("how old the secret at %s is, nobody tells: %s", reference.text, type(error).__name__)
        self._dates[reference] = (at, self._monotonic() + self._ttl)
        return at

    async def _looked_up(self, reference: SecretRef, where: str) -> str:
        if (flight := self._flights.get(reference)) is None:
            # in a context of its own: it has its own time, whoever begins it
            flight = self._flights[reference] = asyncio.create_task(self._fetched(reference), context=Context())
            flight.add_done_callback(lambda _: self._flights.pop(reference, None))
        # `wait` leaves the task alone when whoever waits is cancelled
        await awaited(asyncio.wait([flight]), self._monotonic, where, " before the secret was looked up")
        if flight.cancelled():
            raise ConfigError("the engine is closed", where=where, code="connection.closed")
        found = flight.result()
        if isinstance(found, str):
            return found
        raise _named(where, found)

    async def _fetched(self, reference: SecretRef) -> str | IntegrationError:
        """The secret, which is known from now on, or why there is none."""
        try:
            text = await self._in_time(reference)
        except IntegrationError as error:
            alone(error)
            known = self._known.get(reference)
            if known is None or not isinstance(error, (ConnectionError, UnavailableError)):
                self._known.pop(reference, None)
                return error
            log.warning("the secret at %s is used as it was: %s", reference.text, error)
            known.until = self._monotonic() + REST
            return known.text
        if (known := self._known.get(reference)) is not None and known.text != text:
            self._dates.pop(reference, None)
        self._known[reference] = _Known(text, self._monotonic() + self._ttl)
        return text

    async def _in_time(self, reference: SecretRef) -> str:
        """No virtual clock may jump to the end of this: whoever is asked lives in real time."""
        try:
            async with asyncio.timeout(LONGEST):
                return await self._backends.of(reference.scheme).fetch(reference.rest, self._world)
        except BuiltinTimeoutError:
            raise UnavailableError(
                f"{reference.scheme}: gave no answer within {LONGEST:g} s",
                where=reference.text,
                hint="is it up?",
                code="secret.unavailable",
                retryable=True,
            ) from None
        except IntegrationError:
            raise
        except Exception as error:  # noqa: BLE001 - an app's own backend; its text may quote the secret
            raise ConfigError(
                f"the backend of {reference.scheme}: fails with {type(error).__name__}{place_of(error)}",
                where=reference.text,
                hint="mend the backend",
                code="secret.failed",
            ) from None

    async def aclose(self) -> None:
        """Ends every look-up that is under way."""
        flights, self._flights = list(self._flights.values()), {}
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


def _named(where: str, error: IntegrationError) -> IntegrationError:
    """The error, for one of those who wait for the same."""
    return type(error)(
        f"{where}: {error.what}",
        where=error.where,
        hint=error.hint,
        code=error.code,
        retryable=error.retryable,
        retry_after=error.retry_after,
    )


# ── of one account ────────────────────────────────────────────────────────────────────────────────


class Referred:
    """The secrets of one account that are given by reference; it puts them where templates read them."""

    def __init__(
        self, references: References, given: Mapping[str, SecretRef], declared: Mapping[str, dict[str, Any]],
        secrets: dict[str, Any], learn: Callable[[Any], None],
    ) -> None:  # fmt: skip
        """`secrets`: where they are put; `learn`: told of each. Raises ConfigError for one that leads nowhere."""
        self.references: Mapping[str, SecretRef] = given
        """By the names of the secrets."""
        self._references, self._given = references, given
        self._declared, self._secrets, self._learn = declared, secrets, learn
        self._texts: dict[str, str] = {}
        self.changes: int = 0
        """How often one has become another."""
        for name, reference in given.items():
            if (problem := references.problem(reference)) is not None:
                raise _named(f"secret {name}", problem)

    async def ready(self, names: Collection[str] | None) -> None:
        """Has these secrets where templates read them (None: all); raises IntegrationError where one can't be had."""
        for name, reference in self._wanted(names):
            self._put(name, await self._references.found(reference, f"secret {name}"))

    async def renewed(self, names: Collection[str] | None, changes: int) -> bool:
        """Whether one is another now than it was at so many `changes`: the service refuses what was made of them."""
        if self.changes != changes:
            return True
        for name, reference in self._wanted(names):
            try:
                self._put(name, await self._references.found_anew(reference, f"secret {name}"))
            except IntegrationError as error:  # what the service said is what the caller is told
                log.warning("a secret that is refused cannot be looked up again: %s", error)
        return self.changes != changes

    def told_apart(self) -> list[Any]:
        """What is another value where the account's secrets are, whether they have been looked up yet or not."""
        return [*self.given(), self.changes]

    def given(self) -> list[Any]:
        """The account's secrets as they were passed: as themselves, or as what they are referred to by."""
        plain = {name: value for name, value in self._secrets.items() if name not in self._given}
        return [plain, {name: reference.text for name, reference in self._given.items()}]

    def _wanted(self, names: Collection[str] | None) -> list[tuple[str, SecretRef]]:
        return [(name, found) for name, found in self._given.items() if names is None or name in names]

    def _put(self, name: str, text: str) -> None:
        if self._texts.get(name) == text:
            return
        schema = self._declared[name]
        value = typed_secret(schema, text)
        self._learn(value)  # before anything can be told of it
        problem = _misfit(name, schema, value)
        if problem is None:
            self.changes += name in self._texts
            self._secrets[name], self._texts[name] = value, text
        del text, value
        if problem is not None:
            raise problem


def _misfit(name: str, schema: dict[str, Any], value: Any) -> ConfigError | None:
    """Why the secret is not what the spec declares."""
    try:
        settled_secrets({name: schema}, {name: value})
    except ConfigError as error:
        return ConfigError(error.what, hint=error.hint, code=error.code)
    return None
