"""The Python in the README and in the reference runs, against a simulated shop."""

from __future__ import annotations

import ast
import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from connector_core import Connector
from connector_core.load import load
from connector_core.testing import FakeTransport, respond, simulated
from connector_core.types import written

ROOT = Path(__file__).parents[2]
NOT_RUN = {"for_each"}  # its service is told by the page alone
BLOCKS = [
    pytest.param(block[1], id=f"{path.stem}:{page.count(chr(10), 0, block.start()) + 1}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs" / "reference").glob("*.md"))]
    if path.stem not in NOT_RUN
    for page in [path.read_text("utf-8")]
    for block in re.finditer(r"```python\n(.*?)```", page, re.DOTALL)
]
TICKETS = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)[0]
CONNECTIONS = (
    "connections:\n  acme-shop: {connector: shop, config: {shop_url: https://acme.example}, "
    "secrets: {token: file:shop.token}}\n"
)
THINGS = {
    "connector": "1",
    "name": "things",
    "base_url": "https://things.example",
    "endpoints": {"things": {"get": "/things", "records": "body.data"}},
}


def run(source: str, names: dict[str, Any]) -> Any:
    """Runs the block, whose `await` stands at the top level."""
    code = compile(source, "page.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return eval(code, names)  # noqa: S307 - it is this project's own page


@pytest.mark.parametrize("source", BLOCKS)
async def test_it_runs(source, monkeypatch, tmp_path):
    """Each block runs as it stands, with the names that its text takes for granted; nothing leaves this machine."""
    nowhere = FakeTransport(lambda _: respond(json={"data": [], "meta": {}}))
    monkeypatch.setattr("connector_core.engine.effects.AiohttpTransport", lambda **_: nowhere)
    (tmp_path / "shop_types.py").write_text(written(load("shop")), "utf-8")
    (tmp_path / "tickets.yaml").write_text(TICKETS, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "connections.yaml").write_text(CONNECTIONS, "utf-8")
    (tmp_path / "shop.token").write_text("t", "utf-8")
    (tmp_path / "shop.token").chmod(0o600)
    (tmp_path / "store.key").write_text("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "utf-8")
    (tmp_path / "store.key").chmod(0o600)
    stored: list[Any] = []
    async with simulated("shop", records=300) as shop:
        names: dict[str, Any] = {
            "Connector": Connector,
            "address": {"shop_url": "https://shop.example"},
            "ann": {"token": "a"},
            "bob": {"token": "b"},
            "config": {"shop_url": "https://shop.example"},
            "enough": lambda records: len(records) > 10,
            "later": stored.append,
            "order": {"customer_id": 7, "items": [{"sku": "TEA-1", "quantity": 2}]},
            "ask_for_a_new_token": lambda: None,
            "saved": None,
            "secrets": {"token": "t"},
            "shop": shop,
            "spec": THINGS,
            "store": stored.extend,
            "token": "t",
            "wait": stored.append,
        }
        running = run(source, names)
        if asyncio.iscoroutine(running):
            await running
