"""A container registry: relative Link headers, and records that are plain texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector_core import Connector

pytestmark = pytest.mark.servers("registry", 18010)

SPEC = Path(__file__).parent / "repositories.yaml"
SECRETS = {"user": "bot", "password": "botpass"}


async def test_all_repositories_come_by_relative_links():
    """All 251 repositories come, each as `{value: name}`, in the catalogue's order."""
    async with Connector.open(SPEC, secrets=SECRETS, network="loopback") as registry:
        names = [repository["value"] async for repository in registry.read("catalog")]
    assert len(names) == len(set(names)) == 251
    assert names == sorted(names)


async def test_all_tags_come_in_one_page():
    """An endpoint without pages is read whole."""
    async with Connector.open(SPEC, secrets=SECRETS, network="loopback") as registry:
        assert len([tag async for tag in registry.read("tags")]) == 300
