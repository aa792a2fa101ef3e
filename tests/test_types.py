from __future__ import annotations

import ast
import io
import re
import shutil
import subprocess
import sys
import tokenize
from importlib.util import find_spec
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connector_core import Connector
from connector_core.load import available, load
from connector_core.types import written

SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "desk",
    "title": "Help desk",
    "description": 'Tickets, "open" or not.',
    "config": {"url": {"type": "string", "description": "Where it is"}, "size": {"type": "integer", "default": 10}},
    "secrets": {"token": {}},
    "base_url": "{{ config.url }}",
    "records": "body.data",
    "endpoints": {
        "tickets": {
            "description": "All of them.",
            "get": "/tickets",
            "schema": {
                "id": {"type": "integer"},
                "state": {"type": ["string", "null"], "enum": ["open", "closed", None], "description": "Where it is"},
                "from": {"type": "object", "properties": {"name": {"type": "string"}, "e-mail": {"type": "string"}}},
                "tags": {"type": "array", "items": {"type": "string"}, "optional": True},
            },
        },
        "open_ticket": {
            "post": "/tickets",
            "input": {
                "subject": {"type": "string"},
                "photo": {"type": "string", "format": "binary", "optional": True},
            },
            "body": {"json": {"subject": "{{ input.subject }}"}},
        },
    },
}

MODULE = '''\
"""The types of desk 0.0.0.

Written by `connector types desk`: change the spec, and write it again.
"""

from typing import Any, Literal, NotRequired, Protocol, TypedDict, overload

from connector_core import Pages, Records, Result, SecretRef, Spec
from connector_core.engine.checkup import HealthReport
from connector_core.engine.circuits import CircuitStatus
from connector_core.engine.rotation import SecretDue
from connector_core.http import Binary
from connector_core.metrics import Counters


class DeskConfig(TypedDict):
    """The config of an account."""

    url: str
    """Where it is"""
    size: NotRequired[int | None]


class DeskSecrets(TypedDict):
    """The secrets of an account."""

    token: str | SecretRef


TicketsRecordFrom = TypedDict(
    "TicketsRecordFrom",
    {
        "name": str,
        "e-mail": str,
    },
)


TicketsRecord = TypedDict(
    "TicketsRecord",
    {
        "id": int,
        "state": Literal["open", "closed"] | None,
        "from": TicketsRecordFrom,
        "tags": NotRequired[list[str]],
    },
)


class OpenTicketInput(TypedDict):
    """What open_ticket takes."""

    subject: str
    photo: NotRequired[Binary | None]


class Desk(Protocol):
    """Help desk: Tickets, 'open' or not."""

    def read(
        self,
        endpoint: Literal["tickets"],
        *,
        timeout: float | None = None,
    ) -> Records[TicketsRecord]: ...

    def pages(
        self,
        endpoint: Literal["tickets"],
        *,
        position: Any = None,
        timeout: float | None = None,
    ) -> Pages[TicketsRecord]: ...

    @overload
    async def call(
        self,
        endpoint: Literal["tickets"],
        *,
        timeout: float | None = None,
    ) -> Result[list[TicketsRecord]]: ...
    @overload
    async def call(
        self,
        endpoint: Literal["open_ticket"],
        input: OpenTicketInput,
        *,
        timeout: float | None = None,
    ) -> Result[Any]: ...

    async def endpoints(self) -> list[str]: ...
    async def available(self) -> bool: ...
    async def health(self) -> HealthReport: ...
    async def secrets_due(self) -> tuple[SecretDue, ...]: ...
    def metrics(self) -> Counters: ...
    def circuits(self) -> list[CircuitStatus]: ...
    def hold_circuits(
        self,
        state: Literal["open", "closed"] | None,
        *,
        host: str | None = None,
    ) -> None: ...

    @property
    def spec(self) -> Spec: ...
'''


def test_module():
    """The whole module, as it is written."""
    assert written(load(SPEC)) == MODULE


def test_the_protocol_has_what_a_connector_has():
    """Every public name of Connector but `open`, which an app has before it has a connector."""
    source = written(load(SPEC))
    body = source[source.index("class Desk(Protocol)") :]
    assert set(re.findall(r"def (\w+)", body)) == {name for name in vars(Connector) if name[0] != "_"} - {"open"}


def test_endpoints_of_the_same_schema_share_one_class():
    """The first one's, whether they are read or called; another schema is another class."""
    schema = {"id": {"type": "integer"}, "of": {"type": "object", "properties": {"a": {}}}}
    reads: dict[str, Any] = {name: {"get": f"/{name}", "schema": schema} for name in ("new", "old")}
    calls = {"one": {"get": "/new/1", "input": {}, "schema": schema}, "two": {"post": "/x", "schema": {"id": {}}}}
    source = written(load({**SPEC, "endpoints": {**reads, **calls}}))
    classes = re.findall(r"class (\w+)\(TypedDict\)", source)
    assert [name for name in classes if "Record" in name] == ["NewRecordOf", "NewRecord", "TwoRecord"]
    assert (source.count("Records[NewRecord]"), source.count("Result[NewRecord]")) == (2, 1)


