"""Calls that are made of others: order, names, conditions, and what a spec can get wrong about them."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

from typing import Any

import pytest

from connector_core import Connector
from connector_core.exceptions import ConflictError, SpecError
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import FakeTransport, effects, respond

MOVE = {
    "steps": [
        {"call": "create", "input": {"customer": "{{ input.customer }}", "note": "{{ input.note }}"}, "as": "made"},
        {"call": "close", "input": {"id": "{{ input.id }}"}, "when": "made.id > 0", "as": "closed"},
    ],
    "input": {"id": {"type": "integer"}, "customer": {"type": "integer"}, "note": {"type": "string", "optional": True}},
    "output": {"new": "{{ made.id }}", "old": "{{ closed.id }}"},
}
CREATE = {
    "post": "/orders",
    "input": {"customer": {"type": "integer"}, "note": {"type": "string", "optional": True}},
    "body": {"json": {"customer": "{{ input.customer }}", "note": "{{ input.note }}"}},
}
CLOSE = {"post": "/orders/{{ input.id }}/close", "input": {"id": {"type": "integer"}}, "output": "body.order"}


def spec(**endpoints: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "shop",
        "base_url": "https://api.example",
        "endpoints": {"create": CREATE, "close": CLOSE, "move": MOVE, **endpoints},
    }


def service(request: Request) -> Response:
    if request.url.endswith("/orders"):
        return respond(201, json={"id": request.body["customer"]})
    return respond(json={"order": {"id": 7}})


async def test_steps_are_called_in_order():
    """Each step gets what earlier ones gave; a missing template leaves its input out; the output reads all of them."""
    transport = FakeTransport(service)
    async with Connector.open(spec(), effects=effects(transport)) as shop:
        result = await shop.call("move", {"id": 7, "customer": 3})
    assert (result.data, result.attempts) == ({"new": 3, "old": 7}, 2)
    assert [(request.url, request.body) for request in transport.requests] == [
        ("https://api.example/orders", {"customer": 3}),
        ("https://api.example/orders/7/close", None),
    ]


async def test_a_step_whose_condition_is_false_is_left_out():
    """What it would have given is missing, and its key with it."""
    async with Connector.open(spec(), effects=effects(service)) as shop:
        assert (await shop.call("move", {"id": 7, "customer": 0})).data == {"new": 0}


async def test_without_output_the_last_step_counts():
    """A call of steps gives what its last step gave."""
    move = {key: value for key, value in MOVE.items() if key != "output"}
    async with Connector.open(spec(move=move), effects=effects(service)) as shop:
        assert (await shop.call("move", {"id": 7, "customer": 1})).data == {"id": 7}


async def test_a_step_that_fails_says_what_was_done():
    """The error is the step's own; its context names the step and those before it."""

    def answer(request: Request) -> Response:
        return service(request) if request.url.endswith("/orders") else respond(409, json={"message": "closed"})

    async with Connector.open(spec(), effects=effects(answer)) as shop:
        with pytest.raises(ConflictError) as error:
            await shop.call("move", {"id": 7, "customer": 1})
    assert (error.value.context["step"], error.value.context["steps_done"]) == ("closed", ["made"])


@pytest.mark.parametrize(
    "steps, found",
    [
        ([{"call": "creat"}], "endpoints.move.steps.0.call: there is no endpoint 'creat', did you mean 'create'?"),
        ([{"call": "move", "input": {"id": 1, "customer": 2}}], "endpoints.move.steps.0.call: calls itself"),
        ([{"call": "close", "input": {"idd": 1}}], "endpoints.move.steps.0.input.idd: close takes no input 'idd', did you mean 'id'?"),
        ([{"call": "close"}], "endpoints.move.steps.0: close needs the input 'id': give it under 'input'"),
        ([{"call": "close", "input": {"id": "{{ later.id }}"}}, {"call": "close", "input": {"id": 1}, "as": "later"}], "endpoints.move.steps.0.input.id: unknown name 'later' (one of: config, connection, endpoint, input, now, secrets, uuid)"),
        ([{"call": "close", "input": {"id": 1}, "as": "body"}], "endpoints.move.steps.0.as: hides the name 'body' that templates have already"),
        ([{"call": "close", "input": {"id": 1}, "as": "a"}, {"call": "close", "input": {"id": 1}, "as": "a"}], "endpoints.move.steps.1.as: hides the 'a' of an earlier step: choose another name"),
        ([], "endpoints.move.steps: is empty: give it at least one item, or leave the key out"),
    ],
)  # fmt: skip
def test_mistakes(steps, found):
    """What cannot be called is told when the spec loads."""
    with pytest.raises(SpecError) as error:
        load(spec(move={"steps": steps, "input": MOVE["input"]}))
    assert found in [f"{problem.path}: {problem.what}" for problem in error.value.problems]


def test_a_circle():
    """Endpoints that call each other are told."""
    a, b = ({"steps": [{"call": name}]} for name in ("b", "a"))
    with pytest.raises(SpecError, match=r"endpoints\.a\.steps\.0\.call: goes in a circle: b calls a"):
        load(spec(a=a, b=b))
