"""Worlds for backends: one in which nobody answers."""

from __future__ import annotations

from connector_core.http import Request, Response
from connector_core.secrets import World

__all__ = ["NOBODY"]


async def _nobody(request: Request) -> Response:
    raise AssertionError(f"nobody was to be asked: {request.url}")


NOBODY = World(_nobody, lambda: 0.0)
"""For backends that send nothing."""
