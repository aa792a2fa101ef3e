"""Methods of an SDK as endpoints: what a spec may say of them, and the request that calls one; no client is made."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core.exceptions import ConfigError, SpecError
from connector_core.http import Headers, Request
from connector_core.load import load
from connector_core.pagination import Answer, Pagination, Stop
from connector_core.plan import compile_plan

CURSOR = {"type": "cursor", "take": "body.n", "put": "args.a"}
LIST = {"sdk": "customers.list", "records": "body"}


def spec(endpoint: Any = LIST, **more: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "crm",
        "sdk": {"client": "tiny"},
        "secrets": {"key": {}},
        "endpoints": {"e": endpoint},
        **more,
    }


def composed(endpoint: Any, **scope: Any) -> Request:
    return compile_plan(load(spec(endpoint)), "e").compose(scope)


def test_the_request():
    """A method is a request whose body are the arguments: values keep their type, and what is missing is left out."""
    args = {"n": "{{ input.n }}", "gone": "{{ input.gone }}", "nothing": None, "text": "no {{ input.n }}"}
    request = composed(
        {"sdk": "customers.list", "args": args, "input": {"n": {}, "gone": {"optional": True}}}, input={"n": 3}
    )
    assert request.url == "sdk://tiny/customers.list"
    assert request.body == {"n": 3, "nothing": None, "text": "no 3"}


@pytest.mark.parametrize(
    "endpoint, readable, harmless",
    [
        (LIST, True, True),
        ({"sdk": "a.b"}, False, False),
        ({**LIST, "input": {}}, False, False),
        ({"sdk": "a.b", "safe": True}, False, True),
    ],
)
def test_reads_and_calls(endpoint, readable, harmless):
    """It is a read where it has records and neither input nor output; a call is repeated only where it says so."""
    found = load(spec(endpoint)).endpoints["e"]
    assert (found.readable, found.harmless) == (readable, harmless)


def test_records_are_inherited():
    """An sdk endpoint inherits records, and nothing that is HTTP's."""
    more = {
        "auth": {"type": "bearer", "token": "{{ secrets.key }}"},
        "base_url": "https://a.example",
        "headers": {"A": "b"},
    }
    found = load(spec({"sdk": "a.b"}, records="body.data", params={"a": "b"}, **more)).endpoints["e"]
    assert found.readable
    assert (found.auth, found.base_url, found.headers, found.params) == (None, None, None, None)


@pytest.mark.parametrize(
    "endpoint, what",
    [
        ({"sdk": "a._b"}, "endpoints.e.sdk: '_b' is private to the SDK: name a public method"),
        ({"sdk": "a[0]"}, "endpoints.e.sdk: must be a method's path on the client, without brackets: customers.list"),
        ({"sdk": "a", "args": {"a-b": 1}}, "cannot be the name of an argument: letters, digits and _ alone"),
        ({"sdk": "a", "get": "/a"}, "has a second method; get is there already, and an endpoint has one"),
        ({"sdk": "a", "params": {"a": 1}}, "endpoints.e.params: a method has arguments: give them under 'args'"),
        ({"sdk": "a", "auth": {"type": "bearer", "token": "t"}}, "endpoints.e.auth: the client signs in by itself"),
        ({"sdk": "a", "base_url": "https://a.example"}, "endpoints.e.base_url: the client knows where its service is"),
        ({**LIST, "cache": {"ttl": "1m"}}, "endpoints.e.cache: what a method gives is not kept"),
        ({**LIST, "fallback": [{"type": "cache", "max_age": "1h"}]}, "fallback.0: what a method gives is not kept"),
        ({**LIST, "pagination": "link_header"}, "link_header follows links, and a method has none"),
        (
            {**LIST, "pagination": {"type": "cursor", "take": "body.next"}},
            "query.cursor is no place in a call: a method has arguments, such as args.cursor",
        ),
        ({"get": "/a", "base_url": "https://a.example", "args": {"a": 1}}, "are a method's: there is no sdk here"),
        (
            {"get": "/a", "base_url": "https://a.example", "records": "body", "pagination": CURSOR},
            "args.a is an argument of a method: there is no sdk here",
        ),
        (
            {"sdk": "a", "errors": [{"exception": "E", "status": 404, "category": "server"}]},
            "an exception is no answer: it has no 'status' and no 'header'",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(endpoint, what):
    """What makes no sense is said when the spec loads, with what to write instead."""
    with pytest.raises(SpecError) as caught:
        load(spec(endpoint))
    assert what in str(caught.value)


def test_a_client_is_needed():
    """An endpoint of an SDK needs the connector's client."""
    document = spec()
    del document["sdk"]
    with pytest.raises(SpecError) as caught:
        load(document)
    assert "needs a client: say which at the top level, such as sdk: {client: stripe}" in str(caught.value)


def seen(position: Any, count: int, headers: dict[str, str]) -> Answer:
    return Answer(position, "sdk://tiny/a", count, {"body": [], "header": Headers(headers), "status": 200})


def test_the_pages_of_an_iterator():
    """What follows counts the items that were read, as long as the answer names the iterator."""
    kind = Pagination.resolve({"type": "iterator", "items": 10})
    following = kind.next(seen(None, 10, {"Iteration": "x"}))
    assert following == {"iteration": "x", "after": 10}
    assert kind.next(seen(following, 10, {"Iteration": "x"})) == {"iteration": "x", "after": 20}
    assert isinstance(kind.next(seen(following, 3, {})), Stop)
    request = kind.at(Request("POST", "sdk://tiny/a"), following)
    assert request.headers == {"Iteration-Size": "10", "Iteration": "x", "Iteration-After": "10"}


@pytest.mark.parametrize("position", [3, "x", {}, {"iteration": 1, "after": 3}, {"iteration": "x", "after": True}])
def test_no_position(position):
    """A position of another kind is refused."""
    with pytest.raises(ConfigError, match="is no position in an iterator"):
        Pagination.resolve({"type": "iterator"}).at(Request("POST", "sdk://tiny/a"), position)
