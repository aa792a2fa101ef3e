"""Code that a spec would have run: it names what entry points and the app have registered, and nothing else."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from connector_core.exceptions import ConfigError, IntegrationError, SpecError
from connector_core.load import load
from connector_core.testing import respond
from tests.attacks.service import document, opened

PYTHON = [
    *(
        "os.system",
        "os:system",
        "subprocess.Popen",
        "builtins.eval",
        "connector_core.load.load",
        "../evil",
        "./evil.py",
    ),
    *("evil", "evil.py", "__main__", "importlib.import_module", "os\x00", "connector_core.testing", "antigravity"),
]
PLACES: dict[str, Any] = {
    "auth": lambda name: {"auth": {"type": name}},
    "pagination": lambda name: {"endpoints": {"a": {"get": "/a", "records": "body", "pagination": {"type": name}}}},
    "transform": lambda name: {"endpoints": {"a": {"get": "/a", "records": "body", "transform": [{"type": name}]}}},
    "decode": lambda name: {"endpoints": {"a": {"get": "/a", "records": "body", "decode": name}}},
    "retry": lambda name: {"retry": {"type": name}},
    "rate_limit": lambda name: {"rate_limit": {"type": name}},
    "circuit_breaker": lambda name: {"circuit_breaker": {"type": name}},
    "cache": lambda name: {"endpoints": {"a": {"get": "/a", "output": "body", "cache": {"type": name}}}},
    "fallback": lambda name: {"endpoints": {"a": {"get": "/a", "output": "body", "fallback": {"type": name}}}},
    "filter": lambda name: {"endpoints": {"a": {"get": "/a", "output": f"{{{{ body | {name} }}}}"}}},
    "call": lambda name: {"endpoints": {"a": {"get": "/a", "output": f"{{{{ {name}('true') }}}}"}}},
}


@pytest.fixture
def evil(tmp_path, monkeypatch):
    """A module in the working directory, which is on the path, that must never be imported."""
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')", "utf-8")
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "__init__.py").write_text("raise SystemExit('imported')", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", PYTHON)
@pytest.mark.parametrize("place", PLACES)
def test_no_kind_by_a_path(place, name, evil):
    """A kind, a decoder or a filter is found by its name among the known ones; a path of Python is none of them."""
    before = set(sys.modules)
    with pytest.raises(SpecError):
        load(document(**PLACES[place](name)))
    assert not {"evil", "antigravity"} & (set(sys.modules) - before)
    assert evil.is_dir()


@pytest.mark.parametrize("name", PYTHON)
async def test_no_hook_by_a_path(name, evil):
    """`hook` names a function that a plug-in or the app has registered, and says so where there is none."""
    endpoint = {"output": None, "records": "body", "transform": [{"type": "hook", "name": name}]}
    with pytest.raises((ConfigError, SpecError)) as refused:
        async with opened(document(endpoint), lambda _: respond(json=[{"id": 1}])) as demo:
            [record async for record in demo.read("thing")]
    assert "evil" not in sys.modules
    assert evil.is_dir()
    assert name.split("\0")[0] in str(refused.value)


@pytest.mark.parametrize("client", PYTHON)
@pytest.mark.parametrize(
    "method", ["customers.list", "__class__", "_private", "a.__init__", "a['b']", "a()", "__import__('os').system"]
)
async def test_no_sdk_by_a_path(method, client, evil):
    """A client is one that a plug-in brings; a method is a public one on it."""
    spec = {**document(), "sdk": {"client": client}, "endpoints": {"a": {"sdk": method, "output": "body"}}}
    spec.pop("base_url")
    with pytest.raises(IntegrationError):
        async with opened(spec, lambda _: respond(json={})) as demo:
            await demo.call("a")
    assert "evil" not in sys.modules
    assert evil.is_dir()


def test_no_code_beside_a_spec_from_anywhere(tmp_path):
    """Python that lies beside a spec is run only where the operator has named the folder."""
    (tmp_path / "x.yaml").write_text('connector: "1"\nname: x\nendpoints: {}\n', "utf-8")
    (tmp_path / "x.py").write_text("raise SystemExit('run')", "utf-8")
    assert load(tmp_path / "x.yaml").python is None
    assert load("x", [tmp_path], trusted=[]).python is None


@pytest.mark.parametrize(
    "reference", ["file:/etc/passwd", "env:PATH", "vault:secret/x#y", "keyring:a/b", "{{ secrets.token }}"]
)
@pytest.mark.parametrize("source", ["config", "default"])
async def test_no_reference_but_in_a_secret(source, reference):
    """What looks like a reference to a secret is looked up in secrets alone: not in config, a default or an answer."""
    sent: list[Any] = []
    spec = document({"params": {"v": "{{ config.v }}"}}, config={"v": {"type": "string", "default": reference}})
    given = {"config": {"v": reference}} if source == "config" else {}

    def answered(request: Any) -> Any:
        sent.append(request.query)
        return respond(json={"echo": reference})

    async with opened(spec, answered, **given) as demo:
        assert (await demo.call("thing")).data == {"echo": reference}
    assert sent == [(("v", reference),)]
