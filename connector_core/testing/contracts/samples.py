"""A kind as its examples say: the line of YAML in its docstring, and what the author gives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from connector_core.component import Component, example
from connector_core.exceptions import SpecError
from connector_core.source import read
from connector_core.testing.contracts.claim import refuse

__all__ = ["Sample", "Samples"]

Sample = tuple[Any, Component]
"""What is written under the key, and the kind that comes of it."""

_READ = re.compile(r"\b(config|secrets)\.(\w+)")


class Samples:
    """The instances that a kind is tried with, and what their templates read."""

    def __init__(self, kind: type[Component], examples: Sequence[Any] = ()) -> None:
        """Raises AssertionError where the class is no kind, has no example, or one is not valid."""
        name = kind.kind()
        if name is None:
            raise AssertionError(
                f"{kind!r} is no kind: give a subclass of a family with a field such as "
                'type: Literal["letters"] = "letters"'
            )
        self.kind: type[Component] = kind
        self.name: str = f"{kind.key} {name}"
        self.yaml: str | None = example(kind)
        if self.yaml is None:
            raise AssertionError(
                f"{self.name} must have an example: a line in its docstring such as Example: `{kind.key}: {name}`"
            )
        self.document: dict[str, Any] = self._document(self.yaml)
        self.all: list[Sample] = []
        """Every way to write it, with what comes of it."""
        for written in (*_under(kind.key, self.document), *examples):
            found = self._resolved(written)
            if type(found) is kind:
                self.all.append((written, found))
        if not self.all:
            raise AssertionError(f"{self.name} must have an example of itself, and there is none in {self.yaml}")
        names = [pair for text in (self.yaml, *map(repr, examples)) for pair in _READ.findall(text)]
        self.secrets: list[str] = sorted({name for root, name in names if root == "secrets"})
        """The names of the secrets that the examples read."""
        self.config: list[str] = sorted({name for root, name in names if root == "config"})
        """The same of the config."""

    def __iter__(self) -> Iterator[Any]:
        """The instances alone."""
        return iter([component for _, component in self.all])

    def _document(self, yaml: str) -> dict[str, Any]:
        try:
            data = read(yaml, "example.yaml").data
        except SpecError as error:
            raise AssertionError(f"{self.name} must have an example that is YAML: {error}") from None
        if not isinstance(data, dict):
            refuse(f"{self.name} must have an example that begins with its key: {self.kind.key}: …")
        return data

    def _resolved(self, written: Any) -> Component | None:
        family = next(cls for cls in self.kind.__mro__ if vars(cls).get("key") == self.kind.key)
        try:
            return family.resolve(written)  # type: ignore[attr-defined, no-any-return]  # a family is a Component
        except ValidationError as error:
            told = "; ".join(f"{'.'.join(map(str, at['loc']))}: {at['msg']}".lstrip(": ") for at in error.errors())
            raise AssertionError(f"{self.name} must accept its example {written!r}: {told}") from None


def _under(key: str, data: Any) -> Iterator[Any]:
    """Whatever stands under the key, anywhere; of a list, each item."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name == key:
                yield from value if isinstance(value, list) else [value]
            else:
                yield from _under(key, value)
    elif isinstance(data, list):
        for item in data:
            yield from _under(key, item)
