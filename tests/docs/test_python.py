"""The Python in docs/reference/python.md runs, against a simulated shop."""

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

PAGE = (Path(__file__).parents[2] / "docs/reference/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
THINGS = {
    "connector": "1",
    "name": "things",
    "base_url": "https://things.example",
    "endpoints": {"things": {"get": "/things", "records": "body.data"}},
}


def run(source: str, names: dict[str, Any]) -> Any:
    """Runs the block, whose `await` stands at the top level."""
    code = compile(source, "python.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return eval(code, names)  # noqa: S307 - it is this project's own page


@pytest.mark.parametrize("source", BLOCKS)
async def test_it_runs(source, monkeypatch, tmp_path):
    """Each block runs as it stands, with the names that its text takes for granted; nothing leaves this machine."""
    nowhere = FakeTransport(lambda _: respond(json={"data": [], "meta": {}}))
    monkeypatch.setattr("connector_core.engine.effects.AiohttpTransport", lambda **_: nowhere)
    (tmp_path / "shop_types.py").write_text(written(load("shop")), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    stored: list[Any] = []
    async with simulated("shop", records=300) as shop:
        names: dict[str, Any] = {
            "Connector": Connector,
            "address": {"shop_url": "https://shop.example"},
            "ann": {"token": "a"},
            "bob": {"token": "b"},
            "enough": lambda records: len(records) > 10,
            "later": stored.append,
            "order": {"customer_id": 7, "items": [{"sku": "TEA-1", "quantity": 2}]},
            "ask_for_a_new_token": lambda: None,
            "saved": None,
            "shop": shop,
            "spec": THINGS,
            "store": stored.extend,
            "token": "t",
        }
        running = run(source, names)
        if asyncio.iscoroutine(running):
            await running
