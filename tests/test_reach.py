"""What one endpoint leads to: found at any depth, and no further than the bound."""

from __future__ import annotations

from typing import Any

from connector_core.load import load
from connector_core.reach import MOST_REACHED, ancestors, called_by, facts_of, line_of, needed_by
from connector_core.spec import Endpoint, Spec
from connector_core.steps import Step


def spec(**more: Any) -> Spec:
    return load({"connector": "1", "name": "x", "base_url": "https://a.example", **more})


def read(parent: str | None, as_: str = "") -> dict[str, Any]:
    return {"get": "/a", "records": "body"} | ({"for_each": {"endpoint": parent, "as": as_}} if parent else {})


def test_what_an_endpoint_is_read_for():
    """Parents and theirs, with the entries that name them."""
    shop = spec(endpoints={"a": read(None), "b": read("a", "one"), "c": read("b", "two"), "d": read(None)})
    assert line_of(shop, "c") == {"a", "b", "c"}
    (entry,) = shop.endpoints["c"].for_each or []
    assert [found.as_ for found in ancestors(shop, entry)] == ["one"]
    assert line_of(shop, "gone") == {"gone"}


def test_what_an_endpoint_calls():
    """Calls and theirs; one that several make is found once."""
    calls = {"a": ["b", "c"], "b": ["c"]}
    steps: dict[str, Any] = {name: {"steps": [{"call": one} for one in called]} for name, called in calls.items()}
    assert called_by(spec(endpoints={**steps, "c": {"post": "/c"}}), "a") == {"a", "b", "c"}


def test_what_has_to_be_asked():
    """The calls of the facts that an endpoint reads, and of those that these read."""
    shop = spec(
        capture={"region": {"call": "me", "take": "body.r"}, "team": {"call": "team", "take": "body.t"}},
        endpoints={
            "me": {"get": "/me"},
            "team": {"get": "/{{ connection.region }}/team"},
            "all": {"get": "/{{ connection.team }}/{{ connection.id }}"},
        },
    )
    assert facts_of(shop, "all") == {"team"}
    assert needed_by(shop, "all", lambda name: facts_of(shop, name)) == {"all", "team", "me"}


def test_the_bound():
    """A row of endpoints is followed to one more than there may be, which shows that it is too long."""
    known = {name: Endpoint(steps=[Step(call=f"e{at + 1}")]) for at, name in enumerate(f"e{at}" for at in range(1000))}
    assert len(called_by(Spec(connector="1", name="x", endpoints=known), "e0")) == MOST_REACHED + 1
    row = {f"e{at}": read(f"e{at - 1}" if at else None, f"p{at}") for at in range(MOST_REACHED)}
    assert len(line_of(spec(endpoints=row), f"e{MOST_REACHED - 1}")) == MOST_REACHED
