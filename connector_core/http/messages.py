"""A request, an answer, and headers that ignore case."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, quote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from connector_core.http import xml_text
from connector_core.http.certificate import ClientCertificate

__all__ = ["RAISED", "Arrived", "Headers", "Request", "Response", "as_sent", "encode_query", "origin"]

Query = tuple[tuple[str, str], ...]
Encoding = Literal["json", "form", "multipart", "xml", "text", "bytes"]

RAISED = 0
"""The status of what is no answer: what an SDK raised, told in the body as `exception`, `message`, `bases`."""

_VISIBLE = string.ascii_letters + string.digits + string.punctuation
_IN_MEMORY = (str, bytes, bytearray, memoryview)
_CONTENT_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "application/xml",
    "text": "text/plain; charset=utf-8",
    "bytes": "application/octet-stream",
}


class Headers(Mapping[str, str]):
    """Header fields as received: names ignore case, `[name]` joins repeated fields with a comma (RFC 9110 §5.3).

    Indexed only when first looked at, since most answers' headers never are.
    """

    __slots__ = ("_index", "_pairs")

    def __init__(self, fields: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]] = ()) -> None:
        self._pairs: Iterable[tuple[str | bytes, str | bytes]] = (
            tuple(fields.items()) if isinstance(fields, Mapping) else tuple(fields)
        )
        self._index: dict[str, list[str]] | None = None

    def _fields(self) -> dict[str, list[str]]:
        if self._index is None:
            self._index = {}
            for name, value in self._pairs:
                self._index.setdefault(_text(name).lower(), []).append(_text(value))
        return self._index

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._fields()[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields()

    def all(self, name: str) -> list[str]:
        """Every field of that name, each as its own line was; empty where there is none."""
        return list(self._fields().get(name.lower(), ()))

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._fields())})"  # names only: values hold credentials


def as_sent(field: str) -> str:
    """A header's link as its sender wrote it: fields are read as Latin-1, and some services send UTF-8."""
    try:
        return field if field.isascii() else field.encode("latin-1").decode()
    except UnicodeError:
        return field


def _text(raw: str | bytes) -> str:
    return raw if isinstance(raw, str) else raw.decode("latin-1")


class Arrived(Struct, frozen=True):
    """What came in over the wire: read and written again, it would not be what was signed."""

    query: str
    """As it stood in the request line."""
    content: bytes
    """The body."""

    def __repr__(self) -> str:
        return f"Arrived({len(self.content)} bytes)"  # it may hold credentials


