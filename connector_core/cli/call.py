"""`connector call`: one endpoint, once, with what it is given."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, Unpack

import click

from connector_core.cli.following import Trace, Warnings
from connector_core.cli.opening import account_of, counted, named_endpoint, opened
from connector_core.cli.options import (
    Account,
    account_options,
    debug_option,
    environment_option,
    json_option,
    metrics_option,
    specs_option,
    trace_option,
)
from connector_core.events import Listener
from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from connector_core.spec import Spec

__all__ = ["command", "given_input", "input_option"]


input_option = click.option(
    "--input",
    "inputs",
    metavar="NAME=VALUE|NAME=@FILE|@FILE|-",
    multiple=True,
    help="Sets one input, or all of them, from a JSON file or stdin. Later ones win. What is a file is NAME=@FILE.",
)


@click.command
@click.argument("name")
@click.argument("endpoint", required=False)
@input_option
@json_option
@account_options
@environment_option
@specs_option
@trace_option
@metrics_option
@debug_option
def command(
    name: str,
    endpoint: str | None,
    inputs: tuple[str, ...],
    as_json: bool,
    environment: str | None,
    specs: tuple[Path, ...],
    trace: bool,
    metrics: bool,
    **account: Unpack[Account],
) -> None:
    """Calls an endpoint once.

    NAME is a connection's name, or a spec's name or path; ENDPOINT is one of its endpoints. What the call gives is
    written as JSON: indented on a terminal, on one line in a pipe or with --json; bytes (`decode: bytes`) are written
    as they are. An endpoint that is read gives the records of its first page.
    """
    spec, account = account_of(name, specs, environment, account)
    chosen = named_endpoint(spec, endpoint, read=False)
    given = given_input(spec.endpoints[chosen].input or {}, inputs)
    listeners: list[Listener] = [Warnings(), *([Trace()] if trace else [])]
    with counted(listeners, metrics):
        asyncio.run(_call(spec, chosen, given, account, listeners, in_lines=not as_json and sys.stdout.isatty()))


async def _call(
    spec: Spec,
    endpoint: str,
    given: Mapping[str, Any],
    account: Account,
    listeners: Sequence[Listener],
    *,
    in_lines: bool,
) -> None:
    from connector_core.cli.output import json_line, json_text, write

    async with opened(spec, account, listeners) as connector:
        result = await connector.call(endpoint, given)
    if isinstance(result.data, bytes):  # a download, which is no JSON
        await write(result.data)
    else:
        await write((json_text if in_lines else json_line)(result.data))


# ── input ─────────────────────────────────────────────────────────────────────────────────────────


def given_input(declared: Mapping[str, dict[str, Any]], inputs: Sequence[str]) -> dict[str, Any]:
    """The input that `--input` options give; raises ConfigError where one can't be read."""
    given: dict[str, Any] = {}
    for text in inputs:
        if text == "-":
            given |= _parsed(_piped().read(), "standard input")
        elif text.startswith("@"):
            given |= _parsed(_content(text[1:]), text[1:])
        else:
            name, equals, value = text.partition("=")
            if not equals or not name:
                raise click.BadParameter(
                    f"{text!r} is neither NAME=VALUE, @FILE nor -", click.get_current_context(), param_hint="'--input'"
                )
            given[name] = _value(declared.get(name, {}), name, value, given.get(name))
    return given


def _value(schema: Mapping[str, Any], name: str, text: str, before: Any) -> Any:
    """What a text stands for: a file where one is declared, and one more of them where it is a list of files."""
    if schema.get("format") == "binary":
        return _file(name, text)
    items = schema.get("items")
    if isinstance(items, dict) and items.get("format") == "binary":
        return [*(before if isinstance(before, list) else []), _file(name, text)]
    from connector_core.config import typed

    return typed(schema, text)


def _file(name: str, text: str) -> Any:
    if text == "@-":
        return _piped()
    if not text.startswith("@") or not text[1:]:
        raise ConfigError(f"input {name} is a file", hint=f"write {name}=@PATH, or {name}=@- for standard input")
    return Path(text[1:])


def _piped() -> BinaryIO:
    if sys.stdin is None:
        raise ConfigError("there is no input: standard input is closed")
    return sys.stdin.buffer


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"the input cannot be read: {error.strerror}", where=path) from None


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(content, parse_constant=_refused)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"the input is not JSON: {error.msg}", where=f"{where}:{error.lineno}:{error.colno}"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError("the input is not UTF-8", where=where) from None
    except RecursionError:
        raise ConfigError("the input is nested too deeply", where=where) from None
    except ValueError:  # Python's own bound on the digits of an integer
        raise ConfigError("the input holds a number of thousands of digits", where=where) from None
    if not isinstance(value, dict):
        raise ConfigError("the input is not an object", where=where, hint='write {"name": value, …}')
    return value


def _refused(constant: str) -> NoReturn:
    raise ConfigError(f"the input holds {constant}, which is no JSON", hint="write null, or leave it out")
