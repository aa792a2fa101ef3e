"""Specs that the tests of the simulator and the fakes share."""

from __future__ import annotations

from typing import Any

ORDER: dict[str, Any] = {
    "id": {"type": "integer"},
    "status": {"type": "string", "enum": ["open", "paid", "sent"]},
    "customer": {"type": "string"},
    "urgent": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}},
    "created_at": {"type": "string", "format": "date-time"},
    "address": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def shop(pagination: Any = "none", **more: Any) -> dict[str, Any]:
    """A shop whose orders are paged in that way; further keys are laid over the spec."""
    return {
        "connector": "1",
        "name": "shop",
        "config": {"shop_url": {"type": "string", "format": "uri"}},
        "secrets": {"token": {"description": "API token"}},
        "base_url": "{{ config.shop_url }}/api/v1",
        "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
        "records": "body.data",
        "primary_key": "id",
        "endpoints": {"orders": {"get": "/orders", "pagination": pagination, "schema": ORDER}},
        **more,
    }
