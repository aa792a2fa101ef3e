"""The module itself: the types of a spec, and a protocol with the methods of the connector that are typed by them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence

from connector_core.address import AnswerPath
from connector_core.config import is_required
from connector_core.plan import optional_secrets
from connector_core.spec import Endpoint, Spec
from connector_core.types.layout import method
from connector_core.types.names import camel, docstring
from connector_core.types.shapes import Shapes

__all__ = ["written"]

Signature = tuple[list[str], str]
"""A method's parameters, and what it gives."""

_TYPING = ("Any", "Literal", "NotRequired", "Protocol", "TypeAlias", "TypedDict", "overload")
_DOOR = ("Pages", "Records", "Result", "SecretRef", "Spec")
_FURTHER = {
    "HealthReport": "engine.checkup",
    "CircuitStatus": "engine.circuits",
    "SecretDue": "engine.rotation",
    "Binary": "http",
    "Counters": "metrics",
}
"""What else the protocol may use, and the module it comes from, in the order of imports."""


def written(spec: Spec) -> str:
    """The module's text, as formatters would leave it."""
    shapes = Shapes()
    protocol = shapes.names.free(camel(spec.name), "Connector")
    _account(shapes, protocol, spec)
    shared: dict[str, str] = {}
    records = {name: _record(shapes, shared, name, known) for name, known in spec.endpoints.items() if known.readable}
    results = {
        name: _record(shapes, shared, name, known) for name, known in spec.endpoints.items() if _gives_a_record(known)
    }
    inputs = {name: _input(shapes, name, known) for name, known in spec.endpoints.items() if known.input}
    methods = list(_methods(spec, records, results, inputs))
    about = f"{spec.title or spec.name}: {spec.description}" if spec.description else spec.title or spec.name
    body = "\n".join([*shapes.lines, f"class {protocol}(Protocol):", *docstring(about, "    "), "", *methods])
    blank = "\n\n" if body.startswith("class ") else "\n"
    return f"{_caption(spec)}\n{_imports(body)}{blank}{body}\n"


def _caption(spec: Spec) -> str:
    about = f"The types of {spec.name} {spec.version}."
    return f'"""{about}\n\nWritten by `connector types {spec.name}`: change the spec, and write it again.\n"""\n'


def _imports(body: str) -> str:
    """The imports of what the code uses; what only its docstrings say is no use."""
    nodes = list(ast.walk(ast.parse(body)))
    told = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in told]
    words = {node.id for node in nodes if isinstance(node, ast.Name)}
    words |= {word for text in texts if isinstance(text, str) for word in re.findall(r"\w+", text)}  # later classes
    lines = [f"from typing import {', '.join(name for name in _TYPING if name in words)}", ""]
    if used := [name for name in _DOOR if name in words]:
        lines.append(f"from connector_core import {', '.join(used)}")
    lines += [f"from connector_core.{home} import {name}" for name, home in _FURTHER.items() if name in words]
    return "\n".join([*lines, ""]) if lines[-1] else lines[0] + "\n"


def _account(shapes: Shapes, protocol: str, spec: Spec) -> None:
    """What the user fills in; an environment may have defaults of its own."""
    elsewhere = {name for home in spec.environments.values() for name in home.config or ()}
    config = {
        name: {**schema, "optional": True} if name in elsewhere else schema for name, schema in spec.config.items()
    }
    secrets = {name: {"type": "string", **schema} for name, schema in optional_secrets(spec).items()}
    for what, properties, besides in (("config", config, ""), ("secrets", secrets, "SecretRef")):
        if properties:
            name = shapes.names.free(f"{protocol}{what.title()}", "Connector")
            shapes.declared(name, properties, f"The {what} of an account.", given=True, besides=besides)


def _record(shapes: Shapes, shared: dict[str, str], name: str, endpoint: Endpoint) -> str:
    """The type of a record; endpoints of the same schema, as one in a file often is, share that of the first."""
    if not endpoint.schema_ or "" in endpoint.schema_:  # no TypedDict has a key without a name
        return "dict[str, Any]"
    written = json.dumps(endpoint.schema_, sort_keys=True, default=repr)
    if written not in shared:
        wanted = shapes.names.free(f"{camel(name)}Record", "Endpoint")
        shared[written] = shapes.declared(wanted, endpoint.schema_, _about(f"A record of {name}", endpoint))
    return shared[written]


