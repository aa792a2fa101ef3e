"""What holds for every spec that comes with the package."""

from __future__ import annotations

import pytest

from connector_core.load import available, load
from connector_core.spec import Spec
from connector_core.testing import simulated

CONFIG = {"github": {"repository": "core"}}
"""What a reading needs besides what the simulator makes up: config that may be left out."""

NAMES = sorted(available())
READS = [(name, endpoint) for name in NAMES for endpoint, keys in load(name).endpoints.items() if keys.readable]
ENVIRONMENTS = [(name, environment) for name in NAMES for environment in load(name).environments]


def spec_of(name: str) -> Spec:
    return load(name)


def test_the_bundle():
    """The three specs that the README promises are there, one of them in JSON."""
    assert {"github", "shop", "stripe"} <= set(NAMES)
    assert available()["stripe"].suffix == ".json"


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    """A spec is named as its file, says what it is, and speaks to the person who fills it in."""
    spec = spec_of(name)
    assert spec.name == name
    assert spec.title
    assert spec.description
    assert spec.version != "0.0.0"
    assert spec.docs is not None
    assert spec.docs.purpose
    assert spec.docs.credentials
    described = {**spec.config, **spec.secrets}
    assert [key for key, schema in described.items() if not schema.get("description")] == []
    assert [key for key, endpoint in spec.endpoints.items() if not endpoint.description] == []


@pytest.mark.parametrize("name", NAMES)
def test_editors(name):
    """Editors are told where the language's schema is, in the first line of YAML or by `$schema` in JSON."""
    path = available()[name]
    if path.suffix == ".json":
        assert spec_of(name).editor_schema == "connector.schema.json"
    else:
        first = path.read_text("utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=connector.schema.json"


@pytest.mark.parametrize("name, endpoint", READS)
def test_reads(name, endpoint):
    """What is read has a key and a schema to serve from."""
    read = spec_of(name).endpoints[endpoint]
    assert read.primary_key is not None
    assert read.schema_


@pytest.mark.parametrize("name, endpoint", READS)
async def test_simulated(name, endpoint):
    """The simulator's records arrive, every one once, in order, with the fields of the schema."""
    async with simulated(name, config=CONFIG.get(name), records=230) as connector:
        records = [record async for record in connector.read(endpoint)]
    read = spec_of(name).endpoints[endpoint]
    keys = [str(key) for key in (read.primary_key if isinstance(read.primary_key, list) else [read.primary_key])]
    found = [tuple(record[key] for key in keys) for record in records]
    assert len(found) == 230
    assert found == sorted(set(found))
    assert set(records[0]) == set(read.schema_ or ())


@pytest.mark.parametrize("name, environment", ENVIRONMENTS)
def test_environments(name, environment):
    """Every environment loads, with an address of its own."""
    there, usually = load(name, environment=environment).base_url, spec_of(name).base_url
    assert there is not None
    assert usually is not None
    assert there.source != usually.source
