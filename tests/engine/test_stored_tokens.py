"""Names of tokens in the store: whoever reads the database can guess no secret from them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from connector_core import Engine
from connector_core.auth import Token
from connector_core.engine.stored_tokens import StoredTokens
from connector_core.exceptions import ConfigError
from connector_core.http import Request, Response
from connector_core.secrets.store.sealing import Key
from connector_core.testing import FakeTransport, effects, respond
from tests.secrets.store.stores import OLD, Hand, ring, store

SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "secrets": {"pin": {}},
    "auth": {
        "type": "oauth2",
        "grant": "client_credentials",
        "token_url": "https://api.example/token",
        "client_id": "c",
        "client_secret": "{{ secrets.pin }}",
    },
    "endpoints": {"thing": {"get": "/thing"}},
}
PIN, NEW = "4711", Key(b"\x02" * 32)


class Service(FakeTransport):
    """Gives a token each time it is asked for one."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.given = 0

    def answer(self, request: Request) -> Response:
        if not request.url.endswith("/token"):
            return respond(json={})
        self.given += 1
        return respond(json={"access_token": f"t{self.given}", "token_type": "Bearer"})


async def called(service: Service, place: StoredTokens, pin: str = PIN) -> str:
    """Calls once in an engine of its own; the name of the token, as the engine has it."""
    world = effects(service)
    world.tokens = place
    async with Engine(effects=world) as engine, engine.open(SPEC, secrets={"pin": pin}) as demo:
        await demo.call("thing")
        [credential] = demo._connection._credentials.values()
        return credential.name


def written(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in tmp_path.glob("secrets.db*"))


async def test_nothing_to_guess_by(tmp_path):
    """The name that is made from a secret, by which all of 10,000 could be tried, stands nowhere in the database."""
    async with store(tmp_path) as kept:
        name = await called(Service(), StoredTokens(kept))
        digest = json.loads(name)[2].rpartition(" ")[2]
        assert len(digest) == 32
        assert digest.encode() not in written(tmp_path)
        [found] = await StoredTokens(kept).names()
        assert found.encode() in written(tmp_path)
        assert found != name


async def test_leases(tmp_path):
    """Nor does it stand among the leases; one who has the name has the same lease as the others."""
    name = json.dumps(["demo", "", f"demo {'ab' * 16}", "auth"], separators=(",", ":"))
    async with store(tmp_path) as kept:
        one, two = StoredTokens(kept), StoredTokens(kept)
        assert await one.lease(name, "one", 10)
        assert not await two.lease(name, "two", 10)
        assert b"ab" * 16 not in written(tmp_path)
        await one.release(name, "one")
        assert await two.lease(name, "two", 10)


async def test_the_token_is_found_again(tmp_path):
    """By another process, after another master key, and by the name that is listed; another secret has another."""
    service = Service()
    async with store(tmp_path) as kept:
        await called(service, StoredTokens(kept))
    async with store(tmp_path, key=ring(tmp_path, NEW, OLD)) as kept:
        await kept.rekey()
        await called(service, StoredTokens(kept))
        assert service.given == 1
    async with store(tmp_path, key=ring(tmp_path, NEW)) as kept:
        place = StoredTokens(kept)
        await called(service, place)
        assert service.given == 1
        [name] = await place.names()
        found = await place.get(name)
        assert found is not None
        assert found.token.access == "t1"
        await called(service, place, "4712")
        assert (service.given, len(await place.names())) == (2, 2)
        await place.drop(name)
        assert len(await place.names()) == 1


async def test_two_begin_at_once(tmp_path):
    """Whoever is slower takes the key that is there."""
    service = Service()
    async with store(tmp_path) as one, store(tmp_path) as two:
        await one.put("acme", "token", "x")
        assert await two.get("acme", "token") == "x"
        places = [StoredTokens(one), StoredTokens(two)]
        await asyncio.gather(*(called(service, place) for place in places))
        names = [await place.names() for place in places]
    assert names[0] == names[1]
    assert len(names[0]) == 1


@pytest.mark.parametrize("statement", ["UPDATE record SET body = x'00' WHERE kind = 'naming'",
                                       "DELETE FROM record WHERE kind = 'naming'"])  # fmt: skip
async def test_a_key_that_somebody_has_touched(tmp_path, caplog, statement):
    """It is told and made anew, so that a token is asked for once more, and the secrets can be read all the same."""
    service = Service()
    async with store(tmp_path) as kept:
        await kept.put("acme", "token", "x")
        await called(service, StoredTokens(kept))
    Hand(tmp_path).do(statement)
    for _ in range(2):
        async with store(tmp_path) as kept:
            assert await kept.get("acme", "token") == "x"
            await called(service, StoredTokens(kept))
    assert service.given == 2
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert told[0].startswith("tokens for which nobody signs in are asked for anew: the key for the names of tokens ")


async def test_without_the_master_key(tmp_path):
    """There is no name then: whoever has another key is told, as for any secret."""
    async with store(tmp_path) as kept:
        await called(Service(), StoredTokens(kept))
    async with store(tmp_path, key=ring(tmp_path, NEW)) as kept:
        with pytest.raises(ConfigError, match="is not at hand"):
            await called(Service(), StoredTokens(kept))


@pytest.mark.parametrize("name", ["n", '["demo","","acme","auth"]', '["demo","","acme","endpoints.x.auth"]'])
async def test_other_names(tmp_path, name):
    """A name that was made from no secret is a name as it is: whose tokens they are can be listed."""
    async with store(tmp_path) as kept:
        place = StoredTokens(kept)
        await place.put(name, Token("the-token"), 0)
        assert await place.names() == [name]
        assert not Hand(tmp_path).do("SELECT 1 FROM record WHERE kind = 'naming'")