class Request(Struct, frozen=True):
    """One request, not yet signed or after it; `url` is absolute and encoded, without query and fragment."""

    method: str
    """Such as `GET`."""
    url: str
    """Absolute and encoded, without query and fragment."""
    query: Query = ()
    """Names and values, decoded."""
    headers: Mapping[str, str] = {}
    """By name, in the spelling in which they go out."""
    body: Any = None
    """A JSON value, pairs for `form`, a `Multipart`, a structure for `xml`, text, or `Binary` for `bytes`."""
    encoding: Encoding | None = None
    """How `body` becomes bytes; None: there is no body."""
    spools: bool = False
    """Whether the answer's body may come in a file where it is large."""
    timeout: float | None = None
    """Seconds for the whole exchange, where the spec declares them."""
    link: str = ""
    """The query of a link that is followed, as it was written: decoded and encoded again, its signature would break."""

    arrived: Arrived | None = None
    """The bytes that it was read from, where it came in: then `target` and `content` are these."""
    certificate: ClientCertificate | None = None
    """What is shown while the connection for it is made, which it then shares with no request that shows another."""

    def with_query(self, name: str, value: str) -> Request:
        """The same request with `name` set to `value` alone, at the place where it stood."""
        query = self.query
        if self.link:
            linked = parse_qsl(self.link, keep_blank_values=True)
            if any(key == name for key, _ in linked):
                return replace(self, query=(*linked, *query), link="").with_query(name, value)
        at = [i for i, (key, _) in enumerate(query) if key == name]
        kept = [pair for i, pair in enumerate(query) if i not in at[1:]] if at else [*query, (name, value)]
        if at:
            kept[at[0]] = (name, value)
        return replace(self, query=tuple(kept))

    def with_header(self, name: str, value: str) -> Request:
        """The same request with the header set; another spelling of the name is replaced."""
        lower = name.lower()
        kept = {key: old for key, old in self.headers.items() if key.lower() != lower}
        kept[name] = value
        return replace(self, headers=kept)

    def followed(self, link: str) -> Request:
        """The same request sent to an absolute link, whose query stays as it is written."""
        url, _, query = link.partition("#")[0].partition("?")
        if not url.isascii():
            url = quote(url, safe="/:@!$&'()*+,;=~%[]")
        return Request(self.method, url, (), self.headers, self.body, self.encoding, self.spools, self.timeout, query)

    @property
    def target(self) -> str:
        """The URL as it goes out, query included. It may hold credentials: never show it."""
        query = self.sent_query
        return f"{self.url}?{query}" if query else self.url

    @property
    def sent_query(self) -> str:
        """The query as it goes out. It may hold credentials: never show it."""
        if self.arrived is not None:
            return self.arrived.query
        if not self.link:
            return encode_query(self.query)
        linked = quote(self.link, safe=_VISIBLE)  # it is a stranger's text
        return f"{linked}&{encode_query(self.query)}" if self.query else linked

    @property
    def sent_path(self) -> str:
        """The path as it goes out."""
        _, slash, path = self.url.partition("://")[2].partition("/")
        return f"/{path}" if slash else "/"

    @property
    def host(self) -> str:
        """The field `Host` as it goes out: without the port that the scheme has anyway."""
        declared = next((value for name, value in self.headers.items() if name.lower() == "host"), None)
        if declared is not None:
            return declared
        scheme, _, rest = self.url.partition("://")
        return rest.partition("/")[0].removesuffix(":443" if scheme == "https" else ":80")

    @property
    def content_type(self) -> str | None:
        """What the body says it is: the declared header, else what its encoding is; a multipart's has its boundary."""
        declared = next((value for name, value in self.headers.items() if name.lower() == "content-type"), None)
        if self.encoding == "multipart":
            return f"{declared or 'multipart/form-data'}; boundary={self.body.boundary}"
        return declared or _CONTENT_TYPES.get(self.encoding or "")

    @property
    def streamed(self) -> bool:
        """Whether a file is in the body, which is read only while it is sent: then there is no `content`."""
        held = [part.value for part in self.body.parts] if self.encoding == "multipart" else [self.body]
        return self.encoding in ("multipart", "bytes") and not all(isinstance(value, _IN_MEMORY) for value in held)

    @property
    def pieces(self) -> list[Any]:
        """What goes out, in order: bytes, and files as they were given; raises ValueError as `content` does."""
        match self.encoding:
            case None:
                return []
            case "json":
                return [json.dumps(self.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()]
            case "form":
                return [encode_query(self.body).encode()]
            case "xml":
                return [xml_text.document(self.body).encode()]
            case "text":
                return [self.body.encode()]
            case "multipart":
                return list(self.body.pieces())
            case "bytes":
                return [bytes(self.body) if isinstance(self.body, bytearray | memoryview) else self.body]

    @property
    def content(self) -> bytes | None:
        """The body as bytes; computed anew at each call, so that an attempt can be repeated.

        Raises ValueError where there is none: a file is in it (`streamed`), or what the encoding has no form for.
        """
        if self.arrived is not None:
            return self.arrived.content
        if self.encoding is None:
            return None
        pieces = self.pieces
        if not all(isinstance(piece, bytes) for piece in pieces):
            raise ValueError("there is a file in the body, which is read only while it is sent")
        return b"".join(pieces)

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url})"  # no query, headers or body: they hold credentials


class Spooled(Protocol):
    """A body that is too large for memory; whoever has it closes it."""

    size: int
    """In bytes."""

    @property
    def digest(self) -> bytes:
        """The same for the same bytes, and for no others."""

    def chunks(self) -> Iterator[bytes]:
        """The body from its start on, in pieces of bounded size."""

    def close(self) -> None:
        """Frees the room that it takes."""


class Response(Struct, frozen=True):
    """A whole answer: `content` is the body after content-encodings were undone."""

    status: int
    """Such as 200; RAISED for what an SDK raised."""
    headers: Headers
    """By name, whose case does not matter; `all(name)` gives each field of the name."""
    content: bytes
    """The body, after content-encodings were undone."""
    request: Request
    """What it is the answer to, as it was sent."""
    elapsed: float = 0.0
    """Seconds from sending to the last byte."""
    spool: Spooled | None = None
    """The body, where it is too large for memory and the request allows that; `content` is empty then."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.content) if self.spool is None else self.spool.size

    def __repr__(self) -> str:
        return f"Response({self.status}, {self.size} bytes, {self.request!r})"


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """`a=1&b=x%20y`: RFC 3986 percent-encoding, spaces as %20 (read as a space by every form parser)."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(text: str) -> str:
    return text if text.isalnum() and text.isascii() else quote(text, safe="~,:")


def origin(url: str) -> str:
    """Scheme, host and port of an absolute URL in lower case, the port always written: `https://a.example:443`.

    Raises ValueError where the URL is none: a port beyond 65535, a bracket that is not closed.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if port is None:
        port = {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://[{host}]:{port}" if ":" in host else f"{parts.scheme}://{host}:{port}"
