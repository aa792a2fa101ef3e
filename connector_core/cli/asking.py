"""Asking the person at the terminal for what a spec declares, and again where it does not fit.

Nothing of a secret is shown, neither while it is typed nor when it is refused.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from connector_core.exceptions import one_line

__all__ = ["ask", "asks", "described"]

MOST = 5
"""So often one value is asked for; then something else is the matter."""


def asks() -> bool:
    """Whether there is a person to be asked: both ends are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask(name: str, schema: Mapping[str, Any], *, secret: bool = False) -> Any:
    """The value that is typed; None: it may be left out, and is. Raises click.Abort where the person gives up."""
    click.echo(described(name, schema), err=True)
    for _ in range(MOST):
        text = click.prompt(
            f"  {name}", default="", show_default=False, hide_input=secret, err=True, prompt_suffix=": "
        ).strip()
        if not text and not _required(schema):
            return None
        value = _typed(schema, text, secret=secret)
        wrong = ["is missing"] if not text else _violations(schema, value, secret=secret)
        if not wrong:
            return value
        click.echo(f"  {name} {'; '.join(wrong)}", err=True)
    raise click.Abort


def _required(schema: Mapping[str, Any]) -> bool:
    from connector_core.config import is_required

    return is_required(schema)


def _typed(schema: Mapping[str, Any], text: str, *, secret: bool) -> Any:
    from connector_core.config import typed, typed_secret

    return typed_secret(schema, text) if secret else typed(schema, text)


def _violations(schema: Mapping[str, Any], value: Any, *, secret: bool) -> list[str]:
    from connector_core.json_schema import violations

    return violations({"type": "string", **schema} if secret else schema, value, secret=secret)


def described(name: str, schema: Mapping[str, Any]) -> str:
    """A line for the person: what the value is, and what it has to look like."""
    what = one_line(str(schema.get("description", ""))) or name
    told = list(_form(schema))
    return f"{what} ({', '.join(told)})" if told else what


def _form(schema: Mapping[str, Any]) -> Iterator[str]:
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "string":
        yield kind
    if isinstance(schema.get("enum"), list):
        yield "one of " + ", ".join(_shown(item) for item in schema["enum"])
    if isinstance(schema.get("format"), str):
        yield schema["format"]
    if isinstance(schema.get("pattern"), str):
        yield f"as {one_line(schema['pattern'])}"
    if isinstance(schema.get("examples"), list) and schema["examples"]:
        yield f"such as {_shown(schema['examples'][0])}"
    if "default" in schema:
        yield f"left out: {_shown(schema['default'])}"
    elif schema.get("optional"):
        yield "may be left out"


def _shown(value: Any) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
