"""Real services that refuse, fail and dawdle: Django REST framework's throttles, and nginx in front of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from connector_core import Connector
from connector_core.events import Event, RateLimitHeld, RequestFinished, RequestStarted
from connector_core.exceptions import ConnectionError, IntegrationError, ServerError, TimeoutError

SPEC = Path(__file__).parent / "limited.yaml"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
DRF = pytest.mark.servers("drf", 18002)
NGINX = pytest.mark.servers("nginx", 18030)


class Holds:
    """Notes what was refused, and how many requests were made before a hold was over."""

    def __init__(self) -> None:
        self.refused = self.held = self.inside = 0
        self.until = 0.0

    def hears(self, event: Event, now: float) -> None:
        match event:
            case RequestFinished(status=429):
                self.refused += 1
            case RateLimitHeld(wait=wait):
                self.held += 1
                self.until = max(self.until, now + wait)
            case RequestStarted():
                self.inside += now < self.until


async def read(endpoint: str, holds: Holds) -> list[int]:

    listeners: list[Any] = [lambda event: holds.hears(event, time.monotonic())]
    async with Connector.open(SPEC, secrets={"token": TOKEN}, network="loopback", listeners=listeners) as service:
        return [ticket["id"] async for ticket in service.read(endpoint)]


@DRF
async def test_a_throttle_is_waited_out():
    """1,234 tickets of a service that takes five requests in a second: each comes once, whatever is refused."""
    holds = Holds()
    assert sorted(await read("tight", holds)) == list(range(1, 1235))
    assert holds.refused > 0


@DRF
async def test_a_declared_limit_is_not_run_into():
    """With the rate in the spec there is hardly a refusal, and no request inside a hold."""
    holds = Holds()
    assert sorted(await read("tight_declared", holds)) == list(range(1, 1235))
    assert holds.refused <= 5  # what the test before has used up
    assert holds.inside == 0


@DRF
@NGINX
async def test_refusals_without_a_hint():
    """429 in HTML that says nothing of when: waits grow until it is over, and nothing is lost."""
    holds = Holds()
    assert sorted(await read("behind_nginx", holds)) == list(range(1, 1235))
    assert holds.refused > 0


@DRF
@NGINX
async def test_a_declared_limit_before_nginx():
    """With its rate in the spec, nginx refuses nothing but what the test before has used up."""
    holds = Holds()
    assert sorted(await read("behind_nginx_declared", holds)) == list(range(1, 1235))
    assert holds.refused <= 2
    assert holds.inside == 0


@NGINX
@pytest.mark.parametrize(
    "endpoint, kind, code",
    [("dead", ServerError, "http.502"), ("closes", ConnectionError, "connection.closed")],
)
async def test_what_does_not_answer(endpoint, kind, code):
    """A gateway without a service behind it, and a connection that ends without an answer: tried again, then told."""
    async with Connector.open(SPEC, secrets={"token": TOKEN}, network="loopback") as service:
        with pytest.raises(kind, match="gave up after 2 attempts") as failed:
            await service.call(endpoint)
    assert failed.value.code == code
    assert isinstance(failed.value, IntegrationError)


@NGINX
async def test_an_answer_that_drips():
    """Three megabytes at twenty kilobytes a second: the time is over before the answer is."""
    async with Connector.open(SPEC, secrets={"token": TOKEN}, network="loopback") as service:
        with pytest.raises(TimeoutError) as late:
            await service.call("dawdles")
    assert (late.value.code, late.value.phase) == ("timeout.total", "answered")
