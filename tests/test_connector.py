"""The façade: what an app opens, reads and calls."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import get_args, get_type_hints

import pytest
from msgspec.structs import replace

import connector_core
from connector_core import Connector, Engine, SpecError
from connector_core.engine.effects import Effects
from connector_core.events import Event
from connector_core.exceptions import ConfigError
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import FakeTransport, effects, respond

SPEC = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example/v1",
    "endpoints": {
        "things": {"get": "/things", "records": "body"},
        "thing": {"get": "/things/{{ input.id }}", "input": {"id": {"type": "integer"}}},
        "make": {
            "post": "/things",
            "input": {"name": {"type": "string"}, "note": {"type": "string", "optional": True}},
            "body": {"json": {"name": "{{ input.name }}", "note": "{{ input.note }}", "count": 1}},
            "output": "body.thing",
        },
        "label": {
            "post": "/labels",
            "input": {"name": {"type": "string"}},
            "output": "{{ body.id }}:{{ body.name | upper }}",
        },
    },
}


def answer(request: Request) -> Response:
    if request.method == "POST":
        return respond(201, json={"thing": {"id": 7} | json.loads(request.content or b"{}"), "id": 7, "name": "x"})
    return respond(json=[{"id": 1}, {"id": 2}] if request.url.endswith("things") else {"id": 3})


def opened(transport: FakeTransport | None = None):
    return Connector.open(SPEC, effects=effects(transport or FakeTransport(answer)))


async def test_a_call_sends_its_input_and_gives_its_output():
    """Input fills the body, what is missing drops its key, and `output` says what comes back."""
    async with opened() as demo:
        assert (await demo.call("make", input={"name": "lamp"})).data == {"id": 7, "name": "lamp", "count": 1}
        assert (await demo.call("make", {"name": "lamp", "note": "n"})).data["note"] == "n"
        assert (await demo.call("label", {"name": "x"})).data == "7:X"
        assert (await demo.call("thing", {"id": 3})).data == {"id": 3}


async def test_a_call_on_a_read_gives_its_first_page():
    """Calling a readable endpoint returns one page's records, and asks for no further one."""
    async with opened() as demo:
        assert (await demo.call("things")).data == [{"id": 1}, {"id": 2}]
    transport = FakeTransport(lambda _request: respond(json={"data": [{"id": 1}], "next": "x"}))
    pages = {"type": "cursor", "take": "body.next", "put": "query.cursor"}
    many = {"get": "/many", "records": "body.data", "pagination": pages}
    spec = {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": {"many": many}}
    async with Connector.open(spec, effects=effects(transport)) as demo:
        assert (await demo.call("many")).data == [{"id": 1}]
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "endpoint, given, what",
    [
        ("make", {}, "input name is missing"),
        ("make", {"name": "a", "nmae": "b"}, "'nmae' is not a declared input, did you mean 'name'?"),
        ("thing", {"id": "3"}, "input id: "),
        ("thnig", {}, "demo has no endpoint 'thnig', did you mean 'thing'?"),
    ],
)
async def test_wrong_input_is_told_before_anything_is_sent(endpoint, given, what):
    """Missing, unknown and ill-typed input, and an unknown endpoint, are ConfigErrors."""
    transport = FakeTransport(answer)
    async with opened(transport) as demo:
        with pytest.raises(ConfigError) as wrong:
            await demo.call(endpoint, given)
    assert str(wrong.value).startswith(what)
    assert transport.requests == []


async def test_what_is_called_cannot_be_read():
    """Reading a call says that it is one."""
    async with opened() as demo:
        with pytest.raises(ConfigError) as wrong:
            demo.read("make")
    assert (
        str(wrong.value) == "demo.make is called, not read — a read is a get with records, and without input or output"
    )


async def test_a_spec_may_be_opened_by_path_data_or_as_loaded(tmp_path):
    """A path, a mapping and a Spec open the same connector."""
    path = tmp_path / "demo.json"
    path.write_text(json.dumps(SPEC))
    for form in (str(path), path, SPEC, load(SPEC)):
        async with Connector.open(form, effects=effects(answer)) as demo:
            assert demo.spec.name == "demo"


