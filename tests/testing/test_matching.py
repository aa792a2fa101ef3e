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
