"""Secrets that should have been replaced by now: told by health and by the connector, and no reason to fail."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from connector_core import Connector, Engine, Secret, SecretRef
from connector_core.engine import references
from connector_core.engine.rotation import SecretDue
from connector_core.exceptions import SpecError, UnavailableError
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.secrets import Backend, World
from connector_core.secrets.aws_sm import AwsSm
from connector_core.secrets.vault import Vault
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

DAY = 86400.0


def spec(**token: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "demo",
        "base_url": "https://api.example",
        "secrets": {"token": {"rotate_every": "90d"} | token, "other": {"optional": True}},
        "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
        "endpoints": {"things": {"get": "/things", "records": "body"}},
        "health": {"endpoint": "things"},
    }


class Drawer(Backend):
    """Knows when the secret was put there, or raises that."""

    scheme = "drawer"

    def __init__(self, at: Any) -> None:
        self.at, self.asked, self.text = at, 0, "s3cr3t-1"

    async def fetch(self, rest: str, world: World) -> str:  # noqa: ARG002 - nobody is asked
        return self.text

    async def since(self, rest: str, world: World) -> float | None:  # noqa: ARG002 - nobody is asked
        self.asked += 1
        if isinstance(self.at, BaseException):
            raise self.at
        found: float | None = self.at() if callable(self.at) else self.at
        return found


def engine(clock: VirtualClock, *backends: Backend) -> Engine:
    transport = FakeTransport(lambda _request: respond(json=[]))
    return Engine(effects=effects(transport, clock=clock), secret_backends=["file", "env", *backends])


REFERRED = {"token": SecretRef("drawer:shop")}


async def test_once_it_is_due():
    """Health tells it by name, with its age, where it is kept and what to do; the status is what it was."""
    clock = VirtualClock()
    drawer = Drawer(clock.now() - 89 * DAY)
    async with engine(clock, drawer) as one, one.open(spec(), secrets=REFERRED) as demo:
        assert (await demo.health()).secrets_due == ()
        await clock.sleep(DAY)
        report = await demo.health()
        assert report.status == "healthy"
        [due] = report.secrets_due
        assert due == SecretDue("token", "drawer:shop", due.age, 90 * DAY)
        assert due.age == pytest.approx(90 * DAY)
        assert str(due) == (
            "secret token is 90 days old, and is to be replaced every 90 days: put another one at drawer:shop"
        )
        assert await demo.secrets_due() == (due,)


async def test_it_was_replaced():
    """Once the new one has been looked up, its age is asked for anew; until then, no more often than the secret."""
    clock = VirtualClock()
    drawer = Drawer(clock.now() - 100 * DAY)
    async with engine(clock, drawer) as one, one.open(spec(), secrets=REFERRED) as demo:
        await demo.call("things")
        for _ in range(3):
            assert len(await demo.secrets_due()) == 1
        assert drawer.asked == 1
        await clock.sleep(references.TTL - 1)
        assert len(await demo.secrets_due()) == 1
        await clock.sleep(2)
        drawer.text, drawer.at = "s3cr3t-2", clock.now()
        await demo.call("things")
        assert await demo.secrets_due() == ()


@pytest.mark.parametrize(
    "at", [None, UnavailableError("sealed"), ZeroDivisionError("s3cr3t-1")], ids=["unknown", "away", "broken"]
)
async def test_nobody_can_tell(at):
    """Then nothing is said, and nothing fails."""
    clock = VirtualClock()
    async with engine(clock, Drawer(at)) as one, one.open(spec(), secrets=REFERRED) as demo:
        report = await demo.health()
        assert (report.status, report.secrets_due) == ("healthy", ())


async def test_a_backend_that_hangs(monkeypatch):
    """Nobody waits for long to learn how old a secret is."""
    import asyncio

    class Slow(Drawer):
        async def since(self, rest: str, world: World) -> float | None:  # noqa: ARG002 - it never answers
            await asyncio.Event().wait()
            return 0.0

    monkeypatch.setattr(references, "DATED", 0.01)
    async with engine(VirtualClock(), Slow(0.0)) as one, one.open(spec(), secrets=REFERRED) as demo:
        assert (await demo.health()).secrets_due == ()


@pytest.mark.parametrize("given", ["s3cr3t-1", Secret("s3cr3t-1")], ids=["text", "secret"])
async def test_passed_as_itself(given):
    """Nobody knows how old a secret is that an app passes; nor one in a variable."""
    async with engine(VirtualClock()) as one, one.open(spec(), secrets={"token": given}) as demo:
        assert await demo.secrets_due() == ()


async def test_a_secret_without_a_term():
    """Its backend is not asked."""
    drawer = Drawer(0.0)
    document = spec()
    del document["secrets"]["token"]["rotate_every"]
    async with engine(VirtualClock(), drawer) as one, one.open(document, secrets=REFERRED) as demo:
        assert await demo.secrets_due() == ()
    assert drawer.asked == 0


async def test_a_file(tmp_path: Path):
    """A file is as old as what was last written into it."""
    clock = VirtualClock()
    path = tmp_path / "token"
    path.write_text("t0p-1", "utf-8")
    path.chmod(0o600)
    os.utime(path, (clock.now(), clock.now() - 95 * DAY))
    async with engine(clock) as one, one.open(spec(), secrets={"token": SecretRef(f"file:{path}")}) as demo:
        [due] = await demo.secrets_due()
        assert due.age == pytest.approx(95 * DAY)


@pytest.mark.parametrize(
    "rotate_every, text",
    [
        ("90", "say the unit: 90s"),
        ("3mo", "'3mo' has no fixed length, since months and years differ: count it in days, such as 30d"),
        ("0s", "must be longer than nothing"),
        (7, "say the unit: 7s"),
    ],
)
def test_what_is_no_term(rotate_every, text):
    """It is told where it stands."""
    with pytest.raises(SpecError) as wrong:
        load(spec(rotate_every=rotate_every))
    [problem] = wrong.value.problems
    assert problem.path == "secrets.token.rotate_every"
    assert problem.what == text


def test_config_has_no_term():
    """What is no secret is not replaced."""
    document = spec()
    document["config"] = {"url": {"rotate_every": "90d"}}
    with pytest.raises(SpecError, match=r"config.url.rotate_every: is for secrets"):
        load(document)


# ── backends ──────────────────────────────────────────────────────────────────────────────────────


def answering(answer: Any) -> World:
    async def send(_request: Request) -> Response:
        return respond(json=answer)

    return World(send, lambda: 1440938160.0)


async def test_vault():
    """The latest version's own time, in nanoseconds as Vault writes it."""
    metadata = {"created_time": "2018-03-22T02:24:06.945319214Z", "version": 3}
    world = answering({"data": {"data": {"token": "t"}, "metadata": metadata}})
    vault = Vault(address="https://vault.example", token="v")
    assert await vault.since("secret/shop#token", world) == pytest.approx(1521685446.945319)
    assert await vault.since("secret/shop#token", answering({"data": {"data": {"token": "t"}}})) is None


async def test_aws():
    """The current version's own time."""
    aws = AwsSm(region="eu-central-1", access_key="AKIAEXAMPLE", secret_key="k" * 40)
    told = {"SecretBinary": b64encode(b"t").decode(), "CreatedDate": 1523477145.713}
    assert await aws.since("prod/shop", answering(told)) == 1523477145.713
    assert await aws.since("prod/shop", answering({"SecretString": json.dumps({})})) is None


async def test_plain_connector_without_references():
    """A connection with no reference at all has nothing to tell."""
    async with Connector.open(
        spec(), secrets={"token": "s3cr3t-1"}, effects=effects(lambda _request: respond(json=[]))
    ) as demo:
        assert (await demo.health()).secrets_due == ()
