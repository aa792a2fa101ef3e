"""The proxy: what a client sees of each fault, and what the service behind it saw."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from connector_core import Connector
from connector_core.engine.transport import AiohttpTransport
from connector_core.events import Event, RetryScheduled
from connector_core.exceptions import ConfigError, ConnectionError
from connector_core.http import Request
from connector_core.testing import Chaos, Simulator, simulated
from tests.engine.servers import answer, chunked, serving
from tests.testing.specs import shop

BODY = b"x" * 2000


@pytest.fixture
async def hasty():
    made = AiohttpTransport(network="loopback", read_timeout=0.2, timeout=0.4)
    yield made
    await made.aclose()


async def ended(transport: AiohttpTransport, url: str) -> Any:
    """How a request ended: the status, or what the error says of itself."""
    try:
        response = await transport.send(Request("POST", f"{url}/a", body={"a": 1}, encoding="json"))
    except ConnectionError as error:
        return error.code, error.phase
    return response.status, len(response.content)


@pytest.mark.parametrize(
    "faults, expected, acted",
    [
        ("", (200, 2000), 1),
        ("reset", ("connection.reset", "sent"), 1),
        ("closed", ("connection.closed", "sent"), 1),
        ("timeout", ("timeout.read", "sent"), 1),
        ("timeout=10ms", ("connection.closed", "sent"), 1),
        ("truncate", ("connection.truncated", "answered"), 1),
        ("truncate=0B", ("connection.truncated", "answered"), 1),
        ("truncate=5000B", ("connection.truncated", "answered"), 1),
        ("down", ("connection.reset", "sent"), 0),
        ("503", (503, 41), 0),
        ("429=2s", (429, 41), 0),
        ("bandwidth=1KB/s", ("timeout.total", "answered"), 1),
    ],
)
async def test_what_a_client_sees(hasty, faults, expected, acted):
    """Each fault as the transport tells it, and whether the service had the request; nothing stays behind."""
    async with serving(answer(BODY)) as server, Chaos(server.url, faults) as proxy:
        assert await ended(hasty, proxy.url) == expected
        assert len(server.heads) == acted
        assert dict(proxy.happened) == {faults.partition("=")[0] if faults and "band" not in faults else "ok": 1}


async def test_retry_after_is_told(hasty):
    """The amount of a status is its Retry-After; without one it tells none."""
    async with serving(answer()) as server, Chaos(server.url, "429=2s") as proxy:
        assert (await hasty.send(Request("GET", proxy.url))).headers["retry-after"] == "2"
        proxy.change("503")
        response = await hasty.send(Request("GET", proxy.url))
        assert (response.status, "retry-after" in response.headers) == (503, False)


async def test_late_and_slow(hasty, monkeypatch):
    """Waits are what was asked for: before the answer, and between its pieces."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("connector_core.testing.chaos._sleep", sleep)
    async with serving(answer(BODY)) as server, Chaos(server.url, "latency=70ms") as proxy:
        assert await ended(hasty, proxy.url) == (200, 2000)
        assert waits == [0.07]
        waits.clear()
        proxy.change("drip=20ms")
        assert await ended(hasty, proxy.url) == (200, 2000)
        assert waits == [0.02] * 31  # 64 bytes each
        waits.clear()
        proxy.change("bandwidth=2KB/s")
        assert await ended(hasty, proxy.url) == (200, 2000)
        assert sum(waits) == pytest.approx(1, abs=0.06)


async def test_requests_and_answers_pass_unchanged():
    """Method, path, query, headers, body, and every field of the answer."""
    long = chunked(b"ab", b"c", headers=("Set-Cookie: a", "Set-Cookie: b", "Content-Encoding: odd"))
    async with (
        serving(long, answer(status="404 Not Found")) as server,
        Chaos(server.url) as proxy,
        aiohttp.ClientSession(auto_decompress=False) as client,
    ):
        target = f"{proxy.url}/a%2Fb?c=%20d"
        async with client.put(target, headers={"X-Own": "1", "Host": "api.example"}, data=b"body") as found:
            assert (found.status, await found.read()) == (200, b"abc")
            assert found.headers.getall("Set-Cookie") == ["a", "b"]
            assert found.headers["Content-Encoding"] == "odd"
        async with client.head(target) as found:
            assert found.status == 404
    assert server.heads[0].startswith("PUT /a%2Fb?c=%20d HTTP/1.1\r\n")
    assert (server.header("X-Own", 0), server.header("Host", 0), server.bodies[0]) == (["1"], ["api.example"], b"body")