@pytest.mark.parametrize(
    "more, gives",
    [
        ({}, "CallRecord"),
        ({"output": "body"}, "CallRecord"),
        ({"output": "body.thing"}, "CallRecord"),
        ({"output": "body.thing.id"}, "Any"),
        ({"output": "body.things.*"}, "Any"),
        ({"output": "header.Location"}, "Any"),
        ({"output": "{{ body.a ~ 'b' }}"}, "Any"),
        ({"schema": None}, "Any"),
    ],
)
def test_what_a_call_gives(more, gives):
    """Its schema's type, where that is of the whole that it gives."""
    call = {"post": "/call", "input": {}, "schema": {"id": {"type": "integer"}}, **more}
    endpoint = {key: value for key, value in call.items() if value is not None}
    assert f"Result[{gives}]" in written(load({**SPEC, "endpoints": {"call": endpoint}}))


def test_deterministic():
    """The same spec gives the same text."""
    assert written(load("github")) == written(load("github"))


# ── single types ──────────────────────────────────────────────────────────────────────────────────


def types_of(**endpoint: Any) -> dict[str, Any]:
    """What the module of a spec with that endpoint, `things`, defines."""
    spec = {**SPEC, "endpoints": {"things": {"get": "/things", **endpoint}}}
    return defined(written(load(spec)))


def defined(source: str) -> dict[str, Any]:
    """The names of the module, as an app would import them."""
    names: dict[str, Any] = {}
    exec(compile(source, "types.py", "exec", dont_inherit=True), names)  # noqa: S102 - only types, as is proved below
    return names


def annotation(source: str) -> str:
    """The type of the field `x` of the record, as it is written."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.AnnAssign)]
    return next(ast.unparse(node.annotation) for node in found if ast.unparse(node.target) == "x")


@pytest.mark.parametrize(
    "schema, type_",
    [
        ({}, "Any"),
        ({"type": "string", "format": "date-time"}, "str"),
        ({"type": "number"}, "float"),
        ({"type": ["integer", "null"]}, "int | None"),
        ({"type": "array"}, "list[Any]"),
        ({"type": "array", "items": {"type": ["null", "string"]}}, "list[str | None]"),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, "list[Any]"),
        ({"type": "object"}, "dict[str, Any]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "dict[str, float]"),
        ({"type": "object", "properties": {"": {}}}, "dict[str, Any]"),
        ({"const": "a"}, "Literal['a']"),
        ({"enum": [1, True, None]}, "Literal[1, True] | None"),
        ({"enum": ["a", 1.5]}, "Literal['a'] | float"),
        ({"enum": ["a", [1], {}]}, "Literal['a'] | list[Any] | dict[str, Any]"),
        ({"type": "string", "enum": ["a", None]}, "Literal['a']"),
        ({"enum": [str(number) for number in range(101)]}, "str"),
        ({"enum": ["a" * 60, "b"]}, "str"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "integer"}]}, "str | int | None"),
        ({"oneOf": [{"type": "string"}, {}]}, "Any"),
        ({"allOf": [{"type": "string"}, {"maxLength": 3}]}, "str"),
        ({"minLength": 1}, "str"),
    ],
)
def test_types(schema, type_):
    """What a schema is as a type; where it says nothing, anything."""
    spec = {**SPEC, "endpoints": {"things": {"get": "/things", "schema": {"x": schema}}}}
    assert annotation(written(load(spec))) == type_


def test_objects_inside():
    """An object has a class of its own: what it requires is there, and where it says nothing of that, all is."""
    inside = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    names = types_of(schema={"x": inside, "y": {"type": "array", "items": {**inside, "required": ["b", "c"]}}})
    assert names["ThingsRecordX"].__required_keys__ == {"a", "b"}
    assert names["ThingsRecordY"].__required_keys__ == {"b", "c"}
    assert names["ThingsRecordY"].__optional_keys__ == {"a"}
    assert get_args(get_type_hints(names["ThingsRecord"])["y"]) == (names["ThingsRecordY"],)


def test_records_have_what_is_declared():
    """A record has each declared field, unless it is optional; a default makes none optional."""
    record = types_of(schema={"a": {}, "b": {"optional": True}, "c": {"default": 1}})["ThingsRecord"]
    assert record.__required_keys__ == {"a", "c"}


def test_inputs():
    """What has a default or is optional may be left out, and None is the same; objects need what they require."""
    inside = {"type": "object", "properties": {"k": {"type": "string"}, "l": {"type": "string"}}, "required": ["k"]}
    given_ = {
        "a": {"type": ["string", "null"]},
        "b": {"type": "integer", "default": 1},
        "c": {"type": "string", "optional": True},
        "d": inside,
        "e": {"type": "object", "properties": {"k": {"type": "string"}}, "optional": True},
    }
    names = types_of(input=given_)
    hints = get_type_hints(names["ThingsInput"])
    assert names["ThingsInput"].__optional_keys__ == {"b", "c", "e"}
    assert (hints["a"], hints["b"], hints["c"]) == (str, int | None, str | None)
    assert names["ThingsInputD"].__required_keys__ == {"k"}
    assert names["ThingsInputE"].__optional_keys__ == {"k"}


def test_an_environment_may_have_the_default():
    """Config that an environment has a default for may be left out."""
    spec = {**SPEC, "environments": {"sandbox": {"config": {"url": "https://sandbox.example"}}}}
    assert "url: NotRequired[str | None]" in written(load(spec))


@pytest.mark.parametrize(
    "field, functional",
    [
        ("id", False),
        ("items", False),
        ("_id", False),
        ("class", True),
        ("__id", True),
        ("e-mail", True),
        ("größe", True),
        ("str", True),
        ("NotRequired", True),
        ('"\\', True),
        ("a\nb", True),
    ],
)
def test_fields(field, functional):
    """A key is declared as it is: in a class where Python can, else in quotes."""
    schema = {field: {"type": "string", "optional": True}}
    source = written(load({**SPEC, "endpoints": {"things": {"get": "/things", "schema": schema}}}))
    assert ("class ThingsRecord(" not in source) == functional
    assert defined(source)["ThingsRecord"].__optional_keys__ == {field}


def test_names():
    """Every class has a name of its own that is none of Python's, however endpoints are called."""
    spec = {
        **SPEC,
        "name": "any",
        "endpoints": {
            **{name: {"get": "/1", "schema": {f"x{name}": {}}} for name in ("a_b", "aB", "_", "_1")},
            "class": {"get": "/5", "input": {"None": {}}},
        },
    }
    wanted = {"ABRecord", "ABRecord2", "Record", "Endpoint1Record", "ClassInput", "Any2", "Any2Config"}
    assert wanted <= set(defined(written(load(spec))))


