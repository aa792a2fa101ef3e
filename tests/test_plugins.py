"""Plug-ins: which there are, what their hooks do, and what happens where one fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from connector_core import Connector, Effects, Engine
from connector_core.events import Event, PageRead, ReadStarted
from connector_core.exceptions import ConfigError
from connector_core.hookspecs import hookimpl
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.plugins import Plugins, installed
from connector_core.template import FILTERS
from connector_core.template.filters import ADDED
from connector_core.testing import FakeTransport, effects, respond, simulated

SPEC = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "auth": {"type": "bearer", "token": "t"},
    "endpoints": {
        "things": {"get": "/things", "records": "body", "filter": "record.id > 0"},
        "hooked": {"get": "/things", "records": "body", "transform": [{"type": "hook", "name": "label"}]},
    },
}


def plugin(name: str, **hooks: Any) -> Any:
    """A module with these hooks."""
    return SimpleNamespace(__name__=name, **{hook: hookimpl(function) for hook, function in hooks.items()})


def answer(_request: Request) -> Response:
    return respond(json=[{"id": 0}, {"id": 1}, {"id": 2}])


def opened(*plugins: Any, transport: Any = answer, **more: Any):
    return Connector.open(SPEC, effects=effects(transport), plugins=plugins, **more)


def test_nothing_is_installed_here():
    """The tests run without plug-ins; then nothing is called for any page."""
    assert installed() == ()
    plugins = Plugins()
    assert (plugins.prepare_request, plugins.prepare_page) == (None, None)
    assert (plugins.observe_response, plugins.observe_event) == (None, [])
    assert (plugins.specs(), plugins.transforms("x"), plugins.filters(), plugins.commands()) == ([], {}, {}, [])


async def test_requests_are_prepared_one_after_another():
    """Each plug-in sees what the one before made of it; credentials come last, and stay what they are."""
    seen = []

    def first(request: Request) -> Request:
        return request.with_header("X-A", "1").with_header("Authorization", "mine")

    def second(request: Request, endpoint: str, connector: str) -> None:
        seen.append((connector, endpoint, request.headers["X-A"]))

    transport = FakeTransport(answer)
    later, sooner = plugin("second", prepare_request=second), plugin("first", prepare_request=first)
    async with opened(later, sooner, transport=transport) as demo:  # the last one is called first, as pluggy does
        await demo.call("things")
    assert seen == [("demo", "things", "1")]
    assert (transport.requests[0].headers["X-A"], transport.requests[0].headers["Authorization"]) == ("1", "Bearer t")


async def test_pages_are_prepared_after_the_filter():
    """The records that are kept may be changed, or others handed out; None leaves them."""

    def more(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*records, {"id": 99}]

    def none(records: list[dict[str, Any]]) -> None:
        records[0]["seen"] = len(records)

    async with opened(plugin("none", prepare_page=none), plugin("more", prepare_page=more)) as demo:
        assert [record async for record in demo.read("things")] == [{"id": 1, "seen": 3}, {"id": 2}, {"id": 99}]


async def test_answers_and_events_are_observed():
    """Every answer, whatever its status, and everything that is announced."""
    statuses: list[int] = []
    heard: list[Event] = []

    def watch(event: Event) -> None:
        heard.append(event)

    answers = iter([respond(503, headers={"Retry-After": "1"}), answer(Request("GET", "x"))])
    observing = plugin(
        "watch",
        observe_response=lambda response: statuses.append(response.status),
        observe_event=watch,
    )
    async with opened(observing, transport=lambda _request: next(answers)) as demo:
        assert len([record async for record in demo.read("things")]) == 2
    assert statuses == [503, 200]
    assert any(isinstance(event, PageRead) for event in heard)


async def test_transforms_come_from_plugins_and_from_the_app():
    """By name; the app's come first."""
    bringing = plugin(
        "labels", register_transforms=lambda connector: {"label": lambda record: {**record, "by": connector}}
    )
    async with opened(bringing) as demo:
        assert (await demo.call("hooked")).data[0] == {"id": 0, "by": "demo"}
    own = replace(effects(answer), hooks={"label": lambda record: {**record, "by": "app"}})
    async with Connector.open(SPEC, effects=own, plugins=[bringing]) as demo:
        assert (await demo.call("hooked")).data[0] == {"id": 0, "by": "app"}


