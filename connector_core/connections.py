"""The accounts that somebody has set up, by name: `connections.yaml`, in which no secret stands.

::

    connections:
      acme-shop:
        connector: shop
        config: {shop_url: https://acme.example}
        secrets: {token: env:ACME_TOKEN}
        network: public

Rule 1: a name is looked up here before it is looked up among the specs; what an app or an option says besides wins.
Rule 2: a secret is a reference to where it is kept. Text that is none is refused, and never repeated.
Rule 3: nothing is looked for: whoever wants the file names it, as `Engine(connections=…)` does.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from connector_core.component import Model, few_suggestions, without_extensions
from connector_core.config import SecretRef
from connector_core.exceptions import ConfigError, Problem, SpecError
from connector_core.load import ENDINGS
from connector_core.overlay import Origins
from connector_core.problems import Locator, told
from connector_core.source import MAX_BYTES, MAX_PROBLEMS, Source, read

__all__ = ["Connections", "Settings", "is_name"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_PLAIN = (
    "a secret is not written here: write where it is kept, such as env:ACME_TOKEN or file:/run/secrets/token; "
    "store:… is where `connector secrets set` keeps one"
)


def _reference(value: Any) -> Any:
    if isinstance(value, SecretRef):
        return value
    try:
        return SecretRef(value)
    except ConfigError:
        raise PydanticCustomError("secret_reference", _PLAIN) from None


_NO_NAME = "must be letters, digits, ., _ and -, begin with a letter or digit, and not end as a spec's file does"


def is_name(text: str) -> bool:
    """Whether a connection may be called so."""
    return _NAME.fullmatch(text) is not None and not text.endswith(ENDINGS)


def _name(text: str) -> str:
    if not is_name(text):
        raise PydanticCustomError("connection_name", _NO_NAME)
    return text


Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": _NAME.pattern})]
Reference = Annotated[SecretRef, BeforeValidator(_reference), WithJsonSchema({"type": "string"})]


class Settings(Model):
    """One account of one service, as it was set up."""

    connector: str
    """The spec's name; or its path, which begins at the folder of this file."""
    environment: str | None = None
    """One of the spec's environments, such as a sandbox."""
    config: Annotated[dict[str, Any], BeforeValidator(without_extensions)] = Field(default_factory=dict)
    """The values of the spec's `config`."""
    secrets: Annotated[dict[str, Reference], BeforeValidator(without_extensions)] = Field(default_factory=dict)
    """Where each of the spec's `secrets` is kept."""
    network: Literal["public", "private", "loopback"] | None = None
    """Which addresses it may reach; each level includes those before it. Left out: what whoever opens it allows."""
    sign_in: str | None = None
    """Which way of signing in it takes, where the spec offers several; left out: the first whose secrets it has."""


class _File(Model):
    connections: Annotated[dict[Name, Settings], BeforeValidator(without_extensions)]


class Connections(Mapping[str, Settings]):
    """The connections of one file, by name, in its order."""

    def __init__(self, path: str | Path, text: str | bytes | None = None) -> None:
        """Reads the file, or `text`, which shall stand there.

        Raises ConfigError where there is no file, SpecError with every mistake in it.
        """
        path = Path(path)
        text = _content(path) if text is None else text
        self.path: Path = path
        """The file."""
        if not text.strip():
            raise SpecError([Problem(str(path), 1, 1, "", "the file is empty: begin with connections:")])
        self._source: Source = read(text, str(path))
        locate = Locator(self._source, Origins())
        try:
            with few_suggestions(MAX_PROBLEMS):
                self._settings: dict[str, Settings] = _File.model_validate(self._source.data).connections
        except ValidationError as error:
            raise SpecError(told(error, self._source.data, locate, _File)) from None

    def __getitem__(self, name: str) -> Settings:
        return self._settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def __repr__(self) -> str:
        return f"Connections({str(self.path)!r}: {', '.join(self._settings)})"

    def spec_of(self, name: str) -> str:
        """The name of the connection's spec, or its path from here."""
        connector = self._settings[name].connector
        return str(self.path.parent / connector) if connector.endswith(ENDINGS) else connector

    def at(self, name: str) -> str:
        """Where a connection stands: `connections.yaml:2:3`."""
        line, column = self.place(name)
        return f"{self.path}:{line}:{column}"

    def place(self, name: str) -> tuple[int, int]:
        """The line and column of a connection's name, from 1."""
        return self._source.at_key(("connections", name))

    def lines(self) -> list[int]:
        """The lines at which a connection, or another key beside them all, begins."""
        others = [self._source.at_key((key,))[0] for key in self._source.data]
        return [*others, *(self.place(name)[0] for name in self)]


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # the one byte more tells that it is too large
    except OSError as error:
        raise ConfigError(
            f"the connections cannot be read: {error.strerror}", where=str(path), code="connections.unreadable"
        ) from None
