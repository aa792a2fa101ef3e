"""What the user of a spec fills in: `config`, and `secrets` that must never be shown.

::

    config:
      shop_url: {type: string, format: uri, description: Address of the shop}
      start_date: {type: string, format: date-time, default: "2020-01-01T00:00:00Z"}
    secrets:
      token: {description: API token from Settings → API}

Each name has a JSON Schema. A value is required unless it has a `default` or is `optional: true`. In place of a secret,
whoever passes it may say where it is kept: `SecretRef("vault:secret/shop#token")`. A secret may say
`rotate_every: 90d`: whoever runs the connector is reminded to replace it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, NoReturn

from msgspec import Struct
from pydantic import AfterValidator, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from connector_core import json_schema
from connector_core.component import suggestion
from connector_core.exceptions import ConfigError
from connector_core.secret import Secret
from connector_core.units import duration

__all__ = [
    "Property",
    "SecretProperty",
    "SecretRef",
    "Secrets",
    "hidden",
    "is_required",
    "rotation",
    "settle",
    "settled_account",
    "settled_secrets",
    "typed",
    "typed_secret",
    "variable",
]


def _checked(schema: dict[str, Any]) -> dict[str, Any]:
    if mistakes := json_schema.check(schema):
        raise ValidationError.from_exception_data("JSON Schema", [_detail(path, what) for path, what in mistakes])
    return schema


def _detail(path: tuple[str | int, ...], what: str) -> InitErrorDetails:
    code = "regex" if isinstance(what, json_schema.Unmatchable) else "json_schema"
    return {"type": PydanticCustomError(code, "{what}", {"what": what}), "loc": path, "input": None}


Property = Annotated[
    dict[str, Any], AfterValidator(_checked), WithJsonSchema({"type": "object", "format": "json-schema"})
]
"""The JSON Schema of one named value."""


def _checked_secret(schema: dict[str, Any]) -> dict[str, Any]:
    _checked({key: value for key, value in schema.items() if key != "rotate_every"})
    try:
        if rotation(schema) == 0:
            raise ValueError("must be longer than nothing")
    except ValueError as error:
        code = "unit" if isinstance(schema["rotate_every"], str) else "unit_type"
        wrong: InitErrorDetails = {
            "type": PydanticCustomError(code, "{what}", {"what": str(error)}),
            "loc": ("rotate_every",),
            "input": None,
        }
        raise ValidationError.from_exception_data("JSON Schema", [wrong]) from None
    return schema


SecretProperty = Annotated[
    dict[str, Any],
    AfterValidator(_checked_secret),
    WithJsonSchema({"type": "object", "format": "json-schema-of-a-secret"}),
]
"""That of a secret, which may say after what time it is to be replaced."""


def rotation(schema: Mapping[str, Any]) -> float | None:
    """Seconds after which the secret is to be replaced; None: nobody says. Raises ValueError where that is no time."""
    return duration(schema["rotate_every"]) if "rotate_every" in schema else None


def settle(declared: Mapping[str, dict[str, Any]], given: Mapping[str, Any], *, what: str) -> dict[str, Any]:
    """Every declared value, given or default, checked; raises ConfigError that names all that is wrong at once.

    `what` is the word for messages: `config`, `secret` or `input`. A secret's value never stands in a message; a
    reference stays one. An input of the format `binary` is bytes, a path or a file opened in binary mode; no text is
    taken for a path.
    """
    if not _by_name(given):
        raise ConfigError(f"{what} values are given by name", hint="pass a mapping", code=f"{what}.invalid")
    problems = [
        f"{name!r} is not a declared {what}{suggestion(name, declared)}" for name in given if name not in declared
    ]
    values: dict[str, Any] = Secrets() if what == "secret" else {}  # tools show variables beside a traceback
    for name, schema in declared.items():
        if what == "secret" and isinstance(given.get(name), SecretRef):
            values[name] = given[name]  # what it stands for is checked when that is known
        elif name in given and given[name] is not None:
            values[name] = given[name].reveal() if isinstance(given[name], Secret) else given[name]
            problems += [
                f"{what} {name}: {violation}"
                for violation in json_schema.violations(
                    schema, values[name], secret=what == "secret", files=what == "input"
                )
            ]
        elif "default" in schema:
            values[name] = schema["default"]
        elif not schema.get("optional"):
            described = f" ({schema['description']})" if "description" in schema else ""
            problems.append(f"{what} {name} is missing{described}")
    if problems:
        raise ConfigError("; ".join(problems), code=f"{what}.invalid")
    return values


def is_required(schema: Mapping[str, Any]) -> bool:
    """Whether a value of that schema has to be given."""
    return "default" not in schema and not schema.get("optional")


def variable(connector: str, secret: str) -> str:
    """The environment variable that holds a connector's secret where the user names no other."""
    return f"CONNECTOR_{connector}_{secret}".upper().replace("-", "_")