async def test_an_engine_finds_specs_in_its_folders(tmp_path, monkeypatch):
    """Names are looked up in the folders that are given, and never in the working directory."""
    (tmp_path / "demo.json").write_text(json.dumps(SPEC))
    async with Engine(specs=[tmp_path], effects=effects(answer)) as engine, engine.open("demo") as demo:
        assert demo.spec.name == "demo"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="there is no spec named 'demo'"):
        async with Connector.open("demo", effects=effects(answer)):
            pass


async def test_a_broken_spec_is_told_with_its_place(tmp_path):
    """Opening a broken spec raises SpecError with file, line and column."""
    path = tmp_path / "bad.yaml"
    path.write_text('connector: "1"\nname: bad\nendpionts: {}\n')
    with pytest.raises(SpecError) as broken:
        async with Connector.open(path, effects=effects(answer)):
            pass
    assert str(broken.value).endswith("bad.yaml:3:1 endpionts: unknown key 'endpionts', did you mean 'endpoints'?")


async def test_engines_share_effects_and_hear_their_own():
    """The same effects may be given to several engines: neither hears the other, nor closes its transports."""
    made: list[FakeTransport] = []

    def transport(_network: str) -> FakeTransport:
        made.append(FakeTransport(answer))
        return made[-1]

    heard: dict[str, list[Event]] = {"both": [], "one": [], "two": []}
    shared = replace(effects(answer, listeners=[heard["both"].append]), transport=transport)
    async with (
        Engine(effects=shared, listeners=[heard["one"].append]) as one,
        Engine(effects=shared, listeners=[heard["two"].append]) as two,
    ):
        async with two.open(SPEC, id="second") as demo:
            await demo.call("things")
        async with one.open(SPEC, id="first") as demo:
            await demo.call("things")
            await two.aclose()
            await demo.call("things")
    assert {event.connection for event in heard["one"]} == {"first"}
    assert {event.connection for event in heard["two"]} == {"second"}
    assert heard["both"] == [*heard["two"], *heard["one"]]
    assert len(shared.listeners) == 1
    assert [transport.closed for transport in made] == [True, True]
    assert len(made[0].requests) == 1


def test_the_door_is_small_and_sorted():
    """Everything exported exists, in order, and is little."""
    assert connector_core.__all__ == sorted(connector_core.__all__)
    assert len(connector_core.__all__) <= 15
    for name in connector_core.__all__:
        assert name == "Network" or getattr(connector_core, name).__name__ == name  # a type alias has no name
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = connector_core.Nothing


def test_what_is_passed_to_a_connector_is_exported():
    """What a user writes in a call of Engine or Connector.open, or in an annotation for it, is at the door."""
    assert connector_core.Effects is Effects
    assert get_args(connector_core.Network) == ("public", "private", "loopback")
    assert get_type_hints(connector_core.Result)["degraded"] == connector_core.Degraded | None


def test_importing_costs_next_to_nothing():
    """Importing the package brings in none of the libraries it uses."""
    heavy = ("pydantic", "aiohttp", "jinja2", "yaml", "msgspec", "jsonschema", "click", "rich")
    code = f"import sys, connector_core; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_simple_reading_needs_few_libraries():
    """A spec with plain templates is read without jinja2 and jsonschema ever being imported."""
    code = """
import asyncio, sys
from connector_core import Connector
from connector_core.testing import effects, respond
spec = {"connector": "1", "name": "demo", "config": {"url": {"type": "string", "format": "uri"}},
        "base_url": "{{ config.url }}", "endpoints": {"things": {"get": "/things", "records": "body"}}}
async def main():
    empty = effects(lambda request: respond(json=[]))
    async with Connector.open(spec, config={"url": "https://a.example"}, effects=empty) as demo:
        await demo.call("things")
asyncio.run(main())
print([name for name in ("jinja2", "jsonschema", "click", "rich") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
