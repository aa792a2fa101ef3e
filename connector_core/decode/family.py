"""What every kind of decoder and container is, and the stream that gives records as a body comes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal

from connector_core.address import BodyPath
from connector_core.component import Component
from connector_core.units import size_text

__all__ = ["LIMIT", "Container", "Decode", "Stream", "UndecodableError", "Unpacking", "run", "too_large"]

LIMIT = 128 * 1024 * 1024
"""Bytes that a body may have, also when it is unpacked; and a stream's record, with what has come of the next."""


class UndecodableError(ValueError):
    """A body is not what it should be; the text says what it is instead, without quoting it at length."""


def too_large(what: str, limit: int) -> UndecodableError:
    """The error for what is larger than `limit` bytes."""
    return UndecodableError(f"{what} is larger than {size_text(limit)}")


class Stream(ABC):
    """Gives records as the body comes in, chunk by chunk; one for each answer."""

    rest: Any = None
    """After `close`: the body as `read` gives it, the list of its records emptied."""
    repair: str | None = None
    """After `close`: what had to be repaired; None: nothing."""

    @abstractmethod
    def feed(self, chunk: bytes) -> list[Any]:
        """The items that are complete with this chunk, decoded; raises UndecodableError."""

    @abstractmethod
    def close(self) -> list[Any]:
        """The items left at the end; raises UndecodableError, also where the body breaks off."""


def run(stream: Stream, content: bytes) -> list[Any]:
    """Every item of a whole body."""
    return stream.feed(content) + stream.close()


class Decode(Component, key="decode"):
    """How an answer's body becomes a value."""

    shape: ClassVar[Literal["any", "list", "scalar", "bytes"]] = "any"
    """What the value can be; addresses in it are held against that."""
    unmistakable: ClassVar[bool] = False
    """Whether an answer that reports an error comes in it too, and nothing else is taken for it."""

    media: ClassVar[str] = "application/octet-stream"
    """The media type of what is written."""

    def ready(self) -> None:
        """Raises ConfigError where a library that it needs is not installed."""

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """The value, and what had to be repaired (None: nothing); raises UndecodableError."""
        raise NotImplementedError

    def stream(self, records: BodyPath) -> Callable[[], Stream] | None:  # noqa: ARG002 - for kinds that have one
        """Makes a stream of the records at that address; None where they can only be had by `read`."""
        return None

    def write(self, body: Any, names: Sequence[str] = ()) -> bytes:  # noqa: ARG002 - for kinds that are simulated
        """The provider's side: the body as bytes; raises ValueError, in words, where this form cannot hold it.

        `names`: the columns of a table without rows. It shares no code with `read`.
        """
        raise ValueError(f"decode: {self.kind()} is not simulated")


class Unpacking(ABC):
    """Unpacks one body as it comes, in pieces of bounded size; raises UndecodableError."""

    @abstractmethod
    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What the chunk gives."""

    @abstractmethod
    def close(self) -> Iterator[bytes]:
        """What is left at the end."""


class Container(Decode):
    """What only opens: something else has to decode what is in it."""

    def unpacking(self) -> Unpacking:
        """Unpacks one body."""
        raise NotImplementedError

    def pack(self, content: bytes) -> bytes:  # noqa: ARG002 - for kinds that are simulated
        """The provider's side: the container with that in it; raises ValueError where it can't be simulated."""
        raise ValueError(f"decode: {self.kind()} is not simulated")

    def opened(self, content: bytes, limit: int = LIMIT) -> bytes:
        """What is inside; raises UndecodableError, also where that is larger than `limit` bytes."""
        parts, left = [], limit
        for part in _whole(self.unpacking(), content):
            left -= len(part)
            if left < 0:
                raise too_large("what the body unpacks to", limit)
            parts.append(part)
        return b"".join(parts)


def _whole(unpacking: Unpacking, content: bytes) -> Iterator[bytes]:
    yield from unpacking.feed(content)
    yield from unpacking.close()