async def test_a_plugin_that_fails_is_named():
    """The reading fails, with the plug-in and the place, and without what it was given."""

    def failing(records: list[dict[str, Any]]) -> None:
        raise RuntimeError(f"secret {records}")

    async with opened(plugin("bad", prepare_page=failing)) as demo:
        with pytest.raises(ConfigError) as wrong:
            await demo.call("things")
    assert wrong.value.what.startswith("the plug-in bad fails with RuntimeError (test_plugins.py, line ")
    assert (wrong.value.code, wrong.value.where) == ("plugin.failed", "failing")
    assert "secret" not in str(wrong.value)


async def _later(**_given: Any) -> None:
    """Stands for a hook that is a coroutine."""


A_REQUEST = "a Request whose url, headers and query are text"


def _in_place(records: list[Any]) -> None:
    records[:] = ["id"]


@pytest.mark.parametrize(
    "hook, function, found, wanted",
    [
        ("prepare_request", lambda: {"url": "/things"}, "a dict", A_REQUEST),
        pytest.param(
            "prepare_request", lambda request: request.with_header("X-Count", 5), "a Request", A_REQUEST, id="header"
        ),
        pytest.param(
            "prepare_request", lambda request: replace(request, query=[("size", 5)]), "a Request", A_REQUEST, id="query"
        ),
        pytest.param("prepare_request", lambda request: replace(request, url=None), "a Request", A_REQUEST, id="url"),
        ("prepare_request", _later, "a coroutine", A_REQUEST),
        ("prepare_page", lambda: ({"id": 1},), "a tuple", "a list of records"),
        ("prepare_page", lambda: ["id"], "a list", "a list of records"),
        ("prepare_page", lambda: "id", "a str", "a list of records"),
        ("prepare_page", _in_place, "a list", "a list of records"),
        ("observe_response", _later, "a coroutine", "nothing"),
        ("register_transforms", lambda: ["label"], "a list", "a mapping of names to functions"),
        ("register_transforms", lambda: {"label": "x"}, "a dict", "a mapping of names to functions"),
    ],
)
async def test_a_hook_that_gives_something_else_is_named(hook, function, found, wanted):
    """It is neither sent nor handed out, and no traceback of ours is the first that one hears of it."""
    async with opened(plugin("odd", **{hook: function})) as demo:
        with pytest.raises(ConfigError) as wrong:
            await demo.call("things")
    assert wrong.value.what == f"the plug-in odd gives {found} for {hook}, where {wanted} is expected"
    assert wrong.value.code == "plugin.failed"


@pytest.mark.parametrize(
    "hook, found",
    [("specs", "./specs"), ("specs", [5]), ("filters", ["upper"]), ("filters", {"upper": 1}), ("commands", ["run"])],
)
def test_what_is_registered_is_what_the_hook_is_for(hook, found):
    """A folder that is given as text alone would be taken for folders of one letter each."""
    plugins = Plugins([("odd", plugin("odd", **{f"register_{hook}": lambda: found}))])
    with pytest.raises(ConfigError, match=rf"the plug-in odd gives a \w+ for register_{hook}, where "):
        getattr(plugins, hook)()


@pytest.mark.parametrize(
    "names, what",
    [(["one", "one"], "two plug-ins are called one"), (["one", "two"], "the plug-in two is there twice")],
)
def test_a_plugin_is_there_once(names, what):
    """It is told in a few words, without what is in the module."""
    first = plugin("one", register_specs=lambda: None)
    second = first if names[1] == "two" else plugin("one", register_specs=lambda: None)
    with pytest.raises(ConfigError) as wrong:
        Plugins(zip(names, [first, second], strict=True))
    assert (wrong.value.what, wrong.value.code) == (what, "plugin.duplicate")


def test_two_entry_points_of_one_module(monkeypatch):
    """The second is left out, and no engine is the worse for it."""
    module = plugin("acme", register_specs=lambda: None)
    points = [
        SimpleNamespace(name=name, load=lambda: module, dist=SimpleNamespace(name="acme", version="1"))
        for name in ("one", "two")
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: points)
    first, second = installed.__wrapped__()
    assert (first.problem, second.problem) == ("", "it is the same as one of acme 1")


def test_one_that_fails_silences_no_other():
    """Each plug-in listens for itself."""
    heard: list[object] = []

    def fail(event):
        raise ValueError

    def hear(event):
        heard.append(event)

    first, second = plugin("one", observe_event=fail), plugin("two", observe_event=hear)
    effects = Effects(listeners=list(Plugins([("one", first), ("two", second)]).observe_event))
    effects.announce(ReadStarted(connection="demo", endpoint="things"))
    effects.announce(ReadStarted(connection="demo", endpoint="things"))
    assert len(heard) == 2


