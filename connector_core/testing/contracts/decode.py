"""What every decoder and container must keep: it reads what it writes, in any pieces, and knows what it can't read."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

from connector_core.address import BodyPath
from connector_core.decode import Container, Decode, Stream, UndecodableError
from connector_core.exceptions import ConfigError
from connector_core.response import records_of
from connector_core.testing.contracts.claim import Claim, refuse
from connector_core.testing.contracts.purity import answer, pure, same
from connector_core.testing.contracts.samples import Samples

__all__ = ["claims"]

_ROWS: list[dict[str, Any]] = [{"id": f"{number}", "name": f"thing é& {number}"} for number in range(1, 8)]
BODIES: tuple[Any, ...] = (
    _ROWS,
    [*_ROWS, {"id": 8, "name": None, "tags": ["a"], "inner": {"x": 0.5}}],
    [],
    {"data": _ROWS, "meta": {"next": "abc", "total": 7}},
    {"answer": {"item": _ROWS, "count": "7"}},
    {"name": "tea", "size": "large"},
    "a text é\nof two lines",
    b"some \x00\xff bytes",
)
"""What a service may have to say; each form holds some of them."""
PLACES = ("body", "body.data", "body.answer.item")
"""Where records may stand in those."""
SIZES = (1, 2, 3, 7, 64, 4096)
"""Bytes of a chunk."""


def claims(samples: Samples) -> Iterator[Claim]:
    """The claims about a decoder, or about a container; none where a library is missing that the kind needs."""
    try:
        for component in samples:
            component.ready()
    except ConfigError:
        return
    container = issubclass(samples.kind, Container)

    def claim(name: str, must: str, run: Callable[[Any], None]) -> Claim:
        return Claim(samples.name, name, must, partial(_each, samples, run))

    if container:
        yield claim("opens", "open in `opened` what it packs in `pack`, so that it can be simulated", _opens)
    else:
        yield claim("reads", "read in `read` what it writes in `write`, so that it can be simulated", _reads)
    if not _is_simulated(samples.kind):
        return  # all else is shown with what it writes
    if container:
        yield claim("pieces", "open the same however its bytes are cut into pieces", _opens_pieces)
        yield claim("bounded", "raise UndecodableError where more comes out than the limit allows", _bounded)
        yield claim("broken-off", "raise UndecodableError where the packed bytes break off", _broken_off)
        yield claim("junk", "meet bytes that are something else with UndecodableError", _junk_packed)
        yield claim("pure", "have methods that give the same answer again and change nothing", _pure_container)
        return
    yield claim("shape", "give values of JSON's types, of the shape that it declares", _shape)
    yield claim("pieces", "stream the records that `read` gives, however the body is cut into pieces", _pieces)
    yield claim("junk", "meet bytes that are something else with a value or UndecodableError", _junk)
    yield claim("pure", "have methods that give the same answer again and change nothing", _pure)


def _is_simulated(kind: type[Any]) -> bool:
    return kind.pack is not Container.pack if issubclass(kind, Container) else kind.write is not Decode.write


def _each(samples: Samples, run: Callable[[Any], None]) -> None:
    for component in samples:
        run(component)


def _cut(content: bytes) -> Iterator[list[bytes]]:
    """The content in pieces: of one size, and wherever the dice say, which fall the same every time."""
    yield [content]
    for size in SIZES:
        if len(content) // size <= 5000:  # noqa: PLR2004 - more pieces show nothing new
            yield [content[at : at + size] for at in range(0, len(content), size)]
    dice = Random(len(content))  # noqa: S311 - cuts that repeat, no secret
    for _ in range(5):
        ends = sorted(dice.randrange(len(content) + 1) for _ in range(6))
        yield [content[a:b] for a, b in pairwise([0, *ends, len(content)])]


def _others(own: Sequence[bytes]) -> Iterator[bytes]:
    """What may come instead: other forms, and the kind's own bytes broken off, damaged and doubled."""
    yield from (
        b"",
        b"\x00" * 50,
        b"\xff\xfe\xff",
        b"<html><title>Sign in</title></html>",
        b"<a><b></a>",
        b"{",
        b"[[[[",
    )
    yield from (
        b'"',
        b"a;b\n1\n",
        b"\xef\xbb\xbf",
        b"[" * 100_000,
        b"1" * 5000,
        b"PK\x03\x04junk",
        b"\x1f\x8bjunk",
        b"\n\r\n",
    )
    for content in own:
        dice = Random(len(content))  # noqa: S311 - damage that repeats, no secret
        for _ in range(30):
            at = dice.randrange(len(content) + 1)
            yield content[:at]
            yield content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]
        yield content + content


# ── decoders ──────────────────────────────────────────────────────────────────────────────────────


def _written(kind: Decode) -> list[tuple[Any, bytes]]:
    """The bodies that this form can hold, with their bytes."""
    if not _is_simulated(type(kind)):
        refuse("it has no `write`, so nothing that uses it can be simulated: give the bytes that a service would send")
    found = []
    for body in BODIES:
        if isinstance(body, bytes) and kind.shape != "bytes":
            continue
        how, content = answer(kind.write, copy.deepcopy(body), ("id", "name"))
        if how == "gives":
            if not isinstance(content, bytes):
                refuse(f"`write` gives {type(content).__name__}, not bytes")
            found.append((body, content))
    if not found:
        refuse(f"`write` can hold none of {len(BODIES)} bodies: lists of records, objects, a text, bytes")
    return found


def _value(kind: Decode, content: bytes) -> Any:
    found: Any = kind.read(content)
    if type(found) is not tuple or len(found) != 2:  # noqa: PLR2004 - a pair
        refuse(f"`read` gives {found!r}, not the value and what had to be repaired")
    return found[0]


