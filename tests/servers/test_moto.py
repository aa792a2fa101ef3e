"""AWS as moto serves it, signed in with signatures: S3's pages in XML, its objects, and a table of DynamoDB.

Where CONNECTOR_TEST_AWS_ENV names a file with the keys and the address of one, moto checks signatures (in headers:
those in queries make it fail); the usual one takes any.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connector_core import Connector, Engine, SecretRef
from connector_core.engine.transport import AiohttpTransport
from connector_core.exceptions import AuthorizationError, ConfigError, NotFoundError
from connector_core.hookspecs import hookimpl
from connector_core.secrets import World
from connector_core.secrets.aws_sm import AwsSm

FILE = os.environ.get("CONNECTOR_TEST_AWS_ENV", "")
ENV = dict(line.split("=", 1) for line in Path(FILE).read_text("utf-8").splitlines()) if FILE else {}
ACCOUNT = {
    "region": "us-east-1",
    "access_key": ENV.get("AWS_ACCESS_KEY_ID", "test"),
    "secret_key": ENV.get("AWS_SECRET_ACCESS_KEY", "test"),
    "endpoint": ENV.get("AWS_ENDPOINT_URL", "http://127.0.0.1:18003"),
}
pytestmark: Any = [] if ENV else pytest.mark.servers("moto", 18003)
checked = pytest.mark.skipif(not ENV, reason="CONNECTOR_TEST_AWS_ENV names no moto that checks signatures")

HERE = Path(__file__).parent
ODD = "odd names/a+b c & 'd' (é) ~*.txt"


def opened(name: str, **secrets: str) -> Any:
    return Connector.open(
        HERE / f"{name}.yaml",
        network="loopback",
        config={"endpoint": ACCOUNT["endpoint"]},
        secrets={"access_key": ACCOUNT["access_key"], "secret_key": ACCOUNT["secret_key"], **secrets},
    )


async def test_every_object_is_listed_once():
    """1,200 objects in three pages, by continuation token."""
    async with opened("bucket") as connector:
        pages = [page async for page in connector.pages("objects")]
    records = [record for page in pages for record in page.records]
    keys = [record["Key"] for record in records if record["Key"].startswith("events/")]
    assert [len(page.records) for page in pages][:2] == [500, 500]
    assert keys == [f"events/{number:05}.json" for number in range(1200)]
    assert all(isinstance(record["Size"], int) for record in records)


async def test_an_error_in_xml():
    """The service's own code and words, from an answer in XML."""
    async with opened("bucket") as connector:
        with pytest.raises(NotFoundError, match="bucket answered 404: The specified bucket does not exist") as missing:
            [record async for record in connector.read("missing")]
    assert missing.value.code == "NoSuchBucket"


@pytest.mark.skipif(bool(ENV), reason="moto cannot check signatures in queries")
async def test_a_presigned_list():
    """A signature in the query lets in as well."""
    async with opened("bucket") as connector:
        assert len([record async for record in connector.read("presigned")]) == 10


async def test_objects_of_odd_names(tmp_path):
    """What is put under a name with every sort of character is there under that name; a file is sent unsigned."""
    path = tmp_path / "file.bin"
    path.write_bytes(b"from a file")
    async with opened("bucket") as connector:
        await connector.call("put_object", input={"key": ODD, "text": "ünsigned? no"})
        assert (await connector.call("get_object", input={"key": ODD})).data == "ünsigned? no"
        await connector.call("put_file", input={"key": ODD, "file": path})
        assert (await connector.call("get_object", input={"key": ODD})).data == "from a file"


async def test_a_table_is_read_to_its_end():
    """1,000 items of DynamoDB, by POST, with the key that each page ends with."""
    async with opened("tables") as connector:
        pages = [page async for page in connector.pages("orders")]
    assert len(pages) > 1
    found = {record["id"]: record["n"] for page in pages for record in page.records}
    assert found == {f"o{number}": str(number) for number in range(1000)}


@checked
@pytest.mark.parametrize("name, endpoint", [("bucket", "objects"), ("tables", "orders")])
async def test_another_secret_does_not_get_in(name, endpoint):
    """Computed by moto itself, a signature by another secret is refused."""
    async with opened(name, secret_key="another") as connector:
        with pytest.raises(AuthorizationError):
            [record async for record in connector.read(endpoint)]


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────

SPEC_OF_ANOTHER: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": ACCOUNT["endpoint"],
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
        Engine(network="loopback", secret_backends=[AwsSm(**ACCOUNT)], plugins=[watching]) as engine,
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
            await AwsSm(**ACCOUNT).fetch("app/none", world)
    finally:
        await transport.aclose()
