"""What Acme's services need: kinds of three keys, a transform, filters, a command, a client, and specs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import click

from connector_core.address import Put
from connector_core.auth import Auth, Session, Text
from connector_core.auth.credentials import compared, credential, expected, fields
from connector_core.decode import Decode, UndecodableError
from connector_core.engine.buckets import Shares, in_memory
from connector_core.exceptions import ConfigError
from connector_core.hookspecs import hookimpl
from connector_core.http import Request
from connector_core.pagination import Answer, Pagination, Served, Stop
from connector_core.rate_limit import Terms

from .ledger import Ledger  # noqa: TID252 - type checkers are not told that the folder is a root


class Letters(Pagination):
    """Pages that are asked for by a letter, from A to Z.

    Example: `pagination: {type: letters, put: query.letter}`
    """

    counts = True
    type: Literal["letters"] = "letters"
    put: Put
    """Where the letter is sent."""

    def at(self, request: Request, position: Any) -> Request:
        """The request with the letter."""
        return self.put.put(request, _letter(position))

    def next(self, answer: Answer) -> Any:
        """The next letter."""
        letter = _letter(answer.position)
        return Stop("Z is the last letter") if letter == "Z" else chr(ord(letter) + 1)

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """Every twenty-sixth record."""
        letter = dict(request.query).get(self.put.keys[0], "A")
        if len(letter) != 1 or not "A" <= letter <= "Z":
            raise ValueError(f"{self.put} must be a letter from A to Z")
        return Served(dataset[ord(letter) - ord("A") :: 26])


def _letter(position: Any) -> str:
    letter = "A" if position is None else position
    if not isinstance(letter, str) or len(letter) != 1 or not "A" <= letter <= "Z":
        raise ConfigError("the position is no letter", hint="pass the `following` of a page that was read")
    return letter


class Badge(Auth):
    """A badge in a header of Acme's own.

    Example: `auth: {type: badge, number: "{{ secrets.badge }}"}`
    """

    type: Literal["badge"] = "badge"
    number: Text
    """The badge's number."""

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - the family's
        """The request with the badge."""
        return request.with_header("X-Acme-Badge", credential(self.number, session, "auth.number"))

    def refusal(self, session: Session, request: Request) -> str | None:
        """Compares the badge."""
        return compared(fields(request, "X-Acme-Badge"), expected(self.number, session), "the badge")


class Pairs(Decode):
    """Lines of `name=value`, as one object.

    Example: `decode: pairs`
    """

    type: Literal["pairs"] = "pairs"

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """The object."""
        try:
            lines = content.decode().splitlines()
        except UnicodeDecodeError:
            raise UndecodableError("the body is not UTF-8") from None
        if not all("=" in line for line in lines):
            raise UndecodableError("the body is not lines of name=value")
        return dict(line.split("=", 1) for line in lines), None

    def write(self, body: Any, names: Sequence[str] = ()) -> bytes:  # noqa: ARG002 - not a table
        """A line for each pair."""
        if not isinstance(body, dict) or any(isinstance(value, dict | list) for value in body.values()):
            raise ValueError("decode: pairs is one object of single values")
        return "".join(f"{name}={value}\n" for name, value in body.items()).encode()


@hookimpl
def register_specs() -> Sequence[Path]:
    return [Path(__file__).parent / "specs"]


@hookimpl
def register_filters() -> Mapping[str, Any]:
    return {"shout": lambda value, times=1: str(value).upper() + "!" * times, "upper": str.upper}


@hookimpl
def register_stores() -> Mapping[str, Any]:
    return {"acme": Shared}


class Shared:
    """Buckets for rate limits, as a place that several processes share would have them."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.names: list[str] = []

    def bucket(self, name: str, terms: Terms) -> Shares:
        self.names.append(name)
        return in_memory(terms, monotonic)

    async def aclose(self) -> None:
        self.names.append("closed")


@hookimpl
def register_secrets() -> Mapping[str, Any]:
    return {"acme": {"badge": "b4dge-7"}.get}


@hookimpl
def register_clients() -> Mapping[str, Any]:
    return {"acme-ledger": lambda config, secrets: Ledger(secrets["key"])}  # noqa: ARG005 - by keyword


@hookimpl
def register_transforms(connector: str) -> Mapping[str, Any]:
    return {"label": lambda record: {**record, "label": f"{connector} {record['id']}"}}


@hookimpl
def register_commands() -> Sequence[click.Command]:
    @click.command
    def greet() -> None:
        """Says hello."""
        click.echo("hello from acme")

    return [greet]


@hookimpl
def prepare_request(request: Request) -> Request:
    return request.with_header("X-Acme", "1")
