"""A loaded spec: complete, immutable, and what its endpoints are."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connector_core.load import load
from connector_core.spec import INHERITED, Endpoint, Spec

SPEC: dict[str, Any] = {"connector": "1", "name": "shop", "base_url": "https://a.example"}


def endpoint(**keys: Any) -> Endpoint:
    return load({**SPEC, "endpoints": {"e": keys}}).endpoints["e"]


@pytest.mark.parametrize(
    "keys, method, readable",
    [
        ({"get": "/e", "records": "body"}, "get", True),
        ({"post": "/e", "records": "body.hits"}, "post", True),
        ({"get": "/e"}, "get", False),
        ({"post": "/e"}, "post", False),
        ({"get": "/e", "records": "body", "input": {"id": {}}}, "get", False),
        ({"get": "/e", "records": "body", "input": {}}, "get", False),
        ({"get": "/e", "records": "body", "output": "body.x"}, "get", False),
        ({"put": "/e", "records": "body"}, "put", False),
        ({"patch": "/e", "records": "body"}, "patch", False),
        ({"delete": "/e", "records": "body"}, "delete", False),
    ],
)
def test_a_read_is_a_get_or_a_search(keys, method, readable):
    """A get or post with records, and without input or output, is read; everything else is called."""
    found = endpoint(**keys)
    assert (found.method, found.path and found.path.source, found.readable) == (method, "/e", readable)


def test_a_post_is_no_search_by_inheritance():
    """Records of the top level make reads of its gets alone."""
    spec = load({**SPEC, "records": "body", "endpoints": {"all": {"get": "/a"}, "make": {"post": "/a"}}})
    assert {name: found.readable for name, found in spec.endpoints.items()} == {"all": True, "make": False}


def test_what_the_top_level_may_say():
    """Any key of an endpoint but those that only one endpoint can mean."""
    own = {"description", "cost", "get", "post", "put", "patch", "delete", "input", "output", "schema"}
    own |= {"for_each", "private", "graphql", "variables", "sdk", "args", "job", "steps", "batch"}
    assert {field.alias or name for name, field in Endpoint.model_fields.items()} - own == {*INHERITED}


@pytest.mark.parametrize("name", ["shop", "a", "shop-2", "my_shop", "a" * 63])
def test_names_of_connectors(name):
    """A name is lower case, and may stand in a file's name and an environment variable."""
    assert load({**SPEC, "name": name}).name == name


@pytest.mark.parametrize("version", ["0.0.0", "1.2.3", "10.20.30", "1.0.0-rc.1", "1.0.0+build.5"])
def test_versions(version):
    """A spec has a semantic version."""
    assert load({**SPEC, "version": version}).version == version


@pytest.mark.parametrize(
    "host, name, credentials",
    [
        ("cdn.example", "cdn.example", False),
        ("cdn.example:8443", "cdn.example:8443", False),
        ("*.cdn.example", "*.cdn.example", False),
        ("10.0.0.1", "10.0.0.1", False),
        ({"host": "api.example"}, "api.example", False),
        ({"host": "api.example", "credentials": True}, "api.example", True),
    ],
)
def test_hosts(host, name, credentials):
    """A further host is a bare name, or a mapping that says whether it sees the credentials."""
    [found] = load({**SPEC, "hosts": [host]}).hosts
    assert (found.host, found.credentials) == (name, credentials)


def test_a_spec_is_immutable():
    """Nothing of a loaded spec can be set."""
    spec = load({**SPEC, "endpoints": {"e": {"get": "/e", "records": "body", "pagination": "offset"}}})
    for part, name in ((spec, "name"), (spec.endpoints["e"], "get"), (spec.endpoints["e"].pagination, "first")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, name, None)


def test_every_field_is_described():
    """Each key of the language has a sentence that editors show."""
    written = Spec.model_json_schema()
    models = [written, *written["$defs"].values()]
    bare = [
        (model.get("title"), key)
        for model in models
        for key, field in model.get("properties", {}).items()
        if "description" not in field
    ]
    assert bare == []
