"""What Acme's services need: kinds of three keys, a transform, filters, a command, and a spec with Python beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from connector_core.address import Put
from connector_core.auth import Auth, Session, Text
from connector_core.decode import Decode, UndecodableError
from connector_core.hookspecs import hookimpl
from connector_core.http import Request
from connector_core.pagination import Answer, Pagination, Served, Stop


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
        return self.put.put(request, position or "A")

    def next(self, answer: Answer) -> Any:
        """The next letter."""
        letter = answer.position or "A"
        return Stop("Z is the last letter") if letter == "Z" else chr(ord(letter) + 1)

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """Every twenty-sixth record."""
        letter = dict(request.query).get(self.put.keys[0], "A")
        return Served(dataset[ord(letter) - ord("A") :: 26])


class Badge(Auth):
    """A badge in a header of Acme's own.

    Example: `auth: {type: badge, number: "{{ secrets.badge }}"}`
    """

    type: Literal["badge"] = "badge"
    number: Text
    """The badge's number."""

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - the family's
        """The request with the badge."""
        return request.with_header("X-Acme-Badge", str(self.number.text(session.scope)))

    def refusal(self, session: Session, request: Request) -> str | None:
        """Compares the badge."""
        shown = request.headers.get("x-acme-badge") or request.headers.get("X-Acme-Badge")
        return None if shown == str(self.number.text(session.scope)) else "the badge is not known"


class Pairs(Decode):
    """Lines of `name=value`, as one object.

    Example: `decode: pairs`
    """

    type: Literal["pairs"] = "pairs"

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """The object."""
        lines = content.decode().splitlines()
        if not all("=" in line for line in lines):
            raise UndecodableError("the body is not lines of name=value")
        return dict(line.split("=", 1) for line in lines), None


@hookimpl
def register_specs() -> Sequence[Path]:
    return [Path(__file__).parent / "specs"]


@hookimpl
def register_filters() -> Mapping[str, Any]:
    return {"shout": lambda value, times=1: str(value).upper() + "!" * times, "upper": str.upper}


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
