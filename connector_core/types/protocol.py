"""The module itself: the types of a spec, and a protocol with the methods of the connector that are typed by them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from connector_core.spec import Endpoint, Spec
from connector_core.types.layout import method
from connector_core.types.names import camel, docstring
from connector_core.types.shapes import Shapes

__all__ = ["written"]

Signature = tuple[list[str], str]
"""A method's parameters, and what it gives."""

_TYPING = ("Any", "Literal", "NotRequired", "Protocol", "TypeAlias", "TypedDict", "overload")
_DOOR = ("Pages", "Records", "Result")


def written(spec: Spec) -> str:
    """The module's text, as formatters would leave it."""
    shapes = Shapes()
    protocol = shapes.names.free(camel(spec.name), "Connector")
    _account(shapes, protocol, spec)
    records = {name: _record(shapes, name, known) for name, known in spec.endpoints.items() if known.readable}
    inputs = {name: _input(shapes, name, known) for name, known in spec.endpoints.items() if known.input}
    methods = list(_methods(spec, records, inputs))
    about = f"{spec.title or spec.name}: {spec.description}" if spec.description else spec.title or spec.name
    body = "\n".join([*shapes.lines, f"class {protocol}(Protocol):", *docstring(about, "    "), "", *methods])
    blank = "\n\n" if body.startswith("class ") else "\n"
    return f"{_caption(spec)}\n{_imports(body)}{blank}{body}\n"


def _caption(spec: Spec) -> str:
    about = f"The types of {spec.name} {spec.version}."
    return f'"""{about}\n\nWritten by `connector types {spec.name}`: change the spec, and write it again.\n"""\n'


def _imports(body: str) -> str:
    """The imports of what the code uses, be it only in a docstring."""
    words = set(re.findall(r"\w+", body))
    lines = [f"from typing import {', '.join(name for name in _TYPING if name in words)}", ""]
    if used := [name for name in _DOOR if name in words]:
        lines.append(f"from connector_core import {', '.join(used)}")
    if "Binary" in words:
        lines.append("from connector_core.http import Binary")
    return "\n".join([*lines, ""]) if lines[-1] else lines[0] + "\n"


def _account(shapes: Shapes, protocol: str, spec: Spec) -> None:
    """What the user fills in; an environment may have defaults of its own."""
    elsewhere = {name for home in spec.environments.values() for name in home.config or ()}
    config = {
        name: {**schema, "optional": True} if name in elsewhere else schema for name, schema in spec.config.items()
    }
    secrets = {name: {"type": "string", **schema} for name, schema in spec.secrets.items()}
    for what, properties in (("config", config), ("secrets", secrets)):
        if properties:
            name = shapes.names.free(f"{protocol}{what.title()}", "Connector")
            shapes.declared(name, properties, f"The {what} of an account.", given=True)


def _record(shapes: Shapes, name: str, endpoint: Endpoint) -> str:
    if not endpoint.schema_ or "" in endpoint.schema_:  # no TypedDict has a key without a name
        return "dict[str, Any]"
    wanted = shapes.names.free(f"{camel(name)}Record", "Endpoint")
    return shapes.declared(wanted, endpoint.schema_, _about(f"A record of {name}", endpoint))


def _input(shapes: Shapes, name: str, endpoint: Endpoint) -> str:
    wanted = shapes.names.free(f"{camel(name)}Input", "Endpoint")
    return shapes.declared(wanted, endpoint.input or {}, _about(f"What {name} takes", endpoint), given=True)


def _about(what: str, endpoint: Endpoint) -> str:
    return f"{what}: {endpoint.description}" if endpoint.description.strip() else f"{what}."


# ── the methods ───────────────────────────────────────────────────────────────────────────────────


def _methods(spec: Spec, records: dict[str, str], inputs: dict[str, str]) -> Iterator[str]:
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
    calls = [_call(name, known, records, inputs) for name, known in spec.endpoints.items()]
    yield from _overloaded("def read", reads)
    yield from _overloaded("def pages", pages)
    yield from _overloaded("async def call", calls)
    yield "    async def endpoints(self) -> list[str]: ..."
    yield "    async def available(self) -> bool: ..."


_POSITION = "position: Any = None"
_TIMEOUT = "timeout: float | None = None"


def _named(endpoint: str) -> str:
    return f'endpoint: Literal["{endpoint}"]'


def _call(name: str, endpoint: Endpoint, records: dict[str, str], inputs: dict[str, str]) -> Signature:
    if name in records:
        return [_named(name), "*", _TIMEOUT], f"Result[list[{records[name]}]]"
    gives = "list[Any]" if endpoint.batch is not None and endpoint.output is None else "Any"
    parameters = [_named(name)]
    if name in inputs:
        needed = any(
            "default" not in schema and not schema.get("optional") for schema in (endpoint.input or {}).values()
        )
        parameters.append(f"input: {inputs[name]}" if needed else f"input: {inputs[name]} | None = None")
    return [*parameters, "*", _TIMEOUT], f"Result[{gives}]"


def _overloaded(head: str, signatures: Sequence[Signature]) -> Iterator[str]:
    for parameters, gives in signatures:
        if len(signatures) > 1:
            yield "    @overload"
        yield from method(head, parameters, gives)
    if signatures:
        yield ""