def _reads(kind: Decode) -> None:
    exactly = 0
    for body, content in _written(kind):
        first = _value(kind, content)
        exactly += same(first, body)
        how, again = answer(kind.write, copy.deepcopy(first), ("id", "name"))
        if how == "raises":
            refuse(f"it reads {_short(first)}, which `write` cannot hold: {again}")
        if not same(second := _value(kind, again), first):
            refuse(f"{_short(first)} is written as {again[:80]!r}, which is read as {_short(second)}")
    if not exactly:
        body, content = _written(kind)[0]
        refuse(f"no body comes back as it was: {_short(body)} is {content[:80]!r}, and {_short(_value(kind, content))}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"  # noqa: PLR2004 - a line


def _shape(kind: Decode) -> None:
    for _, content in _written(kind):
        value = _value(kind, content)
        fits = {"any": True, "list": type(value) is list, "scalar": not isinstance(value, dict | list | bytes),
                "bytes": type(value) is bytes}[kind.shape]  # fmt: skip
        if not fits:
            refuse(f"its shape is {kind.shape!r}, and it gives {_short(value)}")
        if kind.shape != "bytes" and (strange := _strange(value)):
            refuse(f"it gives {strange!r}, which is no type of JSON's")


def _strange(value: Any) -> Any:
    """The first value in it that JSON does not have."""
    match value:
        case dict():
            return next((it for pair in value.items() for it in (_strange(pair[0]), _strange(pair[1])) if it), None)
        case list():
            return next((it for item in value if (it := _strange(item))), None)
    return None if value is None or type(value) in (str, int, float, bool) else value


def _pieces(kind: Decode) -> None:
    for _, content in _written(kind):
        value = _value(kind, content)
        for place in PLACES:
            address = BodyPath(place)
            make = kind.stream(address)
            wanted = records_of(value, address)
            if make is None or wanted is None:
                continue
            for pieces in _cut(content):
                found = _streamed(make(), pieces, address)
                if not same(found, wanted):
                    size = max(map(len, pieces), default=0)
                    refuse(
                        f"in pieces of up to {size} bytes it gives {_short(found)}, not {_short(wanted)}, at {place}"
                    )


def _streamed(stream: Stream, pieces: Sequence[bytes], address: BodyPath) -> list[Any]:
    """The records as somebody has them who reads the stream: its items, and what is left in the rest."""
    items = [item for piece in pieces for item in stream.feed(piece)]
    items += stream.close()
    return items + (records_of(stream.rest, address) or [])


def _junk(kind: Decode) -> None:
    for content in _others([content for _, content in _written(kind)]):
        try:
            _value(kind, content)
        except UndecodableError:
            pass
        except Exception as error:
            raise AssertionError(f"`read` raises {type(error).__name__}: {error}, given {content[:60]!r}") from error
        for place in PLACES:
            if (make := kind.stream(BodyPath(place))) is None:
                continue
            try:
                _streamed(make(), [content[:5], content[5:]], BodyPath(place))
            except UndecodableError:
                continue
            except Exception as error:
                raise AssertionError(
                    f"a stream raises {type(error).__name__}: {error}, given {content[:60]!r}"
                ) from error


def _pure(kind: Decode) -> None:
    for body, content in _written(kind):
        pure(kind, "write", body, ("id", "name"))
        pure(kind, "read", content)


# ── containers ────────────────────────────────────────────────────────────────────────────────────


def _contents() -> list[bytes]:
    dice = Random(0)  # noqa: S311 - bytes that repeat, no secret
    return [b"", b"a", b"id;name\n1;tea\n", b"0" * 100_000, dice.randbytes(70_000)]


def _packed(kind: Container) -> list[tuple[bytes, bytes]]:
    if not _is_simulated(type(kind)):
        refuse("it has no `pack`, so nothing that uses it can be simulated: give the bytes that a service would send")
    return [(content, kind.pack(content)) for content in _contents()]


def _opens(kind: Container) -> None:
    for content, packed in _packed(kind):
        if (found := kind.opened(packed)) != content:
            refuse(f"{len(content)} bytes come out as {len(found)}: {found[:40]!r}, not {content[:40]!r}")


def _opens_pieces(kind: Container) -> None:
    for content, packed in _packed(kind):
        for pieces in _cut(packed):
            unpacking = kind.unpacking()
            found = b"".join(part for piece in pieces for part in unpacking.feed(piece)) + b"".join(unpacking.close())
            if found != content:
                refuse(
                    f"in pieces of up to {max(map(len, pieces))} bytes, {len(content)} bytes come out as {len(found)}"
                )


def _bounded(kind: Container) -> None:
    try:
        kind.opened(kind.pack(b"0" * 1_000_000), limit=1000)
    except UndecodableError:
        return
    refuse("a million bytes come out where a thousand are allowed: give them in parts, as `unpacking` says")


def _broken_off(kind: Container) -> None:
    for content, packed in _packed(kind):
        for at in {0, 1, len(packed) // 2, len(packed) - 1} - {len(packed)}:
            try:
                found = kind.opened(packed[:at])
            except UndecodableError:
                continue
            refuse(f"{at} of {len(packed)} bytes are opened as {len(found)} of {len(content)} bytes, without an error")


def _junk_packed(kind: Container) -> None:
    for content in _others([packed for _, packed in _packed(kind)][:3]):
        try:
            kind.opened(content)
        except UndecodableError:
            continue
        except Exception as error:
            raise AssertionError(f"`opened` raises {type(error).__name__}: {error}, given {content[:60]!r}") from error


def _pure_container(kind: Container) -> None:
    for content, packed in _packed(kind):
        pure(kind, "pack", content)
        pure(kind, "opened", packed)
