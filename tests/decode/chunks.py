"""How the tests of streams cut a body, and what a reader makes of a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from connector_core.address import BodyPath
from connector_core.decode import Decode, Decoding, Stream
from connector_core.response import records_of


@st.composite
def cuts(draw: st.DrawFn, content: bytes) -> list[bytes]:
    """The content in chunks: of one byte, of a few, or wherever the dice say."""
    size = draw(st.sampled_from([1, 2, 3, 7, 64, len(content) + 1, 0]))
    if size:
        return [content[at : at + size] for at in range(0, len(content), size)]
    ends = sorted(draw(st.lists(st.integers(0, len(content)), max_size=8)))
    return [content[a:b] for a, b in zip([0, *ends], [*ends, len(content)], strict=True)]


def begun(make: Callable[[], Stream] | None) -> Stream:
    """The stream, which there has to be."""
    assert make is not None
    return make()


def streamed(stream: Stream, chunks: list[bytes]) -> list[Any]:
    """Every item of a stream."""
    items = [item for chunk in chunks for item in stream.feed(chunk)]
    return items + stream.close()


def records(decode: Decode | list[Decode], path: str, chunks: list[bytes]) -> list[Any] | None:
    """The records as somebody has them who reads the stream: its items, and what is left in the rest."""
    address = BodyPath(path)
    stream = begun(Decoding(decode).stream(address))
    items = streamed(stream, chunks)
    left = records_of(stream.rest, address)
    given = records_of(items, BodyPath("body")) or []
    return None if left is None and not given else given + (left or [])


def fed(stream: Stream | None, chunk: bytes, times: int) -> int:
    """Feeds the same chunk so many times; how many items came."""
    assert stream is not None
    return sum(len(stream.feed(chunk)) for _ in range(times))
