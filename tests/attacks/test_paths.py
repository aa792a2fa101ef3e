"""Values that would make a path another one: whatever stands in a segment, the others stay where they are."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.exceptions import ConfigError, IntegrationError
from connector_core.load import load
from connector_core.plan import compile_plan
from connector_core.template import TemplateError
from connector_core.testing import FakeTransport, respond
from tests.attacks.service import HOME, document, opened

CLIMBING = [
    *(
        ".",
        "..",
        "%2e",
        "%2E%2e",
        ".%2e",
        "%252e%252e",
        "%25252e.",
        "..\\",
        "\\..",
        "%5c..",
        "..%2f",
        "..%5c..%2fadmin",
    ),
    *("../admin", "a/../../admin", "./a", "a/.", "a\\..\\b", "..;/admin/..", "%2e%2e%2fadmin", "..%252fadmin"),
]
STRANGE = [
    *(
        "a/b",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "a?admin=1",
        "a#b",
        "a;b=c",
    ),
    *("a\r\nX-Evil: 1", "a HTTP/1.1\r\nHost: evil\r\n\r\n", "a\nb", "a\tb", "a b", "\0", "a\0b", "\x7f", "\x1b[31m"),
    *(
        "\u202egnp.exe",
        "\u2028",
        "\u2044",
        "\uff0f",
        "\uff0e\uff0e",
        "\u2024\u2024",
        "%",
        "%%",
        "%zz",
        "%0d%0a",
        "...",
        ".a",
    ),
    *("{{ secrets.token }}", "{% raw %}", "@evil.example", ":443", "é", "😀", "x" * 5000),
]


async def arrived(path: str, value: Any) -> list[str]:
    """The addresses that were called for this value of `input.id`."""
    transport = FakeTransport(lambda _: respond(json={}))
    endpoint = {"get": path, "input": {"id": {"type": "string"}}}
    async with opened(document(endpoint), transport) as demo:
        await demo.call("thing", {"id": value})
    return [request.target for request in transport.requests]


@pytest.mark.parametrize("path", ["/v1/{{ input.id }}/orders", "/v1/{{ input.id | path }}/orders"])
@pytest.mark.parametrize("value", CLIMBING)
async def test_a_value_that_climbs(value, path):
    """`.` and `..` are refused, however often they are encoded and whatever separates them; nothing is sent."""
    with pytest.raises(ConfigError, match=r"a segment .* would make it another path|an empty segment"):
        await arrived(path, value)


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: ascii(value)[:30])
async def test_a_value_that_is_strange(value):
    """What else a value may hold arrives as that value, in the one segment that it was meant for."""
    (target,) = await arrived("/v1/{{ input.id }}/orders", value)
    assert target.isascii()
    assert target.isprintable()
    assert target.startswith(f"{HOME}/v1/")
    assert target.count("/") == len(f"{HOME}/v1/x/orders".split("/")) - 1
    assert not {"?", "#", "\\", " "} & set(target)
    assert unquote(target.split("/")[4]) == value


@pytest.mark.parametrize("path", ["/v1/{{ input.id }}/orders", "/v1/{{ input.id | path }}/orders"])
@pytest.mark.parametrize("value", ["", "\ud800"])
async def test_a_value_that_is_nothing(value, path):
    """An empty value would name the list in place of the item; half a character has no form in a URL."""
    with pytest.raises(ConfigError):
        await arrived(path, value)


@pytest.mark.parametrize("value", ["a//b", "/a", "a/", "a/../b", "a/%2e%2e/b", "..\\b", "a/..;/b\\..\\c"])
async def test_a_value_of_several_segments(value):
    """Where a value may have slashes, it still neither climbs nor begins anew."""
    with pytest.raises(ConfigError):
        await arrived("/files/{{ input.id | path }}", value)


@pytest.mark.parametrize("value", CLIMBING[:8])
@pytest.mark.parametrize(
    "address", ["https://api.example/{{ config.team }}", "https://api.example/a/{{ config.team }}/b"]
)
async def test_a_value_of_config_in_the_address(address, value):
    """The path in `base_url` is held to the same."""
    spec = document(base_url=address, config={"team": {"type": "string"}})
    transport = FakeTransport(lambda _: respond(json={}))
    with pytest.raises(ConfigError):
        async with opened(spec, transport, config={"team": value}) as demo:
            await demo.call("thing")
    assert transport.requests == []


@pytest.mark.parametrize("value", CLIMBING[:12])
async def test_a_value_of_the_services_own(value):
    """A record of the parent in a partition's path is a stranger's text like any other."""
    spec = document()
    spec["endpoints"] = {
        "teams": {"get": "/teams", "records": "body"},
        "people": {
            "get": "/teams/{{ team.id }}/people",
            "records": "body",
            "for_each": {"endpoint": "teams", "as": "team"},
        },
    }
    transport = FakeTransport(lambda request: respond(json=[{"id": value}] if request.url.endswith("/teams") else []))
    async with opened(spec, transport) as demo:
        with pytest.raises(IntegrationError):
            [record async for record in demo.read("people")]
    assert [request.url for request in transport.requests] == [f"{HOME}/teams"]


PLANS = {
    path: compile_plan(load(document({"get": path, "input": {"id": {"type": "string"}}})), "thing")
    for path in ("/v1/{{ input.id }}/orders", "/v1/a{{ input.id }}b/orders", "/v1/{{ input.id | path }}/orders")
}
pieces = st.sampled_from([*"./\\%25eE2fF;?#@: ", "..", "%2e", "%2f", "%5c", "%00", "\r\n", "\u2028", "\uff0e", "é"])


@given(st.sampled_from(list(PLANS)), st.lists(pieces, max_size=12).map("".join) | st.text(max_size=20))
def test_no_text_changes_the_path(path, value):
    """Of any text, the path keeps its beginning and its end, and no server sees `.` or `..` in it, decoded or not."""
    try:
        url = PLANS[path].compose({"input": {"id": value}, "config": {}, "secrets": {}, "connection": {}}).url
    except (ConfigError, TemplateError):
        return
    assert url.startswith(f"{HOME}/v1/")
    assert url.endswith("/orders")
    assert url.isascii()
    assert url.isprintable()
    decoded = url.removeprefix(HOME)
    for _ in range(4):
        assert not {".", ".."} & set(decoded.replace("\\", "/").split("/"))
        decoded = unquote(decoded)
