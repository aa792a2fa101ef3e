"""S3 as moto serves it: XML pages with continuation tokens, errors in XML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector_core import Connector
from connector_core.exceptions import NotFoundError

pytestmark = pytest.mark.servers("moto", 18003)

SPEC = Path(__file__).parent / "bucket.yaml"


def bucket() -> Any:
    return Connector.open(SPEC, network="loopback")


async def test_every_object_is_listed_once():
    """1,200 objects in three pages, by continuation token."""
    async with bucket() as connector:
        pages = [page async for page in connector.pages("objects")]
    assert [len(page.records) for page in pages] == [500, 500, 200]
    keys = [record["Key"] for page in pages for record in page.records]
    assert keys == [f"events/{number:05}.json" for number in range(1200)]
    assert all(isinstance(record["Size"], int) for page in pages for record in page.records)


async def test_an_error_in_xml():
    """The service's own code and words, from an answer in XML."""
    async with bucket() as connector:
        with pytest.raises(NotFoundError, match="bucket answered 404: The specified bucket does not exist") as missing:
            [record async for record in connector.read("missing")]
    assert missing.value.code == "NoSuchBucket"