def test_two_of_one_name():
    """Nobody's function hides another's."""
    one = plugin("one", register_transforms=lambda: {"label": dict})
    two = plugin("two", register_transforms=lambda: {"label": dict})
    with pytest.raises(ConfigError) as wrong:
        Plugins([("one", one), ("two", two)]).transforms("demo")
    assert wrong.value.what == "two plug-ins bring 'label': two and one"
    assert wrong.value.code == "plugin.duplicate"


@pytest.mark.parametrize(
    "hooks, what",
    [
        ({"prepare_requests": lambda request: request}, "unknown hook 'prepare_requests'"),
        ({"prepare_request": lambda requst: requst}, "Argument(s) {'requst'}"),
    ],
)
async def test_a_hook_that_is_written_wrong(hooks, what):
    """Its name, or an argument that the hook does not have, is told when the engine is first used."""
    async with Engine(effects=effects(answer), plugins=[plugin("odd", **hooks)]) as engine:
        with pytest.raises(ConfigError) as wrong:
            async with engine.open(SPEC):
                pass
    assert wrong.value.what.startswith("a plug-in cannot be used: ")
    assert what in wrong.value.what


@pytest.mark.parametrize("given", ["acme_connectors", SimpleNamespace(__name__="x", prepare_page=list)])
async def test_what_has_no_hook_is_no_plugin(given):
    """A module's name, or functions that nobody marked, would be passed over in silence: what they mask would show."""
    with pytest.raises(ConfigError, match=r"the plug-in (str|x) has no hook") as wrong:
        async with opened(given):
            pass
    assert "@hookimpl" in wrong.value.hint


async def test_an_apps_plugin_brings_specs_to_its_engine_alone(folder):
    """They are found after the engine's own folders, and the Python beside them is run."""
    bringing = plugin("bringing", register_specs=lambda: [folder])
    async with Engine(plugins=[bringing], effects=effects(answer)) as engine, engine.open("things") as things:
        assert (await things.call("all")).data[0] == {"id": 0, "own": True}
    async with Engine(effects=effects(answer)) as engine:
        with pytest.raises(ConfigError, match="there is no spec named 'things'"):
            async with engine.open("things"):
                pass


async def test_an_engines_own_folders_come_before_its_plugins(folder, tmp_path_factory):
    """The app has the last word on what a name means."""
    nearer = tmp_path_factory.mktemp("nearer")
    (nearer / "things.yaml").write_text(YAML.replace(", transform: [{type: hook, name: own}]", ""))
    bringing = plugin("bringing", register_specs=lambda: [folder])
    async with Connector.open("things", specs=[nearer], plugins=[bringing], effects=effects(answer)) as things:
        assert (await things.call("all")).data[0] == {"id": 0}


@pytest.fixture
def no_further_filters():
    """What a test makes known is gone after it."""
    known = set(FILTERS)
    yield
    for name in set(FILTERS) - known:
        del FILTERS[name]
        ADDED.discard(name)


@pytest.mark.usefixtures("no_further_filters")
async def test_an_apps_plugin_brings_filters(caplog):
    """They are known before its first spec is loaded, in a second engine too; one whose name is taken is left out."""
    spec = {**SPEC, "endpoints": {"loud": {"get": "/", "records": "body", "filter": "record.id | doubled > 2"}}}
    own = plugin("own", register_filters=lambda: {"doubled": doubled, "lower": doubled})
    for _ in range(2):
        async with Connector.open(spec, plugins=[own], effects=effects(answer)) as demo:
            assert (await demo.call("loud")).data == [{"id": 2}]
    assert caplog.messages == ["a plug-in's filter is left out: there is a filter 'lower' already"] * 2


