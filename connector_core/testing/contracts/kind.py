"""What every kind of every family must keep: it is frozen, documented, written and read back, and in the schema."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pydantic import ValidationError

from connector_core.component import Component, descriptions
from connector_core.document import plain
from connector_core.exceptions import IntegrationError
from connector_core.testing.contracts.claim import Claim, refuse
from connector_core.testing.contracts.samples import Samples

__all__ = ["every_kind"]

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def every_kind(samples: Samples) -> Iterator[Claim]:
    """The claims that hold for all kinds."""

    def claim(name: str, must: str, run: Callable[[Samples], None]) -> Claim:
        return Claim(samples.name, name, must, partial(run, samples))

    yield claim("name", "be found under its family by the name that `type:` uses", _name)
    yield claim("documented", "say in its docstring what it is, in a sentence of its own", _documented)
    yield claim("fields-documented", "say of each field what it is, in a docstring under it", _fields)
    yield claim("example-loads", "have an example that loads as a part of a spec", _example)
    yield claim("frozen", "be frozen: one instance is shared by everything that uses the spec", _frozen)
    yield claim("unknown-keys", "refuse keys that it does not know: they are typing mistakes", _unknown)
    yield claim("round-trip", "be the same when it is written as data and read again", _round_trip)
    yield claim("schema", "have a JSON Schema that is valid and accepts the example", _schema)
    yield claim("signatures", "take in its methods what its family passes", _signatures)


def _name(samples: Samples) -> None:
    name = str(samples.kind.kind())
    if not _NAME.fullmatch(name):
        refuse(f"{name!r} is not lower case with underscores, as page_number is")
    if samples.kind.kinds.get(name) is not samples.kind:
        refuse(f"{samples.kind.key} knows another class by the name {name!r}: {samples.kind.kinds.get(name)}")


def _documented(samples: Samples) -> None:
    told = inspect.cleandoc(vars(samples.kind).get("__doc__") or "")
    first, *_ = told.split("\n\n")
    if not first or first.startswith("Example:"):
        refuse("there is no sentence before the example")
    if not first.endswith("."):
        refuse(f"its first paragraph does not end with a full stop: {first!r}")


def _fields(samples: Samples) -> None:
    told = descriptions(samples.kind)
    missing = [name for name in samples.kind.model_fields if name != "type" and not told.get(name)]
    if missing:
        refuse(f"nothing is said of {', '.join(missing)}; editors and pages show what is")


def _example(samples: Samples) -> None:
    from connector_core.load import load

    document = {
        "connector": "1",
        "name": "example",
        "config": {name: {"type": "string"} for name in samples.config},
        "secrets": {name: {} for name in samples.secrets},
        "base_url": "https://api.shop.example",
        "endpoints": {"orders": {"get": "/orders", "records": "body"}},
        **samples.document,
    }
    try:
        load(document)
    except IntegrationError as error:
        refuse(f"{samples.yaml} does not: {error}")


def _frozen(samples: Samples) -> None:
    for component in samples:
        for name in samples.kind.model_fields:
            try:
                setattr(component, name, getattr(component, name))
            except ValidationError:
                continue
            refuse(f"`{name}` can be set; leave model_config as the family has it")


def _unknown(samples: Samples) -> None:
    for component in samples:
        try:
            type(component).resolve({**plain(component), "no_such_key": 1})
        except ValidationError:
            continue
        refuse("it accepts `no_such_key: 1`; leave model_config as the family has it")


def _round_trip(samples: Samples) -> None:
    for component in samples:
        data = plain(component)
        try:
            stored = json.loads(json.dumps(data, allow_nan=False))
        except (TypeError, ValueError) as error:
            refuse(f"{data!r} is not JSON data: {error}")
        try:
            again = samples.kind.model_validate(stored)
        except ValidationError as error:
            refuse(f"{stored!r} is what is written, and it is not valid: {error.errors()[0]['msg']}")
        if again != component:
            refuse(f"{component!r} is written as {stored!r}, which is read as {again!r}")


def _schema(samples: Samples) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    samples.kind.model_rebuild()
    schema = samples.kind.model_json_schema()
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        refuse(f"the schema is not valid: {error.message}")
    validator: Any = Draft202012Validator(schema)
    for written, component in samples.all:
        for value in (plain(component), *([written] if isinstance(written, dict) else [])):
            mistakes = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
            if mistakes:
                refuse(f"the schema refuses {value!r}: {'; '.join(mistakes)}")
    said = {name for name, shown in schema.get("properties", {}).items() if not shown.get("description")}
    if said and said != {"type"}:
        refuse(f"the schema says nothing of {', '.join(sorted(said))}, which editors would show")


def _signatures(samples: Samples) -> None:
    for family in samples.kind.__mro__[1:]:
        if family is Component or not issubclass(family, Component):
            break
        for name, method in vars(family).items():
            if name.startswith("_") or not inspect.isfunction(method):
                continue
            wanted, has = (list(inspect.signature(each).parameters) for each in (method, getattr(samples.kind, name)))
            if has[: len(wanted)] != wanted:
                refuse(f"`{name}` takes ({', '.join(has)}), and is passed ({', '.join(wanted)})")