async def test_nothing_listens_for_a_while(hasty):
    """Stopped, connections are refused; started again, it is where it was."""
    async with serving(answer(BODY)) as server, Chaos(server.url) as proxy:
        url = proxy.url
        assert await ended(hasty, url) == (200, 2000)
        await proxy.stop()
        await proxy.stop()
        await ended(hasty, url)  # the socket that was open may be found out now
        assert await ended(hasty, url) == ("connection.refused", "unsent")
        await proxy.start()
        await proxy.start()
        assert (await ended(hasty, url), proxy.url) == ((200, 2000), url)


async def test_no_service_behind_it(hasty, unused_port):
    """That is no fault of ours, and told as a proxy tells it."""
    async with Chaos(f"http://127.0.0.1:{unused_port}") as proxy:
        response = await hasty.send(Request("GET", proxy.url))
    assert response.status == 502
    assert response.content == b"the service behind the proxy cannot be had: ClientConnectorError"


@pytest.fixture
async def unused_port():
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


@pytest.mark.parametrize(
    "upstream", ["127.0.0.1:80", "https://a.example", "http://a.example/b", "http://u:p@a.example"]
)
def test_what_is_no_upstream(upstream):
    """It is told without being shown: it may hold a password."""
    with pytest.raises(ConfigError) as caught:
        Chaos(upstream)
    assert str(caught.value) == (
        "the upstream is no origin of a service over http — Chaos(upstream)"
        " — such as http://127.0.0.1:8000, without a path"
    )


async def test_a_port_in_use():
    """Is told, and the proxy leaves nothing behind."""
    async with serving(answer()) as server:
        proxy = Chaos(server.url, port=server.port)
        with pytest.raises(ConfigError) as caught:
            await proxy.__aenter__()
        assert str(caught.value) == (
            f"the proxy cannot listen on 127.0.0.1:{server.port}: Address already in use — choose another port"
        )
        with pytest.raises(ConfigError, match="the proxy is not running"):
            _ = proxy.url


# ── in the simulator ──────────────────────────────────────────────────────────────────────────────

PAGED = {"type": "page_number", "size": {"put": "query.limit", "value": 10}, "total": "body.meta.total"}


@pytest.mark.parametrize("faults", ["reset=4%,503=4%,truncate=4%,429=1s@4%,closed=4%", "503=20%"])
async def test_what_goes_wrong_is_made_good(faults):
    """Through a service that fails one request in five, every record comes, once and in order."""
    async with simulated(shop(PAGED), records=1000, faults=faults, seed=5) as connector:
        found = [order["id"] async for order in connector.read("orders")]
    async with simulated(shop(PAGED), records=1000) as connector:
        assert found == [order["id"] async for order in connector.read("orders")]


@pytest.mark.parametrize("pagination", [PAGED, {"type": "cursor", "take": "body.next", "size": PAGED["size"]}])
async def test_a_thousand_pages_with_two_faults_in_a_hundred(pagination):
    """Nothing is lost and nothing comes twice, whatever the faults; each of them came about."""
    faults = "reset=0.4%,closed=0.4%,truncate=0.4%,503=0s@0.4%,429=0s@0.4%"
    retried: list[RetryScheduled] = []

    def hear(event: Event) -> None:
        if isinstance(event, RetryScheduled):
            retried.append(event)

    opening = simulated(shop(pagination), records=10_000, faults=faults, seed=7, listeners=[hear])
    async with opening as connector:
        found = [order["id"] async for order in connector.read("orders")]
    assert found == list(range(1, 10_001))
    assert 10 <= len(retried) <= 40
    assert len({re.sub(r"[0-9.:]{9,}", "", event.reason) for event in retried}) == 5


async def test_the_simulator_tells_what_happened():
    """The requests that came in have the fault that befell them, and the status of the service, if it was asked."""
    async with Simulator(shop(), faults="reset=50%,503=25%", seed=1) as service:
        transport = service.transport()
        for _ in range(40):
            with suppress(ConnectionError):
                await transport.send(Request("GET", f"{service.config['shop_url']}/api/v1/orders"))
        await transport.aclose()
        seen = {(found.status, found.fault) for found in service.requests}
    assert seen == {(401, ""), (401, "reset"), (503, "503")}


async def test_an_app_that_is_held_up_ends(hasty):
    """A simulator whose requests hang is closed with them."""
    async with Simulator(shop(), faults="timeout") as service:
        task = asyncio.create_task(hasty.send(Request("GET", service.url)))
        while not service.requests:  # noqa: ASYNC110 - the request is on its way through a socket
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_connector_behind_the_proxy():
    """A config value is all that a connector needs to be led through it."""
    async with Simulator(shop(), records=3) as service, Chaos(service.url, "503=30%", seed=2) as proxy:
        config = {"shop_url": proxy.url}
        async with Connector.open(shop(), config=config, secrets=service.secrets, network="loopback") as connector:
            assert len([order async for order in connector.read("orders")]) == 3
