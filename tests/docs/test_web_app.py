"""The web app of the how-to keeps what its page says of clients that go away, of statuses and of the end."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connector_core import Connector, exceptions
from connector_core.exceptions import ConfigError, IntegrationError
from connector_core.testing import FakeTransport, effects, respond
from tests.docs.walkthrough import blocks

pytest.importorskip("fastapi", reason="fastapi came into the dev extra later: pip install -e '.[dev]'")

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "use-it-in-a-web-app.md").read_text("utf-8")
[SOURCE] = [block.text for block in blocks(PAGE) if block.about.get("file") == "app.py"]
SHOP = {
    "connector": "1",
    "name": "shop",
    "base_url": "https://shop.example",
    "pagination": {"type": "cursor", "take": "body.next", "put": "query.cursor"},
    "endpoints": {"orders": {"get": "/orders", "records": "body.data"}},
}
STATUSES = {
    name: int(status)
    for names, status in re.findall(r"^\| ([^|]*Error`[^|]*) \| (\d{3})", PAGE, re.MULTILINE)
    if "with the code" not in names
    for name in re.findall(r"`(\w+Error)`", names)
}


@pytest.fixture
def web():
    """The app of the page, as a module would have it."""
    names: dict[str, Any] = {"__name__": "app"}
    exec(compile(SOURCE, "app.py", "exec"), names)  # noqa: S102 - it is this project's own page
    return SimpleNamespace(**names)


class Client:
    """One request to an ASGI app, whose client goes away when it is told to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.sent: list[dict[str, Any]] = []
        self._asked = False

    async def get(self, app: Any) -> None:
        """Ends when the app has ended with it."""
        scope = {"type": "http", "method": "GET", "path": "/ann/orders", "query_string": b"", "headers": []}
        await app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        [status] = [int(message["status"]) for message in self.sent if message["type"] == "http.response.start"]
        return status

    @property
    def lines(self) -> list[Any]:
        body = b"".join(message.get("body", b"") for message in self.sent)
        return [json.loads(line) for line in body.splitlines()]


class Service:
    """Answers so many pages of one record; the request after them hangs until it is cancelled."""

    def __init__(self, pages: int) -> None:
        self._pages = pages
        self.hangs = asyncio.Event()
        self.cancelled = False

    async def __call__(self, request: Any) -> Any:
        number = int(dict(request.query).get("cursor", "1"))
        if number <= self._pages:
            return respond(json={"data": [{"id": number}], "next": str(number + 1)})
        self.hangs.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


@pytest.mark.parametrize("pages", [0, 1, 3])
async def test_what_nobody_waits_for_ends(web, pages):
    """Before the first page and after any: when the client goes away, the request under way is cancelled."""
    service, client = Service(pages), Client()
    async with Connector.open(SHOP, effects=effects(FakeTransport(service))) as shop:
        web.app.dependency_overrides[web.shop_of] = lambda: shop
        getting = asyncio.ensure_future(client.get(web.app))
        await service.hangs.wait()
        for _ in range(100):  # what was read is on its way to the client
            await asyncio.sleep(0)
        client.gone.set()
        await getting
        assert service.cancelled
    if pages:
        assert (client.status, client.lines) == (200, [{"id": number + 1} for number in range(pages)])
    else:
        assert client.status == 499


async def test_a_failure_in_the_midst_is_the_last_line(web):
    """Once the status is sent, the last line says that what came before is not the whole."""
    answers = iter([respond(json={"data": [{"id": 1}], "next": "2"}), respond(404, json={})])
    async with Connector.open(SHOP, effects=effects(lambda _: next(answers))) as shop:
        web.app.dependency_overrides[web.shop_of] = lambda: shop
        client = Client()
        await client.get(web.app)
    assert client.lines == [{"id": 1}, {"error": "http.404"}]


async def test_lifespan(web):
    """Both accounts are open while the app lives, and closed with it."""
    async with web.lifespan(web.app):
        shops = dict(web.app.state.shops)
        assert list(shops) == ["ann", "bob"]
    with pytest.raises(ConfigError) as caught:
        await shops["ann"].call("orders")
    assert caught.value.code == "connection.closed"


@pytest.mark.parametrize("name", [name for name in exceptions.__all__ if name.endswith("Error")])
async def test_statuses(web, name):
    """Each exception has the status that the page's table has for it, or for what it is a kind of."""
    kind = getattr(exceptions, name)
    error = kind.__new__(kind)
    IntegrationError.__init__(error, "it", code="")
    bases = [base.__name__ for base in kind.__mro__]
    said = next((STATUSES[base] for base in bases if base in STATUSES), 502)  # "any other"
    answer = await web.failed(None, error)
    assert (answer.status_code, json.loads(answer.body)) == (said, {"error": error.category})
