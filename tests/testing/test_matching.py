from __future__ import annotations

from typing import Any

import pytest

from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.load import load
from connector_core.testing.matching import Routes

ENDPOINTS: dict[str, Any] = {
    "order": {"get": "/orders/{{ input.id }}", "input": {"id": {"type": "string"}}},
    "latest": {"get": "/orders/latest", "output": "body"},
    "orders": {"get": "/orders"},
    "open_orders": {"get": "/orders", "params": {"status": "open"}},
    "file": {"get": "/files/{{ input.name | path }}/raw", "input": {"name": {"type": "string"}}},
    "export": {"get": "/orders/{{ input.id }}.csv", "input": {"id": {"type": "string"}}},
    "elsewhere": {"get": "/orders/latest", "base_url": "https://other.example", "output": "body"},
    "create": {"post": "/orders", "output": "body"},
}


def routes(endpoints: dict[str, Any], base_url: str = "{{ config.url }}/v1") -> Routes:
    spec = load(
        {
            "connector": "1",
            "name": "shop",
            "config": {"url": {"type": "string"}},
            "base_url": base_url,
            "records": "body",
            "endpoints": endpoints,
        }
    )
    return Routes(spec, {"config": {"url": "https://shop.example/sub/"}, "secrets": {}})


@pytest.mark.parametrize(
    "method, url, query, name, filled",
    [
        ("GET", "https://shop.example/sub/v1/orders/7", (), "order", ["7"]),
        ("GET", "https://shop.example/sub/v1/orders/a%2Fb%20c", (), "order", ["a/b c"]),
        ("GET", "https://shop.example/sub/v1/orders/latest", (), "latest", []),
        ("GET", "https://shop.example/sub/v1/orders/7.csv", (), "export", ["7"]),
        ("GET", "https://shop.example/sub/v1/orders", (), "orders", []),
        ("GET", "https://shop.example/sub/v1/orders", (("status", "open"),), "open_orders", []),
        ("GET", "https://shop.example/sub/v1/files/a/b/raw", (), "file", ["a/b"]),
        ("POST", "https://shop.example/sub/v1/orders", (), "create", []),
        ("GET", "https://other.example/orders/latest", (), "elsewhere", []),
        ("GET", "http://127.0.0.1:8080/orders/latest", (), "elsewhere", []),
        ("GET", "http://127.0.0.1:8080/sub/v1/orders", (), "orders", []),
        ("GET", "https://other.example/sub/v1/orders/latest", (), None, []),
        ("DELETE", "https://shop.example/sub/v1/orders", (), None, []),
        ("GET", "https://shop.example/v1/orders", (), None, []),
        ("GET", "https://shop.example/sub/v1/orders/7/lines", (), None, []),
    ],
)
def test_find(method, url, query, name, filled):
    """A request means the endpoint of its host, method and path; a literal segment wins, then fixed parameters."""
    request = Request(method, url, query)
    route = routes(ENDPOINTS).find(request)
    assert (route and route.name) == name
    assert (route.filled(request) if route else []) == filled


def test_base_url_itself():
    """An endpoint without a path is found at base_url, with or without a slash."""
    query = {"graphql": "query { me }", "output": "body"}
    known = routes({"me": query}, "https://shop.example")
    found = [known.find(Request("POST", f"https://shop.example{slash}")) for slash in ("", "/")]
    assert [route and route.name for route in found] == ["me", "me"]


def test_fixed_values_of_a_body():
    """Calls of one path are told apart by what the spec always sends in their bodies."""
    kinds = {
        kind: {"post": "/exports", "output": "body", "body": {form: {"of": kind, "all": True, "since": "{{ now }}"}}}
        for kind, form in (("orders", "json"), ("customers", "json"), ("teams", "form"))
    }
    known = routes(kinds)

    def named(body: Any, encoding: Any) -> str | None:
        found = known.find(Request("POST", "https://shop.example/sub/v1/exports", body=body, encoding=encoding))
        return found.name if found is not None else None

    assert named({"of": "customers", "all": True}, "json") == "customers"
    assert named((("of", "teams"), ("all", "true")), "form") == "teams"
    assert named(None, None) == "orders"


JOB = {
    "start": {"post": "/exports"},
    "poll": {"get": "{{ job.start.url }}"},
    "done": "body.done",
    "result": {"get": "/exports/{{ job.start.id }}"},
}


def test_requests_of_a_job():
    """Each request of a job has a route of its own; one that is a whole address has it here, on any of the hosts."""
    known = routes({"orders": {"job": JOB, "records": "body"}})
    assert {part: route.shape for (_, part), route in known.parts.items()} == {
        "start": "/sub/v1/exports",
        "poll": "/sub/v1/simulated/orders/poll/{}",
        "result": "/sub/v1/exports/{}",
    }
    found = known.find(Request("GET", "https://other.example/sub/v1/simulated/orders/poll/7"))
    assert found is not None
    assert (found.part, found.readable) == ("poll", False)
    assert known.parts["orders", "result"].readable


def test_whole_address():
    """A path that is one whole template is served where config gives it, and known as unknown elsewhere."""
    found = routes(
        {
            "given": {"get": "{{ config.url ~ 'feed' }}", "output": "body"},
            "followed": {"get": "{{ input.url }}", "input": {"url": {"type": "string"}}},
        }
    )
    assert [(route.name, route.origin, route.shape) for route in found.known] == [
        ("given", "https://shop.example:443", "/sub/feed")
    ]
    assert [name for name, _ in found.unknown] == ["followed"]


def test_base_url_without_host():
    """A base_url that is no address once it is filled in is refused with words."""
    spec = load({"connector": "1", "name": "shop", "config": {"url": {}}, "base_url": "{{ config.url }}",
                 "endpoints": {"orders": {"get": "/orders", "records": "body"}}})  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        Routes(spec, {"config": {"url": "shop"}})
    assert str(caught.value) == ("base_url has no host — shop.orders — pass an address such as https://shop.example")