def test_a_partitioned_endpoint_has_no_position():
    """`pages` takes none where the engine refuses one."""
    orders = {"get": "/orders/{{ n }}", "for_each": {"values": [1, 2], "as": "n"}}
    source = written(load({**SPEC, "endpoints": {"orders": orders}}))
    assert "position" not in source


NAMED_BY_THE_SERVICE = {
    **SPEC,
    "endpoints": {
        "tables": {
            "get": "/tables/{{ n }}",
            "for_each": {"values": [1, 2], "as": "n", "name": "table_{{ n }}"},
            "schema": {"id": {"type": "integer"}},
        }
    },
}


def test_names_that_the_service_makes():
    """Where endpoints are named by the service, any name can be read."""
    source = written(load(NAMED_BY_THE_SERVICE))
    assert "def read(self, endpoint: str, *, timeout: float | None = None) -> Records[Any]: ..." in source


# ── every spec ────────────────────────────────────────────────────────────────────────────────────

TEXTS = st.text(max_size=12) | st.sampled_from([
    '"""', "'''", "\\", '\\"', "#", "# type: ignore", "# mypy: ignore-errors", "\n# fmt: off\n", "{x}", "a\rb", "\x00",
    "\u2028import os", "\u202e", "__import__('os')", '"]\nimport os #', "str", "Any", "list", "id", "class", "__a",
    "a long text " * 12, "x" * 90, "日本語" * 20,
])  # fmt: skip
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
PLAIN = st.builds(
    lambda type_, description: {**type_, "description": description},
    st.sampled_from([
        {},
        {"type": "string"},
        {"type": ["integer", "null"]},
        {"type": "array"},
        {"type": "object"},
        {"type": "string", "format": "binary"},
        {"type": ["number", "boolean", "string", "array", "object", "null"]},
    ]),
    TEXTS,
) | st.builds(lambda values: {"enum": values}, st.lists(VALUES, min_size=1, max_size=8))  # fmt: skip
SCHEMAS = st.recursive(
    PLAIN,
    lambda inner: (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=4))
        | st.builds(
            lambda properties, required: {"type": "object", "properties": properties, "required": required},
            st.dictionaries(TEXTS, inner, max_size=4),
            st.lists(TEXTS, unique=True, max_size=3),
        )
        | st.builds(
            lambda properties: {"type": ["object", "null"], "properties": properties},
            st.dictionaries(TEXTS, inner, max_size=4),
        )
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["a", "b", "class", "__x", "_", "str", "A", "x" * 100])
NAMED = st.dictionaries(NAMES, st.builds(lambda schema, o: {**schema, "optional": o}, SCHEMAS, st.booleans()))
SPECS = st.builds(
    lambda name, texts, config, secrets, reads, calls: {
        "connector": "1",
        "name": name,
        "title": texts[0],
        "description": texts[1],
        "base_url": "https://api.example",
        "records": "body",
        "config": config,
        "secrets": secrets,
        "endpoints": {
            **{name: {"get": "/x", "description": texts[2], "schema": schema} for name, schema in reads.items()},
            **{f"c_{name}": {"post": "/x", "description": texts[2], "input": keys} for name, keys in calls.items()},
        },
    },
    st.sampled_from(["shop", "none", "any", "a-b_c", "x" * 63]),
    st.tuples(TEXTS, TEXTS, TEXTS),
    NAMED,
    NAMED,
    st.dictionaries(NAMES, st.dictionaries(TEXTS, SCHEMAS, max_size=4), max_size=3),
    st.dictionaries(NAMES, NAMED, max_size=3),
)
EVERYWHERE = settings(derandomize=True, database=None, suppress_health_check=list(HealthCheck))

