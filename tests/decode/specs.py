"""Specs that the tests of decoding share."""

from __future__ import annotations

from typing import Any


def spec(**endpoint: Any) -> dict[str, Any]:
    """A service with one endpoint, `things`, that is read; further keys are laid over the endpoint."""
    things = {"get": "/things", "records": "body", **endpoint}
    return {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": {"things": things}}