# ── from text to a value ──────────────────────────────────────────────────────────────────────────


def typed(schema: Mapping[str, Any], text: str) -> Any:
    """The value that a text stands for: JSON where text is not what is declared; what is no JSON stays text.

    Whether it fits is for the spec's own check to say.
    """
    if _declares_text(schema, text):
        return text
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


_OF_TEXT = frozenset({"format", "maxLength", "minLength", "pattern"})
"""Keywords that speak of text alone."""


def _declares_text(schema: Mapping[str, Any], text: str) -> bool:
    """Whether the schema allows text: by its type; where it has none, by what else it says."""
    kinds = schema.get("type")
    if kinds is None:
        return text in schema.get("enum", [schema.get("const")]) or not _OF_TEXT.isdisjoint(schema)
    return "string" in ([kinds] if isinstance(kinds, str) else kinds)


def typed_secret(schema: Mapping[str, Any], text: str) -> Any:
    """The same for a secret, which is text without a type: most are, and some of those look like numbers."""
    return typed({"type": "string", **schema}, text)


def _by_name(given: object) -> bool:
    return isinstance(given, Mapping) and all(isinstance(name, str) for name in given)


def settled_secrets(declared: Mapping[str, dict[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Secrets as `settle` does; a secret without a type is text."""
    return settle({name: {"type": "string", **schema} for name, schema in declared.items()}, given, what="secret")


def settled_account(
    config: Mapping[str, dict[str, Any]],
    secrets: Mapping[str, dict[str, Any]],
    given: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Config and secrets as declared, from those `given`; raises ConfigError that names what is wrong with either."""
    values: list[dict[str, Any]] = []
    wrong: list[ConfigError] = []
    for settling in (partial(settle, config, given[0], what="config"), partial(settled_secrets, secrets, given[1])):
        try:
            values.append(settling())
        except ConfigError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise ConfigError("; ".join(error.what for error in wrong), hint=wrong[0].hint, code=wrong[0].code)
    return values[0], Secrets(values[1])


# ── secrets by where they are kept ────────────────────────────────────────────────────────────────


_REFERENCE = re.compile(r"[a-z][a-z0-9+.-]*:.+", re.DOTALL)


class SecretRef(Struct, frozen=True):
    """Where a secret is kept, in place of the secret: `SecretRef("env:SHOP_TOKEN")`.

    Looked up when a request needs it. Text that merely looks like a reference is never taken for one.
    """

    text: str
    """`scheme:rest`; see docs/reference/secrets.md for the schemes. Raises ConfigError where it is something else."""

    def __post_init__(self) -> None:
        given: Any = self.text
        if not isinstance(given, str) or _REFERENCE.fullmatch(given) is None:  # which may be the secret: not repeated
            raise ConfigError(
                "a reference to a secret is written scheme:rest",
                hint="such as env:SHOP_TOKEN; the secret itself is passed as it is, without SecretRef",
                code="secret.reference",
            ) from None

    @property
    def scheme(self) -> str:
        """Which backend has it."""
        return self.text.partition(":")[0]

    @property
    def rest(self) -> str:
        """What it is called there."""
        return self.text.partition(":")[2]

    def __repr__(self) -> str:
        return f"SecretRef({self.scheme}:…)"  # who mistakes it for a place for the secret shall not see that in a log


class Secrets(dict[str, Any]):
    """Secrets whose repr shows their names alone: many tools write the variables of every frame beside a traceback."""

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self)})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("secrets are not pickled: pass on where they are kept, as SecretRef")


def hidden(given: Any) -> Any:
    """The secrets that were passed, if any, with that repr; what is no mapping is told by `settle`."""
    return Secrets(given) if _by_name(given) else {} if given is None else given
