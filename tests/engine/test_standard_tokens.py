"""The integration standard's defects in renewing tokens, T1 to T4: ours has none, and a naive manager has them all.

The naive one looks whether the token has five minutes left and renews it then and there: nobody waits for another's
renewal, a failure throws the token away, what it gets is used before it is kept, and a refusal renews nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import nan

import pytest

from connector_core.auth import Session
from connector_core.engine import connection
from connector_core.engine.credentials import Credential
from connector_core.exceptions import AuthenticationError, IntegrationError
from connector_core.http import Request, Response
from connector_core.plan import Plan
from connector_core.testing import VirtualClock, respond
from tests.engine.test_credentials import Service, ticket  # noqa: F401 - a fixture

THRESHOLD = 300.0


class Naive(Credential):
    """Renews as the standard's pseudo-code does."""

    async def ready(self, plan: Plan) -> Session:
        effects, token = self._account.effects, self.session.token
        ends = token.expires if token is not None and token.expires is not None else nan
        if token is None or ends - effects.now() < THRESHOLD:
            try:
                self.session.token = await self._obtained(token, plan)
                await effects.tokens_kept().put(self.name, self.session.token, None)
            except IntegrationError:
                self.session.token = None
                raise AuthenticationError("the token could not be renewed") from None
        return self.session

    def refused(self, token: object) -> bool:  # noqa: ARG002 - nobody is told
        return False


class KeepsItsRefreshToken(Service):
    """Gives a refresh token once, which serves for ever (RFC 6749 §6)."""

    async def _ticket(self, request: Request) -> Response:
        self.used.append(request.body.get("refresh"))
        self.given += 1
        self.valid = {f"t{self.given}"}
        refresh = {"refresh": "r1"} if self.given == 1 else {}
        return respond(json={"access": f"t{self.given}", "lives": self.lives, **refresh})


async def t1(service: Service) -> None:
    """Twenty callers with a token that has ended: one renewal, no error."""
    async with service.opened() as demo:
        await demo.call("thing")
        await service.clock.sleep(1001)
        service.takes = 1.0
        await asyncio.gather(*(demo.call("thing") for _ in range(20)))
    assert service.used == [None, "r1"]


async def t2(service: Service) -> None:
    """A renewal that fails for now costs nothing: the token serves until it ends, and its refresh token after that."""
    async with service.opened() as demo:
        await demo.call("thing")
        await service.clock.sleep(945)
        service.fails = [respond(503)] * 3
        await demo.call("thing")
        await service.clock.sleep(60)
        await demo.call("thing")
    assert service.used == [None, "r1"]


async def t3(service: Service) -> None:
    """A renewal that brings no refresh token leaves the one that is there."""
    service = KeepsItsRefreshToken(service.clock)
    async with service.opened() as demo:
        for _ in range(3):
            await demo.call("thing")
            await service.clock.sleep(1001)
    assert service.used == [None, "r1", "r1"]


async def t4(service: Service) -> None:
    """A token of two minutes is renewed when it ends, not at every call, and one that is refused before that, too."""
    service.lives = 120.0
    async with service.opened() as demo:
        for _ in range(5):
            await demo.call("thing")
        assert service.given == 1
        service.valid.clear()
        await demo.call("thing")
    assert service.given == 2


ROWS = [t1, t2, t3, t4]


@pytest.mark.parametrize("row", ROWS)
async def test_standard(row: Callable[[Service], Awaitable[None]]):
    """The row of the standard's defects holds for ours."""
    await row(Service(VirtualClock()))


@pytest.mark.parametrize("row", ROWS)
async def test_the_naive_one_fails(row: Callable[[Service], Awaitable[None]], monkeypatch):
    """The same row tells the naive manager from ours."""
    monkeypatch.setattr(connection, "Credential", Naive)
    with pytest.raises((AssertionError, IntegrationError)):
        await row(Service(VirtualClock()))
