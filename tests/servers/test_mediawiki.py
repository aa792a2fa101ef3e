"""A MediaWiki: a `continue` object merged into the next request, and errors as answers of status 200."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector_core import Connector
from connector_core.exceptions import RateLimitError, ValidationError

pytestmark = pytest.mark.servers("mediawiki", 18020)

SPEC = Path(__file__).parent / "wiki.yaml"


def wiki() -> Any:
    return Connector.open(SPEC, network="loopback")


async def test_every_page_comes_once():
    """All 601 pages come by the merged `continue`."""
    async with wiki() as connector:
        titles = [page["title"] async for page in connector.read("pages")]
    assert len(titles) == len(set(titles)) == 601
    assert {f"Page {number:04}" for number in range(600)} | {"Main Page"} == set(titles)


async def test_a_continue_of_several_parts():
    """Revisions from 05:00 on come, each page of them once."""
    async with wiki() as connector:
        titles = [page["title"] async for page in connector.read("revisions")]
    expected = {f"Page {number:04}" for number in range(300, 600)}
    assert expected <= set(titles)


async def test_errors_as_200():
    """What the service calls an error is one, with its own code and words."""
    async with wiki() as connector:
        with pytest.raises(ValidationError, match=r"wiki answered 200: .*qurey") as refused:
            await connector.call("misspelt")
        assert refused.value.code == "badvalue"


async def test_a_lagging_service_asks_to_wait():
    """`maxlag` is a rate limit, with the wait that the service asks for."""
    from connector_core.engine.effects import Effects

    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with Connector.open(SPEC, network="loopback", effects=Effects(sleep=sleep)) as connector:
        with pytest.raises(RateLimitError) as limited:
            await connector.call("lagging")
    assert limited.value.code == "maxlag"
    assert waits
    assert min(waits) >= 5
