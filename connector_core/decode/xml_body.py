"""XML as JSON's types: an element is an object, a list where it is repeated, or its text."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from connector_core.address import BodyPath
from connector_core.decode.family import LIMIT, Decode, Stream, UndecodableError, run, too_large
from connector_core.decode.instead import html
from connector_core.decode.provider import text_of

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

__all__ = ["Xml"]

DEEPEST = 500
"""Elements in each other."""


class Xml(Decode):
    """XML (1.0), with the name of the outermost element first: `body.ListBucketResult.Contents`.

    Attributes are `@name`, a child that is repeated is a list, an element with nothing but text is that text, without
    the white space around it, and one with nothing at all is null. Beside attributes or children the text is `#text`.
    A DOCTYPE, and with it every entity of the document's own, is refused.

    Example: `decode: {type: xml, lists: [Contents]}`
    """

    shape = "any"
    unmistakable = True
    media = "application/xml"

    type: Literal["xml"] = "xml"
    lists: list[str] = []
    """Names that are always lists, also where there is but one such child."""
    prefixes: bool = False
    """Whether names keep their namespace's prefix, as in `soap:Body`, and its declarations stay as `@xmlns…`."""

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """The outermost element under its name."""
        tree = _Tree(self, ())
        run(tree, content)
        return tree.rest, None

    def stream(self, records: BodyPath) -> Callable[[], Stream] | None:
        """For elements that names alone lead to, below the outermost one."""
        keys = records.keys
        plain = records.plain and not any(key.startswith(("@", "#")) for key in keys)
        if len(keys) < 2 or not plain or not set(self.lists).isdisjoint(keys[:-1]):  # noqa: PLR2004 - root and record
            return None
        return partial(_Tree, self, keys)

    def write(self, body: Any, names: Sequence[str] = ()) -> bytes:  # noqa: ARG002 - not a table
        """As the standard library writes it."""
        from xml.etree import ElementTree as ET

        written: bytes = ET.tostring(_root(body), encoding="utf-8", xml_declaration=True)
        return written


class _Element:
    """An element that has not ended yet."""

    __slots__ = ("before", "children", "name", "texts")

    def __init__(self, name: str, children: dict[str, Any], before: int = 0) -> None:
        self.name, self.children, self.texts = name, children, list[str]()
        self.before = before  # what was held when it began

    def value(self) -> Any:
        text = "".join(self.texts).strip()
        if not self.children:
            return text or None
        if text:
            self.children["#text"] = text
        return self.children


