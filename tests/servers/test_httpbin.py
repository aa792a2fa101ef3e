"""httpbin's digest authentication, which nobody here wrote."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from connector_core import Connector
from connector_core.events import RequestFinished
from connector_core.exceptions import AuthenticationError

pytestmark = pytest.mark.servers("httpbin", 18048)


def document(path: str) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "digests",
        "secrets": {"password": {}},
        "base_url": "http://127.0.0.1:18048",
        "auth": {"type": "digest", "username": "u", "password": "{{ secrets.password }}"},
        "endpoints": {"who": {"get": f"/digest-auth/{path}", "output": "body"}},
    }


async def answered(path: str, password: str = "p", times: int = 1) -> list[int]:
    """The statuses of the service's answers to so many calls; a refusal ends them."""
    found: list[int] = []
    opening: Any = Connector.open(
        document(path),
        secrets={"password": password},
        network="loopback",
        listeners=[lambda event: found.append(event.status) if isinstance(event, RequestFinished) else None],
    )
    async with opening as connector:
        with suppress(AuthenticationError):
            for _ in range(times):
                await connector.call("who")
    return found


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
async def test_let_in(qop, algorithm):
    """One challenge, and then requests are let in at once."""
    assert await answered(f"{qop}/u/p/{algorithm}", times=3) == [401, 200, 200, 200]


async def test_the_strongest_of_two_qops():
    """Where the service leaves the choice, `auth` is met."""
    assert await answered("any/u/p/SHA-256") == [401, 200]


async def test_a_wrong_password():
    """It is tried once."""
    assert await answered("auth/u/p/MD5", "hunter2") == [401, 401]
