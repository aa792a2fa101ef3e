"""Whether an integration may be used: switches, maintenance, flags; and that circuits have no part in it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from connector_core import Engine
from connector_core.engine.switches import FileSwitches, MemorySwitches, Switch
from connector_core.events import Event, RequestRefused
from connector_core.exceptions import CircuitOpenError, ConfigError, ServerError, UnavailableError
from connector_core.testing import FakeTransport, VirtualClock, effects, respond

AWAY = {"from": "2023-11-14T22:13:30Z", "to": "2023-11-14T23:13:20Z", "message": "New databases."}
"""From ten seconds after the virtual clock's beginning, for nearly an hour."""


def document(**more: Any) -> dict[str, Any]:
    endpoints = {"thing": {"post": "/thing"}, "things": {"get": "/things", "records": "body"}}
    return {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": endpoints} | more


class World:
    """An engine without sockets, what was sent, and what was told."""

    def __init__(self, status: int = 200, **engine: Any) -> None:
        self.clock, self.heard, self.status = VirtualClock(), list[Event](), status
        self.transport = FakeTransport(lambda _: respond(self.status, json=[]))
        made = effects(self.transport, clock=self.clock, listeners=[self.heard.append])
        self.engine = Engine(effects=made, **engine)

    @property
    def sent(self) -> int:
        return len(self.transport.requests)


async def test_maintenance_of_the_provider():
    """Nothing is sent while the provider is away; the error says until when, and what the spec says of it."""
    world = World()
    async with world.engine as engine, engine.open(document(availability={"maintenance": [AWAY]})) as demo:
        assert await demo.available()
        await demo.call("thing")
        await world.clock.sleep(10)
        assert not await demo.available()
        with pytest.raises(UnavailableError) as refused:
            await anext(demo.read("things"))
        await world.clock.sleep(3590)
        await demo.call("thing")
    error = refused.value
    assert (error.code, error.retryable, error.retry_after) == ("unavailable.maintenance", True, 3590)
    assert str(error) == (
        "demo is under maintenance by its provider: New databases. — things — until 2023-11-14T23:13:20Z"
    )
    assert error.context == {"connector": "demo", "connection": "demo", "endpoint": "things"}
    assert world.sent == 2
    [told] = [event for event in world.heard if isinstance(event, RequestRefused)]
    assert (told.endpoint, told.code, told.wait) == ("things", "unavailable.maintenance", 3590)


async def test_the_operators_switch():
    """It holds for every connection of a spec, at once, and for no other spec; who is refused is told why."""
    world = World()
    other = document(name="other")
    async with world.engine as engine, engine.open(document()) as demo, engine.open(other) as another:
        engine.disable("demo", message="Moved.")
        with pytest.raises(UnavailableError) as refused:
            await demo.call("thing")
        await another.call("thing")
        engine.enable("demo")
        await demo.call("thing")
    assert str(refused.value) == "demo is switched off: Moved. — thing — whoever has done that can undo it"
    assert (refused.value.code, refused.value.retry_after) == ("unavailable.switch.disabled", None)


async def test_the_operators_maintenance_ends_by_itself():
    """Up to a time nothing is sent; then everything is, though nobody has enabled it."""
    world = World()
    until = datetime.fromtimestamp(world.clock.now() + 60, UTC)
    async with world.engine as engine, engine.open(document()) as demo:
        engine.maintain("demo", until=until)
        with pytest.raises(UnavailableError) as refused:
            await demo.call("thing")
        assert (refused.value.code, refused.value.retry_after) == ("unavailable.switch.maintenance", 60)
        await world.clock.sleep(60)
        await demo.call("thing")
        with pytest.raises(ConfigError, match="the time has no offset"):
            engine.maintain("demo", until=datetime(2030, 1, 1))  # noqa: DTZ001 - the mistake


@pytest.mark.parametrize("declared, flag", [({"availability": {"flag": "shop"}}, "shop"), ({}, "integration.demo")])
@pytest.mark.parametrize("waits", [False, True])
async def test_flags(declared, flag, waits):
    """The app's function is asked for the flag, by its name or the usual one, and may be a coroutine."""
    asked, on = [], True

    def flags(*arguments: Any) -> Any:
        asked.append(arguments)

        async def later() -> bool:
            return on

        return later() if waits else on

    world = World(flags=flags)
    async with world.engine as engine, engine.open(document(**declared), id="ann") as demo:
        await demo.call("thing")
        on = False
        with pytest.raises(UnavailableError) as refused:
            await demo.call("thing")
    assert asked == [(flag, True, {"connector": "demo", "connection": "ann"})] * 2
    assert str(refused.value) == f"demo is switched off by the flag {flag} — thing — whoever has done that can undo it"
    assert refused.value.code == "unavailable.flag"


async def test_a_flag_that_fails_is_no_outage(caplog):
    """Where the flag can't be told it counts as on, and the log says so."""

    def flags(*_: Any) -> bool:
        raise RuntimeError("no flags today")

    world = World(flags=flags)
    async with world.engine as engine, engine.open(document()) as demo:
        await demo.call("thing")
    assert "the flag integration.demo can't be told, and counts as on" in caplog.text


async def test_standard_b5_an_open_circuit_does_not_make_it_unavailable():
    """Asking whether it may be used never keeps it from being used: the circuit opens, and closes by itself."""
    world = World(500)
    async with world.engine as engine, engine.open(document(circuit_breaker={"window": 2, "minimum": 2})) as demo:
        for _ in range(2):
            with pytest.raises(ServerError):
                await demo.call("thing")
        with pytest.raises(CircuitOpenError):
            await demo.call("thing")
        world.status = 200
        for _ in range(40):
            assert await demo.available()
            await world.clock.sleep(1)
        await demo.call("thing")


async def test_where_nothing_is_declared_nothing_is_asked():
    """A connection without switches, flags and maintenance has nothing to ask before a request."""
    world = World()
    async with world.engine as engine, engine.open(document()) as demo:
        assert not demo._connection.gate.watched
        engine.enable("demo")
        assert demo._connection.gate.watched


# ── where switches are ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_switches(kind, tmp_path):
    """Both places keep what was set, by name, until it is taken away."""
    switches = MemorySwitches() if kind == "memory" else FileSwitches(tmp_path / "a" / "switches.json")
    assert switches.get("a") is None
    switches.set("a", Switch("disabled", None, "m"))
    switches.set("b", Switch("maintenance", 5.0))
    switches.set("a", Switch("disabled"))
    assert switches.all() == {"a": Switch("disabled"), "b": Switch("maintenance", 5.0)}
    switches.set("a", None)
    switches.set("never", None)
    assert (switches.get("a"), switches.get("b")) == (None, Switch("maintenance", 5.0))


def test_another_process_sees_them(tmp_path):
    """What one has written, or removed, another sees at once."""
    path = tmp_path / "switches.json"
    here, there = FileSwitches(path), FileSwitches(path)
    assert there.get("shop") is None
    here.set("shop", Switch("disabled"))
    assert there.get("shop") == Switch("disabled")
    path.unlink()
    assert there.get("shop") is None
    assert [each.name for each in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "text", ["{", '{"shop": {"state": "off"}}', "[]", '{"shop": 1}', '{"shop": {"state": "disabled", "until": 1e18}}']
)
def test_a_broken_file_is_told(text, tmp_path):
    """A file that can't be read does not switch anything on or off in silence."""
    path = tmp_path / "switches.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        FileSwitches(path).get("shop")
    assert refused.value.code == "switches.unreadable"
    assert f"{path} — correct the file, or remove it" in str(refused.value)


def test_many_who_write_at_once(tmp_path):
    """Each writes a whole file, so that nobody ever reads half of one, or fails; and nothing is left beside it."""
    path = tmp_path / "switches.json"

    def work(number):
        for _ in range(30):
            FileSwitches(path).set(f"shop{number}", Switch("disabled", None, "m" * 1000 * number))
            FileSwitches(path).all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert [found.name for found in tmp_path.iterdir()] == ["switches.json"]


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    """Where the switch can't be kept, whoever sets it is told."""
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigError) as refused:
        FileSwitches(tmp_path / "file" / "switches.json").set("shop", Switch("disabled"))
    assert refused.value.code in ("switches.unwritable", "switches.unreadable")


def test_the_file_is_for_people_too(tmp_path):
    """It is JSON that a person can read and mend."""
    FileSwitches(tmp_path / "s.json").set("shop", Switch("maintenance", 1.5, "m"))
    text = (tmp_path / "s.json").read_text("utf-8")
    assert json.loads(text) == {"shop": {"state": "maintenance", "until": 1.5, "message": "m"}}
    assert text.count("\n") > 3