class _Tree(Stream):
    """The tree as its elements end; those at `path` are handed out in place of being kept."""

    def __init__(self, kind: Xml, path: tuple[str, ...]) -> None:
        from xml.parsers import expat

        self._kind, self._path, self._lists = kind, list(path), frozenset(kind.lists)
        self._open: list[_Element] = [_Element("", {})]
        self._items: list[Any] = []
        self._head = b""
        self._fed = self._held = 0  # bytes that have come, and about so many of them that are kept
        self._first_is_null = False  # alone it is no record, as where `read` finds null
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, chunk: bytes) -> list[Any]:
        if len(self._head) < _LOOKED_AT:
            self._head += chunk[:_LOOKED_AT]
        self._fed += len(chunk)
        self._parse(chunk, final=False)
        if self._path and max(self._held, self._fed - self._parser.CurrentByteIndex) > LIMIT:
            raise too_large("what the body holds besides its records, or one of them,", LIMIT)
        items, self._items = self._items, []
        return items

    def close(self) -> list[Any]:
        self._parse(b"", final=True)
        self.rest = self._open[0].children
        return []

    def _parse(self, chunk: bytes, *, final: bool) -> None:
        from xml.parsers.expat import ExpatError

        try:
            self._parser.Parse(chunk, final)
        except UndecodableError:
            self._check_html()
            raise
        except (ExpatError, LookupError, ValueError) as error:
            self._check_html()
            raise UndecodableError(_what_it_is(self._head, error, final=final)) from None

    def _check_html(self) -> None:
        if page := html(self._head):
            raise UndecodableError(f"the body is {page}, where XML is expected") from None

    # ── what the parser meets ─────────────────────────────────────────────────────────────────────

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > DEEPEST:
            raise UndecodableError("the body is nested too deeply")
        if not self._kind.prefixes:
            name = name.rpartition(":")[2]
            attributes = _without_prefixes(attributes) if attributes else attributes
        if len(self._open) == 1 and name.lower() == "html":
            raise UndecodableError("the body is an HTML page, where XML is expected")
        depth = len(self._open)
        if depth < len(self._path) and name in self._open[-1].children and self._leads(name):
            raise UndecodableError(f"the body has a second {name}, so that its records cannot be read as they come")
        self._open.append(_Element(name, {f"@{key}": value for key, value in attributes.items()}, self._held))
        self._held += len(name) + sum(map(len, attributes.values())) + _MARKS

    def _end(self, name: str) -> None:
        element = self._open.pop()
        name, value, above = element.name, element.value(), self._open[-1].children
        if len(self._open) == len(self._path) and self._leads(name):
            self._held = element.before
            self._record(name, value, above)
        elif name not in above:
            above[name] = [value] if name in self._lists else value
        elif isinstance(above[name], list):
            above[name].append(value)
        else:
            above[name] = [above[name], value]

    def _leads(self, name: str) -> bool:
        """Whether an element of that name, here, is a record or leads to them."""
        names = [*(element.name for element in self._open[1:]), name]
        return names == self._path[: len(names)]

    def _record(self, name: str, value: Any, above: dict[str, Any]) -> None:
        if value is None and name not in above and name not in self._lists:
            above[name], self._first_is_null = None, True
            return
        if self._first_is_null:
            self._items.append(None)
            self._first_is_null = False
        above[name] = []
        self._items.append(value)

    def _text(self, text: str) -> None:
        texts = self._open[-1].texts
        if texts or not text.isspace():  # white space at its beginning is no part of a text
            texts.append(text)
            self._held += len(text)


_LOOKED_AT = 20_000
_MARKS = 10  # an element's own, and what its parent keeps
_BREAKS_OFF = frozenset({3, 5, 6, 20})  # no element, unclosed token, partial character, unclosed CDATA section


def _refuse_doctype(*_: Any) -> None:
    raise UndecodableError("the body has a DOCTYPE, which is refused: its entities could do harm")


def _without_prefixes(attributes: dict[str, str]) -> dict[str, str]:
    """Local names, without the declarations of namespaces; of two that become one, the one without a prefix is kept."""
    named = {key: value for key, value in attributes.items() if key != "xmlns" and not key.startswith("xmlns:")}
    return {key.rpartition(":")[2]: value for key, value in named.items()} | {
        key: value for key, value in named.items() if ":" not in key
    }


def _what_it_is(head: bytes, error: Exception, *, final: bool) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if not start:
        return "the body is empty, where XML is expected"
    if start in (b"{", b"["):
        return "the body is JSON, where XML is expected"
    code = getattr(error, "code", None)
    if start == b"<" and (code in _BREAKS_OFF if final else False):
        return "the body is XML that breaks off"
    if code is None or code == _UNKNOWN_ENCODING:
        return "the body is XML in an encoding that is not known here"
    return f"the body is not XML (line {getattr(error, 'lineno', 0)}, column {getattr(error, 'offset', 0) + 1})"


_UNKNOWN_ENCODING = 18


# ── the provider's side ───────────────────────────────────────────────────────────────────────────


def _root(body: Any) -> "ET.Element":
    if not isinstance(body, dict) or len(body) != 1:
        raise ValueError("decode: xml has one outermost element; records and all else stand below it, as body.a.item")
    [(name, value)] = body.items()
    if isinstance(value, list):
        raise ValueError(f"decode: xml has one outermost element, so no list stands at body.{name}")  # noqa: TRY004
    return _element(name, value)


def _element(name: str, value: Any) -> "ET.Element":
    from xml.etree import ElementTree as ET

    element = ET.Element(name)
    if not isinstance(value, dict):
        element.text = text_of(value)
        return element
    for key, inner in value.items():
        if key.startswith("@"):
            element.set(key[1:], text_of(inner))
        elif key == "#text":
            element.text = text_of(inner)
        else:
            element.extend(_element(key, item) for item in (inner if isinstance(inner, list) else [inner]))
    return element