def _gives_a_record(endpoint: Endpoint) -> bool:
    """Whether a call's schema is of what it gives: the body, or an object in it that `output` leads to."""
    if endpoint.readable or not endpoint.schema_ or endpoint.batch or endpoint.job or endpoint.steps:
        return False
    output = endpoint.output
    if output is None:
        return True
    if not output.literal or not isinstance(output.raw, str):
        return False
    path = AnswerPath(output.raw)
    return path.root == "body" and "*" not in path.keys and path.keys[-1:] not in [(name,) for name in endpoint.schema_]


def _input(shapes: Shapes, name: str, endpoint: Endpoint) -> str:
    wanted = shapes.names.free(f"{camel(name)}Input", "Endpoint")
    return shapes.declared(wanted, endpoint.input or {}, _about(f"What {name} takes", endpoint), given=True)


def _about(what: str, endpoint: Endpoint) -> str:
    return f"{what}: {endpoint.description}" if endpoint.description.strip() else f"{what}."


# ── the methods ───────────────────────────────────────────────────────────────────────────────────


def _methods(spec: Spec, records: dict[str, str], results: dict[str, str], inputs: dict[str, str]) -> Iterator[str]:
    reads: list[Signature] = [([_named(name), "*", _TIMEOUT], f"Records[{record}]") for name, record in records.items()]
    pages: list[Signature] = [
        ([_named(name), "*", *([] if spec.endpoints[name].for_each else [_POSITION]), _TIMEOUT], f"Pages[{record}]")
        for name, record in records.items()
    ]
    if any(entry.name is not None for known in spec.endpoints.values() for entry in known.for_each or ()):
        reads.append(
            (["endpoint: str", "*", _TIMEOUT], "Records[Any]")
        )  # which names the service has is seen when it is asked
        pages.append((["endpoint: str", "*", _POSITION, _TIMEOUT], "Pages[Any]"))
    calls = [_call(name, known, records, results, inputs) for name, known in spec.endpoints.items()]
    yield from _overloaded("def read", reads)
    yield from _overloaded("def pages", pages)
    yield from _overloaded("async def call", calls)
    yield "    async def endpoints(self) -> list[str]: ..."
    yield "    async def available(self) -> bool: ..."
    yield "    async def health(self) -> HealthReport: ..."
    yield "    async def secrets_due(self) -> tuple[SecretDue, ...]: ..."
    yield "    def metrics(self) -> Counters: ..."
    yield "    def circuits(self) -> list[CircuitStatus]: ..."
    yield from method(
        "def hold_circuits", ['state: Literal["open", "closed"] | None', "*", "host: str | None = None"], "None"
    )
    yield ""
    yield "    @property"
    yield "    def spec(self) -> Spec: ..."


_POSITION = "position: Any = None"
_TIMEOUT = "timeout: float | None = None"


def _named(endpoint: str) -> str:
    return f'endpoint: Literal["{endpoint}"]'


def _call(
    name: str, endpoint: Endpoint, records: dict[str, str], results: dict[str, str], inputs: dict[str, str]
) -> Signature:
    if name in records:
        return [_named(name), "*", _TIMEOUT], f"Result[list[{records[name]}]]"
    gives = "list[Any]" if endpoint.batch is not None and endpoint.output is None else results.get(name, "Any")
    parameters = [_named(name)]
    if name in inputs:
        needed = any(is_required(schema) for schema in (endpoint.input or {}).values())
        parameters.append(f"input: {inputs[name]}" if needed else f"input: {inputs[name]} | None = None")
    return [*parameters, "*", _TIMEOUT], f"Result[{gives}]"


def _overloaded(head: str, signatures: Sequence[Signature]) -> Iterator[str]:
    for parameters, gives in signatures:
        if len(signatures) > 1:
            yield "    @overload"
        yield from method(head, parameters, gives)
    if signatures:
        yield ""