@pytest.mark.usefixtures("no_further_filters")
@pytest.mark.parametrize(
    "name, wrong, code, what",
    [
        ("far", AttributeError("12345"), "plugin.failed", "the plug-in own fails with AttributeError (test_plugins.py"),
        ("length_of", TypeError("of 12345"), "plugin.failed", "the plug-in own fails with TypeError (test_plugins.py"),
        ("unit", ValueError("no unit\nin 12345"), "", "| unit cannot be applied to a number: no unit in ***"),
        ("mute", ValueError(), "", "| mute cannot be applied to a number like this"),
    ],
)
async def test_a_plugins_filter_that_fails(name, wrong, code, what):
    """A ValueError's text is the reason, without what the filter was given; all else is the plug-in's failure."""

    def fails(value: int) -> int:
        raise wrong

    sized = {"post": "/", "input": {"size": {}}, "params": {"size": f"{{{{ input.size | {name} }}}}"}}
    spec = {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": {"sized": sized}}
    own = plugin("own", register_filters=lambda: {name: fails})
    async with Connector.open(spec, plugins=[own], effects=effects(answer)) as opened:
        with pytest.raises(ConfigError) as failed:
            await opened.call("sized", {"size": 12345})
    assert what in str(failed.value)
    assert "12345" not in str(failed.value)
    assert not code or (failed.value.code, failed.value.where) == (code, f"the filter {name}")


async def test_an_apps_plugin_is_there_for_a_simulated_connector(folder):
    """Its specs are found by name there as well."""
    bringing = plugin("bringing", register_specs=lambda: [folder])
    async with simulated("things", plugins=[bringing]) as things:
        assert (await things.call("all")).data[0]["own"]


def doubled(value: int) -> int:
    """A filter."""
    return 2 * value


# ── Python beside a spec ──────────────────────────────────────────────────────────────────────────

YAML = """
connector: "1"
name: things
base_url: https://api.example
endpoints:
  all: {get: /, records: body, transform: [{type: hook, name: own}]}
"""
PYTHON = """
from connector_core.hookspecs import hookimpl

@hookimpl
def register_transforms():
    own = lambda record: {**record, "own": True}
    return {"own": own, "label": own}
"""


@pytest.fixture
def folder(tmp_path):
    """A spec with Python beside it."""
    (tmp_path / "things.yaml").write_text(YAML)
    (tmp_path / "things.py").write_text(PYTHON)  # which also has the function that SPEC wants
    return tmp_path


async def test_hooks_of_engines_are_told_beside_a_spec(folder, caplog):
    """What is one connector's own can bring no filters and hear no engine's events: a warning says so."""
    more = "@hookimpl\ndef observe_event(event): raise ValueError\n@hookimpl\ndef register_filters(): return {}\n"
    (folder / "things.py").write_text(f"{PYTHON}\nfrom connector_core.hookspecs import hookimpl\n{more}")
    async with Engine(specs=[folder], effects=effects(answer)) as engine, engine.open("things"):
        pass
    assert caplog.messages == ["things.py is one connector's own: nothing calls its observe_event, register_filters"]


async def test_python_beside_a_spec_is_its_connectors_own(folder):
    """It is run where the folder was named, for that connector and no other."""
    async with Engine(specs=[folder], effects=effects(answer)) as engine:
        async with engine.open("things") as things:
            assert (await things.call("all")).data[0] == {"id": 0, "own": True}
        async with engine.open(folder / "things.yaml") as things:
            assert (await things.call("all")).data[0]["own"]
        async with engine.open(SPEC) as other:
            with pytest.raises(ConfigError, match="no plug-in provides the hook 'label'"):
                await other.call("hooked")


async def test_a_spec_from_anywhere_brings_no_code(folder):
    """A path alone names no folder that is trusted."""
    (folder / "things.py").write_text("raise SystemExit('run')")
    async with Connector.open(folder / "things.yaml", effects=effects(answer)) as things:
        with pytest.raises(ConfigError, match="no plug-in provides the hook 'own'"):
            await things.call("all")
    assert load("things", [folder], trusted=[]).python is None


async def test_python_that_fails(folder):
    """The error names the file, what went wrong and where."""
    (folder / "things.py").write_text("\nimport nothing_of_that_name\n")
    async with Engine(specs=[folder], effects=effects(answer)) as engine:
        with pytest.raises(ConfigError) as wrong:
            async with engine.open("things"):
                pass
    why = "ModuleNotFoundError: No module named 'nothing_of_that_name' (things.py, line 2)"
    assert wrong.value.what == f"the connector's Python fails with {why}"
    assert wrong.value.where == str(folder / "things.py")


async def test_the_shop_sums_its_items():
    """The bundled example of Python beside a spec."""
    orders = [
        {"id": 1, "items": [{"price": 0.1, "quantity": 3}, {"price": 2, "quantity": 1}]},
        {"id": 2, "items": [{"price": 2, "quantity": 1}, {"quantity": 4}]},
    ]
    transport = FakeTransport(lambda _request: respond(json={"data": orders, "meta": {}}))
    config, secrets = {"shop_url": "https://shop.example"}, {"token": "t"}
    async with Connector.open("shop", config=config, secrets=secrets, effects=effects(transport)) as shop:
        assert [record.get("subtotal") async for record in shop.read("orders")] == [2.3, None]
