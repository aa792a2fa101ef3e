"""What `connector simulate` prints: the first request of a reading, as a command that works."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connector_core.cli.simulate import _introduction
from connector_core.load import load
from connector_core.testing import Simulator

THINGS: dict[str, Any] = {"get": "/things", "records": "body.data", "schema": {"id": {"type": "integer"}}}
CURSOR = {"type": "cursor", "take": "body.next", "size": {"put": "query.limit", "value": 2}}
PARENT = {"endpoint": "parents", "as": "parent"}
PARTS = {**THINGS, "get": "/parents/{{ parent.id }}/parts", "for_each": PARENT}
PARENTS = {**THINGS, "get": "/parents"}
CAPTURED = {**THINGS, "get": "/{{ connection.tenant }}/things"}
JOB = {
    "job": {
        "start": {"post": "/exports", "body": {"json": {"of": "things"}}},
        "poll": {"get": "/exports/{{ job.start.id }}"},
        "done": "body.done",
        "every": "1h",
    },
    "records": "body.data",
}


async def asked(endpoints: dict[str, Any], **more: Any) -> tuple[list[str], int, Any]:
    """The words of the command that is printed, and what it is answered."""
    base = {"connector": "1", "name": "things", "base_url": "https://things.example"}
    spec = load({**base, "endpoints": endpoints, **more})
    async with Simulator(spec, records=5) as simulator:
        lines = await _introduction(spec, "things", simulator, ())
        assert lines[1] == "Ask it:"
        words = shlex.split(lines[2])
        headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        body = words[words.index("-d") + 1] if "-d" in words else None
        async with (
            aiohttp.ClientSession() as client,
            client.request(method, words[-1], headers=headers, data=body) as answer,
        ):
            shown = [method, words[-1].removeprefix(simulator.url), *([body] if body else [])]
            return shown, answer.status, json.loads(await answer.read())


@pytest.mark.parametrize(
    "endpoints, more, words, status, said",
    [
        (
            {"things": {**THINGS, "pagination": CURSOR}},
            {},
            ["GET", "/things?limit=2"],
            200,
            {"data": [{"id": 1}, {"id": 2}], "next": "after-2"},
        ),
        ({"parts": PARTS, "parents": {**PARENTS, "pagination": CURSOR}}, {}, ["GET", "/parents?limit=2"], 200, None),
        (
            {"things": CAPTURED, "me": {"get": "/me", "output": "body"}},
            {"capture": {"tenant": {"call": "me", "take": "body.id"}}},
            ["GET", "/tenant-000001/things"],
            200,
            None,
        ),
        ({"things": JOB}, {}, ["POST", "/exports", '{"of":"things"}'], 202, {"id": "job-000001"}),
    ],
)
async def test_the_first_request(endpoints, more, words, status, said):
    """It asks for the first page, not for a later one, nor for what has to be asked before, and it works."""
    shown, answered, body = await asked(endpoints, **more)
    assert (shown, answered) == (words, status)
    assert said is None or body == said


async def test_nothing_to_ask():
    """A spec of calls alone, or a parent without records, is simulated without an example."""
    for endpoints in (
        {"make": {"post": "/things"}},
        {"all": {**PARTS, "for_each": {"values": "{{ [] }}", "as": "parent"}}},
    ):
        spec = load({"connector": "1", "name": "x", "base_url": "https://x.example", "endpoints": endpoints})
        async with Simulator(spec) as simulator:
            assert len(await _introduction(spec, "x", simulator, ())) == 1


@pytest.mark.parametrize("specs, folders", [((), ""), ((Path("my specs"),), " --specs 'my specs'")])
async def test_an_address_that_is_fixed(specs, folders):
    """Where no config value leads to the simulator, the command that is printed has one of its own."""
    base = {"connector": "1", "name": "things", "base_url": "https://things.example"}
    spec = load({**base, "endpoints": {"things": THINGS}})
    async with Simulator(spec) as simulator:
        lines = await _introduction(spec, "things", simulator, specs)
    assert lines[-2:] == [
        "Its address stands in the spec, not in config: to read it, have it simulated once more:",
        f"  connector read things things{folders} --simulate",
    ]
