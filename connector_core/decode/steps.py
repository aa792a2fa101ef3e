"""The steps of one `decode`, put together: containers first, from the outermost to the innermost, then the decoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from connector_core.address import BodyPath
from connector_core.decode.family import LIMIT, Container, Decode, Stream, UndecodableError, Unpacking, too_large
from connector_core.decode.instead import instead
from connector_core.decode.json_body import Json, decode_json

__all__ = ["Decoding", "Steps"]

ALTOGETHER = 512 * LIMIT
"""Bytes that a body which is read as it comes may unpack to."""


@cache
def _several() -> TypeAdapter[list[Decode]]:
    return TypeAdapter(list[Decode])


def _one_or_several(value: Any, _union: ValidatorFunctionWrapHandler) -> Any:
    """The one branch of the union that is meant, so that only its mistakes are told."""
    return _several().validate_python(value) if isinstance(value, list) else Decode.resolve(value)


def _in_order(value: Decode | list[Decode]) -> Decode | list[Decode]:
    steps = value if isinstance(value, list) else [value]
    if not steps:
        raise PydanticCustomError("empty", "is empty: name what the body is, such as csv")
    *before, last = steps
    if isinstance(last, Container):
        names = ", ".join(str(step.kind()) for step in steps)
        raise PydanticCustomError(
            "decode",
            "says what to open and not what is in it: name that last, as in [{names}, csv]",
            {"names": names},
        )
    for step in before:
        if not isinstance(step, Container):
            raise PydanticCustomError(
                "decode",
                "{name} is no container, so nothing can follow it: containers come first, the decoder last",
                {"name": step.kind()},
            )
    return value


Steps = Annotated[
    Decode | Annotated[list[Decode], Field(min_length=1)], WrapValidator(_one_or_several), AfterValidator(_in_order)
]
"""One decoder, or containers and the decoder for what is in them."""


class Decoding:
    """What a `decode` says, ready to be used; left out it is JSON."""

    def __init__(self, steps: Decode | list[Decode] | None = None) -> None:
        """Raises ConfigError where a library that a step needs is not installed."""
        self.decoder: Decode
        *before, self.decoder = steps if isinstance(steps, list) else [steps or Json()]
        self._containers = [step for step in before if isinstance(step, Container)]  # all of them: see Steps
        for step in (*self._containers, self.decoder):
            step.ready()
        self._plain = not self._containers and isinstance(self.decoder, Json)
        self.read: Callable[[bytes], tuple[Any, str | None]] = decode_json if self._plain else self._read
        """The value of a body and what had to be repaired; raises UndecodableError."""
        self.read_error: Callable[[bytes], tuple[Any, str | None]] = decode_json if self._plain else self._read_error
        """The same for an answer that reports an error, which need not come in the declared form."""

    def _read(self, content: bytes) -> tuple[Any, str | None]:
        for container in self._containers:
            content = container.opened(content, LIMIT)
        return self.decoder.read(content)

    def _read_error(self, content: bytes) -> tuple[Any, str | None]:
        """As JSON if it is that, else as XML if that is declared, else as text; HTML is told to be HTML."""
        try:
            return decode_json(content)
        except UndecodableError:
            if self.decoder.unmistakable:
                return self.decoder.read(content)
            if what := instead(content, str(self.decoder.kind())):
                raise UndecodableError(what) from None
            return content.decode("utf-8", "replace"), None

    def stream(self, records: BodyPath) -> Callable[[], Stream] | None:
        """Makes a stream of the records at that address; None where they can only be had by `read`."""
        inner = self.decoder.stream(records)
        if inner is None or not self._containers:
            return inner
        return lambda: _Unpacked([container.unpacking() for container in self._containers], inner())


class _Unpacked(Stream):
    """A stream of what is in containers."""

    def __init__(self, layers: list[Unpacking], inner: Stream) -> None:
        self._layers, self._inner = layers, inner
        self._left = ALTOGETHER

    def feed(self, chunk: bytes) -> list[Any]:
        return self._items(self._through(0, iter([chunk])))

    def close(self) -> list[Any]:
        items = []
        for at, layer in enumerate(self._layers):
            items += self._items(self._through(at + 1, layer.close()))
        items += self._inner.close()
        self.rest, self.repair = self._inner.rest, self._inner.repair
        return items

    def _through(self, at: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces as the layers from the given one on unpack them."""
        for layer in self._layers[at:]:
            pieces = _unpacked(layer, pieces)
        return pieces

    def _items(self, pieces: Iterator[bytes]) -> list[Any]:
        """The items in the pieces; what one chunk unpacks to is limited too, since its items come in one list."""
        items, now = [], LIMIT
        for piece in pieces:
            now -= len(piece)
            self._left -= len(piece)
            if now < 0 or self._left < 0:
                raise too_large("what the body unpacks to", LIMIT if now < 0 else ALTOGETHER)
            items += self._inner.feed(piece)
        return items


def _unpacked(layer: Unpacking, pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from layer.feed(piece)