ALLOWED = (
    ast.Module, ast.ImportFrom, ast.alias, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Expr, ast.Constant, ast.Name,
    ast.Load, ast.Store, ast.Subscript, ast.Tuple, ast.BinOp, ast.BitOr, ast.Call, ast.Dict, ast.FunctionDef,
    ast.AsyncFunctionDef, ast.arguments, ast.arg, ast.UnaryOp, ast.USub,
)  # fmt: skip
"""All that types are made of."""


@settings(EVERYWHERE, max_examples=200)
@given(SPECS)
def test_nothing_of_a_spec_becomes_code(spec):
    """Texts of a spec are literals and docstrings, never code or comments, and every key is declared as it is."""
    source = written(load(spec))
    source.encode()
    tree = ast.parse(source)
    assert [node for node in ast.walk(tree) if not isinstance(node, ALLOWED)] == []
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert {name.id for name in called if isinstance(name, ast.Name)} <= {"TypedDict"}
    assert all(isinstance(name, ast.Name) for name in called)
    assert {node.module for node in tree.body if isinstance(node, ast.ImportFrom)} <= {
        "typing",
        "connector_core",
        "connector_core.engine.checkup",
        "connector_core.engine.circuits",
        "connector_core.engine.rotation",
        "connector_core.http",
        "connector_core.metrics",
    }
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    assert [token for token in tokens if token.type == tokenize.COMMENT] == []
    keys = [set(found.__annotations__) for found in defined(source).values() if hasattr(found, "__total__")]
    for endpoint in spec["endpoints"].values():
        declared = {*endpoint.get("schema", ()), *endpoint.get("input", ())}
        assert not declared or "" in declared or declared in keys


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """A folder with the modules of the bundled specs and of drawn ones."""
    folder = tmp_path_factory.mktemp("types")
    sources = [*(written(load(name)) for name in sorted(available())), MODULE, written(load(NAMED_BY_THE_SERVICE))]

    @settings(EVERYWHERE, max_examples=60, phases=[Phase.generate])
    @given(SPECS)
    def draw(spec: dict[str, Any]) -> None:
        sources.append(written(load(spec)))

    draw()
    for number, source in enumerate(sources):
        (folder / f"types_{number}.py").write_text(source, "utf-8")
    return folder


def checked(folder, *command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout


def test_layout(modules):
    """Formatters and import sorters leave it as it is."""
    assert checked(modules, "ruff", "format", "--isolated", "--diff", ".") == ""
    assert checked(modules, "ruff", "check", "--isolated", "--select", "F,I", ".") == ""


def test_mypy(modules):
    """Checked with mypy --strict, it has no mistakes."""
    assert checked(modules, "mypy", "--strict", "--config-file=", "--cache-dir=.cache", ".") == ""


@pytest.mark.skipif(shutil.which("node") is None, reason="pyright needs node, which is not installed")
@pytest.mark.skipif(
    find_spec("pyright") is None, reason="pyright came into the dev extra later: pip install -e '.[dev]'"
)
def test_pyright(modules):
    """Checked with pyright, it has no mistakes."""
    assert checked(modules, "pyright", "--pythonpath", sys.executable, ".") == ""


def test_a_value_of_very_many_types():
    """It may be anything: Python compiles no union of thousands."""
    options = [{"type": "object", "properties": {f"f{number}": {"type": "string"}}} for number in range(3000)]
    things = {"get": "/things", "records": "body", "schema": {"a": {"anyOf": options}}}
    text = written(load({**SPEC, "endpoints": {"things": things}}))
    compile(text, "desk_types.py", "exec")
    assert "    a: Any\n" in text
