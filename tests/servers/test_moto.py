"""S3 as moto serves it: XML pages with continuation tokens, errors in XML."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connector_core import Connector, Engine, SecretRef
from connector_core.engine.transport import AiohttpTransport
from connector_core.exceptions import ConfigError, NotFoundError
from connector_core.hookspecs import hookimpl
from connector_core.secrets import World
from connector_core.secrets.aws_sm import AwsSm

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


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────

KEYS = {"region": "us-east-1", "access_key": "test", "secret_key": "test", "endpoint": "http://127.0.0.1:18003"}


SPEC_OF_ANOTHER: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": "http://127.0.0.1:18003",
    "secrets": {"token": {}},
    "endpoints": {"data": {"get": "/moto-api/data.json", "headers": {"X-Token": "{{ secrets.token }}"}}},
}


async def test_a_secret_is_looked_up_when_it_is_needed():
    """Secrets Manager gives the secret that a reference names, before a request that reads it is sent."""
    sent: list[str] = []
    watching = SimpleNamespace(
        __name__="watching", prepare_request=hookimpl(lambda request: sent.append(request.headers["X-Token"]))
    )
    async with (
        Engine(network="loopback", secret_backends=[AwsSm(**KEYS)], plugins=[watching]) as engine,
        engine.open(SPEC_OF_ANOTHER, secrets={"token": SecretRef("aws-sm:app/7")}) as connector,
    ):
        await connector.call("data")
    assert sent == ["value-7"]


async def test_a_secret_that_is_not_there():
    """Secrets Manager's own answer is told in our words."""
    transport = AiohttpTransport(network="loopback")
    world = World(transport.send, time.time)
    try:
        with pytest.raises(ConfigError, match=r"^AWS has no app/none — put it there first$"):
            await AwsSm(**KEYS).fetch("app/none", world)
    finally:
        await transport.aclose()
